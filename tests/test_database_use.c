/* A database in use: moved, replaced, locked, stopped; and what SQLite's result codes come to in
 * words. */
#include "database.h"

#include "clock.h"
#include "lib_folder.h"
#include "lib_opened.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- moved and replaced ------------------------------------------------------------------- */

static void move_away(void)
{
    ck_assert_int_eq(rename("app.db", "moved.db"), 0);
}

static void replace(void)
{
    move_away();
    folder_write("app.db", "another");
}

static void unlink_it(void)
{
    ck_assert_int_eq(unlink("app.db"), 0);
}

static void add_link(void)
{
    ck_assert_int_eq(link("app.db", "again.db"), 0);
}

static void (*const moves[])(void) = {move_away, replace, unlink_it, add_link};

START_TEST(moved_while_open)
{
    struct error error = {0};

    opened_make("CREATE TABLE t(a)");
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_int_eq(database_check_moved(database, &error), STATUS_OK);
    moves[_i]();
    ck_assert_int_eq(database_check_moved(database, &error), STATUS_REFUSED);
    ck_assert_int_ne(error.text[0], '\0');
}
END_TEST

/* Another file than the one that was seen is not opened at all. */
START_TEST(replaced_before_it_is_opened)
{
    struct identity seen = {.device = 1, .inode = 1};
    struct database *database = NULL;
    struct error error = {0};
    struct engine_host host = {0};

    opened_make("CREATE TABLE t(a)");
    ck_assert_int_eq(database_open("app.db", &seen, DATABASE_READ, 0, &host, &database, &error),
                     STATUS_REFUSED);
    ck_assert_ptr_null(database);
}
END_TEST

/* --- locked, stopped, overrunning --------------------------------------------------------- */

START_TEST(locked_by_the_application)
{
    struct database *database = NULL;
    struct error error = {0};

    opened_sql("CREATE TABLE t(a); PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
    double begin = clock_monotonic_ms();
    ck_assert_int_eq(opened_try(DATABASE_READ, 60, &database, &error), STATUS_BUSY);
    ck_assert_double_ge(clock_monotonic_ms() - begin, 59);
    ck_assert_msg(strstr(error.text, "the application kept it locked") != NULL, "%s", error.text);
    opened_stop = true; /* and it does not wait where it is told to stop */
    begin = clock_monotonic_ms();
    ck_assert_int_ne(opened_try(DATABASE_READ, 60000, &database, &error), STATUS_OK);
    ck_assert_double_lt(clock_monotonic_ms() - begin, 30000);
}
END_TEST

static const char endless[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

START_TEST(an_endless_statement)
{
    struct error error = {0};
    int64_t value = -7;

    opened_make("CREATE TABLE t(a)");
    struct database *database = opened_database(DATABASE_READ);
    database_deadlines(database, 0, clock_monotonic_ms() + 20);
    ck_assert_int_eq(database_integer(database, endless, 0, &value, &error), STATUS_CANCELLED);
    ck_assert(database_overran(database));
    ck_assert_int_eq(value, -7);
    database_deadlines(database, 0, 0);
    ck_assert(!database_overran(database));
    opened_stop = true;
    ck_assert_int_eq(database_integer(database, endless, 0, &value, &error), STATUS_CANCELLED);
    ck_assert(!database_overran(database));
}
END_TEST

/* --- an application that changes its schema all the time ---------------------------------- */

static struct {
    bool amid; /* what it asks itself is not to be answered by more */
    int changes;
} restless;

/* SQLite asks while it prepares a statement, when it has read the schema. */
static int change_schema(void *app, int action, const char *a, const char *b, const char *c,
                         const char *d)
{
    (void)action, (void)a, (void)b, (void)c, (void)d;
    if (restless.amid)
        return SQLITE_OK;
    restless.amid = true;
    restless.changes +=
        sqlite3_exec(app, "CREATE TABLE more(a); DROP TABLE more", NULL, NULL, NULL) == SQLITE_OK;
    restless.amid = false;
    return SQLITE_OK;
}

static const struct {
    const char *journal, *sql;
    int64_t value;
} restless_rows[] = {
    {"wal", "SELECT count(*) FROM t", 2},
    {"delete", "SELECT count(*) FROM t", 2},
    {"wal", "PRAGMA main.page_size", 4096},
    {"wal", "SELECT count(*) FROM main.sqlite_master WHERE name = 't'", 1},
    {"wal", "SELECT count(*) FROM pragma_table_list WHERE name = 'words'", 1},
    {"delete", "SELECT count(*) FROM pragma_table_list WHERE name = 'words'", 1},
    {"wal", "SELECT count(*) FROM words", 1},
    {"delete", "SELECT count(*) FROM words", 1},
    {"wal", "SELECT count(*) FROM words WHERE words MATCH 'one'", 1},
    {"wal", "SELECT count(*) FROM area WHERE x0 > 5", 1},
    {"delete", "SELECT count(*) FROM area WHERE x0 > 5", 1},
    {"wal", "SELECT count(*) FROM old_words", 1},
    {"delete", "SELECT count(*) FROM old_words", 1},
    {"wal", "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'", 1},
    {"delete", "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'", 1},
};

/* Each time that SQLite has prepared the statement, the schema is another one. */
START_TEST(the_schema_changes)
{
    struct error error = {0};
    int64_t value = 0;

    opened_sql("CREATE TABLE t(a); INSERT INTO t VALUES(1), (2);"
               "CREATE VIRTUAL TABLE words USING fts5(a); INSERT INTO words VALUES('one');"
               "CREATE VIRTUAL TABLE old_words USING fts4(a); INSERT INTO old_words VALUES('a');"
               "CREATE VIRTUAL TABLE area USING rtree(id, x0, x1);"
               "INSERT INTO area VALUES(1, 10, 11);");
    opened_sql(restless_rows[_i].journal[0] == 'w' ? "PRAGMA journal_mode=WAL"
                                                   : "PRAGMA journal_mode=DELETE");
    struct database *database = opened_database(DATABASE_READ);
    sqlite3_busy_timeout(opened_app(), 0);
    restless.changes = 0;
    sqlite3_set_authorizer(database_sql(database), change_schema, opened_app());
    enum status status = database_integer(database, restless_rows[_i].sql, -1, &value, &error);
    ck_assert_msg(status == STATUS_OK, "%s", error.text);
    ck_assert_int_eq(value, restless_rows[_i].value);
    ck_assert_int_gt(restless.changes, 0);
    ck_assert_msg(database_exec(database, restless_rows[_i].sql, &error) == STATUS_OK, "%s",
                  error.text);
    ck_assert(sqlite3_get_autocommit(database_sql(database)));
    ck_assert_int_eq(sqlite3_txn_state(database_sql(database), "main"), SQLITE_TXN_NONE);
    sqlite3_set_authorizer(database_sql(database), NULL, NULL);
}
END_TEST

/* The snapshot is there although the schema is another one at once. */
START_TEST(a_snapshot_beside_that)
{
    struct error error = {0};
    int64_t value = 0;

    opened_sql("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_int_eq(database_begin_read(database, &error), STATUS_OK);
    opened_sql("DROP TABLE t; CREATE TABLE u(a)");
    ck_assert_int_eq(database_integer(database, "SELECT count(*) FROM t", -1, &value, &error),
                     STATUS_OK);
    ck_assert_int_eq(value, 0);
    database_end_read(database);
    ck_assert_int_eq(database_integer(database, "SELECT count(*) FROM t", -1, &value, &error),
                     STATUS_FAILED);
    ck_assert_msg(strstr(error.text, "no such table"), "%s", error.text);
    database_end_read(database); /* which is over */
}
END_TEST

/* --- errors in words ---------------------------------------------------------------------- */

static const struct {
    int rc;
    enum status status;
    const char *words;
} error_rows[] = {
    {SQLITE_BUSY, STATUS_BUSY, "kept it locked"},
    {SQLITE_BUSY_SNAPSHOT, STATUS_BUSY, "kept it locked"},
    {SQLITE_LOCKED, STATUS_BUSY, "kept it locked"},
    {SQLITE_SCHEMA, STATUS_BUSY, "changes the schema"},
    {SQLITE_INTERRUPT, STATUS_CANCELLED, "stopped"},
    {SQLITE_READONLY_DIRECTORY, STATUS_FAILED, "can't be written"},
    {SQLITE_CANTOPEN_ISDIR, STATUS_FAILED, "can't be opened"},
    {SQLITE_NOTADB, STATUS_REFUSED, "encrypted"},
    {SQLITE_CORRUPT_INDEX, STATUS_FAILED, "it is damaged"},
    {SQLITE_FULL, STATUS_FAILED, "the disk is full"},
    {SQLITE_IOERR_FSYNC, STATUS_FAILED, "the disk fails"},
    {SQLITE_IOERR_NOMEM, STATUS_FAILED, ""},
    {SQLITE_NOMEM, STATUS_FAILED, "memory"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, STATUS_FAILED, ""},
};

START_TEST(result_codes)
{
    struct error error = {0};

    opened_make("CREATE TABLE t(a)");
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_int_eq(database_error(database, error_rows[_i].rc, &error), error_rows[_i].status);
    ck_assert_int_eq(error.status, error_rows[_i].status);
    ck_assert_msg(strstr(error.text, error_rows[_i].words) && !strchr(error.text, '%'), "%s",
                  error.text);
}
END_TEST

static const char *const lacking_rows[] = {
    "CREATE TABLE t(a, b AS (a || 'x')); CREATE INDEX i ON t(a COLLATE nocase);"
    "PRAGMA writable_schema=ON; UPDATE sqlite_master SET"
    " sql='CREATE INDEX i ON t(a COLLATE klingon)' WHERE name='i'",
    "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT warp(new.a); END",
};

START_TEST(functions_that_we_lack)
{
    struct error error = {0};

    opened_make(lacking_rows[_i]);
    struct database *database = opened_database(DATABASE_WRITE);
    ck_assert_msg(database_exec(database, "INSERT INTO t(a) VALUES(1)", &error) == STATUS_REFUSED,
                  "%s", error.text);
    ck_assert_msg(strstr(error.text, "that the application brings"), "%s", error.text);
}
END_TEST

/* --- who may write ------------------------------------------------------------------------ */

/* In a child process, as a user to whom the file does not belong; its exit status. */
static int as_stranger(mode_t mode)
{
    struct database *database = NULL;
    struct error error = {0};
    pid_t child;
    int status;

    ck_assert_int_eq(chmod(".", 0755), 0);
    ck_assert_int_eq(chmod("app.db", mode), 0);
    if ((child = fork()) == 0) {
        if (setgid(65534) || setuid(65534))
            _exit(99);
        enum status opened = opened_try(DATABASE_WRITE, 0, &database, &error);
        if (opened == STATUS_OK)
            opened = database_exec(database, "INSERT INTO t VALUES(1)", &error);
        _exit((int)opened);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(no_right_to_write)
{
    if (geteuid() != 0)
        return;
    opened_make("CREATE TABLE t(a)");
    ck_assert_int_eq(as_stranger(0644), STATUS_FAILED);
    ck_assert_int_eq(as_stranger(0600), STATUS_FAILED);
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t"), 0);
}
END_TEST

/* --- the change counter ------------------------------------------------------------------- */

START_TEST(commits_are_counted)
{
    opened_sql(_i ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE");
    opened_sql("CREATE TABLE t(a)");
    struct database *database = opened_database(DATABASE_READ);
    uint32_t before = database_changes(database);
    for (int i = 0; i < 5; i++)
        opened_sql("INSERT INTO t VALUES(1)");
    ck_assert_uint_eq(database_changes(database) - before, 5);
    opened_sql("BEGIN; INSERT INTO t VALUES(1); ROLLBACK");
    ck_assert_uint_eq(database_changes(database) - before, 5);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("database use");
    TCase *cases = tcase_create("database use");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, moved_while_open, 0, COUNT(moves));
    tcase_add_test(cases, replaced_before_it_is_opened);
    tcase_add_test(cases, locked_by_the_application);
    tcase_add_test(cases, an_endless_statement);
    tcase_add_loop_test(cases, the_schema_changes, 0, COUNT(restless_rows));
    tcase_add_test(cases, a_snapshot_beside_that);
    tcase_add_loop_test(cases, result_codes, 0, COUNT(error_rows));
    tcase_add_loop_test(cases, functions_that_we_lack, 0, COUNT(lacking_rows));
    tcase_add_test(cases, no_right_to_write);
    tcase_add_loop_test(cases, commits_are_counted, 0, 2);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
