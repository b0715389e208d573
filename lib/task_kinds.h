/* The kinds of task, each defined in its own file, for the table in tasks.c. */
#ifndef TASK_KINDS_H
#define TASK_KINDS_H

#include "task.h"

extern const struct task_kind task_sample, task_retention, task_vacuum, task_reindex, task_indexes,
    task_optimize, task_integrity, task_defragment;

#endif
