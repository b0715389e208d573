/* Rows of ours as a table for one statement of SQL: read from front to back, once. */
#ifndef ROWFEED_H
#define ROWFEED_H

#include <sqlite3.h>
#include <stdbool.h>

struct rowfeed {
    int columns;
    /* Goes to the next row; `*row` false at the end. A result code of SQLite's, which is that of
     * the statement if it is not SQLITE_OK. */
    int (*next)(void *argument, bool *row);
    void (*give)(void *argument, int column, sqlite3_context *value);
    void *argument;
};

/* Makes it known to this connection as a table of that name, whose columns are k1, k2 ... It is in
 * no schema. The feed must be there as long as the connection; a result code of SQLite's. */
int rowfeed_offer(sqlite3 *sql, const char *name, struct rowfeed *feed);

#endif
