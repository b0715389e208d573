/*
 * The stage of a crash: a fresh database with its policy and record, the outcomes that a run has
 * printed, and the run after the crash, which must complete and leave nothing behind.
 */
#ifndef LIB_CRASH_H
#define LIB_CRASH_H

#include "lib_ledger.h"
#include "lib_program.h"

#include <sys/types.h>

#define CRASH_LIMITS "    max_lock: 5ms\n"
#define CRASH_RUN    "run -c @/policy.yaml --json worklog"

struct crash {
    struct ledger *ledger;
    char *path;        /* the database's */
    uint64_t random;   /* of this stage */
    pid_t application; /* 0: none */
};

/* Makes the folder and the policy. */
void crash_open(struct crash *crash, uint64_t random);
void crash_close(struct crash *crash);
/* Another policy: `limits` are further lines of the database; CRASH_LIMITS until then. */
void crash_policy(const char *limits);

/* A fresh database of that kind, a copy of the first one. */
void crash_reset(struct crash *crash, const struct ledger_kind *kind);
void crash_application(struct crash *crash, bool wanted);

struct crash_outcomes {
    int done, skipped, failed, cancelled; /* but those that were busy */
    int busy;
    char reason[1024]; /* of the last that is not done */
};

/* Reads what `run --json` printed. Fails the test on an outcome that has no reason, and on a second
 * one of one task. */
void crash_outcomes(const char *out, struct crash_outcomes *outcomes);

/* Fails the test unless nothing of litekeeper's runs on for long, the next run completes,
 * the database holds what the record says and no row that is free to go, the history is sound, and
 * no file is left. The application has ended then. */
void crash_recover(struct crash *crash);

#endif
