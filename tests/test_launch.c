/* A worker and its parent: events, more lines, the word to stop, time, and what it inherits. */
#include "launch.h"

#include "event.h"
#include "lib_family.h"
#include "lib_launched.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static enum status kind_greet(json_t *job, struct error *error)
{
    (void)error;
    launched_say("hello %s", json_string_value(json_object_get(job, "who")));
    return STATUS_OK;
}

/* Answers each line with one event, as the history does. */
static enum status kind_echo(json_t *job, struct error *error)
{
    bool ended = false;
    char *line;

    (void)job;
    (void)error;
    while ((line = worker_line(NULL, -1, &ended))) {
        json_t *message = json_loads(line, 0, NULL);
        launched_say("%s", json_string_value(json_object_get(message, "say")));
        json_decref(message);
    }
    return ended ? STATUS_OK : STATUS_FAILED;
}

static enum status kind_steps(json_t *job, struct error *error)
{
    (void)job;
    launched_say("begun");
    while (!worker_stopped(NULL))
        usleep(1000);
    launched_say("stopped between two steps");
    return error_set(error, STATUS_CANCELLED, "told to stop");
}

/* A statement that never ends and never asks whether it shall. */
static enum status kind_spin(json_t *job, struct error *error)
{
    sqlite3 *db;

    (void)job;
    sqlite3_open(":memory:", &db);
    launched_say("begun");
    sqlite3_exec(db,
                 "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                 "SELECT count(*) FROM n",
                 NULL, NULL, NULL);
    return error_set(error, STATUS_FAILED, "it ended after all");
}

static enum status kind_environment(json_t *job, struct error *error)
{
    (void)job;
    (void)error;
    launched_say("TMPDIR %s, TZ %s, PATH %s, session %s, terminal %s",
                 getenv("TMPDIR") ? "set" : "unset", getenv("TZ") ? "set" : "unset",
                 getenv("PATH") ? "set" : "unset", getsid(0) == getpid() ? "own" : "shared",
                 open("/dev/tty", O_RDWR) < 0 ? "none" : "open");
    return STATUS_OK;
}

static enum status kind_descriptors(json_t *job, struct error *error)
{
    int open = 0;

    (void)job;
    (void)error;
    for (int fd = 3; fd < 1024; fd++)
        open += fcntl(fd, F_GETFD) >= 0;
    launched_say("%d", open);
    return STATUS_OK;
}

static const struct worker_kind kinds[] = {
    {.name = "greet", .serve = kind_greet},
    {.name = "echo", .serve = kind_echo},
    {.name = "steps", .serve = kind_steps},
    {.name = "spin", .serve = kind_spin},
    {.name = "environment", .serve = kind_environment},
    {.name = "descriptors", .serve = kind_descriptors},
    {0},
};

static json_t *job(const char *kind)
{
    return json_pack("{s:s}", "job", kind);
}

START_TEST(launch_passes_events_on)
{
    struct launched worker;

    launched_start(&worker, json_pack("{s:s, s:s}", "job", "greet", "who", "world"), 0);
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_OK);
    ck_assert_uint_eq(json_array_size(worker.events), 1);
    ck_assert_str_eq(launched_notice(&worker, 0), "hello world");
    launched_free(&worker);
}
END_TEST

START_TEST(launch_sends_more_lines)
{
    struct launched worker;

    launched_start(&worker, job("echo"), 0);
    for (int i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        json_t *message = json_pack("{s:s}", "say", text);
        launch_send(worker.launch, message);
        json_decref(message);
    }
    launch_cancel(worker.launch, LAUNCH_GRACE_MS); /* what was sent still arrives */
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_OK);
    ck_assert_uint_eq(json_array_size(worker.events), 1000);
    ck_assert_str_eq(launched_notice(&worker, 999), "999");
    launched_free(&worker);
}
END_TEST

START_TEST(launch_cancels_at_a_step)
{
    struct launched worker;

    launched_start(&worker, job("steps"), 0);
    launched_await(&worker, 1);
    launch_cancel(worker.launch, LAUNCH_GRACE_MS);
    launched_finish(&worker);
    ck_assert_str_eq(launched_notice(&worker, 1), "stopped between two steps");
    ck_assert_int_eq(worker.error.status, STATUS_CANCELLED);
    ck_assert_str_eq(worker.error.text, "told to stop");
    launched_free(&worker);
}
END_TEST

START_TEST(launch_stops_on_sigterm)
{
    struct launched worker;

    launched_start(&worker, job("steps"), 0);
    launched_await(&worker, 1);
    kill(worker.process, _i ? SIGTERM : SIGINT);
    launched_finish(&worker);
    ck_assert_str_eq(launched_notice(&worker, 1), "stopped between two steps");
    launched_free(&worker);
}
END_TEST

START_TEST(launch_kills_after_the_grace)
{
    struct launched worker;

    launched_start(&worker, job("spin"), 0);
    launched_await(&worker, 1);
    launch_cancel(worker.launch, 200);
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_CANCELLED);
    ck_assert_str_eq(worker.error.text, "the worker did not stop in time and was killed");
    launched_free(&worker);
}
END_TEST

START_TEST(launch_cancels_again_sooner)
{
    struct launched worker;

    launched_start(&worker, job("spin"), 0);
    launched_await(&worker, 1);
    launch_cancel(worker.launch, 3600 * 1000);
    launch_cancel(worker.launch, 0);
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_CANCELLED);
    launched_free(&worker);
}
END_TEST

START_TEST(launch_limits_time)
{
    struct launched worker;

    launched_start(&worker, job("steps"), 300);
    launched_finish(&worker);
    ck_assert_str_eq(launched_notice(&worker, 1), "stopped between two steps");
    ck_assert_int_eq(worker.error.status, STATUS_CANCELLED);
    ck_assert_str_eq(worker.error.text, "it took longer than its time limit of 0.3 s");
    launched_free(&worker);
}
END_TEST

START_TEST(launch_tells_of_a_kill)
{
    struct launched worker;

    launched_start(&worker, job("spin"), 0);
    launched_await(&worker, 1);
    kill(worker.process, SIGKILL);
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_FAILED);
    ck_assert_str_eq(worker.error.text, "the worker was killed by signal 9 (Killed); if nobody "
                                        "did that, the kernel was out of memory");
    launched_free(&worker);
}
END_TEST

START_TEST(launch_refuses_a_huge_job)
{
    struct launch_handlers handlers = {0};
    struct launch *launch = NULL;
    struct error error = {0};
    json_t *huge = json_object();
    char *text = malloc(WORKER_JOB + 1);

    memset(text, 'x', WORKER_JOB);
    text[WORKER_JOB] = '\0';
    json_object_set_new(huge, "job", json_string(text));
    ck_assert_int_eq(launch_start(uv_default_loop(), huge, 0, &handlers, &launch, &error),
                     STATUS_INVALID);
    ck_assert_int_eq(launch_start(uv_default_loop(), NULL, 0, &handlers, &launch, &error),
                     STATUS_INVALID);
    ck_assert_str_eq(error.text, "a path or name is not UTF-8");
    ck_assert_ptr_null(launch);
    json_decref(huge);
    free(text);
}
END_TEST

START_TEST(launch_reports_a_missing_program)
{
    struct launch_handlers handlers = {0};
    struct launch *launch = NULL;
    struct error error = {0};
    json_t *greet = job("greet");

    launch_program("/nonexistent/litekeeper");
    ck_assert_int_eq(launch_start(uv_default_loop(), greet, 0, &handlers, &launch, &error),
                     STATUS_FAILED);
    ck_assert_str_eq(error.text, "can't start a worker: no such file or directory");
    ck_assert_ptr_null(launch);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(uv_default_loop()), 0);
    json_decref(greet);
}
END_TEST

START_TEST(launch_gives_little)
{
    struct launched worker;

    setenv("TMPDIR", "/root", 1);
    setenv("TZ", "UTC", 1);
    launched_start(&worker, job("environment"), 0);
    launched_finish(&worker);
    ck_assert_str_eq(launched_notice(&worker, 0),
                     "TMPDIR unset, TZ set, PATH unset, session own, terminal none");
    launched_free(&worker);
}
END_TEST

START_TEST(launch_leaks_no_descriptor)
{
    struct launched worker;

    for (int i = 0; i < 20; i++) /* without O_CLOEXEC, as a careless library would */
        ck_assert_int_ge(open("/dev/null", O_RDONLY), 0);
    launched_start(&worker, job("descriptors"), 0);
    launched_finish(&worker);
    ck_assert_str_eq(launched_notice(&worker, 0), "0");
    launched_free(&worker);
}
END_TEST

static bool launch_lives(int process)
{
    char path[64], line[256], state = 'X';

    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    if (fgets(line, sizeof line, file))
        sscanf(strrchr(line, ')'), ") %c", &state);
    fclose(file);
    return state != 'Z' && state != 'X';
}

/* kill -9 of the parent, while the worker is deep in a statement that never ends. */
START_TEST(launch_orphan_dies)
{
    int process = 0, pipes[2];

    ck_assert_int_eq(pipe(pipes), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct launched worker;
        launched_start(&worker, job("spin"), 0);
        launched_await(&worker, 1);
        if (write(pipes[1], &worker.process, sizeof worker.process) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(pipes[0], &process, sizeof process), sizeof process);
    ck_assert(launch_lives(process));
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    for (int i = 0; i < FAMILY_ORPHAN_MS / 10 && launch_lives(process); i++)
        usleep(10000);
    ck_assert(!launch_lives(process));
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("launch");
    TCase *test = tcase_create("launch");

    launched_main(argc, argv, kinds);
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(test, 120);
    tcase_add_test(test, launch_passes_events_on);
    tcase_add_test(test, launch_sends_more_lines);
    tcase_add_test(test, launch_cancels_at_a_step);
    tcase_add_loop_test(test, launch_stops_on_sigterm, 0, 2);
    tcase_add_test(test, launch_kills_after_the_grace);
    tcase_add_test(test, launch_cancels_again_sooner);
    tcase_add_test(test, launch_limits_time);
    tcase_add_test(test, launch_tells_of_a_kill);
    tcase_add_test(test, launch_refuses_a_huge_job);
    tcase_add_test(test, launch_reports_a_missing_program);
    tcase_add_test(test, launch_gives_little);
    tcase_add_test(test, launch_leaks_no_descriptor);
    tcase_add_test(test, launch_orphan_dies);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
