/*
 * The loop of a command in the foreground. It owns the signals and knows what runs;
 * what a child says goes to whoever started it. Runs in the parent; opens no database.
 */
#include "session.h"

#include "memory.h"

#include <signal.h>
#include <stdlib.h>

struct session {
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    uv_timer_t timer;
    void (*cancel)(void *argument, int64_t grace_ms); /* of what a signal stops; NULL: nothing */
    void *argument;
    int64_t grace_ms; /* that it gets */
    bool endless;     /* a child's events are not counted */
    int signals;
};

/* A child that session_run waits for. */
struct session_child {
    struct session *session;
    struct launch *launch;
    void (*event)(void *argument, json_t *event);
    void *argument;
    bool ended;
    struct error error;
};

static void session_signal(uv_signal_t *handle, int number)
{
    struct session *session = handle->data;

    (void)number;
    session->signals++;
    if (session->cancel)
        session->cancel(session->argument, session->signals > 1 ? 0 : session->grace_ms);
}

struct session *session_open(void)
{
    struct session *session = memory_new(struct session);

    if (uv_loop_init(&session->loop) || uv_timer_init(&session->loop, &session->timer) ||
        uv_signal_init(&session->loop, &session->interrupt) ||
        uv_signal_init(&session->loop, &session->terminate))
        abort(); /* no descriptor for a pipe is left: there is nothing to go on with */
    session->grace_ms = SESSION_GRACE_MS;
    session->interrupt.data = session->terminate.data = session;
    uv_signal_start(&session->interrupt, session_signal, SIGINT);
    uv_signal_start(&session->terminate, session_signal, SIGTERM);
    return session;
}

void session_close(struct session *session)
{
    if (!session)
        return;
    uv_close((uv_handle_t *)&session->interrupt, NULL);
    uv_close((uv_handle_t *)&session->terminate, NULL);
    uv_close((uv_handle_t *)&session->timer, NULL);
    uv_run(&session->loop, UV_RUN_DEFAULT);
    uv_loop_close(&session->loop);
    free(session);
}

void session_grace(struct session *session, int64_t grace_ms)
{
    session->grace_ms = grace_ms;
}

void session_endless(struct session *session)
{
    session->endless = true;
}

void session_stop(struct session *session)
{
    if (session->cancel)
        session->cancel(session->argument, 0);
}

uv_loop_t *session_loop(struct session *session)
{
    return &session->loop;
}

bool session_interrupted(const struct session *session)
{
    return session->signals > 0;
}

static void session_event(void *argument, json_t *event)
{
    struct session_child *child = argument;

    if (child->session->endless)
        launch_answered(child->launch);
    child->event(child->argument, event);
}

static void session_ended(void *argument, const struct error *error)
{
    struct session_child *child = argument;

    child->error = *error;
    child->ended = true;
}

static void session_cancel(void *argument, int64_t grace_ms)
{
    struct session_child *child = argument;

    launch_cancel(child->launch, grace_ms);
}

void session_wait(struct session *session, const bool *done,
                  void (*cancel)(void *argument, int64_t grace_ms), void *argument)
{
    session->cancel = cancel;
    session->argument = argument;
    while (!*done)
        uv_run(&session->loop, UV_RUN_ONCE);
    session->cancel = NULL;
}

enum status session_run(struct session *session, json_t *job, int64_t time_limit_ms,
                        void (*event)(void *argument, json_t *event), void *argument,
                        struct error *error)
{
    struct session_child child = {.session = session, .event = event, .argument = argument};
    struct launch_handlers handlers = {session_event, session_ended, &child};
    enum status status;

    uv_run(&session->loop, UV_RUN_NOWAIT); /* a signal may have come between two children */
    if (session_interrupted(session))
        return error_set(error, STATUS_CANCELLED, "interrupted");
    status = launch_start(&session->loop, job, time_limit_ms, &handlers, &child.launch, error);
    if (status)
        return status;
    session_wait(session, &child.ended, session_cancel, &child);
    if (child.error.status && session_interrupted(session))
        return error_set(error, STATUS_CANCELLED, "interrupted");
    if (child.error.status)
        *error = child.error;
    return child.error.status;
}

static void session_timeout(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

void session_until(struct session *session, const bool *done, int64_t limit_ms)
{
    bool late = false;

    session->timer.data = &late;
    uv_timer_start(&session->timer, session_timeout, (uint64_t)limit_ms, 0);
    while (!*done && !late)
        uv_run(&session->loop, UV_RUN_ONCE);
    uv_timer_stop(&session->timer);
}
