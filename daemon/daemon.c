/*
 * The daemon's life: it opens what it needs, turns the loop, and ends when told to. What happens
 * on the loop is in the files beside this one.
 */
#include "daemon_inside.h"

#include "history_job.h"
#include "journal.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "paths.h"
#include "text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DAEMON_SEARCH_MS = 5 * 60 * 1000,
    DAEMON_EXTEND_US = 120 * 1000 * 1000,
    DAEMON_END_MS = 3000, /* after it was told to: till then the history may write what is left, */
    DAEMON_HISTORY_MS = 1000 /* and so long in any case; its process may take another second */
};

/* What it is doing, for `systemctl status`; told when it is another than before. */
static void daemon_tell_status(struct daemon *daemon)
{
    const struct duty *next = scheduler_coming(daemon->scheduler);
    size_t running = runs_count(daemon->runs), ready = scheduler_ready(daemon->scheduler);
    char time[TEXT_SHORT];
    struct text line = {0};
    uint64_t hash = 0;

    if (running || ready)
        text_addf(&line, "%zu running, %zu ready; ", running, ready);
    if (next && next->look_us < INT64_MAX)
        text_addf(&line, "next: %s %s%s%s at %s", file_name(next->file), next->task->kind->name,
                  next->task->target ? " " : "", next->task->target ? next->task->target : "",
                  text_time(time, next->look_us));
    else
        text_add(&line, "nothing is scheduled");
    for (const char *c = line.bytes; *c; c++)
        hash = hash * 31 + (unsigned char)*c;
    if (hash != daemon->status_hash)
        notify_status("%s", line.bytes);
    daemon->status_hash = hash;
    text_free(&line);
}

void daemon_pass(struct daemon *daemon)
{
    const struct duty *next;

    scheduler_pass(daemon->scheduler, wakeup_now());
    next = scheduler_next(daemon->scheduler);
    wakeup_at(daemon->wakeup, next ? next->look_us : INT64_MAX);
    if (!daemon->stopping)
        daemon_tell_status(daemon);
}

static void daemon_clock_set(void *argument, struct file *file)
{
    struct daemon *daemon = argument;
    int64_t now_us = wakeup_now();

    for (size_t i = 0; i < file->duty_count; i++) {
        schedule_settle(&file->duties[i].past, now_us);
        scheduler_renew(daemon->scheduler, &file->duties[i], now_us);
    }
}

static void daemon_wakeup(void *argument, bool set)
{
    struct daemon *daemon = argument;

    if (set) {
        log_notice("the clock was set");
        registry_walk(daemon->registry, daemon_clock_set, daemon);
    }
    daemon_pass(daemon);
}

static void daemon_search(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    if (daemon->stopping)
        return;
    registry_search(daemon->registry);
    alarms_tick(daemon->alarms, wakeup_now());
}

/* A VACUUM that copies back is waited for, longer than a service may take to stop by itself. */
static void daemon_feed_watchdog(uv_timer_t *timer)
{
    const struct daemon *daemon = timer->data;

    notify_alive();
    if (daemon->stopping && runs_count(daemon->runs))
        notify_extend(DAEMON_EXTEND_US);
}

static void daemon_hangup(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    struct config_errors errors = {0};

    (void)number;
    if (!daemon->stopping && daemon_reload(daemon, &errors))
        log_warning("correct %s and reload again; `litekeeper check` says what is wrong",
                    daemon->path);
    config_errors_free(&errors);
}

static void daemon_told(uv_signal_t *handle, int number)
{
    (void)number;
    daemon_stop(handle->data);
}

static void daemon_chronicle_closed(void *argument)
{
    struct daemon *daemon = argument;

    daemon->chronicle = NULL;
    uv_stop(&daemon->loop);
}

void daemon_end_if_done(struct daemon *daemon)
{
    if (!daemon->stopping || daemon->closing || runs_count(daemon->runs))
        return;
    daemon->closing = true;
    int64_t left_ms = DAEMON_END_MS - (int64_t)(uv_now(&daemon->loop) - daemon->stopped_ms);
    chronicle_close(daemon->chronicle, left_ms > DAEMON_HISTORY_MS ? left_ms : DAEMON_HISTORY_MS,
                    daemon_chronicle_closed, daemon);
}

void daemon_stop(struct daemon *daemon)
{
    if (daemon->stopping)
        return;
    daemon->stopping = true;
    daemon->stopped_ms = uv_now(&daemon->loop);
    notify_stopping();
    notify_status("stopping; %zu tasks running", runs_count(daemon->runs));
    scheduler_workers(daemon->scheduler, 0);
    registry_stop(daemon->registry);
    runs_stop_all(daemon->runs, RUN_SHUTDOWN);
    daemon_end_if_done(daemon);
}

static void daemon_signals(struct daemon *daemon)
{
    const struct {
        uv_signal_t *handle;
        uv_signal_cb call;
        int number;
    } signals[] = {{&daemon->hangup, daemon_hangup, SIGHUP},
                   {&daemon->terminate, daemon_told, SIGTERM},
                   {&daemon->interrupt, daemon_told, SIGINT}};

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        uv_signal_init(&daemon->loop, signals[i].handle);
        signals[i].handle->data = daemon;
        uv_signal_start(signals[i].handle, signals[i].call, signals[i].number);
    }
}

static void daemon_timers(struct daemon *daemon)
{
    uint64_t beat_ms = (uint64_t)notify_watchdog_us() / 1000;

    uv_timer_init(&daemon->loop, &daemon->search);
    uv_timer_init(&daemon->loop, &daemon->watchdog);
    uv_timer_init(&daemon->loop, &daemon->tell_trouble);
    daemon->search.data = daemon->watchdog.data = daemon->tell_trouble.data = daemon;
    uv_timer_start(&daemon->search, daemon_search, DAEMON_SEARCH_MS, DAEMON_SEARCH_MS);
    if (beat_ms)
        uv_timer_start(&daemon->watchdog, daemon_feed_watchdog, 0, beat_ms);
}

static void daemon_alarm_row(void *argument, const json_t *row)
{
    alarms_recall(((struct daemon *)argument)->alarms, row);
}

static void daemon_pause_row(void *argument, const json_t *row)
{
    struct daemon *daemon = argument;
    int64_t until_us = json_integer_value(json_object_get(row, "until_us"));

    pauses_add(daemon->pauses, json_string_value(json_object_get(row, "database")),
               json_string_value(json_object_get(row, "task")),
               until_us >= 0 ? until_us : INT64_MAX);
}

/* What was raised and paused is known, or can't be: now it can begin. */
static void daemon_begin(void *argument, const json_t *answer, const struct error *error)
{
    struct daemon *daemon = argument;

    (void)answer;
    (void)error;
    if (daemon->stopping)
        return;
    daemon->ready = true;
    registry_search(daemon->registry);
    notify_ready();
    daemon_tell_status(daemon);
    journal_event(JOURNAL_STARTED, "litekeeper %s is ready, by the policy %s", VERSION,
                  daemon->path);
}

static void daemon_recall(struct daemon *daemon)
{
    struct chronicle_answers alarms = {daemon_alarm_row, NULL, daemon},
                             pauses = {daemon_pause_row, daemon_begin, daemon};

    chronicle_ask(daemon->chronicle, history_job_alarms(), &alarms);
    chronicle_ask(daemon->chronicle, history_job_pauses(), &pauses);
}

static enum status daemon_load(const char *path, struct policy **policy, struct error *error)
{
    struct config_errors errors = {0};
    struct config *config = NULL;
    enum status status = config_load(path, &config, &errors);

    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    config_errors_free(&errors);
    if (status)
        return error_set(error, STATUS_INVALID, "the policy %s is not valid", path);
    *policy = policy_new(config);
    return STATUS_OK;
}

/* The rooms of the daemon, each with its host. */
static void daemon_furnish(struct daemon *daemon)
{
    struct registry_host registry = daemon_registry_host;
    struct scheduler_host scheduler = daemon_scheduler_host;
    struct runs_host runs = daemon_runs_host;
    struct alarms_host alarms = daemon_alarms_host;
    const struct config *config = daemon->policy->config;
    char *state = config->daemon.state ? memory_copy(config->daemon.state) : paths_state();

    registry.argument = scheduler.argument = runs.argument = alarms.argument = daemon;
    daemon->alarms = alarms_new(&alarms);
    daemon->pauses = pauses_new();
    daemon->chronicle = chronicle_open(&daemon->loop, state, daemon_trouble, daemon);
    chronicle_on_lost(daemon->chronicle, daemon_history_lost, daemon);
    daemon->registry = registry_new(&daemon->loop, &registry);
    daemon->scheduler = scheduler_new(&scheduler);
    daemon->runs = runs_new(&daemon->loop, daemon->chronicle, &runs);
    registry_policy(daemon->registry, config);
    scheduler_workers(daemon->scheduler, config->daemon.workers);
    free(state);
}

/* What can fail, before anything else is there. */
static enum status daemon_listen(struct daemon *daemon, struct error *error)
{
    struct control_host host = {daemon_answer, daemon};
    const char *named = daemon->policy->config->daemon.socket;
    char *path = named ? memory_copy(named) : paths_socket();
    enum status status = wakeup_open(&daemon->loop, daemon_wakeup, daemon, &daemon->wakeup, error);

    if (!status)
        status = control_open(&daemon->loop, path, &host, &daemon->control, error);
    free(path);
    return status;
}

static void daemon_free(struct daemon *daemon)
{
    scheduler_free(daemon->scheduler);
    registry_free(daemon->registry);
    alarms_free(daemon->alarms);
    pauses_free(daemon->pauses);
    policy_release(daemon->policy);
    uv_loop_close(&daemon->loop);
    free(daemon->arrivals.files);
    free(daemon->trouble);
    free(daemon->untold);
    free(daemon->path);
    free(daemon);
}

enum status daemon_open(const char *path, struct daemon **opened, struct error *error)
{
    struct policy *policy = NULL;
    enum status status = daemon_load(path, &policy, error);

    if (status)
        return status;
    struct daemon *daemon = memory_new(struct daemon);
    daemon->path = memory_copy(path);
    daemon->policy = policy;
    daemon->started_us = daemon->loaded_us = wakeup_now();
    if (uv_loop_init(&daemon->loop))
        abort(); /* no descriptor is left: there is nothing to go on with */
    status = daemon_listen(daemon, error);
    if (status) {
        wakeup_close(daemon->wakeup);
        uv_run(&daemon->loop, UV_RUN_DEFAULT);
        daemon_free(daemon);
        return status;
    }
    daemon_signals(daemon);
    daemon_timers(daemon);
    daemon_furnish(daemon);
    daemon_recall(daemon);
    *opened = daemon;
    return STATUS_OK;
}

void daemon_run(struct daemon *daemon)
{
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
}

static void daemon_close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void daemon_close(struct daemon *daemon)
{
    uv_handle_t *const handles[] = {
        (uv_handle_t *)&daemon->hangup,    (uv_handle_t *)&daemon->terminate,
        (uv_handle_t *)&daemon->interrupt, (uv_handle_t *)&daemon->search,
        (uv_handle_t *)&daemon->watchdog,  (uv_handle_t *)&daemon->tell_trouble};

    control_close(daemon->control);
    runs_free(daemon->runs);
    wakeup_close(daemon->wakeup);
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        daemon_close_handle(handles[i]);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    journal_event(JOURNAL_STOPPED, "litekeeper has stopped");
    daemon_free(daemon);
}

uv_loop_t *daemon_loop(struct daemon *daemon)
{
    return &daemon->loop;
}

bool daemon_busy(const struct daemon *daemon)
{
    return !daemon->ready || registry_searching(daemon->registry) || daemon->arrivals.count ||
           runs_count(daemon->runs) || scheduler_ready(daemon->scheduler) ||
           chronicle_pending(daemon->chronicle);
}

int64_t daemon_next(const struct daemon *daemon)
{
    const struct duty *next = scheduler_next(daemon->scheduler);

    return next ? next->look_us : INT64_MAX;
}

void daemon_look(struct daemon *daemon)
{
    daemon_wakeup(daemon, false);
}
