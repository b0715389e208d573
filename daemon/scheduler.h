/*
 * The scheduler: decides when each duty is looked at, and which of those that are ready begins
 * next. Runs in the daemon; it reads no clock and starts nothing itself.
 */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include "duty.h"

#include <stdint.h>

struct scheduler;

struct scheduler_host {
    /* Begins the duty, which is RUNNING and whose file nobody else works on: from now on its
     * file's `run` is set, till scheduler_freed and scheduler_again are called. */
    void (*start)(void *argument, struct duty *duty);
    /* Until when the operator has paused it: INT64_MAX for ever, 0 not at all. */
    int64_t (*paused)(void *argument, const struct duty *duty, int64_t now_us);
    void *argument;
};

/* How a run has ended, as far as the schedule goes. */
enum scheduler_end {
    SCHEDULER_DONE,   /* it counts, whatever came of it */
    SCHEDULER_FAILED, /* it counts, and is tried again before it is due */
    SCHEDULER_BUSY,   /* it is due as before, and is tried again */
    SCHEDULER_WAITS,  /* it is due as before, and waits for the policy's window */
    SCHEDULER_REPLAN  /* it never was: it is due now */
};

struct scheduler *scheduler_new(const struct scheduler_host *host);
void scheduler_free(struct scheduler *scheduler);                     /* not the duties */
void scheduler_workers(struct scheduler *scheduler, int64_t workers); /* 0: none begins */

/* A duty whose past is known. */
void scheduler_add(struct scheduler *scheduler, struct duty *duty, int64_t now_us);
/* Forgets it; where it is running, that goes on. */
void scheduler_remove(struct scheduler *scheduler, struct duty *duty);
/* Looks at it again: the clock was set, the policy, or what is paused. */
void scheduler_renew(struct scheduler *scheduler, struct duty *duty, int64_t now_us);
/* It is due now, whatever the schedule says; does nothing for one that is running, or waits for its
 * window. */
void scheduler_ask(struct scheduler *scheduler, struct duty *duty, int64_t now_us);

/* A worker is free again. */
void scheduler_freed(struct scheduler *scheduler);
/* The duty's run, begun at `started_us`, has ended. */
void scheduler_again(struct scheduler *scheduler, struct duty *duty, enum scheduler_end end,
                     int64_t started_us, int64_t now_us);

/* Makes ready what is due, and begins what there are workers for. */
void scheduler_pass(struct scheduler *scheduler, int64_t now_us);

/* The duty to look at next, NULL where nothing is to come. */
const struct duty *scheduler_next(const struct scheduler *scheduler);
/* The same for people: what is paused when it comes is passed over. */
const struct duty *scheduler_coming(const struct scheduler *scheduler);
size_t scheduler_ready(const struct scheduler *scheduler);
size_t scheduler_waiting(const struct scheduler *scheduler); /* that are not ready yet */

#endif
