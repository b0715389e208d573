/*
 * Indexes built and rebuilt while the application writes: a copy grows beside the index in short
 * steps, triggers note which rows change meanwhile, and when the copy is found to be right the two
 * change places in one short transaction. Whatever goes wrong, the old index stays.
 */
#ifndef REBUILD_H
#define REBUILD_H

#include "database.h"
#include "error.h"
#include "lease.h"

#include <stdbool.h>
#include <stdint.h>

/* What is checked after the exchange, in one read transaction, without the lock. */
enum rebuild_check {
    REBUILD_CHECK_INDEX, /* the index: its pages, its order, its entries against the table's rows */
    REBUILD_CHECK_TABLE, /* SQLite's integrity_check of the table and all its indexes; takes longer
                            than the whole rebuild */
    REBUILD_CHECK_NONE
};

struct rebuild_limits {
    double max_lock_ms; /* the lease's; reading in rollback-journal mode takes half of it at once */
    double lease_s;     /* the triggers note for so long after our last word; 0: the usual 60 */
    const char *temp;   /* the folder where a new index is sorted; NULL: SQLite's own choice */
    bool window_open;   /* the check afterwards may keep writers waiting (rollback-journal mode) */
    enum rebuild_check check;
    void (*progress)(void *argument, int64_t entries, int64_t total); /* NULL: nobody asks */
    void *argument;
};

enum { REBUILD_WORDS = 1024 };

/* What became of it, as far as it came. */
struct rebuild_result {
    int64_t entries;  /* copied */
    int64_t settled;  /* rows that changed meanwhile and were looked at again */
    int64_t compared; /* entries that were compared before the exchange */
    double copy_s, compare_s, check_s, drop_s;
    bool exchanged;
    bool checked;                  /* the check was made afterwards ... */
    char found[REBUILD_WORDS];     /* ... and this is what it found; "" nothing */
    bool repaired;                 /* that was about this index, and a plain REINDEX was made */
    bool scattered;                /* it had to use free pages, which may be in disorder */
    bool left;                     /* something stays for rebuild_clean */
    char violating[REBUILD_WORDS]; /* keys of which a unique index would have several rows */
};

/* Whether the index can be rebuilt so; only reads. STATUS_REFUSED: why not. */
enum status rebuild_possible(struct database *database, const char *index,
                             struct error *error) MUST_CHECK;

/* Rebuilds an index. No leftovers may be there (rebuild_clean), and no transaction be open.
 * STATUS_REFUSED: it can't be done online; STATUS_CANCELLED: told to stop, or the schema changed;
 * STATUS_BUSY: as of the lease. The result is filled in whatever comes out. */
enum status rebuild_index(struct database *database, struct lease *lease, const char *index,
                          const struct rebuild_limits *limits, struct rebuild_result *result,
                          struct error *error) MUST_CHECK;

/* Whether the index of this CREATE INDEX statement can be built so; only reads. STATUS_REFUSED: why
 * not. */
enum status rebuild_create_possible(struct database *database, const char *sql,
                                    struct error *error) MUST_CHECK;

/* Builds the index that this CREATE INDEX statement describes. STATUS_REFUSED too where the data
 * violates a unique one: see result->violating. */
enum status rebuild_create(struct database *database, struct lease *lease, const char *sql,
                           const struct rebuild_limits *limits, struct rebuild_result *result,
                           struct error *error) MUST_CHECK;

/* Whether an index can be dropped so; only reads. STATUS_REFUSED: why not. */
enum status rebuild_retire_possible(struct database *database, const char *index,
                                    struct error *error) MUST_CHECK;
/* Drops an index, in steps; for the application it is gone with the first. STATUS_REFUSED: it is
 * UNIQUE, or needs a collation that litekeeper lacks; with the latter a DROP INDEX will do.
 * `result->exchanged`: it is gone, whatever comes out. */
enum status rebuild_retire(struct database *database, struct lease *lease, const char *index,
                           const struct rebuild_limits *limits, struct rebuild_result *result,
                           struct error *error) MUST_CHECK;

/* Whether a run that was killed has left something behind; only reads. */
enum status rebuild_leftovers(struct database *database, bool *found,
                              struct error *error) MUST_CHECK;
/* Removes it, in steps. */
enum status rebuild_clean(struct database *database, struct lease *lease,
                          const struct rebuild_limits *limits, struct error *error) MUST_CHECK;

#endif
