/*
 * bench: what retention costs, against one DELETE of the same rows. Every run has a fresh copy of
 * one database and the same application beside it; each figure is the median of the runs, but the
 * worst of them where the table says so.
 */
#include "arguments.h"
#include "bench_table.h"
#include "latency.h"
#include "log.h"
#include "memory.h"
#include "sql.h"
#include "stage.h"
#include "stamp.h"
#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    KEEP_DAYS = 200,
    SETTLE_MS = 500,
    ALONE_MS = 5000,
    WAKE_MS = 400,
    TICK_MS = 20,
    RUNS_MOST = 15
};

struct bench {
    const char *build, *folder, *only;
    int64_t logs, repeat;
    char *self, *litekeeper, *application, *seeder, *log, *copy, *policy, *cutoff;
};

static const char *const journals[] = {"wal", "delete", NULL};

static const struct bench_beside besides[] = {
    {"nobody", 0, false}, {"idle", 1, true}, {"1 writer", 1, false}, {"4 writers", 4, false}};

/* By max_lock in ms; all below a DELETE in the same company are compared with it. */
static const struct {
    size_t beside;
    int max_lock_ms;
} contests[] = {{0, BENCH_DELETE}, {0, 10},          {1, BENCH_DELETE},
                {1, 10},           {2, BENCH_ALONE}, {2, BENCH_DELETE},
                {2, 10},           {3, BENCH_ALONE}, {3, BENCH_DELETE},
                {3, 10},           {3, 30}};

static char *original(const struct bench *bench, const char *journal)
{
    return memory_format("%s/%s.db", bench->folder, journal);
}

static void seed(const struct bench *bench, const char *journal)
{
    char *path = original(bench, journal);
    char *logs = memory_format("%lld", (long long)bench->logs);
    const char *const argv[] = {bench->seeder, "--logs", logs, "--worklogs", "10000",
                                "--journal",   journal,  path, NULL};
    int status;

    fprintf(stderr, "making the database with %s logs, journal_mode=%s\n", logs, journal);
    stage_remove(path);
    json_decref(stage_run(argv, bench->log, NULL, &status));
    if (status)
        log_fatal("it could not be made; %s says why", bench->log);
    free(logs);
    free(path);
}

/* Beside an idle application and on a SQLite with the WAL-reset bug nobody checkpoints, so max_wal
 * would end the run; the table's WAL column shows what became of it. */
static void write_policy(const struct bench *bench, int max_lock_ms)
{
    FILE *out = fopen(bench->policy, "w");

    if (!out)
        log_fatal("%s: %s", bench->policy, strerror(errno));
    fprintf(out,
            "daemon: { state: %s/state }\n"
            "databases:\n"
            "  - name: worklog\n"
            "    path: %s\n"
            "    max_lock: %dms\n"
            "    duty: 100%%\n"
            "    max_wal: 8GiB\n"
            "    retention:\n"
            "      - { table: logs, column: timestamp, zone: UTC, keep: %dd }\n",
            bench->folder, bench->copy, max_lock_ms, KEEP_DAYS);
    fclose(out);
}

/* The contender that every operator writes first. Runs in a process of its own, as the other. */
static int delete_in_one(const char *path, const char *cutoff)
{
    sqlite3 *db = sql_open(path, SQLITE_OPEN_READWRITE);

    sqlite3_busy_timeout(db, 60000);
    sqlite3_stmt *statement = sql_prepare(db, "DELETE FROM logs WHERE timestamp < ?");
    stamp_bind(statement, 1, stamp_find("iso"), strtoll(cutoff, NULL, 10));
    double began = latency_clock_ms();
    sql_step(statement);
    double took = latency_clock_ms() - began;
    printf("{\"event\":\"outcome\",\"outcome\":\"done\",\"rows\":%d,\"seconds\":%f,"
           "\"lock\":{\"max_ms\":%f,\"p99_ms\":%f}}\n",
           sqlite3_changes(db), took / 1e3, took, took);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return 0;
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
}

/* Reads along until the contender ends; wakes who is idle, and watches how the WAL grows. */
static json_t *watch(const struct bench *bench, struct stage_process *contender, pid_t idle,
                     int64_t *wal_peak)
{
    double began = latency_clock_ms();
    json_t *event, *outcome = NULL;

    *wal_peak = 0;
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

static void rest(int64_t ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

/* The contender's outcome, and how large the WAL was. */
static json_t *contend(const struct bench *bench, int max_lock_ms, pid_t idle, int64_t *wal_peak)
{
    const char *const delete[] = {bench->self, "--delete", bench->cutoff, bench->copy, NULL};
    const char *const retention[] = {bench->litekeeper, "run",    "-c",
                                     bench->policy,     "--json", "worklog",
                                     "retention",       "logs",   NULL};
    struct stage_process contender;

    stage_start(&contender, max_lock_ms > 0 ? retention : delete, bench->log);
    json_t *outcome = watch(bench, &contender, idle, wal_peak);
    int status = stage_end(&contender);
    if (status || !outcome)
        log_fatal("it failed with %d: %s; see %s", status,
                  outcome ? json_string_value(json_object_get(outcome, "reason")) : "no outcome",
                  bench->log);
    return outcome;
}

/* One contender, or none, once, on a fresh copy. */
static struct bench_figures run_once(const struct bench *bench, const char *journal,
                                     const struct bench_beside *beside, int max_lock_ms)
{
    struct stage_process application = {0};
    struct bench_figures figures = {0};
    json_t *outcome = NULL, *report = NULL;
    char *from = original(bench, journal);
    int64_t wal = 0;

    stage_copy(from, bench->copy);
    free(from);
    if (beside->writers) {
        start_application(bench, beside, &application);
        rest(SETTLE_MS);
    }
    if (max_lock_ms == BENCH_ALONE)
        rest(ALONE_MS);
    else
        outcome = contend(bench, max_lock_ms, beside->idle ? application.pid : 0, &wal);
    if (beside->writers) {
        rest(SETTLE_MS);
        report = stage_application_stop(&application);
    }
    bench_figures_fill(&figures, outcome, report, wal);
    json_decref(outcome);
    json_decref(report);
    return figures;
}

static struct bench_figures contest(const struct bench *bench, const char *journal,
                                    const struct bench_beside *beside, int max_lock_ms)
{
    struct bench_figures runs[RUNS_MOST];
    char by[TEXT_SHORT];

    if (max_lock_ms > 0)
        write_policy(bench, max_lock_ms);
    fprintf(stderr, "%s, %s beside, %s\n", journal, beside->name, bench_by(by, max_lock_ms));
    for (int64_t i = 0; i < bench->repeat; i++)
        runs[i] = run_once(bench, journal, beside, max_lock_ms);
    return bench_figures_median(runs, (size_t)bench->repeat);
}

/* Which SQLite, in the words of litekeeper's own inspection. */
static char *library(const struct bench *bench)
{
    char *path = original(bench, bench->only ? bench->only : "wal");
    const char *const argv[] = {bench->litekeeper, "inspect", "--json", path, NULL};
    int status;
    json_t *inspection = stage_run(argv, bench->log, NULL, &status);
    const json_t *sqlite = json_object_get(inspection, "sqlite");
    const char *version = json_string_value(json_object_get(sqlite, "version"));
    bool bug = json_is_true(json_object_get(sqlite, "wal_reset_bug"));

    if (!version || strcmp(version, sqlite3_libversion()) != 0)
        log_fatal("litekeeper has SQLite %s and the bench %s", version ? version : "(unknown)",
                  sqlite3_libversion());
    char *text = memory_format("SQLite %s, %s the WAL-reset bug; `inspect` says so", version,
                               bug ? "with" : "without");
    json_decref(inspection);
    free(path);
    return text;
}

static void read_settings(struct bench *bench, int argc, char **argv)
{
    const char *delete = NULL;
    const struct argument arguments[] = {
        {"build", ARGUMENT_TEXT, &bench->build, "folder of the programs (build/release)"},
        {"folder", ARGUMENT_TEXT, &bench->folder, "for databases (build/bench)"},
        {"logs", ARGUMENT_NUMBER, &bench->logs, "rows, half of which go (1000000)"},
        {"repeat", ARGUMENT_NUMBER, &bench->repeat, "runs of which the median counts (3)"},
        {"only", ARGUMENT_TEXT, &bench->only, "one journal mode: wal or delete"},
        {"delete", ARGUMENT_TEXT, &delete, "for itself: be the DELETE, of rows before this"},
        {NULL, ARGUMENT_FLAG, NULL, NULL},
    };
    int operand = argc > 1 && !strcmp(argv[1], "--delete");
    operand = arguments_read("bench [OPTION]...", arguments, operand, argc, argv);

    if (delete)
        exit(delete_in_one(argv[operand], delete));
    if (bench->repeat < 1 || bench->repeat > RUNS_MOST)
        arguments_wrong("--repeat takes 1 to 15");
}

static void prepare(struct bench *bench)
{
    if (mkdir(bench->folder, 0755) && errno != EEXIST)
        log_fatal("%s: %s", bench->folder, strerror(errno));
    bench->folder = realpath(bench->folder, NULL);
    bench->self = memory_format("%s/field/bench", bench->build);
    bench->litekeeper = memory_format("%s/litekeeper", bench->build);
    bench->application = memory_format("%s/field/application", bench->build);
    bench->seeder = memory_format("%s/field/seed-database", bench->build);
    bench->log = memory_format("%s/log", bench->folder);
    bench->copy = memory_format("%s/worklog.db", bench->folder);
    bench->policy = memory_format("%s/policy.yaml", bench->folder);
    bench->cutoff =
        memory_format("%lld", (long long)(stamp_now() - (int64_t)KEEP_DAYS * 86400 * 1000000));
}

int main(int argc, char **argv)
{
    struct bench bench = {
        .build = "build/release", .folder = "build/bench", .logs = 1000000, .repeat = 3};
    struct bench_table table = {0};

    log_start("bench", false);
    read_settings(&bench, argc, argv);
    prepare(&bench);
    for (const char *const *journal = journals; *journal; journal++)
        if (!bench.only || !strcmp(bench.only, *journal))
            seed(&bench, *journal);
    char *title = library(&bench);
    bench_table_begin(&table, title, bench.repeat);
    for (const char *const *journal = journals; *journal; journal++)
        for (size_t i = 0; i < sizeof contests / sizeof *contests; i++) {
            const struct bench_beside *beside = &besides[contests[i].beside];
            if (bench.only && strcmp(bench.only, *journal) != 0)
                continue;
            struct bench_figures figures =
                contest(&bench, *journal, beside, contests[i].max_lock_ms);
            bench_table_row(&table, *journal, beside, contests[i].max_lock_ms, &figures);
        }
    bench_table_end(&table, "build/bench.md");
    stage_remove(bench.copy);
    return 0;
}
