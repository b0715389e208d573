/* Integrity: checks that the file is sound. task_integrity.c decides, integrity_run.c checks. */
#ifndef TASK_INTEGRITY_H
#define TASK_INTEGRITY_H

#include "engine_host.h"
#include "error.h"
#include "outcome.h"
#include "task.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;

enum integrity_level { INTEGRITY_QUICK, INTEGRITY_FULL };

struct integrity_options {
    struct task_common common;
    int level; /* enum integrity_level */
    bool foreign_keys;
};

struct integrity_facts {
    int64_t bytes;           /* of the database */
    bool wal;                /* else a check keeps writers out as long as it lasts ... */
    double max_lock_seconds; /* ... which is no matter up to here */
    struct engine_past last; /* effect is the job's */
};

extern const char *const integrity_pragmas[]; /* by level: "quick_check", "integrity_check" */

enum status integrity_run(struct engine *engine, const void *options, void *facts,
                          struct outcome *outcome, struct error *error) MUST_CHECK;

#endif
