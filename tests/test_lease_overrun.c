/* What overruns its time in a step of the lease, and what fails there otherwise. */
#include "lease.h"
#include "lib_opened.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct database *database;
static struct lease *lease;

static const struct lease_limits usual = {
    .max_lock_ms = 10, .duty = 1, .busy_ms = 5000, .max_wal_bytes = 1 << 30};

static void begin(const struct lease_limits *limits)
{
    opened_make("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    database = opened_database(DATABASE_WRITE);
    lease = lease_new(database, limits);
}

static void insert(void)
{
    ck_assert_int_eq(database_exec(database, "INSERT INTO t VALUES(1)", NULL), STATUS_OK);
}

static int64_t rows(void)
{
    return opened_value("SELECT count(*) FROM t");
}

static const char endless[] =
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT i FROM n WHERE i < 0";

static const struct {
    int before; /* rows that were dealt with before */
    bool divisible;
    int after; /* rows of the next step */
} overrun_rows[] = {
    {0, true, 1},
    {1, false, 1},
    {8, false, 4},
};

START_TEST(an_overrunning_statement)
{
    struct lease_limits limits = usual;
    struct error error = {0};
    int taken = 0;

    limits.max_lock_ms = 40;
    begin(&limits);
    ck_assert_int_eq(lease_begin(lease, &error), STATUS_OK);
    for (int i = 0; i < overrun_rows[_i].before; i++) {
        insert();
        lease_spent(lease);
    }
    enum status failure = database_exec(database, endless, &error);
    ck_assert_int_eq(failure, STATUS_CANCELLED);
    ck_assert_int_eq(lease_failed(lease, failure, overrun_rows[_i].divisible, &error), STATUS_OK);
    ck_assert_int_eq(rows(), 0);
    ck_assert_int_eq(lease_begin(lease, &error), STATUS_OK);
    do
        taken++;
    while (!lease_spent(lease));
    ck_assert_int_le(taken, overrun_rows[_i].after);
    ck_assert_int_eq(lease_end(lease, &error), STATUS_OK);
    lease_free(lease);
}
END_TEST

/* A single row that takes too long: once in a while that is chance, each time it is not. */
START_TEST(a_row_that_overruns)
{
    struct lease_limits limits = usual;
    struct error error = {0};
    enum status told = STATUS_OK;
    int overruns = 0;

    limits.max_lock_ms = 20;
    begin(&limits);
    for (; told == STATUS_OK && overruns < 20; overruns++) {
        ck_assert_int_eq(lease_begin(lease, &error), STATUS_OK);
        if (overruns == 3 && _i) {
            insert();
            ck_assert_int_eq(lease_end(lease, &error), STATUS_OK);
            continue;
        }
        enum status failure = database_exec(database, endless, &error);
        ck_assert_int_eq(failure, STATUS_CANCELLED);
        told = lease_failed(lease, failure, false, &error);
    }
    ck_assert_int_eq(told, STATUS_FAILED);
    ck_assert_int_eq(overruns, _i ? 9 : 5);
    ck_assert_int_eq(rows(), _i);
    ck_assert_msg(strstr(error.text, "one row alone takes longer than 50 ms") != NULL, "%s",
                  error.text);
    lease_free(lease);
}
END_TEST

/* Told to stop, or an error of another kind: that is no overrun. */
START_TEST(other_failures_stay)
{
    struct error error = {0};

    begin(&usual);
    ck_assert_int_eq(lease_begin(lease, &error), STATUS_OK);
    insert();
    enum status failure = database_exec(database, "INSERT INTO missing VALUES(1)", &error);
    ck_assert_int_eq(lease_failed(lease, failure, true, &error), STATUS_FAILED);
    ck_assert_int_eq(rows(), 0);
    ck_assert_int_eq(lease_begin(lease, &error), STATUS_OK);
    opened_stop = true;
    failure = database_exec(database, endless, &error);
    ck_assert_int_eq(lease_failed(lease, failure, true, &error), STATUS_CANCELLED);
    lease_free(lease);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("lease_overrun");
    TCase *cases = tcase_create("lease_overrun");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 30);
    tcase_add_loop_test(cases, an_overrunning_statement, 0, COUNT(overrun_rows));
    tcase_add_loop_test(cases, a_row_that_overruns, 0, 2);
    tcase_add_test(cases, other_failures_stay);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
