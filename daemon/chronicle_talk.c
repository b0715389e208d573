/*
 * The chronicle and its worker: sends it requests, several at a time so that they are committed
 * together, hands on its answers, starts it again when it died, and sets aside what it can't
 * write. Runs in the parent, on its loop.
 */
#include "chronicle_talk.h"

#include "event.h"
#include "history_job.h"
#include "job.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHRONICLE_WINDOW = 64,        /* requests sent and not answered, at most, ... */
    CHRONICLE_SENT = 1024 * 1024, /* ... and about so many bytes of them */
    CHRONICLE_DEATHS = 3,         /* of workers in a row: that is a trouble */
    CHRONICLE_DEATHS_TELLING = 10 /* with one request that tells: it is given up */
};

static void chronicle_begin_trouble(struct chronicle *chronicle, enum chronicle_trouble trouble,
                                    const struct error *why)
{
    bool well = chronicle->trouble == CHRONICLE_WELL;

    if (chronicle->trouble > trouble)
        return;
    chronicle->trouble = trouble;
    chronicle->why = *why;
    if (well && chronicle->troubled)
        chronicle->troubled(chronicle->argument, why->text);
}

static void chronicle_end_trouble(struct chronicle *chronicle)
{
    chronicle->delay_ms = CHRONICLE_DELAY_MS;
    if (chronicle->trouble == CHRONICLE_WELL)
        return;
    chronicle->trouble = CHRONICLE_WELL;
    if (chronicle->troubled)
        chronicle->troubled(chronicle->argument, NULL);
}

/* The end of what was asked, once. Parts before the last have none, but spoil it. */
static void chronicle_end(struct chronicle *chronicle, struct queue_request *request,
                          const json_t *answer, const struct error *error)
{
    struct error part = chronicle->part;

    if (request->ended)
        return;
    request->ended = true;
    chronicle->queue.pending--;
    if (!request->last) {
        if (!answer)
            chronicle->part = *error;
        return;
    }
    chronicle->part.status = STATUS_OK;
    if (part.status)
        answer = NULL, error = &part;
    if (request->answers.end)
        request->answers.end(request->answers.argument, answer, answer ? NULL : error);
}

/* Whoever hears of the end may ask for more; by then it is out of the way. */
void chronicle_finish(struct chronicle *chronicle, struct queue_request *request,
                      const json_t *answer, const struct error *error)
{
    queue_remove(&chronicle->queue, request);
    chronicle_end(chronicle, request, answer, error);
    queue_free(request);
}

void chronicle_set_aside(struct chronicle *chronicle, struct queue_request *request,
                         const struct error *error)
{
    if (!request->tells || chronicle->closing) {
        chronicle_finish(chronicle, request, NULL, error);
        return;
    }
    queue_move(&chronicle->queue, request, QUEUE_KEPT);
    chronicle_end(chronicle, request, NULL, error);
}

/* All of a place, or those that tell something. What is asked meanwhile is behind them. */
static void chronicle_set_aside_from(struct chronicle *chronicle, enum queue_place place,
                                     bool telling, const struct error *error)
{
    uint64_t behind = chronicle->queue.number;
    struct queue_request *request;

    do {
        request = queue_first(&chronicle->queue, place);
        while (request && telling && !request->tells)
            request = TAILQ_NEXT(request, link);
        if (!request || request->number > behind)
            return;
        chronicle_set_aside(chronicle, request, error);
    } while (true);
}

void chronicle_set_aside_all(struct chronicle *chronicle, const struct error *error)
{
    chronicle_set_aside_from(chronicle, QUEUE_SENT, false, error);
    chronicle_set_aside_from(chronicle, QUEUE_WAITING, false, error);
}

void chronicle_again(struct chronicle *chronicle)
{
    queue_move_all(&chronicle->queue, QUEUE_KEPT, QUEUE_WAITING);
    chronicle->window = 1; /* one probes, for all */
    chronicle_step(chronicle);
}

static void chronicle_retry(uv_timer_t *timer)
{
    chronicle_again(timer->data);
}

static void chronicle_wait(struct chronicle *chronicle)
{
    if (chronicle->closing || uv_is_active((uv_handle_t *)&chronicle->retry))
        return;
    uv_timer_start(&chronicle->retry, chronicle_retry, chronicle->delay_ms, 0);
    chronicle->delay_ms *= 2;
    if (chronicle->delay_ms > CHRONICLE_DELAY_MOST_MS)
        chronicle->delay_ms = CHRONICLE_DELAY_MOST_MS;
}

bool chronicle_blocked(const struct chronicle *chronicle)
{
    return chronicle->doomed || uv_is_active((const uv_handle_t *)&chronicle->retry);
}

/* There is nobody to ask. */
static void chronicle_dead(struct chronicle *chronicle, const struct error *why)
{
    chronicle_begin_trouble(chronicle, CHRONICLE_DEAD, why);
    chronicle_set_aside_all(chronicle, why);
}

/* The request that was at its turn is to blame, if any is. */
static void chronicle_blame(struct chronicle *chronicle, const struct error *why)
{
    struct queue_request *request = queue_first(&chronicle->queue, QUEUE_SENT);

    if (!request)
        return;
    chronicle->deaths++;
    unsigned most = request->tells ? CHRONICLE_DEATHS_TELLING : CHRONICLE_DEATHS;
    if (++request->deaths >= most || request->had_row)
        chronicle_finish(chronicle, request, NULL, why);
}

static void chronicle_ended(void *argument, const struct error *error)
{
    struct chronicle *chronicle = argument;
    struct error why = *error;
    bool asked = queue_first(&chronicle->queue, QUEUE_SENT) || chronicle->doomed;

    chronicle->worker = NULL;
    chronicle->doomed = false;
    chronicle->window = 1;
    uv_timer_stop(&chronicle->patience);
    if (!why.status)
        error_set(&why, STATUS_FAILED, "its worker ended without an answer");
    if (asked)
        chronicle_wait(chronicle);
    chronicle_blame(chronicle, &why);
    if ((chronicle->closing && chronicle_pending(chronicle)) ||
        chronicle->deaths >= CHRONICLE_DEATHS)
        chronicle_dead(chronicle, &why);
    queue_move_all(&chronicle->queue, QUEUE_SENT, QUEUE_WAITING);
    chronicle_step(chronicle);
}

/* Its disk may hang, so that not even a kill ends it. */
static void chronicle_overdue(uv_timer_t *timer)
{
    struct chronicle *chronicle = timer->data;
    char time[TEXT_SHORT];
    struct error why;

    error_set(&why, STATUS_FAILED, "its worker has not answered for %s",
              text_seconds(time, (double)chronicle->patience_ms / 1000));
    chronicle->doomed = true;
    launch_cancel(chronicle->worker, 0);
    chronicle_blame(chronicle, &why);
    chronicle_dead(chronicle, &why);
}

static void chronicle_patience(struct chronicle *chronicle)
{
    if (queue_first(&chronicle->queue, QUEUE_SENT))
        uv_timer_start(&chronicle->patience, chronicle_overdue, chronicle->patience_ms, 0);
    else
        uv_timer_stop(&chronicle->patience);
}

static void chronicle_found(struct chronicle *chronicle, const json_t *event)
{
    const char *found = json_string_value(json_object_get(event, "found"));
    bool before = chronicle->opened;
    struct error why;

    chronicle->opened = true;
    if (!before || strcmp(found, "found") == 0)
        return;
    error_set(&why, STATUS_FAILED,
              strcmp(found, "made") == 0
                  ? "the history was removed; a new one was begun"
                  : "the history was replaced; the file that is there now is used");
    chronicle_begin_trouble(chronicle, CHRONICLE_LOST, &why);
    if (chronicle->lost)
        chronicle->lost(chronicle->lost_argument);
}

static void chronicle_unwritten(struct chronicle *chronicle, struct queue_request *request,
                                const json_t *answer)
{
    bool later = json_is_true(json_object_get(answer, "later"));
    struct error why;

    error_set(&why, later ? STATUS_FAILED : STATUS_INVALID, "%s",
              json_string_value(json_object_get(answer, "reason")));
    if (!later) {
        chronicle_finish(chronicle, request, NULL, &why);
        return;
    }
    chronicle_wait(chronicle);
    chronicle_begin_trouble(chronicle, CHRONICLE_UNWRITTEN, &why);
    chronicle_set_aside(chronicle, request, &why);
    chronicle_set_aside_from(chronicle, QUEUE_WAITING, true, &why);
}

/* An answer ends a trouble. But that something can be read does not mean that it can be written,
 * and that one thing had room does not mean that all has. */
static void chronicle_answered(struct chronicle *chronicle, struct queue_request *request,
                               const json_t *answer)
{
    bool told = request->tells;

    chronicle_finish(chronicle, request, answer, NULL);
    if (chronicle->trouble != CHRONICLE_UNWRITTEN || (told && queue_kept(&chronicle->queue) == 0))
        chronicle_end_trouble(chronicle);
}

static void chronicle_answer(struct chronicle *chronicle, struct queue_request *request,
                             const json_t *answer)
{
    launch_answered(chronicle->worker);
    chronicle->deaths = 0;
    if (chronicle->window < CHRONICLE_WINDOW)
        chronicle->window *= 2;
    if (strcmp(event_kind(answer), "unwritten") == 0)
        chronicle_unwritten(chronicle, request, answer);
    else
        chronicle_answered(chronicle, request, answer);
}

static bool chronicle_is_answer(const json_t *event)
{
    static const char *const answers[] = {"recorded", "clock", "listed", "unwritten"};

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(answers[i], event_kind(event)) == 0)
            return true;
    return false;
}

static void chronicle_row(struct queue_request *request, const json_t *row)
{
    request->had_row = true;
    if (!request->ended && request->answers.row)
        request->answers.row(request->answers.argument, row);
}

/* What is not asked for, from a worker that is given up, is not heard. */
static void chronicle_event(void *argument, json_t *event)
{
    struct chronicle *chronicle = argument;
    struct queue_request *request = queue_first(&chronicle->queue, QUEUE_SENT);

    if (strcmp(event_kind(event), "opened") == 0)
        chronicle_found(chronicle, event);
    else if (request && chronicle_is_answer(event))
        chronicle_answer(chronicle, request, event);
    else if (request)
        chronicle_row(request, event);
    json_decref(event);
    chronicle_patience(chronicle);
    chronicle_step(chronicle);
}

static void chronicle_start(struct chronicle *chronicle)
{
    struct launch_handlers handlers = {chronicle_event, chronicle_ended, chronicle};
    json_t *job = job_history(chronicle->state);
    struct error why;

    if (launch_start(chronicle->loop, job, 0, &handlers, &chronicle->worker, &why)) {
        chronicle->worker = NULL;
        chronicle_wait(chronicle);
        chronicle_dead(chronicle, &why);
    }
    json_decref(job);
}

/* A part that is not the last must be written before the next is sent. */
static bool chronicle_room(const struct chronicle *chronicle)
{
    const struct queue *queue = &chronicle->queue;
    const struct queue_request *last = queue_last(queue, QUEUE_SENT);

    return !last || (last->last && queue->counts[QUEUE_SENT] < chronicle->window &&
                     queue->bytes[QUEUE_SENT] < CHRONICLE_SENT);
}

static void chronicle_send(struct chronicle *chronicle)
{
    struct queue_request *request;

    while (chronicle_room(chronicle) && (request = queue_first(&chronicle->queue, QUEUE_WAITING))) {
        queue_move(&chronicle->queue, request, QUEUE_SENT);
        launch_send_line(chronicle->worker, request->line);
    }
    if (!uv_is_active((uv_handle_t *)&chronicle->patience))
        chronicle_patience(chronicle);
}

void chronicle_talk(struct chronicle *chronicle)
{
    if (!chronicle->worker && !chronicle_blocked(chronicle) &&
        queue_first(&chronicle->queue, QUEUE_WAITING))
        chronicle_start(chronicle);
    if (chronicle->worker && !chronicle->doomed)
        chronicle_send(chronicle);
}
