/* The daemon's life under a real systemd: it starts, reloads, hangs, and is stopped. */
#include "clock.h"
#include "lib_systemd.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One task whose time is known; `limits` are lines of the database. */
#define POLICY(limits, schedule)                                    \
    "databases:\n"                                                  \
    "  - name: worklog\n"                                           \
    "    path: /srv/worklog/worklog.db\n" limits "    retention:\n" \
    "      - { table: logs, column: at, zone: UTC, keep: 90d, schedule: \"" schedule "\" }\n"

static const char life_yearly[] = POLICY("", "*-01-01 03:00:00 UTC");
static const char life_monthly[] = POLICY("", "*-*-01 04:00:00 UTC");
static const char life_old[] =
    "SELECT count(*) FROM logs WHERE at < datetime('now', '-90 days', '-1 minute')";

/* With a small database, started. */
static bool life_begins(const char *policy)
{
    if (!systemd_or_skip())
        return false;
    systemd_clean();
    systemd_database(1000);
    systemd_policy(policy);
    systemd_do("systemctl start litekeeper");
    return true;
}

/* Waits until the status names that time of the next task. */
static void life_await_status(const char *time)
{
    const char *status = "";

    for (int i = 0; i < 100; i++, usleep(100000)) {
        status = systemd_property("StatusText");
        if (strstr(status, "next: worklog retention logs at 20") && strstr(status, time))
            return;
    }
    ck_abort_msg("the status is: %s", status);
}

START_TEST(it_starts_and_says_what_is_next)
{
    int status;

    if (!life_begins(life_yearly))
        return;
    ck_assert_str_eq(systemd_property("ActiveState"), "active");
    life_await_status("-01-01T03:00:00Z");
    char *said = systemd_say(&status, "systemctl status --no-pager litekeeper");
    ck_assert_msg(status == 0 && strstr(said, "Status: \"next: worklog retention logs at"), "%s",
                  said);
    free(said);
    json_t *entry = systemd_expect_entry(5, "_SYSTEMD_UNIT=litekeeper.service "
                                            "LITEKEEPER_EVENT=started");
    ck_assert_int_eq(atoi(systemd_field(entry, "_PID")), systemd_process());
    json_decref(entry);
    said = systemd_say(&status, "stat -c %%a:%%U /run/litekeeper /run/litekeeper/litekeeper.sock "
                                "/var/lib/litekeeper");
    ck_assert_str_eq(said, "755:root\n660:root\n700:root\n");
    free(said);
}
END_TEST

START_TEST(a_good_policy_is_taken)
{
    if (!life_begins(life_yearly))
        return;
    int process = systemd_process();
    life_await_status("-01-01T03:00:00Z");
    systemd_policy(life_monthly);
    systemd_do("systemctl reload litekeeper");
    life_await_status("-01T04:00:00Z");
    ck_assert_int_eq(systemd_process(), process);
    json_decref(systemd_expect_entry(5, "LITEKEEPER_EVENT=reloaded"));
}
END_TEST

/* The check before the signal says no. Past it, by the signal alone, the daemon does. */
START_TEST(a_broken_policy_changes_nothing)
{
    int status;

    if (!life_begins(life_yearly))
        return;
    int process = systemd_process();
    life_await_status("-01-01T03:00:00Z");
    systemd_policy(POLICY("    colour: red\n", "*-*-01 04:00:00 UTC"));
    free(systemd_say(&status, "systemctl reload litekeeper"));
    ck_assert_int_ne(status, 0);
    ck_assert_ptr_null(systemd_entry(1, "LITEKEEPER_EVENT=reload_failed"));
    systemd_do("systemctl kill --kill-who=main -s HUP litekeeper");
    json_t *entry = systemd_expect_entry(5, "LITEKEEPER_EVENT=reload_failed PRIORITY=3");
    ck_assert_ptr_nonnull(strstr(systemd_field(entry, "MESSAGE"), "colour: unknown key"));
    json_decref(entry);
    ck_assert_str_eq(systemd_property("ActiveState"), "active");
    ck_assert_int_eq(systemd_process(), process);
    life_await_status("-01-01T03:00:00Z");
}
END_TEST

static void life_await_restart(void)
{
    for (int i = 0; i < 300 && atoi(systemd_property("NRestarts")) == 0; i++)
        usleep(100000);
    ck_assert_int_gt(atoi(systemd_property("NRestarts")), 0);
    systemd_await_property("ActiveState", "active", 10);
}

/* Alive it is fed beyond its time, which leaves it 2 s to be held up; stopped by a signal it is
 * not. */
START_TEST(a_daemon_that_hangs_is_started_again)
{
    if (!systemd_or_skip())
        return;
    systemd_clean();
    systemd_drop_in("WatchdogSec=4s\nTimeoutAbortSec=1s\nRestartSec=100ms\nLimitCORE=0");
    systemd_database(1000);
    systemd_policy(life_yearly);
    systemd_do("systemctl start litekeeper");
    int process = systemd_process();
    sleep(7);
    ck_assert_int_eq(systemd_process(), process);
    ck_assert_int_eq(kill(process, SIGSTOP), 0);
    life_await_restart();
    ck_assert_int_ne(systemd_process(), process);
    life_await_status("-01-01T03:00:00Z");
    json_decref(systemd_expect_entry(5, "UNIT=litekeeper.service UNIT_RESULT=watchdog"));
}
END_TEST

START_TEST(a_daemon_that_is_killed_is_started_again)
{
    if (!life_begins(life_yearly))
        return;
    systemd_do("systemctl kill --kill-who=main -s KILL litekeeper");
    life_await_restart();
    life_await_status("-01-01T03:00:00Z");
}
END_TEST

/* Waits until a retention has begun to remove rows. */
static int64_t life_await_fewer(int64_t rows)
{
    int64_t left = rows;

    for (int i = 0; i < 200 && left == rows; i++, usleep(50000))
        left = systemd_ask("SELECT count(*) FROM logs");
    ck_assert_int_lt(left, rows);
    return left;
}

/* So slow that it would take minutes. */
START_TEST(a_stop_ends_a_retention_and_the_next_start_carries_on)
{
    enum { ROWS = 200000 };

    if (!systemd_or_skip())
        return;
    systemd_clean();
    systemd_database(ROWS);
    systemd_policy(POLICY("    max_lock: 1ms\n    duty: 2%\n", "*:*:*"));
    systemd_do("systemctl start litekeeper");
    life_await_fewer(ROWS);
    double began_ms = clock_monotonic_ms();
    systemd_do("systemctl stop litekeeper");
    double took_ms = clock_monotonic_ms() - began_ms;
    ck_assert_double_lt(took_ms, 10000);
    ck_assert_str_eq(systemd_property("Result"), "success");
    json_decref(
        systemd_expect_entry(5, "LITEKEEPER_EVENT=run_cancelled LITEKEEPER_TASK=retention"));
    json_decref(systemd_expect_entry(5, "LITEKEEPER_EVENT=stopped"));
    ck_assert_ptr_null(systemd_entry(0, "LITEKEEPER_EVENT=alert_history_lost")); /* by the stop */
    ck_assert_int_gt(systemd_ask(life_old), 0);
    ck_assert_int_eq(systemd_ask("SELECT count(*) FROM pragma_integrity_check "
                                 "WHERE integrity_check = 'ok'"),
                     1);
    systemd_policy(POLICY("", "*:*:*"));
    systemd_do("systemctl start litekeeper");
    json_decref(systemd_expect_entry(30, "LITEKEEPER_EVENT=run_done LITEKEEPER_TASK=retention"));
    ck_assert_int_eq(systemd_ask(life_old), 0);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    systemd_enter(argv);

    Suite *suite = suite_create("systemd_daemon");
    TCase *test = tcase_create("systemd_daemon");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(test, 90);
    tcase_add_test(test, it_starts_and_says_what_is_next);
    tcase_add_test(test, a_good_policy_is_taken);
    tcase_add_test(test, a_broken_policy_changes_nothing);
    tcase_add_test(test, a_daemon_that_hangs_is_started_again);
    tcase_add_test(test, a_daemon_that_is_killed_is_started_again);
    tcase_add_test(test, a_stop_ends_a_retention_and_the_next_start_carries_on);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
