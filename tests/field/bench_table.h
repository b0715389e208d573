/* The bench's figures and the table that it prints of them. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands for a contender where it is not retention with a max_lock, in ms. */
enum { BENCH_ALONE = -1, BENCH_DELETE = 0 };

/* Who has the database open beside. */
struct bench_beside {
    const char *name;
    int writers;
    bool idle; /* they write nothing until they are woken, once */
};

/* All numbers, so that a median is the median of each. */
struct bench_figures {
    double seconds, rows;
    double hold_p99_ms, hold_max_ms;
    double p50_ms, p99_ms, p999_ms, max_ms; /* of the application's writes, of the worst writer */
    double errors;
    double wal_bytes; /* the largest that the -wal file was */
};

struct bench_table {
    struct text text;
    struct bench_figures one_delete; /* of the company that the rows below it are in */
};

/* From an outcome event and the application's report, which may be NULL. */
void bench_figures_fill(struct bench_figures *figures, const json_t *outcome, const json_t *report,
                        int64_t wal_bytes);
/* Of each figure the median, but the largest of errors. Sorts nothing of the caller's. */
struct bench_figures bench_figures_median(const struct bench_figures *runs, size_t count);

void bench_table_begin(struct bench_table *table, const char *title, int64_t repeat);
/* The contender's name, in a buffer of TEXT_SHORT bytes. */
const char *bench_by(char *buffer, int max_lock_ms);
/* A row; BENCH_DELETE's is what the next rows are compared with. */
void bench_table_row(struct bench_table *table, const char *journal,
                     const struct bench_beside *beside, int max_lock_ms,
                     const struct bench_figures *figures);
/* Prints it and writes it to `path`. */
void bench_table_end(struct bench_table *table, const char *path);

#endif
