/*
 * What `inspect` says, as events: one "btree" a b-tree, then one "inspection" with the rest. The
 * command makes its one object of them. Names from the file are made fit for JSON and a terminal.
 */
#ifndef INSPECTION_H
#define INSPECTION_H

#include "error.h"
#include "pages.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdint.h>

/* What a look at a database finds besides its pages. */
struct inspection {
    const char *path;                 /* as the operator knows it; borrowed */
    const struct pages_report *pages; /* borrowed */
    int64_t wal_bytes;                /* size of the -wal file, 0 where there is none */
    char journal_mode[16];            /* "wal", "delete", ... */
    int library;                      /* the version of the SQLite that looks */
};

/* Asks `db` for all but `path` and `pages`. No transaction need be open. */
enum status inspection_look(sqlite3 *db, struct inspection *inspection,
                            struct error *error) MUST_CHECK;

/* New references, the caller's. */
json_t *inspection_btree(const struct pages_btree *btree);
json_t *inspection_summary(const struct inspection *inspection);

#endif
