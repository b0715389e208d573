/*
 * Answers to requests of the control socket: what the daemon is doing and has done, and the few
 * things that an operator may tell it. One function a kind of request.
 */
#include "daemon_inside.h"

#include "command.h"
#include "history_job.h"
#include "journal.h"
#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { ANSWERS_WAITING = 20, ANSWERS_MOST = 1000 };

/* A request, and what it is answered with. */
struct answer {
    struct daemon *daemon;
    const struct request *request;
    struct control_reply *reply;
    size_t matched;
};

static json_t *answer_time(int64_t time_us)
{
    char time[TEXT_SHORT];

    return time_us >= 0 && time_us < INT64_MAX ? json_string(text_time(time, time_us))
                                               : json_null();
}

static bool answer_is(const char *wanted, const char *name)
{
    return !wanted || (name && strcmp(wanted, name) == 0);
}

/* A database goes by its name, a glob by its own name or pattern for all its matches. */
static bool answer_is_file(const struct request *request, const struct file *file)
{
    return answer_is(request->database, file_name(file)) ||
           answer_is(request->database, file->path) ||
           answer_is(request->database, file->database->name) ||
           answer_is(request->database, file->database->path);
}

static bool answer_is_duty(const struct request *request, const struct duty *duty)
{
    return answer_is(request->task, duty->task->kind->name) &&
           (!request->target ||
            (duty->task->target && strcasecmp(request->target, duty->task->target) == 0));
}

static json_t *answer_subject(const char *event, const char *database, const char *task,
                              const char *target)
{
    return json_pack("{s:s, s:s, s:s, s:s?}", "event", event, "database", database, "task", task,
                     "target", target);
}

static json_t *answer_duty(const struct duty *duty, const char *event)
{
    return answer_subject(event, file_name(duty->file), duty->task->kind->name, duty->task->target);
}

static json_t *answer_next(const struct daemon *daemon)
{
    const struct duty *next = scheduler_next(daemon->scheduler);

    if (!next || next->look_us == INT64_MAX)
        return json_null();
    json_t *object = answer_duty(next, "next");
    json_object_del(object, "event");
    json_object_set_new(object, "due", answer_time(next->look_us));
    return object;
}

static json_t *answer_daemon(const struct daemon *daemon)
{
    const struct config *config = daemon->policy->config;
    json_t *line = json_pack(
        "{s:s, s:s, s:i, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s, s:o}", "event",
        "daemon", "version", VERSION, "pid", (int)getpid(), "since",
        answer_time(daemon->started_us), "policy", daemon->path, "loaded",
        answer_time(daemon->loaded_us), "databases", (json_int_t)registry_count(daemon->registry),
        "workers", (json_int_t)config->daemon.workers, "running",
        (json_int_t)runs_count(daemon->runs), "ready",
        (json_int_t)scheduler_ready(daemon->scheduler), "waiting",
        (json_int_t)(scheduler_waiting(daemon->scheduler) + scheduler_ready(daemon->scheduler)),
        "alerts", (json_int_t)alarms_count(daemon->alarms), "next", answer_next(daemon), "history",
        daemon->trouble ? daemon->trouble : "ok", "paused",
        pauses_list(daemon->pauses, wakeup_now()));

    return line;
}

static json_t *answer_run(const struct run *run)
{
    static const char *const doing[] = {[RUN_GOES_ON] = "working",
                                        [RUN_CANCELLED] = "stopping: cancelled",
                                        [RUN_REPLANNED] = "stopping: its policy changed",
                                        [RUN_SHUTDOWN] = "stopping: litekeeper ends"};
    static const char *const keys[] = {"rows", "total", "rate", "eta_s", "lock_share"};
    json_t *line = answer_subject("running", run->name, run->kind->name, run->target);

    json_object_set_new(line, "path", json_string(run->path));
    json_object_set_new(line, "since", answer_time(run->started_us));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(run->progress, keys[i]);
        json_object_set_new(line, keys[i], value ? json_incref(value) : json_null());
    }
    json_object_set_new(line, "doing", json_string(doing[run->stop]));
    return line;
}

static void answer_runs(struct answer *answer)
{
    const struct request *request = answer->request;

    for (const struct run *run = runs_first(answer->daemon->runs); run; run = run->next)
        if ((answer_is(request->database, run->name) || answer_is(request->database, run->path)) &&
            answer_is(request->task, run->kind->name) && answer_is(request->target, run->target))
            control_say(answer->reply, answer_run(run));
}

/* The duties to come that are asked for, the soonest first. */
struct answer_waiting {
    const struct request *request;
    const struct duty **duties;
    size_t count, most;
};

static void answer_wait(void *argument, struct file *file)
{
    struct answer_waiting *waiting = argument;

    for (size_t i = 0; i < file->duty_count; i++) {
        const struct duty *duty = &file->duties[i];
        if (duty->state == DUTY_RUNNING || !answer_is_file(waiting->request, file) ||
            !answer_is_duty(waiting->request, duty))
            continue;
        size_t place = waiting->count;
        for (; place > 0 && waiting->duties[place - 1]->look_us > duty->look_us; place--)
            if (place < waiting->most)
                waiting->duties[place] = waiting->duties[place - 1];
        if (place < waiting->most)
            waiting->duties[place] = duty;
        waiting->count += waiting->count < waiting->most;
    }
}

static void answer_waits(struct answer *answer)
{
    bool all = answer->request->database;
    struct answer_waiting waiting = {.request = answer->request,
                                     .most = all ? ANSWERS_MOST : ANSWERS_WAITING};

    waiting.duties = memory_zeroed(waiting.most, sizeof(struct duty *));
    registry_walk(answer->daemon->registry, answer_wait, &waiting);
    for (size_t i = 0; i < waiting.count; i++) {
        const struct duty *duty = waiting.duties[i];
        json_t *line = answer_duty(duty, "waiting");
        json_object_set_new(line, "due", answer_time(duty->due_us));
        json_object_set_new(line, "at", answer_time(duty->look_us));
        json_object_set_new(line, "why", json_string(duty_waits_for(duty)));
        control_say(answer->reply, line);
    }
    free(waiting.duties);
}

static void answer_file_path(void *argument, struct file *file)
{
    struct answer *answer = argument;
    json_t *list;
    size_t index;
    json_t *alarm;

    if (!answer_is_file(answer->request, file))
        return;
    answer->matched++;
    list = answer->request->database ? alarms_list(answer->daemon->alarms, file->path) : NULL;
    json_array_foreach (list, index, alarm) {
        json_object_set_new(alarm, "event", json_string("alert"));
        control_say(answer->reply, json_incref(alarm));
    }
    json_decref(list);
}

/* Those of one database, or all, litekeeper's own among them. */
static void answer_alarms(struct answer *answer)
{
    json_t *list, *alarm;
    size_t index;

    registry_walk(answer->daemon->registry, answer_file_path, answer);
    if (answer->request->database)
        return;
    list = alarms_list(answer->daemon->alarms, NULL);
    json_array_foreach (list, index, alarm) {
        json_object_set_new(alarm, "event", json_string("alert"));
        control_say(answer->reply, json_incref(alarm));
    }
    json_decref(list);
}

/* Ends a reply about databases: none of that name is an error of whoever asks. */
static void answer_end(struct answer *answer)
{
    char *message = NULL;

    if (answer->request->database && !answer->matched)
        message = memory_format("no database \"%s\"", answer->request->database);
    control_end(answer->reply, message ? COMMAND_USAGE : COMMAND_OK, message);
    free(message);
}

static void answer_status(struct answer *answer)
{
    control_say(answer->reply, answer_daemon(answer->daemon));
    answer_runs(answer);
    answer_waits(answer);
    answer_alarms(answer);
    answer_end(answer);
}

static void answer_alerts(struct answer *answer)
{
    answer_alarms(answer);
    answer_end(answer);
}

static void answer_history_row(void *argument, const json_t *row)
{
    json_t *line = json_deep_copy(row);

    json_object_set_new(line, "started",
                        answer_time(json_integer_value(json_object_get(row, "started_us"))));
    control_say(argument, line);
}

static void answer_history_end(void *argument, const json_t *rows, const struct error *error)
{
    control_end(argument, rows ? COMMAND_OK : COMMAND_FAILED, rows ? NULL : error->text);
}

static void answer_history_find(void *argument, struct file *file)
{
    const char **path = ((void **)argument)[1];

    if (answer_is_file(((void **)argument)[0], file) && !*path)
        *path = file->path;
}

static void answer_history(struct answer *answer)
{
    const struct request *request = answer->request;
    const char *path = NULL;
    void *find[] = {(void *)request, &path};
    struct chronicle_answers answers = {answer_history_row, answer_history_end, answer->reply};

    if (request->database)
        registry_walk(answer->daemon->registry, answer_history_find, find);
    if (request->database && !path) /* it may have been in the policy once */
        path = request->database;
    struct history_subject subject = {path, request->task, request->target};
    chronicle_ask(answer->daemon->chronicle,
                  history_job_runs(&subject, request->since_us, request->limit), &answers);
}

static void answer_reload(struct answer *answer)
{
    struct config_errors errors = {0};
    enum status status = daemon_reload(answer->daemon, &errors);
    const struct config *config = answer->daemon->policy->config;

    for (size_t i = 0; i < errors.count; i++)
        control_say(answer->reply,
                    json_pack("{s:s, s:s}", "event", "error", "text", errors.lines[i]));
    if (!status)
        control_say(answer->reply, json_pack("{s:s, s:I, s:I}", "event", "reloaded", "databases",
                                             (json_int_t)config->database_count, "tasks",
                                             (json_int_t)config_task_count(config)));
    control_end(answer->reply, status ? COMMAND_CONFIG : COMMAND_OK,
                status ? "the policy is not valid; the old one stays in force" : NULL);
    config_errors_free(&errors);
}

static void answer_cancel(struct answer *answer)
{
    const struct request *request = answer->request;
    struct run *next;

    for (struct run *run = (struct run *)runs_first(answer->daemon->runs); run; run = next) {
        next = run->next;
        if ((!answer_is(request->database, run->name) &&
             !answer_is(request->database, run->path)) ||
            !answer_is(request->task, run->kind->name) || !answer_is(request->target, run->target))
            continue;
        answer->matched++;
        control_say(answer->reply,
                    answer_subject("cancelled", run->name, run->kind->name, run->target));
        runs_stop(run, RUN_CANCELLED);
    }
    control_end(answer->reply, answer->matched ? COMMAND_OK : COMMAND_FAILED,
                answer->matched ? NULL : "nothing of that is running");
}

static void answer_renew(void *argument, struct file *file)
{
    struct daemon *daemon = argument;

    for (size_t i = 0; i < file->duty_count; i++)
        scheduler_renew(daemon->scheduler, &file->duties[i], wakeup_now());
}

static void answer_paused(struct answer *answer, const char *event, int64_t until_us)
{
    const struct request *request = answer->request;

    control_say(answer->reply,
                json_pack("{s:s, s:s?, s:s?, s:o}", "event", event, "database", request->database,
                          "task", request->task, "until", answer_time(until_us)));
    control_end(answer->reply, COMMAND_OK, NULL);
    registry_walk(answer->daemon->registry, answer_renew, answer->daemon);
    daemon_pass(answer->daemon);
}

/* "everything", "worklog", "worklog vacuum", "vacuum of all databases". */
static char *answer_scope(const struct request *request)
{
    if (request->database)
        return memory_format("%s%s%s", request->database, request->task ? " " : "",
                             request->task ? request->task : "");
    return request->task ? memory_format("%s of all databases", request->task)
                         : memory_copy("everything");
}

static void answer_pause(struct answer *answer)
{
    const struct request *request = answer->request;
    int64_t until_us = request->for_us < 0 ? INT64_MAX : wakeup_now() + request->for_us;
    char *scope = answer_scope(request), time[TEXT_SHORT];

    pauses_add(answer->daemon->pauses, request->database, request->task, until_us);
    chronicle_ask(answer->daemon->chronicle,
                  history_job_pause(request->database, request->task,
                                    until_us < INT64_MAX ? until_us : -1),
                  NULL);
    journal_event(JOURNAL_PAUSED, "paused: %s, until %s", scope,
                  until_us < INT64_MAX ? text_time(time, until_us) : "it is resumed");
    answer_paused(answer, "paused", until_us);
    free(scope);
}

static void answer_resume(struct answer *answer)
{
    const struct request *request = answer->request;
    char *scope = answer_scope(request);

    if (!pauses_end(answer->daemon->pauses, request->database, request->task)) {
        control_end(answer->reply, COMMAND_FAILED, "nothing of that is paused");
    } else {
        chronicle_ask(answer->daemon->chronicle,
                      history_job_resume(request->database, request->task), NULL);
        journal_event(JOURNAL_RESUMED, "resumed: %s", scope);
        answer_paused(answer, "resumed", INT64_MAX);
    }
    free(scope);
}

static void (*const answers[REQUEST_KINDS])(struct answer *answer) = {
    [REQUEST_STATUS] = answer_status, [REQUEST_HISTORY] = answer_history,
    [REQUEST_ALERTS] = answer_alerts, [REQUEST_RELOAD] = answer_reload,
    [REQUEST_CANCEL] = answer_cancel, [REQUEST_PAUSE] = answer_pause,
    [REQUEST_RESUME] = answer_resume,
};

void daemon_answer(void *argument, const struct request *request, struct control_reply *reply)
{
    struct answer answer = {argument, request, reply, 0};

    answers[request->kind](&answer);
}
