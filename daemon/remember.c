/* A conversation with the history in which each question waits for its answer. */
#include "remember.h"

#include "chronicle.h"
#include "history_job.h"
#include "log.h"
#include "memory.h"

#include <stdlib.h>

enum { REMEMBER_ANSWER_MS = 30000, REMEMBER_GRACE_MS = 5000 };

struct remember {
    struct session *session;
    struct chronicle *chronicle; /* NULL once it is closed */
    json_t *answer;              /* to the last question, NULL: there is none */
    json_t *rows;                /* of it */
    bool ready;                  /* there is an answer, or there will be none */
    bool given_up;               /* what went wrong was told; nothing more is asked */
};

static void remember_lost(struct remember *remember, const char *why)
{
    if (!remember->given_up)
        log_warning("the history can't be used: %s", why);
    remember->given_up = true;
}

static void remember_end(void *argument, const json_t *answer, const struct error *error)
{
    struct remember *remember = argument;

    if (answer)
        remember->answer = json_deep_copy(answer);
    else
        remember_lost(remember, error->text);
    remember->ready = true;
}

struct remember *remember_open(struct session *session, const char *state)
{
    struct remember *remember = memory_new(struct remember);

    remember->session = session;
    remember->chronicle = chronicle_open(session_loop(session), state, NULL, NULL);
    return remember;
}

struct chronicle *remember_chronicle(struct remember *remember)
{
    return remember->given_up ? NULL : remember->chronicle;
}

static void remember_closed(void *argument)
{
    struct remember *remember = argument;

    remember->chronicle = NULL;
    remember->ready = true;
}

void remember_close(struct remember *remember)
{
    if (!remember)
        return;
    remember->given_up = true;
    chronicle_close(remember->chronicle, REMEMBER_GRACE_MS, remember_closed, remember);
    while (remember->chronicle) { /* its worker is killed after the grace, so this ends */
        remember->ready = false;
        session_until(remember->session, &remember->ready, REMEMBER_ANSWER_MS);
    }
    json_decref(remember->answer);
    json_decref(remember->rows);
    free(remember);
}

static void remember_row(void *argument, const json_t *row)
{
    struct remember *remember = argument;

    json_array_append_new(remember->rows, json_deep_copy(row));
}

/* The answer to `request` (which it takes over), remember's own until the next; or NULL. */
static const json_t *remember_ask(struct remember *remember, json_t *request)
{
    struct chronicle_answers answers = {remember_row, remember_end, remember};

    json_decref(remember->answer);
    json_decref(remember->rows);
    remember->answer = NULL;
    remember->rows = json_array();
    if (remember->given_up) {
        json_decref(request);
        return NULL;
    }
    remember->ready = false;
    chronicle_ask(remember->chronicle, request, &answers);
    session_until(remember->session, &remember->ready, REMEMBER_ANSWER_MS);
    if (!remember->ready)
        remember_lost(remember, "its worker does not answer");
    return remember->answer;
}

void remember_clock(struct remember *remember, bool sure, struct engine_memory *memory)
{
    const json_t *answer = remember_ask(remember, history_job_clock(sure));

    *memory = (struct engine_memory){-1, -1, false, {0}, NULL};
    if (answer)
        history_job_memory(answer, memory);
}

void remember_past(struct remember *remember, const struct history_subject *subject,
                   struct engine_memory *memory, struct schedule_past *counted)
{
    const json_t *answer = remember_ask(remember, history_job_recall(false, subject));
    struct engine_memory known = {0};

    *counted = (struct schedule_past){-1, -1};
    if (answer) {
        history_job_memory(answer, &known);
        history_job_counted(answer, counted);
    }
    memory->last = known.last;
    memory->holds = known.holds;
}

void remember_outcome(struct remember *remember, json_t *outcome, const char *path,
                      int64_t started_us, const struct span *keep)
{
    if (remember_ask(remember, history_job_record(outcome, path, started_us)) && keep->set)
        remember_ask(remember, history_job_prune(keep));
}

json_t *remember_segments(struct remember *remember)
{
    return remember_ask(remember, history_job_segments()) ? json_incref(remember->rows) : NULL;
}

bool remember_segment(struct remember *remember, json_t *segment, const char *path)
{
    return remember_ask(remember, history_job_segment(segment, path)) != NULL;
}

json_t *remember_holds(struct remember *remember)
{
    return remember_ask(remember, history_job_holds()) ? json_incref(remember->rows) : NULL;
}

bool remember_lift(struct remember *remember, const char *path, const char *target)
{
    return remember_ask(remember, history_job_lift(path, target)) != NULL;
}
