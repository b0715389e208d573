/*
 * The wal-index, read through SQLite's own mapping of the -shm file (walformat.html): how far the
 * log has grown, how much of it is checkpointed, how often anyone has committed, and which frame
 * of the log has a page. It never writes to it and takes none of its locks.
 */
#ifndef WALINDEX_H
#define WALINDEX_H

#include "error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { WALINDEX_MARKS = 5, WALINDEX_HEADER = 48 };

struct walindex {
    uint32_t max_frame;  /* valid frames in the log */
    uint32_t backfilled; /* of these, copied to the database file */
    uint32_t changes;    /* goes up by one with every transaction that anyone commits */
    uint32_t pages;      /* of the database, after the last commit */
    uint32_t page_size;
    uint32_t marks[WALINDEX_MARKS]; /* the frames that readers hold on to; see walformat.html */
    unsigned char salts[8];         /* of the log's generation: every valid frame bears them */
    unsigned char header[WALINDEX_HEADER]; /* as it is there, to see whether anything changed */
};

/* Whether `db`, as of its last transaction, is in WAL mode. */
bool walindex_in_use(sqlite3 *db);

/* Reads a consistent header: `backfilled` and the marks were read while it stood. STATUS_REFUSED:
 * no WAL mode, no -shm, or of a version not known; STATUS_BUSY: writers kept changing it. Holds no
 * lock and does not wait (but for SQLite's first reading of the schema, if `db` is new). */
enum status walindex_read(sqlite3 *db, struct walindex *index, struct error *error) MUST_CHECK;
/* The same of a connection that has a snapshot in WAL mode. It runs no SQL, so it may be asked amid
 * a read of that connection's (readwatch.h). */
enum status walindex_look(sqlite3 *db, struct walindex *index, struct error *error) MUST_CHECK;

/* The newest frame up to `index->max_frame` that has `page`, 0 where the database file has it.
 * Call it inside the read transaction whose snapshot `index` is. STATUS_INVALID: the wal-index is
 * damaged. */
enum status walindex_frame(sqlite3 *db, const struct walindex *index, uint32_t page,
                           uint32_t *frame, struct error *error) MUST_CHECK;

/* Calls `take` for the page of each frame behind `after`, up to `index->max_frame`: what was
 * written since. Under the write lock, where `index` is the last commit's. STATUS_INVALID: the
 * wal-index is damaged. */
enum status walindex_written(sqlite3 *db, const struct walindex *index, uint32_t after,
                             void (*take)(void *argument, uint32_t page), void *argument,
                             struct error *error) MUST_CHECK;

#endif
