/* Whom the application's file is believed to be written by, where its header names litekeeper's. */
#include "enginewriter.h"

#include <check.h>
#include <stdlib.h>

enum { OURS = 3053004, OURS_BEFORE = 3053000, BAD = 3040001, GOOD = 3052000, OURS_BAD = 3046001 };

#define DAYS(days) ((days)*INT64_C(86400) * 1000000)

static const struct {
    struct engine_writer remembered;
    int64_t now_us;
    int known;
} known_rows[] = {
    {{0, 0, 0, 0}, DAYS(1), 0},
    {{BAD, OURS, DAYS(1), 8}, DAYS(1), BAD},
    {{BAD, OURS, DAYS(1), 8}, DAYS(31), BAD},
    {{BAD, OURS, DAYS(1), 8}, DAYS(31) + 1, 0},
    {{BAD, OURS, DAYS(1), 8}, 0, BAD}, /* the clock was put back */
    {{BAD, OURS, DAYS(1), 9}, DAYS(1), 0},
};

START_TEST(known)
{
    struct engine_writer writer =
        enginewriter_known(&known_rows[_i].remembered, 8, known_rows[_i].now_us);

    ck_assert_int_eq(writer.version, known_rows[_i].known);
}
END_TEST

/* With what was ours before, OURS_BEFORE, in the record. */
static const struct {
    int known, header, ours;
    int64_t age_us;
    int believed;
    bool news;
} rows[] = {
    {0, BAD, OURS, 0, BAD, true},
    {0, GOOD, OURS, 0, GOOD, false},
    {0, OURS, OURS, 0, OURS, false},
    {0, OURS_BEFORE, OURS, 0, OURS_BEFORE, false},
    {0, 0, OURS, 0, 0, false},
    {BAD, 0, OURS, 0, BAD, false},
    {BAD, OURS, OURS, DAYS(20), BAD, false}, /* it does not keep itself alive */
    {BAD, OURS_BEFORE, OURS, DAYS(20), BAD, false},
    {BAD, BAD, OURS, DAYS(7), BAD, false},
    {BAD, BAD, OURS, DAYS(7) + 1, BAD, true},
    {BAD, GOOD, OURS, 0, GOOD, true}, /* the application has another one by now */
    {GOOD, GOOD, OURS, DAYS(20), GOOD, false},
    {GOOD, BAD, OURS, 0, BAD, true},
    {0, BAD, OURS_BAD, 0, BAD, false}, /* then everybody is taken care of alike */
};

START_TEST(believed_and_news)
{
    struct engine_writer writer = {rows[_i].known, rows[_i].known ? OURS_BEFORE : 0,
                                   rows[_i].known ? DAYS(100) : 0, 8};

    ck_assert_int_eq(enginewriter_believed(&writer, rows[_i].header, rows[_i].ours),
                     rows[_i].believed);
    ck_assert(enginewriter_news(&writer, rows[_i].header, rows[_i].ours,
                                DAYS(100) + rows[_i].age_us) == rows[_i].news);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("enginewriter");
    TCase *all = tcase_create("enginewriter");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, known, 0, sizeof known_rows / sizeof *known_rows);
    tcase_add_loop_test(all, believed_and_news, 0, sizeof rows / sizeof *rows);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
