/*
 * The bench: contenders that do the same by turns, each on a fresh copy of one database with the
 * same application beside it. What contends is data (bench_contests.c).
 */
#ifndef BENCH_H
#define BENCH_H

#include "bench_table.h"

#include <stdbool.h>
#include <stdint.h>

/* Who has the database open beside. */
struct bench_beside {
    const char *name;
    int writers;
    bool idle; /* they write nothing until they are woken, once */
};

enum { BENCH_BYTES = 31 /* of an index, a row: between the largest of `logs` and the next */ };

struct bench_contest {
    const char *by;
    const char *sql;           /* today's way: one statement; or ... */
    const char *task, *target; /* ... litekeeper's, as `run` takes them; neither: nobody contends */
    const char *policy;        /* of that task, a line; "@" is BENCH_BYTES times the rows, "$" the
                                * folder for what it writes */
    int max_lock_ms;
    int writers_least, writers_most; /* beside, that it is for; 0: any number */
    bool base;                       /* those that follow are compared with it */
    const char *btree;               /* whose order is looked at; "": everyone's, NULL: none's */
    bool pipe;                       /* `sql` is a SELECT for bench_pipe */
    const char *max_wal;             /* NULL: any */
};

struct bench_section {
    const char *name, *title;
    int64_t rows;                         /* if nothing else is wished for */
    const char *const *seed;              /* what the database is made with; ends with NULL */
    const struct bench_beside *besides;   /* ends with a NULL name */
    const struct bench_contest *contests; /* ends with a NULL `by` */
    const struct bench_column *columns;
};

extern const struct bench_section bench_sections[]; /* ends with a NULL name */

/* Where everything is. */
struct bench {
    char *self, *litekeeper, *application, *seeder; /* programs */
    char *folder, *log, *original, *copy, *policy, *written;
    int64_t rows, repeat;
};

/* One contender, once. */
struct bench_figures bench_run(const struct bench *bench, const char *journal,
                               const struct bench_beside *beside,
                               const struct bench_contest *contest);

/* Be what people do today to export the rows of a SELECT; as the programs do, prints an outcome. */
int bench_pipe(const char *path, const char *select);

#endif
