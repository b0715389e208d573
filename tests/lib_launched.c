#include "lib_launched.h"

#include "event.h"
#include "log.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAUNCHED_PATIENCE_MS = 60 * 1000 };

void launched_main(int argc, char **argv, const struct worker_kind *kinds)
{
    if (argc < 2 || strcmp(argv[1], "worker") != 0)
        return;
    log_start("litekeeper worker", false);
    exit(worker_run(kinds));
}

static void launched_event(void *argument, json_t *event)
{
    struct launched *launched = argument;

    json_array_append_new(launched->events, event);
}

static void launched_ended(void *argument, const struct error *error)
{
    struct launched *launched = argument;

    ck_assert(!launched->ended);
    launched->ended = true;
    launched->launch = NULL;
    launched->error = *error;
}

void launched_start(struct launched *launched, json_t *job, int64_t time_limit_ms)
{
    struct launch_handlers handlers = {launched_event, launched_ended, launched};
    struct error error = {0};

    memset(launched, 0, sizeof *launched);
    launched->events = json_array();
    uv_loop_init(&launched->loop);
    enum status status =
        launch_start(&launched->loop, job, time_limit_ms, &handlers, &launched->launch, &error);
    ck_assert_msg(!status, "%s", error.text);
    launched->process = launch_process(launched->launch);
    json_decref(job);
}

static void launched_impatient(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("the worker neither spoke nor ended within a minute");
}

void launched_await(struct launched *launched, size_t count)
{
    uv_timer_t patience;

    uv_timer_init(&launched->loop, &patience);
    uv_timer_start(&patience, launched_impatient, LAUNCHED_PATIENCE_MS, 0);
    while (!launched->ended && json_array_size(launched->events) < count)
        uv_run(&launched->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&patience, NULL);
    uv_run(&launched->loop, UV_RUN_NOWAIT);
}

void launched_finish(struct launched *launched)
{
    launched_await(launched, SIZE_MAX);
}

void launched_free(struct launched *launched)
{
    launched_finish(launched);
    uv_run(&launched->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&launched->loop), 0);
    json_decref(launched->events);
}

const char *launched_notice(const struct launched *launched, size_t index)
{
    const char *text =
        json_string_value(json_object_get(json_array_get(launched->events, index), "text"));

    return text ? text : "";
}

void launched_say(const char *format, ...)
{
    struct event_subject subject = {"test", "test", NULL};
    va_list arguments;
    char text[1024];

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    worker_emit(NULL, event_notice(&subject, text));
}
