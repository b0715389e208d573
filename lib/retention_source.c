/*
 * Rows that are to go, as a scan gives them: those that are past the cut-off, and of those exactly
 * at it as many as the facts say. Only reads.
 */
#include "retention_source.h"

#include "clock.h"
#include "memory.h"
#include "scan.h"
#include "zone.h"

#include <stdlib.h>

enum { SOURCE_LOOK = 16 }; /* rows between two looks at the clock */

struct source_age {
    struct source base;
    const struct retention_facts *facts;
    struct scan *scan;
    struct zone *utc;
    struct timestamp_rules rules; /* what a time is called: not the latest that it can be */
    int64_t ties, seen;
    source_row *each; /* of the slice */
    void *argument;
    double until_ms;
};

/* A date is read as its end, and without a zone a time may be 14 h later than it says. */
static int64_t source_time(const struct source_age *age, sqlite3_value *value, int64_t latest_us)
{
    int64_t us;

    if (!timestamp_read(&age->rules, value, &us))
        return latest_us;
    return age->rules.format == FORMAT_DATE ? us - 1 : us;
}

static bool source_is_old(struct source_age *age, int64_t latest_us)
{
    if (latest_us < age->facts->cutoff_us)
        return true;
    if (latest_us > age->facts->cutoff_us || age->ties >= age->facts->ties)
        return false;
    age->ties++;
    return true;
}

static bool source_take(void *argument, sqlite3_stmt *row)
{
    struct source_age *age = argument;
    sqlite3_value *value = sqlite3_column_value(row, 0);
    bool look = ++age->seen % SOURCE_LOOK == 0, enough = false;
    int64_t us;

    if (age->facts->by_age && !scan_at_position(age->scan, value))
        age->base.tie = age->base.given;
    if (!timestamp_read(&age->facts->rules, value, &us)) {
        age->base.others += sqlite3_value_type(value) != SQLITE_NULL;
    } else if (!retention_held(age->facts, value) && source_is_old(age, us)) {
        age->base.given++;
        enough = !age->each(age->argument, row, 1 + (int)age->facts->table.key.count,
                            source_time(age, value, us));
    }
    return !enough && !(look && clock_monotonic_ms() >= age->until_ms);
}

static enum status source_age_slice(struct source *source, source_row *each, void *argument,
                                    double until_ms, bool *more, struct error *error)
{
    struct source_age *age = (struct source_age *)source;

    age->each = each;
    age->argument = argument;
    age->until_ms = until_ms;
    return scan_slice(age->scan, source_take, age, more, error);
}

static void source_age_close(struct source *source)
{
    struct source_age *age = (struct source_age *)source;

    scan_close(age->scan);
    zone_free(age->utc);
    free(age);
}

static const struct source_kind source_age_kind = {source_age_slice, source_age_close};

enum status source_by_age(struct engine *engine, const struct retention_facts *facts,
                          const char *columns, struct source **source, struct error *error)
{
    struct source_age *age = memory_new(struct source_age);

    age->base.kind = &source_age_kind;
    age->facts = facts;
    age->rules = facts->rules;
    enum status status = zone_load("UTC", &age->utc, error);
    if (!age->rules.zone || age->rules.format == FORMAT_DATE)
        age->rules.zone = age->utc;
    if (!status)
        status = retention_scan_columns(engine, facts, columns, &age->scan, error);
    if (status)
        source_close(&age->base);
    else
        *source = &age->base;
    return status;
}

void source_close(struct source *source)
{
    if (source)
        source->kind->close(source);
}

enum status source_slice(struct source *source, source_row *each, void *argument, double until_ms,
                         bool *more, struct error *error)
{
    return source->kind->slice(source, each, argument, until_ms, more, error);
}

void source_forget(struct source *source, int64_t gone)
{
    if (source->kind == &source_age_kind)
        scan_forget(((struct source_age *)source)->scan, gone);
}
