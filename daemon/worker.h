/*
 * The worker: a child process that does one job with no more rights than that needs, and talks
 * with its parent over its standard input and output alone. It finds the file itself, since
 * looking at a path can hang; then it becomes the file's owner; then it works.
 */
#ifndef WORKER_H
#define WORKER_H

#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { WORKER_JOB = 1024 * 1024 }; /* bytes of the longest line that a worker takes */

/* A kind of job. */
struct worker_kind {
    const char *name; /* NULL ends the table */
    /* Does the job. An engine's kind finds itself in the file's folder, as the file's owner. */
    enum status (*serve)(json_t *job, struct error *error);
    bool as_owner; /* of the file that the job names, in its folder; where it is gone, of the folder
                      that is named instead; else as who started us */
    uint64_t keep; /* capabilities that stay, a bit each */
};

/* `litekeeper worker`: reads its job from standard input and does it. Returns the exit status. */
int worker_main(int argc, char **argv);
/* The same with another table of kinds. */
int worker_run(const struct worker_kind *kinds);

/* The next line that the parent sends after the job's, without its newline; it stays until the
 * next call. NULL: none came within `wait_ms` (-1: as long as it takes), or `*ended`: none will
 * come any more, since the parent has closed the pipe or a signal says to stop. */
char *worker_line(void *argument, int wait_ms, bool *ended);
/* Sends an event and takes over the reference; ends the process if that can't be done. As
 * engine_host's `emit`: `argument` is not used. */
void worker_emit(void *argument, json_t *event);
/* The same for one of many: it is sent with others, at the latest when a line is waited for. */
void worker_hold(void *argument, json_t *event);
/* Whether the worker shall stop at the next step: after SIGTERM or SIGINT, when the parent has
 * gone or has closed the pipe, or says anything at all. As engine_host's `stopped`. */
bool worker_stopped(void *argument);

/* What an error's status was, from a worker's exit status; its text is the last line on standard
 * error, with the level that log_fatal has (sd-daemon(3)). */
enum status worker_status(int64_t exit_status);

#endif
