/* The daemon's work under a real systemd: what a run says, whose it is, what an alert does. */
#include "lib_sql.h"
#include "lib_systemd.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE          \
    "databases:\n"        \
    "  - name: worklog\n" \
    "    path: /srv/worklog/worklog.db\n"
#define RETENTION(schedule) \
    "    retention:\n"      \
    "      - { table: logs, column: at, zone: UTC, keep: 90d, schedule: \"" schedule "\" }\n"

static const char work_each_second[] = DATABASE "    busy_timeout: 60s\n" RETENTION("*:*:*");
/* The table is too large, and at no time of its own would retention run. */
static const char work_alert[] =
    DATABASE "    sample: { schedule: \"*:*:0/2\" }\n"
             "    alerts: [ { metric: table_rows, table: logs, above: 6000, severity: critical, "
             "run: retention } ]\n" RETENTION("2099-01-01");

static bool work_begins(const char *policy)
{
    if (!systemd_or_skip())
        return false;
    systemd_clean();
    systemd_database(10000);
    systemd_policy(policy);
    return true;
}

/* What of a field can be known: "#" is any number but 0. */
static void work_expect_field(const json_t *entry, const char *name, const char *value)
{
    const char *found = systemd_field(entry, name);

    if (strcmp(value, "#") == 0)
        ck_assert_msg(atof(found) > 0, "%s is %s", name, found);
    else
        ck_assert_msg(strcmp(found, value) == 0, "%s is %s, not %s", name, found, value);
}

START_TEST(a_run_is_one_entry_with_its_fields)
{
    static const char *const fields[][2] = {
        {"LITEKEEPER_DATABASE", "worklog"},
        {"LITEKEEPER_PATH", "/srv/worklog/worklog.db"},
        {"LITEKEEPER_TASK", "retention"},
        {"LITEKEEPER_TARGET", "logs"},
        {"LITEKEEPER_OUTCOME", "done"},
        {"LITEKEEPER_ROWS", "5500"},
        {"LITEKEEPER_BYTES", "#"},
        {"LITEKEEPER_SECONDS", "#"},
        {"LITEKEEPER_LOCK_COUNT", "#"},
        {"LITEKEEPER_LOCK_MAX_MS", "#"},
        {"LITEKEEPER_LOCK_P99_MS", "#"},
        {"PRIORITY", "6"},
        {"SYSLOG_IDENTIFIER", "litekeeper"},
        {"MESSAGE_ID", "f4e02c4b639744298e445cc8b8c16572"},
        {"_SYSTEMD_UNIT", "litekeeper.service"},
        {"_UID", "0"},
    };
    int status;

    if (!work_begins(work_each_second))
        return;
    systemd_do("systemctl start litekeeper");
    json_t *entry = systemd_expect_entry(10, "LITEKEEPER_EVENT=run_done");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        work_expect_field(entry, fields[i][0], fields[i][1]);
    ck_assert_ptr_nonnull(strstr(systemd_field(entry, "LITEKEEPER_REASON"), "older than 90d"));
    json_decref(entry);
    char *said = systemd_say(&status, "journalctl -q -x -u litekeeper LITEKEEPER_EVENT=run_done");
    ck_assert_msg(strstr(said, "The task retention of the database worklog has run") != NULL, "%s",
                  said);
    free(said);
}
END_TEST

/* The application, which holds the write lock, so that a worker waits. */
static sqlite3 *work_hold(void)
{
    sqlite3 *db = sql_open("/srv/worklog/worklog.db");

    sql_do(db, "BEGIN IMMEDIATE");
    return db;
}

static bool work_is_owners(int process)
{
    char path[64], text[4096] = "";

    snprintf(path, sizeof path, "/proc/%d/status", process);
    FILE *file = fopen(path, "r");
    if (file) {
        (void)!fread(text, 1, sizeof text - 1, file);
        fclose(file);
    }
    return strstr(text, "Uid:\t61001\t61001\t61001\t61001\nGid:\t61001\t61001\t61001\t61001\n") &&
           strstr(text, "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
                        "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
}

/* Waits for the child of the daemon that has become the owner, and has nothing of root's left. */
static int work_await_worker(void)
{
    int child, found = 0, daemon = systemd_process();
    char path[128];

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", daemon, daemon);
    for (int i = 0; i < 100 && !found; i++, usleep(100000)) {
        FILE *children = fopen(path, "r");
        while (children && !found && fscanf(children, "%d", &child) == 1)
            found = work_is_owners(child) ? child : 0;
        if (children)
            fclose(children);
    }
    ck_assert_msg(found, "no worker has become the owner");
    return found;
}

START_TEST(workers_are_their_owners)
{
    static const char *const files[] = {"/srv/worklog/worklog.db", "/srv/worklog/worklog.db-wal",
                                        "/srv/worklog/worklog.db-shm"};
    struct stat about;

    if (!work_begins(work_each_second))
        return;
    sqlite3 *db = work_hold();
    systemd_do("systemctl start litekeeper");
    work_await_worker();
    sql_do(db, "ROLLBACK");
    json_decref(systemd_expect_entry(20, "LITEKEEPER_EVENT=run_done"));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ck_assert_int_eq(stat(files[i], &about), 0);
        ck_assert_uint_eq(about.st_uid, SYSTEMD_USER);
        ck_assert_uint_eq(about.st_gid, SYSTEMD_USER);
        ck_assert_uint_eq(about.st_mode & 07777, 0644);
    }
    sqlite3_close(db);
}
END_TEST

/* As the kernel does for want of memory. */
START_TEST(a_worker_that_is_killed_is_a_failed_task)
{
    if (!work_begins(work_each_second))
        return;
    sqlite3 *db = work_hold();
    systemd_do("systemctl start litekeeper");
    int daemon = systemd_process();
    ck_assert_int_eq(kill(work_await_worker(), SIGKILL), 0);
    json_t *entry = systemd_expect_entry(10, "LITEKEEPER_EVENT=run_failed PRIORITY=3");
    ck_assert_ptr_nonnull(
        strstr(systemd_field(entry, "LITEKEEPER_REASON"), "the worker was killed by signal 9"));
    json_decref(entry);
    json_decref(systemd_expect_entry(5, "LITEKEEPER_ALERT=task_failed "
                                        "LITEKEEPER_ALERT_CHANGE=raised"));
    ck_assert_str_eq(systemd_property("ActiveState"), "active");
    ck_assert_int_eq(systemd_process(), daemon);
    ck_assert_str_eq(systemd_property("NRestarts"), "0");
    sql_do(db, "ROLLBACK");
    sqlite3_close(db);
    ck_assert_int_eq(systemd_ask("SELECT count(*) FROM logs"), 10000);
}
END_TEST

START_TEST(an_alert_has_its_task_run_and_is_over)
{
    if (!work_begins(work_alert))
        return;
    systemd_do("systemctl start litekeeper");
    json_t *entry = systemd_expect_entry(10, "LITEKEEPER_ALERT=table_rows PRIORITY=2 "
                                             "LITEKEEPER_ALERT_CHANGE=raised");
    work_expect_field(entry, "MESSAGE_ID", "64642e3c27ca4560a8b84c81a76a99cc");
    work_expect_field(entry, "LITEKEEPER_SEVERITY", "critical");
    work_expect_field(entry, "LITEKEEPER_SUBJECT", "logs");
    work_expect_field(entry, "LITEKEEPER_THRESHOLD", "6000");
    work_expect_field(entry, "LITEKEEPER_VALUE", "#");
    json_decref(entry);
    entry = systemd_expect_entry(10, "LITEKEEPER_EVENT=run_done LITEKEEPER_TASK=retention");
    work_expect_field(entry, "LITEKEEPER_ROWS", "5500");
    json_decref(entry);
    json_decref(systemd_expect_entry(10, "LITEKEEPER_EVENT=alert_cleared "
                                         "LITEKEEPER_ALERT=table_rows PRIORITY=5"));
    ck_assert_ptr_null(systemd_entry(0, "LITEKEEPER_TASK=sample")); /* all was well: silence */
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    systemd_enter(argv);

    Suite *suite = suite_create("systemd_work");
    TCase *test = tcase_create("systemd_work");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(test, 90);
    tcase_add_test(test, a_run_is_one_entry_with_its_fields);
    tcase_add_test(test, workers_are_their_owners);
    tcase_add_test(test, a_worker_that_is_killed_is_a_failed_task);
    tcase_add_test(test, an_alert_has_its_task_run_and_is_over);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
