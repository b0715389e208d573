/*
 * The few things that an operator may tell the daemon through the control socket, which has seen to
 * it that whoever asks may.
 */
#include "command.h"
#include "daemon_reply.h"
#include "history_job.h"
#include "journal.h"
#include "memory.h"
#include "text.h"

#include <stdlib.h>

void reply_reload(struct reply *order)
{
    struct config_errors errors = {0};

    if (order->daemon->stopping) {
        control_end(order->reply, COMMAND_FAILED, "litekeeper is ending");
        return;
    }
    enum status status = daemon_reload(order->daemon, &errors);
    const struct config *config = order->daemon->policy->config;

    for (size_t i = 0; i < errors.count; i++)
        control_say(order->reply,
                    json_pack("{s:s, s:s}", "event", "error", "text", errors.lines[i]));
    if (!status)
        control_say(order->reply, json_pack("{s:s, s:I, s:I}", "event", "reloaded", "databases",
                                            (json_int_t)config->database_count, "tasks",
                                            (json_int_t)config_task_count(config)));
    control_end(order->reply, status ? COMMAND_CONFIG : COMMAND_OK,
                status ? "the policy is not valid; the old one stays in force" : NULL);
    config_errors_free(&errors);
}

void reply_cancel(struct reply *order)
{
    struct run *next;

    for (struct run *run = (struct run *)runs_first(order->daemon->runs); run; run = next) {
        next = run->next;
        if (!reply_is_run(order->request, run))
            continue;
        order->matched++;
        control_say(order->reply,
                    reply_subject("cancelled", run->name, run->kind->name, run->target));
        runs_stop(run, RUN_CANCELLED);
    }
    control_end(order->reply, order->matched ? COMMAND_OK : COMMAND_FAILED,
                order->matched ? NULL : "nothing of that is running");
}

static void reply_renew(void *argument, struct file *file)
{
    struct daemon *daemon = argument;

    for (size_t i = 0; i < file->duty_count; i++)
        scheduler_renew(daemon->scheduler, &file->duties[i], wakeup_now());
}

static void reply_paused(struct reply *order, const char *event, int64_t until_us)
{
    const struct request *request = order->request;

    control_say(order->reply,
                json_pack("{s:s, s:s?, s:s?, s:o}", "event", event, "database", request->database,
                          "task", request->task, "until", reply_time(until_us)));
    control_end(order->reply, COMMAND_OK, NULL);
    registry_walk(order->daemon->registry, reply_renew, order->daemon);
    daemon_pass(order->daemon);
}

/* "everything", "worklog", "worklog vacuum", "vacuum of all databases". */
static char *reply_scope(const struct request *request)
{
    if (request->database)
        return memory_format("%s%s%s", request->database, request->task ? " " : "",
                             request->task ? request->task : "");
    return request->task ? memory_format("%s of all databases", request->task)
                         : memory_copy("everything");
}

void reply_pause(struct reply *order)
{
    const struct request *request = order->request;
    int64_t until_us = request->for_us < 0 ? INT64_MAX : wakeup_now() + request->for_us;
    char *scope = reply_scope(request), time[TEXT_SHORT];

    pauses_add(order->daemon->pauses, request->database, request->task, until_us);
    chronicle_ask(order->daemon->chronicle,
                  history_job_pause(request->database, request->task,
                                    until_us < INT64_MAX ? until_us : -1),
                  NULL);
    journal_event(JOURNAL_PAUSED, "paused: %s, until %s", scope,
                  until_us < INT64_MAX ? text_time(time, until_us) : "it is resumed");
    reply_paused(order, "paused", until_us);
    free(scope);
}

void reply_resume(struct reply *order)
{
    const struct request *request = order->request;
    char *scope = reply_scope(request);

    if (!pauses_end(order->daemon->pauses, request->database, request->task)) {
        control_end(order->reply, COMMAND_FAILED, "nothing of that is paused");
    } else {
        chronicle_ask(order->daemon->chronicle,
                      history_job_resume(request->database, request->task), NULL);
        journal_event(JOURNAL_RESUMED, "resumed: %s", scope);
        reply_paused(order, "resumed", INT64_MAX);
    }
    free(scope);
}
