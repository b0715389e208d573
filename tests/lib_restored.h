/* An archive, put back into the table that it came from. */
#ifndef LIB_RESTORED_H
#define LIB_RESTORED_H

#include <sqlite3.h>

/* Inserts the rows of all segments in the folder's "cold", each of which must be done. Returns how
 * many more files there are than segments and their manifests. */
int restored_all(sqlite3 *db);

#endif
