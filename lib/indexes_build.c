/*
 * Builds what is missing: online, or by a plain CREATE INDEX in the window where that can't be; and
 * has the planner know of it. Runs in a worker, as the file's owner, in the file's folder.
 */
#include "indexes.h"

#include "clock.h"
#include "engine_online.h"
#include "engine_whole.h"
#include "memory.h"
#include "task_engine.h"
#include "task_optimize.h"

#include <stdlib.h>
#include <string.h>

enum { INDEXES_ENTRY_BYTES = 60 /* of a new index, a guess */ };

static void build_done(struct indexes_run *run, const struct indexes_item *item, bool online,
                       int64_t rows, double seconds)
{
    run->built++;
    run->rows += rows > 0 ? rows : 0;
    run->seconds += seconds;
    text_addf(&run->names, "%s%s", run->names.length ? ", " : "", item->def.name);
    indexes_effect_add(run->effect, "built",
                       json_pack("{s:o, s:o, s:b, s:I, s:f}", "name",
                                 indexes_effect_text(item->def.name), "table",
                                 indexes_effect_text(item->def.table), "online", online, "rows",
                                 (json_int_t)rows, "seconds", seconds));
}

/* Rows that have the same key are for the policy's author to know, not for a log's reader alone. */
static enum status build_failed(struct indexes_run *run, const struct indexes_item *item,
                                enum status status, const struct rebuild_result *result,
                                const struct error *error)
{
    struct error violated;

    if (!result->violating[0] && !strstr(error->text, "have the same key"))
        return indexes_problem(run, item->def.name, status, error);
    error_set(&violated, STATUS_FAILED, "rows of %.100s have the same key: %.300s", item->def.table,
              result->violating[0] ? result->violating : "too fast to be told");
    run->violating = result->violating;
    status = indexes_problem(run, item->def.name, STATUS_FAILED, &violated);
    run->violating = NULL;
    return status;
}

static enum status build_online(struct indexes_run *run, const struct indexes_item *item,
                                struct error *error)
{
    struct engine *engine = run->engine;
    struct rebuild_limits limits = engine_online_limits(engine);
    struct rebuild_result result;
    double begin_ms = clock_monotonic_ms();
    enum status status = engine_online_clean(engine, error);

    if (status)
        return status;
    status =
        rebuild_create(engine->database, engine->lease, item->def.sql, &limits, &result, error);
    engine_online_tell(engine, item->def.name, &result);
    engine_online_note(run->effect, item->def.name, &result);
    if (result.exchanged)
        build_done(run, item, true, result.entries, (clock_monotonic_ms() - begin_ms) / 1e3);
    return status ? build_failed(run, item, status, &result, error) : STATUS_OK;
}

static enum status build_whole(struct indexes_run *run, const struct indexes_item *item,
                               bool windowed, struct error *error)
{
    sqlite3 *connection = database_sql(run->engine->database);
    const struct engine_whole whole = {.sql = item->def.sql,
                                       .what = "CREATE INDEX",
                                       .bytes = item->rows * INDEXES_ENTRY_BYTES,
                                       .windowed = windowed};
    int lax = 0;

    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, -1, &lax);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    enum status status = engine_whole(run->engine, &whole, error);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, lax, NULL);
    return status;
}

static enum status build_offline(struct indexes_run *run, const struct indexes_item *item,
                                 struct error *error)
{
    double begin_ms = clock_monotonic_ms();
    bool windowed = false;

    if (indexes_late(run, indexes_build_seconds(item), &windowed))
        return STATUS_OK;
    enum status status = build_whole(run, item, windowed, error);
    if (status)
        return indexes_problem(run, item->def.name, status, error);
    build_done(run, item, false, item->rows, (clock_monotonic_ms() - begin_ms) / 1e3);
    return STATUS_OK;
}

/* --- statistics --------------------------------------------------------------------------- */

/* Of the table's other indexes, too, where they have none: beside one that is known to find 500
 * rows the planner would take any of which it knows nothing, and thinks that it finds 10. */
static enum status build_analyze(struct indexes_run *run, const char *table, struct error *error)
{
    enum status status = optimize_table(run->engine, table, error);

    if (status == STATUS_BUSY || status == STATUS_CANCELLED || !status)
        return status;
    engine_notice(run->engine, "no statistics were made of %s: %s", table, error->text);
    return STATUS_OK;
}

/* Each table once, though more than one index of it was built. */
static enum status build_analyze_all(struct indexes_run *run, const bool *built,
                                     struct error *error)
{
    const struct indexes_item *items = run->facts->items;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < run->facts->count && !status; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again =
                again || (built[j] && sqlite3_stricmp(items[j].def.table, items[i].def.table) == 0);
        if (built[i] && !again)
            status = build_analyze(run, items[i].def.table, error);
    }
    return status;
}

/* --- all of them -------------------------------------------------------------------------- */

static enum status build_one(struct indexes_run *run, const struct indexes_item *item,
                             struct error *error)
{
    struct error why;

    if (item->state == INDEXES_ONLINE)
        return build_online(run, item, error);
    if (item->state == INDEXES_OFFLINE)
        return build_offline(run, item, error);
    if (item->state == INDEXES_THERE)
        return STATUS_OK;
    error_set(&why, STATUS_FAILED, "%s", item->why);
    return indexes_problem(run, item->def.name, STATUS_FAILED, &why);
}

/* Those that keep nobody waiting come first. */
enum status indexes_build(struct indexes_run *run, struct error *error)
{
    static const enum indexes_state order[] = {INDEXES_WRONG, INDEXES_ONLINE, INDEXES_OFFLINE};
    const struct indexes_facts *facts = run->facts;
    bool *built = memory_zeroed(facts->count + 1, sizeof *built);
    enum status status = STATUS_OK;

    for (size_t state = 0; state < sizeof order / sizeof *order; state++)
        for (size_t i = 0; i < facts->count && !status; i++) {
            int64_t before = run->built;
            if (facts->items[i].state != order[state])
                continue;
            status = build_one(run, &facts->items[i], error);
            built[i] = run->built > before;
        }
    if (!status)
        status = build_analyze_all(run, built, error);
    free(built);
    return status;
}
