/*
 * Samples: the sizes, free pages, WAL, fragmentation and density of a database, for the history.
 * It reads about a hundredth of the pages and changes nothing. Runs in a worker.
 */
#include "task_sample.h"

#include "inspection.h"
#include "memory.h"
#include "pages.h"
#include "task_engine.h"
#include "task_kinds.h"
#include "walindex.h"

#include <stdio.h>
#include <stdlib.h>

struct sample_facts {
    struct pages_report report;
    int64_t wal_bytes; /* not yet checkpointed */
};

static void sample_free_facts(void *argument)
{
    struct sample_facts *facts = argument;

    if (facts)
        pages_report_free(&facts->report);
    free(facts);
}

/* The decision needs nothing, so the measuring is left to the run. */
static enum status sample_measure(struct engine *engine, const void *options, void **facts,
                                  struct error *error)
{
    (void)engine;
    (void)options;
    (void)error;
    *facts = memory_new(struct sample_facts);
    return STATUS_OK;
}

static void sample_decide(const void *options, const void *facts, int64_t now_us,
                          struct decision *decision)
{
    (void)options;
    (void)facts;
    (void)now_us;
    decision->act = true;
    snprintf(decision->reason, sizeof decision->reason,
             "sizes, free pages, fragmentation and density go into the history");
}

/* Without the b-trees: a database may have more than fit into an event, so each is one of its own,
 * and the parent puts them in. */
static json_t *sample_effect(const struct sample_facts *facts)
{
    json_t *effect = json_object();

    json_object_set_new(effect, "page_size", json_integer(facts->report.page_size));
    json_object_set_new(effect, "pages", json_integer(facts->report.pages));
    json_object_set_new(effect, "free_pages", json_integer(facts->report.free_pages));
    json_object_set_new(effect, "wal_bytes", json_integer(facts->wal_bytes));
    json_object_set_new(effect, "pages_read", json_integer(facts->report.pages_read));
    return effect;
}

static enum status sample_run(struct engine *engine, const void *options, void *argument,
                              struct outcome *outcome, struct error *error)
{
    struct sample_facts *facts = argument;
    struct pages_limits limits = {.slice_ms = engine_slice_ms(engine),
                                  .gap_ms = engine_slice_ms(engine) * 2,
                                  .stopped = engine->job->host.stopped,
                                  .argument = engine->job->host.argument};
    struct walindex index;
    char size[TEXT_SHORT], free_bytes[TEXT_SHORT], btrees[TEXT_SHORT];
    (void)options;

    enum status status =
        pages_measure(database_sql(engine->database), &limits, &facts->report, error);
    if (status)
        return status;
    if (walindex_read(database_sql(engine->database), &index, NULL) == STATUS_OK &&
        index.max_frame > index.backfilled)
        facts->wal_bytes = (int64_t)(index.max_frame - index.backfilled) * index.page_size;
    int64_t page_size = facts->report.page_size;
    snprintf(outcome->reason, sizeof outcome->reason, "%s, %s of it free, %s",
             text_bytes(size, facts->report.pages * page_size),
             facts->report.free_pages ? text_bytes(free_bytes, facts->report.free_pages * page_size)
                                      : "none",
             text_counted(btrees, (int64_t)facts->report.btree_count, "b-tree"));
    for (size_t i = 0; i < facts->report.btree_count; i++)
        engine->job->host.emit(engine->job->host.argument,
                               inspection_btree(&facts->report.btrees[i]));
    outcome->effect = sample_effect(facts);
    return STATUS_OK;
}

const struct task_kind task_sample = {
    .name = "sample",
    .help = "sizes, free pages, fragmentation and density into the history",
    .flags = TASK_READ_ONLY | TASK_QUIET,
    .section = {.size = sizeof(struct sample_options), .options = sample_options},
    .measure = sample_measure,
    .decide = sample_decide,
    .run = sample_run,
    .free_facts = sample_free_facts,
};
