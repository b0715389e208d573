/*
 * Starts a worker as a child process, hands it its job, and passes on what it says. Runs in the
 * parent, on its loop; never blocks it. A worker that breaks the protocol, runs out of time or
 * dies is ended, and the reason says so.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "error.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

struct launch;

struct launch_handlers {
    /* Each event, checked by event_parse; the reference is the callee's to keep. */
    void (*event)(void *argument, json_t *event);
    /* Once, when the child is gone and all its events were passed on. STATUS_OK: it ended by
     * itself with exit status 0; else `error` tells what happened to it ("killed by signal 9",
     * "out of memory", "took longer than 6 h", "sent a line that is no event: ..."). */
    void (*ended)(void *argument, const struct error *error);
    void *argument;
};

/* `job` is one JSON object (see job.h), sent as one line; the reference stays the caller's.
 * `time_limit_ms` 0: none. */
enum status launch_start(uv_loop_t *loop, json_t *job, int64_t time_limit_ms,
                         const struct launch_handlers *handlers, struct launch **launch,
                         struct error *error) MUST_CHECK;
/* A further line to a worker that takes several (the history's). */
void launch_send(struct launch *launch, json_t *message);
/* Closes the worker's pipe: it stops at its next step and ends. After `grace_ms` it is killed. */
void launch_cancel(struct launch *launch, int64_t grace_ms);

#endif
