/* Every way in which a worker may misbehave, and what its parent makes of it. */
#include "launch.h"

#include "lib_launched.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    {.name = "fail", .serve = kind_fail},     {.name = "bytes", .serve = kind_bytes},
    {.name = "binary", .serve = kind_binary}, {.name = "long line", .serve = kind_long_line},
    {.name = "mute", .serve = kind_mute},     {.name = "abort", .serve = kind_abort},
    {.name = "eat", .serve = kind_eat},       {.name = "chatter", .serve = kind_chatter},
    {.name = "deaf", .serve = kind_deaf},     {0},
};

static json_t *job(const char *kind)
{
    return json_pack("{s:s}", "job", kind);
}

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

int main(int argc, char **argv)
{
    Suite *suite = suite_create("launch: ends");
    TCase *test = tcase_create("launch: ends");

    launched_main(argc, argv, kinds);
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(test, 120);
    tcase_add_loop_test(test, launch_says_how_it_ended, 0,
                        sizeof launch_ends / sizeof *launch_ends);
    tcase_add_test(test, launch_ends_the_mute);
    tcase_add_test(test, launch_ends_the_deaf);
    tcase_add_test(test, launch_survives_chatter);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(test, launch_limits_memory);
#endif
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
