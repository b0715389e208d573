/* Online rebuilds under the policy's limits. Runs in a worker, in the file's folder. */
#include "engine_online.h"

#include "memory.h"

#include <stdlib.h>

enum { ONLINE_ORDER = 50000 /* entries, of which the order begins to matter */ };

static void online_progress(void *argument, int64_t entries, int64_t total)
{
    engine_progress(argument, entries, total > 0 ? total : -1);
}

struct rebuild_limits engine_online_limits(struct engine *engine)
{
    return (struct rebuild_limits){.max_lock_ms = engine_max_lock_ms(engine),
                                   .temp = engine_temp(engine),
                                   .window_open = engine_window_left(engine) > 0,
                                   .check = REBUILD_CHECK_INDEX,
                                   .progress = online_progress,
                                   .argument = engine};
}

enum status engine_online_clean(struct engine *engine, struct error *error)
{
    struct rebuild_limits limits = engine_online_limits(engine);
    bool found = false;
    enum status status = rebuild_leftovers(engine->database, &found, error);

    if (status || !found)
        return status;
    if (engine_observes(engine)) {
        engine_notice(engine, "a rebuild that was killed has left tables named _litekeeper_...; "
                              "they stay, since the policy says observe");
        return STATUS_OK;
    }
    engine_take_lease(engine);
    if ((status = rebuild_clean(engine->database, engine->lease, &limits, error)) == STATUS_OK)
        engine_notice(engine, "removed what a rebuild that was killed had left");
    return status;
}

void engine_online_tell(struct engine *engine, const char *index,
                        const struct rebuild_result *result)
{
    if (result->scattered && result->exchanged && result->entries >= ONLINE_ORDER)
        engine_notice(engine,
                      "%s lies in free pages that were too many to be kept aside, so its order may "
                      "not be the best; a vacuum before it would help",
                      index);
    if (result->left)
        engine_notice(engine,
                      "what the rebuild of %s has left is removed when the next task begins",
                      index);
}

void engine_online_note(json_t *effect, const char *index, const struct rebuild_result *result)
{
    if (!result->repaired && !result->found[0])
        return;
    char *text = memory_format("%s: %s%s", index, result->found,
                               result->repaired ? "; a plain REINDEX was made at once" : "");
    if (!json_object_get(effect, "repairs"))
        json_object_set_new(effect, "repairs", json_array());
    json_array_append_new(json_object_get(effect, "repairs"), json_string(text));
    free(text);
}
