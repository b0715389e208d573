/* Walks over the times of a table's rows, in slices that nobody notices. Only reads. */
#include "retention.h"

#include "clock.h"
#include "scan.h"

enum { WALK_LOOK = 64 }; /* rows between two looks at the clock */

struct walk_slice {
    const struct retention_facts *facts;
    const struct timestamp_rules *rules;
    struct retention_walk *walk;
    double until_ms;
    int64_t seen;
    bool done;
};

/* False once the slice is over. */
static bool walk_count_row(void *argument, sqlite3_stmt *row)
{
    struct walk_slice *slice = argument;
    bool look = ++slice->seen % WALK_LOOK == 0;
    (void)row;

    return !(look && clock_monotonic_ms() >= slice->until_ms);
}

static bool walk_row(void *argument, sqlite3_stmt *row)
{
    struct walk_slice *slice = argument;
    sqlite3_value *value = sqlite3_column_value(row, 0);
    int64_t us;

    if (retention_held(slice->facts, value))
        slice->walk->held++;
    else if (timestamp_read(slice->rules, value, &us))
        slice->done = !slice->walk->each(slice->walk->argument, us);
    else
        slice->walk->others += sqlite3_value_type(value) != SQLITE_NULL;
    return walk_count_row(slice, row) && !slice->done;
}

static enum status walk_slices(struct engine *engine, struct scan *scan, scan_row *each,
                               struct walk_slice *slice, struct error *error)
{
    enum status status = STATUS_OK;
    bool more = true;

    while (status == STATUS_OK && more && !slice->done) {
        double slice_ms = engine_slice_ms(engine);
        slice->until_ms = clock_monotonic_ms() + slice_ms;
        status = scan_slice(scan, each, slice, &more, error);
        if (more && !slice->done)
            engine_slice_gap(engine, slice_ms);
    }
    return status;
}

void retention_between(const struct retention_facts *facts, int64_t before_us,
                       struct text *condition)
{
    struct text low = {0}, high = {0};

    timestamp_range(facts->rules.format, before_us, &low, &high);
    text_add_identifier(condition, facts->table.column);
    text_addf(condition, " >= %s AND ", low.bytes);
    text_add_identifier(condition, facts->table.column);
    text_addf(condition, " < %s", high.bytes);
    text_free(&low);
    text_free(&high);
}

static enum status walk_scan(struct engine *engine, const struct retention_facts *facts,
                             const char *from, int64_t before_us, const char *columns,
                             struct scan **scan, struct error *error)
{
    struct text low = {0}, high = {0};

    timestamp_range(facts->rules.format, before_us, &low, &high);
    struct scan_range range = {from ? from : low.bytes, high.bytes};
    enum status status = scan_open_columns(engine->database, &facts->table,
                                           facts->by_age ? &range : NULL, columns, scan, error);
    text_free(&low);
    text_free(&high);
    return status;
}

enum status retention_scan(struct engine *engine, const struct retention_facts *facts,
                           const char *from, int64_t before_us, struct scan **scan,
                           struct error *error)
{
    return walk_scan(engine, facts, from, before_us, NULL, scan, error);
}

enum status retention_scan_columns(struct engine *engine, const struct retention_facts *facts,
                                   const char *columns, struct scan **scan, struct error *error)
{
    return walk_scan(engine, facts, NULL, facts->cutoff_us + 1, columns, scan, error);
}

enum status retention_walk(struct engine *engine, const struct retention_facts *facts,
                           struct retention_walk *walk, struct error *error)
{
    struct walk_slice slice = {.facts = facts, .rules = &facts->rules, .walk = walk};
    struct scan *scan = NULL;
    enum status status = retention_scan(engine, facts, walk->from, walk->before_us, &scan, error);

    if (status == STATUS_OK)
        status = walk_slices(engine, scan, walk_row, &slice, error);
    scan_close(scan);
    return status;
}

enum status retention_count(struct engine *engine, const struct retention_facts *facts,
                            const struct scan_range *range, int64_t *rows, struct error *error)
{
    struct walk_slice slice = {0};
    struct scan *scan = NULL;
    enum status status = scan_open(engine->database, &facts->table, range, &scan, error);

    if (status == STATUS_OK)
        status = walk_slices(engine, scan, walk_count_row, &slice, error);
    scan_close(scan);
    if (status == STATUS_OK)
        *rows = slice.seen;
    return status;
}
