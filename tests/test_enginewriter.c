/* Whom the application's file is believed to be written by, where its header names litekeeper's. */
#include "enginewriter.h"

#include <check.h>
#include <stdlib.h>

enum { OURS = 3053004, BAD = 3040001, GOOD = 3052000, OURS_BAD = 3046001 };

#define DAYS(days) ((days)*INT64_C(86400) * 1000000)

static const struct identity seen = {.device = 7, .inode = 8};

static const struct {
    struct engine_writer remembered;
    int64_t now_us;
    int known;
} known_rows[] = {
    {{0, 0, 0, 0}, DAYS(1), 0},
    {{BAD, DAYS(1), 7, 8}, DAYS(1), BAD},
    {{BAD, DAYS(1), 7, 8}, DAYS(31), BAD},
    {{BAD, DAYS(1), 7, 8}, DAYS(31) + 1, 0},
    {{BAD, DAYS(1), 7, 8}, 0, BAD}, /* the clock was put back */
    {{BAD, DAYS(1), 6, 8}, DAYS(1), 0},
    {{BAD, DAYS(1), 7, 9}, DAYS(1), 0},
};

START_TEST(known)
{
    ck_assert_int_eq(enginewriter_known(&known_rows[_i].remembered, &seen, known_rows[_i].now_us),
                     known_rows[_i].known);
}
END_TEST

static const struct {
    int known, header, ours;
    int64_t age_us;
    bool news;
} news_rows[] = {
    {0, BAD, OURS, 0, true},
    {0, GOOD, OURS, 0, false},
    {0, OURS, OURS, 0, false},
    {0, 0, OURS, 0, false},
    {BAD, OURS, OURS, DAYS(20), false},
    {BAD, BAD, OURS, DAYS(7), false},
    {BAD, BAD, OURS, DAYS(7) + 1, true},
    {BAD, GOOD, OURS, 0, true}, /* the application has another one by now */
    {GOOD, GOOD, OURS, DAYS(20), false},
    {GOOD, BAD, OURS, 0, true},
    {0, BAD, OURS_BAD, 0, false}, /* then everybody is taken care of alike */
};

START_TEST(news)
{
    struct engine_writer remembered = {news_rows[_i].known, DAYS(100), 7, 8};

    ck_assert(enginewriter_news(&remembered, news_rows[_i].known, news_rows[_i].header,
                                news_rows[_i].ours,
                                DAYS(100) + news_rows[_i].age_us) == news_rows[_i].news);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("enginewriter");
    TCase *all = tcase_create("enginewriter");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, known, 0, sizeof known_rows / sizeof *known_rows);
    tcase_add_loop_test(all, news, 0, sizeof news_rows / sizeof *news_rows);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
