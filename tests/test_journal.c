/*
 * The entries as journald gets them, field by field, and the lines that standard error gets where
 * there is no journald, or one that takes nothing.
 */
#include "journal.h"

#include "lib_journald.h"
#include "lib_skip.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The namespace is the test's own, so each test makes it anew. */
static bool journald_or_skip(bool native)
{
    if (geteuid() == 0 && journald_begin()) {
        journald_catch_stderr(native);
        return true;
    }
    skip("needs root and a mount namespace");
    return false;
}

static const char path[] = "/srv/worklog/worklog.db";

#define OF "{\"database\":\"worklog\",\"task\":\"retention\",\"target\":\"logs\","
#define NONE                                                                              \
    "\"rows\":0,\"bytes_freed\":0,\"seconds\":0.02,\"lock\":{\"count\":0,\"max_ms\":0.0," \
    "\"p99_ms\":0.0,\"total_ms\":0.0},\"effect\":null}"
#define FIGURES                                                         \
    "LITEKEEPER_ROWS=0\nLITEKEEPER_BYTES=0\nLITEKEEPER_SECONDS=0.020\n" \
    "LITEKEEPER_LOCK_COUNT=0\nLITEKEEPER_LOCK_MAX_MS=0.000\n"           \
    "LITEKEEPER_LOCK_P99_MS=0.000\nLITEKEEPER_PATH=/srv/worklog/worklog.db\n"
#define LOGS "LITEKEEPER_DATABASE=worklog\nLITEKEEPER_TASK=retention\nLITEKEEPER_TARGET=logs\n"
#define END  "SYSLOG_IDENTIFIER=litekeeper\n"

static const struct {
    const char *outcome, *entry;
} journal_outcomes[] = {
    {OF "\"outcome\":\"done\",\"reason\":\"812,344 rows older than 90 days\",\"rows\":812344,"
        "\"bytes_freed\":301989888,\"seconds\":14.2,\"lock\":{\"count\":1604,\"max_ms\":14.9,"
        "\"p99_ms\":12.1,\"total_ms\":7012.4},\"effect\":{\"rows_past_cutoff\":0}}",
     LOGS "LITEKEEPER_OUTCOME=done\nLITEKEEPER_REASON=812,344 rows older than 90 days\n"
          "LITEKEEPER_ROWS=812344\nLITEKEEPER_BYTES=301989888\nLITEKEEPER_SECONDS=14.200\n"
          "LITEKEEPER_LOCK_COUNT=1604\nLITEKEEPER_LOCK_MAX_MS=14.900\n"
          "LITEKEEPER_LOCK_P99_MS=12.100\nLITEKEEPER_PATH=/srv/worklog/worklog.db\n"
          "LITEKEEPER_EVENT=run_done\n"
          "MESSAGE=worklog retention logs: done in 14.2 s: 812,344 rows older than 90 days; 288.0 "
          "MiB given back; lock held 1,604 times, longest 14.9 ms, p99 12.1 ms; no row left past "
          "the cutoff\nMESSAGE_ID=f4e02c4b639744298e445cc8b8c16572\nPRIORITY=6\n" END},
    {OF "\"outcome\":\"skipped\",\"reason\":\"r\"," NONE,
     LOGS "LITEKEEPER_OUTCOME=skipped\nLITEKEEPER_REASON=r\n" FIGURES
          "LITEKEEPER_EVENT=run_skipped\nMESSAGE=worklog retention logs: skipped: r\n"
          "MESSAGE_ID=580b6a74db5d435a90e3007f0bb437df\nPRIORITY=6\n" END},
    {OF "\"outcome\":\"skipped\",\"waits\":true,\"reason\":\"r\"," NONE,
     LOGS "LITEKEEPER_OUTCOME=skipped\nLITEKEEPER_REASON=r\n" FIGURES
          "LITEKEEPER_EVENT=run_waits\nMESSAGE=worklog retention logs: skipped: r\n"
          "MESSAGE_ID=a328027495b64a6e8fff5986384e8aec\nPRIORITY=6\n" END},
    {OF "\"outcome\":\"skipped\",\"busy\":true,\"reason\":\"r\"," NONE,
     LOGS "LITEKEEPER_OUTCOME=skipped\nLITEKEEPER_REASON=r\n" FIGURES
          "LITEKEEPER_EVENT=run_busy\nMESSAGE=worklog retention logs: skipped: r\n"
          "MESSAGE_ID=5e5c4e8e44864038a3ff5fa1f994204c\nPRIORITY=4\n" END},
    {OF "\"outcome\":\"cancelled\",\"reason\":\"r\"," NONE,
     LOGS "LITEKEEPER_OUTCOME=cancelled\nLITEKEEPER_REASON=r\n" FIGURES
          "LITEKEEPER_EVENT=run_cancelled\n"
          "MESSAGE=worklog retention logs: cancelled after 20 ms: r\n"
          "MESSAGE_ID=291d8f1b13ed4c0c95209b55273cbf3b\nPRIORITY=5\n" END},
    {"{\"database\":\"w\",\"task\":\"sample\",\"target\":null,\"outcome\":\"failed\","
     "\"reason\":\"r\"," NONE,
     "LITEKEEPER_DATABASE=w\nLITEKEEPER_TASK=sample\nLITEKEEPER_OUTCOME=failed\n"
     "LITEKEEPER_REASON=r\n" FIGURES "LITEKEEPER_EVENT=run_failed\n"
     "MESSAGE=w sample: failed after 20 ms: r\n"
     "MESSAGE_ID=62c7793a5c9841cb80d13f5569a5ea86\nPRIORITY=3\n" END},
    /* all is well with a quiet kind */
    {"{\"database\":\"w\",\"task\":\"sample\",\"target\":null,\"outcome\":\"done\","
     "\"reason\":\"r\"," NONE,
     ""},
};

static void tell_outcome(const char *text)
{
    json_t *outcome = json_loads(text, 0, NULL);

    ck_assert_msg(outcome != NULL, "%s", text);
    journal_outcome(outcome, path);
    json_decref(outcome);
}

START_TEST(outcomes)
{
    if (!journald_or_skip(true))
        return;
    tell_outcome(journal_outcomes[_i].outcome);
    ck_assert_str_eq(journald_entry(), journal_outcomes[_i].entry);
    ck_assert_str_eq(journald_entry(), "");
    ck_assert_str_eq(journald_stderr(), "");
}
END_TEST

static const struct {
    enum alarm_change change;
    struct alarm alarm;
    const char *entry;
} journal_alarms[] = {
    {ALARM_RAISED,
     {"worklog", path, "table_size", "logs", ALERT_CRITICAL, 2147483648.0, 2e9,
      "logs has 2.1 GB, above 2 GB", 1795435200000000, 0},
     "LITEKEEPER_DATABASE=worklog\nLITEKEEPER_PATH=/srv/worklog/worklog.db\n"
     "LITEKEEPER_ALERT=table_size\nLITEKEEPER_ALERT_CHANGE=raised\nLITEKEEPER_SEVERITY=critical\n"
     "LITEKEEPER_SUBJECT=logs\nLITEKEEPER_REASON=logs has 2.1 GB, above 2 GB\n"
     "LITEKEEPER_SINCE=2026-11-23T12:00:00Z\nLITEKEEPER_VALUE=2147483648\n"
     "LITEKEEPER_THRESHOLD=2000000000\nLITEKEEPER_EVENT=alert_table_size\n"
     "MESSAGE=worklog: alert table_size raised: logs has 2.1 GB, above 2 GB\n"
     "MESSAGE_ID=f1586919f26941e8bfb1bfcdebd564dc\nPRIORITY=2\n" END},
    {ALARM_REPEATED,
     {NULL, NULL, "history_lost", NULL, ALERT_WARNING, -1, -1, "disk full", 1795435200000000, 0},
     "LITEKEEPER_ALERT=history_lost\nLITEKEEPER_ALERT_CHANGE=repeated\n"
     "LITEKEEPER_SEVERITY=warning\nLITEKEEPER_REASON=disk full\n"
     "LITEKEEPER_SINCE=2026-11-23T12:00:00Z\nLITEKEEPER_EVENT=alert_history_lost\n"
     "MESSAGE=alert history_lost lasts since 2026-11-23T12:00:00Z: disk full\n"
     "MESSAGE_ID=2709787209a54de5a0763085d9ab7933\nPRIORITY=4\n" END},
    {ALARM_CLEARED,
     {"w", path, "free_ratio", NULL, ALERT_WARNING, 0.125, 0.2, "12.5% free", 1795435200000000, 0},
     "LITEKEEPER_DATABASE=w\nLITEKEEPER_PATH=/srv/worklog/worklog.db\n"
     "LITEKEEPER_ALERT=free_ratio\nLITEKEEPER_ALERT_CHANGE=cleared\nLITEKEEPER_SEVERITY=warning\n"
     "LITEKEEPER_REASON=12.5% free\nLITEKEEPER_SINCE=2026-11-23T12:00:00Z\n"
     "LITEKEEPER_VALUE=0.125\nLITEKEEPER_THRESHOLD=0.2\nLITEKEEPER_EVENT=alert_cleared\n"
     "MESSAGE=w: alert free_ratio cleared: 12.5% free\n"
     "MESSAGE_ID=6de99dfb419743e1a1fe9871f07e1432\nPRIORITY=5\n" END},
    {ALARM_RAISED, /* a metric that is newer than the table */
     {"w", path, "moon_phase", NULL, ALERT_WARNING, 0, -1, "it is full", 1795435200000000, 0},
     "LITEKEEPER_DATABASE=w\nLITEKEEPER_PATH=/srv/worklog/worklog.db\n"
     "LITEKEEPER_ALERT=moon_phase\nLITEKEEPER_ALERT_CHANGE=raised\nLITEKEEPER_SEVERITY=warning\n"
     "LITEKEEPER_REASON=it is full\nLITEKEEPER_SINCE=2026-11-23T12:00:00Z\nLITEKEEPER_VALUE=0\n"
     "LITEKEEPER_EVENT=alert\nMESSAGE=w: alert moon_phase raised: it is full\n"
     "MESSAGE_ID=fee33cd5d2524702a3a2d570dc2437fb\nPRIORITY=4\n" END},
};

START_TEST(alarms)
{
    if (!journald_or_skip(true))
        return;
    journal_alarm(journal_alarms[_i].change, &journal_alarms[_i].alarm);
    ck_assert_str_eq(journald_entry(), journal_alarms[_i].entry);
    ck_assert_str_eq(journald_stderr(), "");
}
END_TEST

START_TEST(the_daemon_s_own_life)
{
    if (!journald_or_skip(true))
        return;
    journal_event(JOURNAL_RELOAD_FAILED, "%s: %d errors", "x.yaml", 2);
    ck_assert_str_eq(journald_entry(),
                     "LITEKEEPER_EVENT=reload_failed\nMESSAGE=x.yaml: 2 errors\n"
                     "MESSAGE_ID=1407937dde3d45969c88b3e3408b5810\nPRIORITY=3\n" END);
    journal_event_of(JOURNAL_GONE, "w", path, "w is gone");
    ck_assert_str_eq(journald_entry(),
                     "LITEKEEPER_DATABASE=w\nLITEKEEPER_PATH=/srv/worklog/worklog.db\n"
                     "LITEKEEPER_EVENT=gone\nMESSAGE=w is gone\n"
                     "MESSAGE_ID=88becadd06ad4563b642c7242f84dab3\nPRIORITY=5\n" END);
    for (int event = 0; event < JOURNAL_EVENTS; event++) {
        journal_event((enum journal_event)event, "number %d", event);
        ck_assert_str_ne(journald_entry(), "");
    }
}
END_TEST

/* A file name may have a newline, which must begin no field: the value comes with its length. */
START_TEST(a_newline_forges_no_field)
{
    if (!journald_or_skip(true))
        return;
    journal_event_of(JOURNAL_FOUND, NULL, "/srv/a\nPRIORITY=0", "found");
    ck_assert_int_eq(strncmp(journald_entry(), "LITEKEEPER_PATH\n\x11", 17), 0);
}
END_TEST

START_TEST(a_stream_of_someone_else_is_none)
{
    if (!journald_or_skip(false))
        return;
    journal_event(JOURNAL_STARTED, "here");
    ck_assert_str_eq(journald_entry(), "");
    ck_assert_str_eq(journald_stderr(), "litekeeper: here\n");
}
END_TEST

START_TEST(a_terminal_gets_lines)
{
    journald_catch_stderr(false);
    unsetenv("JOURNAL_STREAM");
    tell_outcome(journal_outcomes[1].outcome);
    journal_alarm(journal_alarms[0].change, &journal_alarms[0].alarm);
    journal_event_of(JOURNAL_FOUND, "w", path, "w was\nfound");
    ck_assert_str_eq(journald_stderr(),
                     "litekeeper: worklog retention logs: skipped: r\n"
                     "litekeeper: worklog: alert table_size raised: logs has 2.1 GB, above 2 GB\n"
                     "litekeeper: w was?found\n");
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0); /* it may be a shell's too */
}
END_TEST

START_TEST(without_journald_lines_remain)
{
    if (!journald_or_skip(true))
        return;
    journal_event(JOURNAL_STARTED, "first");
    ck_assert_str_ne(journald_entry(), "");
    journald_end();
    journal_event(JOURNAL_STOPPED, "second");
    ck_assert_str_eq(journald_stderr(), "litekeeper: second\n");
}
END_TEST

/* A journald that hangs: its socket fills up, then its stream. The test would time out. */
START_TEST(a_journald_that_hangs_stops_nobody)
{
    static char much[1000];

    if (!journald_or_skip(true))
        return;
    journald_fill();
    journal_event(JOURNAL_STARTED, "still here");
    ck_assert_str_eq(journald_stderr(), "litekeeper: still here\n");
    memset(much, 'x', sizeof much - 1);
    for (int i = 0; i < 200; i++)
        journal_event(JOURNAL_STARTED, "%s", much);
    while (journald_stderr()[0])
        ;
    while (journald_entry()[0])
        ;
    journal_event(JOURNAL_STARTED, "and back");
    ck_assert_ptr_nonnull(strstr(journald_entry(), "MESSAGE=and back\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *test = tcase_create("journal");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(test, outcomes, 0, sizeof journal_outcomes / sizeof *journal_outcomes);
    tcase_add_loop_test(test, alarms, 0, sizeof journal_alarms / sizeof *journal_alarms);
    tcase_add_test(test, the_daemon_s_own_life);
    tcase_add_test(test, a_newline_forges_no_field);
    tcase_add_test(test, a_stream_of_someone_else_is_none);
    tcase_add_test(test, a_terminal_gets_lines);
    tcase_add_test(test, without_journald_lines_remain);
    tcase_add_test(test, a_journald_that_hangs_stops_nobody);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
