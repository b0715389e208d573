/* What the history lists, alerts and pauses among it, and transactions of several calls. */
#include "history.h"

#include "event.h"
#include "lib_chronicle.h"
#include "lib_folder.h"
#include "lib_history.h"
#include "lib_worklog.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct history *history;

static void check_list(enum history_list list, const char *expected)
{
    char *got = histories_list(history, list);

    ck_assert_str_eq(got, expected);
    free(got);
}

/* The times of the runs, of one digit each, in their order. */
static void check_runs(const char *path, const char *task, const char *target, int64_t since_us,
                       int64_t limit, const char *expected)
{
    char *lines = histories_runs(history, path, task, target, since_us, limit), got[32] = "";

    for (char *at = lines; (at = strstr(at, "\"started_us\":")); at++)
        strncat(got, at + strlen("\"started_us\":"), 1);
    ck_assert_str_eq(got, expected);
    free(lines);
}

START_TEST(runs_are_chosen)
{
    histories_record(history, "/a.db", "retention", "logs", "done", 1);
    histories_record(history, "/a.db", "retention", "other", "done", 2);
    histories_record(history, "/b.db", "retention", "logs", "done", 3);
    histories_record(history, "/a.db", "vacuum", NULL, "failed", 4);
    histories_record(history, "/b.db", "vacuum", NULL, "done", 5);
    check_runs(NULL, NULL, NULL, -1, 100, "54321");
    check_runs(NULL, NULL, NULL, -1, 2, "54");
    check_runs(NULL, NULL, NULL, 3, 100, "543");
    check_runs("/a.db", NULL, NULL, -1, 100, "421");
    check_runs("/a.db", "retention", NULL, -1, 100, "21");
    check_runs("/a.db", "retention", "logs", -1, 100, "1");
    check_runs(NULL, "retention", "logs", -1, 100, "31");
    check_runs(NULL, "retention", NULL, 2, 1, "3");
    check_runs("/c.db", NULL, NULL, -1, 100, "");
}
END_TEST

START_TEST(a_run_is_an_outcome)
{
    json_t *outcome = chronicled_outcome("vacuum", "skipped", 0);

    json_object_set_new(outcome, "waits", json_true());
    ck_assert_int_eq(history_record(history, outcome, "/a.db", 7, NULL), STATUS_OK);
    char *line = histories_runs(history, NULL, NULL, NULL, -1, 1);
    ck_assert_str_eq(
        line, "{\"event\":\"run\",\"path\":\"/a.db\",\"started_us\":7,\"database\":\"worklog\","
              "\"task\":\"vacuum\",\"target\":null,\"outcome\":\"skipped\","
              "\"reason\":\"as it should be\",\"rows\":0,\"bytes_freed\":0,\"seconds\":0.5,"
              "\"waits\":true,\"lock\":{\"count\":1,\"max_ms\":1.5,\"p99_ms\":1.5,"
              "\"total_ms\":1.5},\"effect\":{\"page_size\":4096,\"pages\":10}}\n");
    free(line);
    json_decref(outcome);
}
END_TEST

/* What no event may have is left out; what makes a line too long is cut. */
START_TEST(a_damaged_row_harms_nobody)
{
    histories_record(history, "/a.db", "vacuum", NULL, "done", 1);
    histories_record(history, "/a.db", "vacuum", NULL, "done", 2);
    histories_record(history, "/a.db", "vacuum", NULL, "done", 3);
    histories_record(history, "/a.db", "vacuum", NULL, "done", 4);
    free(worklog_ask("history.db", "UPDATE run SET outcome = 'blown up' WHERE started_us = 2"));
    free(worklog_ask("history.db", "UPDATE run SET reason = x'ff00ff' WHERE started_us = 3"));
    free(worklog_ask("history.db", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                                   " FROM n WHERE i < 9000) UPDATE run SET effect ="
                                   " (SELECT '{' || group_concat('\"k' || i || '\":1') || '}'"
                                   "  FROM n) WHERE started_us = 4"));
    check_runs(NULL, NULL, NULL, -1, 100, "41");
    char *lines = histories_runs(history, NULL, NULL, NULL, 4, 1);
    ck_assert_ptr_nonnull(strstr(lines, "\"effect\":null"));
    ck_assert_uint_lt(strlen(lines), EVENT_LINE);
    free(lines);
}
END_TEST

static json_t *alarm_of(const char *subject, double threshold)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:s, s:I, s:I}", "database", "worklog",
                     "path", "/a.db", "metric", "table_size", "subject", subject, "severity",
                     "critical", "value", 2.5e9, "threshold", threshold, "text", "it is large",
                     "raised_us", (json_int_t)10, "told_us", (json_int_t)20);
}

static void change(const char *what, json_t *alarm, int64_t at_us)
{
    json_t *name = json_string(what);

    ck_assert_int_eq(history_alarm(history, name, alarm, at_us, NULL), STATUS_OK);
    json_decref(name);
    json_decref(alarm);
}

START_TEST(alerts_are_raised_until_they_are_cleared)
{
    const double third = 1.0 / 3, shorter = 0.333333333333333; /* as JSON with 15 digits has it */
    json_t *ours =
        json_pack("{s:n, s:n, s:s, s:n, s:s, s:i, s:i, s:s, s:i, s:i}", "database", "path",
                  "metric", "history_lost", "subject", "severity", "warning", "value", -1,
                  "threshold", -1, "text", "lost", "raised_us", 5, "told_us", 5);

    change("raised", alarm_of("logs", third), 10);
    change("raised", alarm_of("logs", 2e9), 11);
    change("raised", ours, 12);
    change("repeated", alarm_of("logs", shorter), 20);
    check_list(HISTORY_ALARMS,
               "{\"event\":\"alarm\",\"database\":null,\"path\":null,\"metric\":\"history_lost\","
               "\"subject\":null,\"severity\":\"warning\",\"value\":null,\"threshold\":null,"
               "\"text\":\"lost\",\"raised_us\":5,\"told_us\":5}\n"
               "{\"event\":\"alarm\",\"database\":\"worklog\",\"path\":\"/a.db\","
               "\"metric\":\"table_size\",\"subject\":\"logs\",\"severity\":\"critical\","
               "\"value\":2500000000.0,\"threshold\":0.333333333,\"text\":\"it is large\","
               "\"raised_us\":10,\"told_us\":20}\n"
               "{\"event\":\"alarm\",\"database\":\"worklog\",\"path\":\"/a.db\","
               "\"metric\":\"table_size\",\"subject\":\"logs\",\"severity\":\"critical\","
               "\"value\":2500000000.0,\"threshold\":2000000000.0,\"text\":\"it is large\","
               "\"raised_us\":10,\"told_us\":20}\n");
    change("cleared", alarm_of("logs", 2e9), 30);
    change("cleared", alarm_of("logs", 2e9), 30); /* told twice */
    change("cleared", alarm_of("logs", 0.333333333), 31);
    worklog_check("history.db", "SELECT group_concat(metric) FROM alarm", "history_lost");
    worklog_check("history.db",
                  "SELECT group_concat(change || at_us, ' ') FROM"
                  " (SELECT * FROM alarm_change ORDER BY at_us)",
                  "raised10 raised11 raised12 repeated20 cleared30 cleared31");
}
END_TEST

START_TEST(pauses_stay_until_resumed)
{
    json_t *worklog = json_string("worklog"), *vacuum = json_string("vacuum");

    ck_assert_int_eq(history_pause(history, NULL, NULL, -1, NULL), STATUS_OK);
    ck_assert_int_eq(history_pause(history, worklog, NULL, 77, NULL), STATUS_OK);
    ck_assert_int_eq(history_pause(history, worklog, vacuum, 88, NULL), STATUS_OK);
    ck_assert_int_eq(history_pause(history, worklog, json_null(), 99, NULL), STATUS_OK);
    check_list(HISTORY_PAUSES,
               "{\"event\":\"pause\",\"database\":null,\"task\":null,\"until_us\":-1}\n"
               "{\"event\":\"pause\",\"database\":\"worklog\",\"task\":null,\"until_us\":99}\n"
               "{\"event\":\"pause\",\"database\":\"worklog\",\"task\":\"vacuum\","
               "\"until_us\":88}\n");
    ck_assert_int_eq(history_resume(history, NULL, NULL, NULL), STATUS_OK);
    ck_assert_int_eq(history_resume(history, worklog, NULL, NULL), STATUS_OK);
    check_list(HISTORY_PAUSES, "{\"event\":\"pause\",\"database\":\"worklog\","
                               "\"task\":\"vacuum\",\"until_us\":88}\n");
    json_decref(worklog);
    json_decref(vacuum);
}
END_TEST

START_TEST(what_fails_takes_back_itself_alone)
{
    json_t *bad = chronicled_outcome("vacuum", "done", 0);
    struct error error = {0};

    json_object_del(bad, "reason");
    ck_assert_int_eq(history_begin(history, NULL), STATUS_OK);
    histories_record(history, "/a.db", "vacuum", NULL, "done", 1);
    ck_assert_int_eq(history_record(history, bad, "/a.db", 2, &error), STATUS_INVALID);
    ck_assert(history_begun(history));
    histories_record(history, "/a.db", "vacuum", NULL, "done", 3);
    worklog_check("history.db", "SELECT count(*) FROM run", "0");
    ck_assert_int_eq(history_end(history, NULL), STATUS_OK);
    ck_assert(!history_begun(history));
    worklog_check("history.db", "SELECT group_concat(started_us) FROM run", "1,3");
    json_decref(bad);
}
END_TEST

/* SQLite gives up the whole transaction, and says so; the next one is sound. */
START_TEST(a_full_disk_takes_back_all)
{
    char *file = folder_path("history.db");
    enum status status = STATUS_OK;
    struct rlimit old, limit;
    struct stat seen;

    ck_assert_int_eq(stat(file, &seen), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = (struct rlimit){(rlim_t)seen.st_size + 8192, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(history_begin(history, NULL), STATUS_OK);
    for (int64_t i = 1; !status && i < 100000; i++) {
        json_t *outcome = chronicled_outcome("vacuum", "done", 50);
        status = history_record(history, outcome, "/a.db", i, NULL);
        json_decref(outcome);
    }
    if (!status)
        status = history_end(history, NULL);
    ck_assert_int_eq(status, STATUS_FAILED);
    ck_assert(!history_begun(history));
    if (history_end(history, NULL) == STATUS_OK)
        ck_abort_msg("there was nothing to be committed");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    worklog_check("history.db", "SELECT count(*) FROM run", "0");
    histories_record(history, "/a.db", "vacuum", NULL, "done", 1);
    worklog_check("history.db", "SELECT count(*) FROM run", "1");
    free(file);
}
END_TEST

static void set_up(void)
{
    folder_make();
    history = histories_open();
}

static void tear_down(void)
{
    history_close(history);
    folder_remove();
}

int main(void)
{
    Suite *suite = suite_create("history_lists");
    TCase *cases = tcase_create("history_lists");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, runs_are_chosen);
    tcase_add_test(cases, a_run_is_an_outcome);
    tcase_add_test(cases, a_damaged_row_harms_nobody);
    tcase_add_test(cases, alerts_are_raised_until_they_are_cleared);
    tcase_add_test(cases, pauses_stay_until_resumed);
    tcase_add_test(cases, what_fails_takes_back_itself_alone);
    tcase_add_test(cases, a_full_disk_takes_back_all);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
