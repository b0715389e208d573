/*
 * The guard of the clock: when it is in doubt, as a table of readings; and end to end, with a
 * history that contradicts the clock, where the host's kernel doesn't vouch for it.
 */
#include "clock.h"

#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/timex.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAYS   (24 * HOUR)
#define T      (20000 * DAYS) /* the time it is */
#define BOOT   (5 * DAYS)     /* since boot */

static const struct {
    const char *name;
    bool synchronised;
    struct engine_memory memory; /* newest_us, boot_offset_us, was_synchronised */
    int64_t newest_row_us;
    const char *why; /* a pattern; NULL: no doubt */
} readings[] = {
    {"nothing known", false, {-1, -1, false}, -1, NULL},
    {"nothing known, an old table", false, {-1, -1, false}, T - 900 * DAYS, NULL},
    {"all is well", false, {T - HOUR, T - BOOT, false}, T - SECOND, NULL},
    {"synchronised, whatever else", true, {T + 900 * DAYS, 0, true}, T - 900 * DAYS, NULL},

    {"a drift of an hour", false, {-1, T - BOOT - HOUR, false}, -1, NULL},
    {"forward",
     false,
     {-1, T - BOOT - HOUR - 1, false},
     -1,
     "it was set forward by # ~ since this boot was first seen"},
    {"an hour back", false, {-1, T - BOOT + HOUR, false}, -1, NULL},
    {"back",
     false,
     {-1, T - BOOT + HOUR + 1, false},
     -1,
     "it was set back by # ~ since this boot was first seen"},
    {"a boot offset of 0", false, {-1, 0, false}, -1, "it was set forward by ~"},

    {"behind by a minute", false, {T + 60 * SECOND, -1, false}, -1, NULL},
    {"behind by more",
     false,
     {T + 61 * SECOND, -1, false},
     -1,
     "it says #-#-#T#:#:#Z, but the history already has an entry of #-#-#T#:#:#Z"},
    {"behind the table alone", false, {T - HOUR, -1, false}, T + 900 * DAYS, NULL},

    {"seven days ahead", false, {T - 7 * DAYS, -1, false}, T - 7 * DAYS, NULL},
    {"further ahead",
     false,
     {T - 7 * DAYS - 1, -1, false},
     T - 7 * DAYS - 1,
     "it is over 7 days ahead of the history (#-#-#T#:#:#Z) and of the table's newest row "
     "(#-#-#T#:#:#Z)"},
    {"ahead of the history alone", false, {T - 8 * DAYS, -1, false}, T - HOUR, NULL},
    {"ahead of the table alone", false, {T - HOUR, -1, false}, T - 900 * DAYS, NULL},
    {"ahead of the history, no rows", false, {T - 900 * DAYS, -1, false}, -1, NULL},

    {"not synchronised any more",
     false,
     {T - HOUR, T - BOOT, true},
     T - SECOND,
     "the kernel reports it unsynchronised, and it was synchronised before"},
    {"the first doubt is told",
     false,
     {T + HOUR, T - BOOT + DAYS, true},
     T,
     "it was set back by ~"},
};

START_TEST(what_is_known_decides)
{
    struct clock_reading clock = {T, BOOT, readings[_i].synchronised};
    char why[CLOCK_WHY] = "untouched";
    bool doubt = clock_doubtful(&clock, &readings[_i].memory, readings[_i].newest_row_us, why);

    ck_assert_msg(doubt == (readings[_i].why != NULL), "%s: %s", readings[_i].name, why);
    if (doubt)
        expect_text(readings[_i].name, why, readings[_i].why);
    else
        ck_assert_str_eq(why, "untouched");
}
END_TEST

/* Rows aged 206 to 5001 hours, so that the newest is of last week; 100 days are 2400 hours. */
#define TABLE                                                                            \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, age INT); CREATE INDEX t_at ON " \
    "t(at);" PROOF_NUMBERS(1000) "INSERT INTO t SELECT i, strftime('%s', " PROOF_AGO(    \
        "i * 5 + 1") ") + 0, i * 5 + 1 FROM n; DELETE FROM t WHERE age < 200"
#define OLD "DELETE FROM t WHERE age > 2400"

#define NOW           "(strftime('%s', 'now') * 1000000)"
#define DAY           "86400000000"
#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

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

static void check_skipped(const struct proof_case *c, sqlite3 *untouched)
{
    struct proof_run run;

    proof_run(c, &run);
    proof_check_outcome(c, &run, 0);
    proof_free(&run);
    proof_same(c, untouched);
}

static bool clock_is_synchronised(void)
{
    struct timex state = {0};

    return adjtimex(&state) != TIME_ERROR;
}

START_TEST(a_clock_in_doubt)
{
    struct proof_case c = {.name = clocks[_i].history,
                           .setup = TABLE,
                           .options = "keep: 100d, observe: true",
                           .outcome = "skipped"};
    char *path = folder_path("state/history.db");
    struct proof_run run;

    if (clock_is_synchronised()) {
        puts("skipped: the host's clock is synchronised, and so beyond doubt");
        return;
    }
    sqlite3 *untouched = proof_make(&c, "wal");
    check_skipped(&c, untouched);
    sqlite3 *history = proof_open(path);
    proof_do(history, clocks[_i].history);
    c.options = "keep: 100d";
    c.reason = clocks[_i].reason;
    c.words = " --force";
    proof_policy(&c);
    check_skipped(&c, untouched);
    proof_do(history, clocks[_i].history);
    proof_do(untouched, OLD);
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
    TCase *cases = tcase_create("clock");
    Suite *suite = suite_create("clock");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, what_is_known_decides, 0, LENGTH(readings));
    tcase_add_loop_test(cases, a_clock_in_doubt, 0, LENGTH(clocks));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
