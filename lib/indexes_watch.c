/*
 * The watched queries: asks for their plans, and holds them to what they were. In a worker; the
 * judging is pure.
 */
#include "indexes.h"

#include "memory.h"
#include "task_engine.h"

#include <stdlib.h>

static bool watch_has(const struct queryplan *plan)
{
    return plan->count > 0;
}

static void watch_take(struct indexes_query *query, const struct queryplan *plan, bool again)
{
    struct queryplan *place = again ? &query->plan : &query->first;

    queryplan_free(place);
    *place = *plan;
}

static enum status watch_one(struct engine *engine, struct indexes_query *query, bool again,
                             struct error *error)
{
    struct queryplan plan = {0};
    enum status status = queryplan_ask(engine->database, query->sql, &plan, error);

    free(query->error);
    query->error = NULL;
    if (status == STATUS_BUSY || status == STATUS_CANCELLED)
        return status;
    if (status)
        query->error = memory_copy(error->text);
    watch_take(query, &plan, again);
    return STATUS_OK;
}

enum status indexes_watch(struct engine *engine, struct indexes_facts *facts, struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < facts->query_count && !status; i++)
        status = watch_one(engine, &facts->queries[i], facts->watched, error);
    facts->watched = true;
    return status;
}

void indexes_watch_known(struct indexes_facts *facts, const json_t *effect)
{
    for (size_t i = 0; i < facts->query_count; i++) {
        struct indexes_query *query = &facts->queries[i];
        queryplan_free(&query->known);
        queryplan_load(indexes_effect_known(effect, query->sql), &query->known);
    }
}

const struct queryplan *indexes_plan(const struct indexes_query *query)
{
    return watch_has(&query->plan) ? &query->plan : &query->first;
}

static void watch_judge(struct indexes_query *query, bool accept)
{
    const struct queryplan *plan = indexes_plan(query);
    struct text why = {0};

    free(query->worse);
    query->worse = NULL;
    if (query->error)
        return;
    query->worse_than_first = queryplan_worse(&query->first, plan, &why);
    if (query->worse_than_first || (!accept && queryplan_worse(&query->known, plan, &why)))
        query->worse = text_take(&why);
    text_free(&why);
}

void indexes_watch_judge(struct indexes_facts *facts, bool accept)
{
    for (size_t i = 0; i < facts->query_count; i++)
        watch_judge(&facts->queries[i], accept);
}
