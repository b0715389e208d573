/*
 * Single pages of a live database, as one snapshot has them, read through SQLite's own file
 * handles, so that no descriptor is opened or closed (closing one would drop SQLite's locks). It
 * owns the read transaction; in rollback-journal mode, where a read keeps writers out, it works in
 * slices. It never writes.
 */
#ifndef PAGEFILE_H
#define PAGEFILE_H

#include "error.h"
#include "fileheader.h"
#include "walindex.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct pagefile_pace {
    double slice_ms, gap_ms;         /* see pages.h */
    bool (*stopped)(void *argument); /* may be NULL */
    void *argument;
};

/* Zero-initialised it is closed. */
struct pagefile {
    sqlite3 *db;
    struct pagefile_pace pace;
    struct fileheader header; /* as of this slice; zeroes where `pages` is 0 */
    uint32_t pages;           /* of the snapshot; 0: an empty file */
    bool wal;
    int64_t reads;      /* pages read so far */
    int64_t changes;    /* how often someone wrote between two slices */
    bool schema_change; /* pagefile_breathe failed since one changed the schema */
    bool open;
    /* The rest is pagefile's own. */
    double slice_began;
    struct walindex snapshot;
    bool log; /* the snapshot needs the log, not the database file alone */
};

/* Begins the read transaction and reads page 1's header. STATUS_REFUSED: it is no database that
 * can be believed, and why; STATUS_BUSY: locked for too long. `db` has no transaction open. */
enum status pagefile_open(struct pagefile *file, sqlite3 *db, const struct pagefile_pace *pace,
                          struct error *error) MUST_CHECK;
void pagefile_close(struct pagefile *file); /* ends the transaction; safe on a closed one */

/* Reads a whole page into `bytes` (header.page_size of them). STATUS_INVALID: it isn't there. */
enum status pagefile_read(struct pagefile *file, uint32_t page, unsigned char *bytes,
                          struct error *error) MUST_CHECK;

/* To be called between reads. STATUS_CANCELLED when told to stop. In rollback-journal mode, when
 * the slice is over, lets writers in and begins the next; where one has written meanwhile,
 * `changes` goes up, and nothing that was read before need hold any more. STATUS_BUSY with
 * `schema_change`: begin anew. */
enum status pagefile_breathe(struct pagefile *file, struct error *error) MUST_CHECK;

/* What a failure of `db` means for someone who only reads. */
enum status pagefile_failure(sqlite3 *db, const char *what, struct error *error);

/* What a query of one number gives; -1: nothing. */
int64_t pagefile_number(sqlite3 *db, const char *sql);

#endif
