/*
 * Hands a worker's job to the engine. Runs in the worker, after it has become the file's owner;
 * what the engine says goes to the parent as it comes.
 */
#include "engine_job.h"

#include "engine.h"
#include "job.h"
#include "memory.h"
#include "privileges.h"
#include "worker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef enum status engine_job_function(const struct engine_job *job, struct error *error);

/* Whoever only reads a database in WAL mode is in nobody's way, so may be slow. In rollback-journal
 * mode reading is a lock that the application's COMMIT waits for. */
static void engine_job_yield(const char *file)
{
    struct stat about;
    char *wal = memory_format("%s-wal", file);

    if (fstatat(AT_FDCWD, wal, &about, AT_SYMLINK_NOFOLLOW) == 0)
        privileges_yield();
    free(wal);
}

static enum status engine_job_do(json_t *job, engine_job_function *engine, bool writes,
                                 struct error *error)
{
    struct config *policy = NULL;
    struct engine_job decoded;

    enum status status = job_decode(job, &decoded, &policy, error);
    if (status)
        return status;
    /* job_decode has seen that the path is absolute */
    decoded.path = json_string_value(json_object_get(job, "path"));
    decoded.file = strrchr(decoded.path, '/') + 1;
    decoded.host = (struct engine_host){.emit = worker_emit,
                                        .stopped = worker_stopped,
                                        .record = worker_record};
    if (!job_stays(job) && (!writes || (decoded.task->kind->flags & TASK_READ_ONLY)))
        engine_job_yield(decoded.file); /* for good, and the next job may hold a lock */
    status = engine(&decoded, error);
    config_free(policy);
    return status;
}

enum status engine_job_run(json_t *job, struct error *error)
{
    return engine_job_do(job, engine_run, true, error);
}

enum status engine_job_plan(json_t *job, struct error *error)
{
    return engine_job_do(job, engine_plan, false, error);
}

enum status engine_job_inspect(json_t *job, struct error *error)
{
    return engine_job_do(job, engine_inspect, false, error);
}
