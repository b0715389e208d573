/* The table of all kinds of task. */
#include "task.h"

#include "task_kinds.h"

#include <string.h>

const struct task_kind *const tasks[] = {&task_sample,     &task_retention, &task_vacuum,
                                         &task_defragment, &task_reindex,   &task_indexes,
                                         &task_optimize,   &task_integrity, NULL};

const struct task_kind *task_find(const char *name)
{
    for (size_t i = 0; tasks[i]; i++)
        if (strcmp(tasks[i]->name, name) == 0)
            return tasks[i];
    return NULL;
}
