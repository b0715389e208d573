/*
 * The copy that is made before pages are edited, while it is made: it is of one moment, and
 * verified; and what ends it. It needs the own build (see test_vacuum_online.c).
 */
#include "clock.h"
#include "lib_caring.h"
#include "lib_folder.h"
#include "lib_opened.h"
#include "lib_skip.h"
#include "lib_sql.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

enum { MOMENTS = 12 };

static const char *const modes[] = {"wal", "delete"};

/* A glob of the policy's does not take a copy for a database. */
START_TEST(a_copy_is_no_database)
{
    ck_assert(identity_beside("t.db" IDENTITY_COPY));
    ck_assert(identity_beside("t.db" IDENTITY_PART));
    ck_assert(identity_beside("t.db" IDENTITY_PART "-journal"));
    ck_assert(identity_beside("t.db" IDENTITY_KEPT));
    ck_assert(identity_beside("t.db" IDENTITY_MARK));
    ck_assert(!identity_beside("copy-of-litekeeper"));
}
END_TEST

/* With its entry in the index or without. */
static const struct {
    bool all;
    const char *why;
} texts[] = {
    {true, "the copy of the database is not what it must be: in table \"t\" a row is another "
           "one; nothing was changed"},
    {false, "the copy of the database is not what it must be: integrity_check says: row 111 "
            "missing from index i; nothing was changed"}};

/* A copy that SQLite has written, and that is another one when it is read. */
static int tampers;
static bool tamper_all;

static bool tamper(void *argument)
{
    (void)argument;
    if (!tampers && access("app.db" IDENTITY_PART, F_OK) == 0)
        tampers = caring_damage("app.db" IDENTITY_PART, tamper_all);
    return false;
}

START_TEST(a_copy_that_is_none)
{
    struct error error = {0};
    struct caring stage;

    caring_begin(&stage, "wal");
    opened_sql(
        "CREATE TABLE many(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 200000) INSERT INTO many SELECT i FROM n");
    tampers = 0;
    tamper_all = texts[_i].all;
    caring_job.host.stopped =
        tamper; /* asked while the rows are counted, after the copy was written */
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_FAILED);
    ck_assert_int_ge(tampers, 2);
    ck_assert_str_eq(error.text, texts[_i].why);
    ck_assert(!caring_here(IDENTITY_PART));
    ck_assert(!caring_here(IDENTITY_COPY));
    caring_end(&stage);
}
END_TEST

/* --- beside others ------------------------------------------------------------------------ */

static void writes(void)
{
    sqlite3 *db = sql_open("app.db");

    sql_do(db, "PRAGMA synchronous = OFF");
    for (int i = 0;; i++)
        sql_do(db, "INSERT INTO t VALUES(%d); DELETE FROM t WHERE rowid = %d", i, i);
}

/* A writer that never rests: the copy has the very rows that were counted, or it would not do. */
START_TEST(of_one_moment)
{
    struct error error = {0};
    struct caring stage;

    caring_begin(&stage, "wal");
    pid_t writer = fork();
    if (writer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        writes();
    }
    clock_sleep_ms(100);
    for (int i = 0; i < MOMENTS; i++) {
        vacuum_check_free(&stage.care.before);
        stage.care.copy = COPY_NONE;
        ck_assert_msg(!vacuum_copy_make(&stage.care, &error), "%d: %s", i, error.text);
        vacuum_copy_remove(&stage.care);
        ck_assert_int_eq(stage.care.copy, COPY_REMOVED);
    }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    caring_end(&stage);
}
END_TEST

/* Told to stop while it copies. */
START_TEST(stopped)
{
    struct error error = {0};
    struct caring stage;

    caring_begin(&stage, modes[_i]);
    opened_stop = true;
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_CANCELLED);
    ck_assert(!caring_here(IDENTITY_PART));
    ck_assert(!caring_here(IDENTITY_COPY));
    caring_end(&stage);
}
END_TEST

/* Its snapshot keeps the log. */
START_TEST(the_log_gets_too_long)
{
    struct error error = {0};
    struct caring stage;

    caring_begin(&stage, "wal");
    opened_sql("PRAGMA wal_autocheckpoint = 0; CREATE TABLE more(v);"
               "INSERT INTO more VALUES(zeroblob(4000000))");
    caring_policy.limits.max_wal = 10 << 20;
    caring_policy.limits.max_wal = 1 << 20; /* the lease has let it pass */
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_BUSY);
    printf("  %s\n", error.text);
    ck_assert_msg(strstr(error.text, "the copy of the database ended before it was through: ") &&
                      strstr(error.text, "of the WAL wait to be checkpointed (max_wal 1.0 MiB)"),
                  "%s", error.text);
    ck_assert(!caring_here(IDENTITY_PART));
    caring_end(&stage);
}
END_TEST

/* In rollback-journal mode it keeps writers out, and so does a check: in the window alone. */
START_TEST(the_window_closes)
{
    struct error error = {0};
    struct caring stage;

    caring_begin(&stage, "delete");
    caring_job.outside_window = false;
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_BUSY);
    ck_assert_str_eq(error.text, "the copy of the database ended before it was through: it keeps "
                                 "writers out, and the policy's window has closed");
    ck_assert(!caring_here(IDENTITY_PART));
    ck_assert_int_eq(vacuum_care_before(&stage.care, &error), STATUS_BUSY);
    ck_assert_str_eq(error.text, "the check before the pages are moved ended before it was "
                                 "through: it keeps writers out, and the policy's window has "
                                 "closed");
    caring_end(&stage);
}
END_TEST

/* What is in the way though the guard saw nothing: never overwritten. */
START_TEST(in_the_way)
{
    struct error error = {0};
    struct caring stage;

    caring_begin(&stage, "wal");
    folder_write("app.db" IDENTITY_PART, "");
    ck_assert_int_eq(vacuum_copy_make(&stage.care, &error), STATUS_FAILED);
    ck_assert_str_eq(error.text, "the copy beside /srv/app.db can't be made: File exists; nothing "
                                 "was changed");
    ck_assert(caring_here(IDENTITY_PART));
    caring_end(&stage);
}
END_TEST

static void add_all(TCase *some)
{
    tcase_add_checked_fixture(some, opened_set_up, opened_tear_down);
    tcase_add_test(some, a_copy_is_no_database);
    tcase_add_loop_test(some, a_copy_that_is_none, 0, LENGTH(texts));
    tcase_add_test(some, of_one_moment);
    tcase_add_loop_test(some, stopped, 0, LENGTH(modes));
    tcase_add_test(some, the_log_gets_too_long);
    tcase_add_test(some, the_window_closes);
    tcase_add_test(some, in_the_way);
}

int main(void)
{
    return online_main("vacuum_copy", 60, add_all);
}
