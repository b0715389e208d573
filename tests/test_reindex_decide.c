/* Which indexes are rebuilt and why, what is remembered of that, and the forecast: pure. */
#include "engine_window.h"
#include "memory.h"
#include "refill.h"
#include "reindex.h"
#include "task_kinds.h"
#include "window.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((int64_t)1 << 20)

/* By mode. */
static const struct reindex_options usual[] = {
    {.fragmentation_above = 0.1, .density_below = 0.65, .min_size = 8 * MIB, .mode = REINDEX_AUTO},
    {.fragmentation_above = 0.1,
     .density_below = 0.65,
     .min_size = 8 * MIB,
     .mode = REINDEX_ONLINE},
    {.fragmentation_above = 0.1,
     .density_below = 0.65,
     .min_size = 8 * MIB,
     .mode = REINDEX_OFFLINE}};

#define NEW            \
    {                  \
        .known = false \
    }
#define WAS(fragmentation_before, fragmentation, density_before, density)         \
    {                                                                             \
        true, false, fragmentation_before, fragmentation, density_before, density \
    }
/* The same, when it was online. */
#define WAS_ONLINE(fragmentation_before, fragmentation, density_before, density) \
    {                                                                            \
        true, true, fragmentation_before, fragmentation, density_before, density \
    }

static const struct {
    int64_t mib;
    double fragmentation, density, forecast;
    const char *wrong;
    struct reindex_past past;
    enum reindex_verdict verdict; /* offline */
} judge_rows[] = {
    {7, 1, 0.1, 0, NULL, NEW, REINDEX_SMALL},
    {8, 0.1, 0.65, 0, NULL, NEW, REINDEX_FINE},
    {8, 0.1, 0.65, 1, "no collation", NEW, REINDEX_FINE}, /* so nobody needs to know */
    {8, 0, 0.64, 0, NULL, NEW, REINDEX_SPARSE},
    {8, 0.99, 0.64, 0.88, NULL, NEW, REINDEX_SPARSE}, /* it is filled, if not ordered */
    {8, 0.99, 0.64, 0, "no collation", NEW, REINDEX_WRONG},
    {8, 0.11, 0.9, 0, NULL, NEW, REINDEX_ORDERED},
    {8, 0.11, 0.9, 0.1, NULL, NEW, REINDEX_ORDERED}, /* below the threshold again */
    {8, 0.11, 0.9, 0.105, NULL, NEW, REINDEX_FUTILE},
    {8, 0.99, 0.9, 0.49, NULL, NEW, REINDEX_ORDERED}, /* by half */
    {8, 0.99, 0.9, 0.5, NULL, NEW, REINDEX_FUTILE},
    {8, 0.99, 0.9, 0.88, NULL, NEW, REINDEX_FUTILE},

    /* What it has become the last time counts. */
    {8, 0.99, 0.9, 0.05, NULL, WAS(0.99, 0.05, 0.9, 0.98), REINDEX_ORDERED},
    {8, 0.99, 0.9, 0.05, NULL, WAS(0.99, 0.88, 0.9, 0.98), REINDEX_TRIED},
    {8, 0.50, 0.9, 0.05, NULL, WAS(0.99, 0.40, 0.9, 0.98), REINDEX_ORDERED},
    {8, 0, 0.6, 0, NULL, WAS(0, 0, 0.5, 0.98), REINDEX_SPARSE},
    {8, 0, 0.6, 0, NULL, WAS(0, 0, 0.6, 0.61), REINDEX_TRIED},
    {8, 0, 0.5, 0, NULL, WAS(0, 0, 0.6, 0.61), REINDEX_SPARSE}, /* it has become worse since */
    {8, 0.9, 0.6, 0.01, NULL, WAS(0.05, 0.05, 0.6, 0.61), REINDEX_ORDERED},
};

/* Online; `barred` rows can't be. */
static const struct {
    enum reindex_mode mode;
    const char *barred;
    double fragmentation, density, forecast;
    struct reindex_past past;
    enum reindex_verdict verdict;
    bool online;
} online_rows[] = {
    {REINDEX_AUTO, NULL, 0.1, 0.65, 0, NEW, REINDEX_FINE, true},
    {REINDEX_AUTO, NULL, 0.99, 0.9, 0.88, NEW, REINDEX_ORDERED, true},
    {REINDEX_AUTO, NULL, 0.99, 0.6, 0.88, NEW, REINDEX_SPARSE, true},
    {REINDEX_AUTO, NULL, 0.99, 0.9, 0.88, WAS(0.99, 0.88, 0.9, 0.98), REINDEX_ORDERED, true},
    {REINDEX_AUTO, NULL, 0.99, 0.9, 0, WAS_ONLINE(0.99, 0.88, 0.9, 0.98), REINDEX_TRIED, true},
    {REINDEX_AUTO, NULL, 0.99, 0.9, 0.88, WAS_ONLINE(0.99, 0, 0.9, 0.98), REINDEX_ORDERED, true},
    {REINDEX_AUTO, "x", 0.99, 0.9, 0.88, NEW, REINDEX_FUTILE, false},
    {REINDEX_AUTO, "x", 0.99, 0.9, 0.1, NEW, REINDEX_ORDERED, false},
    {REINDEX_AUTO, "x", 0.99, 0.9, 0.1, WAS(0.99, 0.88, 0.9, 0.98), REINDEX_TRIED, false},
    {REINDEX_ONLINE, NULL, 0.99, 0.9, 0.88, NEW, REINDEX_ORDERED, true},
    {REINDEX_ONLINE, "x", 0.99, 0.6, 0.1, NEW, REINDEX_BARRED, false},
    {REINDEX_ONLINE, "x", 0, 0.9, 0.1, NEW, REINDEX_FINE, false},
    {REINDEX_OFFLINE, NULL, 0.99, 0.9, 0.88, NEW, REINDEX_FUTILE, false},
};

START_TEST(ways)
{
    struct reindex_index index = {.name = (char *)"i",
                                  .bytes = 8 * MIB,
                                  .fragmentation = online_rows[_i].fragmentation,
                                  .density = online_rows[_i].density,
                                  .forecast = online_rows[_i].forecast,
                                  .barred = (char *)online_rows[_i].barred,
                                  .past = online_rows[_i].past};
    const struct reindex_options *options = &usual[online_rows[_i].mode];

    ck_assert_int_eq(reindex_judge(options, &index), online_rows[_i].verdict);
    ck_assert(reindex_online(options, &index) == online_rows[_i].online);
    ck_assert(reindex_may(options, &index) ==
              (online_rows[_i].online || online_rows[_i].mode != REINDEX_ONLINE));
}
END_TEST

static struct reindex_index index_of(size_t row)
{
    return (struct reindex_index){.name = (char *)"i",
                                  .table = (char *)"t",
                                  .bytes = judge_rows[row].mib * MIB,
                                  .fragmentation = judge_rows[row].fragmentation,
                                  .density = judge_rows[row].density,
                                  .forecast = judge_rows[row].forecast,
                                  .wrong = (char *)judge_rows[row].wrong,
                                  .past = judge_rows[row].past};
}

START_TEST(judgements)
{
    struct reindex_index index = index_of((size_t)_i);
    enum reindex_verdict verdict = reindex_judge(&usual[REINDEX_OFFLINE], &index);

    ck_assert_msg(verdict == judge_rows[_i].verdict, "row %d: %d", _i, (int)verdict);
    ck_assert(reindex_worth(&usual[REINDEX_OFFLINE], &index) ==
              (verdict == REINDEX_SPARSE || verdict == REINDEX_ORDERED));
}
END_TEST

/* --- decisions ---------------------------------------------------------------------------- */

static const struct {
    int rows[8]; /* of judge_rows, -1 at the end: the indexes that there are */
    bool act;
    const char *reason;
} decide_rows[] = {
    {{-1}, false, "no index of 8MiB or more"},
    {{0, -1}, false, "no index of 8MiB or more"},
    {{0, 1, -1}, false, "no index of 8MiB or more is over 10% fragmented or under 65% full"},
    {{1, 3, -1}, true, "\"i\" is 64% full, below 65%"},
    {{6, 3, -1},
     true,
     "\"i\" is 64% full, below 65%; \"i\" is 11% fragmented, above 10%, and would be 0%"},
    {{11, 5, 13, -1},
     false,
     "\"i\" is 99% fragmented and REINDEX in place would leave it at 88%: an online rebuild "
     "would help (mode: auto); \"i\" is 99% fragmented and 90% full, and its last rebuild "
     "has not helped; \"i\" is left alone: no collation"},
    {{3, 11, -1},
     true,
     "\"i\" is 64% full, below 65%; \"i\" is 99% fragmented and REINDEX in place would leave it at "
     "88%: an online rebuild would help (mode: auto)"},
    {{3, 3, 3, 3, 3, -1},
     true,
     "\"i\" is 64% full, below 65%; \"i\" is 64% full, below 65%; \"i\" is 64% full, below 65%; "
     "and 2 more"},
};

START_TEST(decisions)
{
    struct reindex_index indexes[8];
    struct reindex_facts facts = {.indexes = indexes, .pace = 1, .max_lock_seconds = 0.01};
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    for (; decide_rows[_i].rows[facts.count] >= 0; facts.count++)
        indexes[facts.count] = index_of((size_t)decide_rows[_i].rows[facts.count]);
    task_reindex.decide(&usual[REINDEX_OFFLINE], &facts, 0, &decision);
    ck_assert_str_eq(decision.reason, decide_rows[_i].reason);
    ck_assert(decision.act == decide_rows[_i].act);
    ck_assert(decision.needs_window == (facts.count > 0));
    ck_assert((decision.bytes > 0) == decision.act);
}
END_TEST

/* What is expected is of those that are worth it; a window serves if the shortest fits into it. */
START_TEST(parts)
{
    struct reindex_index indexes[] = {index_of(3), index_of(3), index_of(1)};
    struct reindex_facts facts = {
        .indexes = indexes, .count = 3, .pace = 1, .max_lock_seconds = 0.01};
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};
    struct window_list *list = memory_new(struct window_list);
    char reason[OUTCOME_REASON];
    const int64_t noon = INT64_C(12) * 3600 * 1000000;

    ck_assert_int_eq(window_parse("12:00-13:00 UTC", list, NULL), STATUS_OK);
    indexes[0].entries = INT64_C(2000000000); /* an hour is not enough for it */
    indexes[2].entries = 1;
    task_reindex.decide(&usual[REINDEX_OFFLINE], &facts, 0, &decision);
    ck_assert_double_gt(decision.seconds, 3000);
    ck_assert_double_lt(decision.part_seconds, 1);
    decision.seconds = 4000;
    ck_assert_int_eq(engine_window(list, noon, &decision, reason), ENGINE_WINDOW_OPEN);
    ck_assert_int_eq(engine_window(list, noon - 1, &decision, reason), ENGINE_WINDOW_WAITS);
    decision.part_seconds = 0;
    ck_assert_int_eq(engine_window(list, noon, &decision, reason), ENGINE_WINDOW_NEVER);
    window_list_free(list);
}
END_TEST

/* --force takes them all, so what it would hold counts although nothing is worth it. */
START_TEST(nothing_worth_it)
{
    struct reindex_index index = index_of(1);
    struct reindex_facts facts = {.indexes = &index, .count = 1, .pace = 1};
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    index.entries = 1000000;
    task_reindex.decide(&usual[REINDEX_OFFLINE], &facts, 0, &decision);
    ck_assert(!decision.act && decision.needs_window);
    ck_assert_double_gt(decision.seconds, 1);
    ck_assert_int_eq(decision.bytes, -1);
}
END_TEST

/* Where one can be done at any time, nobody waits for a window; what blocks the others does. */
START_TEST(mixed)
{
    struct reindex_index indexes[] = {index_of(3), index_of(3)};
    struct reindex_facts facts = {
        .indexes = indexes, .count = 2, .pace = 1, .max_lock_seconds = 0.01};
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    indexes[0].entries = 1000000;
    indexes[1].barred = (char *)"it reads the rowid";
    task_reindex.decide(&usual[REINDEX_AUTO], &facts, 0, &decision);
    ck_assert(decision.act && !decision.needs_window);
    ck_assert_str_eq(decision.reason,
                     "\"i\" is 64% full, below 65%; \"i\" is 64% full, below 65%, which can't be "
                     "mended online: it reads the rowid");
    ck_assert_double_lt(decision.part_seconds, decision.seconds / 10);
    indexes[0].barred = (char *)"it reads the rowid";
    decision.act = false;
    task_reindex.decide(&usual[REINDEX_AUTO], &facts, 0, &decision);
    ck_assert(decision.act && decision.needs_window);
}
END_TEST

/* --- memory ------------------------------------------------------------------------------- */

START_TEST(remembers)
{
    struct reindex_index before = index_of(11), after = before, other = before;
    struct reindex_past past;
    json_t *first = reindex_effect_new(), *second = reindex_effect_new();

    after.fragmentation = 0.88;
    other.name = (char *)"other";
    reindex_effect_past(NULL, "i", &past);
    ck_assert(!past.known);
    reindex_effect_add(first, &before, &after, false, 2, 3);
    reindex_effect_past(first, "other", &past);
    ck_assert(!past.known);
    reindex_effect_past(first, "i", &past);
    ck_assert(past.known && fabs(past.fragmentation_before - 0.99) < 1e-9 &&
              fabs(past.fragmentation - 0.88) < 1e-9 && fabs(past.density - 0.9) < 1e-9);

    reindex_effect_add(second, &other, &other, false, 1, 1); /* another index in another month */
    reindex_effect_keep(second, first);
    reindex_effect_past(second, "i", &past);
    ck_assert(past.known);
    ck_assert_uint_eq(json_array_size(json_object_get(second, "indexes")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(second, "earlier")), 1);

    json_decref(first);
    first = reindex_effect_new();
    reindex_effect_add(first, &before, &before, false, 1, 1);
    reindex_effect_keep(first, second); /* the newer of two stays */
    reindex_effect_past(first, "i", &past);
    ck_assert(fabs(past.fragmentation - 0.99) < 1e-9);
    ck_assert_uint_eq(json_array_size(json_object_get(first, "earlier")), 1);
    json_decref(first);
    json_decref(second);
}
END_TEST

/* However many they are and whatever they are called, an effect fits into an event's line. */
START_TEST(effects_are_short)
{
    struct reindex_index index = index_of(11);
    json_t *first = reindex_effect_new(), *second = reindex_effect_new();
    char name[1000];

    memset(name, '"', sizeof name);
    name[sizeof name - 1] = '\0';
    index.name = name;
    for (int i = 0; i < 500; i++) {
        name[0] = (char)('a' + i % 26);
        name[1] = (char)('a' + i / 26);
        reindex_effect_add(first, &index, &index, true, 1, 1);
    }
    name[2] = 'x';
    for (int i = 0; i < 50; i++) {
        name[0] = (char)('a' + i % 26);
        name[1] = (char)('a' + i / 26);
        reindex_effect_add(second, &index, &index, true, 1, 1);
    }
    reindex_effect_keep(second, first);
    char *line = json_dumps(second, JSON_COMPACT | JSON_REAL_PRECISION(15));
    ck_assert_uint_lt(strlen(line), 56 * 1024);
    ck_assert_uint_eq(json_array_size(json_object_get(second, "earlier")), 50);
    free(line);
    json_decref(first);
    json_decref(second);
}
END_TEST

static const struct {
    const char *effect;
    double pace;
} pace_rows[] = {
    {NULL, 1},
    {"{}", 1},
    {"{\"expected_seconds\":2,\"rebuild_seconds\":2}", 1.5},
    {"{\"expected_seconds\":2,\"rebuild_seconds\":8}", 6},
    {"{\"expected_seconds\":2,\"rebuild_seconds\":0.001}", 0.2},
    {"{\"expected_seconds\":0.001,\"rebuild_seconds\":1000}", 20},
    {"{\"expected_seconds\":0,\"rebuild_seconds\":1000}", 1},
    {"{\"expected_seconds\":\"x\",\"rebuild_seconds\":[]}", 1},
};

START_TEST(paces)
{
    json_t *effect = pace_rows[_i].effect ? json_loads(pace_rows[_i].effect, 0, NULL) : NULL;

    ck_assert_double_eq_tol(reindex_effect_pace(effect), pace_rows[_i].pace, 1e-9);
    json_decref(effect);
}
END_TEST

/* --- the forecast ------------------------------------------------------------------------- */

/* `count` leaves, the i-th on page first + i * step modulo `modulus`. */
static const struct {
    int64_t count;
    uint32_t first, step, modulus;
    double least, most;
} refill_rows[] = {
    {0, 1, 1, 1u << 31, 0, 0},         {1, 1, 1, 1u << 31, 0, 0},
    {2, 1, 100, 1u << 31, 1, 1},       {5000, 10, 1, 1u << 31, 0, 0.001}, /* in order */
    {1000, 3, 7919, 1009, 0, 0},       /* shuffled within a trunk's worth, close together */
    {5000, 3, 7919, 5003, 0, 0.01},    /* shuffled, but close together all the same */
    {5000, 3, 7919, 1000003, 0.95, 1}, /* shuffled over a large file */
    {5000, 5, 33, 1u << 31, 1, 1},     /* in order, each too far from the next */
    {5000, 5, 32, 1u << 31, 0, 0.001},
};

START_TEST(forecasts)
{
    struct refill refill = {0};

    for (int round = 0; round < 2; round++) { /* the second finds it empty */
        for (int64_t i = 0; i < refill_rows[_i].count; i++)
            refill_leaf(&refill,
                        (uint32_t)((refill_rows[_i].first + (uint64_t)i * refill_rows[_i].step) %
                                   refill_rows[_i].modulus),
                        4096);
        double share = refill_conclude(&refill);
        ck_assert_double_ge(share, refill_rows[_i].least);
        ck_assert_double_le(share, refill_rows[_i].most);
    }
    refill_free(&refill);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("reindex_decide");
    TCase *cases = tcase_create("reindex_decide");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, judgements, 0, ROWS(judge_rows));
    tcase_add_loop_test(cases, decisions, 0, ROWS(decide_rows));
    tcase_add_test(cases, parts);
    tcase_add_loop_test(cases, ways, 0, ROWS(online_rows));
    tcase_add_test(cases, mixed);
    tcase_add_test(cases, nothing_worth_it);
    tcase_add_test(cases, remembers);
    tcase_add_test(cases, effects_are_short);
    tcase_add_loop_test(cases, paces, 0, ROWS(pace_rows));
    tcase_add_loop_test(cases, forecasts, 0, ROWS(refill_rows));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
