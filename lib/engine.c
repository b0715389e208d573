/*
 * The engine takes one task on one database from measurement to outcome: open, lock out other
 * engines, measure, decide, run, measure the effect. It runs in a worker and talks to its parent
 * in events alone.
 */
#include "engine.h"

#include "clock.h"
#include "engine_online.h"
#include "engine_window.h"
#include "enginelock.h"
#include "event.h"
#include "library.h"
#include "pace.h"
#include "task_engine.h"
#include "window.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double engine_tell_ms = 200;      /* between two tellings of progress */
static const double engine_wal_slice_ms = 250; /* a snapshot in WAL mode blocks no one, but pins */

static double engine_ms(const struct span *span)
{
    return (double)units_span_us(span) / 1e3;
}

static struct event_subject engine_subject(const struct engine *engine)
{
    const struct config_task *task = engine->job->task;

    return (struct event_subject){.database = engine->job->database->name,
                                  .task = task->kind->name,
                                  .target = task->target};
}

static void engine_emit(const struct engine *engine, json_t *event)
{
    engine->job->host.emit(engine->job->host.argument, event);
}

void engine_progress(struct engine *engine, int64_t rows, int64_t total)
{
    struct event_subject subject = engine_subject(engine);
    double since_ms = engine->counted_ms > 0 ? engine->counted_ms : engine->begun_ms;
    double now = clock_monotonic_ms(), share = 0, elapsed = (now - since_ms) / 1e3;
    struct outcome_lock lock;

    if (now - engine->told_ms < engine_tell_ms)
        return;
    engine->told_ms = now;
    double rate = elapsed > 0 ? (double)rows / elapsed : 0;
    double eta = total > rows && rate > 0 ? (double)(total - rows) / rate : -1;
    if (engine->lease)
        lease_statistics(engine->lease, &lock, &share);
    json_t *event = event_progress(&subject, rows, total, rate, eta, share);
    if (engine->job->task->kind->unit)
        json_object_set_new(event, "unit", json_string(engine->job->task->kind->unit));
    engine_emit(engine, event);
}

void engine_progress_anew(struct engine *engine)
{
    engine->counted_ms = clock_monotonic_ms();
}

void engine_notice(struct engine *engine, const char *format, ...)
{
    struct event_subject subject = engine_subject(engine);
    va_list arguments;
    char text[512];

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    engine_emit(engine, event_notice(&subject, text));
}

double engine_max_lock_ms(const struct engine *engine)
{
    return engine_ms(&engine->job->database->limits.max_lock);
}

double engine_busy_ms(const struct engine *engine)
{
    return engine_ms(&engine->job->database->limits.busy_timeout);
}

const char *engine_temp(const struct engine *engine)
{
    const char *temp = engine->job->database->limits.temp;

    return temp ? temp : ".";
}

double engine_window_left(const struct engine *engine)
{
    double elapsed_ms = clock_monotonic_ms() - engine->begun_ms;

    if (engine->job->outside_window)
        return INFINITY;
    return (double)window_left(engine->job->database->limits.window,
                               engine->now_us + (int64_t)(elapsed_ms * 1000)) /
           1e6;
}

double engine_slice_ms(const struct engine *engine)
{
    return database_facts(engine->database)->wal ? engine_wal_slice_ms
                                                 : engine_max_lock_ms(engine) / 2;
}

void engine_slice_gap(const struct engine *engine, double slice_ms)
{
    if (!database_facts(engine->database)->wal)
        clock_sleep_ms(pace_busy_step(slice_ms));
}

static enum status engine_open(struct engine *engine, const struct engine_job *job,
                               enum database_mode mode, struct error *error)
{
    const struct config_limits *limits = &job->database->limits;

    engine->job = job;
    engine->now_us = job->at_us >= 0 ? job->at_us : clock_now_us();
    engine->begun_ms = clock_monotonic_ms();
    if (job->task->kind->flags & TASK_APART)
        return STATUS_OK;
    return database_open(job->file, &job->seen, mode, engine_ms(&limits->busy_timeout), &job->host,
                         &engine->database, error);
}

void engine_take_lease(struct engine *engine)
{
    const struct config_limits *limits = &engine->job->database->limits;
    struct lease_limits lease = {.max_lock_ms = engine_ms(&limits->max_lock),
                                 .duty = limits->duty,
                                 .busy_ms = engine_ms(&limits->busy_timeout),
                                 .max_wal_bytes = limits->max_wal,
                                 .window_open = engine->job->outside_window ||
                                                window_open(limits->window, engine->now_us)};

    if (!engine->lease)
        engine->lease = lease_new(engine->database, &lease);
}

static void engine_close(struct engine *engine)
{
    lease_free(engine->lease);
    engine->lease = NULL;
    database_close(engine->database);
    engine->database = NULL;
}

static enum status engine_measure(struct engine *engine, void **facts, struct decision *decision,
                                  struct error *error)
{
    const struct config_task *task = engine->job->task;

    *decision = (struct decision){.rows = -1, .bytes = -1, .seconds = -1};
    if (engine->database)
        database_deadlines(engine->database, engine_busy_ms(engine), 0);
    enum status status = task->kind->measure(engine, task->options, facts, error);
    if (status == STATUS_OK)
        task->kind->decide(task->options, *facts, engine->now_us, decision);
    return status;
}

static enum engine_window engine_ask_window(const struct engine *engine,
                                            const struct decision *decision, char *reason)
{
    if (engine->job->outside_window)
        return ENGINE_WINDOW_OPEN;
    return engine_window(engine->job->database->limits.window, engine->now_us, decision, reason);
}

/* What waits for its window acts all the same, then; what has none that is long enough doesn't.
 * Returns whether it waits. */
static bool engine_plan_window(const struct engine *engine, struct decision *decision)
{
    char reason[OUTCOME_REASON];
    enum engine_window window = engine_ask_window(engine, decision, reason);

    if (window)
        snprintf(decision->reason, sizeof decision->reason, "%s", reason);
    decision->act = window != ENGINE_WINDOW_NEVER;
    return window == ENGINE_WINDOW_WAITS;
}

enum status engine_plan(const struct engine_job *job, struct error *error)
{
    struct engine engine = {0};
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};
    void *facts = NULL;

    enum status status = engine_open(&engine, job, DATABASE_READ, error);
    if (status == STATUS_OK)
        status = engine_measure(&engine, &facts, &decision, error);
    if (status == STATUS_REFUSED) {
        snprintf(decision.reason, sizeof decision.reason, "%s", error->text);
        status = STATUS_OK;
    }
    struct event_subject subject = engine_subject(&engine);
    bool waits = status == STATUS_OK && decision.act && engine_plan_window(&engine, &decision);
    if (status == STATUS_OK)
        engine_emit(&engine, event_plan(&subject, &decision, waits));
    if (facts)
        job->task->kind->free_facts(facts);
    engine_close(&engine);
    return status;
}

bool engine_observes(const struct engine *engine)
{
    const struct task_common *common = engine->job->task->options;

    return engine->job->database->limits.observe || common->observe;
}

/* Decides once more, with the database as it is now, and acts. */
static enum status engine_act(struct engine *engine, struct outcome *outcome, struct error *error)
{
    const struct task_kind *kind = engine->job->task->kind;
    bool read_only = kind->flags & TASK_READ_ONLY;
    enum engine_window window;
    struct decision decision;
    void *facts = NULL;

    enum status status = engine_measure(engine, &facts, &decision, error);
    if (status)
        return status;
    if (!decision.act && !engine->job->force) {
        outcome->kind = OUTCOME_SKIPPED;
        snprintf(outcome->reason, sizeof outcome->reason, "%s", decision.reason);
    } else if (engine_observes(engine) && !read_only) {
        outcome->kind = OUTCOME_SKIPPED;
        snprintf(outcome->reason, sizeof outcome->reason, "observe: would act on %.600s",
                 decision.reason);
    } else if ((window = engine_ask_window(engine, &decision, outcome->reason))) {
        outcome->kind = OUTCOME_SKIPPED;
        outcome->waits = window == ENGINE_WINDOW_WAITS;
    } else {
        outcome->kind = OUTCOME_DONE;
        if (!read_only)
            engine_take_lease(engine);
        status = kind->run(engine, engine->job->task->options, facts, outcome, error);
    }
    if (outcome->kind == OUTCOME_SKIPPED && !outcome->effect && kind->look)
        outcome->effect = kind->look(engine->job->task->options, facts);
    kind->free_facts(facts);
    return status;
}

static int64_t engine_free_bytes(struct engine *engine, int64_t *pages)
{
    struct error ignored;
    int64_t free_pages = 0;

    *pages = 0;
    if (database_integer(engine->database, "PRAGMA freelist_count", 0, &free_pages, &ignored) ||
        database_integer(engine->database, "PRAGMA page_count", 0, pages, &ignored))
        return 0;
    return free_pages * database_facts(engine->database)->page_size;
}

/* What was given back: to the freelist, or to the file system by a file that got smaller. */
static int64_t engine_freed(struct engine *engine, int64_t free_before, int64_t pages_before)
{
    int64_t pages, freed = engine_free_bytes(engine, &pages) - free_before;

    freed += (pages_before - pages) * database_facts(engine->database)->page_size;
    return freed > 0 ? freed : 0;
}

/* Whoever was stopped in the middle has done something all the same. */
static void engine_conclude_partly(struct outcome *outcome)
{
    char amount[TEXT_SHORT];
    size_t length = strlen(outcome->reason), room = sizeof outcome->reason - length;

    if (outcome->rows > 0)
        snprintf(outcome->reason + length, room, "; %s went before that",
                 text_counted(amount, outcome->rows, "row"));
    else if (outcome->bytes_freed > 0)
        snprintf(outcome->reason + length, room, "; %s were given back before that",
                 text_bytes(amount, outcome->bytes_freed));
    else
        return;
    if (outcome->kind == OUTCOME_SKIPPED && outcome->busy)
        outcome->kind = OUTCOME_CANCELLED;
}

/* How a status ends a task. */
static void engine_conclude(enum status status, const struct error *error, struct outcome *outcome)
{
    static const enum outcome_kind kinds[] = {[STATUS_OK] = OUTCOME_DONE,
                                              [STATUS_FAILED] = OUTCOME_FAILED,
                                              [STATUS_REFUSED] = OUTCOME_SKIPPED,
                                              [STATUS_BUSY] = OUTCOME_SKIPPED,
                                              [STATUS_CANCELLED] = OUTCOME_CANCELLED,
                                              [STATUS_INVALID] = OUTCOME_FAILED};

    if (status == STATUS_OK)
        return;
    outcome->kind = kinds[status];
    outcome->busy = status == STATUS_BUSY;
    outcome->guard = error->guard;
    snprintf(outcome->reason, sizeof outcome->reason, "%s", error->text);
    engine_conclude_partly(outcome);
}

/* What nobody has told to stop has made way for the application: later, it may go. */
static enum status engine_gave_way(const struct engine *engine, enum status status,
                                   struct outcome *outcome)
{
    const struct engine_host *host = &engine->job->host;

    if (status != STATUS_CANCELLED || (host->stopped && host->stopped(host->argument)))
        return status;
    outcome->busy = true;
    return STATUS_BUSY;
}

/* Where one fsync is longer than a step may be, that is the disk's doing, and is said. */
static void engine_tell_slow(const struct engine *engine, struct outcome *outcome)
{
    double slow_ms = lease_slow_commit(engine->lease);
    size_t length = strlen(outcome->reason);

    if (slow_ms > 0 && (outcome->kind != OUTCOME_SKIPPED || outcome->busy))
        snprintf(outcome->reason + length, sizeof outcome->reason - length,
                 "; a commit alone takes %.0f ms here, more than max_lock", slow_ms);
}

/* Once a run, and only where it mattered. */
static void engine_tell_bug(struct engine *engine)
{
    int writer = database_facts(engine->database)->writer;
    bool theirs = library_has_wal_reset_bug(writer);
    char version[LIBRARY_VERSION];

    if (lease_left_checkpoints(engine->lease))
        engine_notice(engine,
                      "checkpoints were left to the application, since %s SQLite %s can lose "
                      "commits at them; 3.51.3, 3.50.7 and 3.44.6 are fixed",
                      theirs ? "its" : "litekeeper's",
                      theirs ? library_version(version, writer) : sqlite3_libversion());
}

enum status engine_run(const struct engine_job *job, struct error *error)
{
    bool read_only = job->task->kind->flags & TASK_READ_ONLY;
    struct engine engine = {.job = job};
    struct outcome outcome = {.kind = OUTCOME_DONE};
    double share, begin = clock_monotonic_ms();
    int64_t pages = 0, free_bytes = 0;
    enum status status = STATUS_OK;

    if (!read_only)
        status = enginelock_take(job->file, &job->seen, error);
    if (status == STATUS_OK)
        status = engine_open(&engine, job, read_only ? DATABASE_READ : DATABASE_WRITE, error);
    if (status == STATUS_OK && engine.database) {
        free_bytes = engine_free_bytes(&engine, &pages);
        if (!read_only)
            engine_record_writer(&engine);
    }
    if (status == STATUS_OK && !read_only)
        status = engine_online_clean(&engine, error);
    if (status == STATUS_OK)
        status = engine_act(&engine, &outcome, error);
    engine_conclude(status, error, &outcome);
    status = engine_gave_way(&engine, status, &outcome);
    if (engine.lease) {
        if (!outcome.bytes_freed) /* else the task has measured it better */
            outcome.bytes_freed = engine_freed(&engine, free_bytes, pages);
        lease_statistics(engine.lease, &outcome.lock, &share);
        engine_tell_slow(&engine, &outcome);
        engine_tell_bug(&engine);
    }
    engine_close(&engine);
    outcome.seconds = (clock_monotonic_ms() - begin) / 1e3;
    struct event_subject subject = engine_subject(&engine);
    engine_emit(&engine, event_outcome(&subject, &outcome));
    outcome_free(&outcome);
    return status;
}
