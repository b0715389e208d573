/* What a task has its parent remember before it goes on. Runs in a worker, which may not write the
 * history itself. */
#include "enginewriter.h"
#include "event.h"
#include "task_engine.h"

static struct event_subject record_subject(const struct engine *engine)
{
    const struct config_task *task = engine->job->task;

    return (struct event_subject){.database = engine->job->database->name,
                                  .task = task->kind->name,
                                  .target = task->target};
}

static enum status record_send(struct engine *engine, json_t *event, struct error *error)
{
    const struct engine_host *host = &engine->job->host;

    if (host->record)
        return host->record(host->argument, event, error);
    json_decref(event);
    return error_set(error, STATUS_FAILED, "there is no history here");
}

enum status engine_record(struct engine *engine, json_t *about, struct error *error)
{
    struct event_subject subject = record_subject(engine);

    return record_send(engine, event_segment(&subject, about), error);
}

enum status engine_hold(struct engine *engine, int64_t first_us, int64_t last_us,
                        struct error *error)
{
    struct event_subject subject = record_subject(engine);

    return record_send(engine, event_hold(&subject, first_us, last_us), error);
}

void engine_record_writer(struct engine *engine)
{
    const struct engine_job *job = engine->job;
    const struct database_facts *facts = database_facts(engine->database);
    struct engine_writer now = {.version = facts->last_writer,
                                .ours = sqlite3_libversion_number(),
                                .at_us = engine->now_us,
                                .inode = job->seen.inode};
    struct event_subject subject = record_subject(engine);
    struct error error = {0};

    if (!facts->wal || !enginewriter_news(&job->host.writer, now.version, now.ours, now.at_us))
        return;
    enum status status = record_send(engine, event_writer(&subject, &now), &error);
    if (status && status != STATUS_CANCELLED)
        engine_notice(engine, "which SQLite the application has can't be noted: %.300s",
                      error.text);
}
