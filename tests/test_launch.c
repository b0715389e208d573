/* A worker that behaves, and every way in which one may not: what the parent makes of each. */
#include "launch.h"

#include "event.h"
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
    FILE *input = worker_input();
    char *line = NULL;
    size_t size = 0;

    (void)job;
    (void)error;
    while (getline(&line, &size, input) > 0) {
        json_t *message = json_loads(line, 0, NULL);
        launched_say("%s", json_string_value(json_object_get(message, "say")));
        json_decref(message);
    }
    free(line);
    fclose(input);
    return STATUS_OK;
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

static enum status kind_fail(json_t *job, struct error *error)
{
    (void)job;
    launched_say("about to fail");
    return error_set(error, STATUS_REFUSED, "a guard said \033[1mno\033[0m");
}

static enum status kind_bytes(json_t *job, struct error *error)
{
    const char *bytes = json_string_value(json_object_get(job, "bytes"));

    (void)error;
    if (write(STDOUT_FILENO, bytes, strlen(bytes)) < 0)
        exit(1);
    return STATUS_OK;
}

static enum status kind_binary(json_t *job, struct error *error)
{
    char bytes[4096];

    (void)error;
    (void)job;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7919 >> 3);
    while (write(STDOUT_FILENO, bytes, sizeof bytes) > 0)
        ;
    return STATUS_OK;
}

static enum status kind_long_line(json_t *job, struct error *error)
{
    char bytes[64 * 1024];

    (void)error;
    (void)job;
    memset(bytes, 'x', sizeof bytes);
    for (int i = 0; i < 160; i++)
        if (write(STDOUT_FILENO, bytes, sizeof bytes) < 0)
            break;
    return STATUS_OK;
}

static enum status kind_mute(json_t *job, struct error *error)
{
    (void)job;
    launched_say("begun");
    close(STDOUT_FILENO);
    while (!error->status)
        pause();
    return STATUS_OK;
}

static enum status kind_abort(json_t *job, struct error *error)
{
    (void)job;
    (void)error;
    fputs("litekeeper: out of memory\n", stderr);
    abort();
}

static enum status kind_eat(json_t *job, struct error *error)
{
    (void)job;
    (void)error;
    for (size_t megabytes = 0; megabytes < 1024; megabytes++)
        if (!malloc(1 << 20)) {
            launched_say("%s", megabytes < 256 ? "stopped in time" : "too late");
            return STATUS_OK;
        }
    launched_say("too late");
    return STATUS_OK;
}

static enum status kind_chatter(json_t *job, struct error *error)
{
    (void)job;
    (void)error;
    for (int i = 0; i < 5000; i++)
        fprintf(stderr, "<6>line %d\n", i);
    launched_say("done");
    return STATUS_OK;
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

/* It has not read what comes after its job, and never will. */
static enum status kind_deaf(json_t *job, struct error *error)
{
    (void)job;
    launched_say("begun");
    while (!error->status)
        pause();
    return STATUS_OK;
}

static const struct worker_kind kinds[] = {
    {.name = "greet", .serve = kind_greet},
    {.name = "echo", .serve = kind_echo},
    {.name = "steps", .serve = kind_steps},
    {.name = "spin", .serve = kind_spin},
    {.name = "fail", .serve = kind_fail},
    {.name = "bytes", .serve = kind_bytes},
    {.name = "binary", .serve = kind_binary},
    {.name = "long line", .serve = kind_long_line},
    {.name = "mute", .serve = kind_mute},
    {.name = "abort", .serve = kind_abort},
    {.name = "eat", .serve = kind_eat},
    {.name = "chatter", .serve = kind_chatter},
    {.name = "environment", .serve = kind_environment},
    {.name = "descriptors", .serve = kind_descriptors},
    {.name = "deaf", .serve = kind_deaf},
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

/* How each misbehaviour ends. `job` is JSON. */
static const struct {
    const char *job;
    enum status status;
    const char *text; /* how the reason begins */
} launch_ends[] = {
    {"{\"job\":\"fail\"}", STATUS_REFUSED, "a guard said ?[1mno?[0m"},
    {"{\"job\":\"nonsense\"}", STATUS_INVALID, "the job is not valid: of no known kind"},
    {"{\"jb\":\"greet\"}", STATUS_INVALID, "the job is not valid: of no known kind"},
    {"{\"job\":17}", STATUS_INVALID, "the job is not valid: of no known kind"},
    {"{\"job\":\"binary\"}", STATUS_FAILED, "the worker sent a line that is no event: "},
    {"{\"job\":\"long line\"}", STATUS_FAILED, "the worker sent a line of more than 64 KiB"},
    {"{\"job\":\"abort\"}", STATUS_FAILED,
     "the worker was killed by signal 6 (Aborted): litekeeper: out of memory"},
    {"{\"job\":\"bytes\",\"bytes\":\"\\n\"}", STATUS_FAILED,
     "the worker sent a line that is no event: "},
    {"{\"job\":\"bytes\",\"bytes\":\"[]\\n\"}", STATUS_FAILED,
     "the worker sent a line that is no event: "},
    {"{\"job\":\"bytes\",\"bytes\":\"{}\\n\"}", STATUS_FAILED,
     "the worker sent a line that is no event: "},
    {"{\"job\":\"bytes\",\"bytes\":\"{\\\"event\\\":\\\"boo\\\"}\\n\"}", STATUS_FAILED,
     "the worker sent a line that is no event: "},
    {"{\"job\":\"bytes\",\"bytes\":\"{\\\"event\\\":\\\"found\\\",\\\"path\\\":1}\\n\"}",
     STATUS_FAILED, "the worker sent a line that is no event: "},
    {"{\"job\":\"bytes\",\"bytes\":\"{\\\"event\\\":\\\"notice\\\"\"}", STATUS_FAILED,
     "the worker ended in the middle of a line"},
};

START_TEST(launch_says_how_it_ended)
{
    struct launched worker;

    launched_start(&worker, json_loads(launch_ends[_i].job, 0, NULL), 0);
    launched_finish(&worker);
    ck_assert_msg(worker.error.status == launch_ends[_i].status, "%s: %d %s", launch_ends[_i].job,
                  worker.error.status, worker.error.text);
    ck_assert_msg(!strncmp(worker.error.text, launch_ends[_i].text, strlen(launch_ends[_i].text)),
                  "%s: %s", launch_ends[_i].job, worker.error.text);
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

START_TEST(launch_ends_the_mute)
{
    struct launched worker;

    launched_start(&worker, job("mute"), 0);
    launched_await(&worker, 1);
    launch_cancel(worker.launch, 300); /* the end of its output must not put that off */
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_CANCELLED);
    launched_free(&worker);
}
END_TEST

START_TEST(launch_ends_the_deaf)
{
    struct launched worker;
    json_t *message = json_object();
    char *text = malloc(100000);

    memset(text, 'x', 99999);
    text[99999] = '\0';
    json_object_set_new(message, "say", json_string(text));
    launched_start(&worker, job("deaf"), 0);
    launched_await(&worker, 1);
    for (int i = 0; i < 100; i++)
        launch_send(worker.launch, message);
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_FAILED);
    ck_assert_str_eq(worker.error.text, "the worker does not read what it is sent");
    json_decref(message);
    free(text);
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

START_TEST(launch_survives_chatter)
{
    struct launched worker;

    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    launched_start(&worker, job("chatter"), 0);
    launched_finish(&worker);
    ck_assert_int_eq(worker.error.status, STATUS_OK);
    ck_assert_str_eq(launched_notice(&worker, 0), "done");
    launched_free(&worker);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
START_TEST(launch_limits_memory)
{
    struct launched worker;

    launched_start(&worker, job("eat"), 0);
    launched_finish(&worker);
    ck_assert_str_eq(launched_notice(&worker, 0), "stopped in time");
    launched_free(&worker);
}
END_TEST
#endif

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

/* kill -9 of the parent, while the worker is deep in a statement: gone within two seconds. */
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
    for (int i = 0; i < 200 && launch_lives(process); i++)
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
    tcase_add_loop_test(test, launch_says_how_it_ended, 0,
                        sizeof launch_ends / sizeof *launch_ends);
    tcase_add_test(test, launch_tells_of_a_kill);
    tcase_add_test(test, launch_ends_the_mute);
    tcase_add_test(test, launch_ends_the_deaf);
    tcase_add_test(test, launch_refuses_a_huge_job);
    tcase_add_test(test, launch_reports_a_missing_program);
    tcase_add_test(test, launch_gives_little);
    tcase_add_test(test, launch_leaks_no_descriptor);
    tcase_add_test(test, launch_survives_chatter);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(test, launch_limits_memory);
#endif
    tcase_add_test(test, launch_orphan_dies);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
