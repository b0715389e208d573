/*
 * What reindex must know: of each index its size, fragmentation and density, what REINDEX would
 * make of its order, and whether it can be done at all, and online. One look of the page walker. In
 * a worker.
 */
#include "reindex.h"

#include "memory.h"
#include "pages.h"
#include "pages_watch.h"
#include "rebuild.h"
#include "refill.h"
#include "task_engine.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* The forecasts of all b-trees, one after the other as they are walked. */
struct reindex_watch {
    struct refill refill;
    uint32_t page_size;
    size_t tree;       /* that is walked */
    double *forecasts; /* by the b-tree's place in the report */
    size_t room;
};

static void reindex_next_tree(struct reindex_watch *watch, size_t tree)
{
    if (watch->tree >= watch->room) {
        size_t room = watch->tree * 2 + 16;
        watch->forecasts = memory_resize(watch->forecasts, room, sizeof *watch->forecasts);
        for (size_t i = watch->room; i < room; i++)
            watch->forecasts[i] = 0;
        watch->room = room;
    }
    watch->forecasts[watch->tree] = refill_conclude(&watch->refill);
    watch->tree = tree;
}

static void reindex_on_leaf(void *argument, size_t tree, uint32_t page)
{
    struct reindex_watch *watch = argument;

    if (tree != watch->tree)
        reindex_next_tree(watch, tree);
    refill_leaf(&watch->refill, page, watch->page_size);
}

static void reindex_on_restart(void *argument, size_t tree)
{
    struct reindex_watch *watch = argument;

    if (tree == watch->tree)
        refill_conclude(&watch->refill);
}

static double reindex_forecast(const struct reindex_watch *watch, size_t tree)
{
    return tree < watch->room ? watch->forecasts[tree] : 0;
}

/* --- one index ---------------------------------------------------------------------------- */

static int64_t reindex_table_bytes(const struct pages_report *report, const char *table)
{
    for (size_t i = 0; i < report->btree_count; i++)
        if (strcmp(report->btrees[i].type, "table") == 0 &&
            strcmp(report->btrees[i].name, table) == 0)
            return report->btrees[i].bytes;
    return 0;
}

static void reindex_fill(struct reindex_index *index, const struct pages_report *report,
                         const struct pages_btree *btree)
{
    index->bytes = btree->bytes;
    index->entries = btree->entries;
    index->fragmentation = btree->fragmentation;
    index->density = btree->density;
    index->table_bytes = reindex_table_bytes(report, btree->table);
}

/* Compiling the statement tells what is missing, and touches nothing. */
static enum status reindex_try(struct engine *engine, struct reindex_index *index,
                               struct error *error)
{
    sqlite3_stmt *statement = NULL;
    struct text sql = {0};

    text_add(&sql, "REINDEX main.");
    text_add_identifier(&sql, index->name);
    enum status status = database_prepare(engine->database, sql.bytes, &statement, error);
    sqlite3_finalize(statement);
    text_free(&sql);
    if (status != STATUS_REFUSED || !database_lacks(error))
        return status;
    index->wrong = memory_copy(error->text);
    return STATUS_OK;
}

/* Asked of those alone whose rebuild is in question. */
static enum status reindex_ask_online(struct engine *engine, const struct reindex_options *options,
                                      struct reindex_index *index, struct error *error)
{
    enum reindex_verdict verdict = reindex_judge(options, index);
    bool asked = engine->job->force || (verdict != REINDEX_SMALL && verdict != REINDEX_FINE);
    enum status status;

    if (!asked || index->wrong || options->mode == REINDEX_OFFLINE)
        return STATUS_OK;
    if ((status = rebuild_possible(engine->database, index->name, error)) != STATUS_REFUSED)
        return status;
    index->barred = memory_copy(error->text);
    return STATUS_OK;
}

static enum status reindex_add(struct engine *engine, const struct reindex_options *options,
                               struct reindex_facts *facts, const struct pages_report *report,
                               const struct pages_btree *btree, double forecast,
                               struct error *error)
{
    size_t count = facts->count;

    if ((count & (count - 1)) == 0) /* room for the next power of two */
        facts->indexes =
            memory_resize(facts->indexes, count ? count * 2 : 1, sizeof *facts->indexes);
    struct reindex_index *index = &facts->indexes[facts->count++];
    *index = (struct reindex_index){.name = memory_copy(btree->name),
                                    .table = memory_copy(btree->table),
                                    .forecast = forecast};
    reindex_fill(index, report, btree);
    reindex_effect_past(facts->effect, index->name, &index->past);
    if (btree->error) {
        index->wrong = memory_format("it is damaged: %s; run the task integrity", btree->error);
        return STATUS_OK;
    }
    enum status status = reindex_try(engine, index, error);
    return status ? status : reindex_ask_online(engine, options, index, error);
}

/* --- the look ----------------------------------------------------------------------------- */

static struct pages_limits reindex_limits(const struct engine *engine)
{
    return (struct pages_limits){.slice_ms = engine_slice_ms(engine),
                                 .gap_ms = engine_slice_ms(engine) * 2,
                                 .stopped = engine->job->host.stopped,
                                 .argument = engine->job->host.argument};
}

void reindex_free_facts(void *argument)
{
    struct reindex_facts *facts = argument;

    for (size_t i = 0; facts && i < facts->count; i++) {
        free(facts->indexes[i].name);
        free(facts->indexes[i].table);
        free(facts->indexes[i].wrong);
        free(facts->indexes[i].barred);
    }
    if (facts)
        free(facts->indexes);
    free(facts);
}

static enum status reindex_list(struct engine *engine, const struct reindex_options *options,
                                struct reindex_facts *facts, const struct pages_report *report,
                                const struct reindex_watch *watch, struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < report->btree_count && !status; i++)
        if (strcmp(report->btrees[i].type, "index") == 0)
            status = reindex_add(engine, options, facts, report, &report->btrees[i],
                                 reindex_forecast(watch, i), error);
    return status;
}

enum status reindex_measure(struct engine *engine, const void *options, void **result,
                            struct error *error)
{
    struct reindex_watch watch = {.page_size = database_facts(engine->database)->page_size};
    const struct pages_watch hooks = {.leaf = reindex_on_leaf,
                                      .restart = reindex_on_restart,
                                      .argument = &watch};
    struct pages_limits limits = reindex_limits(engine);
    struct reindex_facts *facts = memory_new(struct reindex_facts);
    struct pages_report report = {0};

    facts->max_lock_seconds = engine_max_lock_ms(engine) / 1e3;
    facts->effect = engine->job->memory.last.effect;
    facts->pace = reindex_effect_pace(facts->effect);
    enum status status =
        pages_measure_watched(database_sql(engine->database), &limits, &hooks, &report, error);
    reindex_next_tree(&watch, 0);
    if (!status)
        status = reindex_list(engine, options, facts, &report, &watch, error);
    pages_report_free(&report);
    refill_free(&watch.refill);
    free(watch.forecasts);
    if (status)
        reindex_free_facts(facts);
    else
        *result = facts;
    return status;
}

enum status reindex_measure_again(struct engine *engine, struct reindex_index *index,
                                  struct error *error)
{
    struct pages_limits limits = reindex_limits(engine);
    struct pages_report report = {0};

    limits.only_table = index->table;
    enum status status = pages_measure(database_sql(engine->database), &limits, &report, error);
    for (size_t i = 0; i < report.btree_count && !status; i++)
        if (strcmp(report.btrees[i].name, index->name) == 0)
            reindex_fill(index, &report, &report.btrees[i]);
    pages_report_free(&report);
    return status;
}
