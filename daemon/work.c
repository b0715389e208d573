/*
 * One errand after the other, for the commands in the foreground: what they have in common. Runs
 * in the parent.
 */
#include "work.h"

#include "errand.h"
#include "log.h"
#include "memory.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What session_wait waits for. */
struct work_errand {
    const struct work *work;
    struct errand *errand;
    json_t *last;
    bool ended;
};

static void work_event(void *argument, json_t *event)
{
    struct work_errand *running = argument;

    running->work->event(event);
}

static void work_ended(void *argument, json_t *last)
{
    struct work_errand *running = argument;

    running->last = last;
    running->ended = true;
}

static void work_cancel(void *argument, int64_t grace_ms)
{
    struct work_errand *running = argument;

    errand_cancel(running->errand, grace_ms);
}

static struct errand_order work_order(const struct work *work, const struct selection_file *file,
                                      const struct config_task *task)
{
    return (struct errand_order){
        .kind = work->kind,
        .last = work->last,
        .config = work->config,
        .database = file->database,
        .task = task,
        .name = file->name,
        .path = file->path,
        .seen = file->seen,
        .force = work->line->force,
        .outside_window = work->line->outside_window,
        .trust_clock = work->line->trust_clock,
        .at_us = work->at_us,
        .memory = work->memory,
        .order = work->order,
        .owned = work->owned,
        .chronicle = work->remember ? remember_chronicle(work->remember) : NULL,
    };
}

void work_recall(struct work *work, struct remember *remember, const struct selection *selection,
                 const struct selection_item *item)
{
    struct history_subject subject = {selection->files[item->file].path, item->task->kind->name,
                                      item->task->target};

    remember_past(remember, &subject, &work->memory, &work->counted);
}

json_t *work_do(struct session *session, const struct work *work, const struct selection *selection,
                const struct selection_item *item)
{
    const struct selection_file *file = &selection->files[item->file];
    struct errand_order order = work_order(work, file, item->task);
    struct work_errand running = {.work = work};
    struct errand_handlers handlers = {work_event, work_ended, &running};

    if (file->error.status && !work->owned)
        return errand_verdict(&order, &file->error);
    session_grace(session,
                  item->task->kind->flags & TASK_STUBBORN ? SESSION_STUBBORN_MS : SESSION_GRACE_MS);
    running.errand = errand_start(session_loop(session), &order, &handlers);
    session_wait(session, &running.ended, work_cancel, &running);
    return running.last;
}

int work_exit(const json_t *last, bool interrupted)
{
    const char *outcome = json_string_value(json_object_get(last, "outcome"));

    if (json_is_true(json_object_get(last, "busy")))
        return COMMAND_BUSY;
    if (json_is_true(json_object_get(last, "failed")))
        return interrupted ? COMMAND_INTERRUPTED : COMMAND_FAILED;
    if (outcome && strcmp(outcome, "cancelled") == 0)
        return interrupted ? COMMAND_INTERRUPTED : COMMAND_FAILED;
    return outcome && strcmp(outcome, "failed") == 0 ? COMMAND_FAILED : COMMAND_OK;
}

int work_worse(int one, int other)
{
    static const int order[] = {COMMAND_INTERRUPTED, COMMAND_FAILED, COMMAND_BUSY};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (one == order[i] || other == order[i])
            return order[i];
    return COMMAND_OK;
}

int work_config(const struct command_line *line, struct config **config)
{
    char *path = line->config ? memory_copy(line->config) : paths_config();
    struct config_errors errors = {0};
    enum status status = config_load(path, config, &errors);

    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    if (status && errors.count == 0)
        log_error("can't load the policy %s", path);
    config_errors_free(&errors);
    free(path);
    return status ? COMMAND_CONFIG : -1;
}

char *work_state(const struct config *config)
{
    return config->daemon.state ? memory_copy(config->daemon.state) : paths_state();
}
