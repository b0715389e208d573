/*
 * Rows that were collected, and how they go: in steps under the lease, each row's dependents before
 * it. Who collects them (retention_run.c, retention_archive.c) fills the batch.
 */
#ifndef RETENTION_ROWS_H
#define RETENTION_ROWS_H

#include "retention.h"
#include "rowlist.h"

enum rows_seen { ROWS_SAME, ROWS_CHANGED, ROWS_GONE };

/* Asked within the hold. What it writes to the database is committed with the deletion, or not. */
struct rows_watch {
    enum status (*begin)(void *argument, struct error *error); /* of each hold */
    /* Whether a row of the batch still is what it was. */
    enum status (*look)(void *argument, size_t row, enum rows_seen *seen, struct error *error);
    /* A row was not deleted by us, and won't be. */
    enum status (*left)(void *argument, size_t row, struct error *error);
    /* Before the commit: so many rows of the batch are dealt with. */
    enum status (*end)(void *argument, size_t done, struct error *error);
    void *argument;
};

/* Those of a hold that is rolled back never were. */
struct rows_counts {
    int64_t removed; /* rows of the table */
    int64_t children;
    int64_t kept;    /* referred to by children that keep their parents */
    int64_t refused; /* a trigger or a constraint said no */
    int64_t changed; /* the watch said so */
    size_t done;     /* rows of the batch that are dealt with */
    int64_t tail;    /* of those that are no longer there, the ones at the scan's position */
};

struct rows {
    struct engine *engine;
    const struct retention_facts *facts;
    const struct rows_watch *watch; /* may be NULL */
    const char *condition;          /* further, SQL on a row `p`; may be NULL */
    struct rowlist batch;           /* of each row its time, its key, and what else one likes */
    size_t tie_start; /* rows of the batch from here on have the time at which the scan stands */
    sqlite3_stmt *eligible, *present, *delete;
    sqlite3_stmt **dependents;
    size_t dependent_count;
    int columns; /* of the key */
    struct rows_counts counts;
    char refusal[160]; /* what the first refusing trigger said */
};

/* Begins with the engine and the facts (and the watch, and the condition) alone. */
enum status rows_prepare(struct rows *rows, struct error *error) MUST_CHECK;
void rows_free(struct rows *rows);

/* One hold, from row `counts.done` of the batch on. Where it had to be rolled back, the same rows
 * are next again. */
enum status rows_step(struct rows *rows, struct error *error) MUST_CHECK;
/* Whether this run has removed all that it may. */
bool rows_full(const struct rows *rows);

/* What the counts come to. */
void rows_result(const struct rows *rows, struct retention_result *result);

#endif
