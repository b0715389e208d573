/* What is done about indexes and why, what it may take, and what an effect remembers: pure. */
#include "indexes.h"
#include "memory.h"
#include "task_kinds.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20, MOST = 8 };

/* Letters stand for rows of these tables. */
static const struct {
    char letter;
    const char *name;
    enum indexes_state state;
    const char *why;
    int64_t rows;
} item_rows[] = {
    {'t', "there", INDEXES_THERE, NULL, -1},
    {'o', "one", INDEXES_ONLINE, NULL, 1000000},
    {'e', "empty", INDEXES_ONLINE, NULL, 0},
    {'s', "short", INDEXES_OFFLINE, "too old", 1000},
    {'l', "long", INDEXES_OFFLINE, "too odd", 1000000},
    {'w', "wrong", INDEXES_WRONG, "no such table: t", -1},
};

static const struct {
    char letter;
    bool there, offline;
    const char *why, *keep;
    uint32_t root;
    int64_t bytes;
} old_rows[] = {
    {'g', false, false, NULL, NULL, 0, -1},
    {'d', true, false, NULL, NULL, 5, 12 * MIB},
    {'u', true, false, NULL, NULL, 6, 12 * MIB}, /* the query 'q' uses it */
    {'k', true, false, NULL, "it is UNIQUE", 7, -1},
    {'f', true, true, "no collation", NULL, 8, 400 * MIB},
};

static const struct {
    char letter;
    const char *error, *first, *plan, *known;
} query_rows[] = {
    {'q', NULL, "SEARCH t USING INDEX u (a=?)", NULL, NULL},
    {'x', "no such table: t", NULL, NULL, "SCAN t"},
    {'h', NULL, "SCAN t", NULL, "SEARCH t USING INDEX u (a=?)"},     /* it was better once */
    {'n', NULL, "SEARCH t USING INDEX u (a=?)", "SCAN t", "SCAN t"}, /* better when the run began */
    {'b', NULL, "SCAN t", "SEARCH t USING INDEX u (a=?)", "SEARCH t USING INDEX u (a=?)"},
};

static void plan_fill(struct queryplan *plan, const char *line, uint32_t root)
{
    json_t *lines = line ? json_pack("[s]", line) : json_array();

    queryplan_load(lines, plan);
    json_decref(lines);
    plan->roots = memory_zeroed(1, sizeof *plan->roots);
    plan->roots[0] = root;
    plan->root_count = line != NULL;
}

static void item_fill(struct indexes_item *item, char letter)
{
    size_t i = 0;

    while (item_rows[i].letter != letter)
        i++;
    *item = (struct indexes_item){.def = {.name = memory_copy(item_rows[i].name)},
                                  .state = item_rows[i].state,
                                  .why = memory_copy(item_rows[i].why),
                                  .rows = item_rows[i].rows};
}

static void old_fill(struct indexes_old *old, char letter)
{
    const char name[] = {letter, '\0'};
    size_t i = 0;

    while (old_rows[i].letter != letter)
        i++;
    *old = (struct indexes_old){.name = memory_copy(name),
                                .there = old_rows[i].there,
                                .offline = old_rows[i].offline,
                                .why = memory_copy(old_rows[i].why),
                                .keep = memory_copy(old_rows[i].keep),
                                .root = old_rows[i].root,
                                .bytes = old_rows[i].bytes};
}

static void query_fill(struct indexes_query *query, char letter)
{
    static const char sqls[] = "SELECT q\0SELECT x\0SELECT h\0SELECT n\0SELECT b";
    size_t i = 0;

    while (query_rows[i].letter != letter)
        i++;
    *query = (struct indexes_query){.sql = sqls + i * sizeof "SELECT q",
                                    .error = memory_copy(query_rows[i].error)};
    plan_fill(&query->first, query_rows[i].first, letter == 'q' ? 6 : 1);
    plan_fill(&query->plan, query_rows[i].plan, 1);
    plan_fill(&query->known, query_rows[i].known, 1);
}

static struct indexes_facts *facts_of(const char *items, const char *olds, const char *queries)
{
    struct indexes_facts *facts = memory_new(struct indexes_facts);

    facts->items = memory_zeroed(MOST, sizeof *facts->items);
    facts->olds = memory_zeroed(MOST, sizeof *facts->olds);
    facts->queries = memory_zeroed(MOST, sizeof *facts->queries);
    facts->max_lock_seconds = 0.01;
    for (; *items; items++)
        item_fill(&facts->items[facts->count++], *items);
    for (; *olds; olds++)
        old_fill(&facts->olds[facts->old_count++], *olds);
    for (; *queries; queries++)
        query_fill(&facts->queries[facts->query_count++], *queries);
    return facts;
}

/* --- decisions ---------------------------------------------------------------------------- */

static const struct {
    const char *items, *olds, *queries;
    bool act, window;
    double seconds;
    int64_t bytes;
    const char *reason;
} decide_rows[] = {
    {"", "", "", false, false, 0, -1, "the policy wants no index and drops none"},
    {"t", "", "", false, false, 0, -1, "1 index is there as wanted"},
    {"tt", "g", "", false, false, 0, -1,
     "2 indexes are there as wanted and 1 index that must not be there is gone"},
    {"", "gg", "", false, false, 0, -1, "2 indexes that must not be there are gone"},
    {"te", "", "", true, false, 0, -1, "1 index is missing: empty, about 0 rows"},
    {"too", "", "", true, false, 40, -1, "2 indexes are missing: one, one, about 2,000,000 rows"},
    {"oooooo", "", "", true, false, 120, -1,
     "6 indexes are missing: one, one, one, one, one and 1 more, about 6,000,000 rows"},
    {"s", "", "", true, false, 0.002, -1,
     "1 index is missing: short, about 1,000 rows; short can't be built online: too old"},
    {"l", "", "", true, true, 2, -1,
     "1 index is missing: long, about 1,000,000 rows; long can't be built online: too odd"},
    {"lo", "", "", true, false, 22, -1,
     "2 indexes are missing: long, one, about 2,000,000 rows; long can't be built online: too odd"},
    {"ls", "", "", true, false, 2.002, -1,
     "2 indexes are missing: long, short, about 1,001,000 rows; long can't be built online: too "
     "odd; short can't be built online: too old"},
    {"tw", "", "", true, false, 0, -1, "wrong can't be had: no such table: t"},
    {"we", "d", "", true, false, 0.3072, 12 * MIB,
     "wrong can't be had: no such table: t; 1 index is missing: empty, about 0 rows; 1 index is to "
     "be dropped: d, 12.0 MiB"},
    {"t", "dg", "", true, false, 0.3072, 12 * MIB, "1 index is to be dropped: d, 12.0 MiB"},
    {"", "f", "", true, true, 2.048, 400 * MIB, "1 index is to be dropped: f, 400.0 MiB"},
    {"", "k", "", false, false, 0, -1, "k stays: it is UNIQUE"},
    {"e", "k", "", true, false, 0, -1,
     "1 index is missing: empty, about 0 rows; k stays: it is UNIQUE"},
    {"t", "u", "", true, false, 0.3072, 12 * MIB, "1 index is to be dropped: u, 12.0 MiB"},
    {"t", "u", "q", false, false, 0, -1,
     "u stays: a watched query uses it: SELECT q; of 1 watched plan none is worse"},
    {"e", "u", "q", true, false, 0.3072, 12 * MIB, /* it may use the new one then */
     "1 index is missing: empty, about 0 rows; 1 index is to be dropped: u, 12.0 MiB; of 1 watched "
     "plan none is worse"},
    {"t", "", "qxh", false, false, 0, -1,
     "1 index is there as wanted; of 3 watched plans 1 is worse: SELECT h: SCAN t, was SEARCH t "
     "USING INDEX u (a=?); 1 can't be compiled: SELECT x: no such table: t"},
};

START_TEST(decisions)
{
    struct indexes_facts *facts =
        facts_of(decide_rows[_i].items, decide_rows[_i].olds, decide_rows[_i].queries);
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    indexes_watch_judge(facts, false);
    task_indexes.decide(NULL, facts, 0, &decision);
    ck_assert_str_eq(decision.reason, decide_rows[_i].reason);
    ck_assert(decision.act == decide_rows[_i].act);
    ck_assert(decision.needs_window == decide_rows[_i].window);
    ck_assert_double_eq_tol(decision.seconds, decide_rows[_i].seconds, 1e-9);
    ck_assert_int_eq(decision.bytes, decide_rows[_i].bytes);
    task_indexes.free_facts(facts);
}
END_TEST

/* What needs the window is told by its shortest part. */
START_TEST(parts)
{
    struct indexes_facts *facts = facts_of("ll", "f", "");
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    facts->items[1].rows = 500000;
    task_indexes.decide(NULL, facts, 0, &decision);
    ck_assert(decision.needs_window);
    ck_assert_double_eq_tol(decision.seconds, 2 + 1 + 2.048, 1e-9);
    ck_assert_double_eq_tol(decision.part_seconds, 1, 1e-9);
    task_indexes.free_facts(facts);
}
END_TEST

/* --- what is remembered ------------------------------------------------------------------- */

static const struct {
    char query;
    bool accept;
    int worse;
    const char *known; /* what the next run holds the plan to */
} memory_rows[] = {
    {'q', false, 0, "SEARCH t USING INDEX u (a=?)"},
    {'x', false, 0, "SCAN t"}, /* what can't be compiled may come back */
    {'h', false, 1, "SEARCH t USING INDEX u (a=?)"},
    {'h', true, 0, "SCAN t"},
    {'n', false, 1, "SEARCH t USING INDEX u (a=?)"},
    {'n', true, 1, "SEARCH t USING INDEX u (a=?)"}, /* nobody has accepted what came of the run */
    {'b', false, 0, "SEARCH t USING INDEX u (a=?)"},
};

START_TEST(remembers)
{
    const char letters[] = {memory_rows[_i].query, '\0'};
    struct indexes_facts *facts = facts_of("", "", letters), *next = facts_of("", "", letters);
    json_t *effect;

    indexes_watch_judge(facts, memory_rows[_i].accept);
    effect = indexes_look(NULL, facts);
    ck_assert(json_is_true(json_object_get(effect, "remember")));
    ck_assert_int_eq(json_integer_value(json_object_get(effect, "worse_plans")),
                     memory_rows[_i].worse);
    indexes_watch_known(next, effect);
    ck_assert_uint_eq(next->queries[0].known.count, 1);
    ck_assert_str_eq(next->queries[0].known.lines[0], memory_rows[_i].known);
    next->queries[0].sql = "another one";
    indexes_watch_known(next, effect);
    ck_assert_uint_eq(next->queries[0].known.count, 0);
    json_decref(effect);
    task_indexes.free_facts(facts);
    task_indexes.free_facts(next);
}
END_TEST

/* The history's word may be of anyone. */
static const char *const odd[] = {"null",
                                  "[]",
                                  "{}",
                                  "{\"plans\":1}",
                                  "{\"plans\":[1,{},[]]}",
                                  "{\"plans\":[{\"id\":1,\"plan\":[\"SCAN t\"]}]}"};

START_TEST(odd_memories)
{
    struct indexes_facts *facts = facts_of("", "", "q");
    json_t *effect = json_loads(odd[_i], JSON_DECODE_ANY, NULL);

    indexes_watch_known(facts, effect);
    ck_assert_uint_eq(facts->queries[0].known.count, 0);
    json_decref(effect);
    task_indexes.free_facts(facts);
}
END_TEST

START_TEST(nothing_watched)
{
    struct indexes_facts *facts = facts_of("t", "d", "");

    ck_assert_ptr_null(indexes_look(NULL, facts));
    task_indexes.free_facts(facts);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof *(rows))

int main(void)
{
    Suite *suite = suite_create("indexes_decide");
    TCase *cases = tcase_create("indexes_decide");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, decisions, 0, COUNT(decide_rows));
    tcase_add_test(cases, parts);
    tcase_add_loop_test(cases, remembers, 0, COUNT(memory_rows));
    tcase_add_loop_test(cases, odd_memories, 0, COUNT(odd));
    tcase_add_test(cases, nothing_watched);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
