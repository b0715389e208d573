/*
 * Where rows that leave for an archive come from, in slices that nobody notices: those of a table
 * in the order of their age, as a scan has them (retention_source.c), or those of a table that
 * refers to it, in the order of the age of what they refer to (retention_follow.c).
 */
#ifndef RETENTION_SOURCE_H
#define RETENTION_SOURCE_H

#include "retention.h"

struct source;

/* Gets each row: its columns from number `first` of the statement on, and the time that it goes by.
 * Returning false ends the slice after this row. */
typedef bool source_row(void *argument, sqlite3_stmt *row, int first, int64_t time_us);

struct source_kind {
    enum status (*slice)(struct source *source, source_row *each, void *argument, double until_ms,
                         bool *more, struct error *error);
    void (*close)(struct source *source);
};

/* Each kind's struct begins with it. */
struct source {
    const struct source_kind *kind;
    int64_t given;  /* rows, so far */
    int64_t tie;    /* from this one on they have the time at which the scan stands */
    int64_t others; /* values that are no time in the column's format */
};

/* The rows that go by the facts: first their time and their key, then `columns` (SQL; NULL: none).
 * With a partition those of one folder come together, even where no index gives rows by age: then
 * it is `year`. */
enum status source_by_age(struct engine *engine, const struct retention_facts *facts, int partition,
                          const char *columns, struct source **source,
                          struct error *error) MUST_CHECK;
void source_close(struct source *source); /* safe on NULL */

/* Reads on, till that time (clock_monotonic_ms). `*more` is false when the end was reached. */
enum status source_slice(struct source *source, source_row *each, void *argument, double until_ms,
                         bool *more, struct error *error) MUST_CHECK;
/* So many rows at the position of a scan by age, which were given, are gone since. */
void source_forget(struct source *source, int64_t gone);

#endif
