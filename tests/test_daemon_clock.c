/*
 * The daemon's clock: time that passes until something is tried again or a window opens, and a
 * clock that is set by a day. No run is lost or made twice, and nothing is deleted in doubt.
 */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_sql.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define OFTEN "\"*:*:*\"" /* a schedule: each second */
#define W     "  - name: w\n    path: \"@/w.db\"\n"
#define HASTY "    busy_timeout: 100ms\n"
#define RETENTION(schedule)                                                                        \
    "    retention: [{ table: logs, column: timestamp, zone: UTC, keep: 100d, schedule: " schedule \
    " }]\n"
#define DAILY  "    sample: { schedule: daily }\n"
#define YEARLY "\"*-01-01\""

static const char done[] =
    "SELECT count(*) FROM run WHERE outcome IN ('done', 'skipped') AND NOT busy AND NOT waits";

static struct adrift adrift;

static void pass(int64_t us)
{
    adrift.passed_us += us;
    daemons_clock(&adrift);
}

static void set(int64_t us)
{
    adrift.set_us = us;
    adrift.sets++;
    daemons_clock(&adrift);
    daemons_await_log("the clock was set");
}

static void synchronise(bool synchronised)
{
    adrift.synchronised = synchronised;
    daemons_clock(&adrift);
}

static void begin(const char *tasks)
{
    char *yaml = memory_format("%s%s", W, tasks);

    daemons_policy("", yaml);
    synchronise(true);
    daemons_start();
    free(yaml);
}

/* All its tasks were seen two years ago, and have not run since. */
static void make_due(void)
{
    daemons_await_count(1, "SELECT count(*) FROM state");
    daemons_stop();
    daemons_remember("UPDATE state SET seen_us = seen_us - 2 * 366 * 86400000000");
    daemons_start();
}

START_TEST(what_is_busy_is_tried_again_and_told_at_last)
{
    worklog_make("w.db", 1000);
    sqlite3 *db = worklog_open("w.db");
    sql_do(db, "BEGIN IMMEDIATE");
    begin(HASTY RETENTION(YEARLY));
    make_due();
    for (int i = 0; i < 3; i++) {
        daemons_await_count(i + 1, "SELECT count(*) FROM run WHERE busy");
        daemons_await_status("waiting task=retention why=tries_again_after_a_failure");
        pass((MINUTE << i) - 10 * SECOND);
        clock_sleep_ms(300);
        ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), i + 1);
        if (i < 2) {
            ck_assert_int_eq(daemons_count("SELECT count(*) FROM alarm"), 0);
            pass(11 * SECOND);
        }
    }
    json_decref(daemons_await("alerts", "alert metric=task_failed subject=retention_logs"));
    sql_do(db, "ROLLBACK");
    sqlite3_close(db);
    pass(11 * SECOND);
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 500");
    daemons_await_none("alerts", "alert");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 4);
}
END_TEST

START_TEST(a_window_is_waited_for)
{
    struct shrink_case c = {.name = "waits", .file = "w.db"};
    char *tasks = memory_format("%s    vacuum: { free_bytes_above: 0, schedule: %s }\n",
                                shrink_window(120, 60), YEARLY);

    sqlite3 *model = shrink_make(&c);
    begin(tasks);
    make_due();
    daemons_await_status("waiting why=waits_for_its_window");
    pass(118 * MINUTE);
    clock_sleep_ms(500);
    daemons_await_status("waiting why=waits_for_its_window");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 1);
    pass(5 * MINUTE);
    daemons_await_count(1, "SELECT count(*) FROM run WHERE task = 'vacuum' AND outcome = 'done'");
    daemons_await_status("waiting task=vacuum why=scheduled");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 2);
    shrink_same(&c, model);
    sqlite3_close(model);
    free(tasks);
}
END_TEST

/* Three days in which the host was up, one in which the daemon was not: one run a day, one more. */
START_TEST(days_pass)
{
    worklog_make("w.db", 1000);
    begin(DAILY RETENTION("daily"));
    daemons_await_count(2, "SELECT count(*) FROM state");
    for (int i = 1; i <= 3; i++) {
        pass(DAY);
        daemons_await_count(2 * i, done);
    }
    daemons_stop();
    pass(5 * DAY);
    daemons_start();
    daemons_await_count(2 * 4, done);
    daemons_await_status("waiting task=retention why=scheduled");
    daemons_await_status("waiting task=sample why=scheduled");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 8);
    worklog_check("w.db", "SELECT count(*) FROM logs", "460"); /* 5 a day, and 8 days passed */
}
END_TEST

/* A day ahead by mistake, and back: what is daily has run once more, and not once more again. */
START_TEST(it_is_set_forward_by_a_day)
{
    worklog_make("w.db", 1000);
    begin(DAILY RETENTION(OFTEN));
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 500");
    synchronise(false);
    set(DAY);
    daemons_await_count(1, "SELECT count(*) FROM run WHERE task = 'sample'");
    json_decref(daemons_await("alerts", "alert metric=clock subject=retention_logs"));
    worklog_check("w.db", "SELECT count(*) FROM logs", "500");
    set(0);
    clock_sleep_ms(2500);
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE task = 'sample'"), 1);
    synchronise(true); /* the doubt ends with that, though the history has seen tomorrow */
    daemons_await_none("alerts", "alert");
    daemons_stop();
    worklog_check("w.db", "SELECT count(*) FROM logs", "500");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE outcome = 'failed'"), 0);
}
END_TEST

/* What is due often goes on at the new time, without waiting for a day; what has run today does
 * not run again tomorrow, which was there before. */
START_TEST(it_is_set_back_by_a_day)
{
    worklog_make("w.db", 1000);
    begin(DAILY RETENTION(OFTEN));
    make_due();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE task = 'sample'");
    daemons_await_count(2, "SELECT count(*) FROM run WHERE task = 'retention'");
    synchronise(false);
    set(-DAY);
    json_decref(daemons_await("alerts", "alert metric=clock subject=retention_logs"));
    int64_t runs = daemons_count("SELECT count(*) FROM run WHERE task = 'retention'");
    sqlite3 *db = worklog_open("w.db");
    sql_do(db, "UPDATE logs SET timestamp = datetime('now', '-150 days') WHERE id > 900");
    sqlite3_close(db);
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) >= %d FROM run WHERE task = 'retention'",
             (int)runs + 2);
    daemons_await_count(1, sql);
    worklog_check("w.db", "SELECT count(*) FROM logs", "500");
    set(0);
    synchronise(true);
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 100");
    daemons_await_none("alerts", "alert");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE task = 'sample'"), 1);
    worklog_check("w.db", "SELECT count(*) FROM logs", "400");
}
END_TEST

/* The same between two lives of the daemon. */
START_TEST(it_is_set_back_while_it_is_down)
{
    worklog_make("w.db", 1000);
    begin(DAILY RETENTION(OFTEN));
    daemons_await_count(2, "SELECT count(*) FROM run WHERE task = 'retention'");
    daemons_stop();
    int64_t runs = daemons_count("SELECT count(*) FROM run");
    synchronise(false);
    adrift.set_us = -DAY;
    daemons_clock(&adrift);
    daemons_start();
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) >= %d FROM run", (int)runs + 2);
    daemons_await_count(1, sql);
    json_decref(daemons_await("alerts", "alert metric=clock subject=retention_logs"));
    daemons_stop();
    adrift.set_us = 0;
    synchronise(true);
    daemons_start();
    daemons_await_none("alerts", "alert");
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE task = 'sample'"), 0);
    worklog_check("w.db", "SELECT count(*) FROM logs", "500");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_busy_is_tried_again_and_told_at_last,
                                  a_window_is_waited_for,
                                  days_pass,
                                  it_is_set_forward_by_a_day,
                                  it_is_set_back_by_a_day,
                                  it_is_set_back_while_it_is_down,
                                  NULL};

    return daemons_main("daemon_clock", tests);
}
