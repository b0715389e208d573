/* What was before and what is after, as a table. */
#include "demo.h"
#include "log.h"
#include "sql.h"
#include "stamp.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { LARGE = 8 << 20 };

static int64_t table_past(sqlite3 *db, int64_t cutoff_us)
{
    sqlite3_stmt *count = sql_prepare(db, "SELECT count(*) FROM logs WHERE timestamp < ?");

    stamp_bind(count, 1, stamp_find("iso"), cutoff_us);
    if (sqlite3_step(count) != SQLITE_ROW)
        log_fatal("logs can't be counted: %s", sqlite3_errmsg(db));
    int64_t past = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    return past;
}

void demo_look(const struct demo *demo, struct demo_state *state)
{
    const char *const argv[] = {demo->litekeeper, "inspect", "--json", demo->database, NULL};
    int status;
    sqlite3 *db = sql_open(demo->database, SQLITE_OPEN_READWRITE);

    state->rows = sql_number(db, "SELECT count(*) FROM logs");
    state->past = table_past(db, demo->cutoff_us);
    sqlite3_close(db);
    state->size = stage_size(demo->database, "");
    state->inspection = stage_run(argv, demo->log, NULL, &status);
    if (status || !state->inspection)
        log_fatal("inspect failed with %d; %s says why", status, demo->log);
}

/* --- the database -------------------------------------------------------------------------- */

static void table_row(const char *what, const char *before, const char *after)
{
    printf("  %-38s %17s %17s\n", what, before, after);
}

static const char *table_free(const struct demo_state *state, char *text)
{
    const json_t *x = state->inspection;

    snprintf(text, TEXT_SHORT, "%.1f %%",
             100 * stage_number(x, NULL, "free_pages") / stage_number(x, NULL, "pages"));
    return text;
}

static const json_t *table_find(const json_t *inspection, const char *name)
{
    json_t *btree;
    size_t i;

    json_array_foreach (json_object_get(inspection, "btrees"), i, btree) {
        const char *is = json_string_value(json_object_get(btree, "name"));
        if (is && !strcmp(is, name))
            return btree;
    }
    return NULL;
}

static void table_btree(const char *name, const json_t *before, const json_t *after)
{
    char fragmentation[TEXT_SHORT], density[TEXT_SHORT];

    snprintf(fragmentation, sizeof fragmentation, "%5.1f -> %5.1f %%",
             100 * stage_number(before, NULL, "fragmentation"),
             100 * stage_number(after, NULL, "fragmentation"));
    snprintf(density, sizeof density, "%5.1f -> %5.1f %%",
             100 * stage_number(before, NULL, "density"),
             100 * stage_number(after, NULL, "density"));
    table_row(name, fragmentation, density);
}

static void table_btrees(const json_t *before, const json_t *after)
{
    json_t *btree;
    size_t i;

    puts("");
    table_row("b-trees of 8 MiB and more", "fragmentation", "density");
    json_array_foreach (json_object_get(before, "btrees"), i, btree) {
        const char *name = json_string_value(json_object_get(btree, "name"));
        const json_t *now = table_find(after, name);
        if (now && stage_number(btree, NULL, "bytes") >= LARGE)
            table_btree(name, btree, now);
    }
}

void demo_print_states(const struct demo_state *before, const struct demo_state *after)
{
    char a[TEXT_SHORT], b[TEXT_SHORT];

    puts("");
    table_row("the database", "before", "after");
    table_row("logs older than 90 days", text_count(a, before->past), text_count(b, after->past));
    table_row("logs", text_count(a, before->rows), text_count(b, after->rows));
    table_row("file", text_bytes(a, before->size), text_bytes(b, after->size));
    table_row("free pages", table_free(before, a), table_free(after, b));
    table_btrees(before->inspection, after->inspection);
}

/* --- the application ----------------------------------------------------------------------- */

static void table_latency(const char *what, const char *key, json_t *const reports[3])
{
    static const struct {
        const char *key, *name;
    } figures[] = {{"p50_ms", "p50"}, {"p99_ms", "p99"}, {"max_ms", "max"}};
    char name[TEXT_SHORT], number[TEXT_SHORT];

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        snprintf(name, sizeof name, "%s, %s", what, figures[i].name);
        printf("  %-38s", name);
        for (size_t j = 0; j < 3; j++)
            printf(" %8.2f ms", stage_number(reports[j], key, figures[i].key));
        puts("");
    }
    snprintf(name, sizeof name, "%s, errors", what);
    printf("  %-38s", name);
    for (size_t j = 0; j < 3; j++)
        printf(" %11s", text_count(number, stage_errors(json_object_get(reports[j], key))));
    puts("");
}

void demo_print_latencies(json_t *const reports[3])
{
    printf("\n  %-38s %11s %11s %11s\n", "the application", "alone", "by day", "in window");
    table_latency("write", "writes", reports);
    table_latency("read", "reads", reports);
}
