/* The lease and the log: it waits while too much is not checkpointed, and leaves nothing behind. */
#include "lease.h"

#include "lib_opened.h"
#include "lib_other.h"
#include "memory.h"
#include "walindex.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static uint32_t backlog(struct database *database)
{
    struct walindex index;

    ck_assert_int_eq(walindex_read(database_sql(database), &index, NULL), STATUS_OK);
    return index.max_frame - index.backfilled;
}

START_TEST(a_log_that_is_too_long)
{
    const struct lease_limits limits = {
        .max_lock_ms = 10, .duty = 1, .busy_ms = 120, .max_wal_bytes = 4096};
    struct error error = {0};

    opened_make("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    struct other *other = other_start();
    ck_assert_int_eq(other_sql(other, "BEGIN; SELECT * FROM t"), SQLITE_OK);
    struct lease *lease = lease_new(opened_database(DATABASE_WRITE), &limits);
    opened_sql("INSERT INTO t VALUES(zeroblob(100000))");
    ck_assert_int_eq(lease_begin(lease, &error), STATUS_BUSY);
    char *who = memory_format("(process %d)", (int)other_pid(other));
    ck_assert_msg(strstr(error.text, "(max_wal 4.0 KiB)") && strstr(error.text, who), "%s",
                  error.text);
    free(who);
    lease_free(lease);
    other_stop(other);
}
END_TEST

/* Nobody else is there: the log is copied back at the end, and the next one begins anew. */
START_TEST(no_backlog_is_left_behind)
{
    const struct lease_limits limits = {
        .max_lock_ms = 10, .duty = 1, .busy_ms = 5000, .max_wal_bytes = 1 << 30};

    opened_make("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    struct database *database = opened_database(DATABASE_WRITE);
    struct lease *lease = lease_new(database, &limits);
    ck_assert_int_eq(lease_begin(lease, NULL), STATUS_OK);
    ck_assert_int_eq(database_exec(database, "INSERT INTO t VALUES(1)", NULL), STATUS_OK);
    ck_assert_int_eq(lease_end(lease, NULL), STATUS_OK);
    ck_assert_uint_gt(backlog(database), 0);
    lease_free(lease);
    ck_assert_uint_eq(backlog(database), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease log");
    TCase *cases = tcase_create("lease log");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, a_log_that_is_too_long);
    tcase_add_test(cases, no_backlog_is_left_behind);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
