/*
 * What an installation brings to a real systemd: units that it finds good and well protected,
 * and a journal whose entries it explains. The program says all kinds of entries itself, as a
 * service of its own; test_systemd_daemon.c has the daemon.
 */
#include "journal.h"

#include "journal_table.h"
#include "lib_systemd.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double systemd_exposure = 4.0;
static const char systemd_speak[] = "--speak";

/* All kinds of entries, in the service that the test starts of this very program. */
static void speak_alarms(void)
{
    struct alarm alarm = {"worklog",  "/srv/worklog.db", NULL, "logs", ALERT_CRITICAL, 3.5, 2,
                          "it is so", 1795435200000000,  0};

    for (const struct journal_row *row = journal_table; row->name; row++)
        if (strncmp(row->name, "alert_", 6) == 0 && strcmp(row->name, "alert_cleared") != 0) {
            alarm.metric = row->name + 6;
            journal_alarm(ALARM_RAISED, &alarm);
        }
    alarm.metric = "another";
    journal_alarm(ALARM_RAISED, &alarm);
    journal_alarm(ALARM_CLEARED, &alarm);
}

static void speak_outcomes(void)
{
    static const char *const kinds[][3] = {{"done", NULL, NULL},       {"skipped", NULL, NULL},
                                           {"skipped", "waits", NULL}, {"skipped", "busy", NULL},
                                           {"cancelled", NULL, NULL},  {"failed", NULL, NULL}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        json_t *outcome =
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:{s:i, s:f, s:f}}", "database",
                      "worklog", "task", "retention", "target", "logs", "outcome", kinds[i][0],
                      "reason", "it is so", "rows", 17, "bytes_freed", 4096, "seconds", 1.5, "lock",
                      "count", 3, "max_ms", 9.5, "p99_ms", 9.25);
        if (kinds[i][1])
            json_object_set_new(outcome, kinds[i][1], json_true());
        journal_outcome(outcome, "/srv/worklog.db");
        json_decref(outcome);
    }
}

/* journald looks at who said it: that one stays until it has. */
static int speak(void)
{
    int status;

    for (int event = 0; event < JOURNAL_EVENTS; event++)
        journal_event((enum journal_event)event, "it is so");
    speak_outcomes();
    speak_alarms();
    free(systemd_say(&status, "journalctl --sync"));
    return status;
}

/* The service that speaks, once a test. */
static void systemd_spoken(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

    path[length > 0 ? length : 0] = '\0';
    systemd_mark();
    systemd_do("systemd-run -q --wait --unit=speak %s %s", path, systemd_speak);
}

/* What `journalctl -x` prints about the first entry of that kind. */
static char *systemd_explained(const struct journal_row *row)
{
    int status;

    char *said = systemd_say(&status, "journalctl -q -x -n 1 -u speak MESSAGE_ID=%s", row->id);
    ck_assert_msg(status == 0 && said[0], "no entry %s", row->name);
    return said;
}

/* Its subject, and all of its fields filled in. */
START_TEST(entries_are_explained)
{
    if (!systemd_or_skip())
        return;
    systemd_spoken();
    for (const struct journal_row *row = journal_table; row->name; row++) {
        char *said = systemd_explained(row);
        ck_assert_msg(strstr(said, "Subject: ") != NULL, "%s: %s", row->name, said);
        ck_assert_msg(strstr(said, "Documentation: man:litekeeper") != NULL, "%s: %s", row->name,
                      said);
        ck_assert_msg(!strchr(strstr(said, "Subject: "), '@'), "%s: %s", row->name, said);
        ck_assert_msg(!strstr(said, "LITEKEEPER_DATABASE=LITEKEEPER"), "%s", said);
        free(said);
    }
}
END_TEST

START_TEST(entries_have_their_fields)
{
    static const char *const fields[][2] = {
        {"LITEKEEPER_DATABASE", "worklog"},
        {"LITEKEEPER_PATH", "/srv/worklog.db"},
        {"LITEKEEPER_TASK", "retention"},
        {"LITEKEEPER_TARGET", "logs"},
        {"LITEKEEPER_OUTCOME", "done"},
        {"LITEKEEPER_REASON", "it is so"},
        {"LITEKEEPER_ROWS", "17"},
        {"LITEKEEPER_BYTES", "4096"},
        {"LITEKEEPER_SECONDS", "1.500"},
        {"LITEKEEPER_LOCK_COUNT", "3"},
        {"LITEKEEPER_LOCK_MAX_MS", "9.500"},
        {"LITEKEEPER_LOCK_P99_MS", "9.250"},
        {"SYSLOG_IDENTIFIER", "litekeeper"},
        {"PRIORITY", "6"},
        {"_SYSTEMD_UNIT", "speak.service"},
        {"_TRANSPORT", "journal"},
        {"MESSAGE_ID", "f4e02c4b639744298e445cc8b8c16572"},
        {"CODE_FILE", ""},
    };

    if (!systemd_or_skip())
        return;
    systemd_spoken();
    json_t *entry = systemd_expect_entry(5, "LITEKEEPER_EVENT=run_done");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_str_eq(systemd_field(entry, fields[i][0]), fields[i][1]);
    json_decref(entry);
}
END_TEST

static const char *const systemd_units[] = {
    "systemd-analyze verify --man=no /usr/lib/systemd/system/litekeeper.service",
    "env XDG_RUNTIME_DIR=/run systemd-analyze verify --man=no --user "
    "/usr/lib/systemd/user/litekeeper.service",
};

START_TEST(units_are_valid)
{
    int status;

    if (!systemd_or_skip())
        return;
    char *said = systemd_say(&status, "%s", systemd_units[_i]);
    ck_assert_msg(status == 0 && !strstr(said, "litekeeper"), "%d: %s", status, said);
    free(said);
}
END_TEST

START_TEST(the_service_is_protected)
{
    static const char words[] = "Overall exposure level for litekeeper.service: ";
    double exposure = 10;
    int status;

    if (!systemd_or_skip())
        return;
    char *said = systemd_say(&status, "systemd-analyze security --no-pager litekeeper.service");
    char *found = strstr(said, words);
    ck_assert_msg(found && sscanf(found + strlen(words), "%lf", &exposure) == 1, "%s", said);
    ck_assert_double_le(exposure, systemd_exposure);
    free(said);
}
END_TEST

/* A policy that is missing or broken: the start fails with the reason, and is not tried again. */
static const struct {
    const char *policy, *said;
} systemd_broken[] = {
    {NULL, "/etc/litekeeper/litekeeper.yaml"},
    {"databases: [ { name: worklog } ]\n",
     "/etc/litekeeper/litekeeper.yaml:1:14: databases[0].path: is missing"},
};

START_TEST(a_broken_policy_does_not_start)
{
    int status;

    if (!systemd_or_skip())
        return;
    systemd_clean();
    if (systemd_broken[_i].policy)
        systemd_policy(systemd_broken[_i].policy);
    free(systemd_say(&status, "systemctl start litekeeper"));
    ck_assert_int_ne(status, 0);
    systemd_await_property("ActiveState", "failed", 5);
    ck_assert_str_eq(systemd_property("ExecMainStatus"), "78");
    ck_assert_str_eq(systemd_property("NRestarts"), "0");
    systemd_do("journalctl --sync");
    char *said = systemd_say(&status, "journalctl -q -u litekeeper -o cat");
    ck_assert_msg(strstr(said, systemd_broken[_i].said) != NULL, "%s", said);
    free(said);
}
END_TEST

START_TEST(uninstall_leaves_nothing)
{
    int status;

    if (!systemd_or_skip())
        return;
    systemd_clean();
    systemd_do("tools/install remove build  /usr");
    char *said = systemd_say(&status, "find /usr /lib /etc -name litekeeper* -not -type d");
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], systemd_speak) == 0)
        return speak();
    systemd_enter(argv);

    Suite *suite = suite_create("systemd");
    TCase *test = tcase_create("systemd");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(test, 60);
    tcase_add_test(test, entries_are_explained);
    tcase_add_test(test, entries_have_their_fields);
    tcase_add_loop_test(test, units_are_valid, 0, 2);
    tcase_add_test(test, the_service_is_protected);
    tcase_add_loop_test(test, a_broken_policy_does_not_start, 0, 2);
    tcase_add_test(test, uninstall_leaves_nothing); /* the last one */
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
