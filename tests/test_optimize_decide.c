/* When statistics count as untrue, and what optimize says of them: pure. */
#include "statistics.h"
#include "task_kinds.h"
#include "task_optimize.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int64_t noted, entries;
    bool coarse, stale;
} stale_rows[] = {
    {-1, 0, false, false}, /* an empty table gets no statistics */
    {-1, 1, false, true},
    {-1, -1, false, false}, /* damaged */
    {1000, -1, false, false},
    {0, 50, false, false},
    {0, 51, false, true},
    {1000, 1000, false, false},
    {1000, 1383, false, false},
    {1000, 1384, false, true},
    {1000, 700, false, false},
    {1000, 699, false, true},
    {1000, 2050, true, false},
    {1000, 2051, true, true},
    {1000, 450, true, false},
    {1000, 449, true, true},
    {60, 0, false, false},
    {80, 0, false, true},
    {1000000, 1333384, false, true},
    {INT64_MAX, 1, false, true}, /* whatever someone has written there */
    {1, INT64_MAX / 2, false, true},
};

START_TEST(stale)
{
    struct statistics_item item = {.noted = stale_rows[_i].noted,
                                   .entries = stale_rows[_i].entries,
                                   .coarse = stale_rows[_i].coarse};

    ck_assert_msg(statistics_stale(&item) == stale_rows[_i].stale, "row %d", _i);
}
END_TEST

#define INDEX(text, old, now)                                                          \
    {                                                                                  \
        .name = (char *)(text), .table = (char *)"t", .noted = (old), .entries = (now) \
    }

static const struct statistics_item none[1],
    good[] = {INDEX("a", 1000, 1000), INDEX("b", 0, 0)}, one[] = {INDEX("a", 1000, 1000)},
    missing[] = {INDEX("a", -1, 7), INDEX("b", 1000, 1000)},
    untrue[] = {INDEX("a", 1000, 3000), INDEX("b", 100000, 300000), INDEX("c", 5, 5)},
    both[] = {INDEX("a", -1, 7), INDEX("b", -1, 9), INDEX("c \"d\"", 1000, 0)},
    kept[] = {{.name = (char *)"a", .noted = 5, .entries = 5000, .samples = true},
              INDEX("b", 10, 10)},
    lacking[] = {
        {.name = (char *)"a", .noted = -1, .entries = 5000, .lacks = (char *)"no collation x"},
        INDEX("b", -1, 10)};

#define ALL(items) (items), sizeof(items) / sizeof *(items)

static const struct {
    const struct statistics_item *items;
    size_t count;
    bool act;
    const char *reason;
} decide_rows[] = {
    {none, 0, false, "there is nothing to make statistics of"},
    {ALL(good), false, "2 index statistics are within 25% of the rows that there are"},
    {ALL(one), false, "1 index statistic is within 25% of the rows that there are"},
    {ALL(missing), true, "1 index statistic is missing"},
    {ALL(untrue), true,
     "2 index statistics are off by over 25%: \"b\" has 100,000 rows by it, and about 300,000 now"},
    {ALL(both), true,
     "2 index statistics are missing and 1 index statistic is off by over 25%: \"c \"\"d\"\"\" has "
     "1,000 rows by it, and about 0 now"},
    {ALL(kept), false,
     "1 index statistic is within 25% of the rows that there are; 1 left to the application, whose "
     "samples in sqlite_stat4 ANALYZE would drop"},
    {ALL(lacking), true, "1 index statistic is missing; 1 left out: no collation x"},
};

START_TEST(decisions)
{
    struct optimize_facts facts = {
        .statistics = {.items = (struct statistics_item *)decide_rows[_i].items,
                       .count = decide_rows[_i].count}};
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    task_optimize.decide(NULL, &facts, 0, &decision);
    ck_assert_str_eq(decision.reason, decide_rows[_i].reason);
    ck_assert(decision.act == decide_rows[_i].act);
    ck_assert(!decision.needs_window);
    ck_assert_int_eq(decision.rows, -1);
    ck_assert((decision.seconds > 0) == decision.act);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optimize_decide");
    TCase *cases = tcase_create("optimize_decide");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, stale, 0, (int)(sizeof stale_rows / sizeof *stale_rows));
    tcase_add_loop_test(cases, decisions, 0, (int)(sizeof decide_rows / sizeof *decide_rows));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
