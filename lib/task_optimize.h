/* Optimize: refreshes the planner's statistics. task_optimize.c decides, optimize_run.c acts. */
#ifndef TASK_OPTIMIZE_H
#define TASK_OPTIMIZE_H

#include "error.h"
#include "outcome.h"
#include "statistics.h"
#include "task.h"

struct engine;

struct optimize_options {
    struct task_common common;
    int64_t analysis_limit;
};

struct optimize_facts {
    struct statistics statistics;
};

enum status optimize_run(struct engine *engine, const void *options, void *facts,
                         struct outcome *outcome, struct error *error) MUST_CHECK;

/* Makes statistics of one table and its indexes, where they lack any or have untrue ones: a part of
 * another task, which has built an index. */
enum status optimize_table(struct engine *engine, const char *table,
                           struct error *error) MUST_CHECK;

#endif
