/* Walks over the times of a table's rows, in slices that nobody notices. Only reads. */
#include "retention.h"

#include "clock.h"
#include "scan.h"

enum { WALK_LOOK = 64 }; /* rows between two looks at the clock */

struct walk {
    const struct timestamp_rules *rules;
    bool (*each)(void *argument, int64_t latest_us);
    void *argument;
    double until_ms;
    int64_t seen;
    bool done;
};

static bool walk_row(void *argument, sqlite3_stmt *row)
{
    struct walk *walk = argument;
    int64_t us;

    if (timestamp_read(walk->rules, sqlite3_column_value(row, 0), &us))
        walk->done = !walk->each(walk->argument, us);
    bool look = ++walk->seen % WALK_LOOK == 0;
    return !walk->done && !(look && clock_monotonic_ms() >= walk->until_ms);
}

void retention_between(const struct retention_facts *facts, const char *from, int64_t before_us,
                       struct text *condition)
{
    struct text low = {0}, high = {0};

    timestamp_range(facts->rules.format, before_us, &low, &high);
    text_add_identifier(condition, facts->table.column);
    text_addf(condition, " >= %s AND ", from ? from : low.bytes);
    text_add_identifier(condition, facts->table.column);
    text_addf(condition, " < %s", high.bytes);
    text_free(&low);
    text_free(&high);
}

enum status retention_walk(struct engine *engine, const struct retention_facts *facts,
                           const char *from, int64_t before_us,
                           bool (*each)(void *argument, int64_t latest_us), void *argument,
                           struct error *error)
{
    struct walk walk = {.rules = &facts->rules, .each = each, .argument = argument};
    struct text condition = {0};
    struct scan *scan = NULL;
    bool more = true;

    retention_between(facts, from, before_us, &condition);
    enum status status =
        scan_open(engine->database, &facts->table, facts->by_age ? condition.bytes : NULL,
                  facts->by_age, &scan, error);
    while (status == STATUS_OK && more && !walk.done) {
        double slice = engine_slice_ms(engine);
        walk.until_ms = clock_monotonic_ms() + slice;
        status = scan_slice(scan, walk_row, &walk, &more, error);
        if (more && !walk.done)
            engine_slice_gap(engine, slice);
    }
    scan_close(scan);
    text_free(&condition);
    return status;
}
