/* What is known of versions of SQLite, by their number (3.40.1 is 3040001). */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdbool.h>

/* Whether a checkpoint by this version may lose committed data when it overlaps a commit that
 * begins the log anew (sqlite.org/wal.html#the_wal_reset_bug): 3.7.0 to 3.51.2, but for the
 * repaired 3.44.6 and 3.50.7 and what follows these in their series. */
bool library_has_wal_reset_bug(int version);

/* "3.40.1", written into `buffer` (of LIBRARY_VERSION bytes) and returned. */
enum { LIBRARY_VERSION = 32 };
char *library_version(char *buffer, int version);

#endif
