/*
 * Jobs: what a parent asks of a worker, one JSON object a line on the worker's standard input.
 * `job` is its kind: "run", "plan", "inspect" (the engine, as the file's owner), "discover" and
 * "history". An engine's job carries its database's policy as YAML, so that the worker loads it
 * with the one loader there is.
 */
#ifndef JOB_H
#define JOB_H

#include "config.h"
#include "engine.h"
#include "error.h"

#include <jansson.h>

/* What a parent says of a job for the engine. `policy` and `database` are NULL for "inspect". */
struct job_request {
    const char *kind;                       /* "run", "plan", "inspect" */
    const struct config *policy;            /* the whole; only `database`'s part travels */
    const struct config_database *database; /* with the glob's match as the path, see `path` */
    const struct config_task *task;
    const char *name; /* the database's name for events: its own, or a glob's match */
    const char *path; /* absolute, of the one file */
    struct identity seen;
    bool force, outside_window, trust_clock;
    int64_t at_us; /* -1: now */
    struct engine_memory memory;
};

json_t *job_engine(const struct job_request *request);

/* Looks for the files of a path or glob: one "found" event a file ({"event":"found","path",
 * "device","inode","owner","group"}) or "refused" ({"event":"refused","path","reason"}). */
json_t *job_discover(const char *pattern);

/* Opens litekeeper's own history in the folder `state`, makes it if missing; then takes one
 * request a line (see history_job.c) and answers each with one event, till its input ends. */
json_t *job_history(const char *state);

#endif
