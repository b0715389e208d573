/*
 * The chronicle on real history workers: what is asked is answered, once and in its order, and what
 * is told is written once, however often the worker is killed.
 */
#include "chronicle.h"

#include "event.h"
#include "history_job.h"
#include "launch.h"
#include "lib_chronicle.h"
#include "lib_folder.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct chronicled it;

START_TEST(what_is_asked_is_answered_in_its_order)
{
    chronicled_open_in(&it, "state");
    chronicled_record(&it, 1, 1001);
    chronicled_await(&it, 1000);
    ck_assert_uint_eq(it.failed, 0);
    ck_assert_uint_eq(chronicle_pending(it.chronicle), 0);
    chronicled_check_runs(1000);
    ck_assert_str_eq(event_kind(chronicled_answer(&it, history_job_states())), "listed");
    ck_assert_uint_eq(json_array_size(it.rows), 1);
    ck_assert_uint_eq(it.troubles, 0);
    chronicled_close(&it);
}
END_TEST

/* Rows of one answer come before its end, and the next answer's after it. */
START_TEST(rows_come_with_their_answer)
{
    struct history_subject all = {NULL, NULL, NULL};

    chronicled_open_in(&it, "state");
    chronicled_record(&it, 1, 31);
    const json_t *listed = chronicled_answer(&it, history_job_runs(&all, 11, 15));
    ck_assert_str_eq(event_kind(listed), "listed");
    ck_assert_uint_eq(json_array_size(it.rows), 15);
    for (size_t i = 0; i < 15; i++)
        ck_assert_int_eq(json_integer_value(
                             json_object_get(json_array_get(it.rows, i), "started_us")),
                         30 - (int)i);
    chronicled_close(&it);
}
END_TEST

START_TEST(the_last_run_is_recalled)
{
    struct history_subject subject = {"/srv/w.db", "vacuum", NULL};
    struct engine_memory memory;

    chronicled_open_in(&it, "state");
    history_job_memory(chronicled_answer(&it, history_job_recall(false, &subject)), &memory);
    ck_assert_int_eq(memory.newest_us, -1);
    ck_assert_int_eq(memory.last.started_us, 0);
    ck_assert_ptr_null(memory.last.effect);
    chronicled_answer(&it, chronicled_request("vacuum", 77));
    history_job_memory(chronicled_answer(&it, history_job_recall(false, &subject)), &memory);
    ck_assert_int_gt(memory.newest_us, 0);
    ck_assert_int_eq(memory.last.started_us, 77);
    ck_assert_double_eq(memory.last.seconds, 0.5);
    ck_assert_int_eq(json_integer_value(json_object_get(memory.last.effect, "pages")), 10);
    chronicled_close(&it);
}
END_TEST

/* More than a line may have goes in parts, and has one end. */
START_TEST(what_is_long_goes_in_parts)
{
    json_t *outcome = chronicled_outcome("sample", "done", 20000), *known = json_array();

    chronicled_open_in(&it, "state");
    chronicled_answer(&it, history_job_record(outcome, "/srv/w.db", 5));
    ck_assert_uint_eq(it.ended, 1);
    worklog_check("state/history.db",
                  "SELECT count(*), count(DISTINCT name), min(position), max(position)"
                  " FROM sample_btree",
                  "20000|20000|0|19999");
    for (int i = 0; i < 30000; i++) {
        char *path = memory_format("/srv/databases/of/somebody/number-%d.db", i);
        json_array_append_new(known, json_pack("[s, s, n]", path, "sample"));
        free(path);
    }
    chronicled_answer(&it, history_job_seen(7, known));
    ck_assert_uint_eq(it.ended, 2);
    worklog_check("state/history.db", "SELECT count(*) FROM state WHERE seen_us = 7", "30000");
    json_decref(outcome);
    chronicled_close(&it);
}
END_TEST

/* kill -9 at random moments: each record is there once, and each had its end. */
START_TEST(a_worker_that_is_killed_loses_nothing)
{
    const char *given = getenv("SEED"), *rounds = getenv("ROUNDS");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    int64_t records = 0;

    printf("chronicle: SEED=%u\n", seed);
    fflush(stdout);
    srandom(seed);
    chronicled_open_in(&it, "state");
    for (int i = 0; i < (rounds ? atoi(rounds) : 25); i++) {
        int64_t more = random() % 200;
        chronicled_record(&it, records, records + more);
        records += more;
        if (i % 2) /* else it may be killed before it has said anything */
            chronicled_await(&it, it.ended < it.asked ? it.ended + 1 : it.ended);
        chronicled_run(&it, (unsigned)(random() % 120));
        if (chronicle_process(it.chronicle))
            kill(chronicle_process(it.chronicle), SIGKILL);
    }
    chronicled_await(&it, (size_t)records);
    chronicled_await_written(&it);
    chronicled_check_runs(records);
    worklog_check("state/history.db", "PRAGMA integrity_check", "ok");
    chronicled_close(&it);
}
END_TEST

/* What a test has that is told in an order: the last word holds. */
static void pause_and_resume(int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        chronicled_ask(&it,
                       i % 2 ? history_job_resume("w", NULL) : history_job_pause("w", NULL, i));
}

START_TEST(what_is_told_again_keeps_its_order)
{
    chronicled_open_in(&it, "state");
    launch_program("/nonexistent/litekeeper");
    pause_and_resume(0, 101); /* the last one pauses */
    launch_program("/proc/self/exe");
    chronicled_await_written(&it);
    worklog_check("state/history.db", "SELECT until_us FROM pause", "100");
    for (int64_t i = 1; i <= 10; i++) {
        pause_and_resume(i * 100, i * 100 + 101);
        if (it.ended + 3 < it.asked)
            chronicled_await(&it, it.ended + (size_t)(i % 3) + 1);
        if (chronicle_process(it.chronicle)) /* at some, with many behind them */
            kill(chronicle_process(it.chronicle), SIGKILL);
    }
    chronicled_await(&it, it.asked);
    chronicled_await_written(&it);
    worklog_check("state/history.db", "SELECT until_us FROM pause", "1100");
    chronicled_close(&it);
}
END_TEST

START_TEST(a_closed_chronicle_has_written_all)
{
    chronicled_open_in(&it, "state");
    chronicled_record(&it, 0, 300);
    chronicled_close(&it);
    ck_assert_uint_eq(it.failed, 0);
    chronicled_check_runs(300);
}
END_TEST

START_TEST(what_is_wrong_is_no_trouble)
{
    chronicled_open_in(&it, "state");
    chronicled_ask(&it, json_pack("{s:s, s:{}}", "request", "record", "outcome"));
    chronicled_ask(&it, json_pack("{s:s}", "request", "nonsense"));
    chronicled_ask(&it, NULL);
    chronicled_ask(&it, history_job_alarm("vanished", json_object()));
    chronicled_await(&it, 4);
    ck_assert_uint_eq(it.failed, 4);
    ck_assert_int_eq(it.error.status, STATUS_INVALID);
    ck_assert_uint_eq(it.troubles, 0);
    ck_assert_uint_eq(chronicle_kept(it.chronicle), 0);
    chronicled_answer(&it, chronicled_request("sample", 1));
    chronicled_close(&it);
}
END_TEST

/* One that answers may say as much as it likes, in its time. */
START_TEST(a_worker_lives_for_ever)
{
    chronicled_open_in(&it, "state");
    launch_events_most(100);
    chronicled_answer(&it, history_job_clock(false));
    int process = chronicle_process(it.chronicle);
    chronicled_record(&it, 1, 1001);
    chronicled_await(&it, 1001);
    ck_assert_uint_eq(it.failed, 0);
    ck_assert_int_eq(chronicle_process(it.chronicle), process);
    chronicled_close(&it);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(int argc, char **argv)
{
    Suite *suite = suite_create("chronicle");
    TCase *cases = tcase_create("chronicle");

    chronicled_main(argc, argv);
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, what_is_asked_is_answered_in_its_order);
    tcase_add_test(cases, rows_come_with_their_answer);
    tcase_add_test(cases, the_last_run_is_recalled);
    tcase_add_test(cases, what_is_long_goes_in_parts);
    tcase_add_test(cases, a_worker_that_is_killed_loses_nothing);
    tcase_add_test(cases, what_is_told_again_keeps_its_order);
    tcase_add_test(cases, a_closed_chronicle_has_written_all);
    tcase_add_test(cases, what_is_wrong_is_no_trouble);
    tcase_add_test(cases, a_worker_lives_for_ever);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
