/* The five queries of config/demo.yaml, before and after their indexes. */
#include "queries.h"

#include "config.h"
#include "indexes.h"
#include "latency.h"
#include "log.h"
#include "sql.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 9 };

const struct query_promise query_promises[QUERIES] = {
    {"a user's worklogs of 30 days", "1,200 ms", "150 ms", "idx_worklogs_user_range"},
    {"an instance's worklogs of 30 days", "2,800 ms", "350 ms", "idx_worklogs_instance_range"},
    {"teams and how many members they have", "50-200 ms", "as before", NULL},
    {"billable hours by rate", "1-5 s", "300-800 ms", "idx_billing_rates_lookup"},
    {"an employee's absences of a year", "100-500 ms", "10-50 ms",
     "idx_factorial_leaves_company_status"},
};

static const struct indexes_options *queries_find(const struct config *config)
{
    for (size_t i = 0; i < config->databases[0].task_count; i++)
        if (strcmp(config->databases[0].tasks[i].kind->name, "indexes") == 0)
            return config->databases[0].tasks[i].options;
    return NULL;
}

const struct option_texts *queries_load(const char *policy)
{
    struct config *config = NULL;
    struct config_errors errors = {0};

    if (config_load(policy, &config, &errors))
        log_fatal("%s", errors.lines[0]);
    const struct indexes_options *options = queries_find(config);
    if (!options || options->watch.count != QUERIES)
        log_fatal("%s: it does not watch the %d queries that are known here", policy, QUERIES);
    return &options->watch;
}

static char *queries_plan(sqlite3 *db, const char *sql)
{
    struct text explain = {0}, plan = {0};

    text_addf(&explain, "EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *lines = sql_prepare(db, explain.bytes);
    while (sqlite3_step(lines) == SQLITE_ROW)
        text_addf(&plan, "%s%s", plan.length ? "; " : "",
                  (const char *)sqlite3_column_text(lines, 3));
    sqlite3_finalize(lines);
    text_free(&explain);
    return text_take(&plan);
}

static double queries_once(sqlite3_stmt *query)
{
    double begin = latency_clock_ms();

    while (sqlite3_step(query) == SQLITE_ROW)
        continue;
    if (sqlite3_reset(query) != SQLITE_OK)
        log_fatal("a query failed: %s", sqlite3_errmsg(sqlite3_db_handle(query)));
    return latency_clock_ms() - begin;
}

static int queries_order(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double queries_median(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *query = sql_prepare(db, sql);
    double took[RUNS];

    queries_once(query);
    for (int i = 0; i < RUNS; i++)
        took[i] = queries_once(query);
    sqlite3_finalize(query);
    qsort(took, RUNS, sizeof *took, queries_order);
    return took[RUNS / 2];
}

void queries_measure(const char *database, const struct option_texts *queries,
                     struct query_figures figures[QUERIES])
{
    sqlite3 *db = sql_open(database, SQLITE_OPEN_READWRITE);

    for (size_t i = 0; i < QUERIES; i++)
        figures[i] = (struct query_figures){.plan = queries_plan(db, queries->items[i]),
                                            .ms = queries_median(db, queries->items[i])};
    sqlite3_close(db);
}

/* The index of the first line of the plan that is not in the other one; else nothing. */
static void queries_print_line(const char *word, const char *plan, const char *other)
{
    for (const char *line = plan; line;) {
        const char *end = strstr(line, "; ");
        int length = end ? (int)(end - line) : (int)strlen(line);
        struct text alone = {0};
        text_add_length(&alone, line, (size_t)length);
        bool both = strstr(other, alone.bytes);
        const char *index = strstr(alone.bytes, "INDEX ");
        if (!both)
            printf("    %-3s %s\n", word, index ? index + strlen("INDEX ") : alone.bytes);
        text_free(&alone);
        line = end && both ? end + 2 : NULL;
    }
}

void queries_print(const struct query_figures before[QUERIES],
                   const struct query_figures after[QUERIES])
{
    printf("\n  %-38s %11s %11s   %24s\n", "its five queries", "before", "after",
           "what its owners expected");
    for (int i = 0; i < QUERIES; i++) {
        printf("  %-38s %8.2f ms %8.2f ms   %11s %11s\n", query_promises[i].name, before[i].ms,
               after[i].ms, query_promises[i].before, query_promises[i].after);
        queries_print_line("was", before[i].plan, after[i].plan);
        queries_print_line("is", after[i].plan, before[i].plan);
    }
}

bool queries_kept(const struct query_figures after[QUERIES])
{
    for (int i = 0; i < QUERIES; i++)
        if (query_promises[i].index && !strstr(after[i].plan, query_promises[i].index))
            return false;
    return true;
}
