/*
 * The daemon's own memory in trouble: tasks go on, an alert says what is wrong, and what was not
 * written is written when it can be.
 */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_small.h"
#include "lib_sql.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OFTEN  "\"*:*:*\"" /* a schedule: each second */
#define W      "  - name: w\n    path: \"@/w.db\"\n"
#define SAMPLE "    sample: { schedule: " OFTEN " }\n"
#define RETENTION                                                                               \
    "    retention: [{ table: logs, column: timestamp, zone: UTC, keep: 100d, schedule: " OFTEN \
    " }]\n"
#define YEARLY                                                                            \
    "    retention: [{ table: logs, column: timestamp, zone: UTC, keep: 100d, schedule: " \
    "\"*-01-01\" }]\n"
#define ALERT "    alerts: [{ metric: table_rows, table: logs, above: 1 }]\n"

enum { PATIENCE_MS = 30000 };

static const char runs[] = "SELECT count(*) FROM run";

/* All at once, so that nothing is written into the folder meanwhile. */
static void remove_state(void)
{
    char *path = folder_path("state"), *away = folder_path("away"),
         *file = folder_path("away/history.db"), *journal = folder_path("away/history.db-journal");

    ck_assert_int_eq(rename(path, away), 0);
    unlink(file);
    unlink(journal);
    ck_assert_int_eq(rmdir(away), 0);
    free(journal);
    free(file);
    free(away);
    free(path);
}

/* Rows to go, so that it shows whether retention has run. */
static void age_rows(int count)
{
    sqlite3 *db = worklog_open("w.db");

    sql_do(db,
           "UPDATE logs SET timestamp = datetime('now', '-150 days') WHERE id IN"
           " (SELECT id FROM logs ORDER BY timestamp DESC LIMIT %d)",
           count);
    sqlite3_close(db);
}

static void await_rows(int64_t rows)
{
    sqlite3 *db = worklog_open("w.db");

    for (int i = 0; i < PATIENCE_MS / 10 && sql_number(db, "SELECT count(*) FROM logs") != rows;
         i++)
        clock_sleep_ms(10);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM logs"), rows);
    sqlite3_close(db);
}

static void begin(const char *tasks)
{
    char *yaml = memory_format("%s%s", W, tasks);

    worklog_make("w.db", 1000);
    daemons_policy("", yaml);
    free(yaml);
}

/* It is made anew, and told how things stand: what is raised, what is paused, what has run. */
START_TEST(it_is_removed_while_it_runs)
{
    begin(SAMPLE RETENTION ALERT);
    daemons_start();
    await_rows(500);
    json_decref(daemons_ask("pause other", 0));
    json_decref(daemons_await("alerts", "alert metric=table_rows"));
    daemons_await_count(1, "SELECT count(*) FROM alarm");
    remove_state();
    daemons_await_log("alert history_lost raised: the history was removed");
    daemons_await_log("alert history_lost cleared");
    daemons_await_count(1, "SELECT count(*) FROM alarm WHERE metric = 'table_rows'");
    daemons_await_count(1, "SELECT count(*) FROM pause WHERE database = 'other'");
    daemons_await_count(2, "SELECT count(seen_us) FROM state");
    daemons_await_count(1, "SELECT count(*) FROM file");
    daemons_await_count(3, runs);
    daemons_stop();
    daemons_start();
    json_decref(daemons_await("alerts", "alert metric=table_rows"));
    daemons_stop();
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM alarm_change WHERE change = 'raised'"
                                   " AND metric = 'table_rows'"),
                     1);
}
END_TEST

START_TEST(it_is_removed_between_two_lives)
{
    begin(YEARLY);
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM state");
    daemons_stop();
    remove_state();
    daemons_start();
    daemons_await_status("waiting task=retention why=scheduled");
    daemons_await_count(1, "SELECT count(*) FROM state");
    daemons_stop();
    ck_assert_int_eq(daemons_count(runs), 0); /* it knows of nothing that it has missed */
    worklog_check("w.db", "SELECT count(*) FROM logs", "1000");
}
END_TEST

static const struct {
    const char *name, *sql, *reason;
} strangers[] = {
    {"garbage", NULL, "file is not a database"},
    {"newer", "PRAGMA user_version = 999", "is of a newer litekeeper (format 999"},
};

static void put_stranger(int which)
{
    char *path = folder_path("stranger"), *place = folder_path("state/history.db");

    if (!strangers[which].sql) {
        folder_write("stranger", "no database at all, and long enough to be taken for one; "
                                 "no database at all, and long enough to be taken for one");
    } else {
        sqlite3 *db = sql_make(path);
        sql_do(db, "%s", strangers[which].sql);
        sqlite3_close(db);
    }
    ck_assert_int_eq(rename(path, place), 0);
    free(place);
    free(path);
}

/* What is not ours is left as it is; once it is moved away there is a history again. */
static void stranger(int which, bool running)
{
    char *path = folder_path("state/history.db"), *away = folder_path("state/away");
    struct stat before, after;

    begin(SAMPLE RETENTION);
    daemons_start();
    await_rows(500);
    if (!running)
        daemons_stop();
    put_stranger(which);
    ck_assert_int_eq(stat(path, &before), 0);
    if (!running)
        daemons_start();
    json_t *alert = daemons_await("alerts", "alert metric=history_lost severity=critical");
    const char *text = json_string_value(json_object_get(alert, "text"));
    ck_assert_msg(strstr(text, strangers[which].reason) != NULL, "%s", text);
    json_decref(alert);
    age_rows(100);
    await_rows(400); /* tasks go on */
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_int_eq(before.st_size, after.st_size);
    ck_assert_int_eq(rename(path, away), 0);
    daemons_await_none("alerts", "alert metric=history_lost");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE rows = 100"); /* that is not lost */
    daemons_await_count(2, "SELECT count(seen_us) FROM state");
    daemons_stop();
    free(away);
    free(path);
}

START_TEST(it_is_replaced_by_garbage)
{
    stranger(0, true);
}
END_TEST

START_TEST(it_is_garbage_from_the_beginning)
{
    stranger(0, false);
}
END_TEST

START_TEST(it_is_of_a_newer_format)
{
    stranger(1, true);
}
END_TEST

START_TEST(it_is_of_a_newer_format_from_the_beginning)
{
    stranger(1, false);
}
END_TEST

/* Each run that the daemon has told of is remembered in the end. */
START_TEST(its_disk_is_full)
{
    if (!small_mount("state", "size=4m,mode=700"))
        return;
    begin(SAMPLE RETENTION);
    daemons_start();
    await_rows(500);
    small_fill("state", 0);
    daemons_await_log("alert history_lost raised");
    for (int rows = 400; rows >= 200; rows -= 100) {
        age_rows(100);
        await_rows(rows);
        daemons_await_log("done in"); /* it has said so */
    }
    small_empty("state");
    daemons_await_none("alerts", "alert metric=history_lost");
    daemons_await_count(3, "SELECT count(*) FROM run WHERE rows = 100");
    bool complete = daemons_stop_complete();
    int64_t told = daemons_logged("w retention logs: done in");
    int64_t kept = daemons_count("SELECT count(*) FROM run WHERE task = 'retention'"
                                 " AND outcome = 'done'");
    ck_assert_msg(kept == told || (!complete && kept == told - 1), "%d of %d", (int)kept,
                  (int)told);
    small_unmount("state");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {it_is_removed_while_it_runs,
                                  it_is_removed_between_two_lives,
                                  it_is_replaced_by_garbage,
                                  it_is_garbage_from_the_beginning,
                                  it_is_of_a_newer_format,
                                  it_is_of_a_newer_format_from_the_beginning,
                                  its_disk_is_full,
                                  NULL};

    return daemons_main("daemon_state", tests);
}
