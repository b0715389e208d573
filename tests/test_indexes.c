/*
 * Indexes end to end: what is built and dropped and what is not, with which reason, that no row
 * changes, and that plans which got worse are found again and again until they are not.
 */
#include "lib_care.h"
#include "lib_expect.h"
#include "lib_sql.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS "20000"
/* A table with two indexes, and another one. */
#define TABLE                                                                             \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, c TEXT); CREATE INDEX t_a ON t(a);"     \
    "CREATE UNIQUE INDEX t_c ON t(c); CREATE TABLE s(x); INSERT INTO s VALUES (1), (2);"  \
    "CREATE VIEW v AS SELECT * FROM t INDEXED BY t_a WHERE a > 1;"                        \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " ROWS ") " \
    "INSERT INTO t SELECT i, i * 7919 % 1009, i % 50, 'row ' || i FROM n;"
/* Its rowid can't be named, so that nothing can be built online. */
#define HIDDEN(rows)                                                                      \
    "CREATE TABLE h(rowid, _rowid_, oid);"                                                \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " rows ") " \
    "INSERT INTO h SELECT i, i, i FROM n;"
#define IN(...) "    indexes: { " __VA_ARGS__ " }\n"

static const struct {
    const char *name, *policy, *setup, *words;
    int status;
    const char *outcome, *reason, *effect; /* patterns; NULL: any */
    const char *indexes; /* that the schema has then, whose names end in a small letter */
} cases[] = {
    {"nothing is wanted", IN(""), TABLE, "d", 0, "skipped",
     "the policy wants no index and drops none", "null", "t_a t_c"},
    {"missing ones are built",
     IN("ensure: ['CREATE INDEX IF NOT EXISTS t_b ON t(b, a DESC)', {name: t_e, table: T, columns: "
        "[lower(c), b DESC], where: a IS NOT NULL}, 'CREATE INDEX s_x ON s(x)']"),
     TABLE, "d", 0, "done", "3 indexes built: t_b, t_e, s_x",
     "{\"remember\":true,\"built\":[{\"name\":\"t_b\",\"table\":\"t\",\"online\":true,\"rows\":"
     "20000,\"seconds\":#},{\"name\":\"t_e\",\"table\":\"t\",\"online\":true,\"rows\":20000,"
     "\"seconds\":#},{\"name\":\"s_x\",\"table\":\"s\",\"online\":true,\"rows\":2,\"seconds\":#}],"
     "\"dropped\":[],\"left\":[]}",
     "s_x t_a t_b t_c t_e"},
    {"all are there",
     IN("ensure: ['create index main.\"T_A\" on [t] (\"A\" asc)', 'CREATE UNIQUE INDEX t_c ON "
        "t(c)'], drop: [gone]"),
     TABLE, "d", 0, "skipped",
     "2 indexes are there as wanted and 1 index that must not be there is gone", "null", "t_a t_c"},
    {"one is there as another; the others are built all the same",
     IN("ensure: ['CREATE INDEX t_a ON t(a DESC)', 'CREATE INDEX t_b ON t(b)']"), TABLE, "d", 1,
     "failed",
     "1 index built: t_b; t_a: it is there as \"CREATE INDEX t_a ON t(a)\", and wanted as \"CREATE "
     "INDEX t_a ON t(a DESC)\"; it is left as it is",
     "{\"remember\":true,\"built\":[{\"name\":\"t_b\"~}],\"dropped\":[],\"left\":[{\"name\":\"t_"
     "a\","
     "\"why\":\"it is there as~}]}",
     "t_a t_b t_c"},
    {"the name is taken", IN("ensure: ['CREATE INDEX s ON t(b)', 'CREATE INDEX v ON t(b)']"), TABLE,
     "d", 1, "failed",
     "no index was built or dropped; s: there is a table of that name; v: there is a view of that "
     "name",
     NULL, "t_a t_c"},
    {"there is no such table", IN("ensure: CREATE INDEX u_a ON u(a)"), TABLE, "d", 1, "failed",
     "no index was built or dropped; u_a: no such table: main.u", NULL, "t_a t_c"},
    {"a view is no table", IN("ensure: CREATE INDEX v_a ON v(a)"), TABLE, "d", 1, "failed",
     "no index was built or dropped; v_a: views may not be indexed", NULL, "t_a t_c"},
    {"there is no such column, and no text instead", IN("ensure: CREATE INDEX t_z ON t(\"z\")"),
     TABLE, "d", 1, "failed", "no index was built or dropped; t_z: no such column: z", NULL,
     "t_a t_c"},
    {"a function that we lack", IN("ensure: CREATE INDEX t_b ON t(twice(b))"), TABLE, "d", 1,
     "failed",
     "no index was built or dropped; t_b: it needs an SQL function, collation or module that the "
     "application brings and litekeeper lacks: no such function: twice",
     NULL, "t_a t_c"},
    {"a collation that we lack", IN("ensure: CREATE INDEX t_b ON t(b COLLATE shouting)"), TABLE,
     "d", 1, "failed", "~lacks: no such collation sequence: shouting", NULL, "t_a t_c"},
    {"rows violate a unique one",
     IN("ensure: ['CREATE UNIQUE INDEX t_b ON t(b)', CREATE INDEX t_d ON t(b)]"), TABLE, "d", 1,
     "failed",
     "1 index built: t_d; t_b: rows of t have the same key: b = 0 (# rows); b = 1 (# rows); b = 2 "
     "(# rows); ~",
     "{\"remember\":true,\"built\":[{\"name\":\"t_d\"~}],\"dropped\":[],\"left\":[{\"name\":\"t_"
     "b\","
     "\"why\":\"rows of t have the same key: ~\",\"violating\":\"b = 0 (# rows)~; b = 9 (# "
     "rows)\"}]}",
     "t_a t_c t_d"},
    {"and such of texts", IN("ensure: 'CREATE UNIQUE INDEX t_d ON t(substr(c, 1, 5), a > 2000)'"),
     TABLE, "d", 1, "failed",
     "no index was built or dropped; t_d: rows of t have the same key: substr(c, 1, 5) = 'row 1', "
     "a > 2000 = 0 (# rows); ~",
     NULL, "t_a t_c"},
    {"offline, and short", IN("ensure: CREATE INDEX h_a ON h(rowid)"), HIDDEN("2000"), "d", 0,
     "done", "1 index built: h_a",
     "{\"remember\":true,\"built\":[{\"name\":\"h_a\",\"table\":\"h\",\"online\":false,\"rows\":#,"
     "\"seconds\":#}],\"dropped\":[],\"left\":[]}",
     "h_a"},
    {"offline, and no window", IN("ensure: CREATE INDEX h_a ON h(rowid)"), HIDDEN("30000"), "d", 0,
     "skipped",
     "1 index is missing: h_a, about # rows; h_a can't be built online: the columns of h hide all "
     "three names of the rowid, and it has no INTEGER PRIMARY KEY; it would block the application, "
     "and the policy has no window for that",
     "null", ""},
    {"offline, in the window", CARE_WINDOW IN("ensure: CREATE INDEX h_a ON h(rowid)"),
     HIDDEN("30000"), "d", 0, "done", "1 index built: h_a", NULL, "h_a"},
    {"offline and online, and no window",
     IN("ensure: [CREATE INDEX h_a ON h(rowid), CREATE INDEX t_b ON t(b)]"), HIDDEN("30000") TABLE,
     "d", 0, "done", "1 index built: t_b; 1 would not end inside the window", NULL, "t_a t_b t_c"},
    {"observed", "    observe: true\n" IN("ensure: CREATE INDEX t_b ON t(b), drop: t_c"), TABLE,
     "d", 0, "skipped", "observe: would act on 1 index is missing: t_b, about # rows; t_c stays~",
     "null", "t_a t_c"},
    {"dropped", IN("drop: [t_b, gone]"), TABLE "CREATE INDEX t_b ON t(b COLLATE NOCASE, a DESC)",
     "d", 0, "done", "1 index dropped, # KiB",
     "{\"remember\":true,\"built\":[],\"dropped\":[{\"name\":\"t_b\",\"bytes\":#,\"seconds\":#}],"
     "\"left\":[]}",
     "t_a t_c"},
    {"one that is a constraint, one that is named, and a table are not dropped",
     IN("drop: [t_c, t_a, s]"), TABLE, "d", 0, "skipped",
     "t_c stays: it is UNIQUE, and without it its table's rows are held to nothing; t_a stays: the "
     "view v has INDEXED BY it; s stays: it is a table, not an index",
     "null", "t_a t_c"},
    {"nor if forced", IN("drop: [t_c, t_a, s]"), TABLE, "--force d", 0, "skipped",
     "no index was built or dropped; t_c: it stays: it is UNIQUE~", NULL, "t_a t_c"},
    {"nor one that a watched query uses",
     IN("drop: [t_b, t_d], watch: ['SELECT * FROM t WHERE b = 1']"),
     TABLE "CREATE INDEX t_b ON t(b); CREATE INDEX t_d ON t(a, b)", "d", 0, "done",
     "1 index dropped, # KiB; t_b: it stays: a watched query uses it: SELECT * FROM t WHERE b = 1; "
     "of 1 watched plan none is worse",
     NULL, "t_a t_b t_c"},
    {"and where it is the only one", IN("drop: t_b, watch: 'SELECT * FROM t WHERE b = 1'"),
     TABLE "CREATE INDEX t_b ON t(b)", "d", 0, "skipped",
     "t_b stays: a watched query uses it: SELECT * FROM t WHERE b = 1; of 1 watched plan none is "
     "worse",
     "{\"remember\":true,\"built\":[],\"dropped\":[],\"left\":[],\"worse_plans\":0,\"plans\":[~]}",
     "t_a t_b t_c"},
    {"unless it uses a new one then",
     IN("drop: t_b, ensure: 'CREATE INDEX t_d ON t(b, a)', watch: 'SELECT * FROM t WHERE b = 1 AND "
        "a = 2'"),
     TABLE "DROP VIEW v; DROP INDEX t_a; CREATE INDEX t_b ON t(b)", "d", 0, "done",
     "1 index built: t_d; 1 index dropped, # KiB; of 1 watched plan none is worse",
     "{\"remember\":true,\"built\":[{\"name\":\"t_d\"~}],\"dropped\":[{\"name\":\"t_b\"~}],"
     "\"left\":"
     "[],\"worse_plans\":0,\"plans\":[{\"query\":\"SELECT * FROM t WHERE b = 1 AND a = 2\",\"id\":"
     "\"~\",\"plan\":[\"SEARCH t USING INDEX t_d (b=? AND a=?)\"],\"before\":[\"SEARCH t USING "
     "INDEX "
     "t_b (b=?)\"]}]}",
     "t_c t_d"},
    {"with a collation that we lack", IN("drop: t_b"),
     TABLE "CREATE INDEX t_b ON t(b COLLATE shouting)", "d", 0, "done", "1 index dropped, # KiB",
     NULL, "t_a t_c"},
    {"with a function that we lack", IN("drop: t_b"), TABLE "CREATE INDEX t_b ON t(twice(b))", "d",
     0, "done", "1 index dropped, # KiB", NULL, "t_a t_c"},
    {"WITHOUT ROWID", IN("ensure: 'CREATE INDEX w_b ON w(b DESC)', drop: w_c"),
     "CREATE TABLE w(a, b, c, PRIMARY KEY(b, a)) WITHOUT ROWID; CREATE INDEX w_c ON w(c);"
     "INSERT INTO w VALUES(1, 2, NULL), (2, 1, 2.5)",
     "d", 0, "done", "1 index built: w_b; 1 index dropped, 4.0 KiB", NULL, "w_b"},
    {"queries that can't be compiled, and one that can",
     IN("watch: ['SELECT * FROM gone', 'SELECT twice(a) FROM t', 'SELECT * FROM t WHERE a = 1']"),
     TABLE, "d", 0, "skipped",
     "the policy wants no index and drops none; of 3 watched plans none is worse; 2 can't be "
     "compiled: SELECT * FROM gone: no such table: gone; SELECT twice(a) FROM t: it needs an SQL "
     "function, collation or module that the application brings and litekeeper lacks: no such "
     "function: twice",
     "{\"remember\":true,\"built\":[],\"dropped\":[],\"left\":[],\"worse_plans\":0,\"plans\":[{"
     "\"query\":\"SELECT * FROM gone\",\"id\":\"~\",\"plan\":[],\"error\":\"no such table: "
     "gone\"},~,{\"query\":\"SELECT * FROM t WHERE a = 1\",\"id\":\"~\",\"plan\":[\"SEARCH t USING "
     "INDEX t_a (a=?)\"]}]}",
     "t_a t_c"},
    {"names",
     IN("ensure: {name: \"an 'index' \\\"\", table: 'a \"table', columns: ['\"x y\"', z]}, drop: "
        "'[old]'"),
     "CREATE TABLE \"a \"\"table\"(\"x y\", z); CREATE INDEX \"[old]\" ON \"a \"\"table\"(z)", "d",
     0, "done", "1 index built: an 'index' \"; 1 index dropped, 4.0 KiB", NULL, "an 'index' \""},
};

enum { CASES = sizeof cases / sizeof *cases };

#define NAMES                                                                                  \
    "SELECT coalesce(group_concat(name, ' '), '') FROM (SELECT name FROM sqlite_master WHERE " \
    "(type = 'index' AND sql NOT NULL) OR name LIKE '%litekeeper%' ORDER BY name)"

START_TEST(works)
{
    care_policy(cases[_i].policy);
    care_make(_i % 2 ? "delete" : "wal", cases[_i].setup);
    char *before = care_contents();
    char *effect =
        care_whole(cases[_i].words, cases[_i].status, cases[_i].outcome, cases[_i].reason);
    char *after = care_contents();
    ck_assert_str_eq(before, after);
    if (cases[_i].effect)
        expect_text(cases[_i].name, effect, cases[_i].effect);
    care_expect(NAMES, cases[_i].indexes);
    care_expect("PRAGMA integrity_check", "ok");
    free(effect);
    free(after);
    free(before);
}
END_TEST

/* What was done is not due again. */
START_TEST(once)
{
    care_policy(
        IN("ensure: [CREATE INDEX t_b ON t(b), {name: t_d, table: t, columns: a, where: b > "
           "1}], drop: t_x"));
    care_make(_i ? "delete" : "wal", TABLE "CREATE INDEX t_x ON t(b)");
    free(care_whole("d", 0, "done", "2 indexes built: t_b, t_d; 1 index dropped, # KiB"));
    free(care_whole("d", 0, "skipped", "2 indexes are there as wanted and 1 index~is gone"));
    free(care_whole("--force d", 0, "skipped", "no index was built or dropped"));
}
END_TEST

/* The planner knows of what was built, and of what stood beside it without statistics. */
START_TEST(analyzed)
{
    care_policy(IN("ensure: 'CREATE INDEX t_b ON t(b, a)', drop: t_x"));
    care_make(_i ? "delete" : "wal", TABLE "CREATE INDEX t_x ON t(b); ANALYZE t_x; INSERT INTO "
                                           "sqlite_stat1 VALUES('s', 's_x', '2 1')");
    free(care_whole("d", 0, "done", "1 index built: t_b; 1 index dropped, # KiB"));
    care_expect("SELECT group_concat(idx, ' ') FROM (SELECT idx FROM sqlite_stat1 ORDER BY idx)",
                "s_x t_a t_b t_c");
    care_expect(
        "SELECT CAST(stat AS INTEGER) BETWEEN 15000 AND 25000 FROM sqlite_stat1 WHERE idx = 't_b'",
        "1");
}
END_TEST

/* --- plans -------------------------------------------------------------------------------- */

#define QUERY "SELECT * FROM t WHERE b = 1 AND a > 2"
#define WORSE                                                                                   \
    "; of 1 watched plan 1 is worse: " QUERY ": SCAN t, was SEARCH t USING INDEX t_b (b=? AND " \
    "a>?)"

/* Steps one after the other, with what the application does before each. */
static const struct {
    const char *sql, *words, *outcome, *reason;
    int worse;
} plan_steps[] = {
    {"", "d", "skipped",
     "the policy wants no index and drops none; of 1 watched plan none is worse", 0},
    {"DROP INDEX t_b", "d", "skipped", "the policy~" WORSE, 1},
    {"", "d", "skipped", "the policy~" WORSE, 1}, /* it does not get used to it */
    {"ALTER TABLE t RENAME TO u", "d", "skipped",
     "the policy~none is worse; 1 can't be compiled: " QUERY ": no such table: t", 0},
    {"ALTER TABLE u RENAME TO t", "d", "skipped", "the policy~" WORSE, 1},
    {"CREATE INDEX t_b2 ON t(b, a, c)", "d", "skipped", "the policy~none is worse", 0},
    {"DROP INDEX t_b2; CREATE INDEX t_b ON t(b)", "d", "skipped",
     "the policy~; of 1 watched plan 1 is worse: " QUERY
     ": SEARCH t USING INDEX t_b (b=?), was SEARCH t USING COVERING INDEX t_b2 (b=? AND a>?)",
     1},
    {"", "--force d", "skipped", "no index was built or dropped; of 1 watched plan none is worse",
     0},
    {"", "d", "skipped", "the policy~none is worse", 0}, /* that was accepted */
    {"DROP INDEX t_b", "d", "skipped", "the policy~: SCAN t, was SEARCH t USING INDEX t_b (b=?)",
     1},
};

START_TEST(plans)
{
    care_policy(IN("watch: '" QUERY "'"));
    care_make(_i ? "delete" : "wal",
              "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, c); CREATE INDEX t_b ON t(b, a);"
              "INSERT INTO t VALUES(1, 2, 3, 4)");
    for (size_t i = 0; i < sizeof plan_steps / sizeof *plan_steps; i++) {
        care_sql(plan_steps[i].sql);
        char *effect =
            care_whole(plan_steps[i].words, 0, plan_steps[i].outcome, plan_steps[i].reason);
        json_t *json = json_loads(effect, 0, NULL);
        ck_assert_int_eq(json_integer_value(json_object_get(json, "worse_plans")),
                         plan_steps[i].worse);
        json_decref(json);
        free(effect);
    }
}
END_TEST

/* A failed run remembers the plans, too, or the daily failure of one index would hide them. */
START_TEST(plans_of_a_failed_run)
{
    care_policy(IN("watch: '" QUERY "', ensure: CREATE INDEX t_z ON t(z)"));
    care_make("wal",
              "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, c); CREATE INDEX t_b ON t(b, a)");
    free(care_whole("d", 1, "failed", "~none is worse"));
    care_sql("DROP INDEX t_b");
    free(care_whole("d", 1, "failed", "~" WORSE));
}
END_TEST

/* However many there are. */
START_TEST(many_plans_fit)
{
    struct text policy = {0};

    text_add(&policy, "    indexes:\n      watch:\n");
    for (int i = 0; i < 100; i++)
        text_addf(
            &policy,
            "        - SELECT %d, * FROM t t1, t t2, t t3, t t4, t t5, t t6, t t7, t t8, t t9 "
            "WHERE t1.a = t2.b AND t2.a = t3.b AND t5.a = 1 ORDER BY 1, 2, 3\n",
            i);
    care_policy(policy.bytes);
    care_make("wal", TABLE);
    char *effect = care_whole("d", 0, "skipped", "the policy~; of 100 watched plans none is worse");
    json_t *json = json_loads(effect, 0, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "worse_plans")), 0);
    ck_assert_int_gt(json_integer_value(json_object_get(json, "plans_omitted")), 0);
    ck_assert_uint_gt(json_array_size(json_object_get(json, "plans")), 20);
    ck_assert_uint_lt(strlen(effect), 40000);
    json_decref(json);
    free(effect);
    text_free(&policy);
}
END_TEST

int main(void)
{
    const struct care_loop loops[] = {
        {works, CASES},      {once, 2}, {analyzed, 2}, {plans, 2}, {plans_of_a_failed_run, 1},
        {many_plans_fit, 1},
    };

    return care_main("indexes", loops, sizeof loops / sizeof *loops);
}
