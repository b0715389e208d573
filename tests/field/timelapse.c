/*
 * timelapse: a year of the daemon within minutes. The real loop, scheduler, workers and history on
 * a real database beside a real application; only the clock is the program's own, and jumps from
 * one thing that is due to the next. Prints what ran when and why, and whether the promises held.
 */
#include "arguments.h"
#include "clock.h"
#include "config.h"
#include "daemon.h"
#include "growth.h"
#include "latency.h"
#include "launch.h"
#include "log.h"
#include "memory.h"
#include "sql.h"
#include "stage.h"
#include "text.h"
#include "wakeup.h"
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_US (INT64_C(86400) * 1000000)

struct timelapse {
    const char *build, *folder;
    int64_t days, logs_a_day, logs;
    char *database, *policy, *log, *history;
    struct growth *growth;
    struct window_list *window;
    int64_t begin_us, size_begin, size_max;
};

/* The seed's plan for a database of a hundredth of its size. */
static void write_policy(const struct timelapse *lapse)
{
    FILE *out = fopen(lapse->policy, "w");

    if (!out)
        log_fatal("%s: %s", lapse->policy, strerror(errno));
    fprintf(out,
            "daemon: { state: \"%s/state\", socket: \"%s/run/litekeeper.sock\" }\n"
            "defaults: { window: \"Sun 02:00-05:00 UTC\", jitter: 10min }\n"
            "databases:\n"
            "  - name: worklog\n"
            "    path: \"%s\"\n"
            "    sample: { schedule: hourly }\n"
            "    retention:\n"
            "      - { table: logs, column: timestamp, zone: UTC, keep: 90d, max_size: 12MB,\n"
            "          keep_min: 30d, schedule: daily }\n"
            "      - { table: worklogs, column: started, keep: 18 months,\n"
            "          when_rows_above: 1000000, cascade: delete, schedule: monthly }\n"
            "    vacuum: { schedule: \"Sun 02:00 UTC\", free_above: 20%%, free_bytes_above: 2MiB,\n"
            "              renumber_rowids: true }\n"
            "    reindex: { schedule: monthly, min_size: 256KiB }\n"
            "    optimize: { schedule: daily }\n"
            "    integrity: { schedule: \"Sun 04:00 UTC\" }\n"
            "    alerts:\n"
            "      - { metric: table_size, table: logs, above: 13MB, severity: critical,\n"
            "          run: retention }\n"
            "      - { metric: free_ratio, above: 40%% }\n"
            "      - { metric: wal_size, above: 64MiB }\n",
            lapse->folder, lapse->folder, lapse->database);
    fclose(out);
}

static void make_database(struct timelapse *lapse)
{
    char *seeder = memory_format("%s/field/seed-database", lapse->build);
    char *logs = memory_format("%" PRId64, lapse->logs);
    char *now = memory_format("%" PRId64, lapse->begin_us / 1000000);
    const char *const argv[] = {seeder, "--logs",        logs, "--worklogs", "20000", "--now",
                                now,    lapse->database, NULL};
    int status;

    stage_remove(lapse->database);
    json_decref(stage_run(argv, lapse->log, NULL, &status));
    if (status)
        log_fatal("the database could not be made; %s says why", lapse->log);
    lapse->size_begin = stage_size(lapse->database, "");
    free(seeder);
    free(logs);
    free(now);
}

static void load_window(struct timelapse *lapse)
{
    struct error error;

    lapse->window = memory_new(struct window_list);
    if (window_parse("Sun 02:00-05:00 UTC", lapse->window, &error))
        log_fatal("%s", error.text);
}

static void settle(struct daemon *daemon)
{
    while (daemon_busy(daemon))
        uv_run(daemon_loop(daemon), UV_RUN_ONCE);
}

/* Goes to that moment. The application never lags behind, so what is due then meets it as it
 * would be. */
static void go_to(struct timelapse *lapse, struct daemon *daemon, int64_t now_us)
{
    growth_advance(lapse->growth, now_us, window_open(lapse->window, now_us));
    wakeup_pretend(now_us);
    daemon_look(daemon);
    settle(daemon);
    int64_t size = stage_size(lapse->database, "");
    lapse->size_max = size > lapse->size_max ? size : lapse->size_max;
}

static void live(struct timelapse *lapse, struct daemon *daemon)
{
    int64_t end_us = lapse->begin_us + lapse->days * DAY_US, next, shown = 0;

    settle(daemon);
    while ((next = daemon_next(daemon)) < end_us) {
        go_to(lapse, daemon, next);
        int64_t day = (next - lapse->begin_us) / DAY_US;
        if (day >= shown + 30) {
            char size[TEXT_SHORT];
            shown = day;
            fprintf(stderr, "  day %" PRId64 ": %s\n", day,
                    text_bytes(size, stage_size(lapse->database, "")));
        }
    }
}

/* What ran, by task and outcome. */
static void print_runs(sqlite3 *db)
{
    static const char sql[] =
        "SELECT task || coalesce(' ' || target, ''), outcome, count(*),"
        " strftime('%Y-%m-%d %H:%M', min(started_us) / 1000000, 'unixepoch'),"
        " strftime('%Y-%m-%d %H:%M', max(started_us) / 1000000, 'unixepoch'),"
        " sum(rows), max(lock_max_ms), (SELECT reason FROM run AS one WHERE one.task = run.task AND"
        "  one.target IS run.target AND one.outcome = run.outcome ORDER BY started_us DESC LIMIT 1)"
        " FROM run GROUP BY 1, 2 ORDER BY min(id), 2";
    sqlite3_stmt *rows = sql_prepare(db, sql);

    puts("| task | outcome | times | first | last | rows | longest hold ms | the last one's reason "
         "|\n"
         "|------|---------|------:|-------|------|-----:|----------------:|-----------------------"
         "|");
    while (sqlite3_step(rows) == SQLITE_ROW)
        printf("| %s | %s | %lld | %s | %s | %lld | %.1f | %s |\n", sqlite3_column_text(rows, 0),
               sqlite3_column_text(rows, 1), sqlite3_column_int64(rows, 2),
               sqlite3_column_text(rows, 3), sqlite3_column_text(rows, 4),
               sqlite3_column_int64(rows, 5), sqlite3_column_double(rows, 6),
               sqlite3_column_text(rows, 7));
    sqlite3_finalize(rows);
}

static int failures;

static void promise(bool kept, const char *what, const char *measured)
{
    printf("%-8s %s: %s\n", kept ? "kept" : "BROKEN", what, measured);
    failures += !kept;
}

/* Runs that block the application, each by one long hold: VACUUM and REINDEX. */
static void check_windows(const struct timelapse *lapse, sqlite3 *db)
{
    sqlite3_stmt *rows =
        sql_prepare(db, "SELECT started_us, seconds FROM run WHERE outcome = 'done' AND"
                        " (effect LIKE '%\"online\":false%' OR effect LIKE '%\"mode\":\"full\"%')");
    int64_t inside = 0, outside = 0;

    while (sqlite3_step(rows) == SQLITE_ROW) {
        int64_t from = sqlite3_column_int64(rows, 0);
        int64_t to = from + (int64_t)(sqlite3_column_double(rows, 1) * 1e6);
        if (window_open(lapse->window, from) && window_open(lapse->window, to))
            inside++;
        else
            outside++;
    }
    sqlite3_finalize(rows);
    char *measured = memory_format("%" PRId64 " runs inside it, %" PRId64 " not", inside, outside);
    promise(outside == 0 && inside > 0, "what blocks the application ran within its window",
            measured);
    free(measured);
}

static void check(const struct timelapse *lapse)
{
    const struct growth *growth = lapse->growth;
    sqlite3 *history = sql_open(lapse->history, SQLITE_OPEN_READONLY);
    sqlite3 *db = sql_open(lapse->database, SQLITE_OPEN_READONLY);
    char first[TEXT_SHORT], second[TEXT_SHORT];
    int64_t logs =
        sql_number(history, "SELECT max(bytes) FROM sample_btree JOIN sample ON sample.run = "
                            "sample_btree.sample JOIN run ON run.id = sample.run WHERE "
                            "sample_btree.name = 'logs' AND started_us > (SELECT min(started_us)"
                            " FROM run) + 3 * 86400000000");

    print_runs(history);
    puts("");
    char *text = memory_format("%s at most, after the first days", text_bytes(first, logs));
    promise(logs < 13000000, "logs stay under 13 MB", text);
    free(text);
    text = memory_format("%s at the beginning, %s at most, %s at the end",
                         text_bytes(first, lapse->size_begin), text_bytes(second, lapse->size_max),
                         text_bytes((char[TEXT_SHORT]){0}, stage_size(lapse->database, "")));
    promise(lapse->size_max <= lapse->size_begin + lapse->size_begin / 4 &&
                stage_size(lapse->database, "") <= lapse->size_begin,
            "the file does not grow", text);
    free(text);
    check_windows(lapse, history);
    text = memory_format("%" PRId64 " rows in %" PRId64 " transactions, %" PRId64
                         " SQLITE_BUSY outside the window, %" PRId64 " in it, %" PRId64
                         " other errors; longest write %.1f ms, in the window %.1f ms",
                         growth->rows, growth->transactions, growth->busy, growth->busy_in_window,
                         growth->errors, growth->write_max_ms, growth->write_max_in_window_ms);
    promise(growth->busy == 0 && growth->errors == 0, "the application did not notice", text);
    free(text);
    sqlite3_stmt *sound = sql_prepare(db, "PRAGMA integrity_check");
    sqlite3_step(sound);
    const char *verdict = (const char *)sqlite3_column_text(sound, 0);
    promise(strcmp(verdict, "ok") == 0, "the database is sound", verdict);
    sqlite3_finalize(sound);
    sqlite3_close(db);
    sqlite3_close(history);
}

/* What the daemon tells goes to a file; the table is for people. */
static void quiet(const char *log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        log_fatal("%s: %s", log, strerror(errno));
    close(fd);
}

static void prepare(struct timelapse *lapse)
{
    lapse->folder = stage_folder(lapse->folder);
    lapse->build = stage_folder(lapse->build);
    lapse->database = memory_format("%s/worklog.db", lapse->folder);
    lapse->policy = memory_format("%s/timelapse.yaml", lapse->folder);
    lapse->log = memory_format("%s/timelapse.log", lapse->folder);
    lapse->history = memory_format("%s/state/history.db", lapse->folder);
    unlink(lapse->log);
    stage_remove(lapse->history);
    lapse->begin_us = clock_now_us() / DAY_US * DAY_US;
    write_policy(lapse);
    make_database(lapse);
    load_window(lapse);
    launch_program(memory_format("%s/litekeeper", lapse->build));
}

int main(int argc, char **argv)
{
    struct timelapse lapse = {.build = "build/release",
                              .folder = "build/timelapse",
                              .days = 365,
                              .logs_a_day = 400,
                              .logs = 40000};
    const struct argument rows[] = {
        {"build", ARGUMENT_TEXT, &lapse.build, "where litekeeper is (build/release)"},
        {"folder", ARGUMENT_TEXT, &lapse.folder, "for its files (build/timelapse)"},
        {"days", ARGUMENT_NUMBER, &lapse.days, "how long to live (365)"},
        {"logs", ARGUMENT_NUMBER, &lapse.logs, "rows of logs at the beginning (40000)"},
        {"logs-a-day", ARGUMENT_NUMBER, &lapse.logs_a_day, "rows that come each day (400)"},
        {0},
    };
    struct daemon *daemon = NULL;
    struct error error = {0};

    arguments_read("timelapse [options]", rows, 0, argc, argv);
    prepare(&lapse);
    lapse.growth = growth_start(lapse.database, lapse.logs_a_day, lapse.begin_us);
    double began = latency_clock_ms();
    quiet(lapse.log);
    wakeup_pretend(lapse.begin_us);
    if (daemon_open(lapse.policy, &daemon, &error))
        log_fatal("%s", error.text);
    live(&lapse, daemon);
    daemon_stop(daemon);
    daemon_run(daemon);
    daemon_close(daemon);
    growth_stop(lapse.growth);
    char took[TEXT_SHORT];
    printf("%" PRId64 " days in %s\n\n", lapse.days,
           text_seconds(took, (latency_clock_ms() - began) / 1e3));
    check(&lapse);
    return failures != 0;
}
