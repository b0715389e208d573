/* A statement that is a hold by itself ends with the policy's window, and leaves nothing. */
#include "clock.h"
#include "lease.h"
#include "lib_opened.h"

#include <check.h>
#include <stdlib.h>

static const char endless[] = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + "
                              "1 FROM n) SELECT i FROM n";

static const struct lease_limits usual = {
    .max_lock_ms = 10, .duty = 1, .busy_ms = 5000, .max_wal_bytes = 1 << 30};

START_TEST(stopped)
{
    struct error error = {0};
    struct outcome_lock lock;
    double share;

    opened_make(_i ? "PRAGMA journal_mode=WAL; CREATE TABLE t(a)" : "CREATE TABLE t(a)");
    struct lease *lease = lease_new(opened_database(DATABASE_WRITE), &usual);
    double begun = clock_monotonic_ms();
    lease_whole_until(lease, begun + 50);
    ck_assert_int_eq(lease_hold_whole(lease, endless, &error), STATUS_BUSY);
    ck_assert_str_eq(error.text, "it was not done when the window closed, and undone");
    ck_assert_double_ge(clock_monotonic_ms() - begun, 50);
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t"), 0);
    lease_statistics(lease, &lock, &share);
    ck_assert_int_eq(lock.count, 1);

    lease_whole_until(lease, 0);
    ck_assert_int_eq(lease_hold_whole(lease, "INSERT INTO t VALUES(1)", &error), STATUS_OK);
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t"), 1);
    lease_free(lease);
}
END_TEST

/* Told to stop, it is cancelled, whatever the window. */
START_TEST(told)
{
    struct error error = {0};

    opened_make("CREATE TABLE t(a)");
    struct lease *lease = lease_new(opened_database(DATABASE_WRITE), &usual);
    lease_whole_until(lease, clock_monotonic_ms() + 60000);
    ck_assert_int_eq(lease_hold_whole(lease, "INSERT INTO t VALUES(1)", &error), STATUS_OK);
    opened_stop = true;
    ck_assert_int_eq(lease_hold_whole(lease, endless, &error), STATUS_CANCELLED);
    opened_stop = false;
    lease_free(lease);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease_window");
    TCase *cases = tcase_create("lease_window");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_add_loop_test(cases, stopped, 0, 2);
    tcase_add_test(cases, told);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
