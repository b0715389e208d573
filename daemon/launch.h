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

enum {
    LAUNCH_GRACE_MS = 10 * 1000, /* from the word to stop to the kill, where we say it */
    LAUNCH_EVENTS = 1000 * 1000  /* more from one worker, or to one request, are a fault */
};

struct launch_handlers {
    /* Each event, checked by event_parse; the reference is the callee's to keep. */
    void (*event)(void *argument, json_t *event);
    /* Once, when the child is gone and all its events were passed on; the launch is gone with its
     * return. STATUS_OK: it ended by itself with exit status 0. Else the status is the worker's
     * own (REFUSED, BUSY, CANCELLED, INVALID, FAILED) with its reason, or FAILED with what
     * happened to it ("the worker was killed by signal 9 (Killed)", "the worker sent a line that
     * is no event: ..."), or CANCELLED ("it took longer than its time limit of 6 h 0 min"). Where
     * an outcome event came before, that counts, and the error only repeats it. */
    void (*ended)(void *argument, const struct error *error);
    void *argument;
};

/* `job` is one JSON object (see job.h), sent as one line; the reference stays the caller's.
 * `time_limit_ms` 0: none. Ignores SIGPIPE from now on: a worker may end before it has read. */
enum status launch_start(uv_loop_t *loop, json_t *job, int64_t time_limit_ms,
                         const struct launch_handlers *handlers, struct launch **launch,
                         struct error *error) MUST_CHECK;
/* Another job for a worker that was asked to stay, and has said that it is ready. */
enum status launch_again(struct launch *launch, json_t *job, int64_t time_limit_ms,
                         struct error *error) MUST_CHECK;
/* It has no job now, so its time is not counted. */
void launch_rest(struct launch *launch);
/* A further line to a worker that takes several (the history's). */
void launch_send(struct launch *launch, json_t *message);
/* The same for one that is JSON already, without its newline. */
void launch_send_line(struct launch *launch, const char *line);
/* It has answered what it was asked: its events are counted anew, so that a worker that takes
 * requests may live for ever. */
void launch_answered(struct launch *launch);
/* Closes the worker's pipe, once all that was sent is written: it stops at its next step and
 * ends. After `grace_ms` it is killed. May be called again: the sooner end holds. */
void launch_cancel(struct launch *launch, int64_t grace_ms);

/* The worker's process, for messages. */
int launch_process(const struct launch *launch);

/* For tests: another program than our own, whose `path` must stay; instead of LAUNCH_EVENTS. */
void launch_program(const char *path);
void launch_events_most(unsigned events);

#endif
