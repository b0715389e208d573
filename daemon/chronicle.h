/*
 * The parent's side of the history, on its loop: requests go to the history worker one after the
 * other, and each gets its answer by a call. Never blocks. The worker is started with the first
 * request, and again after it died; what can't be asked is answered all the same.
 */
#ifndef CHRONICLE_H
#define CHRONICLE_H

#include "error.h"

#include <jansson.h>
#include <uv.h>

struct chronicle;

struct chronicle_answers {
    /* Each row of an answer that has rows, in their order (see history_job.h); borrowed. */
    void (*row)(void *argument, const json_t *row);
    /* Once, at last: the answer, borrowed; NULL with the `error` where there is none. */
    void (*end)(void *argument, const json_t *answer, const struct error *error);
    void *argument;
};

/* For the history in the folder `state`. Told of troubles through `trouble`: once when they begin
 * (why, in words), once when they are over (NULL). */
struct chronicle *chronicle_open(uv_loop_t *loop, const char *state,
                                 void (*trouble)(void *argument, const char *why), void *argument);

/* Takes over the request (one of history_job.h's). `answers` may be NULL, and so may its calls.
 * The end may be called before this returns. */
void chronicle_ask(struct chronicle *chronicle, json_t *request,
                   const struct chronicle_answers *answers);

/* Requests not yet answered. */
size_t chronicle_pending(const struct chronicle *chronicle);

/* Lets what was asked be answered for at most `grace_ms`, then ends the worker and calls `closed`.
 * Safe on NULL. */
void chronicle_close(struct chronicle *chronicle, int64_t grace_ms, void (*closed)(void *argument),
                     void *argument);

#endif
