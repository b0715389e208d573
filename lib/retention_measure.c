/* What retention must know before it decides: the table, its time format, how many rows are old. */
#include "retention.h"

#include "clock.h"
#include "memory.h"
#include "pages.h"
#include "retention_archive.h"
#include "retention_expire.h"
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEASURE_COUNTED = 20000 }; /* rollback-journal mode: old rows beyond it are estimated */

static const struct span measure_epoch_doubt = {.months = 60, .set = true};

static enum status measure_format(struct database *database,
                                  const struct retention_options *options,
                                  struct retention_facts *facts, struct error *error)
{
    struct retention_sample sample = {.newest_us = -1, .oldest_us = -1};
    enum status status;

    facts->rules.format = (enum time_format)options->format;
    if (options->zone && (status = zone_load(options->zone, &facts->zone, error)))
        return status;
    facts->rules.zone = facts->zone;
    if (facts->rules.format != FORMAT_AUTO)
        return STATUS_OK;
    if ((status = retention_sample_ends(database, facts, NULL, 0, &sample, error)) ||
        (status = retention_sample_across(database, &facts->table, NULL, 0, &sample, error)))
        return status;
    return timestamp_detect(sample.counts, sample.sampled, &facts->rules.format, error);
}

/* Numbers may count from another year than 1970 (2001 on Apple's systems, 1980 for GPS), and would
 * all look old then. Who means what they look like says so. */
static enum status measure_check_epoch(const struct engine *engine,
                                       const struct retention_options *options,
                                       const struct retention_facts *facts, struct error *error)
{
    bool text = facts->rules.format == FORMAT_DATETIME || facts->rules.format == FORMAT_DATE;
    const char *format = timestamp_format_name(facts->rules.format);
    char newest[TEXT_SHORT];

    if (options->format != FORMAT_AUTO || text || facts->newest_us < 0 ||
        facts->newest_us >= units_before(engine->now_us, &measure_epoch_doubt))
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED,
                     "the numbers in %s look like %s, but then the newest is of %s: say `format: "
                     "%s` if that is right",
                     facts->table.column, format, text_time(newest, facts->newest_us), format);
}

static enum status measure_pages(struct engine *engine, struct retention_facts *facts,
                                 struct error *error)
{
    struct pages_limits limits = {.slice_ms = engine_slice_ms(engine),
                                  .gap_ms = engine_slice_ms(engine) * 2,
                                  .only_table = facts->table.name,
                                  .stopped = engine->job->host.stopped,
                                  .argument = engine->job->host.argument};
    struct pages_report report = {0};
    enum status status = pages_measure(database_sql(engine->database), &limits, &report, error);

    if (status)
        return status;
    for (size_t i = 0; i < report.btree_count; i++) {
        const struct pages_btree *btree = &report.btrees[i];
        if (strcmp(btree->type, "table") != 0 || strcmp(btree->name, facts->table.name) != 0)
            continue;
        facts->rows = btree->entries;
        facts->row_bytes = btree->entry_bytes;
    }
    pages_report_free(&report);
    return STATUS_OK;
}

static bool measure_needs_rows(const struct retention_options *options)
{
    return options->max_rows >= 0 || options->max_size >= 0 || options->when_rows_above > 0 ||
           options->max_delete < 1;
}

/* An estimate would let rows go that max_rows keeps, so they are counted: in rollback-journal mode
 * in slices, since there a long count would keep writers waiting. */
static enum status measure_rows(struct engine *engine, const struct retention_options *options,
                                struct retention_facts *facts, struct error *error)
{
    enum status status = measure_pages(engine, facts, error);
    struct text sql = {0};

    if (status || !measure_needs_rows(options))
        return status;
    if (!database_facts(engine->database)->wal)
        return retention_count(engine, facts, NULL, &facts->rows, error);
    text_add(&sql, "SELECT count(*) FROM ");
    text_add_identifier(&sql, facts->table.name);
    status = database_integer(engine->database, sql.bytes, 0, &facts->rows, error);
    text_free(&sql);
    return status;
}

struct measure_old {
    int64_t cutoff_us, old, most;
};

static bool measure_count_old(void *argument, int64_t latest_us)
{
    struct measure_old *count = argument;

    count->old += latest_us < count->cutoff_us;
    return count->old < count->most;
}

/* Counts the rows that are past the cut-off whatever their zone by SQL alone, which is fast, but
 * takes values for times that are none; `*from` is where it ends. */
static enum status measure_count_surely(struct engine *engine, const struct retention_facts *facts,
                                        int64_t cutoff_us, struct text *from, int64_t *rows,
                                        struct error *error)
{
    struct text sql = {0}, low = {0}, ignored = {0};

    timestamp_surely(facts->rules.format, cutoff_us, from);
    timestamp_range(facts->rules.format, cutoff_us, &low, &ignored);
    text_add(&sql, "SELECT count(*) FROM ");
    text_add_identifier(&sql, facts->table.name);
    text_add(&sql, " WHERE ");
    text_add_identifier(&sql, facts->table.column);
    text_addf(&sql, " >= %s AND ", low.bytes);
    text_add_identifier(&sql, facts->table.column);
    text_addf(&sql, " < %s", from->bytes);
    enum status status = database_integer(engine->database, sql.bytes, 0, rows, error);
    text_free(&sql);
    text_free(&low);
    text_free(&ignored);
    return status;
}

/* How many rows are past the cut-off. Through an index they are counted, else the sample's share
 * is all that is known without reading the whole table. */
static enum status measure_old(struct engine *engine, struct retention_facts *facts,
                               int64_t cutoff_us, const struct retention_sample *sample,
                               struct error *error)
{
    bool wal = database_facts(engine->database)->wal;
    struct measure_old count = {.cutoff_us = cutoff_us, .most = wal ? INT64_MAX : MEASURE_COUNTED};
    struct retention_walk walk = {.before_us = cutoff_us,
                                  .each = measure_count_old,
                                  .argument = &count};
    struct text from = {0};
    int64_t surely = 0;
    enum status status = STATUS_OK;

    double share = sample->read ? (double)sample->old / (double)sample->read : 0;
    facts->old = facts->rows < 0 ? -1 : (int64_t)(share * (double)facts->rows);
    if (!facts->by_age)
        return STATUS_OK;
    if (wal && !facts->holds) /* SQL knows nothing of them */
        status = measure_count_surely(engine, facts, cutoff_us, &from, &surely, error);
    walk.from = from.bytes;
    if (status == STATUS_OK)
        status = retention_walk(engine, facts, &walk, error);
    text_free(&from);
    if (status)
        return status;
    facts->old_exact = count.old < count.most && sample->read == sample->sampled;
    if (count.old < count.most || facts->old < count.old)
        facts->old = surely + count.old;
    return STATUS_OK;
}

enum status retention_check_children(const struct retention_options *options,
                                     const struct retention_facts *facts, struct error *error)
{
    char *dependents = referrers_dependents(facts->referrers);
    enum status status = STATUS_OK;

    if (dependents && options->cascade == CASCADE_REFUSE)
        status = error_set(error, STATUS_REFUSED,
                           "deleting from %s would change other tables, too: %s; say `cascade: "
                           "delete` if that is meant%s",
                           facts->table.name, dependents,
                           options->archive.directory ? ", or `cascade: archive`" : "");
    else if (options->cascade == CASCADE_ARCHIVE)
        status = referrers_check_archive(facts->referrers, error);
    free(dependents);
    return status;
}

static enum status measure_check_clock(const struct engine *engine,
                                       const struct retention_facts *facts, struct error *error)
{
    struct clock_reading clock = clock_read();
    char why[CLOCK_WHY];

    if (engine->job->trust_clock ||
        !clock_doubtful(&clock, &engine->job->memory, facts->newest_us, why))
        return STATUS_OK;
    error_set(error, STATUS_REFUSED,
              "the clock is in doubt: %s; synchronise it, or say --trust-clock if it is right",
              why);
    error->guard = OUTCOME_GUARD_CLOCK;
    return STATUS_REFUSED;
}

enum status retention_check_delete(struct database *database, const struct table *table,
                                   struct error *error)
{
    sqlite3_stmt *statement = NULL;
    struct text sql = {0};

    text_add(&sql, "DELETE FROM ");
    text_add_identifier(&sql, table->name);
    enum status status = database_prepare(database, sql.bytes, &statement, error);
    sqlite3_finalize(statement);
    text_free(&sql);
    return status;
}

static enum status measure_table(struct engine *engine, const struct retention_options *options,
                                 struct retention_facts *facts, struct error *error)
{
    struct retention_sample sample = {.now_us = engine->now_us, .newest_us = -1, .oldest_us = -1};
    int64_t cutoff_us = retention_keep_us(options, engine->now_us);
    struct database *database = engine->database;
    enum status status;

    if ((status = table_load(database, options->table, options->column, &facts->table, error)) ||
        (status = retention_check_delete(database, &facts->table, error)) ||
        (status = referrers_load(database, facts->table.name, &facts->referrers, error)) ||
        (status = retention_check_children(options, facts, error)) ||
        (status = measure_format(database, options, facts, error)))
        return status;
    facts->by_age = facts->table.index || facts->table.key_is_time;
    if ((status = retention_load_holds(engine, options, facts, error)) ||
        (status = retention_archive_check(engine, options, facts, error)) ||
        (status = retention_expire_measure(engine, options, facts, error)))
        return status;
    if ((status = retention_sample_ends(database, facts, &facts->rules, cutoff_us, &sample, error)))
        return status;
    facts->newest_us = sample.newest_us;
    facts->oldest_us = sample.oldest_us;
    struct retention_sample spread = {.now_us = engine->now_us, .newest_us = -1, .oldest_us = -1};
    if ((status = retention_sample_across(database, &facts->table, &facts->rules, cutoff_us,
                                          &spread, error)))
        return status;
    if (spread.newest_us > facts->newest_us)
        facts->newest_us = spread.newest_us;
    if ((status = measure_check_clock(engine, facts, error)) ||
        (status = measure_check_epoch(engine, options, facts, error)) ||
        (status = measure_rows(engine, options, facts, error)) ||
        (status = retention_count_held(engine, facts, error)))
        return status;
    return measure_old(engine, facts, cutoff_us, spread.read ? &spread : &sample, error);
}

enum status retention_measure(struct engine *engine, const void *options, void **result,
                              struct error *error)
{
    struct retention_facts *facts = memory_new(struct retention_facts);

    facts->rows = facts->old = -1;
    facts->row_bytes = -1;
    enum status status = measure_table(engine, options, facts, error);
    if (status == STATUS_OK)
        status = retention_find_cutoff(engine, options, facts, error);
    if (status)
        retention_free_facts(facts);
    else
        *result = facts;
    return status;
}

void retention_free_facts(void *argument)
{
    struct retention_facts *facts = argument;

    if (!facts)
        return;
    table_free(&facts->table);
    referrers_free(facts->referrers);
    retention_free_holds(facts->holds);
    zone_free(facts->zone);
    free(facts);
}
