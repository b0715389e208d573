/*
 * Hands a worker's job to the engine. Runs in the worker, after it has become the file's owner;
 * what the engine says goes to the parent as it comes.
 */
#include "engine_job.h"

#include "clock.h"
#include "engine.h"
#include "enginewriter.h"
#include "job.h"
#include "memory.h"
#include "privileges.h"
#include "restore_job.h"
#include "task_retention.h"
#include "worker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ENGINE_JOB_ANSWER_MS = 120 * 1000 }; /* the parent gives the history half of that */

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

static enum status engine_job_answer(const char *line, struct error *error)
{
    json_t *answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *reason = json_string_value(json_object_get(answer, "reason"));
    enum status status = json_is_true(json_object_get(answer, "recorded"))
                             ? STATUS_OK
                             : error_set(error, STATUS_FAILED, "%.400s",
                                         reason ? reason : "the parent's answer is none");

    json_decref(answer);
    return status;
}

/* Sends an event and waits for the parent's word: {"recorded":true}, or false with a "reason". */
static enum status engine_job_record(void *argument, json_t *event, struct error *error)
{
    bool ended = false;

    worker_emit(argument, event);
    char *line = worker_line(argument, ENGINE_JOB_ANSWER_MS, &ended);
    if (line)
        return engine_job_answer(line, error);
    if (ended || worker_stopped(argument))
        return error_set(error, STATUS_CANCELLED, "told to stop");
    return error_set(error, STATUS_FAILED, "the parent does not answer");
}

static struct engine_writer engine_job_writer(const struct engine_job *job)
{
    int64_t now_us = job->at_us >= 0 ? job->at_us : clock_now_us();

    return enginewriter_known(&job->memory.last.writer, job->seen.inode, now_us);
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
                                        .record = engine_job_record,
                                        .writer = engine_job_writer(&decoded)};
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

/* The task of the job is the retention that has archived the rows. */
static enum status engine_job_bring_back(const struct engine_job *job, struct error *error)
{
    const struct retention_options *retention = job->task->options;
    struct restore_options options;
    struct config_task task = {.options = &options};
    struct engine_job restore = *job;

    if (strcmp(job->task->kind->name, "retention") != 0)
        return error_set(error, STATUS_INVALID, "the job is not valid: its task archives nothing");
    enum status status = restore_job_read(job->order, &options, error);
    if (status)
        return status;
    options.directory = retention->archive.directory;
    options.wanted.zone = retention->zone;
    task.kind = options.into ? &restore_into_file : &restore_into_table;
    task.target = options.table;
    restore.task = &task;
    return engine_run(&restore, error);
}

enum status engine_job_restore(json_t *job, struct error *error)
{
    return engine_job_do(job, engine_job_bring_back, true, error);
}

enum status engine_job_plan(json_t *job, struct error *error)
{
    return engine_job_do(job, engine_plan, false, error);
}

enum status engine_job_inspect(json_t *job, struct error *error)
{
    return engine_job_do(job, engine_inspect, false, error);
}
