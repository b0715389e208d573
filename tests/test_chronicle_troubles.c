/*
 * Troubles of the history, on real workers and disks: each is told once when it begins and once
 * when it is over, all questions have their end, and what was told is written in the end.
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
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct chronicled it;

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
    char *folder = memory_copy(it.state);

    chronicled_close(&it);
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

    chronicled_open_in(&it, "state");
    if (!small_disk(it.state))
        return;
    chronicled_record(&it, 0, 200);
    chronicled_await(&it, 200);
    fill("state/ballast", 40960); /* so that some fit, but not all that come together */
    chronicled_record(&it, 200, 300);
    chronicled_ask(&it, history_job_record(large, "/srv/w.db", 1000)); /* in two parts */
    chronicled_record(&it, 300, 401);
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
    ck_assert_str_eq(event_kind(chronicled_answer(&it, history_job_clock(false))), "clock");
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
    chronicled_open_in(&it, "state");
    if (!small_disk(it.state))
        return;
    chronicled_answer(&it, chronicled_request("sample", 0));
    kill(chronicle_process(it.chronicle), SIGKILL);
    chronicled_run(&it, 50);
    ck_assert_int_eq(mount(NULL, it.state, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    chronicled_record(&it, 1, 11);
    chronicled_await(&it, 11);
    ck_assert_uint_eq(it.failed, 10);
    ck_assert_msg(strstr(it.why, "Read-only file system") != NULL, "%s", it.why);
    ck_assert_int_eq(mount(NULL, it.state, NULL, MS_REMOUNT, NULL), 0);
    chronicled_await_written(&it);
    ck_assert_uint_eq(it.troubles, 1);
    chronicled_check_runs(11);
    close_small_disk();
}
END_TEST

START_TEST(a_removed_history_is_begun_anew)
{
    char *file = folder_path("state/history.db"), *away = folder_path("away");

    chronicled_open_in(&it, "state");
    ck_assert(json_is_true(json_object_get(chronicled_answer(&it, history_job_states()), "fresh")));
    chronicled_answer(&it, chronicled_request("sample", 1));
    ck_assert(
        json_is_false(json_object_get(chronicled_answer(&it, history_job_states()), "fresh")));
    ck_assert_uint_eq(it.lost, 0);
    unlink(file);
    chronicled_answer(&it, chronicled_request("sample", 2));
    ck_assert_uint_eq(it.lost, 1);
    ck_assert_uint_eq(it.troubles, 1);
    ck_assert_str_eq(it.why, "the history was removed; a new one was begun");
    ck_assert_uint_eq(it.over, 1);
    worklog_check("state/history.db", "SELECT group_concat(started_us) FROM run", "2");
    /* the whole folder */
    ck_assert_int_eq(rename(it.state, away), 0);
    chronicled_answer(&it, chronicled_request("sample", 4));
    ck_assert_uint_eq(it.lost, 2);
    chronicled_check_runs(1);
    /* and while no worker runs */
    unlink(file);
    kill(chronicle_process(it.chronicle), SIGKILL);
    chronicled_run(&it, 100);
    chronicled_answer(&it, chronicled_request("sample", 3));
    ck_assert_uint_eq(it.lost, 3);
    worklog_check("state/history.db", "SELECT group_concat(started_us) FROM run", "3");
    free(away);
    free(file);
    chronicled_close(&it);
}
END_TEST

START_TEST(a_replaced_history_is_used)
{
    char *file = folder_path("state/history.db"), *copy = folder_path("state/copy.db");
    char *vacuum = memory_format("VACUUM INTO '%s'", copy);

    chronicled_open_in(&it, "state");
    chronicled_answer(&it, chronicled_request("sample", 1));
    free(worklog_ask("state/history.db", vacuum));
    chronicled_answer(&it, chronicled_request("sample", 2));
    ck_assert_int_eq(rename(copy, file), 0);
    chronicled_answer(&it, chronicled_request("sample", 3));
    ck_assert_str_eq(it.why, "the history was replaced; the file that is there now is used");
    ck_assert_uint_eq(it.lost, 1);
    worklog_check("state/history.db", "SELECT group_concat(started_us) FROM run", "1,3");
    free(vacuum);
    free(copy);
    free(file);
    chronicled_close(&it);
}
END_TEST

/* It is of a newer version, until somebody moves it away. */
START_TEST(a_file_that_cant_be_used_is_a_trouble)
{
    char *file = folder_path("state/history.db"), *away = folder_path("away.db");

    chronicled_open_in(&it, "state");
    mkdir(it.state, 0700);
    free(worklog_ask("state/history.db", "PRAGMA user_version = 99"));
    chronicled_ask(&it, chronicled_request("sample", 1));
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
    chronicled_check_runs(1);
    free(away);
    free(file);
    chronicled_close(&it);
}
END_TEST

START_TEST(a_worker_that_dies_each_time_is_a_trouble)
{
    chronicled_open_in(&it, "dies");
    chronicled_ask(&it, history_job_states());
    chronicled_ask(&it, chronicled_request("sample", 1));
    chronicled_await(&it, 2);
    ck_assert_uint_eq(it.failed, 2);
    ck_assert_uint_eq(it.troubles, 1);
    ck_assert_msg(strstr(it.why, "killed by signal 10") != NULL, "%s", it.why);
    ck_assert_uint_eq(chronicle_kept(it.chronicle), 1);
    chronicled_ask(&it, history_job_states()); /* nobody waits for the next try */
    ck_assert_uint_eq(it.ended, 3);
    chronicled_close(&it);
}
END_TEST

START_TEST(a_worker_that_says_nothing_is_killed)
{
    chronicled_open_in(&it, "mute");
    chronicle_set_patience(it.chronicle, 200);
    chronicled_ask(&it, chronicled_request("sample", 1));
    chronicled_await(&it, 1);
    ck_assert_str_eq(it.why, "its worker has not answered for 0.2 s");
    ck_assert_uint_eq(chronicle_kept(it.chronicle), 1);
    chronicled_close(&it);
}
END_TEST

/* Rows without an end: it is killed, and what it had begun to answer can't be asked again. */
START_TEST(a_worker_that_floods_is_killed)
{
    chronicled_open_in(&it, "floods");
    launch_events_most(10000);
    chronicled_ask(&it, history_job_files());
    chronicled_await(&it, 1);
    ck_assert_uint_eq(it.failed, 1);
    ck_assert_str_eq(it.error.text, "the worker sent more events than any task has");
    ck_assert_uint_eq(it.row_count, 10000);
    chronicled_close(&it);
}
END_TEST

START_TEST(without_a_worker_all_is_answered)
{
    chronicled_open_in(&it, "state");
    launch_program("/nonexistent/litekeeper");
    chronicled_ask(&it, history_job_clock(false));
    ck_assert_uint_eq(it.failed, 1);
    ck_assert_str_eq(it.why, "can't start a worker: no such file or directory");
    chronicled_record(&it, 1, 11);
    ck_assert_uint_eq(it.ended, 11);
    launch_program("/proc/self/exe");
    chronicled_await_written(&it);
    ck_assert_uint_eq(it.over, 1);
    chronicled_check_runs(10);
    chronicled_close(&it);
}
END_TEST

/* Memory is bounded, and what there is plenty of goes first. */
START_TEST(what_is_kept_has_an_end)
{
    json_t *outcome = chronicled_outcome("sample", "done", 200); /* 30 kB of JSON */

    chronicled_open_in(&it, "state");
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
    chronicled_close(&it);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(int argc, char **argv)
{
    Suite *suite = suite_create("chronicle_troubles");
    TCase *cases = tcase_create("chronicle_troubles");

    chronicled_main(argc, argv);
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, a_full_disk_is_told_once_and_survived);
    tcase_add_test(cases, a_read_only_disk_is_told_once_and_survived);
    tcase_add_test(cases, a_removed_history_is_begun_anew);
    tcase_add_test(cases, a_replaced_history_is_used);
    tcase_add_test(cases, a_file_that_cant_be_used_is_a_trouble);
    tcase_add_test(cases, a_worker_that_dies_each_time_is_a_trouble);
    tcase_add_test(cases, a_worker_that_says_nothing_is_killed);
    tcase_add_test(cases, a_worker_that_floods_is_killed);
    tcase_add_test(cases, without_a_worker_all_is_answered);
    tcase_add_test(cases, what_is_kept_has_an_end);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
