/*
 * The run of optimize: ANALYZE of one index at a time, each a step of the lease. ANALYZE of a whole
 * table would be one hold, and would count the rows of one without indexes leaf by leaf, which
 * nothing interrupts; so of such a table the number of rows is written down by itself. Runs in a
 * worker.
 */
#include "task_optimize.h"

#include "event_check.h"
#include "task_engine.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTIMIZE_LIMIT = 400, /* entries of an index, as the policy has it unless it says otherwise */
    OPTIMIZE_LIMIT_LEAST = 50, /* fewer entries say little */
    OPTIMIZE_STAT4 = 0x800,
    OPTIMIZE_NAMED = 20, /* in the effect, of each sort ... */
    OPTIMIZE_TEXT = 256  /* ... in so many bytes: an event has to fit into a line */
};

struct optimize {
    struct engine *engine;
    struct optimize_facts *facts;
    int64_t limit; /* as the policy has it */
    int64_t set;   /* as the connection has it */
    int64_t done, refused, slow, stale;
    char why[256];          /* of the first refused */
    json_t *changes, *left; /* for the effect */
};

static enum status optimize_set_limit(struct optimize *run, int64_t limit, struct error *error)
{
    char sql[64];
    int64_t got = -1;

    if (run->set == limit)
        return STATUS_OK;
    snprintf(sql, sizeof sql, "PRAGMA analysis_limit=%" PRId64, limit);
    enum status status = database_integer(run->engine->database, sql, -1, &got, error);
    if (!status && got != limit)
        return error_set(error, STATUS_REFUSED,
                         "SQLite %s, which litekeeper runs with, has no analysis_limit, without "
                         "which ANALYZE reads all of an index: link 3.32.0 or newer",
                         sqlite3_libversion());
    if (!status)
        run->set = limit;
    return status;
}

/* --- inside a step ------------------------------------------------------------------------ */

/* With the item's table, name and rows as ?1, ?2 and ?3. */
static enum status optimize_execute(struct optimize *run, const char *sql,
                                    const struct statistics_item *item, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row;
    enum status status = database_prepare(run->engine->database, sql, &statement, error);

    if (!status) {
        sqlite3_bind_text(statement, 1, item->table, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, item->name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, item->entries);
        status = database_step(run->engine->database, statement, &row, error);
    }
    sqlite3_finalize(statement);
    return status;
}

/* The application may have dropped it since it was measured. */
static enum status optimize_is_there(struct optimize *run, const struct statistics_item *item,
                                     bool *there, struct error *error)
{
    sqlite3_stmt *ask = NULL;
    enum status status =
        database_prepare(run->engine->database,
                         "SELECT 1 FROM main.sqlite_master WHERE tbl_name = ?1 AND name = ?2", &ask,
                         error);

    if (!status) {
        sqlite3_bind_text(ask, 1, item->table, -1, SQLITE_STATIC);
        sqlite3_bind_text(ask, 2, item->name, -1, SQLITE_STATIC);
        status = database_step(run->engine->database, ask, there, error);
    }
    sqlite3_finalize(ask);
    return status;
}

static enum status optimize_note_count(struct optimize *run, const struct statistics_item *item,
                                       struct error *error)
{
    enum status status =
        optimize_execute(run, "DELETE FROM main.sqlite_stat1 WHERE tbl = ?1 AND idx IS NULL", item,
                         error);

    if (status || item->entries == 0)
        return status;
    return optimize_execute(run,
                            "INSERT INTO main.sqlite_stat1(tbl, idx, stat) VALUES(?1, NULL, ?3)",
                            item, error);
}

/* At a limit ANALYZE guesses the number of rows from one way down the tree, which is off by a
 * third easily. The page walker knows better. */
static enum status optimize_mend_count(struct optimize *run, const struct statistics_item *item,
                                       struct error *error)
{
    if (item->entries <= run->set)
        return STATUS_OK;
    return optimize_execute(run,
                            "UPDATE main.sqlite_stat1 SET stat = ?3 || substr(stat, instr(stat, "
                            "' ')) WHERE tbl = ?1 AND idx = ?2 AND instr(stat, ' ') > 0",
                            item, error);
}

/* ANALYZE of a table WITHOUT ROWID is of all its indexes. */
static enum status optimize_mend_counts(struct optimize *run, const struct statistics_item *item,
                                        struct error *error)
{
    const struct statistics *statistics = &run->facts->statistics;
    enum status status = STATUS_OK;

    if (item->kind != STATISTICS_KEY)
        return optimize_mend_count(run, item, error);
    for (size_t i = 0; i < statistics->count && !status; i++)
        if (strcmp(statistics->items[i].table, item->table) == 0)
            status = optimize_mend_count(run, &statistics->items[i], error);
    return status;
}

/* Newer libraries count all entries first, limit or not, and nothing interrupts that: 100 ms for
 * two million. Without STAT4 (its bit in SQLite's dbOptFlags) they guess as the older ones do, and
 * the number is mended afterwards. */
static enum status optimize_analyze(struct optimize *run, const char *name, struct error *error)
{
    sqlite3 *connection = database_sql(run->engine->database);
    struct text sql = {0};

    statistics_analyze_sql(name, &sql);
    sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, connection, OPTIMIZE_STAT4);
    enum status status = database_exec(run->engine->database, sql.bytes, error);
    sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, connection, 0);
    text_free(&sql);
    return status;
}

static enum status optimize_statement(struct optimize *run, const struct statistics_item *item,
                                      bool *there, struct error *error)
{
    enum status status = optimize_is_there(run, item, there, error);

    if (status || !*there)
        return status;
    if (item->kind == STATISTICS_COUNT)
        return optimize_note_count(run, item, error);
    status = optimize_analyze(run, item->name, error);
    return status ? status : optimize_mend_counts(run, item, error);
}

/* --- steps -------------------------------------------------------------------------------- */

/* One step that succeeds: what others keep from committing is done again, and what overruns with a
 * smaller limit, till it is too small; then `*there` is false. STATUS_REFUSED: it can't be done. */
static enum status optimize_step(struct optimize *run, const struct statistics_item *item,
                                 bool *there, struct error *error)
{
    struct lease *lease = run->engine->lease;

    for (int64_t limit = run->limit;;) {
        enum status status = optimize_set_limit(run, limit, error);
        if (status || (status = lease_begin(lease, error)))
            return status;
        if ((status = optimize_statement(run, item, there, error)) == STATUS_OK) {
            status = lease_end(lease, error);
            if (status != STATUS_BUSY)
                return status;
            continue;
        }
        if ((status = lease_failed(lease, status, true, error)))
            return status;
        if (limit / 4 < OPTIMIZE_LIMIT_LEAST) {
            run->slow++;
            *there = false;
            return STATUS_OK;
        }
        limit /= 4;
    }
}

/* SQLite makes the table itself, when the schema's own statistics are asked for; there are none. */
static enum status optimize_make_table(struct optimize *run, struct error *error)
{
    struct lease *lease = run->engine->lease;
    enum status status = STATUS_BUSY;

    while (!run->facts->statistics.table && status == STATUS_BUSY) {
        if ((status = lease_begin(lease, error)))
            return status;
        status = optimize_analyze(run, "sqlite_master", error);
        if (status == STATUS_OK)
            status = lease_end(lease, error);
        else if ((status = lease_failed(lease, status, false, error)) == STATUS_OK)
            status = STATUS_BUSY; /* it has overrun, and is done again */
    }
    return status == STATUS_BUSY ? STATUS_OK : status;
}

static void optimize_name(json_t *list, json_t *what)
{
    if (json_array_size(list) < OPTIMIZE_NAMED)
        json_array_append_new(list, what);
    else
        json_decref(what);
}

static json_t *optimize_text(const char *hostile)
{
    return event_check_text(hostile, strlen(hostile), OPTIMIZE_TEXT);
}

static void optimize_refused(struct optimize *run, const struct statistics_item *item,
                             const char *why)
{
    if (run->refused++ == 0)
        snprintf(run->why, sizeof run->why, "%.80s: %.160s", item->name, why);
    optimize_name(run->left, json_pack("{s:o, s:o}", "name", optimize_text(item->name), "why",
                                       optimize_text(why)));
}

static void optimize_done(struct optimize *run, const struct statistics_item *item)
{
    json_t *before = item->noted < 0 ? json_null() : json_integer(item->noted);

    run->done++;
    optimize_name(run->changes,
                  json_pack("{s:o, s:o, s:I}", "name", optimize_text(item->name), "rows_before",
                            before, "rows", (json_int_t)item->entries));
}

/* Skips what needs what the application alone has. */
static enum status optimize_item(struct optimize *run, const struct statistics_item *item,
                                 struct error *error)
{
    bool there = false;
    enum status status = STATUS_OK;

    if (item->lacks) {
        optimize_refused(run, item, item->lacks);
        return STATUS_OK;
    }
    status = optimize_step(run, item, &there, error);
    if (status == STATUS_REFUSED && database_lacks(error)) {
        optimize_refused(run, item, error->text);
        return STATUS_OK;
    }
    if (!status && there)
        optimize_done(run, item);
    return status;
}

static enum status optimize_items(struct optimize *run, struct error *error)
{
    const struct statistics *statistics = &run->facts->statistics;
    bool force = run->engine->job->force;
    enum status status = optimize_make_table(run, error);

    for (size_t i = 0; i < statistics->count && !status; i++) {
        const struct statistics_item *item = &statistics->items[i];
        if (item->samples || item->entries < 0 || (!force && !statistics_stale(item)))
            continue;
        status = optimize_item(run, item, error);
        engine_progress(run->engine, run->done, -1);
    }
    return status;
}

/* --- afterwards --------------------------------------------------------------------------- */

static enum status optimize_look(struct optimize *run, struct error *error)
{
    struct statistics *statistics = &run->facts->statistics;
    enum status status = statistics_reload(run->engine->database, statistics, error);

    for (size_t i = 0; i < statistics->count; i++)
        run->stale += !statistics->items[i].samples && !statistics->items[i].lacks &&
                      statistics_stale(&statistics->items[i]);
    return status;
}

static json_t *optimize_effect(const struct optimize *run)
{
    return json_pack("{s:I, s:I, s:O, s:O}", "statistics", (json_int_t)run->done, "stale",
                     (json_int_t)run->stale, "changes", run->changes, "left", run->left);
}

static void optimize_reason(const struct optimize *run, struct outcome *outcome)
{
    char count[TEXT_SHORT];
    struct text reason = {0};

    text_addf(&reason, "%s refreshed", text_counted(count, run->done, "index statistic"));
    if (run->refused)
        text_addf(&reason, "; %s not: %s", text_count(count, run->refused), run->why);
    if (run->slow)
        text_addf(&reason, "; %s not, since even %d entries took too long for max_lock",
                  text_count(count, run->slow), OPTIMIZE_LIMIT_LEAST);
    snprintf(outcome->reason, sizeof outcome->reason, "%s", reason.bytes);
    text_free(&reason);
}

enum status optimize_run(struct engine *engine, const void *options, void *facts,
                         struct outcome *outcome, struct error *error)
{
    const struct optimize_options *policy = options;
    struct optimize run = {.engine = engine,
                           .facts = facts,
                           .limit = policy->analysis_limit,
                           .changes = json_array(),
                           .left = json_array()};
    struct error ignored;

    enum status status = optimize_items(&run, error);
    if (optimize_look(&run, status ? &ignored : error) && !status)
        status = error->status;
    outcome->effect = optimize_effect(&run);
    json_decref(run.changes);
    json_decref(run.left);
    if (status)
        return status;
    if (!run.done && run.refused)
        return error_set(error, STATUS_REFUSED, "%s", run.why);
    optimize_reason(&run, outcome);
    return STATUS_OK;
}

/* --- one table ---------------------------------------------------------------------------- */

static enum status optimize_load(struct engine *engine, const char *table,
                                 struct statistics *statistics, struct error *error)
{
    double slice_ms = engine_slice_ms(engine);
    struct pages_limits limits = {.slice_ms = slice_ms,
                                  .gap_ms = slice_ms * 2,
                                  .only_table = table,
                                  .stopped = engine->job->host.stopped,
                                  .argument = engine->job->host.argument};
    struct pages_report report = {0};
    enum status status = pages_measure(database_sql(engine->database), &limits, &report, error);

    if (status)
        return status;
    status = statistics_load(engine->database, &report, statistics, error);
    pages_report_free(&report);
    return status ? status : statistics_try(engine->database, statistics, error);
}

enum status optimize_table(struct engine *engine, const char *table, struct error *error)
{
    struct optimize_facts facts = {0};
    struct optimize run = {.engine = engine,
                           .facts = &facts,
                           .limit = OPTIMIZE_LIMIT,
                           .changes = json_array(),
                           .left = json_array()};
    enum status status = optimize_load(engine, table, &facts.statistics, error);

    if (!status)
        status = optimize_items(&run, error);
    json_decref(run.changes);
    json_decref(run.left);
    statistics_free(&facts.statistics);
    return status;
}
