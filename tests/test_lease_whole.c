/*
 * The lease of a statement that can't be cut into steps, and of the log that it fills, beside
 * other processes.
 */
#include "clock.h"
#include "lease.h"
#include "lib_opened.h"
#include "lib_other.h"
#include "memory.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILL                                                                         \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)" \
    " INSERT INTO t SELECT hex(randomblob(500)) FROM n"

static struct database *database;
static struct lease *lease;
static struct other *other;

/* `bug`: whether the libraries are to count as affected by the WAL-reset bug. */
static void begin(const char *mode, bool with_other, bool bug, double busy_ms)
{
    struct lease_limits limits = {.max_lock_ms = 10,
                                  .duty = 1,
                                  .busy_ms = busy_ms,
                                  .max_wal_bytes = 1 << 30,
                                  .window_open = true};
    char *sql = memory_format("PRAGMA journal_mode=%s; CREATE TABLE t(a)", mode);

    opened_make(sql);
    free(sql);
    other = with_other ? other_start() : NULL;
    if (other)
        ck_assert_int_eq(other_sql(other, "SELECT * FROM t"), SQLITE_OK);
    database = opened_database(DATABASE_WRITE);
    ((struct database_facts *)database_facts(database))->reset_bug = bug;
    lease = lease_new(database, &limits);
}

static void end(void)
{
    lease_free(lease);
    if (other)
        other_stop(other);
}

static struct outcome_lock holds(void)
{
    struct outcome_lock lock;
    double share;

    lease_statistics(lease, &lock, &share);
    return lock;
}

static int64_t file_size(const char *name)
{
    struct stat about;

    return stat(name, &about) == 0 ? about.st_size : -1;
}

static void fill(void)
{
    struct error error = {0};

    ck_assert_msg(lease_hold_whole(lease, FILL, &error) == STATUS_OK, "%s", error.text);
}

/* Far longer than a step may be, and nobody stops it. */
START_TEST(it_is_one_hold)
{
    begin(_i ? "WAL" : "DELETE", false, true, 1000);
    fill();
    fill();
    ck_assert_int_eq(holds().count, 2);
    ck_assert_double_gt(holds().max_ms, 1);
    end();
    opened_close();
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t"), 6000);
}
END_TEST

/* Whether the other one was waited for, and that took far longer than the hold behind it. */
static bool wait_is_no_hold(void)
{
    double before = holds().total_ms;

    ck_assert_int_eq(other_sql(other, "BEGIN IMMEDIATE; INSERT INTO t VALUES(1)"), SQLITE_OK);
    other_send(other, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                      " WHERE i < 2000000) SELECT count(*) FROM n; COMMIT");
    double begun = clock_monotonic_ms();
    ck_assert_int_eq(lease_hold_whole(lease, "INSERT INTO t VALUES(2)", NULL), STATUS_OK);
    double took = clock_monotonic_ms() - begun;
    ck_assert_int_eq(other_wait(other), SQLITE_OK);
    return took > 100 && holds().total_ms - before < took / 2;
}

/* Tried again where this process came too late to wait, or the disk stood still in its own hold. */
START_TEST(the_wait_is_no_hold)
{
    bool so = false;

    begin(_i ? "WAL" : "DELETE", true, true, 25000);
    for (int i = 0; !so && i < 5; i++)
        so = wait_is_no_hold();
    ck_assert(so);
    end();
}
END_TEST

START_TEST(what_comes_in_between_is_no_hold)
{
    struct error error;

    begin(_i ? "WAL" : "DELETE", true, true, 100);
    ck_assert_int_eq(other_sql(other, "BEGIN IMMEDIATE"), SQLITE_OK);
    ck_assert_int_eq(lease_hold_whole(lease, FILL, &error), STATUS_BUSY);
    ck_assert_int_eq(holds().count, 0);
    ck_assert_int_eq(other_sql(other, "ROLLBACK"), SQLITE_OK);
    ck_assert_int_eq(rename("app.db", "moved.db"), 0);
    ck_assert_int_eq(lease_hold_whole(lease, FILL, &error), STATUS_REFUSED);
    ck_assert_int_eq(rename("moved.db", "app.db"), 0);
    opened_stop = true;
    ck_assert_int_eq(lease_hold_whole(lease, FILL, &error), STATUS_CANCELLED);
    opened_stop = false;
    ck_assert_int_eq(holds().count, 0);
    fill();
    end();
}
END_TEST

/* --- the log ------------------------------------------------------------------------------ */

static const struct {
    bool other, bug;
    const char *reads;   /* what the other one has open */
    bool copied, short_; /* the log, into the file; and cut */
    bool left;           /* to the application */
} drain_rows[] = {
    {false, false, NULL, true, true, false},
    {false, true, NULL, true, false, false}, /* by whoever closes last */
    {true, false, NULL, true, true, false},
    {true, true, NULL, false, false, true},
    {true, false, "BEGIN; SELECT * FROM t", false, false, false},
};

START_TEST(the_log_is_emptied_where_that_is_safe)
{
    begin("WAL", drain_rows[_i].other, drain_rows[_i].bug, 300);
    int64_t before = file_size("app.db");
    if (drain_rows[_i].reads)
        ck_assert_int_eq(other_sql(other, drain_rows[_i].reads), SQLITE_OK);
    fill();
    ck_assert_int_gt(file_size("app.db-wal"), 1 << 20);
    double begun = clock_monotonic_ms();
    lease_drain(lease);
    ck_assert_double_lt(clock_monotonic_ms() - begun, 5000);
    ck_assert_int_eq(file_size("app.db") > (1 << 20), drain_rows[_i].copied);
    ck_assert_int_eq(file_size("app.db") > before, drain_rows[_i].copied);
    ck_assert_int_eq(file_size("app.db-wal") == 0, drain_rows[_i].short_);
    ck_assert_int_eq(lease_left_checkpoints(lease), drain_rows[_i].left);
    end();
    opened_close();
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t"), 3000);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static int failing_ftruncate(int file, off_t length)
{
    (void)file;
    (void)length;
    errno = EIO;
    return -1;
}

/* Without a log SQLite makes the file shorter when the statement is committed already. */
START_TEST(what_fails_behind_the_commit)
{
    struct error error;
    sqlite3_vfs *system = sqlite3_vfs_find("unix");
    sqlite3_syscall_ptr failing = (sqlite3_syscall_ptr)failing_ftruncate;

    begin("DELETE; PRAGMA auto_vacuum=FULL", false, false, 100);
    fill();
    int64_t size = file_size("app.db");
    ck_assert_int_eq(system->xSetSystemCall(system, "ftruncate", failing), SQLITE_OK);
    ck_assert_int_eq(lease_hold_whole(lease, "DELETE FROM t", &error), STATUS_FAILED);
    ck_assert_int_eq(system->xSetSystemCall(system, "ftruncate", NULL), SQLITE_OK);
    ck_assert_str_eq(error.text,
                     "the disk fails after the commit: disk I/O error; it was made, but where it "
                     "was to make the file shorter, the file is as long as before");
    end();
    opened_close();
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t"), 0);
    ck_assert_int_eq(file_size("app.db"), size);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease_whole");
    TCase *cases = tcase_create("lease_whole");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, it_is_one_hold, 0, 2);
    tcase_add_test(cases, what_fails_behind_the_commit);
    tcase_add_loop_test(cases, the_wait_is_no_hold, 0, 2);
    tcase_add_loop_test(cases, what_comes_in_between_is_no_hold, 0, 2);
    tcase_add_loop_test(cases, the_log_is_emptied_where_that_is_safe, 0, COUNT(drain_rows));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
