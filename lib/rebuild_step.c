/*
 * The steps of a rebuild: each is one hold of the lease, in which the schema must be the one that
 * we know and the triggers must have noted everything. Between steps nothing is held.
 */
#include "rebuild_inside.h"

#include "clock.h"
#include "pace.h"

enum {
    REBUILD_BATCH_MOST = 4096,
    REBUILD_OVERRUNS = 30 /* in a row: a busy machine may have taken the processor away */
};

static const double rebuild_statement_least = 0.05, rebuild_statement_most = 0.2; /* of max_lock */
static const double rebuild_wal_slice_ms = 250; /* a snapshot in WAL mode blocks no one, but pins */

enum status rebuild_check_schema(struct rebuild *rebuild, struct error *error)
{
    int64_t schema = 0;
    enum status status =
        database_integer(rebuild->database, "PRAGMA schema_version", 0, &schema, error);

    if (status == STATUS_OK && schema != rebuild->schema)
        return error_set(
            error, STATUS_CANCELLED,
            "the schema was changed while %s was being built, so what was built so far "
            "is removed and %s; run it again",
            rebuild->shape.index,
            rebuild->create ? "there is no new index" : "the old index stays");
    return status;
}

/* A statement can fail for a change of the schema in many ways; the reason is that change. */
static enum status rebuild_explain(struct rebuild *rebuild, enum status status, struct error *error)
{
    struct error changed;

    if (status == STATUS_FAILED && rebuild->schema &&
        rebuild_check_schema(rebuild, &changed) == STATUS_CANCELLED) {
        if (error)
            *error = changed;
        return STATUS_CANCELLED;
    }
    return status;
}

static enum status rebuild_hold(struct rebuild *rebuild, bool installed, rebuild_work *work,
                                void *argument, bool *done, struct error *error)
{
    double renewed_ms = rebuild->renewed_ms;
    enum status status = lease_begin(rebuild->lease, error);

    *done = false;
    if (status)
        return status;
    if (installed && (status = rebuild_check_schema(rebuild, error)) == STATUS_OK)
        status = rebuild_renew(rebuild, error);
    if (status == STATUS_OK)
        status = work(rebuild, argument, error);
    if (status) {
        bool divisible = rebuild->batch > 1 || rebuild->overruns < REBUILD_OVERRUNS;
        status = lease_failed(rebuild->lease, status, divisible, error);
        rebuild->batch = rebuild->batch / 4 + 1;
        rebuild->overruns++;
        rebuild->renewed_ms = renewed_ms;
        return rebuild_explain(rebuild, status, error);
    }
    status = lease_end(rebuild->lease, error);
    *done = status == STATUS_OK;
    if (*done)
        rebuild->overruns = 0;
    else
        rebuild->renewed_ms = renewed_ms;              /* so it was not */
    return status == STATUS_BUSY ? STATUS_OK : status; /* readers kept it from happening */
}

enum status rebuild_step(struct rebuild *rebuild, rebuild_work *work, void *argument, bool *done,
                         struct error *error)
{
    return rebuild_hold(rebuild, true, work, argument, done, error);
}

enum status rebuild_plain_step(struct rebuild *rebuild, rebuild_work *work, void *argument,
                               bool *done, struct error *error)
{
    return rebuild_hold(rebuild, false, work, argument, done, error);
}

void rebuild_size_batch(struct rebuild *rebuild, double statement_ms)
{
    double max_lock_ms = rebuild->limits->max_lock_ms;

    if (statement_ms < max_lock_ms * rebuild_statement_least && rebuild->batch < REBUILD_BATCH_MOST)
        rebuild->batch *= 2;
    else if (statement_ms > max_lock_ms * rebuild_statement_most && rebuild->batch > 1)
        rebuild->batch /= 2;
}

double rebuild_slice_ms(const struct rebuild *rebuild)
{
    return database_facts(rebuild->database)->wal ? rebuild_wal_slice_ms
                                                  : rebuild->limits->max_lock_ms / 2;
}

void rebuild_slice_gap(const struct rebuild *rebuild)
{
    if (!database_facts(rebuild->database)->wal)
        clock_sleep_ms(pace_busy_step(rebuild_slice_ms(rebuild)));
}

void rebuild_progress(const struct rebuild *rebuild, int64_t entries, int64_t total)
{
    if (rebuild->limits->progress)
        rebuild->limits->progress(rebuild->limits->argument, entries, total);
}
