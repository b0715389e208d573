/*
 * Answers to requests of the control socket: what the daemon is doing and has done. One function a
 * kind of request.
 */
#include "daemon_reply.h"

#include "command.h"
#include "history_job.h"
#include "journal.h"
#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { REPLY_WAITING = 20, REPLY_MOST = 1000, REPLY_NAMES = 10 };

json_t *reply_time(int64_t time_us)
{
    char time[TEXT_SHORT];

    return time_us >= 0 && time_us < INT64_MAX ? json_string(text_time(time, time_us))
                                               : json_null();
}

static bool reply_is(const char *wanted, const char *name)
{
    return !wanted || (name && strcmp(wanted, name) == 0);
}

/* A database goes by its name, a glob by its own name or pattern for all its matches. */
static bool reply_is_file(const struct request *request, const struct file *file)
{
    return reply_is(request->database, file_name(file)) ||
           reply_is(request->database, file->path) ||
           reply_is(request->database, file->database->name) ||
           reply_is(request->database, file->database->path);
}

static bool reply_is_duty(const struct request *request, const struct duty *duty)
{
    return reply_is(request->task, duty->task->kind->name) &&
           (!request->target ||
            (duty->task->target && strcasecmp(request->target, duty->task->target) == 0));
}

json_t *reply_subject(const char *event, const char *database, const char *task, const char *target)
{
    return json_pack("{s:s, s:s, s:s, s:s?}", "event", event, "database", database, "task", task,
                     "target", target);
}

static json_t *reply_duty(const struct duty *duty, const char *event)
{
    return reply_subject(event, file_name(duty->file), duty->task->kind->name, duty->task->target);
}

static json_t *reply_next(const struct daemon *daemon)
{
    const struct duty *next = scheduler_coming(daemon->scheduler);

    if (!next || next->look_us == INT64_MAX)
        return json_null();
    json_t *object = reply_duty(next, "next");
    json_object_del(object, "event");
    json_object_set_new(object, "due", reply_time(next->look_us));
    return object;
}

static json_t *reply_daemon(const struct daemon *daemon)
{
    const struct config *config = daemon->policy->config;
    json_t *line = json_pack(
        "{s:s, s:s, s:i, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s, s:o}", "event",
        "daemon", "version", VERSION, "pid", (int)getpid(), "since", reply_time(daemon->started_us),
        "policy", daemon->path, "loaded", reply_time(daemon->loaded_us), "databases",
        (json_int_t)registry_count(daemon->registry), "workers", (json_int_t)config->daemon.workers,
        "running", (json_int_t)runs_count(daemon->runs), "ready",
        (json_int_t)scheduler_ready(daemon->scheduler), "waiting",
        (json_int_t)(scheduler_waiting(daemon->scheduler) + scheduler_ready(daemon->scheduler)),
        "alerts", (json_int_t)alarms_count(daemon->alarms), "next", reply_next(daemon), "history",
        daemon->trouble ? daemon->trouble : "ok", "paused",
        pauses_list(daemon->pauses, wakeup_now()));

    return line;
}

static json_t *reply_run(const struct run *run)
{
    static const char *const doing[] = {[RUN_GOES_ON] = "working",
                                        [RUN_CANCELLED] = "stopping: cancelled",
                                        [RUN_REPLANNED] = "stopping: its policy changed",
                                        [RUN_SHUTDOWN] = "stopping: litekeeper ends"};
    static const char *const keys[] = {"rows", "unit", "total", "rate", "eta_s", "lock_share"};
    json_t *line = reply_subject("running", run->name, run->kind->name, run->target);

    json_object_set_new(line, "path", json_string(run->path));
    json_object_set_new(line, "since", reply_time(run->started_us));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(run->progress, keys[i]);
        json_object_set_new(line, keys[i], value ? json_incref(value) : json_null());
    }
    json_object_set_new(line, "doing", json_string(doing[run->stop]));
    return line;
}

bool reply_is_run(const struct request *request, const struct run *run)
{
    return (reply_is(request->database, run->name) || reply_is(request->database, run->path)) &&
           reply_is(request->task, run->kind->name) && reply_is(request->target, run->target);
}

static void reply_runs(struct reply *asked)
{
    for (const struct run *run = runs_first(asked->daemon->runs); run; run = run->next)
        if (reply_is_run(asked->request, run))
            control_say(asked->reply, reply_run(run));
}

/* The duties to come that are asked for, the soonest first. */
struct reply_waiting {
    const struct request *request;
    const struct duty **duties;
    size_t count, most;
};

static bool reply_before(const struct duty *one, const struct duty *other)
{
    if (one->look_us != other->look_us)
        return one->look_us < other->look_us;
    return strcmp(one->file->path, other->file->path) < 0;
}

static void reply_wait(void *argument, struct file *file)
{
    struct reply_waiting *waiting = argument;

    for (size_t i = 0; i < file->duty_count; i++) {
        const struct duty *duty = &file->duties[i];
        if (duty->state == DUTY_RUNNING || !reply_is_file(waiting->request, file) ||
            !reply_is_duty(waiting->request, duty))
            continue;
        size_t place = waiting->count;
        for (; place > 0 && reply_before(duty, waiting->duties[place - 1]); place--)
            if (place < waiting->most)
                waiting->duties[place] = waiting->duties[place - 1];
        if (place < waiting->most)
            waiting->duties[place] = duty;
        waiting->count += waiting->count < waiting->most;
    }
}

static void reply_waits(struct reply *asked)
{
    bool all = asked->request->database;
    struct reply_waiting waiting = {.request = asked->request,
                                    .most = all ? REPLY_MOST : REPLY_WAITING};

    waiting.duties = memory_zeroed(waiting.most, sizeof(struct duty *));
    registry_walk(asked->daemon->registry, reply_wait, &waiting);
    for (size_t i = 0; i < waiting.count; i++) {
        const struct duty *duty = waiting.duties[i];
        json_t *line = reply_duty(duty, "waiting");
        json_object_set_new(line, "due", reply_time(duty->due_us));
        json_object_set_new(line, "at", reply_time(duty->look_us));
        bool paused = pauses_until(asked->daemon->pauses, file_name(duty->file),
                                   duty->task->kind->name, duty->look_us);
        json_object_set_new(line, "why", json_string(paused ? "paused" : duty_waits_for(duty)));
        control_say(asked->reply, line);
    }
    free(waiting.duties);
}

/* Takes over the list. */
static void reply_alarm_list(struct reply *asked, json_t *list)
{
    json_t *alarm;
    size_t index;

    json_array_foreach (list, index, alarm) {
        json_object_set_new(alarm, "event", json_string("alert"));
        control_say(asked->reply, json_incref(alarm));
    }
    json_decref(list);
}

static void reply_file_alarms(void *argument, struct file *file)
{
    struct reply *asked = argument;

    if (reply_is_file(asked->request, file))
        reply_alarm_list(asked, alarms_list(asked->daemon->alarms, file->path));
}

/* Those of one database, or all, litekeeper's own among them. */
static void reply_alarms(struct reply *asked)
{
    if (asked->request->database)
        registry_walk(asked->daemon->registry, reply_file_alarms, asked);
    else
        reply_alarm_list(asked, alarms_list(asked->daemon->alarms, NULL));
}

static void reply_count(void *argument, struct file *file)
{
    struct reply *asked = argument;

    asked->matched += reply_is_file(asked->request, file);
}

/* Ends the reply where the database that is asked about is none of the policy's files, with those
 * that the policy has. */
static bool reply_unknown(struct reply *asked)
{
    const struct config *config = asked->daemon->policy->config;
    const char *name = asked->request->database;
    struct text message = {0};

    if (name)
        registry_walk(asked->daemon->registry, reply_count, asked);
    if (!name || asked->matched)
        return false;
    text_addf(&message, "no database \"%s\"; there are:", name);
    for (size_t i = 0; i < config->database_count && i < REPLY_NAMES; i++)
        text_addf(&message, "%s %s", i ? "," : "",
                  config->databases[i].name ? config->databases[i].name
                                            : config->databases[i].path);
    if (config->database_count > REPLY_NAMES)
        text_addf(&message, ", and %zu more", config->database_count - REPLY_NAMES);
    control_end(asked->reply, COMMAND_USAGE, message.bytes);
    text_free(&message);
    return true;
}

static void reply_status(struct reply *asked)
{
    if (reply_unknown(asked))
        return;
    control_say(asked->reply, reply_daemon(asked->daemon));
    reply_runs(asked);
    reply_waits(asked);
    reply_alarms(asked);
    control_end(asked->reply, COMMAND_OK, NULL);
}

static void reply_alerts(struct reply *asked)
{
    if (reply_unknown(asked))
        return;
    reply_alarms(asked);
    control_end(asked->reply, COMMAND_OK, NULL);
}

static void reply_history_row(void *argument, const json_t *row)
{
    json_t *line = json_deep_copy(row);

    json_object_set_new(line, "started",
                        reply_time(json_integer_value(json_object_get(row, "started_us"))));
    control_say(argument, line);
}

static void reply_history_end(void *argument, const json_t *rows, const struct error *error)
{
    control_end(argument, rows ? COMMAND_OK : COMMAND_FAILED, rows ? NULL : error->text);
}

static void reply_history_find(void *argument, struct file *file)
{
    const char **path = ((void **)argument)[1];

    if (reply_is_file(((void **)argument)[0], file) && !*path)
        *path = file->path;
}

static void reply_history(struct reply *asked)
{
    const struct request *request = asked->request;
    const char *path = NULL;
    void *find[] = {(void *)request, &path};
    struct chronicle_answers answers = {reply_history_row, reply_history_end, asked->reply};

    if (request->database)
        registry_walk(asked->daemon->registry, reply_history_find, find);
    if (request->database && !path) /* it may have been in the policy once */
        path = request->database;
    struct history_subject subject = {path, request->task, request->target};
    chronicle_ask(asked->daemon->chronicle,
                  history_job_runs(&subject, request->since_us, request->limit), &answers);
}

static void (*const replies[REQUEST_KINDS])(struct reply *asked) = {
    [REQUEST_STATUS] = reply_status, [REQUEST_HISTORY] = reply_history,
    [REQUEST_ALERTS] = reply_alerts, [REQUEST_RELOAD] = reply_reload,
    [REQUEST_CANCEL] = reply_cancel, [REQUEST_PAUSE] = reply_pause,
    [REQUEST_RESUME] = reply_resume,
};

void daemon_answer(void *argument, const struct request *request, struct control_reply *reply)
{
    struct reply asked = {argument, request, reply, 0};

    replies[request->kind](&asked);
}
