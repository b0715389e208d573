/* The bench's figures and the tables that it prints of them. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "text.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* All numbers, so that a median is the median of each; NAN is none. */
struct bench_figures {
    double seconds, rate; /* rows a second */
    double hold_p99_ms, hold_max_ms;
    double p50_ms, p99_ms, p999_ms, max_ms; /* of the application's writes, of the worst writer */
    double errors;
    double wal_mb;                        /* the largest that the -wal file was */
    double size_mb;                       /* of the file, in the end */
    double memory_mb;                     /* that a process of it took at most */
    double archive_mb;                    /* that was added to the archive, ... */
    double archive_share;                 /* ... percent of what the file gave back */
    double export_rate;                   /* rows a second, on their way to the archive */
    double fragmented_before, fragmented; /* percent of the steps from leaf to leaf */
    double filled_before, filled;         /* percent of the leaves */
    double seconds_share, rate_share;     /* percent of what it is compared with, ... */
    double max_share, size_share;         /* ... and these, too */
};

struct bench_column {
    const char *title; /* as wide as its values */
    size_t offset;     /* in the figures */
    int decimals;
};

/* From an outcome event and the application's report; either may be NULL. */
void bench_figures_fill(struct bench_figures *figures, const json_t *outcome, const json_t *report,
                        int64_t wal_bytes);
/* Of each figure the median, but the largest of errors. Sorts nothing of the caller's. */
struct bench_figures bench_figures_median(const struct bench_figures *runs, size_t count);
void bench_figures_compare(struct bench_figures *figures, const struct bench_figures *with);

/* Columns end with a NULL title. */
void bench_table_begin(struct text *table, const struct bench_column *columns);
void bench_table_row(struct text *table, const struct bench_column *columns, const char *journal,
                     const char *beside, const char *by, const struct bench_figures *figures);

#endif
