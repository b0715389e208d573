/*
 * Indexes rebuilt and built online, each kind of them, without anybody beside. Afterwards the
 * table's integrity_check is that of SQLite, and the entries are compared with another index, made
 * by SQLite of the same columns.
 */
#include "rebuild.h"

#include "lib_opened.h"
#include "lib_rebuild.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ROWS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "

static const struct rebuild_case {
    const char *setup, *index;
} cases[] = {
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b); CREATE INDEX i ON t(a);" ROWS
     "INSERT INTO t SELECT i, hex(randomblob(8)), i FROM n",
     "i"},
    {"CREATE TABLE t(a, b REAL); CREATE INDEX i ON t(b, a DESC);" ROWS
     "INSERT INTO t SELECT CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i WHEN 2 THEN randomblob(9)"
     " ELSE hex(i) END, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN i / 10 ELSE i / 7.0 END FROM n",
     "i"},
    {"CREATE TABLE t(a, b, c); CREATE INDEX i ON t(a DESC, b, c DESC);" ROWS
     "INSERT INTO t SELECT nullif(i % 4, 0), nullif(i % 3, 0), nullif(i % 50, 0) FROM n",
     "i"},
    {"CREATE TABLE t(a TEXT COLLATE NOCASE, b); CREATE INDEX i ON t(a, b COLLATE RTRIM);" ROWS
     "INSERT INTO t SELECT CASE i % 2 WHEN 0 THEN upper(hex(i % 99)) ELSE lower(hex(i % 99)) END,"
     " 'x' || substr('    ', i % 4) FROM n",
     "i"},
    {"CREATE TABLE t(a TEXT PRIMARY KEY, b UNIQUE);" ROWS
     "INSERT INTO t SELECT hex(randomblob(8)), CASE i % 3 WHEN 0 THEN NULL ELSE i END FROM n",
     "sqlite_autoindex_t_1"},
    {"CREATE TABLE t(a TEXT PRIMARY KEY, b UNIQUE);" ROWS
     "INSERT INTO t SELECT hex(randomblob(8)), CASE i % 3 WHEN 0 THEN NULL ELSE i END FROM n",
     "sqlite_autoindex_t_2"},
    {"CREATE TABLE t(a, b); CREATE INDEX i ON t(b) WHERE a > 10 AND t.b IS NOT NULL -- so\n;" ROWS
     "INSERT INTO t SELECT i % 20, nullif(i, 77) FROM n",
     "i"},
    {"CREATE TABLE t(a, b); CREATE UNIQUE INDEX i ON t(lower(a || ',)'), CAST(b AS REAL) DESC"
     " /* ( */);" ROWS "INSERT INTO t SELECT 'X' || i, i FROM n",
     "i"},
    {"CREATE TABLE t(p TEXT, q REAL, y, PRIMARY KEY(p, q DESC)) WITHOUT ROWID;"
     "CREATE INDEX i ON t(y, q);" ROWS
     "INSERT INTO t SELECT hex(i % 50), i, nullif(i % 7, 0) FROM n",
     "i"},
    {"CREATE TABLE t(p COLLATE NOCASE, y COLLATE NOCASE, PRIMARY KEY(p COLLATE BINARY)) WITHOUT"
     " ROWID; CREATE UNIQUE INDEX i ON t(y COLLATE BINARY, p);" ROWS
     "INSERT INTO t SELECT CASE i % 2 WHEN 0 THEN 'a' ELSE 'A' END || (i / 2), char(65 + i % 50)"
     " FROM n",
     "i"},
    {"CREATE TABLE t(rowid, _rowid_, oid, id INTEGER PRIMARY KEY); CREATE INDEX i ON t(oid, "
     "id);" ROWS "INSERT INTO t SELECT i, i, hex(i), i * 3 FROM n",
     "i"},
    {"CREATE TABLE t(a INT, g INT AS (a * 2), h TEXT AS (a || 'x') STORED, r ANY) STRICT;"
     "CREATE INDEX i ON t(g, h, r);" ROWS "INSERT INTO t(a, r) SELECT i % 99, i || '' FROM n",
     "i"},
    {"CREATE TABLE `t\"` (`k 1`, `a` `b c`); CREATE INDEX `i` ON `t\"`(`k 1`) WHERE 'it''s' <> `a`"
     ";" ROWS "INSERT INTO `t\"` SELECT i, i % 3 FROM n",
     "i"},
    /* text that is not well-formed, in UTF-8 or UTF-16 */
    {"CREATE TABLE t(a, b); CREATE INDEX i ON t(a, a || b);" ROWS
     "INSERT INTO t SELECT CAST(CASE i % 3 WHEN 0 THEN x'01d8' ELSE x'ff61fe' END AS TEXT) || i, i"
     " FROM n",
     "i"},
    {"CREATE TABLE t(a, b); CREATE INDEX i ON t(a);", "i"},
};

static void setup_case(const struct rebuild_case *c, const char *journal, const char *encoding)
{
    char *sql = memory_format("PRAGMA encoding='%s'; PRAGMA journal_mode=%s; %s", encoding, journal,
                              c->setup);

    opened_make(sql);
    free(sql);
}

START_TEST(kinds)
{
    const struct rebuild_case *c = &cases[_i / 3];
    static const char *const journals[] = {"WAL", "DELETE", "WAL"};
    struct rebuild_result result;
    struct error error = {0};

    setup_case(c, journals[_i % 3], _i % 3 == 2 ? "UTF-16le" : "UTF-8");
    enum status status = lib_rebuild(c->index, &result, &error);
    ck_assert_msg(status == STATUS_OK, "%s: %s", c->setup, error.text);
    ck_assert(result.exchanged && !result.repaired && !result.left);
    ck_assert_str_eq(result.found, "");
    lib_rebuild_check(c->index);
}
END_TEST

/* The statement of an index that is there, which is then dropped and built anew. */
static char *take_away(const char *index)
{
    sqlite3 *db = sql_open("app.db");
    char *query = memory_format("SELECT sql FROM sqlite_master WHERE name = '%s'", index);
    sqlite3_stmt *row = sql_prepare(db, query);

    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    char *sql = memory_copy((const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    if (sql)
        sql_do(db, "DROP INDEX %s", index);
    sqlite3_close(db);
    free(query);
    return sql;
}

START_TEST(anew)
{
    const struct rebuild_case *c = &cases[_i / 2];
    struct rebuild_result result;
    struct error error = {0};

    setup_case(c, _i % 2 ? "WAL" : "DELETE", _i % 2 ? "UTF-16le" : "UTF-8");
    char *sql = take_away(c->index);
    if (!sql)
        return;
    enum status status = lib_rebuild_create(sql, &result, &error);
    ck_assert_msg(status == STATUS_OK, "%s: %s", sql, error.text);
    ck_assert(result.exchanged && !result.repaired && !result.left);
    ck_assert_str_eq(result.found, "");
    free(sql);
    lib_rebuild_check(c->index);
}
END_TEST

static const struct refusal {
    const char *setup, *sql, *reason, *violating;
} refusals[] = {
    {"CREATE TABLE t(a, b); INSERT INTO t VALUES(1, 2), (1, 3), (NULL, 1), (NULL, 2), ('x', 1),"
     " ('x', 2), ('x', 3)",
     "CREATE UNIQUE INDEX i ON t(a)", "rows of t have the same key of the unique index i",
     "a = 1 (2 rows); a = 'x' (3 rows)"},
    {"CREATE TABLE t(a, b); INSERT INTO t VALUES(1, 2), (-1, 2)",
     "CREATE UNIQUE INDEX i ON t(abs(a), b)",
     "the same key of the unique index i, so it was not built: abs(a) = 1, b = 2 (2 rows)",
     "abs(a) = 1, b = 2 (2 rows)"},
    {"CREATE TABLE t(a)", "CREATE INDEX i ON t(a); DROP TABLE t", "there is more behind it", ""},
    {"CREATE TABLE t(a)", "DROP TABLE t", "creates no index", ""},
    {"CREATE TABLE t(a)", "CREATE INDEX i ON u(a)", "no such table: main.u", ""},
    {"CREATE TABLE t(a); CREATE INDEX i ON t(a)", "CREATE INDEX I ON t(a)",
     "something of the name I already", ""},
    {"CREATE TABLE t(a)", "CREATE INDEX i ON t(foreign_function(a))",
     "no such function: foreign_function", ""},
    {"CREATE TABLE t(a)", "CREATE INDEX i ON t(a COLLATE shouting)", "shouting", ""},
    {"CREATE TABLE t(a NOT NULL DEFAULT 1, g AS (a + 1), UNIQUE(g))", "CREATE INDEX i ON t(a)",
     "t has the generated column g in a unique key, and a default for the NULL of a", ""},
    {"CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE INDEX i ON t_content(c0)",
     "not an ordinary table (shadow)", ""},
};

/* Refused, and nothing was changed. */
START_TEST(refused)
{
    const struct refusal *c = &refusals[_i];
    struct rebuild_result result;
    struct error error = {0};

    opened_make(c->setup);
    int64_t objects = opened_value("SELECT count(*) FROM sqlite_master");
    opened_close();
    ck_assert_int_eq(lib_rebuild_create(c->sql, &result, &error), STATUS_REFUSED);
    ck_assert_msg(strstr(error.text, c->reason) != NULL, "%s", error.text);
    ck_assert_str_eq(result.violating, c->violating);
    ck_assert_int_eq(opened_value("SELECT count(*) FROM sqlite_master"), objects);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rebuild");
    TCase *tests = tcase_create("rebuild");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_loop_test(tests, kinds, 0, 3 * sizeof cases / sizeof *cases);
    tcase_add_loop_test(tests, anew, 0, 2 * sizeof cases / sizeof *cases);
    tcase_add_loop_test(tests, refused, 0, sizeof refusals / sizeof *refusals);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
