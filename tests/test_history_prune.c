/* Forgetting: the older samples are, the fewer there are; all else stays until its time. */
#include "history.h"

#include "history_job.h"
#include "lib_chronicle.h"
#include "lib_folder.h"
#include "lib_history.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const int64_t hour_us = INT64_C(3600) * 1000000, day_us = INT64_C(86400) * 1000000;
static const int64_t now = INT64_C(1764080000) * 1000000; /* a Tuesday */
static const struct span years = {.months = 120, .set = true};
static struct history *history;

static int prune(const struct span *keep, int64_t at_us)
{
    bool more = true;
    int steps = 0;

    for (; more; steps++)
        ck_assert_int_eq(history_prune(history, keep, at_us, &more, NULL), STATUS_OK);
    return steps;
}

/* One every half hour over 200 days, of two files, and a daily retention. */
static void fill(void)
{
    char *sql = memory_format(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 200 * 48)"
        " INSERT INTO run(started_us, recorded_us, database, path, task, target, outcome, reason,"
        " rows, bytes_freed, seconds, lock_count, lock_max_ms, lock_p99_ms, lock_total_ms)"
        " SELECT %lld - i * 1800000000, 0, 'd', path, task, NULL, 'done', 'r', 0, 0, 0, 0, 0, 0, 0"
        " FROM n, (SELECT '/a.db' AS path, 'sample' AS task UNION ALL SELECT '/b.db', 'sample'"
        "  UNION ALL SELECT '/a.db', 'retention') WHERE task = 'sample' OR i %% 48 = 0",
        (long long)now);

    free(worklog_ask("history.db", sql));
    free(worklog_ask("history.db", "INSERT INTO sample(run) SELECT id FROM run"
                                   " WHERE task = 'sample'"));
    free(worklog_ask("history.db", "INSERT INTO sample_btree(sample, position)"
                                   " SELECT run, 0 FROM sample"));
    free(sql);
}

/* How many samples of a file there are between two ages in days. */
static int samples(const char *path, int64_t from, int64_t to)
{
    char *sql =
        memory_format("SELECT count(*) FROM run JOIN sample ON run = id JOIN sample_btree"
                      " ON sample = run WHERE path = '%s' AND started_us > %lld"
                      " AND started_us <= %lld",
                      path, (long long)(now - to * day_us), (long long)(now - from * day_us));
    char *count = worklog_ask("history.db", sql);
    int number = atoi(count);

    free(count);
    free(sql);
    return number;
}

static void check_between(int number, int least, int most)
{
    ck_assert_msg(number >= least && number <= most, "%d, not %d to %d", number, least, most);
}

START_TEST(samples_thin_out)
{
    fill();
    ck_assert_int_gt(prune(&years, now), 10);
    for (int i = 0; i < 2; i++) {
        const char *path = i ? "/b.db" : "/a.db";
        ck_assert_int_eq(samples(path, 0, 2), 2 * 48);
        check_between(samples(path, 2, 14), 12 * 24, 12 * 24 + 1);
        check_between(samples(path, 14, 120), 106, 107);
        check_between(samples(path, 120, 200), 80 / 7, 80 / 7 + 2);
    }
    worklog_check("history.db", "SELECT count(*) FROM run WHERE task = 'retention'", "201");
    worklog_check("history.db",
                  "SELECT count(*) = (SELECT count(*) FROM run WHERE task = 'sample')"
                  " FROM sample",
                  "1");
    ck_assert_int_eq(prune(&years, now), 1);
}
END_TEST

/* The first of each hour stays, the first of each day, the first of each week. */
START_TEST(the_first_of_its_time_stays)
{
    int64_t hour = (now - 3 * day_us) / hour_us * hour_us;

    histories_record(history, "/a.db", "sample", NULL, "done", hour + 3);
    histories_record(history, "/a.db", "sample", NULL, "done", hour + 1);
    histories_record(history, "/a.db", "sample", NULL, "failed", hour + 2); /* not alike */
    histories_record(history, "/a.db", "sample", NULL, "done", hour - 1);
    histories_record(history, "/a.db", "sample", NULL, "done", hour + hour_us);
    prune(&years, now);
    char *sql = memory_format("SELECT group_concat(started_us - %lld) FROM"
                              " (SELECT * FROM run ORDER BY started_us)",
                              (long long)hour);
    worklog_check("history.db", sql, "-1,1,2,3600000000");
    free(sql);
}
END_TEST

/* What was thinned stays as it is while time goes on, and after the clock was far ahead. */
START_TEST(thinning_goes_on)
{
    fill();
    prune(&years, now + 1000 * day_us);
    int then = samples("/a.db", 0, 200);
    check_between(then, 200 / 7, 200 / 7 + 2);
    prune(&years, now);
    int64_t hour = (now + day_us) / hour_us * hour_us;
    histories_record(history, "/a.db", "sample", NULL, "done", hour + 1);
    histories_record(history, "/a.db", "sample", NULL, "done", hour + 2);
    prune(&years, now + 2 * day_us);
    ck_assert_int_eq(samples("/a.db", -2, 200), then + 2);
    prune(&years, now + 4 * day_us);
    ck_assert_int_eq(samples("/a.db", -2, 200), then + 1);
}
END_TEST

START_TEST(steps_are_small)
{
    fill();
    for (int i = 0; i < 5; i++) {
        char *before = worklog_ask("history.db", "SELECT count(*) FROM run");
        bool more = false;
        ck_assert_int_eq(history_prune(history, &years, now, &more, NULL), STATUS_OK);
        char *after = worklog_ask("history.db", "SELECT count(*) FROM run");
        ck_assert(more);
        check_between(atoi(before) - atoi(after), 1, 3 * 200);
        free(before);
        free(after);
    }
}
END_TEST

START_TEST(the_file_becomes_smaller)
{
    char *path = folder_path("history.db");
    struct span day = {.us = day_us, .set = true};
    struct stat before, after;

    fill();
    ck_assert_int_eq(stat(path, &before), 0);
    prune(&day, now + 10 * day_us);
    ck_assert_int_eq(stat(path, &after), 0);
    worklog_check("history.db", "SELECT count(*) FROM run", "0");
    ck_assert_int_lt(after.st_size, before.st_size / 4);
    worklog_check("history.db", "PRAGMA integrity_check", "ok");
    free(path);
}
END_TEST

/* What is raised and whatever has been used lately stays. */
START_TEST(the_rest_goes_in_its_time)
{
    struct span keep = {.us = 100 * day_us, .set = true};
    char *sql = memory_format(
        "INSERT INTO state(path, task, target, seen_us, known_us, started_us) VALUES"
        " ('/old.db', 'vacuum', '', 1, %lld, 1), ('/a.db', 'vacuum', '', 1, %lld, NULL),"
        " ('/b.db', 'vacuum', '', 1, 1, %lld);",
        (long long)(now - 101 * day_us), (long long)(now - 99 * day_us),
        (long long)(now - 99 * day_us));

    free(worklog_ask("history.db", sql));
    free(worklog_ask("history.db",
                     "INSERT INTO file VALUES('/old.db', 1, 1, 1), ('/a.db', 1, 1, 1)"));
    free(worklog_ask("history.db", "INSERT INTO pause VALUES('a', '', 1), ('b', '', -1)"));
    free(worklog_ask("history.db", "INSERT INTO alarm VALUES('', 'm', '', 's', '', NULL, NULL, 't',"
                                   " 1, 1)"));
    free(worklog_ask("history.db", "INSERT INTO alarm_change VALUES(1, 1, 'raised', '', 'm', '',"
                                   " 's', '', NULL, NULL, 't', 1)"));
    prune(&keep, now);
    worklog_check("history.db", "SELECT group_concat(path) FROM state", "/a.db,/b.db");
    worklog_check("history.db", "SELECT group_concat(path) FROM file", "/a.db");
    worklog_check("history.db", "SELECT group_concat(database) FROM pause", "b");
    worklog_check("history.db", "SELECT count(*), (SELECT count(*) FROM alarm_change) FROM alarm",
                  "1|0");
    free(sql);
}
END_TEST

/* The worker forgets by the time that it believes, and not at each request. */
START_TEST(a_clock_that_ran_ahead_forgets_nothing)
{
    struct span keep = {.us = 30 * day_us, .set = true};
    int64_t today = (int64_t)time(NULL) * 1000000;
    struct chronicled it;
    char *folder = folder_path("."), *sql;

    histories_record(history, "/a.db", "vacuum", NULL, "done", today - 31 * day_us);
    histories_record(history, "/a.db", "vacuum", NULL, "done", today - 51 * day_us);
    /* as it is for a clock that is 20 days ahead of all that was believed, and not synchronised */
    sql = memory_format("INSERT INTO clock VALUES('x', 0, %lld, %lld, 0)",
                        (long long)(today - 20 * day_us), (long long)(today - 20 * day_us));
    free(worklog_ask("history.db", sql));
    chronicled_open(&it, folder);
    chronicled_answer(&it, history_job_prune(&keep));
    char *synchronised = worklog_ask("history.db", "SELECT max(synchronised) FROM clock");
    worklog_check("history.db", "SELECT count(*) FROM run", *synchronised == '1' ? "0" : "1");
    histories_record(history, "/a.db", "vacuum", NULL, "done", today - 52 * day_us);
    chronicled_answer(&it, history_job_prune(&keep));
    worklog_check("history.db", "SELECT count(*) FROM run", *synchronised == '1' ? "1" : "2");
    chronicled_close(&it);
    free(synchronised);
    free(folder);
    free(sql);
}
END_TEST

static void set_up(void)
{
    folder_make();
    history = histories_open();
}

static void tear_down(void)
{
    history_close(history);
    folder_remove();
}

int main(int argc, char **argv)
{
    Suite *suite = suite_create("history_prune");
    TCase *cases = tcase_create("history_prune");

    chronicled_main(argc, argv);
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, samples_thin_out);
    tcase_add_test(cases, the_first_of_its_time_stays);
    tcase_add_test(cases, thinning_goes_on);
    tcase_add_test(cases, steps_are_small);
    tcase_add_test(cases, the_file_becomes_smaller);
    tcase_add_test(cases, the_rest_goes_in_its_time);
    tcase_add_test(cases, a_clock_that_ran_ahead_forgets_nothing);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
