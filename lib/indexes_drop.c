/*
 * Drops what must not be there, unless something needs it: judged after all that is wanted was
 * built, by the plans as they are then. Runs in a worker, as the file's owner, in the file's
 * folder.
 */
#include "indexes.h"

#include "clock.h"
#include "engine_online.h"
#include "engine_whole.h"
#include "task_engine.h"

static void drop_done(struct indexes_run *run, const struct indexes_old *old, double seconds)
{
    run->dropped++;
    run->bytes += old->bytes > 0 ? old->bytes : 0;
    indexes_effect_add(run->effect, "dropped",
                       json_pack("{s:o, s:I, s:f}", "name", indexes_effect_text(old->name), "bytes",
                                 (json_int_t)old->bytes, "seconds", seconds));
}

static enum status drop_online(struct indexes_run *run, const struct indexes_old *old,
                               struct error *error)
{
    struct engine *engine = run->engine;
    struct rebuild_limits limits = engine_online_limits(engine);
    struct rebuild_result result;
    double begin_ms = clock_monotonic_ms();
    enum status status = engine_online_clean(engine, error);

    if (status)
        return status;
    status = rebuild_retire(engine->database, engine->lease, old->name, &limits, &result, error);
    if (result.exchanged)
        drop_done(run, old, (clock_monotonic_ms() - begin_ms) / 1e3);
    return status;
}

static enum status drop_offline(struct indexes_run *run, const struct indexes_old *old,
                                struct error *error)
{
    double begin_ms = clock_monotonic_ms();
    struct engine_whole whole = {.what = "DROP INDEX"};
    struct text sql = {0};

    if (indexes_late(run, indexes_drop_seconds(old), &whole.windowed))
        return STATUS_OK;
    text_add(&sql, "DROP INDEX main.");
    text_add_identifier(&sql, old->name);
    whole.sql = sql.bytes;
    enum status status = engine_whole(run->engine, &whole, error);
    text_free(&sql);
    if (!status)
        drop_done(run, old, (clock_monotonic_ms() - begin_ms) / 1e3);
    return status;
}

static enum status drop_one(struct indexes_run *run, const struct indexes_old *old,
                            struct error *error)
{
    struct text why = {0};
    struct error kept;
    enum status status;

    if (indexes_keeps(run->facts, old, &why)) {
        error_set(&kept, STATUS_REFUSED, "it stays: %.400s", why.bytes);
        status = indexes_problem(run, old->name, STATUS_REFUSED, &kept);
    } else {
        status = old->offline ? drop_offline(run, old, error) : drop_online(run, old, error);
        if (status)
            status = indexes_problem(run, old->name, status, error);
    }
    text_free(&why);
    return status;
}

enum status indexes_drop(struct indexes_run *run, struct error *error)
{
    const struct indexes_facts *facts = run->facts;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < facts->old_count && !status; i++)
        if (facts->olds[i].there)
            status = drop_one(run, &facts->olds[i], error);
    return status;
}
