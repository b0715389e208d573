/*
 * The deletion: keys are collected without the lock, in the order of age where an index gives it,
 * and rows go in steps under the lease. Each DELETE names its row by key and by the very time
 * value that was judged, so a row that the application changed meanwhile stays.
 */
#include "retention.h"

#include "clock.h"
#include "memory.h"
#include "retention_sweep.h"
#include "rowlist.h"
#include "scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUN_BATCH = 16384,   /* keys collected at a time ... */
    RUN_BYTES = 4 << 20, /* ... of so many bytes together: a key may be long */
    RUN_CHILDREN = 16,   /* rows of a dependent table taken at a time */
    RUN_LOOK = 64        /* rows between two looks at the clock while collecting */
};

struct run_counts {
    int64_t removed; /* rows of the table */
    int64_t children;
    int64_t kept;    /* referred to by children that keep their parents */
    int64_t refused; /* a trigger or a constraint said no */
    int64_t ties;    /* rows exactly at the cut-off that still may go */
    size_t done;     /* rows of the batch that are dealt with */
    int64_t tail;    /* of those that are no longer there, the ones at the scan's position */
};

struct run {
    struct engine *engine;
    const struct retention_facts *facts;
    struct scan *scan;
    struct rowlist batch;
    size_t tie_start; /* rows of the batch from here on have the time at which the scan stands */
    sqlite3_stmt *eligible, *present, *delete;
    sqlite3_stmt **dependents;
    size_t dependent_count;
    int columns; /* of the key */
    struct run_counts counts;
    int64_t others;  /* values in no known format that the scan has met */
    double until_ms; /* when a slice of collecting ends */
    int64_t seen, ties_collected;
    char refusal[160]; /* what the first refusing trigger said */
};

/* --- collecting --------------------------------------------------------------------------- */

static bool run_is_old(struct run *run, int64_t latest_us)
{
    if (latest_us < run->facts->cutoff_us)
        return true;
    if (latest_us > run->facts->cutoff_us || run->ties_collected >= run->facts->ties)
        return false;
    run->ties_collected++;
    return true;
}

static bool run_collect_row(void *argument, sqlite3_stmt *row)
{
    struct run *run = argument;
    sqlite3_value *value = sqlite3_column_value(row, 0);
    int64_t us;

    if (run->facts->by_age && !scan_at_position(run->scan, value))
        run->tie_start = run->batch.count;
    if (timestamp_read(&run->facts->rules, value, &us)) {
        if (run_is_old(run, us))
            rowlist_add(&run->batch, row, run->columns + 1);
    } else if (sqlite3_value_type(value) != SQLITE_NULL) {
        run->others++;
    }
    bool look = ++run->seen % RUN_LOOK == 0;
    return run->batch.count < RUN_BATCH && run->batch.length < RUN_BYTES &&
           !(look && clock_monotonic_ms() >= run->until_ms);
}

static enum status run_collect(struct run *run, bool *more, struct error *error)
{
    double slice = engine_slice_ms(run->engine);

    scan_forget(run->scan, run->counts.tail);
    rowlist_clear(&run->batch);
    run->counts.tail = 0;
    run->counts.done = run->tie_start = 0;
    run->until_ms = clock_monotonic_ms() + slice;
    enum status status = scan_slice(run->scan, run_collect_row, run, more, error);
    engine_slice_gap(run->engine, slice);
    return status;
}

/* --- one row ------------------------------------------------------------------------------ */

/* Whether a statement about the current row (?1 its time, ?2 and on its key) finds it. */
static enum status run_ask(struct run *run, sqlite3_stmt *statement, bool *found,
                           struct error *error)
{
    rowlist_bind(&run->batch, run->counts.done, 0, run->columns + 1, statement);
    enum status status = database_step(run->engine->database, statement, found, error);
    sqlite3_reset(statement);
    return status;
}

/* A trigger or a constraint may refuse a row without ending the transaction: the row stays. */
static bool run_refused(struct run *run)
{
    sqlite3 *sql = database_sql(run->engine->database);

    if ((sqlite3_errcode(sql) & 0xff) != SQLITE_CONSTRAINT || sqlite3_get_autocommit(sql))
        return false;
    if (!run->refusal[0])
        snprintf(run->refusal, sizeof run->refusal, "%s", sqlite3_errmsg(sql));
    return true;
}

enum { RUN_REFUSED = -1 };

/* Runs a bound statement; `*changes` counts the rows that it took, or is RUN_REFUSED. */
static enum status run_change(struct run *run, sqlite3_stmt *statement, int *changes,
                              struct error *error)
{
    bool row;
    enum status status = database_step(run->engine->database, statement, &row, error);

    *changes = sqlite3_changes(database_sql(run->engine->database));
    if (status != STATUS_OK && run_refused(run)) {
        *changes = RUN_REFUSED;
        status = STATUS_OK;
    }
    sqlite3_reset(statement);
    return status;
}

/* Takes some of the row's dependents; more may be left while `*changes` is above 0. */
static enum status run_clear_some(struct run *run, sqlite3_stmt *statement, int *changes,
                                  struct error *error)
{
    rowlist_bind(&run->batch, run->counts.done, 1, run->columns, statement);
    sqlite3_bind_int(statement, run->columns + 1, RUN_CHILDREN);
    enum status status = run_change(run, statement, changes, error);
    if (status == STATUS_OK && *changes > 0)
        run->counts.children += *changes;
    return status;
}

/* What has become of a row: dealt with, refused, or to be continued in the next step. */
enum run_fate { FATE_DONE, FATE_REFUSED, FATE_LATER };

/* Clears what refers to the row, for as long as the step lasts. Where the table has triggers,
 * which may refuse the row at its end, all must go in one step, or nothing. */
static enum status run_clear(struct run *run, enum run_fate *fate, bool *spent, struct error *error)
{
    bool row = false, whole = run->facts->table.triggers;
    enum status status = run_ask(run, run->eligible, &row, error);

    for (size_t i = 0; row && i < run->dependent_count; i++) {
        int changes = 1;
        while (status == STATUS_OK && changes > 0 && (whole || !*spent)) {
            status = run_clear_some(run, run->dependents[i], &changes, error);
            *spent = !whole && lease_spent(run->engine->lease);
        }
        if (status || changes) {
            *fate = changes == RUN_REFUSED ? FATE_REFUSED : FATE_LATER;
            break;
        }
    }
    return status;
}

/* The row is no longer where the scan found it, and the scan need not pass it again. */
static void run_gone(struct run *run)
{
    run->counts.tail += run->counts.done >= run->tie_start;
}

/* The DELETE took nothing: the row is gone or has changed, children keep it, or a trigger does. */
static enum status run_untouched(struct run *run, enum run_fate *fate, struct error *error)
{
    bool present = false, eligible = false;
    enum status status = STATUS_OK;

    if (run->present && (status = run_ask(run, run->present, &present, error)))
        return status;
    if (!present) {
        run_gone(run);
        return STATUS_OK;
    }
    if ((status = run_ask(run, run->eligible, &eligible, error)))
        return status;
    run->counts.kept += !eligible;
    if (eligible && !run->refusal[0])
        snprintf(run->refusal, sizeof run->refusal, "a trigger passes over them");
    *fate = eligible ? FATE_REFUSED : FATE_DONE;
    return STATUS_OK;
}

static enum status run_delete(struct run *run, enum run_fate *fate, struct error *error)
{
    int changes;
    enum status status;

    rowlist_bind(&run->batch, run->counts.done, 0, run->columns + 1, run->delete);
    if ((status = run_change(run, run->delete, &changes, error)))
        return status;
    if (changes == RUN_REFUSED) {
        *fate = FATE_REFUSED;
    } else if (changes > 0) {
        run->counts.removed++;
        run_gone(run);
    } else {
        status = run_untouched(run, fate, error);
    }
    return status;
}

/* A row that is refused keeps its dependents, too. */
static enum status run_try(struct run *run, enum run_fate *fate, bool *spent, struct error *error)
{
    struct database *database = run->engine->database;
    int64_t children = run->counts.children;
    enum status status;

    if (!run->dependent_count)
        return run_delete(run, fate, error);
    if ((status = database_exec(database, "SAVEPOINT litekeeper_row", error)) ||
        (status = run_clear(run, fate, spent, error)))
        return status;
    if (*fate == FATE_DONE && (status = run_delete(run, fate, error)))
        return status;
    if (*fate == FATE_REFUSED) {
        run->counts.children = children;
        if ((status = database_exec(database, "ROLLBACK TO litekeeper_row", error)))
            return status;
    }
    return database_exec(database, "RELEASE litekeeper_row", error);
}

/* Deals with the row that is next, or with a part of its dependents if the step is spent. */
static enum status run_row(struct run *run, bool *spent, struct error *error)
{
    enum run_fate fate = FATE_DONE;
    enum status status = run_try(run, &fate, spent, error);

    if (status || fate == FATE_LATER)
        return status;
    run->counts.refused += fate == FATE_REFUSED;
    run->counts.done++;
    *spent = lease_spent(run->engine->lease);
    return STATUS_OK;
}

/* --- steps -------------------------------------------------------------------------------- */

static bool run_full(const struct run *run)
{
    return run->facts->most >= 0 && run->counts.removed >= run->facts->most;
}

/* One hold. Where it had to be rolled back, the same rows are next again. */
static enum status run_step(struct run *run, struct error *error)
{
    const struct run_counts before = run->counts;
    bool spent = false;
    enum status status = lease_begin(run->engine->lease, error);

    if (status)
        return status;
    while (status == STATUS_OK && !spent && run->counts.done < run->batch.count && !run_full(run))
        status = run_row(run, &spent, error);
    if (status == STATUS_OK) {
        status = lease_end(run->engine->lease, error);
        if (status == STATUS_OK)
            return STATUS_OK;
        run->counts = before;
        return status == STATUS_BUSY ? STATUS_OK : status;
    }
    run->counts = before;
    return lease_failed(run->engine->lease, status, false, error);
}

static enum status run_all(struct run *run, struct error *error)
{
    const struct retention_facts *facts = run->facts;
    int64_t expected = facts->most >= 0 && facts->most < facts->old ? facts->most : facts->old;
    enum status status = STATUS_OK;
    bool more = true;

    while (status == STATUS_OK && more && !run_full(run)) {
        status = run_collect(run, &more, error);
        while (status == STATUS_OK && run->counts.done < run->batch.count && !run_full(run)) {
            status = run_step(run, error);
            engine_progress(run->engine, run->counts.removed, expected);
        }
    }
    return status;
}

/* --- statements --------------------------------------------------------------------------- */

/* "VERB FROM table AS p WHERE key = ... AND time IS ?1", and no child that keeps it. */
static enum status run_prepare_one(struct run *run, const char *verb, bool unblocked,
                                   sqlite3_stmt **statement, struct error *error)
{
    const struct table *table = &run->facts->table;
    struct text sql = {0};

    text_addf(&sql, "%s FROM ", verb);
    text_add_identifier(&sql, table->name);
    text_add(&sql, " AS p WHERE ");
    table_key_equals(&table->key, "p.", 2, &sql);
    text_add(&sql, " AND p.");
    text_add_identifier(&sql, table->column);
    text_add(&sql, " IS ?1");
    if (unblocked)
        referrers_unblocked(run->facts->referrers, "p", &sql);
    enum status status = database_prepare(run->engine->database, sql.bytes, statement, error);
    text_free(&sql);
    return status;
}

static enum status run_prepare(struct run *run, struct error *error)
{
    const struct retention_facts *facts = run->facts;
    enum status status;

    run->columns = (int)facts->table.key.count;
    if ((status =
             retention_scan(run->engine, facts, NULL, facts->cutoff_us + 1, &run->scan, error)) ||
        (status = run_prepare_one(run, "DELETE", true, &run->delete, error)) ||
        (status = run_prepare_one(run, "SELECT 1", true, &run->eligible, error)) ||
        (status = referrers_statements(run->engine->database, facts->referrers, &facts->table,
                                       &run->dependents, &run->dependent_count, error)))
        return status;
    if (referrers_restrict(facts->referrers) || facts->table.triggers)
        status = run_prepare_one(run, "SELECT 1", false, &run->present, error);
    return status;
}

static void run_free(struct run *run)
{
    scan_close(run->scan);
    rowlist_free(&run->batch);
    sqlite3_finalize(run->delete);
    sqlite3_finalize(run->eligible);
    sqlite3_finalize(run->present);
    for (size_t i = 0; i < run->dependent_count; i++)
        sqlite3_finalize(run->dependents[i]);
    free(run->dependents);
}

enum status retention_run(struct engine *engine, const void *options, void *facts,
                          struct outcome *outcome, struct error *error)
{
    const struct retention_facts *known = facts;
    struct run run = {.engine = engine, .facts = known};
    enum status status = run_prepare(&run, error);

    if (status == STATUS_OK && sweep_possible(known))
        status = retention_sweep(engine, known, &run.counts.removed, error);
    else if (status == STATUS_OK)
        status = run_all(&run, error);
    struct retention_result result = {.removed = run.counts.removed,
                                      .children = run.counts.children,
                                      .kept = run.counts.kept,
                                      .refused = run.counts.refused,
                                      .others = run.others};
    snprintf(result.refusal, sizeof result.refusal, "%s", run.refusal);
    run_free(&run);
    outcome->rows = result.removed;
    if (status == STATUS_OK)
        status = retention_measure_effect(engine, known, &result, error);
    if (status == STATUS_OK)
        retention_report(options, known, &result, outcome);
    return status;
}
