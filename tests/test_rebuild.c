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

int main(void)
{
    Suite *suite = suite_create("rebuild");
    TCase *tests = tcase_create("rebuild");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_loop_test(tests, kinds, 0, 3 * sizeof cases / sizeof *cases);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
