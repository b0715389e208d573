/*
 * The runs: what workers are doing now for the daemon, from the question to the history to the
 * outcome. Runs in the daemon, on its loop.
 */
#ifndef RUNS_H
#define RUNS_H

#include "chronicle.h"
#include "file.h"
#include "policy.h"

#include <jansson.h>
#include <uv.h>

struct runs;

/* Why a run was told to stop. */
enum run_stop {
    RUN_GOES_ON,
    RUN_CANCELLED, /* by the operator */
    RUN_REPLANNED, /* the policy changed, or the file is another */
    RUN_SHUTDOWN
};

struct run {
    struct file *file; /* NULL once it is gone */
    char *name, *path, *target;
    const struct task_kind *kind;
    int64_t started_us;
    enum run_stop stop;
    json_t *progress; /* the last event of that; NULL: none yet */
    struct run *next;
};

struct runs_host {
    /* The run has ended with that outcome (event.h), borrowed; it is gone with the return. */
    void (*ended)(void *argument, const struct run *run, json_t *outcome);
    /* Something that is worth a line: a notice event. */
    void (*notice)(void *argument, const struct run *run, const json_t *notice);
    void *argument;
};

struct runs *runs_new(uv_loop_t *loop, struct chronicle *chronicle, const struct runs_host *host);
/* None may be left; done when the loop has run once more. Safe on NULL. */
void runs_free(struct runs *runs);

/* Begins a duty by that policy, and sets its file's `run`. It may have ended before this
 * returns. */
void runs_start(struct runs *runs, struct policy *policy, struct duty *duty, int64_t now_us);

/* Tells a run to stop at its next step: within seconds, but for a statement that can't be stopped
 * (TASK_STUBBORN), which gets the time that it needs. */
void runs_stop(struct run *run, enum run_stop why);
void runs_stop_all(struct runs *runs, enum run_stop why);

const struct run *runs_first(const struct runs *runs); /* and along `next` */
size_t runs_count(const struct runs *runs);

#endif
