/*
 * One worker's life as its parent sees it: spawn, job, events, time, end. Runs in the parent on
 * its loop. The worker is taken for hostile: each of its lines is limited, counted and checked,
 * and it is killed at the first that is wrong.
 */
#include "launch.h"

#include "event.h"
#include "job.h"
#include "launch_spawn.h"
#include "lines.h"
#include "memory.h"
#include "text.h"
#include "words.h"
#include "worker.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    LAUNCH_BACKLOG = 4 * WORKER_JOB, /* bytes that a worker may leave unread */
    LAUNCH_DRAIN_MS = 500            /* twice from its end to the end of what is in its pipes */
};

struct launch {
    uv_process_t process;
    uv_pipe_t pipes[LAUNCH_STREAMS];
    uv_timer_t timer; /* for the time limit, then the grace, then the drain */
    uv_shutdown_t shutdown;
    int open; /* handles not yet closed */
    bool running, failed, input_ended, draining;
    int64_t time_limit_ms, exit_status;
    int signal;
    struct lines events;
    struct words words;
    unsigned event_count;
    struct error reason; /* why we ended it, if we did */
    struct launch_handlers handlers;
    char piece[64 * 1024];
};

struct launch_write {
    uv_write_t request;
    char *line;
};

static unsigned launch_most_events = LAUNCH_EVENTS;

void launch_events_most(unsigned events)
{
    launch_most_events = events;
}

int launch_process(const struct launch *launch)
{
    return launch->words.process;
}

/* What became of it, when we did not end it ourselves. */
static void launch_verdict(const struct launch *launch, struct error *error)
{
    const char *last = launch->words.last, *colon = *last ? ": " : "";

    if (launch->signal == SIGKILL)
        error_set(error, STATUS_FAILED,
                  "the worker was killed by signal 9 (Killed); if nobody did that, the kernel was "
                  "out of memory");
    else if (launch->signal)
        error_set(error, STATUS_FAILED, "the worker was killed by signal %d (%s)%s%s",
                  launch->signal, strsignal(launch->signal), colon, last);
    else if (launch->exit_status && launch->words.said)
        error_set(error, worker_status(launch->exit_status), "%s", last);
    else if (launch->exit_status)
        error_set(error, STATUS_FAILED, "the worker ended with exit status %" PRId64 "%s%s",
                  launch->exit_status, colon, last);
    else if (lines_left(&launch->events))
        error_set(error, STATUS_FAILED, "the worker ended in the middle of a line");
}

static void launch_free(struct launch *launch)
{
    lines_free(&launch->events);
    words_free(&launch->words);
    free(launch);
}

static void launch_closed(uv_handle_t *handle)
{
    struct launch *launch = handle->data;
    struct error error = launch->reason;

    if (--launch->open)
        return;
    if (!error.status)
        launch_verdict(launch, &error);
    if (launch->handlers.ended)
        launch->handlers.ended(launch->handlers.argument, &error);
    launch_free(launch);
}

static void launch_close(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, launch_closed);
}

static void launch_close_all(struct launch *launch)
{
    launch_close((uv_handle_t *)&launch->process);
    launch_close((uv_handle_t *)&launch->timer);
    for (int i = 0; i < LAUNCH_STREAMS; i++)
        launch_close((uv_handle_t *)&launch->pipes[i]);
}

/* The child is gone, and its pipes have run dry: nothing is left to wait for. */
static void launch_end_if_dry(struct launch *launch)
{
    if (!launch->running && uv_is_closing((uv_handle_t *)&launch->pipes[LAUNCH_OUTPUT]) &&
        uv_is_closing((uv_handle_t *)&launch->pipes[LAUNCH_ERRORS]))
        launch_close_all(launch);
}

/* Keeps the first reason, and kills. */
static void launch_fail(struct launch *launch, enum status status, const char *what)
{
    if (!launch->reason.status) {
        error_set(&launch->reason, status, "the worker %s", what);
        text_sanitize(launch->reason.text);
    }
    launch->failed = true;
    if (launch->running)
        uv_process_kill(&launch->process, SIGKILL);
}

/* Timers come before pipes: who stood still for so long has not looked into them yet. */
static void launch_drained(uv_timer_t *timer)
{
    struct launch *launch = timer->data;

    if (launch->draining)
        launch_close_all(launch);
    launch->draining = true;
}

static void launch_exited(uv_process_t *process, int64_t exit_status, int signal)
{
    struct launch *launch = process->data;

    launch->running = false;
    launch->exit_status = exit_status;
    launch->signal = signal;
    launch_close((uv_handle_t *)process);
    uv_timer_start(&launch->timer, launch_drained, LAUNCH_DRAIN_MS, LAUNCH_DRAIN_MS);
    launch_end_if_dry(launch);
}

static void launch_line(struct launch *launch, const char *line, size_t length)
{
    struct error error = {0};
    json_t *event = NULL;

    if (event_parse(line, length, &event, &error)) {
        char *what = memory_format("sent a line that is no event: %s", error.text);
        launch_fail(launch, STATUS_FAILED, what);
        free(what);
    } else if (++launch->event_count > launch_most_events) {
        json_decref(event);
        launch_fail(launch, STATUS_FAILED, "sent more events than any task has");
    } else {
        launch->handlers.event(launch->handlers.argument, event);
    }
}

static void launch_events(struct launch *launch, const char *bytes, size_t length)
{
    enum lines_found found = LINES_NONE;
    size_t size;
    char *line;

    lines_add(&launch->events, bytes, length);
    while (!launch->failed && (found = lines_next(&launch->events, &line, &size)) == LINES_ONE)
        launch_line(launch, line, size);
    if (found == LINES_TOO_LONG)
        launch_fail(launch, STATUS_FAILED, "sent a line of more than 64 KiB");
}

static void launch_piece(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct launch *launch = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(launch->piece, sizeof launch->piece);
}

/* A worker that has closed its output has nothing more to say, and so to do. */
static void launch_read_end(struct launch *launch, uv_stream_t *stream)
{
    if (stream == (uv_stream_t *)&launch->pipes[LAUNCH_ERRORS])
        words_end(&launch->words);
    else if (launch->running)
        launch_cancel(launch, LAUNCH_GRACE_MS);
    launch_close((uv_handle_t *)stream);
    launch_end_if_dry(launch);
}

static void launch_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct launch *launch = stream->data;

    if (length < 0)
        launch_read_end(launch, stream);
    else if (stream == (uv_stream_t *)&launch->pipes[LAUNCH_ERRORS])
        words_add(&launch->words, buffer->base, (size_t)length);
    else if (!launch->failed)
        launch_events(launch, buffer->base, (size_t)length);
}

static void launch_overdue(uv_timer_t *timer)
{
    launch_fail(timer->data, STATUS_CANCELLED, "did not stop in time and was killed");
}

static void launch_timeout(uv_timer_t *timer)
{
    struct launch *launch = timer->data;
    char time[TEXT_SHORT];

    error_set(&launch->reason, STATUS_CANCELLED, "it took longer than its time limit of %s",
              text_seconds(time, (double)launch->time_limit_ms / 1000));
    launch_cancel(launch, LAUNCH_GRACE_MS);
}

static void launch_input_ended(uv_shutdown_t *request, int status)
{
    (void)status;
    launch_close((uv_handle_t *)request->handle);
}

void launch_cancel(struct launch *launch, int64_t grace_ms)
{
    uv_stream_t *input = (uv_stream_t *)&launch->pipes[LAUNCH_INPUT];
    uint64_t grace = grace_ms > 0 ? (uint64_t)grace_ms : 0;

    if (!launch->running)
        return;
    if (!launch->input_ended || uv_timer_get_due_in(&launch->timer) > grace)
        uv_timer_start(&launch->timer, launch_overdue, grace, 0);
    if (launch->input_ended)
        return;
    launch->input_ended = true;
    if (uv_shutdown(&launch->shutdown, input, launch_input_ended) < 0)
        launch_close((uv_handle_t *)input);
}

static void launch_written(uv_write_t *request, int status)
{
    struct launch_write *write = (struct launch_write *)request;

    (void)status; /* a worker that can't be written to has ended, and that is seen elsewhere */
    free(write->line);
    free(write);
}

/* Takes over `line`. */
static void launch_write(struct launch *launch, char *line)
{
    uv_stream_t *input = (uv_stream_t *)&launch->pipes[LAUNCH_INPUT];
    struct launch_write *write = memory_new(struct launch_write);
    size_t length = strlen(line);
    uv_buf_t buffer = uv_buf_init(line, (unsigned)length + 1);

    line[length] = '\n';
    write->line = line;
    if (uv_write(&write->request, input, &buffer, 1, launch_written) < 0)
        launch_written(&write->request, 0);
    if (uv_stream_get_write_queue_size(input) > LAUNCH_BACKLOG)
        launch_fail(launch, STATUS_FAILED, "does not read what it is sent");
}

void launch_send(struct launch *launch, json_t *message)
{
    char *line = json_dumps(message, JSON_COMPACT);

    if (line && launch->running && !launch->input_ended)
        launch_write(launch, line);
    else
        free(line);
}

void launch_send_line(struct launch *launch, const char *line)
{
    if (launch->running && !launch->input_ended)
        launch_write(launch, memory_copy(line));
}

void launch_answered(struct launch *launch)
{
    launch->event_count = 0;
}

/* From now on it may take so long. */
static void launch_limit(struct launch *launch, int64_t time_limit_ms)
{
    launch->time_limit_ms = time_limit_ms;
    uv_timer_stop(&launch->timer);
    uv_update_time(launch->timer.loop); /* the loop may have stood still until now */
    if (time_limit_ms)
        uv_timer_start(&launch->timer, launch_timeout, (uint64_t)time_limit_ms, 0);
}

void launch_rest(struct launch *launch)
{
    if (!launch->input_ended)
        uv_timer_stop(&launch->timer);
    launch->event_count = 0;
}

enum status launch_again(struct launch *launch, json_t *job, int64_t time_limit_ms,
                         struct error *error)
{
    char *line = NULL;

    if (!launch->running || launch->input_ended || launch->failed)
        return error_set(error, STATUS_FAILED, "the worker has ended");
    enum status status = job_line(job, time_limit_ms, WORKER_JOB, &line, error);
    if (status)
        return status;
    launch_write(launch, line);
    launch_limit(launch, time_limit_ms);
    return STATUS_OK;
}

static struct launch *launch_new(uv_loop_t *loop)
{
    struct launch *launch = memory_new(struct launch);

    for (int i = 0; i < LAUNCH_STREAMS; i++) {
        uv_pipe_init(loop, &launch->pipes[i], 0);
        launch->pipes[i].data = launch;
    }
    uv_timer_init(loop, &launch->timer);
    launch->timer.data = launch->process.data = launch;
    launch->open = LAUNCH_STREAMS + 2;
    lines_init(&launch->events, EVENT_LINE);
    words_init(&launch->words, 0);
    return launch;
}

enum status launch_start(uv_loop_t *loop, json_t *job, int64_t time_limit_ms,
                         const struct launch_handlers *handlers, struct launch **launch,
                         struct error *error)
{
    char *line = NULL;

    enum status status = job_line(job, time_limit_ms, WORKER_JOB, &line, error);
    if (status)
        return status;
    signal(SIGPIPE, SIG_IGN);
    struct launch *started = launch_new(loop);
    int problem = launch_spawn(loop, &started->process, started->pipes, launch_exited);
    if (problem) {
        free(line);
        launch_close_all(started); /* frees it, with nobody told */
        return error_set(error, STATUS_FAILED, "can't start a worker: %s", uv_strerror(problem));
    }
    started->running = true;
    started->handlers = *handlers;
    started->words.process = started->process.pid;
    uv_read_start((uv_stream_t *)&started->pipes[LAUNCH_OUTPUT], launch_piece, launch_read);
    uv_read_start((uv_stream_t *)&started->pipes[LAUNCH_ERRORS], launch_piece, launch_read);
    launch_write(started, line);
    launch_limit(started, time_limit_ms);
    *launch = started;
    return STATUS_OK;
}
