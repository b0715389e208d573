/*
 * Runs one task in a worker and answers for it. A worker reads hostile files, so its events are
 * about the task that it was given and no other: the subject is written over with what was asked.
 * Runs in the parent.
 */
#include "work.h"

#include "clock.h"
#include "event.h"
#include "job.h"
#include "log.h"
#include "memory.h"
#include "paths.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORK_BTREES = 100000 };

/* What has been heard from the worker. */
struct work_heard {
    const struct work *work;
    const struct event_subject *subject;
    json_t *last, *btrees;
    struct error refusal;
};

static void work_subject(json_t *event, const struct event_subject *subject)
{
    json_object_set_new(event, "database", json_string(subject->database));
    json_object_set_new(event, "task", json_string(subject->task));
    json_object_set_new(event, "target",
                        subject->target ? json_string(subject->target) : json_null());
}

static void work_event(void *argument, json_t *event)
{
    struct work_heard *heard = argument;
    const char *kind = event_kind(event);
    bool between = strcmp(kind, "progress") == 0 || strcmp(kind, "notice") == 0;

    if (strcmp(kind, "refused") == 0) {
        error_set(&heard->refusal, STATUS_REFUSED, "%s",
                  json_string_value(json_object_get(event, "reason")));
    } else if (strcmp(kind, heard->work->last) == 0 && !heard->last) {
        work_subject(event, heard->subject);
        heard->last = json_incref(event);
    } else if (strcmp(kind, "btree") == 0 && json_array_size(heard->btrees) < WORK_BTREES) {
        json_object_del(event, "event");
        json_array_append(heard->btrees, event);
    } else if (between && !heard->last) {
        work_subject(event, heard->subject);
        heard->work->event(event);
    }
    json_decref(event);
}

/* What became of a task whose worker did not say: a guard's no skips it, the rest is a failure. */
static enum outcome_kind work_outcome_kind(enum status status, bool interrupted)
{
    if (status == STATUS_CANCELLED && interrupted)
        return OUTCOME_CANCELLED;
    return status == STATUS_REFUSED || status == STATUS_BUSY ? OUTCOME_SKIPPED : OUTCOME_FAILED;
}

static json_t *work_verdict(const struct work *work, const struct event_subject *subject,
                            const struct error *error, double seconds, bool interrupted)
{
    struct outcome outcome = {
        .kind = work_outcome_kind(error->status, interrupted),
        .busy = error->status == STATUS_BUSY,
        .seconds = seconds,
    };
    struct decision decision = {.act = false, .rows = -1, .bytes = -1, .seconds = -1};
    json_t *event;

    strncat(outcome.reason, error->text, sizeof outcome.reason - 1);
    strncat(decision.reason, error->text, sizeof decision.reason - 1);
    if (strcmp(work->last, "outcome") == 0)
        return event_outcome(subject, &outcome);
    event = event_plan(subject, &decision);
    if (outcome.kind != OUTCOME_SKIPPED) /* a plan that could not be made is no decision to skip */
        json_object_set_new(event, "failed", json_true());
    if (outcome.busy)
        json_object_set_new(event, "busy", json_true());
    return event;
}

static void work_launch(struct session *session, const struct work *work,
                        const struct selection_file *file, const struct config_task *task,
                        struct work_heard *heard, struct error *error)
{
    const struct span *limit = &file->database->limits.time_limit;
    struct job_request request = {
        .kind = work->kind,
        .policy = work->config,
        .database = file->database,
        .task = task,
        .name = file->name,
        .path = file->path,
        .seen = file->seen,
        .force = work->line->force,
        .outside_window = work->line->outside_window,
        .trust_clock = work->line->trust_clock,
        .at_us = work->at_us,
        .memory = work->memory,
    };
    json_t *job = job_engine(&request);
    enum status status = session_run(session, job, limit->set ? units_span_us(limit) / 1000 : 0,
                                     work_event, heard, error);

    json_decref(job);
    if (heard->refusal.status)
        *error = heard->refusal;
    else if (!status)
        error_set(error, STATUS_FAILED, "the worker ended without a word");
}

/* What the worker could not say in its last word: b-trees that came one by one, since all of them
 * may not fit into a line; and that it was not told to stop but took too long. */
static void work_amend(const struct work_heard *heard, const struct error *error, bool interrupted)
{
    json_t *effect = json_object_get(heard->last, "effect");
    const char *outcome = json_string_value(json_object_get(heard->last, "outcome"));

    if (json_is_object(effect) && json_array_size(heard->btrees))
        json_object_set(effect, "btrees", heard->btrees);
    if (outcome && strcmp(outcome, outcome_name(OUTCOME_CANCELLED)) == 0 &&
        error->status == STATUS_CANCELLED && !interrupted) {
        json_object_set_new(heard->last, "outcome", json_string(outcome_name(OUTCOME_FAILED)));
        json_object_set_new(heard->last, "reason", json_string(error->text));
    }
}

void work_recall(struct work *work, struct remember *remember, const struct selection *selection,
                 const struct selection_item *item)
{
    struct history_subject subject = {selection->files[item->file].path, item->task->kind->name,
                                      item->task->target};

    work->memory.last = (struct engine_past){0};
    if (item->task->kind->flags & TASK_REMEMBERS)
        remember_past(remember, &subject, &work->memory.last);
}

json_t *work_do(struct session *session, const struct work *work, const struct selection *selection,
                const struct selection_item *item)
{
    const struct selection_file *file = &selection->files[item->file];
    struct event_subject subject = {file->name, item->task->kind->name, item->task->target};
    struct work_heard heard = {work, &subject, NULL, json_array(), {0}};
    struct error error = file->error;
    double begun_ms = clock_monotonic_ms();

    if (!error.status)
        work_launch(session, work, file, item->task, &heard, &error);
    bool interrupted = session_interrupted(session);
    if (heard.last)
        work_amend(&heard, &error, interrupted);
    else
        heard.last = work_verdict(work, &subject, &error, (clock_monotonic_ms() - begun_ms) / 1e3,
                                  interrupted);
    json_decref(heard.btrees);
    return heard.last;
}

int work_exit(const json_t *last, bool interrupted)
{
    const char *outcome = json_string_value(json_object_get(last, "outcome"));

    if (json_is_true(json_object_get(last, "busy")))
        return COMMAND_BUSY;
    if (json_is_true(json_object_get(last, "failed")))
        return interrupted ? COMMAND_INTERRUPTED : COMMAND_FAILED;
    if (outcome && strcmp(outcome, "cancelled") == 0)
        return interrupted ? COMMAND_INTERRUPTED : COMMAND_FAILED;
    return outcome && strcmp(outcome, "failed") == 0 ? COMMAND_FAILED : COMMAND_OK;
}

int work_worse(int one, int other)
{
    static const int order[] = {COMMAND_INTERRUPTED, COMMAND_FAILED, COMMAND_BUSY};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (one == order[i] || other == order[i])
            return order[i];
    return COMMAND_OK;
}

int work_config(const struct command_line *line, struct config **config)
{
    char *path = line->config ? memory_copy(line->config) : paths_config();
    struct config_errors errors = {0};
    enum status status = config_load(path, config, &errors);

    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    if (status && errors.count == 0)
        log_error("can't load the policy %s", path);
    config_errors_free(&errors);
    free(path);
    return status ? COMMAND_CONFIG : -1;
}

char *work_state(const struct config *config)
{
    return config->daemon.state ? memory_copy(config->daemon.state) : paths_state();
}
