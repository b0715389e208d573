/*
 * A list of runs. Each begins with a question to the history, if its kind of task goes by that,
 * then is an errand.
 */
#include "runs.h"

#include "errand.h"
#include "event.h"
#include "history_job.h"
#include "memory.h"
#include "wakeup.h"

#include <stdlib.h>
#include <string.h>

enum {
    RUNS_GRACE_MS = 3500,              /* a step is far shorter; a service has 5 s to end in */
    RUNS_STUBBORN_MS = 60 * 60 * 1000, /* for a VACUUM that copies back */
};

struct runs {
    uv_loop_t *loop;
    struct chronicle *chronicle;
    struct crew *crew;
    struct runs_host host;
    struct run *first;
    size_t count;
};

/* A run and what only this file knows of it. */
struct runs_item {
    struct run run; /* first, so that one is the other */
    struct runs *runs;
    struct policy *policy; /* the file may be kept by a newer one already */
    const struct config_database *database;
    const struct config_task *task;
    struct errand *errand; /* NULL while the history is asked */
    bool asked;            /* the history's answer is still to come, to this very item ... */
    bool over;             /* ... which has ended without it */
};

struct runs *runs_new(uv_loop_t *loop, struct chronicle *chronicle, const struct runs_host *host)
{
    struct runs *runs = memory_new(struct runs);

    runs->loop = loop;
    runs->chronicle = chronicle;
    runs->crew = crew_new(loop);
    runs->host = *host;
    return runs;
}

void runs_free(struct runs *runs)
{
    if (!runs)
        return;
    crew_free(runs->crew);
    free(runs);
}

static void runs_unlink(struct runs_item *item)
{
    struct run **place = &item->runs->first;

    while (*place != &item->run)
        place = &(*place)->next;
    *place = item->run.next;
    item->runs->count--;
    if (item->run.file)
        item->run.file->run = NULL;
}

static void runs_ended(void *argument, json_t *outcome)
{
    struct runs_item *item = argument;
    struct run *run = &item->run;

    item->errand = NULL;
    runs_unlink(item);
    item->runs->host.ended(item->runs->host.argument, run, outcome);
    json_decref(outcome);
    policy_release(item->policy);
    json_decref(run->progress);
    free(run->name);
    free(run->path);
    free(run->target);
    item->over = true;
    if (!item->asked)
        free(item);
}

static void runs_event(void *argument, json_t *event)
{
    struct runs_item *item = argument;

    if (strcmp(event_kind(event), "progress") == 0) {
        json_decref(item->run.progress);
        item->run.progress = json_incref(event);
    } else {
        item->runs->host.notice(item->runs->host.argument, &item->run, event);
    }
}

static struct errand_order runs_order(const struct runs_item *item,
                                      const struct engine_memory *memory)
{
    const struct run *run = &item->run;

    return (struct errand_order){.kind = "run",
                                 .last = "outcome",
                                 .config = item->policy->config,
                                 .database = item->database,
                                 .task = item->task,
                                 .name = run->name,
                                 .path = run->path,
                                 .seen = run->file->seen,
                                 .crew = item->runs->crew,
                                 .chronicle = item->runs->chronicle,
                                 .at_us = wakeup_pretends() ? run->started_us : -1,
                                 .memory = *memory};
}

/* A run that was told to stop before it had begun. */
static void runs_never(struct runs_item *item)
{
    struct event_subject subject = {item->run.name, item->run.kind->name, item->run.target};
    struct outcome outcome = {.kind = OUTCOME_CANCELLED, .reason = "told to stop before it began"};

    runs_ended(item, event_outcome(&subject, &outcome));
}

static void runs_launch(struct runs_item *item, const struct engine_memory *memory)
{
    struct errand_handlers handlers = {runs_event, runs_ended, item};

    if (item->run.stop || !item->run.file) {
        runs_never(item);
        return;
    }
    struct errand_order order = runs_order(item, memory);
    struct errand *errand = errand_start(item->runs->loop, &order, &handlers);
    if (errand) /* else it has ended already, and the item is gone */
        item->errand = errand;
}

static void runs_recalled(void *argument, const json_t *answer, const struct error *error)
{
    struct engine_memory memory = {-1, -1, false, {0}, NULL};
    struct runs_item *item = argument;

    (void)error; /* the chronicle tells of its own troubles; guards are careful without a memory */
    item->asked = false;
    if (item->over) {
        free(item);
        return;
    }
    if (answer)
        history_job_memory(answer, &memory);
    runs_launch(item, &memory);
}

void runs_start(struct runs *runs, struct policy *policy, struct duty *duty, int64_t now_us)
{
    struct runs_item *item = memory_new(struct runs_item);
    struct run *run = &item->run;
    struct history_subject subject = {duty->file->path, duty->task->kind->name, duty->task->target};
    struct chronicle_answers answers = {NULL, runs_recalled, item};
    struct engine_memory nothing = {-1, -1, false, {0}, NULL};

    item->runs = runs;
    item->policy = policy_hold(policy);
    item->database = duty->file->database;
    item->task = duty->task;
    run->file = duty->file;
    run->name = memory_copy(file_name(duty->file));
    run->path = memory_copy(duty->file->path);
    run->target = memory_copy(duty->task->target);
    run->kind = duty->task->kind;
    run->started_us = now_us;
    run->next = runs->first;
    runs->first = run;
    runs->count++;
    duty->file->run = run;
    item->asked = run->kind->flags & TASK_REMEMBERS;
    if (item->asked)
        chronicle_ask(runs->chronicle, history_job_recall(false, &subject), &answers);
    else
        runs_launch(item, &nothing);
}

void runs_stop(struct run *run, enum run_stop why)
{
    struct runs_item *item = (struct runs_item *)run;
    bool stubborn = run->kind->flags & TASK_STUBBORN;

    if (!run->stop)
        run->stop = why;
    if (item->errand)
        errand_cancel(item->errand, stubborn ? RUNS_STUBBORN_MS : RUNS_GRACE_MS);
    else if (why == RUN_SHUTDOWN) /* the history may hang, and would be waited for */
        runs_never(item);
}

void runs_stop_all(struct runs *runs, enum run_stop why)
{
    struct run *next;

    for (struct run *run = runs->first; run; run = next) {
        next = run->next;
        runs_stop(run, why);
    }
}

const struct run *runs_first(const struct runs *runs)
{
    return runs->first;
}

size_t runs_count(const struct runs *runs)
{
    return runs->count;
}
