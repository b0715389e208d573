/* The page walker held against dbstat, SQLite's own reading of every page. */
#ifndef LIB_DBSTAT_H
#define LIB_DBSTAT_H

#include "pages.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

enum { DBSTAT_TREES = 16 };

/* Which leaves the walk named, and how the comparison went. Zero-initialised. */
struct dbstat {
    struct dbstat_leaves {
        uint32_t *pages;
        size_t count, room;
    } trees[DBSTAT_TREES];
    int compared;
    int estimates, far_off; /* overflow pages by sample; beyond the half-width */
};

/* One slice is enough. */
extern const struct pages_limits dbstat_patient;

/* Measures a database of lib_randomdb.h and asserts, inside the same read transaction, that counts,
 * depth and the order of leaves are dbstat's, and so is all else where every leaf was read. */
void dbstat_compare(sqlite3 *db, struct dbstat *dbstat);

#endif
