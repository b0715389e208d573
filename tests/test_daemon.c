/*
 * The daemon end to end, on real files: what it finds, runs, remembers, waits for and tells. Its
 * stops and starts are in test_daemon_stop.c, its reloads in test_daemon_reload.c.
 */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_sql.h"
#include "lib_worklog.h"
#include "library.h"
#include "memory.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OFTEN "\"*:*:*\"" /* a schedule: each second */
#define W     "  - name: w\n    path: \"@/w.db\"\n    busy_timeout: 100ms\n"
#define RETENTION(schedule)                                                                        \
    "    retention: [{ table: logs, column: timestamp, zone: UTC, keep: 100d, schedule: " schedule \
    " }]\n"
/* A hold of 4 ms in 400, beside an application: whatever there is to do, it takes long. */
#define SLOWLY "    max_lock: 4ms\n    duty: 1%\n"

/* An application that has it open, so that work is done in steps with gaps between them. */
static sqlite3 *open_beside(const char *name)
{
    sqlite3 *db = worklog_open(name);

    sql_number(db, "SELECT count(*) FROM logs");
    return db;
}

static void make_folder(const char *name)
{
    char *path = folder_path(name);

    ck_assert_int_eq(mkdir(path, 0700), 0);
    free(path);
}

START_TEST(it_finds_runs_and_remembers)
{
    make_folder("tenants");
    worklog_make("w.db", 200);
    worklog_make("tenants/a.db", 200);
    worklog_make("tenants/b.db", 200);
    folder_write("tenants/a.db-journal", "");
    folder_write("tenants/readme", "no database\n");
    daemons_policy("", W "    sample: { schedule: " OFTEN
                         " }\n" RETENTION(OFTEN) "  - path: \"@/tenants/*.db\"\n" RETENTION(OFTEN));
    daemons_start();
    ck_assert(daemons_logged("found 3 databases"));
    daemons_await_count(4, "SELECT count(*) FROM run WHERE task = 'sample'");
    json_t *status = daemons_await("status", "daemon history=ok");
    ck_assert_int_eq(json_integer_value(json_object_get(status, "databases")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(status, "pid")), daemons_process());
    json_decref(status);
    json_t *runs = daemons_ask("history w retention", 0);
    ck_assert_uint_ge(json_array_size(runs), 2);
    json_decref(runs);
    daemons_await_count(3, "SELECT count(*) FROM run WHERE task = 'retention' AND rows = 100");
    daemons_stop();
    worklog_check("w.db", "SELECT count(*) FROM logs", "100");
    worklog_check("tenants/a.db", "SELECT count(*) FROM logs", "100");
    worklog_check("tenants/b.db", "SELECT count(*) FROM logs", "100");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE task = 'retention'"
                                   " AND outcome = 'done' AND rows = 100"),
                     3);
    ck_assert_int_eq(daemons_count("SELECT count(DISTINCT path) FROM run"), 3);
    /* each time once */
    ck_assert_int_eq(daemons_count(
                         "SELECT count(*) FROM (SELECT 1 FROM run"
                         " GROUP BY path, task, started_us / 1000000 HAVING count(*) > 1)"),
                     0);
}
END_TEST

/* Each of its tasks would say that; the daemon says it once of the file. */
START_TEST(what_is_noticed_again_is_not_told_again)
{
    worklog_make("w.db", 40000);
    worklog_make("x.db", 40000);
    sqlite3 *beside[] = {open_beside("w.db"), open_beside("x.db")};
    daemons_policy("", W RETENTION(OFTEN) "    optimize: { schedule: " OFTEN " }\n"
                                          "  - name: x\n    path: \"@/x.db\"\n" RETENTION(
                                              OFTEN) "    optimize: { schedule: " OFTEN " }\n");
    daemons_start();
    daemons_await_count(4, "SELECT count(DISTINCT path || task) FROM run WHERE outcome = 'done'");
    daemons_stop();
    int told = daemons_logged("checkpoints were left to the application");
    ck_assert_int_le(told, 2);
    ck_assert_int_eq(told > 0, library_has_wal_reset_bug(sqlite3_libversion_number()));
    sqlite3_close(beside[0]);
    sqlite3_close(beside[1]);
}
END_TEST

START_TEST(a_second_daemon_is_refused)
{
    worklog_make("w.db", 10);
    daemons_policy("", W RETENTION(OFTEN));
    daemons_start();
    expect("daemon -c @/policy.yaml", 1, "",
           "litekeeper: another daemon runs already, at @/socket\n");
    daemons_await_status("daemon");
    daemons_stop();
    expect("status -c @/policy.yaml", 69, "", "&"); /* it took nobody's socket with it */
}
END_TEST

/* How many run now; no two on one file. */
static int64_t count_running(void)
{
    json_t *lines = daemons_ask("status", 0), *line, *seen = json_object();
    size_t index;

    json_array_foreach (lines, index, line) {
        if (strcmp(json_string_value(json_object_get(line, "event")), "running") != 0)
            continue;
        const char *path = json_string_value(json_object_get(line, "path"));
        ck_assert_msg(!json_object_get(seen, path), "two work on %s", path);
        json_object_set_new(seen, path, json_true());
    }
    int64_t running = (int64_t)json_object_size(seen);
    json_decref(seen);
    json_decref(lines);
    return running;
}

/* While all that is due gets its turn: for some seconds, and until there have been two. */
START_TEST(workers_are_limited)
{
    char name[] = "tenants/0.db";
    sqlite3 *beside[5];
    int64_t most = 0;

    make_folder("tenants");
    for (int i = 0; i < 5; i++, name[8]++) {
        worklog_make(name, 4000);
        beside[i] = open_beside(name);
    }
    daemons_policy("workers: 2,",
                   "  - path: \"@/tenants/*.db\"\n" SLOWLY "    sample: { schedule: " OFTEN " }\n"
                   "    optimize: { schedule: " OFTEN " }\n" RETENTION(OFTEN));
    daemons_start();
    for (double begun = clock_monotonic_ms(), ms = 0;
         ms < 3000 || (most < 2 && ms < daemons_patience_ms()); ms = clock_monotonic_ms() - begun) {
        int64_t running = count_running();
        ck_assert_int_le(running, 2);
        most = running > most ? running : most;
    }
    ck_assert_int_eq(most, 2);
    daemons_await_count(2, "SELECT count(DISTINCT path) FROM run");
    daemons_stop();
    for (int i = 0; i < 5; i++)
        sqlite3_close(beside[i]);
}
END_TEST

START_TEST(an_alert_has_its_task_run_and_is_over)
{
    worklog_make("w.db", 1000);
    daemons_policy("", W "    sample: { schedule: " OFTEN " }\n"
                         "    alerts: [{ metric: table_rows, table: logs, above: 700,"
                         " run: retention }]\n" RETENTION(DAEMONS_NEVER));
    daemons_start();
    daemons_await_log("logs has about ");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE task = 'retention' AND rows = 500");
    daemons_await_none("alerts", "alert metric=table_rows");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM alarm_change WHERE change = 'raised'"), 1);
    daemons_await_count(1, "SELECT count(*) FROM alarm_change WHERE change = 'cleared'");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM alarm"), 0);
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE task = 'retention'"), 1);
}
END_TEST

START_TEST(what_waits_for_its_window_stays_due)
{
    struct shrink_case c = {.name = "waits", .file = "w.db"};
    char *yaml = memory_format(W "%s    vacuum: { free_bytes_above: 0, schedule: %s }\n",
                               shrink_window(120, 60), OFTEN);

    sqlite3_close(shrink_make(&c));
    daemons_policy("", yaml);
    daemons_start();
    json_t *line = daemons_await("status", "waiting why=waits_for_its_window");
    const char *due = json_string_value(json_object_get(line, "due")),
               *at = json_string_value(json_object_get(line, "at"));
    ck_assert_msg(strcmp(due, at) < 0, "due at %s, looked at %s", due, at);
    json_decref(line);
    clock_sleep_ms(1500);
    daemons_await_status("waiting why=waits_for_its_window");
    daemons_await_count(1, "SELECT count(*) FROM run");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 1);
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE waits AND outcome = 'skipped'"),
                     1);
    ck_assert_int_eq(daemons_count("SELECT count(started_us) FROM state"), 0);
    daemons_start(); /* it is as due as before */
    daemons_await_status("waiting why=waits_for_its_window");
    daemons_await_count(2, "SELECT count(*) FROM run");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 2);
    free(yaml);
}
END_TEST

/* Writes over the table's root page, or puts back what was there. */
static void damage(char *bytes, bool damaged)
{
    sqlite3 *db = worklog_open("w.db");
    int64_t root = sql_number(db, "SELECT rootpage FROM sqlite_master WHERE name = 'logs'");
    char *path = folder_path("w.db"), garbage[4096];

    memset(garbage, 'x', sizeof garbage);
    sqlite3_close(db);
    FILE *file = fopen(path, "r+e");
    ck_assert_int_eq(fseek(file, (long)(root - 1) * 4096, SEEK_SET), 0);
    if (damaged)
        ck_assert_uint_eq(fread(bytes, 1, 4096, file), 4096);
    ck_assert_int_eq(fseek(file, (long)(root - 1) * 4096, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(damaged ? garbage : bytes, 1, 4096, file), 4096);
    fclose(file);
    free(path);
}

/* A minute is longer than a test: what has failed is made to have failed two minutes ago. */
static void wait_for_the_next_try(void)
{
    daemons_stop();
    daemons_remember("UPDATE state SET started_us = started_us - 120000000");
    daemons_start();
}

START_TEST(what_fails_is_tried_again)
{
    char bytes[4096];

    worklog_make("w.db", 1000);
    damage(bytes, true);
    daemons_policy("", W RETENTION("\"*-01-01\""));
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM state");
    daemons_stop();
    daemons_remember("UPDATE state SET seen_us = seen_us - 2 * 366 * 86400000000");
    daemons_start();
    json_decref(daemons_await("alerts", "alert metric=task_failed subject=retention_logs"));
    daemons_await_status("waiting task=retention why=tries_again_after_a_failure");
    wait_for_the_next_try();
    daemons_await_count(2, "SELECT failures FROM state");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE outcome = 'failed'"
                                   " AND reason LIKE '%%malformed%%'"),
                     2);
    damage(bytes, false);
    wait_for_the_next_try();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'done' AND rows = 500");
    daemons_await_none("alerts", "alert metric=task_failed");
    daemons_await_status("waiting task=retention why=scheduled");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 3);
    ck_assert_int_eq(daemons_count("SELECT failures FROM state"), 0);
    worklog_check("w.db", "PRAGMA integrity_check", "ok");
}
END_TEST

START_TEST(a_busy_database_is_come_back_to)
{
    worklog_make("w.db", 1000);
    daemons_policy("", W RETENTION(OFTEN));
    sqlite3 *db = worklog_open("w.db");
    sql_do(db, "BEGIN IMMEDIATE");
    daemons_start();
    json_t *line =
        daemons_await("status", "waiting task=retention why=tries_again_after_a_failure");
    json_decref(line);
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE busy AND outcome = 'skipped'"),
                     1);
    ck_assert_int_eq(daemons_count("SELECT count(started_us) FROM state"), 0);
    sql_do(db, "ROLLBACK");
    sqlite3_close(db);
    daemons_stop();
    daemons_start(); /* it is still due */
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'done' AND rows = 500");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM alarm_change"), 0);
}
END_TEST

START_TEST(a_worker_that_is_killed_has_failed)
{
    worklog_make("w.db", 20000);
    daemons_policy("", W SLOWLY RETENTION(OFTEN));
    sqlite3 *db = open_beside("w.db");
    daemons_start();
    daemons_await_status("running database=w task=retention target=logs");
    kill(daemons_child("w.db"), SIGKILL);
    daemons_await_log(": the worker was killed by signal 9 (Killed)");
    json_decref(daemons_await("alerts", "alert metric=task_failed subject=retention_logs"));
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'failed'");
    daemons_await_status("running database=w task=retention target=logs");
    daemons_stop();
    sqlite3_close(db);
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE outcome = 'failed'"), 1);
    worklog_check("w.db", "PRAGMA integrity_check", "ok");
}
END_TEST

START_TEST(what_is_cancelled_is_done_with)
{
    worklog_make("w.db", 20000);
    daemons_policy("", W SLOWLY RETENTION("\"*-01-01\""));
    sqlite3 *db = open_beside("w.db");
    daemons_start();
    json_decref(daemons_ask("cancel w", 1));
    daemons_stop();
    daemons_remember("UPDATE state SET seen_us = seen_us - 2 * 366 * 86400000000");
    daemons_start();
    daemons_await_status("running database=w task=retention target=logs");
    json_decref(daemons_ask("cancel w optimize", 1));
    json_t *said = daemons_ask("cancel w retention logs", 0);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(said, 0), "event")),
                     "cancelled");
    json_decref(said);
    daemons_await_status("waiting task=retention why=scheduled");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'cancelled'");
    daemons_stop();
    daemons_start(); /* it is not made up for */
    daemons_await_status("waiting task=retention why=scheduled");
    daemons_stop();
    sqlite3_close(db);
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 1);
    worklog_check("w.db", "PRAGMA integrity_check", "ok");
}
END_TEST

START_TEST(a_pause_outlasts_a_restart)
{
    worklog_make("w.db", 100);
    daemons_policy("", W RETENTION(OFTEN));
    daemons_start();
    json_decref(daemons_ask("pause w retention", 0));
    daemons_await_status("waiting task=retention why=paused");
    daemons_await_count(1, "SELECT count(*) FROM pause");
    daemons_stop(); /* and with it whatever ran */
    int64_t runs = daemons_count("SELECT count(*) FROM run");
    daemons_start();
    daemons_await_status("waiting task=retention why=paused");
    clock_sleep_ms(1500);
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), runs);
    json_decref(daemons_ask("resume", 1)); /* that is not what was paused */
    json_decref(daemons_ask("resume w retention", 0));
    daemons_await_count(runs + 1, "SELECT count(*) FROM run"); /* told behind the resumption */
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM pause"), 0);
    daemons_stop();
    daemons_start();
    daemons_await_count(runs + 2, "SELECT count(*) FROM run");
    daemons_stop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {it_finds_runs_and_remembers,
                                  what_is_noticed_again_is_not_told_again,
                                  a_second_daemon_is_refused,
                                  workers_are_limited,
                                  an_alert_has_its_task_run_and_is_over,
                                  what_waits_for_its_window_stays_due,
                                  what_fails_is_tried_again,
                                  a_busy_database_is_come_back_to,
                                  a_worker_that_is_killed_has_failed,
                                  what_is_cancelled_is_done_with,
                                  a_pause_outlasts_a_restart,
                                  NULL};

    return daemons_main("daemon", tests);
}
