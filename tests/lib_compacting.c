/* What the task gives to compact_open, made by hand. */
#include "lib_compacting.h"

#include "lib_opened.h"
#include "task_kinds.h"

#include <stdbool.h>
#include <stdint.h>

static char compacting_name[] = "app.db";
static struct config_database compacting_policy = {.name = compacting_name};
static const struct config_task compacting_task = {.kind = &task_vacuum};
static struct engine_job compacting_job = {.file = compacting_name,
                                           .database = &compacting_policy,
                                           .task = &compacting_task};

void compacting_lock(int64_t us)
{
    compacting_policy.limits.max_lock = (struct span){.set = true, .us = us};
}

enum status compacting_begin(struct compacting *compacting, struct error *error)
{
    struct lease_limits limits = {
        .max_lock_ms = COMPACTING_LOCK_MS, .duty = 1, .busy_ms = 500, .max_wal_bytes = 1 << 30};

    *compacting = (struct compacting){.engine = {.job = &compacting_job}};
    compacting_lock(COMPACTING_LOCK_MS * 1000);
    enum status status = opened_try(DATABASE_WRITE, 500, &compacting->engine.database, error);
    if (!status)
        status = opened_try(DATABASE_READ, 500, &compacting->reading, error);
    if (status)
        return status;
    compacting_job.host = *database_host(compacting->reading);
    compacting->engine.lease = lease_new(compacting->engine.database, &limits);
    return compact_open(&compacting->engine, compacting->reading, &compacting->compact, error);
}

void compacting_end(struct compacting *compacting)
{
    compact_close(compacting->compact);
    lease_free(compacting->engine.lease);
    database_close(compacting->engine.database);
    database_close(compacting->reading);
}

enum status compacting_whole(bool audit, struct error *error)
{
    struct compacting compacting;
    enum status status = compacting_begin(&compacting, error);

    if (!status && audit)
        status = compact_audit(compacting.compact, NULL, error);
    if (!status && audit)
        status = compact_merge(compacting.compact, 1, error);
    if (!status)
        status = compact_order(compacting.compact, NULL, error);
    if (!status)
        status = compact_shrink(compacting.compact, INT64_MAX, error);
    compacting_end(&compacting);
    return status;
}
