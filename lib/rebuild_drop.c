/*
 * Takes away what a rebuild, finished or not, has left: the triggers at once, tables in steps, for
 * a DROP frees all pages of a table in one go. So entries are deleted until a DROP is short. In
 * the copy's place it is the old index that goes, after an exchange.
 */
#include "rebuild_inside.h"

#include "clock.h"
#include "memory.h"
#include "pace.h"
#include "pages.h"

#include <stdlib.h>
#include <string.h>

enum { DROP_TRIES = 10 /* while others change the schema */ };

static const double drop_page_ms = 0.015, drop_share = 0.4; /* of max_lock, for a DROP */
static const double drop_stopped_ms = 2000; /* what cleaning up may take once we should stop */

/* In the order in which they go. */
static const char *const drop_tables[] = {REBUILD_NOTES, REBUILD_FILLED, REBUILD_COPY};

struct drop {
    const char *table;
    struct shrink *shrink;
    int64_t pages, entries; /* that it has, about */
    int64_t at_once;        /* pages that a DROP may free */
    bool gone;
};

static bool drop_ignored(void *argument)
{
    (void)argument;
    return false;
}

/* Where it can't be measured, all entries are deleted before the DROP. */
static void drop_measure(struct rebuild *rebuild, struct drop *drop)
{
    double slice_ms = rebuild_slice_ms(rebuild);
    struct pages_limits limits = {.slice_ms = slice_ms,
                                  .gap_ms = pace_busy_step(slice_ms),
                                  .only_table = drop->table,
                                  .stopped = drop_ignored};
    struct pages_report report;
    struct error ignored;

    drop->pages = drop->entries = INT32_MAX;
    drop->at_once = (int64_t)(rebuild->limits->max_lock_ms * drop_share / drop_page_ms);
    if (pages_measure(database_sql(rebuild->database), &limits, &report, &ignored))
        return;
    for (size_t i = 0; i < report.btree_count; i++)
        if (strcmp(report.btrees[i].name, drop->table) == 0 && !report.btrees[i].error) {
            drop->pages = report.btrees[i].bytes / (int64_t)report.page_size;
            drop->entries = report.btrees[i].entries;
        }
    pages_report_free(&report);
}

/* What is left of it, by the share of its entries that is. */
static void drop_note(struct drop *drop, int64_t deleted, bool last)
{
    if (last || deleted >= drop->entries) {
        drop->pages = last ? 0 : 1;
        drop->entries = last ? 0 : 1;
        return;
    }
    double left = (double)(drop->entries - deleted) / (double)drop->entries;
    drop->pages = (int64_t)((double)drop->pages * left) + 1;
    drop->entries -= deleted;
}

static enum status drop_shrink(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct drop *drop = argument;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && drop->pages > drop->at_once) {
        double begin = clock_monotonic_ms();
        int64_t deleted = 0;
        bool last = false;
        status = shrink_some(rebuild, drop->shrink, &deleted, &last, error);
        if (status == STATUS_OK) {
            drop_note(drop, deleted, last);
            rebuild_size_batch(rebuild, clock_monotonic_ms() - begin);
        }
        if (lease_spent(rebuild->lease))
            break;
    }
    return status;
}

static enum status drop_table(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct drop *drop = argument;
    char *sql = memory_format("DROP TABLE IF EXISTS %s", drop->table);
    enum status status = database_exec(rebuild->database, sql, error);

    free(sql);
    return status;
}

/* A step that is rolled back leaves the table larger than we think, which does no harm. */
static enum status drop_step(struct rebuild *rebuild, struct drop *drop, struct error *error)
{
    enum status status = STATUS_OK;
    bool done = false;

    if (drop->pages > drop->at_once) {
        if (!drop->shrink)
            status = shrink_open(rebuild, drop->table, &drop->shrink, error);
        return status ? status : rebuild_plain_step(rebuild, drop_shrink, drop, &done, error);
    }
    shrink_close(drop->shrink); /* an open statement would forbid the DROP */
    drop->shrink = NULL;
    rebuild_imposters_end(rebuild);
    status = rebuild_plain_step(rebuild, drop_table, drop, &done, error);
    drop->gone = done;
    if (status == STATUS_OK && !done) { /* it took too long */
        drop->at_once = drop->pages / 4;
        drop->pages = drop->entries ? drop->pages : 0;
    }
    return status;
}

/* --- all of them -------------------------------------------------------------------------- */

static enum status drop_there(struct rebuild *rebuild, const char *name, bool *there,
                              struct error *error)
{
    char *sql =
        memory_format("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '%s'", name);
    int64_t found = 0;
    enum status status = database_integer(rebuild->database, sql, 0, &found, error);

    *there = found;
    free(sql);
    return status;
}

/* Whether it is time to stop all the same. */
static enum status drop_ask(struct rebuild *rebuild, double begin_ms, struct error *error)
{
    const struct engine_host *host = database_host(rebuild->database);

    if (!host->stopped(host->argument) || clock_monotonic_ms() - begin_ms < drop_stopped_ms)
        return STATUS_OK;
    return error_set(error, STATUS_CANCELLED,
                     "stopped; what is left of the work is removed at the next start");
}

static enum status drop_one(struct rebuild *rebuild, const char *table, double begin_ms,
                            struct error *error)
{
    struct drop drop = {.table = table};
    int tries = DROP_TRIES;
    bool there = false;
    enum status status = drop_there(rebuild, table, &there, error);

    if (status || !there)
        return status;
    drop_measure(rebuild, &drop);
    while (!drop.gone && (status = drop_ask(rebuild, begin_ms, error)) == STATUS_OK) {
        status = drop_step(rebuild, &drop, error);
        if (status == STATUS_CANCELLED && --tries > 0) { /* the schema was changed: as it is now */
            shrink_close(drop.shrink);
            drop.shrink = NULL;
            status = drop_there(rebuild, table, &there, error);
            drop.gone = status == STATUS_OK && !there;
        }
        if (status)
            break;
    }
    shrink_close(drop.shrink);
    rebuild_imposters_end(rebuild);
    return status;
}

static enum status drop_uninstall(struct rebuild *rebuild, void *argument, struct error *error)
{
    (void)argument;
    return rebuild_uninstall(rebuild, error);
}

static enum status drop_triggers(struct rebuild *rebuild, struct error *error)
{
    int64_t there = 0;
    bool done = false;
    enum status status =
        database_integer(rebuild->database,
                         "SELECT count(*) FROM sqlite_master WHERE name = '" REBUILD_LEASE "'"
                         " OR (type = 'trigger' AND name LIKE '\\_litekeeper\\_%' ESCAPE '\\')",
                         0, &there, error);

    while (status == STATUS_OK && there && !done)
        status = rebuild_plain_step(rebuild, drop_uninstall, NULL, &done, error);
    return status;
}

/* Runs on for a while when we should stop: it is better not to leave triggers behind. */
enum status rebuild_drop(struct rebuild *rebuild, struct error *error)
{
    struct rebuild rest = {.database = rebuild->database,
                           .lease = rebuild->lease,
                           .limits = rebuild->limits,
                           .result = rebuild->result,
                           .batch = REBUILD_BATCH};
    double begin = clock_monotonic_ms();

    database_persist(rebuild->database, true);
    enum status status = drop_triggers(&rest, error);
    for (size_t i = 0; status == STATUS_OK && i < sizeof drop_tables / sizeof *drop_tables; i++)
        status = drop_one(&rest, drop_tables[i], begin, error);
    database_persist(rebuild->database, false);
    shape_free(&rest.shape);
    rebuild->result->left = status != STATUS_OK;
    rebuild->result->drop_s = (clock_monotonic_ms() - begin) / 1e3;
    return status;
}
