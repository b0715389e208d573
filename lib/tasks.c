/* The table of all kinds of task. */
#include "task.h"

#include "task_kinds.h"
#include "task_retention.h"
#include "task_sample.h"

#include <string.h>

static const char *retention_target(const void *options)
{
    return ((const struct retention_options *)options)->table;
}

/* These two move to task_sample.c and task_retention.c with what they do. */
const struct task_kind task_sample = {
    .name = "sample",
    .help = "notes sizes, free pages, fragmentation and density in the history",
    .flags = TASK_READ_ONLY,
    .section = {sizeof(struct sample_options), sample_options, NULL},
};

const struct task_kind task_retention = {
    .name = "retention",
    .help = "removes rows that are older than their time",
    .flags = TASK_LIST,
    .section = {sizeof(struct retention_options), retention_options, retention_check},
    .target = retention_target,
};

const struct task_kind *const tasks[] = {&task_sample,    &task_retention,
                                         &task_vacuum,    &task_reindex,
                                         &task_indexes,   &task_optimize,
                                         &task_integrity, NULL};

const struct task_kind *task_find(const char *name)
{
    for (size_t i = 0; tasks[i]; i++)
        if (strcmp(tasks[i]->name, name) == 0)
            return tasks[i];
    return NULL;
}
