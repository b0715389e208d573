/*
 * One task on one file, through a worker, on its parent's loop: sends the job, passes events on,
 * and makes sure that there is exactly one last word about it, whatever becomes of the worker.
 */
#ifndef ERRAND_H
#define ERRAND_H

#include "config.h"
#include "crew.h"
#include "engine_host.h"
#include "identity.h"

#include <jansson.h>
#include <uv.h>

struct chronicle;
struct errand;

/* What is to be done; everything is borrowed for the time of the call that takes it. */
struct errand_order {
    const char *kind; /* the job's: "run", "plan", "restore" */
    const char *last; /* the kind of the event that is its last word: "outcome" or "plan" */
    const struct config *config;
    const struct config_database *database;
    const struct config_task *task;
    const char *name, *path; /* of the file */
    struct identity seen;
    bool force, outside_window, trust_clock;
    int64_t at_us;               /* -1: now */
    struct crew *crew;           /* whose workers do it; NULL: one of its own */
    struct engine_memory memory; /* what the history knows */
    json_t *order;     /* of a "restore": what (restore_job.h); the task is the retention that has
                          archived it. Else NULL */
    const char *owned; /* see job_request */
    struct chronicle *chronicle; /* with the catalogue of archives; NULL: there is none */
};

struct errand_handlers {
    void (*event)(void *argument, json_t *event); /* progress and notices; borrowed */
    /* The last word, a new reference, its subject as ordered; the errand is gone then. */
    void (*ended)(void *argument, json_t *last);
    void *argument;
};

/* NULL: it could not be begun, and has ended before this returns. */
struct errand *errand_start(uv_loop_t *loop, const struct errand_order *order,
                            const struct errand_handlers *handlers);
/* Tells it to stop at its next step, and kills it after `grace_ms`. May be called again. */
void errand_cancel(struct errand *errand, int64_t grace_ms);

/* The last word about a task that was not even tried, for the reason in `error`. */
json_t *errand_verdict(const struct errand_order *order, const struct error *error);

#endif
