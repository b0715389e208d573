/*
 * Gives free pages back in steps: each sqlite3_step() of incremental_vacuum moves the last page of
 * the file into a free one and makes the file a page shorter. Runs in a worker, under the lease.
 *
 * It goes on until all the pages that were free when it began are given back, not down to
 * free_above: what is left free would have to be moved past again by the next run. Pages that
 * become free meanwhile are for that one, so that it ends beside whoever deletes all the time.
 */
#include "vacuum.h"

#include <stdio.h>

enum { STEPS_OVERRUNS = 20 /* in a row; by then the pages that it needs are in memory */ };

struct steps {
    struct engine *engine;
    sqlite3_stmt *vacuum;
    int64_t most, given;
    bool more;    /* there were free pages left */
    int overruns; /* in a row */
};

/* Within the hold: a page after the other. */
static enum status steps_pages(struct steps *steps, int64_t *pages, struct error *error)
{
    enum status status = STATUS_OK;
    bool spent = false;

    while (status == STATUS_OK && steps->more && !spent && steps->given + *pages < steps->most) {
        status = database_step(steps->engine->database, steps->vacuum, &steps->more, error);
        *pages += status == STATUS_OK && steps->more;
        spent = status == STATUS_OK && lease_spent(steps->engine->lease);
    }
    sqlite3_reset(steps->vacuum);
    return status;
}

static enum status steps_failed(struct steps *steps, enum status failure, struct error *error)
{
    double max_lock_ms =
        (double)units_span_us(&steps->engine->job->database->limits.max_lock) / 1e3;
    enum status status = lease_failed(steps->engine->lease, failure, true, error);

    if (status == STATUS_OK && ++steps->overruns >= STEPS_OVERRUNS)
        return error_set(error, STATUS_FAILED,
                         "not even one page can be moved within max_lock, %.0f ms, on this disk: "
                         "raise max_lock",
                         max_lock_ms);
    return status;
}

/* One hold. Where it had to be rolled back, its pages are next again. */
static enum status steps_step(struct steps *steps, struct error *error)
{
    int64_t pages = 0;
    enum status status = lease_begin(steps->engine->lease, error);

    if (status)
        return status;
    steps->more = true;
    status = steps_pages(steps, &pages, error);
    if (status) {
        steps->more = true;
        return steps_failed(steps, status, error);
    }
    status = lease_end(steps->engine->lease, error);
    steps->more = steps->more || status;
    if (status)
        return status == STATUS_BUSY ? STATUS_OK : status;
    steps->given += pages;
    steps->overruns = 0;
    return STATUS_OK;
}

enum status vacuum_steps(struct engine *engine, int64_t most, int64_t *given, struct error *error)
{
    struct steps steps = {.engine = engine, .most = most, .more = true};
    enum status status =
        database_prepare(engine->database, "PRAGMA incremental_vacuum", &steps.vacuum, error);

    while (status == STATUS_OK && steps.more && steps.given < most) {
        status = steps_step(&steps, error);
        engine_progress(engine, steps.given, most);
    }
    sqlite3_finalize(steps.vacuum);
    lease_settle(engine->lease);
    *given = steps.given;
    return status;
}
