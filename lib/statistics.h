/*
 * The planner's statistics (fileformat2.html#stat1tab), each held against the b-tree that it is
 * about: what is missing, and what has become untrue. It only reads.
 */
#ifndef STATISTICS_H
#define STATISTICS_H

#include "database.h"
#include "error.h"
#include "pages.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What there is a row of statistics for, and hence what ANALYZE is told. */
enum statistics_kind {
    STATISTICS_INDEX, /* an index of its own */
    STATISTICS_KEY,   /* a table WITHOUT ROWID: by its primary key */
    STATISTICS_COUNT  /* a table without an index of all its rows: their number alone */
};

struct statistics_item {
    char *name, *table; /* of an index and its table; else both the table's */
    enum statistics_kind kind;
    int64_t noted;   /* rows by the statistics; -1: it has none */
    int64_t entries; /* rows that there are, measured; -1: its b-tree is damaged */
    bool coarse;     /* measured by a few leaves of many */
    char *lacks;     /* the function or collation that ANALYZE would need; NULL: none */
    bool samples;    /* the table has samples in sqlite_stat4, which ANALYZE would drop */
};

struct statistics {
    struct statistics_item *items;
    size_t count;
    bool table; /* there is a sqlite_stat1 */
};

/* `report` is of the whole database. Zero-initialised they are empty; free with statistics_free. */
enum status statistics_load(struct database *database, const struct pages_report *report,
                            struct statistics *statistics, struct error *error) MUST_CHECK;
/* Finds out `lacks` for all that are stale. */
enum status statistics_try(struct database *database, struct statistics *statistics,
                           struct error *error) MUST_CHECK;
/* Appends ANALYZE of that table or index. */
void statistics_analyze_sql(const char *name, struct text *sql);
/* Reads `noted` anew. */
enum status statistics_reload(struct database *database, struct statistics *statistics,
                              struct error *error) MUST_CHECK;
void statistics_free(struct statistics *statistics); /* what they hold, not the struct */

/* Pure. Whether it lacks statistics or has such as are no longer true: off by STATISTICS_SLACK rows
 * and a quarter, or by half where the measurement is coarse. The planner reckons with logarithms of
 * rows, for which less makes no difference. */
enum { STATISTICS_SLACK = 50 };
bool statistics_stale(const struct statistics_item *item);

#endif
