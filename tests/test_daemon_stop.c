/*
 * The daemon's stops and starts: what it was doing is carried on, what was due meanwhile is made
 * up once, and nothing keeps it from ending.
 */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is promised of its end, whatever its workers do. */
enum { END_MS = 5000, TRIES = 3 };

#define YEARLY "\"*-01-01\""
#define W      "  - name: w\n    path: \"@/w.db\"\n"
#define RETENTION                                                                                \
    "    retention: [{ table: logs, column: timestamp, zone: UTC, keep: 100d, schedule: " YEARLY \
    " }]\n"
/* A hold of 4 ms in 400, beside an application: whatever there is to do, it takes long. */
#define SLOWLY "    max_lock: 4ms\n    duty: 1%\n"

static void make_rows(void)
{
    worklog_make("w.db", 20000);
}

static void make_free_pages(void)
{
    char *path = folder_path("w.db");
    sqlite3 *db = sql_make(path);

    sql_do(db, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
    sqlite3_close(db);
    worklog_make("w.db", 20000);
    db = worklog_open("w.db");
    sql_do(db, "INSERT INTO logs SELECT NULL, timestamp, hex(zeroblob(400)) FROM logs;"
               "DELETE FROM logs WHERE id > 20000");
    sqlite3_close(db);
    free(path);
}

static void make_much_to_check(void)
{
    char *path = folder_path("w.db");
    sqlite3 *db = sql_make(path);

    sql_do(db, "PRAGMA journal_mode = WAL; CREATE TABLE logs(id INTEGER PRIMARY KEY, a, b, c, d);"
               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)"
               " INSERT INTO logs SELECT i, random(), random(), random(), random() FROM n;"
               "CREATE INDEX logs_a ON logs(a); CREATE INDEX logs_b ON logs(b);"
               "CREATE INDEX logs_c ON logs(c); CREATE INDEX logs_d ON logs(d)");
    sqlite3_close(db);
    free(path);
}

static const struct amid {
    const char *task, *yaml;
    void (*make)(void);
    const char *rows; /* that there are in the end */
} amids[] = {
    {"retention", RETENTION, make_rows, "10000"},
    {"vacuum", "    vacuum: { free_above: 0%, free_bytes_above: 0, schedule: " YEARLY " }\n",
     make_free_pages, "20000"},
    {"integrity", "    integrity: { level: full, schedule: " YEARLY " }\n", make_much_to_check,
     "150000"},
    {"reindex", "    reindex: { min_size: 0, density_below: 100%, schedule: " YEARLY " }\n",
     make_much_to_check, "150000"},
};

enum { AMIDS = sizeof amids / sizeof *amids };

/* An application that has it open, so that work is done in steps with gaps between them. */
static sqlite3 *open_beside(void)
{
    sqlite3 *db = worklog_open("w.db");

    sql_number(db, "SELECT count(*) FROM logs");
    return db;
}

/* All its tasks were seen two years ago, and have not run since. */
static void make_due(int64_t tasks)
{
    daemons_start();
    daemons_await_count(tasks, "SELECT count(*) FROM state");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 0);
    daemons_remember("UPDATE state SET seen_us = seen_us - 2 * 366 * 86400000000");
}

/* Its worker stands still from soon after it has begun until the daemon is told to stop, since it
 * could be through while we look. */
static bool stop_at_work(const char *running)
{
    daemons_start();
    pid_t worker = daemons_child("w.db");
    clock_sleep_ms(50);
    kill(worker, SIGSTOP);
    daemons_await_status(running);
    kill(daemons_process(), SIGTERM);
    kill(worker, SIGCONT);
    return daemons_stop_complete();
}

static void stop_amid(const struct amid *amid)
{
    char *yaml = memory_format("%s%s", W SLOWLY, amid->yaml),
         *running = memory_format("running database=w task=%s", amid->task);

    amid->make();
    sqlite3 *db = open_beside();
    daemons_policy("", yaml);
    make_due(1);
    bool complete = stop_at_work(running);
    int64_t told = daemons_count("SELECT count(*) FROM run WHERE outcome = 'cancelled'"
                                 " AND reason <> ''");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), told);
    ck_assert(told == 1 || (told == 0 && !complete));
    worklog_check("w.db", "PRAGMA integrity_check", "ok");
    sqlite3_close(db); /* nobody is there any more for whose sake it would go slowly */
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'done'");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), told + 1);
    if (strcmp(amid->task, "vacuum") == 0)
        worklog_check("w.db", "PRAGMA freelist_count", "0");
    worklog_check("w.db", "SELECT count(*) FROM logs", amid->rows);
    worklog_check("w.db", "PRAGMA integrity_check", "ok");
    free(running);
    free(yaml);
}

START_TEST(a_retention_that_is_stopped_is_carried_on)
{
    stop_amid(&amids[0]);
}
END_TEST

START_TEST(a_vacuum_that_is_stopped_is_carried_on)
{
    stop_amid(&amids[1]);
}
END_TEST

START_TEST(a_check_that_is_stopped_is_made_again)
{
    stop_amid(&amids[2]);
}
END_TEST

START_TEST(a_rebuild_that_is_stopped_is_made_again)
{
    stop_amid(&amids[3]);
    worklog_check("w.db", "SELECT count(*) FROM sqlite_master WHERE name GLOB '*litekeeper*'", "0");
}
END_TEST

START_TEST(what_was_missed_is_made_up_once)
{
    worklog_make("w.db", 100);
    worklog_make("v.db", 100);
    daemons_policy("", W RETENTION "    optimize: { schedule: \"*-*-* 00:00:00\" }\n");
    make_due(2);
    daemons_policy("", W RETENTION "    optimize: { schedule: \"*-*-* 00:00:00\" }\n"
                                   "    integrity: { schedule: " YEARLY " }\n"
                                   "  - name: v\n    path: \"@/v.db\"\n" RETENTION);
    daemons_start();
    daemons_await_count(2, "SELECT count(*) FROM run");
    daemons_await_count(4, "SELECT count(*) FROM state"); /* the new ones have missed nothing */
    clock_sleep_ms(500);
    daemons_stop();
    daemons_start();
    daemons_await_status("waiting database=v task=retention why=scheduled");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 2);
    ck_assert_int_eq(daemons_count("SELECT count(DISTINCT task) FROM run WHERE path LIKE '%%/w.db'"
                                   " AND task IN ('retention', 'optimize')"),
                     2);
}
END_TEST

/* Nobody answers about the task's past, so it has not begun. */
START_TEST(a_history_that_hangs_keeps_it_from_nothing)
{
    worklog_make("w.db", 100);
    daemons_policy("", W "    retention: [{ table: logs, column: timestamp, keep: 100d,"
                         " schedule: \"*:*:*\" }]\n");
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM run");
    pid_t historian = daemons_child("history.db");
    kill(historian, SIGSTOP);
    daemons_await_status("running task=retention");
    daemons_stop();
    ck_assert_int_eq(kill(historian, 0), -1);
}
END_TEST

/* What a daemon says that waits for a worker to end: that it does, and no to a policy with more to
 * do. Each of them is true once it has been seen: the daemon ends meanwhile. */
static void ask_at_the_end(bool *told, bool *refused)
{
    struct program_result result;
    json_t *line = NULL;

    while (!line && !family_ended(daemons_process()))
        line = daemons_line("status", "running task=retention doing=stopping:_litekeeper_ends");
    *told = *told || line;
    json_decref(line);
    daemons_policy("", W SLOWLY RETENTION "  - name: v\n    path: \"@/v.db\"\n"
                                          "    sample: { schedule: \"*:*:*\" }\n");
    expect_run("reload -c @/policy.yaml --socket @/socket", &result);
    *refused = *refused || result.status == 1;
    ck_assert_int_ne(result.status, 0);
    program_result_free(&result);
}

/* Nor does a worker that does not listen, and nobody gets it to begin anything more. */
START_TEST(a_worker_that_hangs_keeps_it_from_nothing)
{
    bool told = false, refused = false;
    double took = INFINITY;

    worklog_make("w.db", 20000);
    worklog_make("v.db", 100);
    daemons_policy("", W SLOWLY RETENTION);
    sqlite3 *db = open_beside();
    make_due(1);
    for (int i = 0; i < TRIES && !(told && refused && took < END_MS); i++) {
        daemons_policy("", W SLOWLY RETENTION);
        daemons_start();
        daemons_await_status("running task=retention");
        pid_t worker = daemons_child("w.db");
        double begun = clock_monotonic_ms();
        kill(worker, SIGSTOP);
        kill(daemons_process(), SIGTERM);
        ask_at_the_end(&told, &refused);
        daemons_stop();
        took = fmin(took, clock_monotonic_ms() - begun);
        ck_assert_int_eq(kill(worker, 0), -1);
    }
    ck_assert(told && refused);
    ck_assert_msg(took < END_MS, "it ends after %.0f ms", took);
    ck_assert(!daemons_logged("v sample"));
    sqlite3_close(db);
    worklog_check("w.db", "PRAGMA integrity_check", "ok");
}
END_TEST

START_TEST(it_may_be_stopped_before_it_is_ready)
{
    worklog_make("w.db", 100);
    daemons_policy("", W RETENTION);
    for (int ms = 0; ms < 60; ms += 4) {
        daemons_spawn();
        clock_sleep_ms(ms);
        kill(daemons_process(), SIGTERM);
        int status = daemons_wait();
        ck_assert_msg(status == 0 || status == 128 + SIGTERM, "after %d ms: %d", ms, status);
    }
    daemons_start();
    daemons_stop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_retention_that_is_stopped_is_carried_on,
                                  a_vacuum_that_is_stopped_is_carried_on,
                                  a_check_that_is_stopped_is_made_again,
                                  a_rebuild_that_is_stopped_is_made_again,
                                  what_was_missed_is_made_up_once,
                                  a_history_that_hangs_keeps_it_from_nothing,
                                  a_worker_that_hangs_keeps_it_from_nothing,
                                  it_may_be_stopped_before_it_is_ready,
                                  NULL};

    return daemons_main("daemon_stop", tests);
}
