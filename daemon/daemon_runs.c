/*
 * What becomes of runs: an outcome goes to the journal, into the history, to the alerts and back
 * to the schedule, in that order.
 */
#include "daemon_inside.h"

#include "history_job.h"
#include "journal.h"
#include "log.h"
#include "memory.h"
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

static void daemon_start(void *argument, struct duty *duty)
{
    struct daemon *daemon = argument;

    runs_start(daemon->runs, daemon->policy, duty, wakeup_now());
}

static int64_t daemon_paused(void *argument, const struct duty *duty, int64_t now_us)
{
    const struct daemon *daemon = argument;

    return pauses_until(daemon->pauses, file_name(duty->file), duty->task->kind->name, now_us);
}

const struct scheduler_host daemon_scheduler_host = {daemon_start, daemon_paused, NULL};

static bool outcome_is(const json_t *outcome, const char *kind)
{
    return strcmp(json_string_value(json_object_get(outcome, "outcome")), kind) == 0;
}

/* A check that has found something has done its work, and would find the same again. */
static bool outcome_found(const json_t *outcome)
{
    const json_t *effect = json_object_get(outcome, "effect");

    return json_integer_value(json_object_get(effect, "problems")) > 0 ||
           json_integer_value(json_object_get(effect, "foreign_keys")) > 0;
}

static bool outcome_has_no_file(const json_t *outcome)
{
    const char *guard = json_string_value(json_object_get(outcome, "guard"));

    return guard && strcmp(guard, OUTCOME_GUARD_FILE) == 0;
}

/* What an operator has cancelled is done with; what we have stopped for reasons of our own is as
 * due as before. */
static enum scheduler_end daemon_run_end(const struct run *run, const json_t *outcome)
{
    if (json_is_true(json_object_get(outcome, "waits")))
        return SCHEDULER_WAITS;
    if (json_is_true(json_object_get(outcome, "busy")))
        return SCHEDULER_BUSY;
    if (outcome_is(outcome, "cancelled"))
        return run->stop == RUN_CANCELLED ? SCHEDULER_DONE : SCHEDULER_REPLAN;
    return outcome_is(outcome, "failed") && !outcome_found(outcome) ? SCHEDULER_FAILED
                                                                    : SCHEDULER_DONE;
}

/* The history is told what else the words of the outcome don't say: that it is done with. */
static void daemon_record(struct daemon *daemon, const struct run *run, json_t *outcome,
                          enum scheduler_end end)
{
    if (end == SCHEDULER_DONE &&
        (outcome_is(outcome, "cancelled") || outcome_is(outcome, "failed")))
        json_object_set_new(outcome, "settled", json_true());
    chronicle_ask(daemon->chronicle, history_job_record(outcome, run->path, run->started_us), NULL);
    chronicle_ask(daemon->chronicle, history_job_prune(&daemon->policy->config->daemon.history),
                  NULL);
}

static void daemon_run_ended(void *argument, const struct run *run, json_t *outcome)
{
    struct daemon *daemon = argument;

    if (outcome_has_no_file(outcome)) /* so it has missed it; and what is there is to be found */
        json_object_set_new(outcome, "busy", json_true());
    enum scheduler_end end = daemon_run_end(run, outcome);
    int64_t now_us = wakeup_now();

    journal_outcome(outcome, run->path);
    daemon_record(daemon, run, outcome, end);
    scheduler_freed(daemon->scheduler);
    if (run->file) {
        struct alarms_database database = daemon_alarms_database(run->file);
        struct duty *duty = file_duty(run->file, run->kind->name, run->target);
        alarms_outcome(daemon->alarms, &database, outcome, now_us);
        if (duty)
            scheduler_again(daemon->scheduler, duty, end, run->started_us, now_us);
    }
    if (outcome_has_no_file(outcome) && !daemon->stopping)
        registry_search(daemon->registry);
    daemon_pass(daemon);
    daemon_end_if_done(daemon);
}

/* Each task of a file notices the same things about it, such as its SQLite's version. */
static bool daemon_notice_again(struct file *file, const char *text)
{
    uint64_t hash = 1;

    for (const char *c = text; *c; c++)
        hash = hash * 31 + (unsigned char)*c;
    if (file && file->noticed == hash)
        return true;
    if (file)
        file->noticed = hash;
    return false;
}

static void daemon_notice(void *argument, const struct run *run, const json_t *notice)
{
    const char *target = run->target ? run->target : "";
    const char *text = json_string_value(json_object_get(notice, "text"));

    (void)argument;
    if (!daemon_notice_again(run->file, text))
        log_notice("%s %s%s%s: %s", run->name, run->kind->name, target[0] ? " " : "", target, text);
}

const struct runs_host daemon_runs_host = {daemon_run_ended, daemon_notice, NULL};

static void daemon_alarm(void *argument, enum alarm_change change, const struct alarm *alarm)
{
    struct daemon *daemon = argument;

    journal_alarm(change, alarm);
    chronicle_ask(daemon->chronicle,
                  history_job_alarm(alarm_change_name(change), alarm_json(alarm)), NULL);
}

/* An alert asks for a task, which decides for itself as ever. */
static void daemon_alarm_start(void *argument, const char *path, const char *kind,
                               const char *target)
{
    struct daemon *daemon = argument;
    struct file *file = registry_file(daemon->registry, path);

    for (size_t i = 0; file && i < file->duty_count; i++) {
        struct duty *duty = &file->duties[i];
        if (strcmp(duty->task->kind->name, kind) == 0 &&
            (!target || (duty->task->target && strcmp(duty->task->target, target) == 0)))
            scheduler_ask(daemon->scheduler, duty, wakeup_now());
    }
}

const struct alarms_host daemon_alarms_host = {daemon_alarm, daemon_alarm_start, NULL};

/* It may come out of the middle of an alarm that could not be written, so it is told apart. */
void daemon_trouble(void *argument, const char *why)
{
    struct daemon *daemon = argument;

    free(daemon->trouble);
    daemon->trouble = memory_copy(why);
    if (why) {
        free(daemon->untold);
        daemon->untold = memory_copy(why);
    }
    if (!daemon->closing)
        uv_timer_start(&daemon->tell_trouble, daemon_tell_trouble, 0, 0);
}

void daemon_tell_trouble(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    if (daemon->untold)
        alarms_condition(daemon->alarms, NULL, ALARM_HISTORY_LOST, true, daemon->untold,
                         wakeup_now());
    free(daemon->untold);
    daemon->untold = NULL;
    if (!daemon->trouble)
        alarms_condition(daemon->alarms, NULL, ALARM_HISTORY_LOST, false, NULL, wakeup_now());
}

static void daemon_tell_again(void *argument, struct file *file)
{
    struct daemon *daemon = argument;

    file->known = false;
    for (size_t i = 0; i < file->duty_count; i++)
        file->duties[i].told = false;
    if (file->there)
        daemon_arrive(daemon, file);
}

/* The history is another one than before: it is told how things stand. */
void daemon_history_lost(void *argument)
{
    struct daemon *daemon = argument;
    json_t *list = alarms_list(daemon->alarms, NULL), *item;
    size_t index;

    json_array_foreach (list, index, item) {
        chronicle_ask(daemon->chronicle, history_job_alarm("raised", json_incref(item)), NULL);
    }
    json_decref(list);
    list = pauses_list(daemon->pauses, wakeup_now());
    json_array_foreach (list, index, item) {
        const json_t *until = json_object_get(item, "until_us");
        chronicle_ask(daemon->chronicle,
                      history_job_pause(json_string_value(json_object_get(item, "database")),
                                        json_string_value(json_object_get(item, "task")),
                                        json_is_integer(until) ? json_integer_value(until) : -1),
                      NULL);
    }
    json_decref(list);
    registry_walk(daemon->registry, daemon_tell_again, daemon);
    daemon_receive(daemon);
}
