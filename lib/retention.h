/*
 * The parts of retention: what is measured (retention_measure.c, retention_sample.c), the moment
 * before which rows go (retention_cutoff.c), and the deletion itself (retention_run.c,
 * retention_rows.c), where the policy says so after an archive was written (retention_archive.c).
 * task_retention.c is the room that they are entered from.
 */
#ifndef RETENTION_H
#define RETENTION_H

#include "outcome.h"
#include "referrers.h"
#include "table.h"
#include "task_engine.h"
#include "task_retention.h"
#include "timestamp.h"

#include <stdbool.h>
#include <stdint.h>

struct retention_holds;
struct zone;

struct retention_facts {
    struct table table;
    struct referrers *referrers;
    struct timestamp_rules rules;
    struct zone *zone;

    bool by_age;       /* an index or the key gives the rows by age */
    int64_t rows;      /* in the table; -1 where nothing in the policy needs the number */
    double row_bytes;  /* mean, overflow included; -1 unknown */
    int64_t newest_us; /* of the sampled rows; -1 if there are none */
    int64_t oldest_us;
    int64_t old; /* rows older than `keep`; -1 where only a scan of the table can tell */
    bool old_exact;

    int64_t beyond;    /* further rows beyond max_rows or max_size, by their number */
    int64_t most;      /* may go in this run; -1: no limit */
    int64_t cutoff_us; /* rows before it go ... */
    bool by_keep;      /* it is `keep` ago */
    int64_t ties;      /* ... and so many of those exactly at it */
    bool capped;       /* max_delete has moved it back */
    bool unfinished;   /* a segment of the archive was left so by a run that was ended */
    int64_t expired;   /* segments of the archive beyond keep_archives, ... */
    int64_t expired_bytes;

    struct retention_holds *holds; /* NULL: nothing is held */
    int64_t held;                  /* rows that are; no other number counts them */
    int64_t held_since_us;
};

enum status retention_measure(struct engine *engine, const void *options, void **facts,
                              struct error *error) MUST_CHECK;
void retention_free_facts(void *facts);
void retention_decide(const void *options, const void *facts, int64_t now_us,
                      struct decision *decision);
enum status retention_run(struct engine *engine, const void *options, void *facts,
                          struct outcome *outcome, struct error *error) MUST_CHECK;

/* retention_holds.c: what the history says is held. STATUS_FAILED: it can't say, and rows of the
 * archive may have been put back. */
enum status retention_load_holds(const struct engine *engine,
                                 const struct retention_options *options,
                                 struct retention_facts *facts, struct error *error) MUST_CHECK;
void retention_free_holds(struct retention_holds *holds); /* safe on NULL */
/* Whether a row with that time is held. */
bool retention_held(const struct retention_facts *facts, sqlite3_value *value);
/* Counts those that are, and takes them off the table's rows. */
enum status retention_count_held(struct engine *engine, struct retention_facts *facts,
                                 struct error *error) MUST_CHECK;

/* Whether the policy allows what becomes of the rows that refer to those that go: STATUS_REFUSED
 * says what it doesn't. */
enum status retention_check_children(const struct retention_options *options,
                                     const struct retention_facts *facts,
                                     struct error *error) MUST_CHECK;

/* Foreign keys and triggers can forbid every DELETE; SQLite says so when it compiles one. */
enum status retention_check_delete(struct database *database, const struct table *table,
                                   struct error *error) MUST_CHECK;

/* `keep` ago; the beginning of time where the policy has no `keep`. */
int64_t retention_keep_us(const struct retention_options *options, int64_t now_us);

/* Sets `beyond`, `most`, `cutoff_us` and `ties` from what was measured. */
enum status retention_find_cutoff(struct engine *engine, const struct retention_options *options,
                                  struct retention_facts *facts, struct error *error) MUST_CHECK;

/* Values of the time column, NULLs left out. Begins with times of -1. */
struct retention_sample {
    int64_t now_us; /* rows of the future are not counted as the newest */
    int64_t sampled;
    int64_t counts[FORMAT_COUNT];
    int64_t read;                 /* of these, in the known format ... */
    int64_t old;                  /* ... and before the cut-off */
    int64_t newest_us, oldest_us; /* of those read */
};

/* Adds rows from the ends of the key and of the index; with `rules` NULL the format alone. */
enum status retention_sample_ends(struct database *database, const struct retention_facts *facts,
                                  const struct timestamp_rules *rules, int64_t cutoff_us,
                                  struct retention_sample *sample, struct error *error) MUST_CHECK;
/* Adds rows at even distances between the smallest and the largest key, where that is a number. */
enum status retention_sample_across(struct database *database, const struct table *table,
                                    const struct timestamp_rules *rules, int64_t cutoff_us,
                                    struct retention_sample *sample,
                                    struct error *error) MUST_CHECK;

/* What a run did. */
struct retention_result {
    int64_t removed, children; /* rows of the table, and of those that went before them */
    int64_t kept;              /* referred to by children that keep their parents */
    int64_t refused;           /* by a trigger or a constraint, which said `refusal` */
    int64_t changed;           /* by others while they were archived */
    char refusal[160];
    int64_t others; /* rows whose value is no time in the column's format */
    int64_t past;   /* rows still past the cut-off; -1 not known */

    int64_t segments, archive_bytes;                  /* files that were added to the archive */
    int64_t archives_removed, archives_removed_bytes; /* ... and that went by keep_archives */
    double export_seconds; /* that reading and writing them took, without reading back */

    int64_t children_changed, children_refused; /* of what is archived before the table's rows */
    char children_refusal[160];
};

/* Counts what is left past the cut-off and in other formats. */
enum status retention_measure_effect(struct engine *engine, const struct retention_facts *facts,
                                     struct retention_result *result,
                                     struct error *error) MUST_CHECK;
/* Puts the result into words and numbers. */
void retention_report(const struct retention_options *options, const struct retention_facts *facts,
                      const struct retention_result *result, struct outcome *outcome);

/* Appends an SQL condition on the time column, such as an index can serve: from the format's least
 * value up to all that may be before `before_us`. */
void retention_between(const struct retention_facts *facts, int64_t before_us,
                       struct text *condition);

struct scan;
/* Opens a scan of the rows between the literal `from` (NULL: the format's least) and all that may
 * be before `before_us` (by age), or of all (by key). */
enum status retention_scan(struct engine *engine, const struct retention_facts *facts,
                           const char *from, int64_t before_us, struct scan **scan,
                           struct error *error) MUST_CHECK;

/* The same of all that may go, with further columns (scan_open_columns). */
enum status retention_scan_columns(struct engine *engine, const struct retention_facts *facts,
                                   const char *columns, struct scan **scan,
                                   struct error *error) MUST_CHECK;

/* A reading of the times of all rows before a moment (by age), or of all (by key), in slices that
 * nobody notices. */
struct retention_walk {
    const char *from;  /* an SQL literal at which to begin (by age); NULL: at the oldest */
    int64_t before_us; /* by age: where to end */
    bool (*each)(void *argument, int64_t latest_us); /* gets every row; false: enough */
    void *argument;
    int64_t others; /* counts the rows whose value is no time in the format; NULLs left out */
    int64_t held;   /* counts those that are held, which `each` doesn't get */
};

enum status retention_walk(struct engine *engine, const struct retention_facts *facts,
                           struct retention_walk *walk, struct error *error) MUST_CHECK;

struct scan_range;
/* The number of rows in a range (by age), or of all (NULL), counted in the same manner. */
enum status retention_count(struct engine *engine, const struct retention_facts *facts,
                            const struct scan_range *range, int64_t *rows,
                            struct error *error) MUST_CHECK;

#endif
