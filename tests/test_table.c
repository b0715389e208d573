/* How rows of a table are told apart and found by age, for every kind of table that SQLite has. */
#include "table.h"

#include "lib_opened.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* `key` is the columns with commas, or NULL and the reason; the table is t, the column "at". */
static const struct {
    const char *schema, *key, *index, *why;
    bool key_is_time;
} table_rows[] = {
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at)", "`rowid`", NULL, NULL, false},
    {"CREATE TABLE t(at)", "`rowid`", NULL, NULL, false},
    {"CREATE TABLE T(AT); CREATE INDEX i ON t(At)", "`rowid`", "i", NULL, false},
    {"CREATE TABLE t(at INTEGER PRIMARY KEY)", "`rowid`", NULL, NULL, true},
    {"CREATE TABLE t(at INT PRIMARY KEY)", "`rowid`", "sqlite_autoindex_t_1", NULL, false},
    /* A quirk: this is no alias of the rowid, and has an index. */
    {"CREATE TABLE t(at INTEGER PRIMARY KEY DESC)", "`rowid`", "sqlite_autoindex_t_1", NULL, false},
    {"CREATE TABLE t(at integer, PRIMARY KEY(at DESC))", "`rowid`", NULL, NULL, true},
    {"CREATE TABLE t(at UNIQUE)", "`rowid`", "sqlite_autoindex_t_1", NULL, false},

    {"CREATE TABLE t(rowid, at)", "`_rowid_`", NULL, NULL, false},
    {"CREATE TABLE t(ROWID, _Rowid_, at)", "`oid`", NULL, NULL, false},
    {"CREATE TABLE t(rowid, _rowid_, oid, id INTEGER PRIMARY KEY, at)", "`id`", NULL, NULL, false},
    {"CREATE TABLE t(rowid INTEGER PRIMARY KEY, _rowid_, oid, at)", "`rowid`", NULL, NULL, false},
    {"CREATE TABLE t(rowid, _rowid_, oid, at INTEGER PRIMARY KEY)", "`at`", NULL, NULL, true},
    {"CREATE TABLE t(rowid, _rowid_, oid, at)", NULL, NULL, "can't be told apart", false},
    {"CREATE TABLE t(rowid, _rowid_, oid, a PRIMARY KEY, at)", NULL, NULL, "can't be told apart",
     false}, /* a primary key may be NULL */
    {"CREATE TABLE t(rowid, _rowid_, oid, a UNIQUE, at)", NULL, NULL, "can't be told apart", false},
    {"CREATE TABLE t(rowid, _rowid_, oid, a NOT NULL UNIQUE, at)", "`a`", NULL, NULL, false},
    {"CREATE TABLE t(rowid, _rowid_, oid, a NOT NULL, b NOT NULL, at, UNIQUE(b, a))", "`b`, `a`",
     NULL, NULL, false},
    {"CREATE TABLE t(rowid, _rowid_, oid, a NOT NULL, b, at, UNIQUE(b, a))", NULL, NULL,
     "can't be told apart", false},
    {"CREATE TABLE t(rowid, _rowid_, oid, a NOT NULL, at);"
     "CREATE UNIQUE INDEX i ON t(a) WHERE a > 0",
     NULL, NULL, "can't be told apart", false},
    {"CREATE TABLE t(rowid, _rowid_, oid, a NOT NULL, at); CREATE UNIQUE INDEX i ON t(a + 1)", NULL,
     NULL, "can't be told apart", false},
    {"CREATE TABLE t(rowid, _rowid_, oid AS (a + 1), a, at)", NULL, NULL, "can't be told apart",
     false}, /* a generated column hides the name, too */
    {"CREATE TABLE t(rowid AS (1) STORED, at)", "`_rowid_`", NULL, NULL, false},

    {"CREATE TABLE t(a PRIMARY KEY, at) WITHOUT ROWID", "`a`", NULL, NULL, false},
    {"CREATE TABLE t(a INTEGER PRIMARY KEY, at) WITHOUT ROWID", "`a`", NULL, NULL, false},
    {"CREATE TABLE t(a, b, at, PRIMARY KEY(b DESC, a)) WITHOUT ROWID", "`b`, `a`", NULL, NULL,
     false},
    {"CREATE TABLE t(a, at, PRIMARY KEY(at, a)) WITHOUT ROWID", "`at`, `a`", "sqlite_autoindex_t_1",
     NULL, true},
    {"CREATE TABLE t(a, at, PRIMARY KEY(a, at)) WITHOUT ROWID; CREATE INDEX i ON t(at)",
     "`a`, `at`", "i", NULL, false},
    {"CREATE TABLE t(rowid PRIMARY KEY, at) WITHOUT ROWID", "`rowid`", NULL, NULL, false},
    {"CREATE TABLE t(a TEXT COLLATE NOCASE PRIMARY KEY, at) WITHOUT ROWID", "`a`", NULL, NULL,
     false},
    /* 'a' and 'A' are two rows, and a = 'a' is both of them. */
    {"CREATE TABLE t(a TEXT COLLATE NOCASE, at, PRIMARY KEY(a COLLATE BINARY)) WITHOUT ROWID", NULL,
     NULL, "a has the collation NOCASE, but is unique by BINARY", false},
    {"CREATE TABLE t(rowid, _rowid_, oid, a COLLATE NOCASE NOT NULL, at);"
     "CREATE UNIQUE INDEX i ON t(a COLLATE BINARY)",
     NULL, NULL, "a has the collation NOCASE, but is unique by BINARY", false},

    /* Which index: whole, by bytes, the column first, the narrowest. */
    {"CREATE TABLE t(at, a); CREATE INDEX i ON t(a, at)", "`rowid`", NULL, NULL, false},
    {"CREATE TABLE t(at, a); CREATE INDEX i ON t(at, a)", "`rowid`", "i", NULL, false},
    {"CREATE TABLE t(at, a); CREATE INDEX i ON t(at, a); CREATE INDEX j ON t(at DESC)", "`rowid`",
     "j", NULL, false},
    {"CREATE TABLE t(at, a); CREATE INDEX i ON t(at) WHERE a", "`rowid`", NULL, NULL, false},
    {"CREATE TABLE t(at, a); CREATE INDEX i ON t(at COLLATE NOCASE)", "`rowid`", NULL, NULL, false},
    {"CREATE TABLE t(at COLLATE NOCASE); CREATE INDEX i ON t(at)", "`rowid`", NULL, NULL, false},
    {"CREATE TABLE t(at, a); CREATE INDEX i ON t(substr(at, 1, 4), at)", "`rowid`", NULL, NULL,
     false},
    {"CREATE TABLE t(a, at AS (a + 1)); CREATE INDEX i ON t(at)", "`rowid`", "i", NULL, false},
    {"CREATE TABLE t(at); CREATE INDEX \"odd ` \"\" name\" ON t(at)", "`rowid`", "odd ` \" name",
     NULL, false},

    {"CREATE TABLE t(other)", NULL, NULL, "table t has no column at", false},
    {"CREATE TABLE u(at)", NULL, NULL, "there is no table t", false},
    {"CREATE TABLE u(at); CREATE VIEW t AS SELECT * FROM u", NULL, NULL,
     "t is a view, and rows go from tables alone", false},
    {"CREATE VIRTUAL TABLE t USING fts5(at)", NULL, NULL,
     "t is a virtual table, and rows go from tables alone", false},
    {" create  VIRTUAL  table t USING rtree(at, a, b)", NULL, NULL, "t is a virtual table", false},
};

static void check_loaded(int i, const struct table *table)
{
    struct text key = {0};

    table_key_columns(&table->key, "", &key);
    ck_assert_msg(table_rows[i].key && strcmp(key.bytes, table_rows[i].key) == 0, "key %s",
                  key.bytes);
    ck_assert_msg((table->index == NULL) == (table_rows[i].index == NULL), "index %s",
                  table->index);
    if (table->index)
        ck_assert_str_eq(table->index, table_rows[i].index);
    ck_assert_int_eq(table->key_is_time, table_rows[i].key_is_time);
    ck_assert(!table->triggers);
    text_free(&key);
}

START_TEST(tables)
{
    struct table table = {.name = NULL};
    struct error error = {0};
    enum status status;

    opened_sql(table_rows[_i].schema);
    status = table_load(opened_database(DATABASE_READ), "t", "at", &table, &error);
    if (table_rows[_i].why) {
        ck_assert_int_eq(status, STATUS_REFUSED);
        ck_assert_msg(strstr(error.text, table_rows[_i].why) != NULL, "%s", error.text);
        ck_assert_ptr_null(table.name);
    } else {
        ck_assert_msg(status == STATUS_OK, "%s", error.text);
        check_loaded(_i, &table);
    }
    table_free(&table);
}
END_TEST

/* Names are those of the schema, whatever the policy's case. */
START_TEST(names_as_the_schema_has_them)
{
    struct table table = {0};
    struct error error = {0};

    opened_sql("CREATE TABLE \"Odd Table\"(\"Odd \"\" Column\")");
    ck_assert_int_eq(table_load(opened_database(DATABASE_READ), "odd table", "odd \" column",
                                &table, &error),
                     STATUS_OK);
    ck_assert_str_eq(table.name, "Odd Table");
    ck_assert_str_eq(table.column, "Odd \" Column");
    table_free(&table);
}
END_TEST

static const char *const trigger_rows[] = {
    "CREATE TRIGGER g AFTER INSERT ON T BEGIN SELECT 1; END",
    "CREATE TRIGGER g BEFORE DELETE ON t BEGIN SELECT 1; END",
};

START_TEST(triggers_are_seen)
{
    struct table table = {0};

    opened_sql("CREATE TABLE t(at)");
    opened_sql(trigger_rows[_i]);
    ck_assert_int_eq(table_load(opened_database(DATABASE_READ), "t", "at", &table, NULL),
                     STATUS_OK);
    ck_assert(table.triggers);
    table_free(&table);
}
END_TEST

START_TEST(a_key_in_sql)
{
    struct table_key key = {.columns = {(char[]){"a"}, (char[]){"b ` c"}}, .count = 2};
    struct text sql = {0};

    table_key_equals(&key, "p.", 3, &sql);
    text_add(&sql, " / ");
    table_key_columns(&key, "q.", &sql);
    ck_assert_str_eq(sql.bytes, "p.`a` = ?3 AND p.`b `` c` = ?4 / q.`a`, q.`b `` c`");
    text_free(&sql);
}
END_TEST

/* The widest key is sixteen columns; a wider one must not be cut short, for then it would name
 * several rows. */
START_TEST(wide_keys)
{
    struct table_key key = {.count = 0};
    struct error error = {0};
    struct text sql = {0};

    text_add(&sql, "CREATE TABLE t(at");
    for (int i = 0; i < _i; i++)
        text_addf(&sql, ", c%d", i);
    text_add(&sql, ", PRIMARY KEY(c0");
    for (int i = 1; i < _i; i++)
        text_addf(&sql, ", c%d", i);
    text_add(&sql, ")) WITHOUT ROWID");
    opened_sql(sql.bytes);
    enum status status = table_key_load(opened_database(DATABASE_READ), "t", &key, &error);
    if (_i <= TABLE_KEY_COLUMNS) {
        ck_assert_int_eq(status, STATUS_OK);
        ck_assert_uint_eq(key.count, (size_t)_i);
    } else {
        ck_assert_int_eq(status, STATUS_REFUSED);
        ck_assert_uint_eq(key.count, 0);
    }
    table_key_free(&key);
    text_free(&sql);
}
END_TEST

/* The key finds each row alone: the SQL is run on a table of every kind above. */
START_TEST(keys_name_one_row)
{
    struct table table = {0};
    struct text sql = {0};

    if (!table_rows[_i].key || strstr(table_rows[_i].schema, " AS "))
        return;
    opened_sql(table_rows[_i].schema);
    int columns = (int)opened_value("SELECT count(*) FROM pragma_table_info('t')");
    for (int row = 1; row <= 3; row++) {
        text_clear(&sql);
        text_add(&sql, "INSERT INTO t VALUES(");
        for (int i = 0; i < columns; i++)
            text_addf(&sql, "%s%d", i ? "," : "", row * 10);
        text_add(&sql, ")");
        opened_sql(sql.bytes);
    }
    ck_assert_int_eq(table_load(opened_database(DATABASE_READ), "t", "at", &table, NULL),
                     STATUS_OK);
    text_clear(&sql);
    text_add(&sql, "SELECT count(*) FROM t AS p, t AS q WHERE (");
    table_key_columns(&table.key, "p.", &sql);
    text_add(&sql, ") = (");
    table_key_columns(&table.key, "q.", &sql);
    text_add(&sql, ")");
    ck_assert_int_eq(opened_value(sql.bytes), 3);
    table_free(&table);
    text_free(&sql);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *cases = tcase_create("table");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_add_loop_test(cases, tables, 0, COUNT(table_rows));
    tcase_add_loop_test(cases, keys_name_one_row, 0, COUNT(table_rows));
    tcase_add_test(cases, names_as_the_schema_has_them);
    tcase_add_loop_test(cases, triggers_are_seen, 0, COUNT(trigger_rows));
    tcase_add_test(cases, a_key_in_sql);
    tcase_add_loop_test(cases, wide_keys, 15, 19);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
