/*
 * The rebuild: REINDEX, one index and one hold after the other, each only if it is expected to end
 * inside the window, and stopped with nothing changed where it doesn't. SQLite sorts all entries
 * into a temporary file first, and then fills the index anew. Runs in a worker, as the file's
 * owner, in the file's folder.
 */
#include "reindex.h"

#include "clock.h"
#include "memory.h"
#include "task_engine.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
    REINDEX_SPACE = 4, /* times the index: sorted entries, log or journal, and as much again */
    REINDEX_SPARE = 16 << 20
};

struct reindex {
    struct engine *engine;
    const struct reindex_options *options;
    struct reindex_facts *facts;
    int64_t wanted, done, late, failed;
    int64_t bytes_before, bytes; /* of those that are done */
    struct error why;            /* of the first that failed */
    json_t *effect;
};

/* --- the statement ------------------------------------------------------------------------ */

/* Entries are sorted in a file, since a worker's memory is limited. */
static enum status reindex_allow(struct engine *engine, struct error *error)
{
    const char *temp = engine->job->database->limits.temp;

    sqlite3_temp_directory = memory_copy(temp ? temp : ".");
    return database_exec(engine->database, "PRAGMA temp_store=FILE", error);
}

static void reindex_forbid(struct engine *engine)
{
    struct error ignored;

    (void)!database_exec(engine->database, "PRAGMA temp_store=MEMORY", &ignored);
    free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
}

static enum status reindex_space(const struct reindex_index *index, struct error *error)
{
    struct statvfs about;
    char wanted[TEXT_SHORT], there[TEXT_SHORT];
    int64_t needed = index->bytes * REINDEX_SPACE + REINDEX_SPARE;

    if (statvfs(".", &about) < 0)
        return STATUS_OK; /* a full disk is noticed when it is full: the statement is undone */
    int64_t free_bytes = (int64_t)about.f_bavail * (int64_t)about.f_frsize;
    if (free_bytes >= needed)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED, "%s are free on its disk, and REINDEX may need %s",
                     text_bytes(there, free_bytes), text_bytes(wanted, needed));
}

static enum status reindex_statement(struct reindex *run, const struct reindex_index *index,
                                     struct error *error)
{
    struct text sql = {0};
    double left = engine_window_left(run->engine);
    bool windowed = run->facts->max_lock_seconds < reindex_seconds(run->facts, index);
    enum status status = reindex_space(index, error);

    if (status)
        return status;
    text_add(&sql, "REINDEX main.");
    text_add_identifier(&sql, index->name);
    lease_whole_until(run->engine->lease,
                      windowed && isfinite(left) ? clock_monotonic_ms() + left * 1e3 : 0);
    status = lease_hold_whole(run->engine->lease, sql.bytes, error);
    text_free(&sql);
    return status;
}

/* --- index by index ----------------------------------------------------------------------- */

static enum status reindex_done(struct reindex *run, const struct reindex_index *index, double took,
                                struct error *error)
{
    struct reindex_index after = *index;
    enum status status = reindex_measure_again(run->engine, &after, error);

    run->done++;
    run->bytes_before += index->bytes;
    run->bytes += after.bytes;
    reindex_effect_add(run->effect, index, &after,
                       reindex_seconds(run->facts, index) / run->facts->pace, took);
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

static enum status reindex_one(struct reindex *run, const struct reindex_index *index,
                               struct error *error)
{
    double seconds = reindex_seconds(run->facts, index), begun_ms;
    bool windowed = seconds > run->facts->max_lock_seconds;

    run->wanted++;
    if (windowed && seconds > engine_window_left(run->engine)) {
        run->late++;
        return STATUS_OK;
    }
    begun_ms = clock_monotonic_ms();
    enum status status = reindex_statement(run, index, error);
    if (status)
        return reindex_failed(run, index, status, error);
    return reindex_done(run, index, (clock_monotonic_ms() - begun_ms) / 1e3, error);
}

static enum status reindex_all(struct reindex *run, struct error *error)
{
    bool force = run->engine->job->force;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < run->facts->count && !status; i++) {
        const struct reindex_index *index = &run->facts->indexes[i];
        if (force ? !index->wrong : reindex_worth(run->options, index))
            status = reindex_one(run, index, error);
        engine_progress(run->engine, run->done, -1);
    }
    return status;
}

/* --- afterwards --------------------------------------------------------------------------- */

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

static void reindex_say(const struct reindex *run, struct text *reason)
{
    char done[TEXT_SHORT], wanted[TEXT_SHORT], count[TEXT_SHORT];
    bool all = run->done == run->wanted;

    text_addf(reason, "%s%s%s %s rebuilt", text_count(done, run->done), all ? "" : " of ",
              all ? "" : text_count(wanted, run->wanted), run->wanted == 1 ? "index" : "indexes");
    reindex_say_change(run, reason);
    if (run->late)
        text_addf(reason, "; %s would not end inside the window", text_count(count, run->late));
    if (run->failed)
        text_addf(reason, "; %s could not be, %s", text_count(count, run->failed), run->why.text);
}

/* Rebuilt indexes stay so, whatever ended the run. */
static enum status reindex_conclude(struct reindex *run, enum status status,
                                    struct outcome *outcome, struct error *error)
{
    struct text reason = {0};

    reindex_say(run, &reason);
    if (!status && !run->done && run->late)
        outcome->kind = OUTCOME_SKIPPED;
    outcome->waits = run->late > 0 || (status == STATUS_BUSY && run->done > 0);
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
    enum status status = reindex_allow(engine, error);

    if (!status)
        status = reindex_all(&run, error);
    reindex_forbid(engine);
    if (run.done && engine_window_left(engine) > 0)
        lease_drain(engine->lease);
    reindex_effect_keep(run.effect, run.facts->effect);
    outcome->effect = run.effect;
    return reindex_conclude(&run, status, outcome, error);
}
