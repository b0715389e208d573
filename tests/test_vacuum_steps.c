/* The steps of a vacuum, beside what a whole run shows: where they end, and who is in the way. */
#include "lib_opened.h"
#include "task_kinds.h"
#include "vacuum.h"

#include <check.h>
#include <stdlib.h>

static char name[] = "app";
static struct config_database policy = {.name = name};
static const struct config_task task = {.kind = &task_vacuum};
static struct engine_job job = {.database = &policy, .task = &task};
static struct engine engine;

/* A database with 1,000 free pages amid others. */
static void begin(const char *mode)
{
    opened_sql("PRAGMA auto_vacuum = INCREMENTAL");
    opened_sql(mode);
    opened_make("CREATE TABLE gone(v); CREATE TABLE t(v);"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                " INSERT INTO gone SELECT zeroblob(3500) FROM n;"
                "INSERT INTO t SELECT v FROM gone; DROP TABLE gone");
    policy.limits.max_lock = (struct span){.set = true, .us = 5000};
    struct lease_limits limits = {
        .max_lock_ms = 5, .duty = 1, .busy_ms = 200, .max_wal_bytes = 1 << 30};
    engine = (struct engine){.job = &job, .database = opened_database(DATABASE_WRITE)};
    job.host = *database_host(engine.database);
    engine.lease = lease_new(engine.database, &limits);
}

static int64_t measure(const char *pragma)
{
    int64_t number = -1;

    ck_assert_int_eq(database_integer(engine.database, pragma, -1, &number, NULL), STATUS_OK);
    return number;
}

/* What becomes free meanwhile is for the next run. */
START_TEST(no_more_than_wanted)
{
    static const int64_t wanted[] = {0, 1, 10, 300, 100000};
    int64_t given = -1;

    begin(_i % 2 ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        int64_t pages = measure("PRAGMA page_count"), free_pages = measure("PRAGMA freelist_count");
        int64_t most = wanted[i] < free_pages ? wanted[i] : free_pages;
        ck_assert_int_eq(vacuum_steps(&engine, wanted[i], &given, NULL), STATUS_OK);
        ck_assert_int_eq(given, most);
        ck_assert_int_eq(measure("PRAGMA freelist_count"), free_pages - most);
        ck_assert_int_le(measure("PRAGMA page_count"), pages - most); /* pointer maps, too */
    }
    ck_assert_int_eq(measure("PRAGMA freelist_count"), 0);
    lease_free(engine.lease);
    opened_close();
    ck_assert_int_eq(opened_value("SELECT count(*) FROM t WHERE v = zeroblob(3500)"), 1000);
}
END_TEST

/* What was given back before counts. */
START_TEST(a_stop_in_the_middle)
{
    struct error error;
    int64_t given = -1;

    begin("PRAGMA journal_mode = WAL");
    ck_assert_int_eq(vacuum_steps(&engine, 100, &given, &error), STATUS_OK);
    opened_stop = true;
    ck_assert_int_eq(vacuum_steps(&engine, 100, &given, &error), STATUS_CANCELLED);
    opened_stop = false;
    ck_assert_int_eq(given, 0);
    ck_assert_int_eq(measure("PRAGMA freelist_count") < 1000, true);
    lease_free(engine.lease);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vacuum_steps");
    TCase *cases = tcase_create("vacuum_steps");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, no_more_than_wanted, 0, 2);
    tcase_add_test(cases, a_stop_in_the_middle);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
