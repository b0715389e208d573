/*
 * The chronicle on real history workers: what is asked is answered, once, and what is told is
 * written, once, whatever becomes of the worker, the disk and the file.
 */
#include "chronicle.h"

#include "history_job.h"
#include "launch.h"
#include "lib_chronicle.h"
#include "lib_folder.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct chronicled it;
static char *state;

static void open_in(const char *name)
{
    state = folder_path(name);
    chronicled_open(&it, state);
}

static void close_it(void)
{
    chronicled_close(&it);
    free(state);
}

static json_t *record(const char *task, int64_t started_us)
{
    json_t *outcome = chronicled_outcome(task, "done", 3);
    json_t *request = history_job_record(outcome, "/srv/w.db", started_us);

    json_decref(outcome);
    return request;
}

static void record_many(int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        chronicled_ask(&it, record("sample", i));
}

static void check_runs(int64_t count)
{
    char *expected = memory_format("%d|%d|%d", (int)count, (int)count, (int)count * 3);

    worklog_check("state/history.db",
                  "SELECT count(*), count(DISTINCT started_us),"
                  " (SELECT count(*) FROM sample_btree) FROM run",
                  expected);
    free(expected);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

START_TEST(what_is_asked_is_answered_in_its_order)
{
    open_in("state");
    record_many(1, 1001);
    chronicled_await(&it, 1000);
    ck_assert_uint_eq(it.failed, 0);
    ck_assert_uint_eq(chronicle_pending(it.chronicle), 0);
    check_runs(1000);
    ck_assert_str_eq(text_of(chronicled_answer(&it, history_job_states()), "event"), "listed");
    ck_assert_uint_eq(json_array_size(it.rows), 1);
    ck_assert_uint_eq(it.troubles, 0);
    close_it();
}
END_TEST

/* Rows of one answer come before its end, and the next answer's after it. */
START_TEST(rows_come_with_their_answer)
{
    struct history_subject all = {NULL, NULL, NULL};

    open_in("state");
    record_many(1, 31);
    const json_t *listed = chronicled_answer(&it, history_job_runs(&all, 11, 15));
    ck_assert_str_eq(text_of(listed, "event"), "listed");
    ck_assert_uint_eq(json_array_size(it.rows), 15);
    for (size_t i = 0; i < 15; i++)
        ck_assert_int_eq(json_integer_value(
                             json_object_get(json_array_get(it.rows, i), "started_us")),
                         30 - (int)i);
    close_it();
}
END_TEST

START_TEST(the_last_run_is_recalled)
{
    struct history_subject subject = {"/srv/w.db", "vacuum", NULL};
    struct engine_memory memory;

    open_in("state");
    history_job_memory(chronicled_answer(&it, history_job_recall(false, &subject)), &memory);
    ck_assert_int_eq(memory.newest_us, -1);
    ck_assert_int_eq(memory.last.started_us, 0);
    ck_assert_ptr_null(memory.last.effect);
    chronicled_answer(&it, record("vacuum", 77));
    history_job_memory(chronicled_answer(&it, history_job_recall(false, &subject)), &memory);
    ck_assert_int_gt(memory.newest_us, 0);
    ck_assert_int_eq(memory.last.started_us, 77);
    ck_assert_double_eq(memory.last.seconds, 0.5);
    ck_assert_int_eq(json_integer_value(json_object_get(memory.last.effect, "pages")), 10);
    close_it();
}
END_TEST

/* More than a line may have goes in parts, and has one end. */
START_TEST(what_is_long_goes_in_parts)
{
    json_t *outcome = chronicled_outcome("sample", "done", 20000), *tasks = json_array();

    open_in("state");
    chronicled_answer(&it, history_job_record(outcome, "/srv/w.db", 5));
    ck_assert_uint_eq(it.ended, 1);
    worklog_check("state/history.db",
                  "SELECT count(*), count(DISTINCT name), min(position), max(position)"
                  " FROM sample_btree",
                  "20000|20000|0|19999");
    for (int i = 0; i < 30000; i++) {
        char *path = memory_format("/srv/databases/of/somebody/number-%d.db", i);
        json_array_append_new(tasks, json_pack("[s, s, n]", path, "sample"));
        free(path);
    }
    chronicled_answer(&it, history_job_seen(7, tasks));
    ck_assert_uint_eq(it.ended, 2);
    worklog_check("state/history.db", "SELECT count(*) FROM state WHERE seen_us = 7", "30000");
    json_decref(outcome);
    close_it();
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
    open_in("state");
    for (int i = 0; i < (rounds ? atoi(rounds) : 25); i++) {
        int64_t more = random() % 200;
        record_many(records, records + more);
        records += more;
        if (i % 2) /* else it may be killed before it has said anything */
            chronicled_await(&it, it.ended < it.asked ? it.ended + 1 : it.ended);
        chronicled_run(&it, (unsigned)(random() % 120));
        if (chronicle_process(it.chronicle))
            kill(chronicle_process(it.chronicle), SIGKILL);
    }
    chronicled_await(&it, (size_t)records);
    chronicled_await_written(&it);
    check_runs(records);
    worklog_check("state/history.db", "PRAGMA integrity_check", "ok");
    close_it();
}
END_TEST

START_TEST(a_closed_chronicle_has_written_all)
{
    open_in("state");
    record_many(0, 300);
    close_it();
    ck_assert_uint_eq(it.failed, 0);
    check_runs(300);
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
    open_in("state");
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
    close_it();
}
END_TEST

static bool small_disk(const char *folder)
{
    mkdir(folder, 0700);
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("small", folder, "tmpfs", MS_NOSUID, "size=4m,mode=700") == 0)
        return true;
    puts("skipped: needs root and a mount namespace");
    return false;
}

static void close_small_disk(void)
{
    char *folder = memory_copy(state);

    close_it();
    umount2(folder, MNT_DETACH);
    free(folder);
}

/* Up to so many bytes. */
static void fill(const char *name, off_t left)
{
    char *path = folder_path(name), bytes[4096] = {0};
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    off_t size = 0;

    for (ssize_t got; (got = write(file, bytes, sizeof bytes)) > 0;)
        size += got;
    ck_assert_int_eq(ftruncate(file, size - left), 0);
    close(file);
    free(path);
}

START_TEST(a_full_disk_is_told_once_and_survived)
{
    json_t *large = chronicled_outcome("sample", "done", 4000);
    char *ballast = folder_path("state/ballast");

    open_in("state");
    if (!small_disk(state))
        return;
    record_many(0, 200);
    chronicled_await(&it, 200);
    fill("state/ballast", 40960); /* so that some fit, but not all that come together */
    record_many(200, 300);
    chronicled_ask(&it, history_job_record(large, "/srv/w.db", 1000)); /* in two parts */
    record_many(300, 401);
    chronicled_await(&it, 402);
    ck_assert_uint_gt(it.failed, 0);
    ck_assert_uint_eq(it.troubles, 1);
    ck_assert_uint_eq(it.over, 0);
    ck_assert_msg(strstr(it.why, "disk is full") != NULL, "%s", it.why);
    ck_assert_uint_gt(chronicle_kept(it.chronicle), 0);
    chronicled_run(&it, 1000); /* a few tries more */
    ck_assert_uint_eq(it.troubles, 1);
    /* what is known can be read all the same, and the clock's guard needs it */
    json_array_clear(it.rows);
    chronicled_answer(&it, history_job_states());
    ck_assert_uint_eq(json_array_size(it.rows), 1);
    ck_assert_str_eq(text_of(chronicled_answer(&it, history_job_clock(false)), "event"), "clock");
    unlink(ballast);
    chronicled_await_written(&it);
    ck_assert_uint_eq(it.over, 1);
    worklog_check("state/history.db",
                  "SELECT count(*), (SELECT count(*) FROM sample_btree) FROM run", "402|5203");
    close_small_disk();
    free(ballast);
    json_decref(large);
}
END_TEST

/* The kernel makes a file system read-only when its disk fails. */
START_TEST(a_read_only_disk_is_told_once_and_survived)
{
    open_in("state");
    if (!small_disk(state))
        return;
    chronicled_answer(&it, record("sample", 0));
    kill(chronicle_process(it.chronicle), SIGKILL);
    chronicled_run(&it, 50);
    ck_assert_int_eq(mount(NULL, state, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    record_many(1, 11);
    chronicled_await(&it, 11);
    ck_assert_uint_eq(it.failed, 10);
    ck_assert_msg(strstr(it.why, "Read-only file system") != NULL, "%s", it.why);
    ck_assert_int_eq(mount(NULL, state, NULL, MS_REMOUNT, NULL), 0);
    chronicled_await_written(&it);
    ck_assert_uint_eq(it.troubles, 1);
    check_runs(11);
    close_small_disk();
}
END_TEST

START_TEST(a_removed_history_is_begun_anew)
{
    char *file = folder_path("state/history.db"), *away = folder_path("away");

    open_in("state");
    ck_assert(json_is_true(json_object_get(chronicled_answer(&it, history_job_states()), "fresh")));
    chronicled_answer(&it, record("sample", 1));
    ck_assert(
        json_is_false(json_object_get(chronicled_answer(&it, history_job_states()), "fresh")));
    ck_assert_uint_eq(it.lost, 0);
    unlink(file);
    chronicled_answer(&it, record("sample", 2));
    ck_assert_uint_eq(it.lost, 1);
    ck_assert_uint_eq(it.troubles, 1);
    ck_assert_str_eq(it.why, "the history was removed; a new one was begun");
    ck_assert_uint_eq(it.over, 1);
    worklog_check("state/history.db", "SELECT group_concat(started_us) FROM run", "2");
    /* the whole folder */
    ck_assert_int_eq(rename(state, away), 0);
    chronicled_answer(&it, record("sample", 4));
    ck_assert_uint_eq(it.lost, 2);
    check_runs(1);
    /* and while no worker runs */
    unlink(file);
    kill(chronicle_process(it.chronicle), SIGKILL);
    chronicled_run(&it, 100);
    chronicled_answer(&it, record("sample", 3));
    ck_assert_uint_eq(it.lost, 3);
    worklog_check("state/history.db", "SELECT group_concat(started_us) FROM run", "3");
    free(away);
    free(file);
    close_it();
}
END_TEST

START_TEST(a_replaced_history_is_used)
{
    char *file = folder_path("state/history.db"), *copy = folder_path("state/copy.db");
    char *vacuum = memory_format("VACUUM INTO '%s'", copy);

    open_in("state");
    chronicled_answer(&it, record("sample", 1));
    free(worklog_ask("state/history.db", vacuum));
    chronicled_answer(&it, record("sample", 2));
    ck_assert_int_eq(rename(copy, file), 0);
    chronicled_answer(&it, record("sample", 3));
    ck_assert_str_eq(it.why, "the history was replaced; the file that is there now is used");
    ck_assert_uint_eq(it.lost, 1);
    worklog_check("state/history.db", "SELECT group_concat(started_us) FROM run", "1,3");
    free(vacuum);
    free(copy);
    free(file);
    close_it();
}
END_TEST

/* It is of a newer version, until somebody moves it away. */
START_TEST(a_file_that_cant_be_used_is_a_trouble)
{
    char *file = folder_path("state/history.db"), *away = folder_path("away.db");

    open_in("state");
    mkdir(state, 0700);
    free(worklog_ask("state/history.db", "PRAGMA user_version = 99"));
    chronicled_ask(&it, record("sample", 1));
    chronicled_ask(&it, history_job_states());
    chronicled_ask(&it, history_job_clock(false));
    chronicled_await(&it, 3);
    ck_assert_uint_eq(it.failed, 3);
    ck_assert_int_ne(it.error.status, STATUS_INVALID);
    ck_assert_uint_eq(it.troubles, 1);
    ck_assert_msg(strstr(it.why, "is of a newer litekeeper") != NULL, "%s", it.why);
    ck_assert_int_eq(rename(file, away), 0);
    chronicled_await_written(&it);
    ck_assert_uint_eq(it.over, 1);
    ck_assert_uint_eq(it.lost, 0);
    check_runs(1);
    free(away);
    free(file);
    close_it();
}
END_TEST

START_TEST(what_is_wrong_is_no_trouble)
{
    open_in("state");
    chronicled_ask(&it, json_pack("{s:s, s:{}}", "request", "record", "outcome"));
    chronicled_ask(&it, json_pack("{s:s}", "request", "nonsense"));
    chronicled_ask(&it, NULL);
    chronicled_ask(&it, history_job_alarm("vanished", json_object()));
    chronicled_await(&it, 4);
    ck_assert_uint_eq(it.failed, 4);
    ck_assert_int_eq(it.error.status, STATUS_INVALID);
    ck_assert_uint_eq(it.troubles, 0);
    ck_assert_uint_eq(chronicle_kept(it.chronicle), 0);
    chronicled_answer(&it, record("sample", 1));
    close_it();
}
END_TEST

START_TEST(a_worker_that_dies_each_time_is_a_trouble)
{
    open_in("dies");
    chronicled_ask(&it, history_job_states());
    chronicled_ask(&it, record("sample", 1));
    chronicled_await(&it, 2);
    ck_assert_uint_eq(it.failed, 2);
    ck_assert_uint_eq(it.troubles, 1);
    ck_assert_msg(strstr(it.why, "killed by signal 11") != NULL, "%s", it.why);
    ck_assert_uint_eq(chronicle_kept(it.chronicle), 1);
    chronicled_ask(&it, history_job_states()); /* nobody waits for the next try */
    ck_assert_uint_eq(it.ended, 3);
    close_it();
}
END_TEST

START_TEST(a_worker_that_says_nothing_is_killed)
{
    open_in("mute");
    chronicle_set_patience(it.chronicle, 200);
    chronicled_ask(&it, record("sample", 1));
    chronicled_await(&it, 1);
    ck_assert_str_eq(it.why, "its worker has not answered for 0.2 s");
    ck_assert_uint_eq(chronicle_kept(it.chronicle), 1);
    close_it();
}
END_TEST

/* Rows without an end: it is killed, and what it had begun to answer can't be asked again. */
START_TEST(a_worker_that_floods_is_killed)
{
    open_in("floods");
    launch_events_most(10000);
    chronicled_ask(&it, history_job_files());
    chronicled_await(&it, 1);
    ck_assert_uint_eq(it.failed, 1);
    ck_assert_str_eq(it.error.text, "the worker sent more events than any task has");
    ck_assert_uint_eq(it.row_count, 10000);
    close_it();
}
END_TEST

/* One that answers may say as much as it likes, in its time. */
START_TEST(a_worker_lives_for_ever)
{
    open_in("state");
    launch_events_most(100);
    chronicled_answer(&it, history_job_clock(false));
    int process = chronicle_process(it.chronicle);
    record_many(1, 1001);
    chronicled_await(&it, 1001);
    ck_assert_uint_eq(it.failed, 0);
    ck_assert_int_eq(chronicle_process(it.chronicle), process);
    close_it();
}
END_TEST

START_TEST(without_a_worker_all_is_answered)
{
    open_in("state");
    launch_program("/nonexistent/litekeeper");
    chronicled_ask(&it, history_job_clock(false));
    ck_assert_uint_eq(it.failed, 1);
    ck_assert_str_eq(it.why, "can't start a worker: no such file or directory");
    record_many(1, 11);
    ck_assert_uint_eq(it.ended, 11);
    launch_program("/proc/self/exe");
    chronicled_await_written(&it);
    ck_assert_uint_eq(it.over, 1);
    check_runs(10);
    close_it();
}
END_TEST

/* Memory is bounded, and what there is plenty of goes first. */
START_TEST(what_is_kept_has_an_end)
{
    json_t *outcome = chronicled_outcome("sample", "done", 200); /* 30 kB of JSON */

    open_in("state");
    launch_program("/nonexistent/litekeeper");
    chronicled_ask(&it, history_job_pause(NULL, NULL, -1));
    for (int64_t i = 1; i <= 500; i++)
        chronicled_ask(&it, history_job_record(outcome, "/srv/w.db", i));
    ck_assert_uint_eq(it.ended, 501);
    ck_assert_uint_gt(chronicle_kept(it.chronicle), 100);
    ck_assert_uint_lt(chronicle_kept(it.chronicle), 500);
    launch_program("/proc/self/exe");
    chronicled_await_written(&it);
    worklog_check("state/history.db",
                  "SELECT count(*) > 100, max(started_us), max(started_us) - count(*) + 1 ="
                  " min(started_us), (SELECT count(*) FROM pause) FROM run",
                  "1|500|1|1");
    json_decref(outcome);
    close_it();
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
    tcase_add_test(cases, a_full_disk_is_told_once_and_survived);
    tcase_add_test(cases, a_read_only_disk_is_told_once_and_survived);
    tcase_add_test(cases, a_removed_history_is_begun_anew);
    tcase_add_test(cases, a_replaced_history_is_used);
    tcase_add_test(cases, a_file_that_cant_be_used_is_a_trouble);
    tcase_add_test(cases, what_is_wrong_is_no_trouble);
    tcase_add_test(cases, a_worker_that_dies_each_time_is_a_trouble);
    tcase_add_test(cases, a_worker_that_says_nothing_is_killed);
    tcase_add_test(cases, a_worker_that_floods_is_killed);
    tcase_add_test(cases, a_worker_lives_for_ever);
    tcase_add_test(cases, without_a_worker_all_is_answered);
    tcase_add_test(cases, what_is_kept_has_an_end);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
