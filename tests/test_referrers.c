/*
 * Foreign keys, against SQLite's own enforcement of them: for each row of t, what is built here
 * says whether it can go, and clearing its dependents first comes to what its own actions do.
 */
#include "referrers.h"

#include "lib_opened.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* `dump` reads all that may change; `dependents` and `missing` NULL: none. */
static const struct {
    const char *schema, *dump, *dependents, *missing;
    bool restricts;
} rows[] = {
    {"CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1),(2)", "SELECT id FROM t",
     NULL, NULL, false},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p"
     " REFERENCES t ON DELETE CASCADE); INSERT INTO t VALUES(1),(2),(3);"
     "INSERT INTO c(p) VALUES(1),(1),(2),(NULL),(1)",
     "SELECT id, p FROM c ORDER BY 1", "c (CASCADE)", "CREATE INDEX ... ON \"c\"(\"p\")", false},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES t(id) ON DELETE SET "
     "NULL);"
     "CREATE INDEX i ON c(p); INSERT INTO t VALUES(1),(2); INSERT INTO c VALUES(1),(1),(2)",
     "SELECT rowid, p FROM c ORDER BY 1", "c (SET NULL)", NULL, false},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY);"
     "CREATE TABLE c(p DEFAULT 2 REFERENCES t(id) ON DELETE SET DEFAULT);"
     "CREATE INDEX i ON c(p); INSERT INTO t VALUES(1),(2); INSERT INTO c VALUES(1),(1)",
     "SELECT rowid, p FROM c ORDER BY 1", "c (SET DEFAULT)", NULL, false},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES t(id) ON DELETE "
     "RESTRICT);"
     "CREATE TABLE d(p REFERENCES t); CREATE INDEX i ON c(p); CREATE INDEX j ON d(p, 1);"
     "INSERT INTO t VALUES(1),(2),(3); INSERT INTO c VALUES(1); INSERT INTO d VALUES(2)",
     "SELECT p FROM c UNION ALL SELECT p FROM d", NULL, NULL, true},

    /* The case of names differs, and they need quotes. */
    {"CREATE TABLE T(Id INTEGER PRIMARY KEY);"
     "CREATE TABLE \"C ` \"\" D\"(\"p q\" REFERENCES t(ID) ON DELETE cascade);"
     "INSERT INTO t VALUES(1),(2); INSERT INTO \"C ` \"\" D\" VALUES(1),(2)",
     "SELECT * FROM \"C ` \"\" D\"", "C ` \" D (CASCADE)",
     "CREATE INDEX ... ON \"C ` \"\" D\"(\"p q\")", false},

    /* Composite, with and without the parent's columns named, and in another order; half a NULL
     * refers to nothing. */
    {"CREATE TABLE t(a, b, PRIMARY KEY(b, a));"
     "CREATE TABLE c(x, y, FOREIGN KEY(x, y) REFERENCES t ON DELETE CASCADE);"
     "CREATE TABLE d(x, y, FOREIGN KEY(x, y) REFERENCES t(a, b) ON DELETE SET NULL);"
     "INSERT INTO t VALUES(1, 2),(2, 1),(3, 3);"
     "INSERT INTO c VALUES(1, 2),(2, 1),(3, NULL),(NULL, 3);"
     "INSERT INTO d VALUES(1, 2),(2, 1),(3, NULL)",
     "SELECT 'c', x, y FROM c UNION ALL SELECT 'd', x, y FROM d", "c (CASCADE), d (SET NULL)",
     "CREATE INDEX ... ON \"c\"(\"x\", \"y\"); CREATE INDEX ... ON \"d\"(\"x\", \"y\")", false},

    /* A unique column that is not the primary key. */
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, name UNIQUE);"
     "CREATE TABLE c(p PRIMARY KEY REFERENCES t(name) ON DELETE CASCADE) WITHOUT ROWID;"
     "INSERT INTO t VALUES(1,'x'),(2,'y'),(3,NULL); INSERT INTO c VALUES('x'),('y')",
     "SELECT p FROM c", "c (CASCADE)", NULL, false},

    /* Two foreign keys of one child. */
    {"CREATE TABLE t(id INTEGER PRIMARY KEY);"
     "CREATE TABLE c(p REFERENCES t ON DELETE CASCADE, q REFERENCES t ON DELETE RESTRICT);"
     "CREATE INDEX i ON c(p); CREATE INDEX j ON c(q);"
     "INSERT INTO t VALUES(1),(2),(3),(4); INSERT INTO c VALUES(1, NULL),(NULL, 2),(3, 4)",
     "SELECT p, q FROM c", "c (CASCADE)", NULL, true},

    /* Deeper: what would go with it may be kept by others. */
    {"CREATE TABLE t(id INTEGER PRIMARY KEY);"
     "CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES t ON DELETE CASCADE);"
     "CREATE TABLE d(id INTEGER PRIMARY KEY, p REFERENCES c ON DELETE CASCADE);"
     "CREATE TABLE e(p REFERENCES d); CREATE TABLE f(p REFERENCES c ON DELETE SET NULL);"
     "CREATE INDEX i ON c(p); CREATE INDEX j ON d(p); CREATE INDEX k ON e(p);"
     "CREATE INDEX l ON f(p); INSERT INTO t VALUES(1),(2),(3),(4);"
     "INSERT INTO c VALUES(11,1),(12,1),(21,2),(22,2),(31,3);"
     "INSERT INTO d VALUES(111,11),(112,11),(121,12),(211,21),(221,22);"
     "INSERT INTO e VALUES(221); INSERT INTO f VALUES(11),(12),(31)",
     "SELECT 'c', id, p FROM c UNION ALL SELECT 'd', id, p FROM d"
     " UNION ALL SELECT 'f', rowid, p FROM f",
     "c (CASCADE)", NULL, true},

    /* Self references. */
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t ON DELETE SET NULL);"
     "CREATE INDEX i ON t(p); INSERT INTO t VALUES(1,NULL),(2,1),(3,1),(4,4)",
     "SELECT id, p FROM t", "t (SET NULL)", NULL, false},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t ON DELETE RESTRICT);"
     "CREATE INDEX i ON t(p); INSERT INTO t VALUES(1,NULL),(2,1),(3,1)",
     "SELECT id, p FROM t", NULL, NULL, true},

    /* A child whose columns hide the rowid. */
    {"CREATE TABLE t(id INTEGER PRIMARY KEY);"
     "CREATE TABLE c(rowid, p REFERENCES t ON DELETE CASCADE); CREATE INDEX i ON c(p);"
     "INSERT INTO t VALUES(1),(2); INSERT INTO c VALUES(7,1),(7,2),(NULL,1)",
     "SELECT rowid, p FROM c", "c (CASCADE)", NULL, false},

    /* Affinities differ. */
    {"CREATE TABLE t(id INTEGER PRIMARY KEY);"
     "CREATE TABLE c(p TEXT REFERENCES t ON DELETE CASCADE); CREATE INDEX i ON c(p);"
     "INSERT INTO t VALUES(1),(2),(3); INSERT INTO c VALUES('1'),('03'),('2')",
     "SELECT p FROM c", "c (CASCADE)", NULL, false},
    {"CREATE TABLE t(id TEXT PRIMARY KEY); CREATE TABLE c(p INT REFERENCES t);"
     "CREATE INDEX i ON c(p); INSERT INTO t VALUES('1'),('x'); INSERT INTO c VALUES(1)",
     "SELECT p FROM c", NULL, NULL, true},
    /* Collations differ where the child keeps its parent: the parent's counts. */
    {"CREATE TABLE t(id TEXT PRIMARY KEY COLLATE NOCASE); CREATE TABLE c(p TEXT REFERENCES t);"
     "CREATE INDEX i ON c(p); INSERT INTO t VALUES('a'),('b'); INSERT INTO c VALUES('A')",
     "SELECT p FROM c", NULL, NULL, true},
    {"CREATE TABLE t(id TEXT PRIMARY KEY); CREATE TABLE c(p TEXT COLLATE NOCASE REFERENCES t);"
     "CREATE INDEX i ON c(p); INSERT INTO t VALUES('a'),('A'); INSERT INTO c VALUES('A')",
     "SELECT p FROM c", NULL, NULL, true},
};

static const struct {
    const char *schema, *why;
} refused_rows[] = {
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t ON DELETE CASCADE)",
     "comes back to itself"},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES c ON DELETE CASCADE);"
     "CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES T ON DELETE CASCADE)",
     "comes back to itself"},
    {"CREATE TABLE t(id); CREATE TABLE c(p REFERENCES t)", "names no column of a primary key"},
    {"CREATE TABLE t(id PRIMARY KEY); CREATE TABLE c(p, q, FOREIGN KEY(p, q) REFERENCES t)",
     "names no column of a primary key"},
    /* Clearing by the child's collation would take children of other parents, too. */
    {"CREATE TABLE t(id TEXT PRIMARY KEY);"
     "CREATE TABLE c(p TEXT COLLATE NOCASE REFERENCES t ON DELETE CASCADE)",
     "collation"},
    {"CREATE TABLE t(id TEXT PRIMARY KEY);"
     "CREATE TABLE c(p TEXT COLLATE NOCASE REFERENCES t ON DELETE SET NULL)",
     "collation"},
    /* 1 refers to '1', and equals '01', too. */
    {"CREATE TABLE t(id TEXT PRIMARY KEY); CREATE TABLE c(p INT REFERENCES t ON DELETE CASCADE)",
     "p holds numbers, and several values of id may be the same number"},
    {"CREATE TABLE t(id PRIMARY KEY); CREATE TABLE c(p DATE REFERENCES t ON DELETE SET NULL)",
     "p holds numbers, and several values of id may be the same number"},
};

/* All rows of a query as text. */
static char *dump(const char *sql)
{
    struct text text = {0};
    sqlite3_stmt *statement = NULL;

    ck_assert_int_eq(sqlite3_prepare_v2(opened_app(), sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            text_addf(&text, "%s%s", value ? value : "NULL",
                      i + 1 < sqlite3_column_count(statement) ? "," : "; ");
        }
    sqlite3_finalize(statement);
    return text_take(&text);
}

/* Deletes the row as the application would, and takes it back. NULL: SQLite forbids it. */
static char *delete_plainly(int64_t rowid, const char *sql)
{
    char *delete = memory_format("DELETE FROM t WHERE rowid = %lld", (long long)rowid);
    char *after = NULL;

    opened_sql("PRAGMA foreign_keys=ON; BEGIN");
    if (sqlite3_exec(opened_app(), delete, NULL, NULL, NULL) == SQLITE_OK)
        after = dump(sql);
    opened_sql("ROLLBACK");
    free(delete);
    return after;
}

struct clearing {
    struct database *database;
    struct table table;
    struct referrers *referrers;
    sqlite3_stmt **statements;
    size_t count;
};

static void clearing_load(struct clearing *clearing)
{
    struct error error = {0};

    clearing->database = opened_database(DATABASE_WRITE);
    ck_assert_int_eq(table_key_load(clearing->database, "t", &clearing->table.key, &error),
                     STATUS_OK);
    ck_assert_msg(referrers_load(clearing->database, "t", &clearing->referrers, &error) ==
                      STATUS_OK,
                  "%s", error.text);
    ck_assert_msg(referrers_statements(clearing->database, clearing->referrers, &clearing->table,
                                       &clearing->statements, &clearing->count,
                                       &error) == STATUS_OK,
                  "%s", error.text);
}

static void clearing_free(struct clearing *clearing)
{
    for (size_t i = 0; i < clearing->count; i++)
        sqlite3_finalize(clearing->statements[i]);
    free(clearing->statements);
    referrers_free(clearing->referrers);
    table_key_free(&clearing->table.key);
}

static bool unblocked(struct clearing *clearing, int64_t rowid)
{
    struct text sql = {0};
    int64_t found = 0;

    text_addf(&sql, "SELECT 1 FROM t AS p WHERE p.rowid = %lld", (long long)rowid);
    referrers_unblocked(clearing->referrers, "p", &sql);
    ck_assert_int_eq(database_integer(clearing->database, sql.bytes, 0, &found, NULL), STATUS_OK);
    text_free(&sql);
    return found;
}

/* Clears the row's dependents two at a time, then deletes it. */
static char *delete_stepwise(struct clearing *clearing, int64_t rowid, const char *sql)
{
    sqlite3 *db = database_sql(clearing->database);
    char *delete = memory_format("DELETE FROM t WHERE rowid = %lld", (long long)rowid), *after;

    for (size_t i = 0; i < clearing->count; i++) {
        int changes;
        do {
            sqlite3_bind_int64(clearing->statements[i], 1, rowid);
            sqlite3_bind_int64(clearing->statements[i], 2, 2);
            ck_assert_int_eq(sqlite3_step(clearing->statements[i]), SQLITE_DONE);
            changes = sqlite3_changes(db);
            ck_assert_int_le(changes, 2);
            sqlite3_reset(clearing->statements[i]);
        } while (changes > 0);
    }
    ck_assert_msg(sqlite3_exec(db, delete, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    after = dump(sql);
    free(delete);
    return after;
}

static void check_text(char *text, const char *expected)
{
    ck_assert_msg((text == NULL) == (expected == NULL), "%s", text);
    if (text)
        ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(facts)
{
    struct clearing clearing = {.database = NULL};

    opened_sql(rows[_i].schema);
    clearing_load(&clearing);
    check_text(referrers_dependents(clearing.referrers), rows[_i].dependents);
    check_text(referrers_missing_indexes(clearing.referrers), rows[_i].missing);
    ck_assert_int_eq(referrers_restrict(clearing.referrers), rows[_i].restricts);
    ck_assert_int_eq(referrers_none(clearing.referrers),
                     !rows[_i].restricts && !rows[_i].dependents);
    clearing_free(&clearing);
}
END_TEST

START_TEST(as_sqlite_does_it)
{
    int64_t count, checked = 0;

    opened_sql(rows[_i].schema);
    count = opened_value("SELECT max(rowid) FROM t");
    for (int64_t rowid = 1; rowid <= count; rowid++) {
        struct clearing clearing = {.database = NULL};
        char *plain, *stepwise;
        opened_close();
        if (rowid > 1) {
            ck_assert_int_eq(remove("app.db"), 0);
            opened_sql(rows[_i].schema);
        }
        plain = delete_plainly(rowid, rows[_i].dump);
        clearing_load(&clearing);
        ck_assert_msg(unblocked(&clearing, rowid) == (plain != NULL), "row %d: SQLite %s",
                      (int)rowid, plain ? "takes it" : "keeps it");
        if (plain) {
            stepwise = delete_stepwise(&clearing, rowid, rows[_i].dump);
            ck_assert_str_eq(stepwise, plain);
            free(stepwise);
            checked++;
        }
        free(plain);
        clearing_free(&clearing);
    }
    ck_assert_int_gt(checked, 0);
}
END_TEST

START_TEST(refusals)
{
    struct referrers *referrers = NULL;
    struct error error = {0};

    opened_sql(refused_rows[_i].schema);
    ck_assert_int_eq(referrers_load(opened_database(DATABASE_READ), "t", &referrers, &error),
                     STATUS_REFUSED);
    ck_assert_msg(strstr(error.text, refused_rows[_i].why) != NULL, "%s", error.text);
    ck_assert_ptr_null(referrers);
}
END_TEST

/* A chain of tables: eight of them are followed, t included, more are refused. */
START_TEST(deep_cascades)
{
    struct referrers *referrers = NULL;
    struct error error = {0};
    struct text sql = {0};

    text_add(&sql, "CREATE TABLE t(id INTEGER PRIMARY KEY);");
    for (int i = 1; i <= _i; i++)
        text_addf(&sql,
                  "CREATE TABLE c%d(id INTEGER PRIMARY KEY, p REFERENCES %s%.0d"
                  " ON DELETE CASCADE);",
                  i, i == 1 ? "t" : "c", i - 1);
    opened_sql(sql.bytes);
    enum status status = referrers_load(opened_database(DATABASE_READ), "t", &referrers, &error);
    ck_assert_int_eq(status, _i < 8 ? STATUS_OK : STATUS_REFUSED);
    referrers_free(referrers);
    text_free(&sql);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("referrers");
    TCase *cases = tcase_create("referrers");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_add_loop_test(cases, facts, 0, COUNT(rows));
    tcase_add_loop_test(cases, as_sqlite_does_it, 0, COUNT(rows));
    tcase_add_loop_test(cases, refusals, 0, COUNT(refused_rows));
    tcase_add_loop_test(cases, deep_cascades, 6, 11);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
