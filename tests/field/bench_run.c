/* One contender on a fresh copy, and everything that is measured of it. */
#include "bench.h"

#include "latency.h"
#include "log.h"
#include "memory.h"
#include "sql.h"
#include "stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SETTLE_MS = 500, ALONE_MS = 5000, WAKE_MS = 400, TICK_MS = 20 };

/* Beside an idle application and on a SQLite with the WAL-reset bug nobody checkpoints, so max_wal
 * would end the run; the table's WAL column shows what became of it. */
static void write_policy(const struct bench *bench, const struct bench_contest *contest)
{
    bool retention = strcmp(contest->task, "retention") == 0;
    FILE *out = fopen(bench->policy, "w");

    if (!out)
        log_fatal("%s: %s", bench->policy, strerror(errno));
    fprintf(out,
            "daemon: { state: %s/state }\n"
            "databases:\n"
            "  - name: worklog\n"
            "    path: %s\n"
            "    max_lock: %dms\n"
            "    duty: %s\n"
            "    max_wal: %s\n"
            "    window: [ '00:00-12:00', '12:00-24:00' ]\n"
            "    ",
            bench->folder, bench->copy, contest->max_lock_ms, retention ? "100%" : "75%",
            contest->max_wal ? contest->max_wal : "8GiB");
    for (const char *at = contest->policy; *at; at++)
        if (*at == '@')
            fprintf(out, "%lldB", (long long)(bench->rows * BENCH_BYTES));
        else if (*at == '$')
            fputs(bench->written, out);
        else
            fputc(*at, out);
    fputs("\n", out);
    if (fclose(out))
        log_fatal("%s: %s", bench->policy, strerror(errno));
}

static void rest(int64_t ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

static void start_application(const struct bench *bench, const struct bench_beside *beside,
                              struct stage_process *application)
{
    char writers[16];
    const char *argv[] = {bench->application, "--writers", writers, "--busy-timeout", "60000",
                          bench->copy,        NULL,        NULL};

    snprintf(writers, sizeof writers, "%d", beside->writers);
    if (beside->idle) {
        argv[5] = "--idle";
        argv[6] = bench->copy;
    }
    stage_application(application, argv, bench->log);
    rest(SETTLE_MS);
}

/* Reads along until the contender ends; wakes who is idle, and watches how the WAL grows. */
static json_t *watch(const struct bench *bench, struct stage_process *contender, pid_t idle,
                     int64_t *wal_peak)
{
    double began = latency_clock_ms();
    json_t *event, *outcome = NULL;

    while (stage_next(contender, TICK_MS, &event)) {
        int64_t wal = stage_size(bench->copy, "-wal");
        *wal_peak = wal > *wal_peak ? wal : *wal_peak;
        if (idle && latency_clock_ms() - began > WAKE_MS) {
            kill(idle, SIGUSR1);
            idle = 0;
        }
        if (stage_is(event, "outcome")) {
            json_decref(outcome);
            outcome = json_incref(event);
        }
        json_decref(event);
    }
    if (idle)
        kill(idle, SIGUSR1);
    return outcome;
}

/* The contender's outcome, and how large the WAL was. */
static json_t *contend(const struct bench *bench, const struct bench_contest *contest, pid_t idle,
                       int64_t *wal_peak)
{
    const char *const today[] = {bench->self, contest->pipe ? "--pipe" : "--sql", contest->sql,
                                 bench->copy, NULL};
    const char *const ours[] = {bench->litekeeper, "run",           "-c",
                                bench->policy,     "--json",        "worklog",
                                contest->task,     contest->target, NULL};
    struct stage_process contender;

    if (!contest->sql)
        write_policy(bench, contest);
    stage_start(&contender, contest->sql ? today : ours, bench->log);
    json_t *outcome = watch(bench, &contender, idle, wal_peak);
    int status = stage_end(&contender);
    json_object_set_new(outcome, "memory_bytes", json_integer(contender.memory_bytes));
    const char *what = json_string_value(json_object_get(outcome, "outcome"));
    if (status || !what || strcmp(what, "done") != 0)
        log_fatal("%s failed with %d: %s; see %s", contest->by, status,
                  outcome ? json_string_value(json_object_get(outcome, "reason")) : "no outcome",
                  bench->log);
    return outcome;
}

/* How the leaves of a table or an index (or of all) lie, and how full they are; left alone if it is
 * not there. */
static void inspect(const struct bench *bench, const char *btree, double *fragmented,
                    double *filled)
{
    const char *const argv[] = {bench->litekeeper, "inspect", "--json", bench->copy, NULL};
    int status;
    json_t *entry, *inspection = stage_run(argv, bench->log, NULL, &status);
    double scattered = 0, full = 0, leaves = 0;
    size_t i;

    json_array_foreach (json_object_get(inspection, "btrees"), i, entry) {
        const char *name = json_string_value(json_object_get(entry, "name"));
        double pages = stage_number(entry, NULL, "leaf_pages");
        if (*btree && (!name || strcmp(name, btree) != 0))
            continue;
        scattered += pages * stage_number(entry, NULL, "fragmentation");
        full += pages * stage_number(entry, NULL, "density");
        leaves += pages;
    }
    if (leaves > 0) {
        *fragmented = 100 * scattered / leaves;
        *filled = 100 * full / leaves;
    }
    json_decref(inspection);
}

static void fresh_copy(const struct bench *bench, const char *journal)
{
    const char *const clear[] = {"rm", "-rf", "--", bench->written, NULL};
    int status;

    json_decref(stage_run(clear, bench->log, NULL, &status));
    free(stage_folder(bench->written));
    stage_copy(bench->original, bench->copy);
    sqlite3 *db = sql_open(bench->copy, SQLITE_OPEN_READWRITE);
    sql_run(db, "PRAGMA journal_mode=%w", journal);
    sqlite3_close(db);
}

struct bench_figures bench_run(const struct bench *bench, const char *journal,
                               const struct bench_beside *beside,
                               const struct bench_contest *contest)
{
    bool alone = !contest->sql && !contest->task;
    struct stage_process application = {0};
    struct bench_figures figures, before;
    json_t *outcome = NULL, *report = NULL;
    int64_t wal = 0;

    bench_figures_fill(&before, NULL, NULL, 0);
    fresh_copy(bench, journal);
    if (contest->btree)
        inspect(bench, contest->btree, &before.fragmented, &before.filled);
    if (beside->writers)
        start_application(bench, beside, &application);
    if (alone)
        rest(ALONE_MS);
    else
        outcome = contend(bench, contest, beside->idle ? application.pid : 0, &wal);
    if (beside->writers) {
        rest(SETTLE_MS);
        report = stage_application_stop(&application);
    }
    bench_figures_fill(&figures, outcome, report, wal);
    figures.fragmented_before = before.fragmented;
    figures.filled_before = before.filled;
    figures.size_mb = (double)stage_size(bench->copy, "") / 1e6;
    if (contest->btree)
        inspect(bench, contest->btree, &figures.fragmented, &figures.filled);
    json_decref(outcome);
    json_decref(report);
    return figures;
}
