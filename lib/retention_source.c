/*
 * Rows that are to go, as a scan gives them: those that are past the cut-off, and of those exactly
 * at it as many as the facts say. Only reads.
 */
#include "retention_source.h"

#include "archive_partition.h"
#include "clock.h"
#include "memory.h"
#include "scan.h"
#include "zone.h"

#include <stdlib.h>

enum { SOURCE_LOOK = 16 }; /* rows between two looks at the clock */

/* Where no index gives rows by age and each year has its folder, the table is read once a year, and
 * of each reading those rows count that are of that one. */
struct source_years {
    bool one_by_one;
    int64_t from_us, to_us; /* of this reading */
    int64_t next_us;        /* the oldest row that is for a later one */
    bool later;             /* this reading is not the first */
};

struct source_age {
    struct source base;
    struct engine *engine;
    const struct retention_facts *facts;
    char *columns;
    struct scan *scan;
    struct zone *utc;
    struct timestamp_rules rules; /* what a time is called: not the latest that it can be */
    struct source_years years;
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

static bool source_is_of_year(struct source_years *years, int64_t time_us)
{
    if (years->one_by_one && time_us >= years->to_us && time_us < years->next_us)
        years->next_us = time_us;
    return !years->one_by_one || (time_us >= years->from_us && time_us < years->to_us);
}

static bool source_goes(struct source_age *age, sqlite3_value *value, int64_t latest_us)
{
    return latest_us <= age->facts->cutoff_us && !retention_held(age->facts, value) &&
           source_is_of_year(&age->years, source_time(age, value, latest_us)) &&
           source_is_old(age, latest_us);
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
        age->base.others += sqlite3_value_type(value) != SQLITE_NULL && !age->years.later;
    } else if (source_goes(age, value, us)) {
        age->base.given++;
        enough = !age->each(age->argument, row, 1 + (int)age->facts->table.key.count,
                            source_time(age, value, us));
    }
    return !enough && !(look && clock_monotonic_ms() >= age->until_ms);
}

static enum status source_next_year(struct source_age *age, bool *more, struct error *error)
{
    struct source_years *years = &age->years;

    years->from_us = years->to_us;
    years->to_us = archive_partition_year_end(years->next_us);
    years->next_us = INT64_MAX;
    years->later = true;
    scan_close(age->scan);
    age->scan = NULL;
    *more = true;
    return retention_scan_columns(age->engine, age->facts, age->columns, &age->scan, error);
}

static enum status source_age_slice(struct source *source, source_row *each, void *argument,
                                    double until_ms, bool *more, struct error *error)
{
    struct source_age *age = (struct source_age *)source;

    age->each = each;
    age->argument = argument;
    age->until_ms = until_ms;
    enum status status = scan_slice(age->scan, source_take, age, more, error);
    if (!status && !*more && age->years.next_us < INT64_MAX)
        status = source_next_year(age, more, error);
    return status;
}

static void source_age_close(struct source *source)
{
    struct source_age *age = (struct source_age *)source;

    scan_close(age->scan);
    zone_free(age->utc);
    free(age->columns);
    free(age);
}

static const struct source_kind source_age_kind = {source_age_slice, source_age_close};

/* The first reading only finds the first year. */
static struct source_years source_begin_years(const struct retention_facts *facts, int partition)
{
    return (struct source_years){.one_by_one = partition != PARTITION_NONE && !facts->by_age,
                                 .from_us = INT64_MIN,
                                 .to_us = INT64_MIN,
                                 .next_us = INT64_MAX};
}

enum status source_by_age(struct engine *engine, const struct retention_facts *facts, int partition,
                          const char *columns, struct source **source, struct error *error)
{
    struct source_age *age = memory_new(struct source_age);

    age->base.kind = &source_age_kind;
    age->engine = engine;
    age->facts = facts;
    age->columns = memory_copy(columns);
    age->years = source_begin_years(facts, partition);
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
