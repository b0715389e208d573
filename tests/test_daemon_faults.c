/*
 * What befalls database files while the daemon keeps them: each fault has its
 * reason and its alert, nothing is harmed, and all goes on by itself when it is over.
 */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OFTEN  "\"*:*:*\"" /* a schedule: each second */
#define W      "  - name: w\n    path: \"@/in/w.db\"\n"
#define SAMPLE "    sample: { schedule: " OFTEN " }\n"
#define RETENTION                                                                               \
    "    retention: [{ table: logs, column: timestamp, zone: UTC, keep: 100d, schedule: " OFTEN \
    " }]\n"
/* A hold of 4 ms in 400, beside an application: whatever there is to do, it takes long. */
#define SLOWLY "    max_lock: 4ms\n    duty: 1%\n"

static void make_folder(const char *name)
{
    char *path = folder_path(name);

    ck_assert_int_eq(mkdir(path, 0700), 0);
    free(path);
}

static void move(const char *from, const char *to)
{
    char *one = folder_path(from), *other = folder_path(to);

    ck_assert_int_eq(rename(one, other), 0);
    free(one);
    free(other);
}

/* Writes the one's bytes over the other's, which stays the same file. */
static void copy_over(const char *from, const char *to)
{
    char *one = folder_path(from), *other = folder_path(to), bytes[65536];
    int in = open(one, O_RDONLY | O_CLOEXEC),
        out = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t length;

    ck_assert(in >= 0 && out >= 0);
    while ((length = read(in, bytes, sizeof bytes)) > 0)
        ck_assert_int_eq(write(out, bytes, (size_t)length), length);
    close(in);
    close(out);
    free(one);
    free(other);
}

static void check_sound(const char *name, const char *rows)
{
    worklog_check(name, "PRAGMA integrity_check", "ok");
    worklog_check(name, "SELECT count(*) FROM logs", rows);
}

/* The daemon would look for its files within 5 minutes by itself. */
static void have_it_look(void)
{
    json_decref(daemons_ask("reload", 0));
}

/* No task is amid its work when something happens that would make it fail. */
static void halt_tasks(void)
{
    json_decref(daemons_ask("pause", 0));
    daemons_await_none("status", "running");
}

static void go_on(void)
{
    json_decref(daemons_ask("resume", 0));
}

static int64_t runs_done(void)
{
    return daemons_count("SELECT count(*) FROM run WHERE outcome IN ('done', 'skipped')"
                         " AND NOT busy");
}

/* Each of the tasks goes on as if nothing had been, and nothing is raised any more. */
static void expect_well(void)
{
    int64_t runs = runs_done();

    daemons_await_none("alerts", "alert");
    daemons_await_count(runs + 3, "SELECT count(*) FROM run WHERE outcome IN ('done', 'skipped')"
                                  " AND NOT busy");
    daemons_stop();
}

START_TEST(a_database_that_is_deleted)
{
    make_folder("in");
    make_folder("tenants");
    worklog_make("in/w.db", 1000);
    worklog_make("tenants/a.db", 1000);
    daemons_policy("", W RETENTION "  - path: \"@/tenants/*.db\"\n" RETENTION);
    daemons_start();
    daemons_await_count(2, "SELECT count(*) FROM run WHERE rows = 500");
    halt_tasks();
    move("in/w.db", "in/away");
    move("tenants/a.db", "tenants/away");
    go_on();
    json_decref(daemons_await("alerts", "alert database=w metric=database_missing"
                                        " severity=critical text=there_is_no_such_file"));
    daemons_await_none("status", "waiting task=retention");
    daemons_await_log("tenants/a.db) can't be kept: there is no such file any more");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM alarm"), 1);
    move("in/away", "in/w.db");
    move("tenants/away", "tenants/a.db");
    have_it_look();
    expect_well();
    check_sound("in/w.db", "500");
    check_sound("tenants/a.db", "500");
}
END_TEST

/* The next run finds out, and misses nothing by it. */
START_TEST(a_database_that_is_replaced)
{
    make_folder("in");
    worklog_make("in/w.db", 1000);
    worklog_make("new.db", 2000);
    daemons_policy("", W RETENTION);
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 500");
    halt_tasks();
    move("new.db", "in/w.db");
    go_on();
    json_decref(daemons_await("alerts", "alert database=w metric=database_replaced"));
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 1000");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE outcome = 'failed'"), 0);
    daemons_stop();
    check_sound("in/w.db", "1000");
}
END_TEST

START_TEST(a_database_that_is_replaced_in_the_middle)
{
    make_folder("in");
    worklog_make("in/w.db", 20000);
    worklog_make("new.db", 2000);
    daemons_policy("", W SLOWLY RETENTION);
    sqlite3 *db = worklog_open("in/w.db");
    sql_number(db, "SELECT count(*) FROM logs");
    daemons_start();
    daemons_await_status("running task=retention");
    clock_sleep_ms(200);
    move("in/w.db", "old.db"); /* with a -wal that the application goes on with */
    move("in/w.db-wal", "old.db-wal");
    move("in/w.db-shm", "old.db-shm");
    move("new.db", "in/w.db");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE busy"
                           " AND reason LIKE '%moved or replaced%'");
    json_decref(daemons_await("alerts", "alert database=w metric=database_replaced"));
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 1000 AND NOT busy");
    daemons_stop();
    ck_assert_int_gt(sql_number(db, "SELECT count(*) FROM logs"), 10000);
    sqlite3_close(db);
    worklog_check("old.db", "PRAGMA integrity_check", "ok");
    check_sound("in/w.db", "1000");
}
END_TEST

/* A restore into the very same file, which can't be told from a writer; its old rows go again. */
START_TEST(a_database_that_is_restored_in_place)
{
    make_folder("in");
    worklog_make("in/w.db", 1000);
    copy_over("in/w.db", "backup");
    daemons_policy("", W RETENTION SAMPLE);
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 500");
    halt_tasks();
    copy_over("backup", "in/w.db");
    go_on();
    daemons_await_count(2, "SELECT count(*) FROM run WHERE rows = 500");
    expect_well();
    check_sound("in/w.db", "500");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE outcome = 'failed'"), 0);
}
END_TEST

START_TEST(a_folder_that_is_closed)
{
    char *folder = folder_path("in");

    make_folder("in");
    worklog_make("in/w.db", 1000);
    daemons_policy("", W RETENTION);
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 500");
    chmod(folder, 0);
    json_decref(daemons_await("alerts", "alert database=w metric=task_failed"));
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'failed'"
                           " AND reason LIKE '%may not enter its folder%'");
    chmod(folder, 0700);
    expect_well();
    check_sound("in/w.db", "500");
    free(folder);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_database_that_is_deleted,
                                  a_database_that_is_replaced,
                                  a_database_that_is_replaced_in_the_middle,
                                  a_database_that_is_restored_in_place,
                                  a_folder_that_is_closed,
                                  NULL};

    return daemons_main("daemon_faults", tests);
}
