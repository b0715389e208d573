/*
 * The deletion: keys are collected without the lock, in the order of age where an index gives it,
 * and go as retention_rows.c has it.
 */
#include "clock.h"
#include "retention_archive.h"
#include "retention_expire.h"
#include "retention_rows.h"
#include "retention_sweep.h"
#include "scan.h"

#include <stdio.h>

enum {
    RUN_BATCH = 16384,   /* keys collected at a time ... */
    RUN_BYTES = 4 << 20, /* ... of so many bytes together: a key may be long */
    RUN_LOOK = 64        /* rows between two looks at the clock while collecting */
};

struct run {
    struct rows rows;
    struct scan *scan;
    int64_t others;  /* values in no known format that the scan has met */
    double until_ms; /* when a slice of collecting ends */
    int64_t seen, ties_collected;
};

static bool run_is_old(struct run *run, int64_t latest_us)
{
    const struct retention_facts *facts = run->rows.facts;

    if (latest_us < facts->cutoff_us)
        return true;
    if (latest_us > facts->cutoff_us || run->ties_collected >= facts->ties)
        return false;
    run->ties_collected++;
    return true;
}

static bool run_collect_row(void *argument, sqlite3_stmt *row)
{
    struct run *run = argument;
    struct rows *rows = &run->rows;
    sqlite3_value *value = sqlite3_column_value(row, 0);
    int64_t us;

    if (rows->facts->by_age && !scan_at_position(run->scan, value))
        rows->tie_start = rows->batch.count;
    if (timestamp_read(&rows->facts->rules, value, &us)) {
        if (!retention_held(rows->facts, value) && run_is_old(run, us))
            rowlist_add(&rows->batch, row, rows->columns + 1);
    } else if (sqlite3_value_type(value) != SQLITE_NULL) {
        run->others++;
    }
    bool look = ++run->seen % RUN_LOOK == 0;
    return rows->batch.count < RUN_BATCH && rows->batch.length < RUN_BYTES &&
           !(look && clock_monotonic_ms() >= run->until_ms);
}

static enum status run_collect(struct run *run, bool *more, struct error *error)
{
    struct rows *rows = &run->rows;
    double slice = engine_slice_ms(rows->engine);

    scan_forget(run->scan, rows->counts.tail);
    rowlist_clear(&rows->batch);
    rows->counts.tail = 0;
    rows->counts.done = rows->tie_start = 0;
    run->until_ms = clock_monotonic_ms() + slice;
    enum status status = scan_slice(run->scan, run_collect_row, run, more, error);
    engine_slice_gap(rows->engine, slice);
    return status;
}

static enum status run_all(struct run *run, struct error *error)
{
    struct rows *rows = &run->rows;
    const struct retention_facts *facts = rows->facts;
    int64_t expected = facts->most >= 0 && facts->most < facts->old ? facts->most : facts->old;
    enum status status = STATUS_OK;
    bool more = true;

    while (status == STATUS_OK && more && !rows_full(rows)) {
        status = run_collect(run, &more, error);
        while (status == STATUS_OK && rows->counts.done < rows->batch.count && !rows_full(rows)) {
            status = rows_step(rows, error);
            engine_progress(rows->engine, rows->counts.removed, expected);
        }
    }
    return status;
}

/* Without an archive. */
static enum status run_delete(struct engine *engine, const struct retention_facts *facts,
                              struct retention_result *result, struct error *error)
{
    struct run run = {.rows = {.engine = engine, .facts = facts}};
    enum status status =
        retention_scan(engine, facts, NULL, facts->cutoff_us + 1, &run.scan, error);

    if (status == STATUS_OK)
        status = rows_prepare(&run.rows, error);
    if (status == STATUS_OK && sweep_possible(facts))
        status = retention_sweep(engine, facts, &run.rows.counts.removed, error);
    else if (status == STATUS_OK)
        status = run_all(&run, error);
    rows_result(&run.rows, result);
    result->others = run.others;
    rows_free(&run.rows);
    scan_close(run.scan);
    return status;
}

/* With an archive: what must leave the table first, then what has been in the archive for too long,
 * which is no reason to look for rows. */
static enum status run_archive(struct engine *engine, const struct retention_options *options,
                               const struct retention_facts *facts, struct retention_result *result,
                               struct error *error)
{
    struct retention_facts rows = *facts;

    rows.expired = 0;
    enum status status = retention_archive(engine, options, &rows, result, error);
    return status ? status : retention_expire(engine, options, facts, result, error);
}

enum status retention_run(struct engine *engine, const void *argument, void *facts,
                          struct outcome *outcome, struct error *error)
{
    const struct retention_options *options = argument;
    struct retention_result result = {0};
    enum status status = options->archive.directory
                             ? run_archive(engine, options, facts, &result, error)
                             : run_delete(engine, facts, &result, error);

    outcome->rows = result.removed;
    if (status == STATUS_OK)
        status = retention_measure_effect(engine, facts, &result, error);
    if (status == STATUS_OK)
        retention_report(options, facts, &result, outcome);
    return status;
}
