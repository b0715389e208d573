/*
 * The engine: takes one task on one database from measurements to an outcome: measure, decide,
 * run, measure the effect. It runs inside a worker, as the file's owner, in the file's folder.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "config.h"
#include "engine_host.h"
#include "error.h"
#include "identity.h"

#include <stdbool.h>
#include <stdint.h>

struct engine_job {
    const struct config_database *database;
    const struct config_task *task; /* NULL for an inspection */
    const char *path;               /* absolute, for messages */
    const char *file;               /* the bare name, in the current folder */
    struct identity seen;
    bool force;          /* pass thresholds, never guards */
    bool outside_window; /* pass the window */
    bool trust_clock;    /* the operator's word that the clock is right */
    int64_t at_us;       /* decide as of then; -1: now */
    struct engine_memory memory;
    struct engine_host host;
    json_t *order; /* what else was asked, by the job's kind; the job's; NULL: nothing */
};

/* Each emits events: `plan` one "plan"; `run` "progress" and at last one "outcome"; `inspect`
 * "btree" events and at last one "inspection". The status is that of the outcome. */
enum status engine_plan(const struct engine_job *job, struct error *error) MUST_CHECK;
enum status engine_run(const struct engine_job *job, struct error *error) MUST_CHECK;
enum status engine_inspect(const struct engine_job *job, struct error *error) MUST_CHECK;

#endif
