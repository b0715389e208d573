/*
 * The history worker: takes its parent's requests and answers them in their order. It alone opens
 * the file, since the disk under it may hang. What comes while a commit is under way is committed
 * together: a commit takes as long as a dozen records. Runs in the worker.
 */
#include "history_job.h"

#include "clock.h"
#include "event.h"
#include "event_check.h"
#include "history_take.h"
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

enum {
    HISTORY_TOGETHER = 256,  /* requests in one transaction, ... */
    HISTORY_TOGETHER_MS = 50 /* ... which takes no further ones after so long */
};

struct history_job {
    const char *state;
    const struct history_host *host;
    struct history_taker taker;        /* its history is NULL while it can't be opened */
    json_t *answers[HISTORY_TOGETHER]; /* to be sent after the commit */
    size_t count;
    double begun_ms;
};

static json_t *history_unwritten(const struct error *error)
{
    json_t *answer = json_pack("{s:s, s:o}", "event", "unwritten", "reason",
                               event_check_text(error->text, strlen(error->text), OUTCOME_REASON));

    if (error->status != STATUS_INVALID)
        json_object_set_new(answer, "later", json_true());
    return answer;
}

static void history_emit(struct history_job *job, json_t *event)
{
    job->host->emit(job->host->argument, event);
}

static void history_tell_opened(struct history_job *job)
{
    static const char *const names[] = {"found", "made", "replaced"};
    enum history_found found;

    if (job->taker.history && history_opened(job->taker.history, &found))
        history_emit(job, json_pack("{s:s, s:s}", "event", "opened", "found", names[found]));
}

/* What was taken to be recorded is not. */
static void history_spoil(struct history_job *job, const struct error *error)
{
    for (size_t i = 0; i < job->count; i++) {
        if (strcmp(event_kind(job->answers[i]), "recorded") != 0)
            continue;
        json_decref(job->answers[i]);
        job->answers[i] = history_unwritten(error);
    }
}

/* Commits what was taken, and only then answers. */
static void history_settle(struct history_job *job)
{
    struct error error = {0};

    if (job->taker.history && history_begun(job->taker.history) &&
        history_end(job->taker.history, &error))
        history_spoil(job, &error);
    history_tell_opened(job);
    for (size_t i = 0; i < job->count; i++)
        history_emit(job, job->answers[i]);
    job->count = 0;
}

static enum status history_prepare(struct history_job *job, const struct history_request *row,
                                   struct error *error)
{
    enum status status = STATUS_OK;

    if (!job->taker.history)
        status = history_open(job->state, &job->taker.history, error);
    if (!status && !row->reads && !history_begun(job->taker.history))
        status = history_begin(job->taker.history, error);
    return status;
}

/* SQLite gives up a whole transaction where the disk is full. */
static void history_given_up(struct history_job *job, const struct error *error)
{
    if (!job->taker.history || history_begun(job->taker.history))
        return;
    history_spoil(job, error);
    if (history_end(job->taker.history, NULL) == STATUS_OK)
        abort(); /* there is no transaction that could be ended */
}

static json_t *history_answer(struct history_job *job, const struct history_request *row,
                              const json_t *request)
{
    struct error error = {0};
    json_t *answer = NULL;
    enum status status = history_prepare(job, row, &error);

    if (!status)
        status = row->take(&job->taker, request, &answer, &error);
    if (!row->reads)
        history_given_up(job, &error);
    if (status) {
        json_decref(answer);
        return history_unwritten(&error);
    }
    return answer ? answer : json_pack("{s:s}", "event", row->reads ? "listed" : "recorded");
}

static void history_line(struct history_job *job, const char *line)
{
    static const struct error unknown = {.status = STATUS_INVALID, .text = "no such request"};
    json_t *request = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const struct history_request *row = history_request_find(request);

    if (job->count == 0)
        job->begun_ms = clock_monotonic_ms();
    if (row && row->reads)
        history_settle(job);
    job->answers[job->count] =
        row ? history_answer(job, row, request) : history_unwritten(&unknown);
    job->count++;
    if (row && row->reads)
        history_settle(job);
    json_decref(request);
}

static bool history_full(const struct history_job *job)
{
    return job->count == HISTORY_TOGETHER ||
           (job->count && clock_monotonic_ms() - job->begun_ms > HISTORY_TOGETHER_MS);
}

void history_job(const char *state, const struct history_host *host)
{
    struct history_job job = {.state = state, .host = host, .taker.host = host};
    bool ended = false;

    while (!ended) {
        char *line = host->line(host->argument, job.count ? 0 : -1, &ended);
        if (line)
            history_line(&job, line);
        if (!line || history_full(&job))
            history_settle(&job);
    }
    history_close(job.taker.history);
}
