/* Random databases for the tests of the page walker, each from a seed that is printed. */
#ifndef LIB_RANDOMDB_H
#define LIB_RANDOMDB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* From the environment's SEED, else from the clock; printed. */
uint64_t randomdb_seed(const char *test);
/* 0 to below - 1. */
int64_t randomdb_number(uint64_t *random, int64_t below);

/* Whether there is another round: there are `wanted` of them, and if that is not fewer than usual,
 * up to RANDOMDB_PATIENCE more till what they are there for was `met`. */
enum { RANDOMDB_PATIENCE = 20 };
bool randomdb_another(int done, int wanted, int usual, bool met);

struct randomdb_kind {
    int page_size;
    int auto_vacuum;     /* 0, 1, 2 */
    int reserved;        /* bytes at each page's end */
    const char *journal; /* "wal", "delete", ... */
    int rows;            /* inserted into each table, about */
};

/* A new folder under $TMPDIR; its path and those in it are good until randomdb_clean. */
const char *randomdb_folder(void);
const char *randomdb_path(const char *name);
void randomdb_clean(void);

/* Opens, as the worker does: no mmap, no automatic checkpoint, 5 s of patience. */
sqlite3 *randomdb_open(const char *path);
/* Runs SQL that must not fail; on failure the test does. */
void randomdb_sql(sqlite3 *db, const char *sql);
int64_t randomdb_value(sqlite3 *db, const char *sql);

/* Makes a database of that kind at `path`: tables with and without rowid, indexes, overflow,
 * deletes. In WAL mode its last transactions are only in the log; the connection stays open, so
 * that they stay there. */
sqlite3 *randomdb_make(const char *path, const struct randomdb_kind *kind, uint64_t *random);
/* Further random transactions. */
void randomdb_change(sqlite3 *db, int rows, uint64_t *random);

#endif
