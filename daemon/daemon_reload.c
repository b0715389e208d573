/*
 * A new policy: loaded and checked as a whole, then taken by one change of a pointer, after which
 * nothing can fail. What is known of the past of tasks that stay, stays.
 */
#include "daemon_inside.h"

#include "journal.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* The same task in the other config, and its database there; NULL where there is none. */
static const struct config_task *reload_task(const struct config *config, const struct run *run,
                                             const struct config_database **database)
{
    *database = run->file ? config_database(config, run->file->database->path) : NULL;
    for (size_t i = 0; *database && i < (*database)->task_count; i++) {
        const struct config_task *task = &(*database)->tasks[i];
        if (task->kind == run->kind &&
            (run->target && task->target ? strcmp(run->target, task->target) == 0
                                         : run->target == task->target))
            return task;
    }
    return NULL;
}

/* What runs by a policy that is another now stops at its next step, and is planned anew. */
static void reload_stop_changed(struct daemon *daemon, const struct config *config)
{
    struct run *next;

    for (struct run *run = (struct run *)runs_first(daemon->runs); run; run = next) {
        const struct config_database *database;
        const struct config_task *task = reload_task(config, run, &database);
        const struct duty *duty =
            run->file ? file_duty(run->file, run->kind->name, run->target) : NULL;
        next = run->next;
        if (!task || !duty || !policy_same_task(run->file->database, duty->task, database, task))
            runs_stop(run, RUN_REPLANNED);
    }
}

static void reload_leave(void *argument, struct file *file)
{
    struct daemon *daemon = argument;

    for (size_t i = 0; i < file->duty_count; i++)
        scheduler_remove(daemon->scheduler, &file->duties[i]);
}

static void reload_enter(void *argument, struct file *file)
{
    struct daemon *daemon = argument;
    int64_t now_us = wakeup_now();
    bool unknown = false;

    alarms_settle(daemon->alarms, file->path, file->database, now_us);
    if (!file->there)
        return;
    file_make_duties(file);
    for (size_t i = 0; i < file->duty_count; i++) {
        struct duty *duty = &file->duties[i];
        if (duty->past.seen_us < 0)
            unknown = true;
        else
            scheduler_add(daemon->scheduler, duty, now_us);
    }
    if (unknown)
        daemon_arrive(daemon, file);
}

static void reload_note_restart(const char *key, const char *old, const char *new)
{
    if (old && new ? strcmp(old, new) != 0 : old != new)
        log_warning("daemon.%s has changed: that takes effect with the next restart", key);
}

/* Nothing here can fail. */
static void reload_take(struct daemon *daemon, struct config *config)
{
    struct policy *old = daemon->policy;

    reload_note_restart("state", old->config->daemon.state, config->daemon.state);
    reload_note_restart("socket", old->config->daemon.socket, config->daemon.socket);
    reload_stop_changed(daemon, config);
    registry_walk(daemon->registry, reload_leave, daemon);
    daemon->policy = policy_new(config);
    registry_policy(daemon->registry, config);
    registry_walk(daemon->registry, reload_enter, daemon);
    scheduler_workers(daemon->scheduler, config->daemon.workers);
    policy_release(old);
    daemon->loaded_us = wakeup_now();
    registry_search(daemon->registry);
    daemon_pass(daemon);
}

enum status daemon_reload(struct daemon *daemon, struct config_errors *errors)
{
    struct config *config = NULL;
    char first[TEXT_SHORT], second[TEXT_SHORT];

    notify_reloading();
    enum status status = config_load(daemon->path, &config, errors);
    if (status == STATUS_OK) {
        reload_take(daemon, config);
        journal_event(JOURNAL_RELOADED, "the policy was loaded: %s, %s",
                      text_counted(first, (int64_t)config->database_count, "database"),
                      text_counted(second, (int64_t)config_task_count(config), "task"));
    } else {
        for (size_t i = 0; i < errors->count; i++)
            log_error("%s", errors->lines[i]);
        journal_event(JOURNAL_RELOAD_FAILED,
                      "the policy is not valid, the old one stays in force: %s%s",
                      errors->count ? errors->lines[0] : daemon->path,
                      errors->count > 1 ? " (and more)" : "");
    }
    notify_ready();
    return status;
}
