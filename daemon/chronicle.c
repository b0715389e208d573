/*
 * The history's parent as others see it: takes requests, sees to it that they don't pile up, and
 * ends with all of them answered. Runs in the parent, on its loop; opens no file.
 */
#include "chronicle.h"

#include "chronicle_talk.h"
#include "history_job.h"
#include "log.h"
#include "memory.h"

#include <stdlib.h>

enum {
    CHRONICLE_END_MS = 1000, /* that a worker with nothing to do may take to end */
    CHRONICLE_TIMERS = 3
};

static void chronicle_freed(uv_handle_t *handle)
{
    struct chronicle *chronicle = handle->data;

    if (--chronicle->open)
        return;
    if (chronicle->closed)
        chronicle->closed(chronicle->closed_argument);
    free(chronicle->state);
    free(chronicle);
}

/* Nothing is left to be done. */
static void chronicle_over(struct chronicle *chronicle)
{
    if (chronicle->worker) {
        chronicle->doomed = true;
        launch_cancel(chronicle->worker, CHRONICLE_END_MS);
    } else if (!uv_is_closing((uv_handle_t *)&chronicle->retry)) {
        uv_close((uv_handle_t *)&chronicle->retry, chronicle_freed);
        uv_close((uv_handle_t *)&chronicle->patience, chronicle_freed);
        uv_close((uv_handle_t *)&chronicle->grace, chronicle_freed);
    }
}

void chronicle_step(struct chronicle *chronicle)
{
    const struct queue *queue = &chronicle->queue;

    chronicle_talk(chronicle);
    bool idle = !queue_first(queue, QUEUE_WAITING) && !queue_first(queue, QUEUE_SENT);
    if (idle && !queue_first(queue, QUEUE_KEPT))
        chronicle->dropped = false;
    if (idle && chronicle->closing && !chronicle->doomed)
        chronicle_over(chronicle);
}

struct chronicle *chronicle_open(uv_loop_t *loop, const char *state,
                                 void (*trouble)(void *argument, const char *why), void *argument)
{
    struct chronicle *chronicle = memory_new(struct chronicle);
    uv_timer_t *timers[CHRONICLE_TIMERS] = {&chronicle->retry, &chronicle->patience,
                                            &chronicle->grace};

    chronicle->loop = loop;
    chronicle->state = memory_copy(state);
    queue_init(&chronicle->queue);
    chronicle->window = 1;
    chronicle->delay_ms = CHRONICLE_DELAY_MS;
    chronicle->patience_ms = CHRONICLE_PATIENCE_MS;
    chronicle->troubled = trouble;
    chronicle->argument = argument;
    for (chronicle->open = 0; chronicle->open < CHRONICLE_TIMERS; chronicle->open++) {
        uv_timer_init(loop, timers[chronicle->open]);
        timers[chronicle->open]->data = chronicle;
    }
    return chronicle;
}

void chronicle_on_lost(struct chronicle *chronicle, void (*lost)(void *argument), void *argument)
{
    chronicle->lost = lost;
    chronicle->lost_argument = argument;
}

/* Memory is worth more than the oldest records. */
static void chronicle_bound(struct chronicle *chronicle)
{
    struct queue_request *request;
    struct error why;

    error_set(&why, STATUS_FAILED, "too much waits to be written to the history");
    while ((request = queue_surplus(&chronicle->queue))) {
        if (!chronicle->dropped)
            log_warning("%s; the oldest is dropped", why.text);
        chronicle->dropped = true;
        chronicle_finish(chronicle, request, NULL, &why);
    }
}

static void chronicle_add(struct chronicle *chronicle, const json_t *part,
                          const struct chronicle_answers *answers)
{
    struct queue_request *request = queue_add(&chronicle->queue, part);

    request->last = answers != NULL;
    if (answers)
        request->answers = *answers;
    if (chronicle->trouble >= CHRONICLE_DEAD && chronicle_blocked(chronicle) &&
        (request->tells || !chronicle->worker || chronicle->doomed))
        chronicle_set_aside(chronicle, request, &chronicle->why);
}

static void chronicle_refuse(const struct chronicle_answers *answers, const json_t *request)
{
    struct error why;

    if (request)
        error_set(&why, STATUS_FAILED, "the history is closed");
    else
        error_set(&why, STATUS_INVALID, "a path or name is not UTF-8");
    if (answers && answers->end)
        answers->end(answers->argument, NULL, &why);
}

void chronicle_ask(struct chronicle *chronicle, json_t *request,
                   const struct chronicle_answers *answers)
{
    static const struct chronicle_answers nobody = {NULL, NULL, NULL};

    if (!request || chronicle->closing) {
        chronicle_refuse(answers, request);
        json_decref(request);
        return;
    }
    json_t *parts = history_job_parts(request);
    for (size_t i = 0, count = json_array_size(parts); i < count; i++)
        chronicle_add(chronicle, json_array_get(parts, i),
                      i + 1 < count ? NULL
                      : answers     ? answers
                                    : &nobody);
    json_decref(parts);
    chronicle_bound(chronicle);
    chronicle_step(chronicle);
}

size_t chronicle_pending(const struct chronicle *chronicle)
{
    return chronicle->queue.pending;
}

size_t chronicle_kept(const struct chronicle *chronicle)
{
    return queue_kept(&chronicle->queue);
}

int chronicle_process(const struct chronicle *chronicle)
{
    return chronicle->worker ? launch_process(chronicle->worker) : 0;
}

void chronicle_set_patience(struct chronicle *chronicle, uint64_t patience_ms)
{
    chronicle->patience_ms = patience_ms;
}

static void chronicle_late(uv_timer_t *timer)
{
    struct chronicle *chronicle = timer->data;
    struct error why;

    error_set(&why, STATUS_FAILED, "the history did not answer in time");
    chronicle_set_aside_all(chronicle, &why);
    chronicle_step(chronicle);
}

void chronicle_close(struct chronicle *chronicle, int64_t grace_ms, void (*closed)(void *argument),
                     void *argument)
{
    if (!chronicle) {
        closed(argument);
        return;
    }
    chronicle->closing = true;
    chronicle->closed = closed;
    chronicle->closed_argument = argument;
    uv_timer_stop(&chronicle->retry);
    uv_timer_start(&chronicle->grace, chronicle_late, grace_ms > 0 ? (uint64_t)grace_ms : 0, 0);
    chronicle_again(chronicle); /* the last time */
}
