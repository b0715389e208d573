/*
 * The parts of vacuum: what is measured (vacuum_measure.c, vacuum_space.c), which way free pages
 * go back to the file system and whether that is worth it (vacuum_decide.c, pure), and the three
 * ways: in steps (vacuum_steps.c), by a full VACUUM (vacuum_full.c), and by compaction of the file
 * while the application writes (vacuum_online.c, vacuum_care.h). task_vacuum.c is the room that
 * they are entered from.
 */
#ifndef VACUUM_H
#define VACUUM_H

#include "outcome.h"
#include "task.h"
#include "task_engine.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

enum vacuum_mode { VACUUM_AUTO, VACUUM_INCREMENTAL, VACUUM_FULL, VACUUM_ONLINE };

/* Before pages are edited: whether there is a copy to go back to. */
enum vacuum_backup { BACKUP_REQUIRED, BACKUP_NONE };

extern const struct option_choice vacuum_backups[];

struct vacuum_options {
    struct task_common common;
    double free_above;
    int64_t free_bytes_above;
    int mode; /* enum vacuum_mode */
    bool convert;
    bool renumber_rowids;
    bool order;           /* mode: online puts the pages into key order, too */
    double density_below; /* mode: online merges leaves filled less, where two fit on a page */
    int backup;           /* enum vacuum_backup */
    bool replicated;      /* mode: online may edit what a replicator replicates */
};

/* PRAGMA auto_vacuum. */
enum vacuum_kept { KEPT_NONE, KEPT_FULL, KEPT_INCREMENTAL };

/* What may be written before the disk is full, root's reserve left alone. */
struct vacuum_space {
    int64_t beside;  /* bytes, beside the database ... */
    int64_t temp;    /* ... and in the folder for the temporary file */
    bool same;       /* both are one file system: one number, twice */
    int64_t memory;  /* bytes that the way may take; -1: any */
    char wrong[320]; /* with that folder; "" if nothing is */
};

/* What the last run of the task tells. */
struct vacuum_past {
    double write_rate; /* bytes a second of a full VACUUM; 0: it was none */
    int64_t written;   /* bytes, by it */
    double pages_rate; /* pages a second given back in steps; 0: it did not */
    int64_t sound_us;  /* when this file was last found sound, by whichever task; 0: never */
};

struct vacuum_facts {
    bool wal;
    int64_t page_size, pages, free_pages;
    int kept;               /* enum vacuum_kept */
    const char *replicator; /* NULL: none */
    int64_t renumbered;     /* tables whose rowids a full VACUUM may change */
    struct text names;      /* of some of them, for people */
    struct vacuum_space space;
    struct vacuum_past past;
    double busy_s, limit_s; /* busy_timeout; what the task may take, 0: any */
    int64_t copy_bytes;     /* of what a run of mode: online has left, its mark too; 0: nothing */
};

enum vacuum_way {
    WAY_NONE,  /* this file and these options leave none */
    WAY_STEPS, /* incremental, under the lease */
    WAY_WHOLE, /* a full VACUUM, in the window */
    WAY_ONLINE /* pages move, under the lease */
};

/* --- pure: vacuum_decide.c ---------------------------------------------------------------- */

/* The way that it would go, worth it or not. */
enum vacuum_way vacuum_way(const struct vacuum_options *options, const struct vacuum_facts *facts);
/* Whether a full VACUUM is to turn auto_vacuum from NONE to INCREMENTAL. */
bool vacuum_converts(const struct vacuum_options *options, const struct vacuum_facts *facts);
/* Whether the thresholds are passed, or the conversion asks for it. */
bool vacuum_worth(const struct vacuum_options *options, const struct vacuum_facts *facts);
/* A guard: whether something forbids it, whatever it would be worth; `why` gets the reason. */
bool vacuum_obstacle(const struct vacuum_options *options, const struct vacuum_facts *facts,
                     struct text *why);
/* What the file will have: a VACUUM packs the pages, so this is the most. Bytes. */
int64_t vacuum_new_bytes(const struct vacuum_facts *facts);
/* What a full VACUUM writes for so large a new file: a temporary file, the WAL or the journal, and
 * the file itself. Bytes. */
int64_t vacuum_written(int64_t new_bytes);
/* What so many bytes need on a disk that is not to be filled to the brim. */
int64_t vacuum_with_margin(int64_t bytes);
void vacuum_decide(const void *options, const void *facts, int64_t now_us,
                   struct decision *decision);

/* Something that may forbid it: whether it does; `why` gets the reason. */
typedef bool vacuum_forbids(const struct vacuum_options *options, const struct vacuum_facts *facts,
                            struct text *why);

/* Of mode: online (vacuum_decide_online.c), for the above. */
vacuum_forbids vacuum_obstacle_online;
double vacuum_seconds_online(const struct vacuum_options *options,
                             const struct vacuum_facts *facts);

/* --- measuring ---------------------------------------------------------------------------- */

enum status vacuum_measure(struct engine *engine, const void *options, void **facts,
                           struct error *error) MUST_CHECK;
void vacuum_free_facts(void *facts);
/* The sizes alone, once more. */
enum status vacuum_measure_pages(struct database *database, struct vacuum_facts *facts,
                                 struct error *error) MUST_CHECK;
/* The sizes, and what that way has to know of the file's surroundings. */
enum status vacuum_measure_file(struct engine *engine, const struct vacuum_options *options,
                                struct vacuum_facts *facts, struct error *error) MUST_CHECK;
/* STATUS_REFUSED where something forbids that way, worth it or not. */
enum status vacuum_permit(struct engine *engine, const struct vacuum_options *options,
                          const struct vacuum_facts *facts, struct error *error) MUST_CHECK;
/* What there is of room, as the user that this process is. `temp` is the policy's folder; NULL:
 * beside the database. */
void vacuum_space_measure(const char *temp, struct vacuum_space *space);
/* The same for a copy that SQLite makes beside the database. */
void vacuum_space_measure_copy(struct vacuum_space *space);

/* --- acting ------------------------------------------------------------------------------- */

/* Gives pages back in steps that the application does not notice; `*given` counts them, on
 * failure too. */
enum status vacuum_steps(struct engine *engine, int64_t most, int64_t *given,
                         struct error *error) MUST_CHECK;
/* A full VACUUM: one hold of the lock, to its end. */
enum status vacuum_full(struct engine *engine, bool convert, struct error *error) MUST_CHECK;
/* What forbids to edit the file's pages, beside what vacuum_obstacle says: the library, the header.
 */
enum status vacuum_online_guard(struct engine *engine, struct error *error) MUST_CHECK;
/* Checks the file, compacts it in steps, and checks it again; where that is not worth it and not
 * forced, it is here for what an earlier run has left. `*found`, a new object, is what the
 * effect has of it, on failure too if anything was changed; else NULL. `said` gets what the reason
 * has. Leaves the engine with another connection. */
enum status vacuum_online(struct engine *engine, const struct vacuum_options *options,
                          const struct vacuum_facts *facts, json_t **found, struct text *said,
                          struct error *error) MUST_CHECK;

/* --- before and after pages were edited: vacuum_online_check.c, vacuum_online_rows.c -------- */

struct vacuum_table {
    char *name;
    int64_t rows;
    uint64_t digest; /* of all values, rowids included, in the order of the keys */
};

/* What a look at all of the file has found. Zero-initialised it is none. */
struct vacuum_check {
    struct vacuum_table *tables; /* by name */
    size_t count;
    double fragmentation; /* of all b-trees, a share of their leaves */
};

/* Each reads all of the file; in rollback-journal mode nobody can write meanwhile, but for the last
 * one, which lets writers in now and then. */

/* integrity_check. STATUS_REFUSED: the file is not sound, or that can't be found out; and why. */
enum status vacuum_check_integrity(struct database *database, struct error *error) MUST_CHECK;
/* The rows of all tables; in the caller's transaction, if that is to be one snapshot. */
enum status vacuum_check_rows(struct database *database, struct vacuum_check *check,
                              struct error *error) MUST_CHECK;
enum status vacuum_check_order(struct engine *engine, struct database *reading,
                               struct vacuum_check *check, struct error *error) MUST_CHECK;

/* Whether both have the same tables with the same rows; else `why` says what `after` lacks. */
bool vacuum_check_same(const struct vacuum_check *before, const struct vacuum_check *after,
                       struct text *why);
void vacuum_check_free(struct vacuum_check *check); /* what it holds, not the struct */

#endif
