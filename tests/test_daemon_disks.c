/*
 * Disks that fill up or become read-only under the databases that the daemon keeps: each fault has
 * its reason and its alert, nothing is harmed, and all goes on by itself when it is over.
 */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_small.h"
#include "lib_sql.h"
#include "lib_worklog.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#define OFTEN  "\"*:*:*\"" /* a schedule: each second */
#define W      "  - name: w\n    path: \"@/in/w.db\"\n"
#define SAMPLE "    sample: { schedule: " OFTEN " }\n"
#define RETENTION                                                                               \
    "    retention: [{ table: logs, column: timestamp, zone: UTC, keep: 100d, schedule: " OFTEN \
    " }]\n"
#define VACUUM     \
    DAEMONS_WINDOW \
    "    vacuum: { free_above: 0%, free_bytes_above: 0, schedule: " OFTEN " }\n"

enum { LIMIT_S = 300 }; /* a disk is filled up too late at times, and all is made anew */

static void check_sound(const char *name, const char *rows)
{
    worklog_check(name, "PRAGMA integrity_check", "ok");
    worklog_check(name, "SELECT count(*) FROM logs", rows);
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

START_TEST(a_disk_that_becomes_read_only)
{
    if (!small_mount("in", "size=24m,mode=755"))
        return;
    worklog_make("in/w.db", 1000);
    daemons_policy("", W RETENTION SAMPLE);
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 500");
    sqlite3 *db = worklog_open("in/w.db");
    sql_do(db, "UPDATE logs SET timestamp = datetime('now', '-150 days') WHERE id %% 2");
    sqlite3_close(db);
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 250");
    small_writable("in", false);
    json_decref(daemons_await("alerts", "alert database=w metric=task_failed"));
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'failed'"
                           " AND reason LIKE '%read-only%'");
    small_writable("in", true);
    expect_well();
    check_sound("in/w.db", "250");
    small_unmount("in");
}
END_TEST

/* Whoever fills it up is at times too late. */
/* A fresh database, and a daemon that is about to rewrite it. */
static sqlite3 *begin_vacuum(const struct shrink_case *c)
{
    char *path = folder_path(c->file);

    unlink(path);
    small_empty("in");
    sqlite3 *model = shrink_make(c);
    daemons_policy("", W VACUUM);
    daemons_start();
    free(path);
    return model;
}

/* Fills the disk as soon as some of it has been taken; false: too late. */
static bool fill_amid(int64_t room)
{
    for (int ms = 0; ms < 5000 && small_room("in") > room - (3 << 20); ms++)
        clock_sleep_ms(1);
    small_fill("in", 0);
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome IN ('done', 'failed')");
    return daemons_count("SELECT count(*) FROM run WHERE outcome = 'failed'"
                         " AND reason LIKE 'the disk is full%%'") > 0;
}

/* What the VACUUM gives up is room again, so that the next one may well be done. */
START_TEST(a_disk_that_fills_up_during_a_vacuum)
{
    struct shrink_case c = {.name = "fills up", .file = "in/w.db", .scale = 40};
    sqlite3 *model = NULL;
    bool failed = false;

    if (!small_mount("in", "size=200m,mode=755"))
        return;
    for (int i = 0; i < 20 && !failed; i++) {
        sqlite3_close(model);
        model = begin_vacuum(&c);
        failed = fill_amid(small_room("in"));
        if (!failed) {
            daemons_stop();
            daemons_remember("DELETE FROM run; DELETE FROM file; DELETE FROM alarm");
        }
    }
    ck_assert(failed);
    daemons_await_count(1, "SELECT count(*) FROM alarm_change WHERE metric = 'task_failed'"
                           " AND change = 'raised'");
    shrink_same(&c, model);
    small_empty("in");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'done'");
    expect_well();
    shrink_same(&c, model);
    sqlite3_close(model);
    small_unmount("in");
}
END_TEST

/* A reader keeps the WAL from being begun anew, so what is deleted is added to it. */
START_TEST(a_disk_that_fills_up_with_a_wal)
{
    if (!small_mount("in", "size=24m,mode=755"))
        return;
    worklog_make("in/w.db", 20000);
    sqlite3 *db = worklog_open("in/w.db");
    sql_do(db, "BEGIN");
    sql_number(db, "SELECT count(*) FROM logs");
    small_fill("in", 128 * 1024);
    daemons_policy("", W RETENTION);
    daemons_start();
    json_decref(daemons_await("alerts", "alert database=w metric=task_failed"));
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'failed'"
                           " AND reason LIKE '%the disk is full%'");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM logs"), 20000);
    sql_do(db, "COMMIT");
    sql_expect(db, "PRAGMA integrity_check", "ok");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM logs WHERE id > 10000"), 10000);
    sqlite3_close(db);
    small_empty("in");
    daemons_await_none("alerts", "alert");
    expect_well();
    check_sound("in/w.db", "10000");
    small_unmount("in");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_disk_that_becomes_read_only,
                                  a_disk_that_fills_up_during_a_vacuum,
                                  a_disk_that_fills_up_with_a_wal, NULL};

    daemons_limit(LIMIT_S);
    return daemons_main("daemon_disks", tests);
}
