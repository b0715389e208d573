/*
 * The lease of the write lock beside other processes. What it does is tested, and times only where
 * a slow machine can make them longer but never shorter.
 */
#include "lease.h"

#include "clock.h"
#include "lib_opened.h"
#include "lib_other.h"
#include "memory.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct database *database;
static struct lease *lease;
static struct other *other;

static const struct lease_limits usual = {
    .max_lock_ms = 10, .duty = 1, .busy_ms = 5000, .max_wal_bytes = 1 << 30};

/* A database in that journal mode, another process that has read it if wanted, and a lease. */
static void begin(const char *mode, bool with_other, const struct lease_limits *limits)
{
    char *sql = memory_format("PRAGMA journal_mode=%s; CREATE TABLE t(a)", mode);

    opened_sql(sql);
    opened_close();
    free(sql);
    other = with_other ? other_start() : NULL;
    if (other)
        ck_assert_int_eq(other_sql(other, "SELECT * FROM t"), SQLITE_OK);
    database = opened_database(DATABASE_WRITE);
    lease = lease_new(database, limits);
}

static void end(void)
{
    lease_free(lease);
    if (other)
        other_stop(other);
}

static void insert(void)
{
    ck_assert_int_eq(database_exec(database, "INSERT INTO t VALUES(1)", NULL), STATUS_OK);
}

static int64_t rows(void)
{
    return opened_value("SELECT count(*) FROM t");
}

static void hold(double ms)
{
    struct error error = {0};

    ck_assert_msg(lease_begin(lease, &error) == STATUS_OK, "%s", error.text);
    insert();
    clock_sleep_ms(ms);
    ck_assert_msg(lease_end(lease, &error) == STATUS_OK, "%s", error.text);
}

START_TEST(holds_are_counted)
{
    struct outcome_lock lock = {.count = 7};
    double share = 7;

    begin(_i ? "WAL" : "DELETE", false, &usual);
    lease_statistics(lease, &lock, &share);
    ck_assert(lock.count == 0 && lock.max_ms <= 0 && lock.total_ms <= 0 && share <= 0);
    for (int i = 0; i < 5; i++)
        hold(i == 2 ? 30 : 1);
    lease_statistics(lease, &lock, &share);
    ck_assert_int_eq(lock.count, 5);
    ck_assert_double_ge(lock.max_ms, 30);
    ck_assert_double_ge(lock.total_ms, lock.max_ms + 4);
    ck_assert(lock.p99_ms <= lock.max_ms && share > 0 && share <= 1);
    ck_assert_int_eq(rows(), 5);
    end();
}
END_TEST

START_TEST(an_open_step_is_rolled_back)
{
    begin("WAL", false, &usual);
    ck_assert_int_eq(lease_begin(lease, NULL), STATUS_OK);
    insert();
    end();
    ck_assert_int_eq(rows(), 0);
    opened_sql("INSERT INTO t VALUES(1)"); /* and the lock is free */
    lease_free(NULL);
}
END_TEST

START_TEST(a_locked_database)
{
    struct lease_limits limits = usual;
    struct error error = {0};

    limits.busy_ms = 80;
    begin(_i ? "WAL" : "DELETE", true, &limits);
    ck_assert_int_eq(other_sql(other, "BEGIN IMMEDIATE"), SQLITE_OK);
    double since = clock_monotonic_ms();
    ck_assert_int_eq(lease_begin(lease, &error), STATUS_BUSY);
    ck_assert_double_ge(clock_monotonic_ms() - since, 79);
    ck_assert_msg(strstr(error.text, "kept it locked") != NULL, "%s", error.text);
    ck_assert_int_eq(other_sql(other, "INSERT INTO t VALUES(2); COMMIT"), SQLITE_OK);
    hold(0);
    ck_assert_int_eq(rows(), 2);
    end();
}
END_TEST

/* A reader keeps a commit from happening without a log: the step is undone, and done again. */
START_TEST(readers_in_the_way)
{
    struct lease_limits limits = usual;
    struct error error = {0};
    struct outcome_lock lock;
    double share;

    begin("DELETE", true, &limits);
    ck_assert_int_eq(other_sql(other, "BEGIN; SELECT * FROM t"), SQLITE_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(lease_begin(lease, &error), STATUS_OK);
        insert();
        ck_assert_int_eq(lease_end(lease, &error), STATUS_BUSY);
        ck_assert(sqlite3_get_autocommit(database_sql(database)));
        ck_assert_int_eq(other_sql(other, "SELECT * FROM t"), SQLITE_OK); /* no lock is left */
    }
    ck_assert_int_eq(other_sql(other, "COMMIT"), SQLITE_OK);
    hold(0);
    ck_assert_int_eq(rows(), 1);
    lease_statistics(lease, &lock, &share);
    ck_assert_int_eq(lock.count, 4); /* what was undone was a hold as well */
    end();
}
END_TEST

START_TEST(readers_that_stay)
{
    struct lease_limits limits = usual;
    struct error error = {0};
    enum status status;
    int tries = 0;

    limits.busy_ms = 150;
    begin("DELETE", true, &limits);
    ck_assert_int_eq(other_sql(other, "BEGIN; SELECT * FROM t"), SQLITE_OK);
    for (; (status = lease_begin(lease, &error)) == STATUS_OK; tries++) {
        insert();
        ck_assert_int_eq(lease_end(lease, &error), STATUS_BUSY);
    }
    ck_assert_int_eq(status, STATUS_BUSY);
    ck_assert_msg(strstr(error.text, "readers let no commit through") != NULL, "%s", error.text);
    ck_assert_int_gt(tries, 0);
    end();
}
END_TEST

START_TEST(a_moved_file)
{
    struct error error = {0};

    begin("WAL", false, &usual);
    hold(0);
    ck_assert_int_eq(rename("app.db", "moved.db"), 0);
    ck_assert_int_eq(lease_begin(lease, &error), STATUS_REFUSED);
    ck_assert(sqlite3_get_autocommit(database_sql(database)));
    end();
}
END_TEST

START_TEST(told_to_stop)
{
    struct error error = {0};

    begin("WAL", false, &usual);
    hold(0);
    opened_stop = true;
    ck_assert_int_eq(lease_begin(lease, &error), STATUS_CANCELLED);
    end();
    opened_stop = false;
    ck_assert_int_eq(rows(), 1);
}
END_TEST

/* A step ends by its time, however many rows it has. */
START_TEST(a_spent_step)
{
    int taken = 0;

    begin("WAL", false, &usual);
    ck_assert_int_eq(lease_begin(lease, NULL), STATUS_OK);
    double since = clock_monotonic_ms();
    ck_assert(!lease_spent(lease) || clock_monotonic_ms() - since > 1);
    do
        taken++;
    while (!lease_spent(lease));
    ck_assert_double_ge(clock_monotonic_ms() - since, 1.4); /* 0.15 of max_lock at least */
    ck_assert_int_eq(lease_end(lease, NULL), STATUS_OK);
    end();
}
END_TEST

/* --- gaps --------------------------------------------------------------------------------- */

enum {
    GAP_ROUNDS = 4,
    GAP_TRIES = 5,
    GAP_HOLD_MS = 150
}; /* a waiter sleeps for up to 50 ms then */

/* The time from the end of a hold to the next, at its shortest and longest. */
static void measure_gaps(const char *foreign, double *shortest, double *longest)
{
    *shortest = INFINITY;
    *longest = 0;
    for (int i = 0; i < GAP_TRIES; i++) {
        ck_assert_int_eq(lease_begin(lease, NULL), STATUS_OK);
        insert();
        if (foreign)
            other_send(other, foreign);
        clock_sleep_ms(GAP_HOLD_MS);
        ck_assert_int_eq(lease_end(lease, NULL), STATUS_OK);
        double since = clock_monotonic_ms();
        ck_assert_int_eq(lease_begin(lease, NULL), STATUS_OK);
        double gap = clock_monotonic_ms() - since;
        *shortest = fmin(*shortest, gap);
        *longest = fmax(*longest, gap);
        ck_assert_int_eq(lease_end(lease, NULL), STATUS_OK);
        if (foreign)
            ck_assert_int_eq(other_wait(other), SQLITE_OK);
    }
}

/* Nobody wants the lock: the whole gap is left all the same, for it can't be known. */
START_TEST(the_whole_gap)
{
    double shortest, longest;

    begin("WAL", true, &usual);
    measure_gaps(NULL, &shortest, &longest);
    ck_assert_double_ge(shortest, 50);
    end();
}
END_TEST

/* The writer that waited got in: the gap is over before its time. Without a word to the disk, and
 * tried again: it sleeps for longer and longer, so a commit that takes long costs it its turn. */
START_TEST(a_gap_ended_by_a_commit)
{
    double shortest = INFINITY, longest;
    int rounds = 0;

    begin(_i ? "WAL" : "DELETE", true, &usual);
    ck_assert_int_eq(other_sql(other, "PRAGMA synchronous=OFF"), SQLITE_OK);
    ck_assert_int_eq(database_exec(database, "PRAGMA synchronous=OFF", NULL), STATUS_OK);
    for (; rounds < GAP_ROUNDS && shortest >= 50; rounds++)
        measure_gaps("INSERT INTO t VALUES(2)", &shortest, &longest);
    ck_assert_double_lt(shortest, 50);
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t WHERE a = 2"), GAP_TRIES * rounds);
    end();
}
END_TEST

/* But the part that the duty asks for is left whatever happens. */
START_TEST(the_duty)
{
    struct lease_limits limits = usual;
    double shortest, longest;

    limits.duty = 0.5;
    begin("WAL", true, &limits);
    measure_gaps("INSERT INTO t VALUES(2)", &shortest, &longest);
    ck_assert_double_ge(shortest, GAP_HOLD_MS - 1);
    end();
}
END_TEST

START_TEST(alone_there_are_no_gaps)
{
    double shortest, longest;

    begin("WAL", false, &usual);
    measure_gaps(NULL, &shortest, &longest);
    ck_assert_double_lt(shortest, 20);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease");
    TCase *cases = tcase_create("lease");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 30);
    tcase_add_loop_test(cases, holds_are_counted, 0, 2);
    tcase_add_test(cases, an_open_step_is_rolled_back);
    tcase_add_loop_test(cases, a_locked_database, 0, 2);
    tcase_add_test(cases, readers_in_the_way);
    tcase_add_test(cases, readers_that_stay);
    tcase_add_test(cases, a_moved_file);
    tcase_add_test(cases, told_to_stop);
    tcase_add_test(cases, a_spent_step);
    tcase_add_test(cases, the_whole_gap);
    tcase_add_loop_test(cases, a_gap_ended_by_a_commit, 0, 2);
    tcase_add_test(cases, the_duty);
    tcase_add_test(cases, alone_there_are_no_gaps);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
