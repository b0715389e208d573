/*
 * Rows that were put back out of the archive are held: retention leaves them alone until the
 * operator lifts that. What is held comes from the history, with the job: times between which the
 * rows that were put back are. Held rows count for nothing: they are not old, and not beyond
 * max_rows.
 */
#include "retention.h"

#include "archive_filter.h"
#include "memory.h"
#include "zone.h"

#include <stdlib.h>

static const int64_t holds_doubt_us = INT64_C(2) * 86400 * 1000000; /* of a date, without a zone */

struct retention_holds {
    struct hold {
        int64_t first_us, last_us;
    } * list;
    size_t count;
    int64_t end_us, since_us; /* the last of the times; when the first hold was put */
    struct zone *zone;
};

static int64_t holds_time(const json_t *hold, size_t index)
{
    return json_integer_value(json_array_get(hold, index));
}

static void holds_add(struct retention_holds *holds, const json_t *hold)
{
    struct hold *added = &holds->list[holds->count++];
    int64_t since_us = holds_time(hold, 2);

    *added = (struct hold){holds_time(hold, 0), holds_time(hold, 1)};
    holds->end_us = added->last_us > holds->end_us ? added->last_us : holds->end_us;
    holds->since_us = !holds->since_us || since_us < holds->since_us ? since_us : holds->since_us;
}

enum status retention_load_holds(const struct engine *engine,
                                 const struct retention_options *options,
                                 struct retention_facts *facts, struct error *error)
{
    const json_t *known = engine->job->memory.holds;

    if (!known && options->archive.directory)
        return error_set(error, STATUS_FAILED,
                         "the history can't be used, so it is not known which rows were put back "
                         "and are held; nothing goes");
    if (!json_array_size(known))
        return STATUS_OK;
    struct retention_holds *holds = memory_new(struct retention_holds);
    holds->list = memory_zeroed(json_array_size(known), sizeof *holds->list);
    for (size_t i = 0; i < json_array_size(known); i++)
        holds_add(holds, json_array_get(known, i));
    facts->holds = holds;
    facts->held_since_us = holds->since_us;
    return zone_load(options->zone ? options->zone : "UTC", &holds->zone, error);
}

void retention_free_holds(struct retention_holds *holds)
{
    if (!holds)
        return;
    zone_free(holds->zone);
    free(holds->list);
    free(holds);
}

bool retention_held(const struct retention_facts *facts, sqlite3_value *value)
{
    const struct retention_holds *holds = facts->holds;

    if (!holds)
        return false;
    int64_t us = archive_filter_time(value, holds->zone);
    for (size_t i = 0; i < holds->count; i++)
        if (us >= holds->list[i].first_us && us <= holds->list[i].last_us)
            return true;
    return false;
}

static bool holds_pass(void *argument, int64_t latest_us)
{
    (void)argument;
    (void)latest_us;
    return true;
}

enum status retention_count_held(struct engine *engine, struct retention_facts *facts,
                                 struct error *error)
{
    struct retention_walk walk = {.each = holds_pass};

    if (!facts->holds)
        return STATUS_OK;
    walk.before_us = facts->holds->end_us + holds_doubt_us;
    enum status status = retention_walk(engine, facts, &walk, error);
    if (status)
        return status;
    facts->held = walk.held;
    if (facts->rows >= 0)
        facts->rows = facts->rows > walk.held ? facts->rows - walk.held : 0;
    return STATUS_OK;
}
