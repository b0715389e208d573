/*
 * Runs one task in a worker and answers for it. A worker reads hostile files, so its events are
 * about the task that it was given and no other: the subject is written over with what was asked.
 * Runs in the parent.
 */
#include "errand.h"

#include "chronicle.h"
#include "clock.h"
#include "event.h"
#include "history_job.h"
#include "job.h"
#include "launch.h"
#include "memory.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

enum { ERRAND_BTREES = 100000 };

struct errand {
    struct launch *launch; /* one of the two */
    struct hand *hand;
    struct errand_handlers handlers;
    char *name, *path, *target, *last_kind;
    const char *task; /* its kind's name */
    bool cancelled;   /* we have told it to stop */
    double begun_ms;
    json_t *last, *btrees;
    struct error refusal;
    struct chronicle *chronicle;
    struct errand_question *question; /* that has no answer yet; NULL */
};

static struct event_subject errand_subject(const struct errand *errand)
{
    return (struct event_subject){errand->name, errand->task, errand->target};
}

/* Whom an order's events are about. */
static struct event_subject errand_ordered(const struct errand_order *order)
{
    const char *table = json_string_value(json_object_get(order->order, "table"));

    if (order->order)
        return (struct event_subject){order->name, "restore", table};
    return (struct event_subject){order->name, order->task->kind->name, order->task->target};
}

static void errand_rename(const struct errand *errand, json_t *event)
{
    json_object_set_new(event, "database", json_string(errand->name));
    json_object_set_new(event, "task", json_string(errand->task));
    json_object_set_new(event, "target",
                        errand->target ? json_string(errand->target) : json_null());
}

/* A question to the catalogue, whose errand may end before the answer comes. */
struct errand_question {
    struct errand *errand;
};

/* The worker waits for this before it deletes anything. */
static void errand_answer(struct errand *errand, const struct error *error)
{
    json_t *answer = error ? json_pack("{s:b, s:s}", "recorded", 0, "reason", error->text)
                           : json_pack("{s:b}", "recorded", 1);

    if (errand->hand)
        crew_send(errand->hand, answer);
    else if (errand->launch)
        launch_send(errand->launch, answer);
    json_decref(answer);
}

static void errand_noted(void *argument, const json_t *answer, const struct error *error)
{
    struct errand_question *question = argument;
    struct errand *errand = question->errand;

    free(question);
    if (!errand)
        return;
    errand->question = NULL;
    errand_answer(errand, answer ? NULL : error);
}

/* What the history is told, and the worker waits for. */
static const struct errand_record {
    const char *event;
    json_t *(*request)(json_t *event, const char *path);
} errand_records[] = {
    {"segment", history_job_segment}, /* of an archive: to the catalogue */
    {"hold", history_job_hold},
    {"writer", history_job_writer},
    {0},
};

static const struct errand_record *errand_record(const char *kind)
{
    const struct errand_record *record = errand_records;

    while (record->event && strcmp(record->event, kind) != 0)
        record++;
    return record->event ? record : NULL;
}

/* A second one before the answer is ignored. */
static void errand_note(struct errand *errand, const struct errand_record *record, json_t *event)
{
    static const struct error none = {.status = STATUS_FAILED, .text = "the history can't be used"};

    if (!errand->chronicle) {
        errand_answer(errand, &none);
    } else if (!errand->question) {
        struct errand_question *question = memory_new(struct errand_question);
        struct chronicle_answers answers = {NULL, errand_noted, question};
        question->errand = errand;
        errand->question = question;
        chronicle_ask(errand->chronicle, record->request(event, errand->path), &answers);
    }
}

static void errand_event(void *argument, json_t *event)
{
    struct errand *errand = argument;
    const char *kind = event_kind(event);
    bool between = strcmp(kind, "progress") == 0 || strcmp(kind, "notice") == 0;

    if (strcmp(kind, "refused") == 0) {
        error_set(&errand->refusal, STATUS_REFUSED, "%s",
                  json_string_value(json_object_get(event, "reason")));
    } else if (strcmp(kind, errand->last_kind) == 0 && !errand->last) {
        errand_rename(errand, event);
        errand->last = json_incref(event);
    } else if (strcmp(kind, "btree") == 0 && json_array_size(errand->btrees) < ERRAND_BTREES) {
        json_object_del(event, "event");
        json_array_append(errand->btrees, event);
    } else if (errand_record(kind) && !errand->last) {
        errand_rename(errand, event);
        errand_note(errand, errand_record(kind), event);
    } else if (between && !errand->last) {
        errand_rename(errand, event);
        errand->handlers.event(errand->handlers.argument, event);
    }
    json_decref(event);
}

/* What became of a task whose worker did not say: a guard's no skips it, the rest is a failure. A
 * worker that refuses before it says anything has not got at its file. */
static enum outcome_kind errand_outcome_kind(enum status status, bool cancelled)
{
    if (status == STATUS_CANCELLED && cancelled)
        return OUTCOME_CANCELLED;
    return status == STATUS_REFUSED || status == STATUS_BUSY ? OUTCOME_SKIPPED : OUTCOME_FAILED;
}

static json_t *errand_judge(const char *last_kind, const struct event_subject *subject,
                            const struct error *error, double seconds, bool cancelled)
{
    struct outcome outcome = {
        .kind = errand_outcome_kind(error->status, cancelled),
        .busy = error->status == STATUS_BUSY,
        .guard = error->status == STATUS_REFUSED ? OUTCOME_GUARD_FILE : NULL,
        .seconds = seconds,
    };
    struct decision decision = {.act = false, .rows = -1, .bytes = -1, .seconds = -1};
    json_t *event;

    strncat(outcome.reason, error->text, sizeof outcome.reason - 1);
    strncat(decision.reason, error->text, sizeof decision.reason - 1);
    if (strcmp(last_kind, "outcome") == 0)
        return event_outcome(subject, &outcome);
    event = event_plan(subject, &decision, false);
    if (outcome.kind != OUTCOME_SKIPPED) /* a plan that could not be made is no decision to skip */
        json_object_set_new(event, "failed", json_true());
    if (outcome.busy)
        json_object_set_new(event, "busy", json_true());
    return event;
}

/* What the worker could not say in its last word: b-trees that came one by one, since all of them
 * may not fit into a line; and that it was not told to stop but took too long. */
static void errand_amend(struct errand *errand, const struct error *error)
{
    json_t *effect = json_object_get(errand->last, "effect");
    const char *outcome = json_string_value(json_object_get(errand->last, "outcome"));

    if (json_is_object(effect) && json_array_size(errand->btrees))
        json_object_set(effect, "btrees", errand->btrees);
    if (outcome && strcmp(outcome, outcome_name(OUTCOME_CANCELLED)) == 0 &&
        error->status == STATUS_CANCELLED && !errand->cancelled) {
        json_object_set_new(errand->last, "outcome", json_string(outcome_name(OUTCOME_FAILED)));
        json_object_set_new(errand->last, "reason", json_string(error->text));
    }
}

static void errand_free(struct errand *errand)
{
    if (errand->question)
        errand->question->errand = NULL;
    json_decref(errand->btrees);
    free(errand->name);
    free(errand->path);
    free(errand->target);
    free(errand->last_kind);
    free(errand);
}

static void errand_ended(void *argument, const struct error *ended)
{
    struct errand *errand = argument;
    struct errand_handlers handlers = errand->handlers;
    struct event_subject subject = errand_subject(errand);
    struct error error = errand->refusal.status ? errand->refusal : *ended;
    double seconds = (clock_monotonic_ms() - errand->begun_ms) / 1e3;

    if (!errand->last && !error.status)
        error_set(&error, STATUS_FAILED, "the worker ended without a word");
    if (errand->last)
        errand_amend(errand, &error);
    else
        errand->last =
            errand_judge(errand->last_kind, &subject, &error, seconds, errand->cancelled);
    json_t *last = errand->last;
    errand_free(errand);
    handlers.ended(handlers.argument, last);
}

static json_t *errand_job(const struct errand_order *order)
{
    struct job_request request = {
        .kind = order->kind,
        .policy = order->config,
        .database = order->database,
        .task = order->task,
        .name = order->name,
        .path = order->path,
        .seen = order->seen,
        .force = order->force,
        .outside_window = order->outside_window,
        .trust_clock = order->trust_clock,
        .at_us = order->at_us,
        .memory = order->memory,
        .order = order->order,
        .owned = order->owned,
    };

    return job_engine(&request);
}

static struct errand *errand_new(const struct errand_order *order,
                                 const struct errand_handlers *handlers)
{
    struct errand *errand = memory_new(struct errand);

    errand->handlers = *handlers;
    errand->name = memory_copy(order->name);
    errand->path = memory_copy(order->path);
    struct event_subject subject = errand_ordered(order);

    errand->task = subject.task;
    errand->target = memory_copy(subject.target);
    errand->chronicle = order->chronicle;
    errand->last_kind = memory_copy(order->last);
    errand->begun_ms = clock_monotonic_ms();
    errand->btrees = json_array();
    return errand;
}

/* Quiet looks share their workers, if there is a crew: they are many and short. */
static enum status errand_begin(uv_loop_t *loop, const struct errand_order *order, json_t *job,
                                struct errand *errand, struct error *error)
{
    const struct span *limit = &order->database->limits.time_limit;
    int64_t limit_ms = limit->set ? units_span_us(limit) / 1000 : 0;
    struct launch_handlers handlers = {errand_event, errand_ended, errand};
    unsigned shares = TASK_QUIET | TASK_READ_ONLY;

    if (!order->crew)
        return launch_start(loop, job, limit_ms, &handlers, &errand->launch, error);
    return crew_start(order->crew, job, &order->seen, (order->task->kind->flags & shares) == shares,
                      limit_ms, &handlers, &errand->hand, error);
}

struct errand *errand_start(uv_loop_t *loop, const struct errand_order *order,
                            const struct errand_handlers *handlers)
{
    struct errand *errand = errand_new(order, handlers);
    struct error error = {0};
    json_t *job = errand_job(order);
    enum status status = errand_begin(loop, order, job, errand, &error);

    json_decref(job);
    if (!status)
        return errand;
    errand_ended(errand, &error);
    return NULL;
}

void errand_cancel(struct errand *errand, int64_t grace_ms)
{
    errand->cancelled = true;
    if (errand->hand)
        crew_cancel(errand->hand, grace_ms);
    else
        launch_cancel(errand->launch, grace_ms);
}

json_t *errand_verdict(const struct errand_order *order, const struct error *error)
{
    struct event_subject subject = errand_ordered(order);

    return errand_judge(order->last, &subject, error, 0, false);
}
