/* What a file is called, and its duties. Runs in the daemon; looks at no file. */
#include "file.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

const char *file_name(const struct file *file)
{
    return config_is_glob(file->database) ? file->path : file->database->name;
}

static bool file_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static struct duty file_new_duty(struct file *file, const struct config_task *task)
{
    return (struct duty){.file = file,
                         .task = task,
                         .past = {.seen_us = -1, .started_us = -1},
                         .due_us = INT64_MAX,
                         .look_us = INT64_MAX};
}

void file_make_duties(struct file *file)
{
    const struct config_database *database = file->database;
    struct duty *duties = memory_zeroed(database->task_count, sizeof *duties);

    for (size_t i = 0; i < database->task_count; i++) {
        const struct config_task *task = &database->tasks[i];
        const struct duty *old = file_duty(file, task->kind->name, task->target);
        duties[i] = file_new_duty(file, task);
        if (old) {
            duties[i].past = old->past;
            duties[i].failures = old->failures;
            duties[i].told = old->told;
        }
    }
    file_drop_duties(file);
    file->duties = duties;
    file->duty_count = database->task_count;
}

void file_drop_duties(struct file *file)
{
    free(file->duties);
    file->duties = NULL;
    file->duty_count = 0;
}

struct duty *file_duty(const struct file *file, const char *task, const char *target)
{
    for (size_t i = 0; i < file->duty_count; i++) {
        struct duty *duty = &file->duties[i];
        if (strcmp(duty->task->kind->name, task) == 0 && file_same(duty->task->target, target))
            return duty;
    }
    return NULL;
}
