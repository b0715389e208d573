/* Plans: which is worse than which, what is kept of one, and what may be asked for. */
#include "queryplan.h"

#include "lib_opened.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Lines with "|" between them. */
static struct queryplan plan_of(const char *text)
{
    char *copy = memory_copy(text), *rest = copy, *line;
    json_t *lines = json_array();
    struct queryplan plan;

    while ((line = strsep(&rest, "|")))
        if (*line)
            json_array_append_new(lines, json_string(line));
    queryplan_load(lines, &plan);
    json_decref(lines);
    free(copy);
    return plan;
}

#define BOTH  "SEARCH w USING INDEX i (a=? AND b=?)"
#define RANGE "SEARCH w USING INDEX i (a=? AND b>? AND b<?)"
#define ONE   "SEARCH w USING INDEX j (a=?)"
#define SORT  "USE TEMP B-TREE FOR ORDER BY"

static const struct {
    const char *before, *now, *why; /* NULL: it is not worse */
} worse_rows[] = {
    /* nothing is better or worse than nothing */
    {"", "", NULL},
    {"", "SCAN w", NULL},
    {ONE, "", NULL},
    {ONE, ONE, NULL},
    /* the whole table, an index as a whole, an index made for the query */
    {ONE, "SCAN w", "SCAN w, was " ONE},
    {"SCAN w", ONE, NULL},
    {ONE, "SCAN w USING COVERING INDEX k", "SCAN w USING COVERING INDEX k, was " ONE},
    {"SCAN w USING COVERING INDEX k", "SCAN w", "SCAN w, was SCAN w USING COVERING INDEX k"},
    {"SCAN w USING COVERING INDEX k", "SCAN w USING INDEX k",
     "SCAN w USING INDEX k, was SCAN w USING COVERING INDEX k"},
    {"SCAN w", "SCAN w USING COVERING INDEX k", NULL},
    {"SCAN v|" ONE, "SCAN v|SEARCH w USING AUTOMATIC COVERING INDEX (a=?)",
     "SEARCH w USING AUTOMATIC COVERING INDEX (a=?), was " ONE},
    {"SCAN v|SCAN w", "SCAN v|SEARCH w USING AUTOMATIC COVERING INDEX (a=?)", NULL},
    {"SCAN v|SEARCH w USING AUTOMATIC PARTIAL COVERING INDEX (a=?)", "SCAN v|SCAN w",
     "SCAN w, was SEARCH w USING AUTOMATIC PARTIAL COVERING INDEX (a=?)"},
    {"SEARCH w USING INTEGER PRIMARY KEY (rowid=?)", "SCAN w",
     "SCAN w, was SEARCH w USING INTEGER PRIMARY KEY (rowid=?)"},
    {ONE, ONE "|SCAN v", "SCAN v is new"},
    /* a join in another order is another plan, not a worse one */
    {"SCAN v|" ONE, "SCAN w|SEARCH v USING INDEX k (c=?)", NULL},
    {"SEARCH v USING INDEX k (c=?)|" BOTH,
     "SEARCH w USING INDEX l (d=?)|SEARCH v USING INTEGER PRIMARY KEY (rowid=?)", NULL},
    /* fewer columns, wider bounds */
    {BOTH, ONE, ONE ", was " BOTH},
    {ONE, BOTH, NULL},
    {BOTH, RANGE, RANGE ", was " BOTH},
    {RANGE, "SEARCH w USING INDEX i (a=? AND b>?)",
     "SEARCH w USING INDEX i (a=? AND b>?), was " RANGE},
    {"SEARCH w USING INDEX i (b=? AND a=?)", BOTH, NULL},
    {BOTH, "SEARCH w USING INDEX k (c=?)", NULL},
    {BOTH, "SEARCH w USING INTEGER PRIMARY KEY (rowid=?)", NULL},
    {"SEARCH w USING INTEGER PRIMARY KEY (rowid=?)", BOTH, NULL},
    {"SEARCH w USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH w USING INTEGER PRIMARY KEY (rowid>?)",
     "SEARCH w USING INTEGER PRIMARY KEY (rowid>?), was SEARCH w USING INTEGER PRIMARY KEY "
     "(rowid=?)"},
    {BOTH, "SEARCH w USING INDEX i (ANY(a) AND b=?)",
     "SEARCH w USING INDEX i (ANY(a) AND b=?), was " BOTH},
    {"SEARCH w USING INDEX i (<expr>=?)", "SEARCH w USING INDEX i (<expr>>?)",
     "SEARCH w USING INDEX i (<expr>>?), was SEARCH w USING INDEX i (<expr>=?)"},
    {"SEARCH w USING INTEGER PRIMARY KEY (rowid>?)",
     "SEARCH w USING INDEX i (<expr>=? AND rowid>?)", NULL},
    {"SEARCH w USING INDEX i ((a,b)>(?,?))", "SEARCH w USING INDEX i ((a,b)>(?,?))", NULL},
    /* the index alone, or the table besides */
    {"SEARCH w USING COVERING INDEX i (a=?)", ONE,
     ONE ", was SEARCH w USING COVERING INDEX i (a=?)"},
    {ONE, "SEARCH w USING COVERING INDEX i (a=?)", NULL},
    {"SEARCH w USING COVERING INDEX i (a=?)", BOTH, NULL},
    {BOTH, "SEARCH w USING COVERING INDEX i (a=?)", NULL},
    {"SEARCH w USING PRIMARY KEY (a=?)", ONE, ONE ", was SEARCH w USING PRIMARY KEY (a=?)"},
    /* one worse, one better: neither */
    {BOTH "|SEARCH v USING INDEX k (c=?)", ONE "|SEARCH v USING INDEX k (c=? AND d=?)", NULL},
    {BOTH "|SEARCH v USING INDEX k (c=?)", ONE "|SEARCH v USING INDEX k (c=?)", ONE ", was " BOTH},
    /* the same table twice, in the order of the lines */
    {"MULTI-INDEX OR|INDEX 1|" ONE "|INDEX 2|SEARCH w USING INDEX k (b=?)", "SCAN w",
     "SCAN w, was " ONE},
    /* sorting, if nothing else is different */
    {ONE, ONE "|" SORT, SORT " is new"},
    {ONE "|" SORT, ONE, NULL},
    {ONE "|USE TEMP B-TREE FOR RIGHT PART OF ORDER BY", ONE "|" SORT, SORT " is new"},
    {ONE "|USE TEMP B-TREE FOR LAST TERM OF ORDER BY", ONE "|" SORT, SORT " is new"},
    {ONE "|" SORT, ONE "|USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY", NULL},
    {ONE "|" SORT, ONE "|USE TEMP B-TREE FOR GROUP BY|" SORT, SORT " is new"},
    {"SCAN w USING INDEX i", ONE "|" SORT, NULL},
    {ONE "|" SORT, "SCAN w USING INDEX i", "SCAN w USING INDEX i, was " ONE},
    {ONE, BOTH "|" SORT, NULL},
    /* what is made for the query is no table */
    {"CO-ROUTINE x|SEARCH w USING INDEX j (a=?)|SCAN x", ONE, NULL},
    {ONE, "CO-ROUTINE x|SEARCH w USING INDEX j (a=?)|SCAN x", NULL},
    {ONE, "MATERIALIZE x|" ONE "|SCAN x", NULL},
    {ONE, "CO-ROUTINE (subquery-1)|" ONE "|SCAN (subquery-1)", NULL},
    {ONE, ONE "|SCAN CONSTANT ROW", NULL},
    {ONE, ONE "|SCAN 3 CONSTANT ROWS", NULL},
    {ONE, ONE "|SCAN json_each VIRTUAL TABLE INDEX 1:", NULL},
    /* as SQLite had it before 3.36 */
    {"SEARCH TABLE w USING INDEX j (a=?)", ONE, NULL},
    {"SEARCH TABLE worklogs AS w USING INDEX j (a=?)", ONE, NULL},
    {"SEARCH TABLE worklogs AS w USING INDEX i (a=? AND b=?)", "SCAN w",
     "SCAN w, was SEARCH TABLE worklogs AS w USING INDEX i (a=? AND b=?)"},
    {ONE, "SCAN TABLE w", "SCAN TABLE w, was " ONE},
    {ONE, ONE "|SCAN SUBQUERY 1 AS x", "SCAN SUBQUERY 1 AS x is new"},
    /* what nobody knows */
    {ONE, ONE "|BLOOM FILTER ON w (a=?)", NULL},
    {ONE, ONE " LEFT-JOIN", NULL},
    {"SEARCH", "SCAN", NULL},
    {"SEARCH  USING ", "SCAN  USING ", "SCAN  USING , was SEARCH  USING "},
    {"SEARCH w USING INDEX i (=?", "SEARCH w USING INDEX i ()", NULL},
    {"SEARCH w USING INDEX i (" BOTH, ONE, NULL},
};

START_TEST(judged)
{
    struct queryplan before = plan_of(worse_rows[_i].before), now = plan_of(worse_rows[_i].now);
    struct text why = {0};
    bool worse = queryplan_worse(&before, &now, &why);

    ck_assert_msg(worse == (worse_rows[_i].why != NULL), "%s -> %s: %s", worse_rows[_i].before,
                  worse_rows[_i].now, worse ? why.bytes : "not worse");
    if (worse)
        ck_assert_str_eq(why.bytes, worse_rows[_i].why);
    text_free(&why);
    queryplan_free(&before);
    queryplan_free(&now);
}
END_TEST

/* --- asked of SQLite ---------------------------------------------------------------------- */

static const struct {
    const char *sql;
    enum status status;
    const char *said;  /* the plan, or the error */
    const char *reads; /* of the database's b-trees, by name, with blanks between */
} ask_rows[] = {
    {"SELECT * FROM t WHERE a = 1", STATUS_OK, "SEARCH t USING INDEX t_a (a=?)", " t t_a "},
    {"SELECT a FROM t WHERE a = 1;", STATUS_OK, "SEARCH t USING COVERING INDEX t_a (a=?)", " t_a "},
    {"SELECT * FROM t ORDER BY c", STATUS_OK, "SCAN t; USE TEMP B-TREE FOR ORDER BY", " t "},
    {"SELECT * FROM v WHERE a = ?1 OR b = 2", STATUS_OK,
     "MULTI-INDEX OR; INDEX 1; SEARCH t USING INDEX t_a (a=?); INDEX 2; SEARCH t USING INDEX t_b "
     "(b=?)",
     " t t_a t_b "},
    {"SELECT 1", STATUS_OK, "SCAN CONSTANT ROW", " "},
    {"SELECT * FROM gone", STATUS_FAILED, "no such table: gone", ""},
    {"SELECT gone FROM t", STATUS_FAILED, "no such column: gone", ""},
    {"SELECT * FROM t INDEXED BY gone", STATUS_FAILED, "no such index: gone", ""},
    {"SELECT twice(a) FROM t", STATUS_REFUSED,
     "it needs an SQL function, collation or module that the application brings and litekeeper "
     "lacks: no such function: twice",
     ""},
    {"WITH x AS (SELECT 1) DELETE FROM t", STATUS_REFUSED, "not a query that only reads", ""},
    {"SELECT FROM", STATUS_FAILED, "near \"FROM\": syntax error", ""},
    {"EXPLAIN SELECT 1", STATUS_REFUSED, "not a query that only reads", ""},
    {"", STATUS_REFUSED, "not a query that only reads", ""},
};

static void check_reads(sqlite3 *db, const struct queryplan *plan, const char *expected)
{
    sqlite3_stmt *trees = sql_prepare(db, "SELECT name, rootpage FROM sqlite_master WHERE rootpage "
                                          "> 0 ORDER BY name");
    struct text reads = {0};

    text_add(&reads, " ");
    while (sqlite3_step(trees) == SQLITE_ROW)
        if (queryplan_reads(plan, (uint32_t)sqlite3_column_int(trees, 1)))
            text_addf(&reads, "%s ", (const char *)sqlite3_column_text(trees, 0));
    sqlite3_finalize(trees);
    ck_assert_str_eq(reads.bytes, expected);
    text_free(&reads);
}

START_TEST(asked)
{
    struct database *database;
    struct queryplan plan = {0};
    struct error error = {0};
    struct text said = {0};

    opened_sql("CREATE TABLE t(a, b, c); CREATE INDEX t_a ON t(a); CREATE INDEX t_b ON t(b);"
               "CREATE VIEW v AS SELECT * FROM t");
    database = opened_database(DATABASE_READ);
    enum status status = queryplan_ask(database, ask_rows[_i].sql, &plan, &error);
    ck_assert_msg(status == ask_rows[_i].status, "%s: %s", ask_rows[_i].sql, error.text);
    queryplan_say(&plan, &said);
    ck_assert_str_eq(status ? error.text : said.bytes, ask_rows[_i].said);
    if (!status)
        check_reads(database_sql(database), &plan, ask_rows[_i].reads);
    text_free(&said);
    queryplan_free(&plan);
    opened_close();
}
END_TEST

/* However large a plan is, and whatever the names in it. */
START_TEST(bounded)
{
    struct queryplan plan, again;
    json_t *lines = json_array();
    char *line = memory_zeroed(2000, 1);

    memset(line, 'x', 1999);
    memcpy(line, "SCAN \x1b[31m", 10);
    for (int i = 0; i < 100; i++)
        json_array_append_new(lines, json_string(line));
    json_array_append_new(lines, json_integer(1));
    queryplan_load(lines, &plan);
    ck_assert_uint_eq(plan.count, QUERYPLAN_LINES);
    ck_assert_uint_eq(strlen(plan.lines[0]), QUERYPLAN_LINE);
    ck_assert_ptr_null(strchr(plan.lines[0], '\x1b'));
    json_t *json = queryplan_json(&plan);
    queryplan_load(json, &again);
    ck_assert_uint_eq(again.count, plan.count);
    ck_assert_str_eq(again.lines[3], plan.lines[3]);
    json_decref(json);
    json_decref(lines);
    queryplan_free(&plan);
    queryplan_free(&again);
    queryplan_load(NULL, &plan);
    ck_assert_uint_eq(plan.count, 0);
    free(line);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof *(rows))

int main(void)
{
    Suite *suite = suite_create("queryplan");
    TCase *pure = tcase_create("pure"), *files = tcase_create("files");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(pure, judged, 0, COUNT(worse_rows));
    tcase_add_test(pure, bounded);
    tcase_add_checked_fixture(files, opened_set_up, opened_tear_down);
    tcase_add_loop_test(files, asked, 0, COUNT(ask_rows));
    suite_add_tcase(suite, pure);
    suite_add_tcase(suite, files);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
