/*
 * The page walker beside writers: what it reads is one snapshot, at whatever moment others commit,
 * checkpoint or restart the log; in slices nothing sound is called damaged.
 */
#include "lib_dbstat.h"
#include "lib_randomdb.h"
#include "pages.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that writes, with checkpoints of all kinds and restarts of the log, till it is killed. */
static pid_t writer(const char *path, uint64_t random)
{
    static const char *const checkpoints[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
    char sql[64];
    pid_t pid = fork();

    if (pid)
        return pid;
    sqlite3 *db = randomdb_open(path);
    randomdb_sql(db, "PRAGMA wal_autocheckpoint = 60; PRAGMA synchronous = OFF");
    for (;;) {
        randomdb_change(db, 1 + (int)randomdb_number(&random, 20), &random);
        snprintf(sql, sizeof sql, "PRAGMA wal_checkpoint(%s)",
                 checkpoints[randomdb_number(&random, 4)]);
        if (!randomdb_number(&random, 8))
            sqlite3_exec(db, sql, NULL, NULL, NULL); /* busy is fine */
        if (!randomdb_number(&random, 4))
            usleep((useconds_t)randomdb_number(&random, 3000));
    }
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

START_TEST(test_live_log)
{
    uint64_t random = randomdb_seed("live log") + (uint64_t)_i;
    struct dbstat dbstat = {0};
    const struct randomdb_kind kind = {.page_size = 512 << _i, .journal = "wal", .rows = 600};

    sqlite3_close(randomdb_make(randomdb_path("live"), &kind, &random));
    pid_t pid = writer(randomdb_path("live"), random);
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    for (int i = 0; i < 12; i++) {
        dbstat_compare(db, &dbstat);
        usleep((useconds_t)randomdb_number(&random, 20000));
    }
    ck_assert_msg(waitpid(pid, NULL, WNOHANG) == 0, "the writer has ended");
    stop(pid);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

/* Someone else who acts at one exact moment: as the statement that begins like `at` is about to
 * run on the measured connection. */
struct intruder {
    const char *at;
    int times;
    sqlite3 *db;
    uint64_t random;
    const char *checkpoint;
};

static int intrude(unsigned kind, void *argument, void *statement, void *sql)
{
    struct intruder *intruder = argument;

    (void)kind;
    (void)statement;
    if (strncmp(sql, intruder->at, strlen(intruder->at)) || intruder->times == 0)
        return 0;
    intruder->times--;
    randomdb_change(intruder->db, 30, &intruder->random);
    sqlite3_exec(intruder->db, intruder->checkpoint, NULL, NULL, NULL); /* busy is fine */
    randomdb_change(intruder->db, 30, &intruder->random);
    return 0;
}

/* The moments that the proof in pagefile.c speaks of, each with all of the log in the database
 * file before (read mark 0) and without. */
static const struct {
    const char *at;
    bool backfilled;
    const char *checkpoint;
} moments[] = {
    {"BEGIN", false, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"BEGIN", true, "PRAGMA wal_checkpoint(TRUNCATE)"},
    {"SELECT 1 FROM main.sqlite_schema", false, "PRAGMA wal_checkpoint(RESTART)"},
    {"SELECT 1 FROM main.sqlite_schema", true, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"PRAGMA main.journal_mode", false, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"PRAGMA main.journal_mode", true, "PRAGMA wal_checkpoint(TRUNCATE)"},
    {"PRAGMA main.page_count", false, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"PRAGMA main.page_count", false, "PRAGMA wal_checkpoint(RESTART)"},
    {"PRAGMA main.page_count", true, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"PRAGMA main.page_count", true, "PRAGMA wal_checkpoint(TRUNCATE)"},
};

START_TEST(test_moments)
{
    uint64_t random = randomdb_seed("moments") + (uint64_t)_i;
    struct dbstat dbstat = {0};
    const struct randomdb_kind kind = {.page_size = 1024, .journal = "wal", .rows = 400};
    struct intruder intruder = {.at = moments[_i].at,
                                .times = 3,
                                .checkpoint = moments[_i].checkpoint};

    intruder.db = randomdb_make(randomdb_path("live"), &kind, &random);
    intruder.random = random;
    sqlite3_busy_timeout(intruder.db, 0);
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    if (moments[_i].backfilled)
        randomdb_sql(intruder.db, "PRAGMA wal_checkpoint(PASSIVE)");
    randomdb_value(db, "SELECT count(*) FROM plain");
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, intrude, &intruder);
    dbstat_compare(db, &dbstat);
    ck_assert_int_lt(intruder.times, 3);
    sqlite3_close(db);
    sqlite3_close(intruder.db);
    randomdb_clean();
}
END_TEST

/* In slices of one read, while someone writes: nothing is called damaged that is not. Returns
 * whether it said that it is approximate. */
static bool measure_moving(sqlite3 *db)
{
    const struct pages_limits hasty = {.slice_ms = 0, .gap_ms = 0.2};
    struct pages_report report;
    struct error error = {0};

    enum status status = pages_measure(db, &hasty, &report, &error);
    ck_assert_msg(!status, "%s", error.text);
    for (size_t k = 0; k < report.btree_count; k++) {
        const char *wrong = report.btrees[k].error;
        ck_assert_msg(!wrong || strstr(wrong, "kept changing"), "%s", wrong);
        ck_assert(wrong || report.btrees[k].leaf_pages >= 1);
    }
    ck_assert_ptr_null(report.freelist_error);
    bool approximate = report.approximate;
    pages_report_free(&report);
    return approximate;
}

/* Someone writes between each two slices, then between the first ones, then between the last. */
START_TEST(test_slices_moments)
{
    uint64_t random = randomdb_seed("slices moments") + (uint64_t)_i;
    const struct randomdb_kind kind = {
        .page_size = 512, .auto_vacuum = 2 * (_i % 2), .journal = "delete", .rows = 8000};
    struct intruder intruder = {.at = "BEGIN", .checkpoint = "PRAGMA incremental_vacuum(20)"};

    intruder.db = randomdb_make(randomdb_path("live"), &kind, &random);
    randomdb_sql(intruder.db, "DELETE FROM plain WHERE id % 10 < 8 AND id > 2000");
    intruder.random = random;
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, intrude, &intruder);
    for (int i = 0; i < 7; i++) {
        intruder.times = 1 << i;
        ck_assert(measure_moving(db) == (intruder.times < (1 << i) - 1));
    }
    sqlite3_close(db);
    sqlite3_close(intruder.db);
    randomdb_clean();
}
END_TEST

/* Empties the tables, once, before the BEGIN that comes after `wait` others. */
struct emptier {
    sqlite3 *db;
    int wait;
};

static int empty_once(unsigned kind, void *argument, void *statement, void *sql)
{
    struct emptier *emptier = argument;

    (void)kind;
    (void)statement;
    if (!strcmp(sql, "BEGIN") && emptier->wait-- == 0)
        randomdb_sql(emptier->db, "DELETE FROM plain WHERE id > 3; DELETE FROM keyed WHERE v > 0;"
                                  "DELETE FROM \"od\"\"d \xff name\" WHERE rowid > 2");
    return 0;
}

/* A freelist of many trunks, from which someone takes pages between two slices. */
START_TEST(test_slices_freelist)
{
    uint64_t random = randomdb_seed("slices freelist");
    const struct randomdb_kind kind = {.page_size = 512, .journal = "delete", .rows = 40};
    struct intruder intruder = {.at = "BEGIN", .checkpoint = "DELETE FROM big WHERE rowid % 3 = 0"};

    intruder.db = randomdb_make(randomdb_path("live"), &kind, &random);
    randomdb_sql(intruder.db,
                 "CREATE TABLE big(b); WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                 " WHERE i < 300) INSERT INTO big SELECT zeroblob(50000) FROM n;"
                 "DELETE FROM big WHERE rowid % 2");
    intruder.random = random;
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, intrude, &intruder);
    for (int i = 0; i < 6; i++) {
        intruder.times = 4 << i;
        ck_assert(measure_moving(db));
    }
    sqlite3_close(db);
    sqlite3_close(intruder.db);
    randomdb_clean();
}
END_TEST

/* Someone empties the tables at one moment of the walk: each b-tree is as it was before, or as it
 * is after, and none is half. */
START_TEST(test_slices_once)
{
    uint64_t random = randomdb_seed("slices once") + (uint64_t)_i;
    const struct randomdb_kind kind = {.page_size = 512, .journal = "delete", .rows = 800};
    const struct pages_limits hasty = {.slice_ms = 0, .gap_ms = 0};
    struct pages_report before, during, after;
    struct emptier emptier = {.wait = 2 + 3 * _i};

    emptier.db = randomdb_make(randomdb_path("live"), &kind, &random);
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    ck_assert_int_eq(pages_measure(db, &hasty, &before, NULL), STATUS_OK);
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, empty_once, &emptier);
    ck_assert_int_eq(pages_measure(db, &hasty, &during, NULL), STATUS_OK);
    ck_assert_int_eq(pages_measure(db, &hasty, &after, NULL), STATUS_OK);
    ck_assert_int_lt(emptier.wait, 0);
    for (size_t i = 0; i < during.btree_count; i++) {
        int64_t leaves = during.btrees[i].leaf_pages;
        ck_assert_msg(leaves == before.btrees[i].leaf_pages || leaves == after.btrees[i].leaf_pages,
                      "%s had %lld leaves, then %lld, and was measured with %lld",
                      during.btrees[i].name, (long long)before.btrees[i].leaf_pages,
                      (long long)after.btrees[i].leaf_pages, (long long)leaves);
    }
    pages_report_free(&before);
    pages_report_free(&during);
    pages_report_free(&after);
    sqlite3_close(db);
    sqlite3_close(emptier.db);
    randomdb_clean();
}
END_TEST

/* Rollback-journal mode beside a writer of another process: it says that it is approximate. */
START_TEST(test_live_slices)
{
    uint64_t random = randomdb_seed("live slices") + (uint64_t)_i;
    const struct randomdb_kind kind = {.page_size = 1024, .journal = "delete", .rows = 3000};
    int approximate = 0;

    sqlite3_close(randomdb_make(randomdb_path("live"), &kind, &random));
    pid_t pid = writer(randomdb_path("live"), random);
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    for (int i = 0; i < 6; i++)
        approximate += measure_moving(db);
    stop(pid);
    ck_assert_int_gt(approximate, 0);
    ck_assert_int_eq(
        randomdb_value(db, "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'"), 0);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pages live");
    TCase *cases = tcase_create("pages live");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, test_live_log, 0, 8);
    tcase_add_loop_test(cases, test_moments, 0, sizeof moments / sizeof *moments);
    tcase_add_loop_test(cases, test_live_slices, 0, 2);
    tcase_add_loop_test(cases, test_slices_moments, 0, 2);
    tcase_add_test(cases, test_slices_freelist);
    tcase_add_loop_test(cases, test_slices_once, 0, 12);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
