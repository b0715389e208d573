/* Rows of ours as a table: kept in a list, read by SQL, and ended where the feed says so. */
#include "rowfeed.h"

#include "lib_sql.h"
#include "rowlist.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { FEED_COLUMNS = 2 };

struct feed {
    struct rowlist list;
    size_t next, fails_at; /* 0: never */
    struct rowfeed rows;
};

static sqlite3 *db;
static struct feed feed;

static int feed_next(void *argument, bool *row)
{
    struct feed *f = argument;

    if (f->fails_at && f->next == f->fails_at)
        return SQLITE_ABORT;
    *row = f->next < f->list.count;
    f->next += *row;
    return SQLITE_OK;
}

static void feed_give(void *argument, int column, sqlite3_context *value)
{
    struct feed *f = argument;

    rowlist_give(&f->list, f->next - 1, column, value);
}

/* Of every type, with text of two columns' width and a blob with a NUL. */
static void set_up(void)
{
    static const char values[] =
        "VALUES(1, 'one'), (-9223372036854775808, 2.5), (NULL, x'00ff'), ('', 'two words'),"
        " (1e300, NULL), (x'', 7)";

    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    feed = (struct feed){.rows = {FEED_COLUMNS, feed_next, feed_give, &feed}};
    sqlite3_stmt *rows = sql_prepare(db, values);
    while (sqlite3_step(rows) == SQLITE_ROW)
        rowlist_add(&feed.list, rows, FEED_COLUMNS);
    sqlite3_finalize(rows);
    sql_do(db, "CREATE TABLE expected AS SELECT column1 AS k1, column2 AS k2 FROM (%s)", values);
    ck_assert_int_eq(rowfeed_offer(db, "fed", &feed.rows), SQLITE_OK);
}

static void tear_down(void)
{
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    rowlist_free(&feed.list);
}

START_TEST(all_that_it_has)
{
    sql_do(db, "CREATE TABLE got(k1, k2)");
    sql_do(db, "INSERT INTO got SELECT * FROM fed");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM got"), 6);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM got g, expected e WHERE g.rowid = e.rowid"
                                    " AND g.k1 IS e.k1 AND g.k2 IS e.k2"
                                    " AND typeof(g.k1) = typeof(e.k1)"
                                    " AND typeof(g.k2) = typeof(e.k2)"),
                     6);
}
END_TEST

START_TEST(sorted)
{
    sql_expect(db, "SELECT group_concat(typeof(k2), ' ') FROM (SELECT * FROM fed ORDER BY k2)",
               "null real integer text text blob");
}
END_TEST

/* What it fails with is the statement's result, and nothing was inserted. */
START_TEST(a_feed_that_fails)
{
    sql_do(db, "CREATE TABLE got(k1, k2)");
    feed.fails_at = 3;
    ck_assert_int_eq(sqlite3_exec(db, "INSERT INTO got SELECT * FROM fed", NULL, NULL, NULL),
                     SQLITE_ABORT);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM got"), 0);
}
END_TEST

/* Views and triggers can't use it; and when it is taken back it is gone. */
START_TEST(for_us_alone)
{
    sql_do(db, "CREATE VIEW v AS SELECT * FROM fed");
    ck_assert_int_ne(sqlite3_exec(db, "SELECT * FROM v", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_uint_eq(feed.next, 0);
    ck_assert_int_eq(sqlite3_create_module_v2(db, "fed", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_ne(sqlite3_exec(db, "SELECT * FROM fed", NULL, NULL, NULL), SQLITE_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rowfeed");
    TCase *cases = tcase_create("rowfeed");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, all_that_it_has);
    tcase_add_test(cases, sorted);
    tcase_add_test(cases, a_feed_that_fails);
    tcase_add_test(cases, for_us_alone);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
