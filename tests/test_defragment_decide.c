/* Which tables and indexes are put in order, as tables of what was measured: pure. */
#include "defragment.h"
#include "task_kinds.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MIB (INT64_C(1) << 20)

static const struct defragment_options usual = {.fragmentation_above = 0.3, .min_size = 16 * MIB};

static char btree_name[] = "logs", wrong[] = "it is damaged: no";

static const struct {
    struct defragment_btree btree;
    enum defragment_verdict verdict;
    const char *reason;
} judge_rows[] = {
    {{.bytes = 16 * MIB, .fragmentation = 0.9},
     DEFRAGMENT_WORTH,
     "\"logs\" is 90% fragmented, above 30%, and will be 0% at most"},
    {{.bytes = 16 * MIB - 1, .fragmentation = 0.9},
     DEFRAGMENT_SMALL,
     "no table and no index of 16MiB or more is over 30% fragmented"},
    {{.bytes = 16 * MIB, .fragmentation = 0.3},
     DEFRAGMENT_FINE,
     "no table and no index of 16MiB or more is over 30% fragmented"},
    {{.bytes = 16 * MIB, .fragmentation = 0.9, .wrong = wrong},
     DEFRAGMENT_WRONG,
     "\"logs\" is 90% fragmented and left alone: it is damaged: no"},
    {{.bytes = 16 * MIB, .fragmentation = 0.9, .forecast = 0.45},
     DEFRAGMENT_WORTH,
     "\"logs\" is 90% fragmented, above 30%, and will be 45% at most"},
    {{.bytes = 16 * MIB, .fragmentation = 0.9, .forecast = 0.46},
     DEFRAGMENT_FUTILE,
     "\"logs\" is 90% fragmented and its pages lie so far apart that order among them would leave "
     "46% (reindex builds it anew)"},
    {{.bytes = 16 * MIB, .fragmentation = 0.9, .forecast = 0.46, .table = true},
     DEFRAGMENT_FUTILE,
     "\"logs\" is 90% fragmented and its pages lie so far apart that order among them would leave "
     "46% (vacuum with mode: online orders all of the file)"},
    {{.bytes = 16 * MIB, .fragmentation = 0.9, .past = {true, 0.9, 0.5}},
     DEFRAGMENT_TRIED,
     "\"logs\" is 90% fragmented and to put it in order has left 50%"},
    {{.bytes = 16 * MIB, .fragmentation = 0.9, .past = {true, 0.9, 0.4}},
     DEFRAGMENT_WORTH,
     "\"logs\" is 90% fragmented, above 30%, and will be 0% at most"},
    {{.bytes = 16 * MIB, .fragmentation = 0.9, .past = {true, 0.4, 0.3}},
     DEFRAGMENT_WORTH,
     "\"logs\" is 90% fragmented, above 30%, and will be 0% at most"},
};

START_TEST(judged)
{
    struct defragment_btree btree = judge_rows[_i].btree;
    struct defragment_facts facts = {.file = {.wal = _i % 2, .pages = 10000},
                                     .btrees = &btree,
                                     .count = 1};
    struct decision decision = {0};

    btree.name = btree_name;
    btree.leaves = 4096;
    ck_assert_int_eq(defragment_judge(&usual, &btree), judge_rows[_i].verdict);
    task_defragment.decide(&usual, &facts, 0, &decision);
    ck_assert_str_eq(decision.reason, judge_rows[_i].reason);
    ck_assert_int_eq(decision.act, judge_rows[_i].verdict == DEFRAGMENT_WORTH);
    ck_assert_int_eq(decision.needs_window, !facts.file.wal);
    ck_assert_double_gt(decision.seconds, 0);
    ck_assert_int_eq(defragment_wants(&usual, &btree, true), !btree.wrong);
}
END_TEST

/* A b-tree's leaves by their places, each b-tree a letter, and a run of a hundred others a dot. */
static const struct {
    const char *file, *chosen;
    double forecasts[2]; /* of a and b; -1: none was made */
} forecast_rows[] = {
    {"aaaa", "a", {0, -1}},      {"abab", "a", {0, -1}},      {"abab", "ab", {0, 0}},
    {"a.a.a.a.a", "a", {1, -1}}, {"aa.aaa", "a", {0.25, -1}}, {"ab.ab.", "ab", {0, 0}}, /* aa.bb */
    {"ab.b.a", "ab", {0, 1}},                                                           /* aa.b.b */
    {"ab.b.a", "b", {-1, 1}},    {"a", "a", {0, -1}},         {"bbb", "a", {0, -1}},
    {"", "ab", {0, 0}},
};

START_TEST(forecast)
{
    struct defragment_btree btrees[2] = {{.forecast = -1}, {.forecast = -1}};
    bool chosen[2];
    uint32_t tree_of[1200] = {0};
    struct defragment_map map = {.tree_of = tree_of, .pages = 2};

    for (const char *at = forecast_rows[_i].file; *at; at++) {
        if (*at == '.') {
            map.pages += 100;
            continue;
        }
        tree_of[map.pages++] = (uint32_t)(*at - 'a') + 1;
        btrees[*at - 'a'].leaves++;
    }
    for (int i = 0; i < 2; i++)
        chosen[i] = strchr(forecast_rows[_i].chosen, 'a' + i);
    defragment_forecast(&map, chosen, btrees, 2);
    for (int i = 0; i < 2; i++)
        ck_assert_double_eq(btrees[i].forecast, forecast_rows[_i].forecasts[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("defragment_decide");
    TCase *some = tcase_create("defragment_decide");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(some, judged, 0, sizeof judge_rows / sizeof *judge_rows);
    tcase_add_loop_test(some, forecast, 0, sizeof forecast_rows / sizeof *forecast_rows);
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
