/*
 * The wal-index, read through SQLite's own mapping of the -shm file (walformat.html): how far the
 * log has grown, how much of it is checkpointed, how often anyone has committed.
 */
#ifndef WALINDEX_H
#define WALINDEX_H

#include "error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { WALINDEX_MARKS = 5 };

struct walindex {
    uint32_t max_frame;  /* valid frames in the log */
    uint32_t backfilled; /* of these, copied to the database file */
    uint32_t changes;    /* goes up by one with every transaction that anyone commits */
    uint32_t pages;      /* of the database, after the last commit */
    uint32_t page_size;
    uint32_t marks[WALINDEX_MARKS]; /* the frames that readers hold on to; see walformat.html */
    unsigned char header[48];       /* as it is there, to see whether anything has changed */
};

/* Reads a consistent header. STATUS_REFUSED: no WAL mode, no -shm, or of a version not known;
 * STATUS_BUSY: writers kept changing it. Holds no lock and never waits. */
enum status walindex_read(sqlite3 *db, struct walindex *index, struct error *error) MUST_CHECK;

/* A new table, the caller's to free: for pages 1 to `pages` the newest frame up to
 * `index->max_frame` that has it, 0 where the database file has it. Entry 0 is not used. Call it
 * inside the read transaction whose snapshot `index` is. */
enum status walindex_frames(sqlite3 *db, const struct walindex *index, uint32_t pages,
                            uint32_t **frames, struct error *error) MUST_CHECK;

#endif
