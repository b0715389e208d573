/* What a task would have around a compaction: a job with max_lock 20 ms, and two connections. */
#include "lib_compacted.h"

#include "lib_opened.h"
#include "task_kinds.h"

static char name[] = "app.db";
static struct config_database policy = {.name = name};
static const struct config_task task = {.kind = &task_vacuum};
static struct engine_job job = {.file = name, .database = &policy, .task = &task};

enum status compacted_begin(struct compacted *compacted, struct error *error)
{
    struct lease_limits limits = {
        .max_lock_ms = 20, .duty = 1, .busy_ms = 500, .max_wal_bytes = 1 << 30};

    *compacted = (struct compacted){.engine = {.job = &job}};
    policy.limits.max_lock = (struct span){.set = true, .us = 20000};
    enum status status = opened_try(DATABASE_WRITE, 500, &compacted->engine.database, error);
    if (!status)
        status = opened_try(DATABASE_READ, 500, &compacted->reading, error);
    if (status)
        return status;
    job.host = *database_host(compacted->reading);
    compacted->engine.lease = lease_new(compacted->engine.database, &limits);
    return compact_open(&compacted->engine, compacted->reading, &compacted->compact, error);
}

void compacted_end(struct compacted *compacted)
{
    compact_close(compacted->compact);
    lease_free(compacted->engine.lease);
    database_close(compacted->engine.database);
    database_close(compacted->reading);
}
