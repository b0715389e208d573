/*
 * fleet: what the daemon costs on a host with thousands of databases of one glob: memory and
 * processor while nothing is due, a reload, and a sample of every database. Prints a table.
 */
#include "arguments.h"
#include "latency.h"
#include "log.h"
#include "memory.h"
#include "notified.h"
#include "procfs.h"
#include "sql.h"
#include "stage.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    RELOADS = 5,
    SWEEP_LEAD_S = 12,
    SWEEP_PATIENCE_S = 900,
    BEAT_US = 2000000 /* the daemon says that it is alive each second */
};

struct fleet {
    const char *build, *folder, *counts;
    int64_t idle_s;
    char *litekeeper, *policy, *log, *state, *socket;
    struct notified notified;
};

/* A row of the table. */
struct fleet_figures {
    int64_t count;
    double rss_mib, found_s, idle_percent, reload_ms, beat_ms, sweep_s, sample_ms, rss_after_mib;
};

/* A tenant's database: three tables and four indexes, a hundred rows. */
static void make_template(const char *path)
{
    stage_remove(path);
    sqlite3 *db = sql_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

    sql_run(db, "PRAGMA journal_mode=WAL");
    sql_run(db, "CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT UNIQUE, made TEXT)");
    sql_run(db, "CREATE TABLE entry(id INTEGER PRIMARY KEY, account INTEGER, at TEXT, body TEXT)");
    sql_run(db, "CREATE INDEX entry_account ON entry(account, at)");
    sql_run(db, "CREATE INDEX entry_at ON entry(at)");
    sql_run(db, "CREATE TABLE log(id INTEGER PRIMARY KEY, at TEXT, line TEXT)");
    sql_run(db, "CREATE INDEX log_at ON log(at)");
    sql_run(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                " INSERT INTO entry SELECT i, i %% 7, datetime('now', -i || ' hours'),"
                " hex(randomblob(60)) FROM n");
    sqlite3_close(db);
}

static void make_databases(const struct fleet *fleet, int64_t count)
{
    char *template = memory_format("%s/template.db", fleet->folder);
    char *folder = memory_format("%s/tenants", fleet->folder);

    make_template(template);
    mkdir(folder, 0755);
    for (int64_t i = 0; i < count; i++) {
        char *path = memory_format("%s/tenant%05" PRId64 ".db", folder, i);
        if (access(path, F_OK))
            stage_copy(template, path);
        free(path);
    }
    for (int64_t i = count;; i++) { /* of a larger fleet before */
        char *path = memory_format("%s/tenant%05" PRId64 ".db", folder, i);
        bool there = access(path, F_OK) == 0;
        if (there)
            stage_remove(path);
        free(path);
        if (!there)
            break;
    }
    free(template);
    free(folder);
}

/* `at`: when all samples are due, as a calendar expression. */
static void write_policy(const struct fleet *fleet, const char *at)
{
    FILE *out = fopen(fleet->policy, "w");

    if (!out)
        log_fatal("%s: %s", fleet->policy, strerror(errno));
    fprintf(out,
            "daemon: { state: \"%s\", socket: \"%s\" }\n"
            "databases:\n"
            "  - name: tenants\n"
            "    path: \"%s/tenants/*.db\"\n"
            "    window: Sun 02:00-05:00 UTC\n"
            "    sample: { schedule: \"%s UTC\" }\n"
            "    retention: [{ table: log, column: at, keep: 90d, schedule: \"2199-01-01\" }]\n"
            "    vacuum: { schedule: \"2199-01-01\" }\n"
            "    optimize: { schedule: \"2199-01-01\" }\n"
            "    integrity: { schedule: \"2199-01-01\" }\n"
            "    alerts: [{ metric: file_size, above: 1GB }]\n",
            fleet->state, fleet->socket, fleet->folder, at);
    fclose(out);
}

/* The first line of `litekeeper status --json`, the caller's; NULL: there was none. */
static json_t *ask_status(const struct fleet *fleet)
{
    const char *const argv[] = {fleet->litekeeper, "status", "--json", "-c", fleet->policy, NULL};
    int status;

    return stage_run(argv, fleet->log, "daemon", &status);
}

static int64_t status_number(const struct fleet *fleet, const char *key)
{
    json_t *line = ask_status(fleet);
    int64_t number = line ? json_integer_value(json_object_get(line, key)) : -1;

    json_decref(line);
    return number;
}

static void nap_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void await_found(const struct fleet *fleet, pid_t pid, double began_ms,
                        struct fleet_figures *figures)
{
    while (status_number(fleet, "databases") < figures->count) {
        if (latency_clock_ms() - began_ms > 120000)
            log_fatal("the daemon does not find its databases; %s says why", fleet->log);
        nap_ms(100);
    }
    figures->found_s = (latency_clock_ms() - began_ms) / 1e3;
    for (double cpu = 0, before = -1; cpu - before > 0.02;
         nap_ms(1000)) { /* it tells the history */
        before = cpu;
        cpu = procfs_cpu_s(pid);
    }
}

static void measure_idle(struct fleet *fleet, pid_t pid, struct fleet_figures *figures)
{
    double cpu = procfs_cpu_s(pid), began = latency_clock_ms();

    nap_ms(fleet->idle_s * 1000);
    figures->idle_percent = 100 * (procfs_cpu_s(pid) - cpu) / ((latency_clock_ms() - began) / 1e3);
    figures->rss_mib = procfs_rss_mib(pid);
}

/* How long `litekeeper reload` takes, and the longest silence of the watchdog's beat meanwhile. */
static void measure_reload(struct fleet *fleet, struct fleet_figures *figures)
{
    const char *const argv[] = {fleet->litekeeper, "reload", "-c", fleet->policy, NULL};
    int status;

    notified_silence_ms(&fleet->notified); /* from now on */
    for (int i = 0; i < RELOADS; i++) {
        double began = latency_clock_ms();
        json_decref(stage_run(argv, fleet->log, NULL, &status));
        double took = latency_clock_ms() - began;
        if (status)
            log_fatal("the policy can't be reloaded; %s says why", fleet->log);
        if (took > figures->reload_ms)
            figures->reload_ms = took;
        nap_ms(1000);
    }
    figures->beat_ms = notified_silence_ms(&fleet->notified);
}

/* Every sample is due at one moment; the processor's time counts from just before it. */
static void measure_sweep(struct fleet *fleet, pid_t pid, struct fleet_figures *figures)
{
    const char *const argv[] = {fleet->litekeeper, "reload", "-c", fleet->policy, NULL};
    time_t due = time(NULL) + SWEEP_LEAD_S;
    char at[64];
    struct tm parts;
    int status;

    strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S", gmtime_r(&due, &parts));
    write_policy(fleet, at);
    json_decref(stage_run(argv, fleet->log, NULL, &status));
    while (time(NULL) < due - 1)
        nap_ms(100);
    double cpu = procfs_cpu_s(pid), began = latency_clock_ms();
    nap_ms(1500);
    while (status_number(fleet, "running") + status_number(fleet, "ready") > 0) {
        if (latency_clock_ms() - began > SWEEP_PATIENCE_S * 1e3)
            log_fatal("the samples do not end; %s says why", fleet->log);
        nap_ms(500);
    }
    figures->sweep_s = (latency_clock_ms() - began) / 1e3 - 1;
    nap_ms(3000); /* workers count when they have ended, and some stay a while for more */
    figures->sample_ms = 1e3 * (procfs_cpu_s(pid) - cpu) / (double)figures->count;
    figures->rss_after_mib = procfs_rss_mib(pid);
}

static void measure(struct fleet *fleet, struct fleet_figures *figures)
{
    const char *const argv[] = {fleet->litekeeper, "daemon", "-c", fleet->policy, NULL};
    struct stage_process daemon;

    make_databases(fleet, figures->count);
    char *history = memory_format("%s/history.db", fleet->state);
    stage_remove(history);
    free(history);
    write_policy(fleet, "2199-01-01");
    double began = latency_clock_ms();
    stage_start(&daemon, argv, fleet->log);
    notified_await(&fleet->notified, "READY=1", 30000);
    await_found(fleet, daemon.pid, began, figures);
    measure_idle(fleet, daemon.pid, figures);
    measure_reload(fleet, figures);
    measure_sweep(fleet, daemon.pid, figures);
    kill(daemon.pid, SIGTERM);
    if (stage_end(&daemon))
        log_fatal("the daemon did not end well; %s says why", fleet->log);
}

static void print_head(void)
{
    puts("| databases | found s | RSS MiB | idle CPU % | reload ms | beat ms | sweep s | sample"
         " CPU ms | RSS after |\n"
         "|----------:|--------:|--------:|-----------:|----------:|--------:|--------:|-------"
         "-------:|----------:|");
}

static void print(const struct fleet_figures *row)
{
    printf("| %9" PRId64 " | %7.1f | %7.1f | %10.3f | %9.0f | %7.0f | %7.1f | %13.2f | %9.1f |\n",
           row->count, row->found_s, row->rss_mib, row->idle_percent, row->reload_ms, row->beat_ms,
           row->sweep_s, row->sample_ms, row->rss_after_mib);
    fflush(stdout);
}

static void prepare(struct fleet *fleet)
{
    char *folder = stage_folder(fleet->folder);

    fleet->folder = folder;
    fleet->litekeeper = memory_format("%s/litekeeper", fleet->build);
    fleet->policy = memory_format("%s/fleet.yaml", folder);
    fleet->log = memory_format("%s/fleet.log", folder);
    fleet->state = memory_format("%s/state", folder);
    fleet->socket = memory_format("%s/run/litekeeper.sock", folder);
    unlink(fleet->log);
    notified_open(&fleet->notified, folder);
    char *beat = memory_format("%d", BEAT_US);
    setenv("WATCHDOG_USEC", beat, 1);
    free(beat);
}

int main(int argc, char **argv)
{
    struct fleet fleet = {.build = "build/release",
                          .folder = "build/fleet",
                          .counts = "100 1000 10000",
                          .idle_s = 60};
    const struct argument rows[] = {
        {"build", ARGUMENT_TEXT, &fleet.build, "where litekeeper is (build/release)"},
        {"folder", ARGUMENT_TEXT, &fleet.folder, "for the databases (build/fleet)"},
        {"counts", ARGUMENT_TEXT, &fleet.counts, "of databases (\"100 1000 10000\")"},
        {"idle", ARGUMENT_NUMBER, &fleet.idle_s, "seconds of idleness to measure (60)"},
        {0},
    };

    arguments_read("fleet [options]", rows, 0, argc, argv);
    prepare(&fleet);
    print_head();
    for (const char *rest = fleet.counts; *rest;) {
        char *end;
        struct fleet_figures figures = {.count = strtoll(rest, &end, 10)};
        if (end == rest || figures.count < 1)
            arguments_wrong("--counts takes numbers");
        measure(&fleet, &figures);
        print(&figures);
        rest = end + strspn(end, " ,");
    }
    return 0;
}
