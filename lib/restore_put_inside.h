/* A way of putting rows, for restore_put_open.c, which makes it, and restore_put.c, which uses it.
 */
#ifndef RESTORE_PUT_INSIDE_H
#define RESTORE_PUT_INSIDE_H

#include "restore_put.h"

struct restore_put {
    const struct restore_target *target;
    const struct archive_columns *columns;
    size_t *written, written_count; /* columns of the archive */
    size_t *key, key_count;
    size_t *computed, computed_count;
    size_t hidden; /* 1: the first that is written is the rowid, which no column shows */
    bool declared; /* the key is the table's primary key, not the rowid */
    sqlite3_stmt *insert, *insert_anew; /* the second without the rowid */
    sqlite3_stmt *find, *find_rowid;    /* what is written but for the rowid, by key and by rowid */
    sqlite3_stmt *find_computed;
    char refusal[200];
};

#endif
