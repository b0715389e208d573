/* How runs end that don't run to their end. */
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    setenv("TERM", "xterm", 1);
    folder_make();
    expect_policy(POLICY);
}

/* Slow enough to be met in the middle, by limits that its own policy sets; they count while
 * somebody else has the database open. */
#define SLOW POLICY "    duty: 1%\n    max_lock: 1ms\n"

static sqlite3 *somebody;

static void slow_database(void)
{
    expect_policy(SLOW);
    worklog_make("worklog.db", 100000);
    somebody = worklog_open("worklog.db");
    worklog_do(somebody, "SELECT count(*) FROM sqlite_schema");
}

static void tear_down(void)
{
    sqlite3_close(somebody);
    folder_remove();
}

/* Starts a slow run and waits till it is under way. */
static void start_slowly(struct program *program)
{
    char *words = expect_words("run -c @/policy.yaml --json worklog retention");

    slow_database();
    program_start(program, words, false);
    ck_assert(program_expect(program, "\"event\":\"progress\""));
    free(words);
}

/* Something is left of what should go, nothing is broken, and the history knows how it ended. */
static void check_left(const char *outcome)
{
    char *left = worklog_ask("worklog.db", "SELECT count(*) FROM logs");

    ck_assert_int_gt(atoi(left), 50000);
    worklog_check("worklog.db", "PRAGMA integrity_check", "ok");
    worklog_check("state/history.db", "SELECT outcome FROM run", outcome);
    free(left);
}

START_TEST(an_interrupt_stops_at_the_next_step)
{
    struct program program;
    struct program_result result;

    start_slowly(&program);
    kill(program.pid, SIGINT);
    program_finish(&program, &result);
    ck_assert_ptr_nonnull(strstr(result.out, "\"outcome\":\"cancelled\""));
    ck_assert_int_eq(result.status, 130);
    check_left("cancelled");
    program_result_free(&result);
}
END_TEST

START_TEST(a_terminal_has_a_bar)
{
    struct program program;
    struct program_result result;
    char *words = expect_words("run -c @/policy.yaml worklog retention");

    slow_database();
    program_start(&program, words, true);
    ck_assert(program_expect(&program, "%  "));
    kill(program.pid, SIGTERM);
    program_finish(&program, &result);
    ck_assert_ptr_nonnull(strstr(result.out, "\r\x1b[Kworklog retention logs: cancelled after "));
    ck_assert_int_eq(result.status, 130);
    check_left("cancelled");
    program_result_free(&result);
    free(words);
}
END_TEST

START_TEST(a_killed_worker_is_a_failure)
{
    struct program program;
    struct program_result result;

    start_slowly(&program);
    pid_t worker = family_youngest(program.pid);
    ck_assert_int_gt(worker, 0);
    ck_assert_int_eq(kill(worker, SIGKILL), 0);
    program_finish(&program, &result);
    ck_assert_int_eq(result.status, 1);
    ck_assert_ptr_nonnull(strstr(result.out, "\"outcome\":\"failed\",\"reason\":\"the worker was "
                                             "killed by signal 9 (Killed)"));
    check_left("failed");
    program_result_free(&result);
}
END_TEST

START_TEST(too_long_is_a_failure)
{
    struct program_result result;

    slow_database();
    expect_policy(SLOW "    time_limit: 1s\n");
    expect_run("run -c @/policy.yaml worklog retention", &result); /* notes may come first */
    ck_assert_int_eq(result.status, 1);
    ck_assert_msg(strstr(result.out, "it took longer than its time limit of 1.0 s") != NULL, "%s",
                  result.out);
    program_result_free(&result);
    check_left("failed");
}
END_TEST

START_TEST(two_at_once_is_one_too_many)
{
    struct program program;
    struct program_result result;

    start_slowly(&program);
    expect("run -c @/policy.yaml worklog retention", 75, "worklog retention logs: skipped: ~\n",
           "");
    kill(program.pid, SIGINT);
    program_finish(&program, &result);
    ck_assert_int_eq(result.status, 130);
    program_result_free(&result);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_ends");
    TCase *cases = tcase_create("run_ends");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, an_interrupt_stops_at_the_next_step);
    tcase_add_test(cases, a_terminal_has_a_bar);
    tcase_add_test(cases, a_killed_worker_is_a_failure);
    tcase_add_test(cases, too_long_is_a_failure);
    tcase_add_test(cases, two_at_once_is_one_too_many);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
