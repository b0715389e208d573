/* The check amid its work: integrity_run.c checks, integrity_tell.c says what was found. */
#ifndef INTEGRITY_INSIDE_H
#define INTEGRITY_INSIDE_H

#include "findings.h"
#include "integrity_keys.h"
#include "task_engine.h"
#include "task_integrity.h"

#include <jansson.h>
#include <stdint.h>

/* Why it ended before its time. */
enum integrity_end { INTEGRITY_GOES_ON, INTEGRITY_TOLD, INTEGRITY_LOG, INTEGRITY_WINDOW };

struct integrity {
    struct engine *engine;
    const struct integrity_options *options;
    const struct integrity_facts *facts;
    double asked_ms, looked_ms;
    double stop_at_ms;  /* it may keep writers out till then; 0: for ever */
    int64_t bytes_read; /* so far */
    int64_t backlog;    /* bytes of the WAL that wait for their checkpoint */
    enum integrity_end ended;
    struct findings findings;
    struct integrity_keys keys;
    int64_t left;      /* tables that could not be checked ... */
    json_t *unchecked; /* ... the first of them, for the effect ... */
    char why[256];     /* ... and the very first, for the reason */
};

/* The effect and the reason of a check that was through. STATUS_FAILED: something is wrong. */
enum status integrity_conclude(struct integrity *run, struct outcome *outcome,
                               struct error *error) MUST_CHECK;

#endif
