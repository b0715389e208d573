/*
 * An agenda of duties that will be due, a queue of those that are, and how many of them run. Each
 * duty is in one of the two, or running, or not the scheduler's.
 */
#include "scheduler.h"

#include "agenda.h"
#include "due.h"
#include "file.h"
#include "memory.h"
#include "ready.h"
#include "window.h"

#include <stdlib.h>

struct scheduler {
    struct scheduler_host host;
    struct agenda agenda;
    struct ready *ready;
    int64_t workers, running;
};

struct scheduler *scheduler_new(const struct scheduler_host *host)
{
    struct scheduler *scheduler = memory_new(struct scheduler);

    scheduler->host = *host;
    scheduler->ready = ready_new();
    return scheduler;
}

void scheduler_free(struct scheduler *scheduler)
{
    if (!scheduler)
        return;
    agenda_free(&scheduler->agenda);
    ready_free(scheduler->ready);
    free(scheduler);
}

void scheduler_workers(struct scheduler *scheduler, int64_t workers)
{
    scheduler->workers = workers;
}

static void scheduler_look(struct scheduler *scheduler, struct duty *duty, enum duty_state state,
                           int64_t look_us)
{
    duty_change(duty, state);
    duty->look_us = look_us;
    agenda_put(&scheduler->agenda, duty);
}

static void scheduler_plan(struct scheduler *scheduler, struct duty *duty, int64_t now_us)
{
    duty->due_us =
        due_moment(duty->file->database, duty->task, duty->file->path, &duty->past, now_us);
    scheduler_look(scheduler, duty, DUTY_SCHEDULED, duty->due_us);
}

void scheduler_add(struct scheduler *scheduler, struct duty *duty, int64_t now_us)
{
    int64_t retry_us = duty->past.started_us + schedule_retry(duty->failures);

    scheduler_plan(scheduler, duty, now_us);
    if (duty->failures && duty->past.started_us >= 0 && retry_us < duty->due_us)
        scheduler_look(scheduler, duty, DUTY_RETRY, retry_us);
}

/* Out of wherever it is. */
static void scheduler_take_out(struct scheduler *scheduler, struct duty *duty)
{
    if (duty->state == DUTY_READY)
        ready_remove(scheduler->ready, duty);
    agenda_remove(&scheduler->agenda, duty);
}

void scheduler_remove(struct scheduler *scheduler, struct duty *duty)
{
    scheduler_take_out(scheduler, duty);
    duty_change(duty, DUTY_NEW);
}

void scheduler_renew(struct scheduler *scheduler, struct duty *duty, int64_t now_us)
{
    enum duty_state state = duty->state;

    if (state == DUTY_NEW || state == DUTY_RUNNING)
        return;
    scheduler_take_out(scheduler, duty);
    if (state == DUTY_SCHEDULED)
        scheduler_plan(scheduler, duty, now_us);
    else
        scheduler_look(scheduler, duty, state == DUTY_READY ? DUTY_SCHEDULED : state, now_us);
}

void scheduler_ask(struct scheduler *scheduler, struct duty *duty, int64_t now_us)
{
    bool shut = duty->state == DUTY_WINDOW && duty->look_us > now_us;

    if (shut || duty->state == DUTY_NEW || duty->state == DUTY_RUNNING || duty->state == DUTY_READY)
        return;
    duty->due_us = now_us;
    scheduler_look(scheduler, duty, DUTY_SCHEDULED, now_us);
}

void scheduler_freed(struct scheduler *scheduler)
{
    scheduler->running--;
}

/* When the window opens next, at the earliest after it has closed if it is open now: it was too
 * short then. */
static int64_t scheduler_window(const struct duty *duty, int64_t now_us)
{
    const struct window_list *window = duty->file->database->limits.window;

    return window_next(window, now_us + window_left(window, now_us));
}

void scheduler_again(struct scheduler *scheduler, struct duty *duty, enum scheduler_end end,
                     int64_t started_us, int64_t now_us)
{
    int64_t due_us = duty->due_us;

    scheduler_take_out(scheduler, duty); /* a reload may have planned it again meanwhile */
    if (end == SCHEDULER_DONE || end == SCHEDULER_FAILED)
        duty->past.started_us = started_us;
    duty->failures = end == SCHEDULER_FAILED || end == SCHEDULER_BUSY ? duty->failures + 1 : 0;
    scheduler_plan(scheduler, duty, now_us);
    if (end == SCHEDULER_REPLAN)
        scheduler_ask(scheduler, duty, now_us);
    if (end == SCHEDULER_WAITS) {
        duty->due_us = due_us;
        scheduler_look(scheduler, duty, DUTY_WINDOW, scheduler_window(duty, now_us));
    }
    int64_t retry_us = now_us + schedule_retry(duty->failures);
    if (end == SCHEDULER_BUSY || (end == SCHEDULER_FAILED && retry_us < duty->due_us)) {
        duty->due_us = due_us;
        scheduler_look(scheduler, duty, DUTY_RETRY, retry_us);
    }
}

static void scheduler_make_ready(struct scheduler *scheduler, struct duty *duty, int64_t now_us)
{
    int64_t until_us = scheduler->host.paused(scheduler->host.argument, duty, now_us);

    if (until_us) {
        scheduler_look(scheduler, duty, DUTY_PAUSED, until_us);
        return;
    }
    agenda_remove(&scheduler->agenda, duty);
    duty_change(duty, DUTY_READY);
    ready_put(scheduler->ready, duty);
}

void scheduler_pass(struct scheduler *scheduler, int64_t now_us)
{
    struct duty *duty;

    while ((duty = agenda_first(&scheduler->agenda)) && duty->look_us <= now_us)
        scheduler_make_ready(scheduler, duty, now_us);
    while (scheduler->running < scheduler->workers && (duty = ready_take(scheduler->ready))) {
        duty_change(duty, DUTY_RUNNING);
        scheduler->running++;
        scheduler->host.start(scheduler->host.argument, duty);
    }
}

const struct duty *scheduler_next(const struct scheduler *scheduler)
{
    return agenda_first(&scheduler->agenda);
}

const struct duty *scheduler_coming(const struct scheduler *scheduler)
{
    const struct duty *coming = agenda_first(&scheduler->agenda);

    if (!coming || !scheduler->host.paused(scheduler->host.argument, coming, coming->look_us))
        return coming;
    coming = NULL;
    for (size_t i = 0; i < scheduler->agenda.count; i++) {
        const struct duty *duty = scheduler->agenda.duties[i];
        if ((!coming || duty->look_us < coming->look_us) &&
            !scheduler->host.paused(scheduler->host.argument, duty, duty->look_us))
            coming = duty;
    }
    return coming;
}

size_t scheduler_ready(const struct scheduler *scheduler)
{
    return ready_count(scheduler->ready);
}

size_t scheduler_waiting(const struct scheduler *scheduler)
{
    return scheduler->agenda.count;
}
