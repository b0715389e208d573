/*
 * The run of indexes: builds, looks at the plans, drops, looks again. What could not be done is
 * told with its reason, and what was done stays. Runs in a worker, as the file's owner.
 */
#include "indexes.h"

#include "task_engine.h"

#include <stdio.h>

enum { INDEXES_TOLD = 3 /* problems in the reason */ };

enum status indexes_problem(struct indexes_run *run, const char *name, enum status status,
                            const struct error *error)
{
    json_t *left;

    if (status == STATUS_BUSY || status == STATUS_CANCELLED)
        return status;
    left = json_pack("{s:o, s:o}", "name", indexes_effect_text(name), "why",
                     indexes_effect_text(error->text));
    if (run->violating)
        json_object_set_new(left, "violating", indexes_effect_long(run->violating));
    indexes_effect_add(run->effect, "left", left);
    run->failed = run->failed || status != STATUS_REFUSED;
    if (++run->wrong <= INDEXES_TOLD)
        text_addf(&run->why, "; %.80s: %.400s", name, error->text);
    return STATUS_OK;
}

bool indexes_late(struct indexes_run *run, double seconds, bool *windowed)
{
    *windowed = seconds > run->facts->max_lock_seconds;
    bool late = *windowed && seconds > engine_window_left(run->engine);

    run->late += late;
    run->drain = run->drain || !late;
    return late;
}

/* --- what came of it ---------------------------------------------------------------------- */

static void run_say(const struct indexes_run *run, struct text *reason)
{
    char count[TEXT_SHORT], size[TEXT_SHORT];

    if (run->built)
        text_addf(reason, "%s built: %s", indexes_counted(count, run->built), run->names.bytes);
    if (run->dropped)
        text_addf(reason, "%s%s dropped, %s", reason->length ? "; " : "",
                  indexes_counted(count, run->dropped), text_bytes(size, run->bytes));
    if (!reason->length)
        text_add(reason, "no index was built or dropped");
    if (run->late)
        text_addf(reason, "; %s would not end inside the window", text_count(count, run->late));
    if (run->why.length)
        text_add(reason, run->why.bytes);
    if (run->wrong > INDEXES_TOLD)
        text_addf(reason, "; and %s more", text_count(count, run->wrong - INDEXES_TOLD));
}

/* Whatever ended the run, what was built stays. What is refused by a guard is no failure. */
static enum status run_conclude(struct indexes_run *run, enum status status,
                                struct outcome *outcome, struct error *error)
{
    bool something = run->built || run->dropped;
    struct text reason = {0};

    run_say(run, &reason);
    if (status)
        text_addf(&reason, "; then %s", error->text);
    else
        indexes_say_watched(run->facts, &reason);
    outcome->waits = run->late > 0 || (status == STATUS_BUSY && something);
    if (!status && !something)
        outcome->kind = OUTCOME_SKIPPED;
    snprintf(outcome->reason, sizeof outcome->reason, "%s", reason.bytes);
    if (status == STATUS_BUSY && something)
        status = STATUS_OK;
    else if (status == STATUS_CANCELLED || (!status && run->failed))
        status = error_set(error, status ? status : STATUS_FAILED, "%s", reason.bytes);
    text_free(&reason);
    return status;
}

/* --- the way ------------------------------------------------------------------------------ */

static enum status run_all(struct indexes_run *run, struct error *error)
{
    enum status status;

    if ((status = indexes_build(run, error)) ||
        (status = indexes_watch(run->engine, run->facts, error)) ||
        (status = indexes_drop(run, error)) || !run->dropped)
        return status;
    return indexes_watch(run->engine, run->facts, error);
}

enum status indexes_run(struct engine *engine, const void *options, void *facts,
                        struct outcome *outcome, struct error *error)
{
    struct indexes_run run = {.engine = engine, .facts = facts, .effect = indexes_effect_new()};
    (void)options;

    enum status status = run_all(&run, error);
    if (run.drain && engine_window_left(engine) > 0)
        lease_drain(engine->lease);
    indexes_watch_judge(run.facts, engine->job->force);
    indexes_effect_plans(run.effect, run.facts);
    outcome->effect = run.effect;
    status = run_conclude(&run, status, outcome, error);
    text_free(&run.names);
    text_free(&run.why);
    return status;
}
