/* One conversation with the history worker, an answer to each request before the next. */
#include "remember.h"

#include "event.h"
#include "history_job.h"
#include "job.h"
#include "log.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { REMEMBER_ANSWER_MS = 30000, REMEMBER_GRACE_MS = 5000 };

struct remember {
    struct session *session;
    struct launch *worker; /* NULL once it is gone */
    json_t *answer;
    bool ready;  /* there is an answer, or there will be none */
    bool closed; /* what went wrong was told; nothing more is asked */
};

static void remember_lost(struct remember *remember, const char *why)
{
    if (!remember->closed)
        log_warning("the history can't be used: %s", why);
    remember->closed = true;
}

static void remember_event(void *argument, json_t *event)
{
    struct remember *remember = argument;

    json_decref(remember->answer);
    remember->answer = event;
    remember->ready = true;
}

static void remember_ended(void *argument, const struct error *error)
{
    struct remember *remember = argument;

    remember->worker = NULL;
    remember->ready = true;
    if (error->status)
        remember_lost(remember, error->text);
}

struct remember *remember_open(struct session *session, const char *state)
{
    struct remember *remember = memory_new(struct remember);
    struct launch_handlers handlers = {remember_event, remember_ended, remember};
    json_t *job = job_history(state);
    struct error error = {0};

    remember->session = session;
    if (launch_start(session_loop(session), job, 0, &handlers, &remember->worker, &error))
        remember_lost(remember, error.text);
    json_decref(job);
    return remember;
}

void remember_close(struct remember *remember)
{
    if (!remember)
        return;
    if (remember->worker)
        launch_cancel(remember->worker, REMEMBER_GRACE_MS);
    while (remember->worker) { /* it is killed after the grace, so this ends */
        remember->ready = false;
        session_until(remember->session, &remember->ready, REMEMBER_ANSWER_MS);
    }
    json_decref(remember->answer);
    free(remember);
}

/* The answer to `request` (which it takes over), remember's own until the next; or NULL. */
static const json_t *remember_ask(struct remember *remember, json_t *request, const char *kind)
{
    const char *got;

    remember->ready = remember->closed || !remember->worker;
    json_decref(remember->answer);
    remember->answer = NULL;
    if (!remember->ready) {
        launch_send(remember->worker, request);
        session_until(remember->session, &remember->ready, REMEMBER_ANSWER_MS);
    }
    json_decref(request);
    if (!remember->answer) {
        remember_lost(remember, "its worker does not answer");
        return NULL;
    }
    got = event_kind(remember->answer);
    if (strcmp(got, kind) == 0)
        return remember->answer;
    const char *reason = json_string_value(json_object_get(remember->answer, "reason"));
    remember_lost(remember, reason ? reason : "its worker answers something else");
    return NULL;
}

void remember_clock(struct remember *remember, bool sure, struct engine_memory *memory)
{
    const json_t *answer = remember_ask(remember, history_job_clock(sure), "clock");

    *memory = (struct engine_memory){-1, -1, false, {0}};
    if (answer)
        history_job_memory(answer, memory);
}

void remember_outcome(struct remember *remember, json_t *outcome, const char *path,
                      int64_t started_us, const struct span *keep)
{
    if (remember_ask(remember, history_job_record(outcome, path, started_us), "recorded") &&
        keep->set)
        remember_ask(remember, history_job_prune(keep), "recorded");
}
