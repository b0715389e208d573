/* Retention end to end, when the clock can't be right: nothing goes without the operator's word. */
#include "lib_folder.h"
#include "lib_proof.h"
#include "lib_skip.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/timex.h>

/* Rows aged 6 to 5001 hours; 100 days are 2400 hours. */
#define TABLE                                                                                 \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, age INT, note); CREATE INDEX t_at ON" \
    " t(at);" PROOF_NUMBERS(1000) "INSERT INTO t SELECT i, strftime('%s', " PROOF_AGO(        \
        "i * 5 + 1") ") + 0, i * 5 + 1, hex(randomblob(30)) FROM n;"
#define NOW "(strftime('%s', 'now') * 1000000)"
#define DAY "86400000000"

/* What is done to the history, and how the doubt is told. */
static const struct {
    const char *history, *reason;
} clocks[] = {
    {"UPDATE clock SET believed_us = " NOW " + " DAY,
     "the clock is in doubt: it says ~, but the history already has an entry of ~; synchronise it, "
     "or say --trust-clock if it is right"},
    {"UPDATE clock SET offset_us = offset_us - 7200000000",
     "the clock is in doubt: it was set forward by ~ since this boot was first seen~"},
    {"UPDATE clock SET offset_us = offset_us + 7200000000",
     "the clock is in doubt: it was set back by ~ since this boot was first seen~"},
    {"UPDATE clock SET believed_us = " NOW " - 8 * " DAY,
     "the clock is in doubt: it is over 7 days ahead of ~"},
    {"UPDATE clock SET synchronised = 1",
     "the clock is in doubt: the kernel reports it unsynchronised~"},
};

static bool clock_is_synchronised(void)
{
    struct timex state = {0};

    return adjtimex(&state) != TIME_ERROR;
}

/* A row of the year 3000, which stands for no time, does not vouch for the clock. */
START_TEST(a_clock_in_doubt)
{
    struct proof_case c = {.name = clocks[_i].history,
                           .setup = TABLE "DELETE FROM t WHERE age < 200; INSERT INTO t(at) "
                                          "VALUES(strftime('%s', '3000-01-01') + 0)",
                           .options = "keep: 100d, observe: true",
                           .outcome = "skipped"};
    char *path = folder_path("state/history.db");
    struct proof_run run;

    if (clock_is_synchronised()) {
        skip("the host's clock is synchronised, and so beyond doubt");
        return;
    }
    sqlite3 *untouched = proof_make(&c, "wal");
    proof_refused(&c, untouched);
    sqlite3 *history = proof_open(path);
    proof_do(history, clocks[_i].history);
    c.options = "keep: 100d";
    c.reason = clocks[_i].reason;
    c.words = " --force";
    proof_policy(&c);
    proof_refused(&c, untouched);
    proof_do(history, clocks[_i].history);
    proof_run(&c, &run); /* for programs, in a word */
    ck_assert_str_eq(json_string_value(json_object_get(run.outcome, "guard")), "clock");
    proof_free(&run);
    proof_do(history, clocks[_i].history);
    proof_do(untouched, "DELETE FROM t WHERE age > 2400");
    c.words = " --trust-clock";
    proof_run(&c, &run);
    ck_assert_str_eq(json_string_value(json_object_get(run.outcome, "outcome")), "done");
    proof_same(&c, untouched);
    proof_free(&run);
    sqlite3_close(history);
    sqlite3_close(untouched);
    free(path);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("retention clock");
    TCase *cases = tcase_create("retention clock");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, a_clock_in_doubt, 0, (int)(sizeof clocks / sizeof *clocks));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
