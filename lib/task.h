/*
 * A kind of task is one file and one row: lib/task_NAME.c exports a `const struct task_kind`, and
 * lib/tasks.c lists them. The policy's loader, plan, run, the manual and the generic tests learn
 * of a kind from its row alone; there is no switch over kinds anywhere.
 */
#ifndef TASK_H
#define TASK_H

#include "error.h"
#include "option.h"
#include "outcome.h"

#include <jansson.h>
#include <stdbool.h>

struct calendar;
struct engine;

/* What every task's options begin with: the first member of each kind's struct. */
struct task_common {
    struct calendar *schedule;
    bool observe; /* decide and report, never act */
};

/* What a kind has found out and whether it would act. */
struct decision {
    bool act;
    bool needs_window; /* acting blocks the application: in the policy's window, if it ends in it */
    char reason[OUTCOME_REASON]; /* with the measured value and the threshold */
    int64_t rows, bytes;         /* expected; -1 where it does not apply */
    double seconds;              /* expected; -1 where unknown */
    double part_seconds; /* of the shortest part, where it can be done in parts; 0: as a whole */
};

enum task_flag {
    TASK_LIST = 1,      /* the policy has a list of them, told apart by their target */
    TASK_NOT_YET = 2,   /* its options are checked, then it is refused: "not supported yet" */
    TASK_READ_ONLY = 4, /* it changes nothing in the application's database */
    TASK_REMEMBERS = 8, /* it goes by its own last run, the clock, or whose SQLite is known */
    TASK_STUBBORN = 16, /* a statement of its may go on for minutes after the word to stop */
    TASK_QUIET = 32,    /* when all is well it is of no interest to anybody's log */
    TASK_APART = 64     /* it does not open the application's database */
};

struct task_kind {
    const char *name; /* in the policy, on the command line, in the history */
    const char *help; /* one phrase */
    const char *unit; /* what its progress counts: "page"; NULL: rows */
    unsigned flags;
    struct option_section section; /* its options; the struct begins with task_common */
    const char *(*target)(const void *options); /* what it works on ("logs"); NULL: the database */

    /* Reads the database and stores what the decision needs in new `*facts`. Changes nothing. */
    enum status (*measure)(struct engine *engine, const void *options, void **facts,
                           struct error *error);
    /* Pure: no clock, no files, no database. `now_us` is UTC. */
    void (*decide)(const void *options, const void *facts, int64_t now_us,
                   struct decision *decision);
    /* Acts, under the engine's lease; fills in rows, bytes, effect and reason. */
    enum status (*run)(struct engine *engine, const void *options, void *facts,
                       struct outcome *outcome, struct error *error);
    void (*free_facts)(void *facts);
    /* The effect of an outcome that is skipped: what the look alone has found, or NULL. The whole
     * function may be missing. */
    json_t *(*look)(const void *options, const void *facts);
};

/* All kinds, NULL at the end, in the order in which `run DB` takes them. */
extern const struct task_kind *const tasks[];
const struct task_kind *task_find(const char *name);

#endif
