/*
 * The rebuilds, index by index: online, at any time, or by REINDEX, each only if it is expected to
 * end inside the window. Runs in a worker, as the file's owner, in the file's folder.
 */
#include "reindex.h"

#include "clock.h"
#include "engine_online.h"
#include "memory.h"
#include "task_engine.h"
#include "text.h"
#include "window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reindex {
    struct engine *engine;
    const struct reindex_options *options;
    struct reindex_facts *facts;
    int64_t wanted, done, blocked, late, failed; /* indexes; blocked: by REINDEX */
    int64_t entries, entries_done;
    int64_t bytes_before, bytes; /* of those that are done */
    struct error why;            /* of the first that failed */
    char *barred;                /* why the first that waits can't be rebuilt online */
    json_t *effect;
};

/* --- index by index ----------------------------------------------------------------------- */

static enum status reindex_done(struct reindex *run, const struct reindex_index *index, double took,
                                struct error *error)
{
    bool online = reindex_online(run->options, index);
    double expected = reindex_seconds(run->options, run->facts, index) / run->facts->pace;
    struct reindex_index after = *index;
    enum status status = reindex_measure_again(run->engine, &after, error);

    run->done++;
    run->blocked += !online;
    run->bytes_before += index->bytes;
    run->bytes += after.bytes;
    reindex_effect_add(run->effect, index, &after, online, expected, took);
    return status;
}

/* What is wrong with one index is no reason to leave the others. */
static enum status reindex_failed(struct reindex *run, const struct reindex_index *index,
                                  enum status status, const struct error *error)
{
    if (status == STATUS_BUSY || status == STATUS_CANCELLED)
        return status;
    if (run->failed++ == 0) {
        const char *unique = strstr(error->text, "UNIQUE constraint failed");
        error_set(&run->why, status, "%.80s: %.250s%s", index->name, error->text,
                  unique ? "; rows with the same key have got into its table: run the task "
                           "integrity, with level: full"
                         : "");
    }
    return STATUS_OK;
}

static void reindex_progress(void *argument, int64_t entries, int64_t total)
{
    struct reindex *run = argument;

    (void)total;
    engine_progress(run->engine, run->entries_done + entries, run->entries);
}

static enum status reindex_try_online(struct reindex *run, const struct reindex_index *index,
                                      struct error *error)
{
    struct rebuild_limits limits = engine_online_limits(run->engine);
    struct rebuild_result result;
    enum status status = engine_online_clean(run->engine, error); /* what the last one has left */

    if (status)
        return status;
    limits.progress = reindex_progress;
    limits.argument = run;
    status = rebuild_index(run->engine->database, run->engine->lease, index->name, &limits, &result,
                           error);
    engine_online_tell(run->engine, index->name, &result);
    engine_online_note(run->effect, index->name, &result);
    if (status != STATUS_OK && result.exchanged && result.left) /* it was done all the same */
        return STATUS_OK;
    return status;
}

/* It can wait for a window that is long enough. */
static bool reindex_late(struct reindex *run, const struct reindex_index *index, bool windowed)
{
    if (!windowed ||
        reindex_seconds(run->options, run->facts, index) <= engine_window_left(run->engine))
        return false;
    run->late++;
    if (!run->barred && index->barred)
        run->barred = memory_format("%s: %s", index->name, index->barred);
    return true;
}

static enum status reindex_one_offline(struct reindex *run, const struct reindex_index *index,
                                       struct error *error)
{
    bool windowed = reindex_seconds(run->options, run->facts, index) > run->facts->max_lock_seconds;

    return reindex_late(run, index, windowed)
               ? STATUS_OK
               : reindex_offline(run->engine, index, windowed, error);
}

/* What turns out to be impossible online is done as REINDEX, if that is allowed. */
static enum status reindex_one(struct reindex *run, struct reindex_index *index,
                               struct error *error)
{
    double begun_ms = clock_monotonic_ms();
    int64_t late = run->late;
    enum status status = STATUS_REFUSED;

    run->wanted++;
    if (reindex_online(run->options, index) &&
        (status = reindex_try_online(run, index, error)) == STATUS_REFUSED &&
        run->options->mode == REINDEX_AUTO)
        index->barred = memory_copy(error->text);
    if (status == STATUS_REFUSED && !reindex_online(run->options, index))
        status = reindex_one_offline(run, index, error);
    if (status)
        return reindex_failed(run, index, status, error);
    return run->late > late
               ? STATUS_OK
               : reindex_done(run, index, (clock_monotonic_ms() - begun_ms) / 1e3, error);
}

static bool reindex_wants(const struct reindex *run, const struct reindex_index *index)
{
    return run->engine->job->force ? reindex_may(run->options, index)
                                   : reindex_worth(run->options, index);
}

static enum status reindex_all(struct reindex *run, struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < run->facts->count; i++)
        if (reindex_wants(run, &run->facts->indexes[i]))
            run->entries += run->facts->indexes[i].entries;
    for (size_t i = 0; i < run->facts->count && !status; i++) {
        struct reindex_index *index = &run->facts->indexes[i];
        if (!reindex_wants(run, index))
            continue;
        status = reindex_one(run, index, error);
        run->entries_done += index->entries;
        engine_progress(run->engine, run->entries_done, run->entries);
    }
    return status;
}

/* --- afterwards --------------------------------------------------------------------------- */

static bool reindex_has_window(const struct reindex *run)
{
    return window_next(run->engine->job->database->limits.window, run->engine->now_us) < INT64_MAX;
}

/* The first one, and the sum of all. */
static void reindex_say_change(const struct reindex *run, struct text *reason)
{
    const json_t *first = json_array_get(json_object_get(run->effect, "indexes"), 0);
    char before[TEXT_SHORT], after[TEXT_SHORT];

    if (!first)
        return;
    text_addf(reason, "; %s: fragmentation %.1f%%, was %.1f%%, density %.0f%%, was %.0f%%",
              json_string_value(json_object_get(first, "name")),
              json_number_value(json_object_get(first, "fragmentation")) * 100,
              json_number_value(json_object_get(first, "fragmentation_before")) * 100,
              json_number_value(json_object_get(first, "density")) * 100,
              json_number_value(json_object_get(first, "density_before")) * 100);
    text_addf(reason, "; %s, before %s", text_bytes(after, run->bytes),
              text_bytes(before, run->bytes_before));
}

static void reindex_say_run(const struct reindex *run, struct text *reason)
{
    char done[TEXT_SHORT], wanted[TEXT_SHORT], count[TEXT_SHORT];
    bool all = run->done == run->wanted;

    text_addf(reason, "%s%s%s %s rebuilt", text_count(done, run->done), all ? "" : " of ",
              all ? "" : text_count(wanted, run->wanted), run->wanted == 1 ? "index" : "indexes");
    reindex_say_change(run, reason);
    if (run->late)
        text_addf(reason,
                  reindex_has_window(run) ? "; %s would not end inside the window"
                                          : "; %s would need a window, and the policy has none",
                  text_count(count, run->late));
    if (run->barred)
        text_addf(reason, ", since it can't be rebuilt online: %.200s", run->barred);
    if (run->failed)
        text_addf(reason, "; %s could not be, %s", text_count(count, run->failed), run->why.text);
}

/* Rebuilt indexes stay so, whatever ended the run. */
static enum status reindex_conclude(struct reindex *run, enum status status,
                                    struct outcome *outcome, struct error *error)
{
    struct text reason = {0};

    reindex_say_run(run, &reason);
    if (!status && !run->done && run->late)
        outcome->kind = OUTCOME_SKIPPED;
    outcome->waits =
        (run->late > 0 && reindex_has_window(run)) || (status == STATUS_BUSY && run->done > 0);
    if (status)
        text_addf(&reason, "; then %s", error->text);
    if (run->done || status != STATUS_BUSY)
        snprintf(outcome->reason, sizeof outcome->reason, "%s", reason.bytes);
    if (status == STATUS_BUSY && run->done)
        status = STATUS_OK;
    else if (status == STATUS_CANCELLED && run->done)
        error_set(error, status, "%s", reason.bytes);
    else if (!status && run->failed)
        status = error_set(error, run->done ? STATUS_FAILED : run->why.status, "%s", reason.bytes);
    text_free(&reason);
    return status;
}

enum status reindex_run(struct engine *engine, const void *options, void *facts,
                        struct outcome *outcome, struct error *error)
{
    struct reindex run = {
        .engine = engine, .options = options, .facts = facts, .effect = reindex_effect_new()};
    enum status status = reindex_all(&run, error);

    if (run.blocked && engine_window_left(engine) > 0)
        lease_drain(engine->lease);
    reindex_effect_keep(run.effect, run.facts->effect);
    outcome->effect = run.effect;
    status = reindex_conclude(&run, status, outcome, error);
    free(run.barred);
    return status;
}
