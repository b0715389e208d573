/*
 * The parent's side of the history, on its loop: requests go to the history worker in their order,
 * and each gets its answer by a call. Never blocks. The worker is started with the first request,
 * and again after it died; what it had not answered is asked again. What can't be asked is
 * answered all the same.
 *
 * What tells something (see history_job_tells) and can't be written now has its end with the error,
 * so that nobody waits for it, but is kept, and told again until it is written. There is an end to
 * what is kept: then the oldest goes.
 */
#ifndef CHRONICLE_H
#define CHRONICLE_H

#include "error.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

enum {
    CHRONICLE_REQUESTS = 20000,         /* that are kept, at most, ... */
    CHRONICLE_BYTES = 8 * 1024 * 1024,  /* ... and their bytes */
    CHRONICLE_PATIENCE_MS = 60 * 1000,  /* with a worker that says nothing; then it is killed */
    CHRONICLE_DELAY_MS = 250,           /* until what failed is tried again; it doubles, ... */
    CHRONICLE_DELAY_MOST_MS = 60 * 1000 /* ... up to this */
};

struct chronicle;

struct chronicle_answers {
    /* Each row of an answer that has rows, in their order (see history_job.h); borrowed. */
    void (*row)(void *argument, const json_t *row);
    /* Once, at last: the answer, borrowed; NULL with the `error` where there is none:
     * STATUS_INVALID where the request is at fault. */
    void (*end)(void *argument, const json_t *answer, const struct error *error);
    void *argument;
};

/* For the history in the folder `state`. Told of troubles through `trouble`: once when they begin
 * (why, in words), once when they are over (NULL). That the history was removed or replaced is a
 * trouble, too, until the next answer. */
struct chronicle *chronicle_open(uv_loop_t *loop, const char *state,
                                 void (*trouble)(void *argument, const char *why), void *argument);

/* Has `lost` called when a history that was in use is found to be gone or replaced by another
 * file: whoever knows how things stand (tasks, files, alerts, pauses) may tell it again. */
void chronicle_on_lost(struct chronicle *chronicle, void (*lost)(void *argument), void *argument);

/* Takes over the request (one of history_job.h's; NULL: one that could not be made). `answers` may
 * be NULL, and so may its calls. The end may be called before this returns. */
void chronicle_ask(struct chronicle *chronicle, json_t *request,
                   const struct chronicle_answers *answers);

/* Requests that have not had their end. */
size_t chronicle_pending(const struct chronicle *chronicle);
/* Requests that have, and still wait to be written. */
size_t chronicle_kept(const struct chronicle *chronicle);

/* The worker's process, for messages and tests; 0: there is none. */
int chronicle_process(const struct chronicle *chronicle);
/* For tests: instead of CHRONICLE_PATIENCE_MS. */
void chronicle_set_patience(struct chronicle *chronicle, uint64_t patience_ms);

/* Lets what was asked be answered for at most `grace_ms`, then ends the worker and calls `closed`;
 * the chronicle is gone with its return. What has no end until then has it with an error. Safe on
 * NULL, which is closed at once. */
void chronicle_close(struct chronicle *chronicle, int64_t grace_ms, void (*closed)(void *argument),
                     void *argument);

#endif
