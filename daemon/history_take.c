/*
 * What each request of the history's parent means: takes it apart, calls the history, and makes
 * the answer where it is more than a yes. Runs in the history worker.
 */
#include "history_take.h"

#include "clock.h"

#include <string.h>

enum {
    HISTORY_RUNS = 100000,        /* that one answer may have */
    HISTORY_PRUNE_MS = 300000,    /* from one step of forgetting to the next, ... */
    HISTORY_PRUNE_AGAIN_MS = 1000 /* ... where the last one left more to forget */
};

static int64_t history_whole(const json_t *request, const char *key)
{
    return json_integer_value(json_object_get(request, key));
}

static struct history_subject history_subject(const json_t *request)
{
    return (struct history_subject){json_string_value(json_object_get(request, "path")),
                                    json_string_value(json_object_get(request, "task")),
                                    json_string_value(json_object_get(request, "target"))};
}

static json_t *history_known(int64_t time_us)
{
    return time_us < 0 ? json_null() : json_integer(time_us);
}

/* What was known before counts, even where there is no room to note what is now. */
static enum status history_take_clock(struct history_taker *taker, const json_t *request,
                                      json_t **answer, struct error *error)
{
    bool sure = json_is_true(json_object_get(request, "sure"));
    struct engine_memory memory;
    enum status status = history_clock(taker->history, sure, &memory, error);

    if (status)
        status = history_clock_known(taker->history, &memory, error);
    if (!status)
        *answer = json_pack("{s:s, s:o, s:o, s:b}", "event", "clock", "newest_us",
                            history_known(memory.newest_us), "boot_offset_us",
                            history_known(memory.boot_offset_us), "was_synchronised",
                            memory.was_synchronised);
    return status;
}

/* Rows that were put back into the table of a task. */
static enum status history_take_held(struct history_taker *taker,
                                     const struct history_subject *subject, json_t *answer,
                                     struct error *error)
{
    json_t *holds = NULL;
    enum status status = subject->target ? history_holds(taker->history, subject->path,
                                                         subject->target, &holds, error)
                                         : STATUS_OK;

    if (holds)
        json_object_set_new(answer, "held", json_pack("{s:o}", "ranges", holds));
    return status;
}

static enum status history_take_recall(struct history_taker *taker, const json_t *request,
                                       json_t **answer, struct error *error)
{
    struct history_subject subject = history_subject(request);
    struct history_past past;
    enum status status = history_take_clock(taker, request, answer, error);

    if (!status)
        status = history_past(taker->history, &subject, &past, error);
    if (status)
        return status;
    json_object_set_new(*answer, "last_us", json_integer(past.last.started_us));
    json_object_set_new(*answer, "last_seconds", json_real(past.last.seconds));
    json_object_set_new(*answer, "last_effect", past.last.effect ? past.last.effect : json_null());
    if (past.last.sound.at_us > 0)
        json_object_set_new(*answer, "sound", history_sound_json(&past.last.sound));
    if (past.last.writer.version)
        json_object_set_new(*answer, "writer", history_writer_json(&past.last.writer));
    json_object_set_new(*answer, "seen_us", history_known(past.counted.seen_us));
    json_object_set_new(*answer, "started_us", history_known(past.counted.started_us));
    return history_take_held(taker, &subject, *answer, error);
}

static enum status history_take_record(struct history_taker *taker, const json_t *request,
                                       json_t **answer, struct error *error)
{
    (void)answer;
    return history_record(taker->history, json_object_get(request, "outcome"),
                          json_string_value(json_object_get(request, "path")),
                          history_whole(request, "started_us"), error);
}

static enum status history_take_btrees(struct history_taker *taker, const json_t *request,
                                       json_t **answer, struct error *error)
{
    struct history_subject subject = history_subject(request);

    (void)answer;
    return history_record_btrees(taker->history, &subject, history_whole(request, "started_us"),
                                 history_whole(request, "position"),
                                 json_object_get(request, "btrees"), error);
}

static enum status history_take_seen(struct history_taker *taker, const json_t *request,
                                     json_t **answer, struct error *error)
{
    (void)answer;
    return history_seen(taker->history, history_whole(request, "at_us"),
                        json_object_get(request, "tasks"), error);
}

static enum status history_take_file(struct history_taker *taker, const json_t *request,
                                     json_t **answer, struct error *error)
{
    (void)answer;
    return history_file(taker->history, request, error);
}

static enum status history_take_alarm(struct history_taker *taker, const json_t *request,
                                      json_t **answer, struct error *error)
{
    (void)answer;
    return history_alarm(taker->history, json_object_get(request, "change"),
                         json_object_get(request, "alarm"), history_whole(request, "at_us"), error);
}

static enum status history_take_pause(struct history_taker *taker, const json_t *request,
                                      json_t **answer, struct error *error)
{
    (void)answer;
    return history_pause(taker->history, json_object_get(request, "database"),
                         json_object_get(request, "task"), history_whole(request, "until_us"),
                         error);
}

static enum status history_take_resume(struct history_taker *taker, const json_t *request,
                                       json_t **answer, struct error *error)
{
    (void)answer;
    return history_resume(taker->history, json_object_get(request, "database"),
                          json_object_get(request, "task"), error);
}

static enum status history_take_segment(struct history_taker *taker, const json_t *request,
                                        json_t **answer, struct error *error)
{
    (void)answer;
    return history_segment(taker->history, json_object_get(request, "segment"),
                           json_string_value(json_object_get(request, "path")), error);
}

static enum status history_take_hold(struct history_taker *taker, const json_t *request,
                                     json_t **answer, struct error *error)
{
    (void)answer;
    return history_hold(taker->history, json_object_get(request, "hold"),
                        json_string_value(json_object_get(request, "path")), error);
}

static enum status history_take_writer(struct history_taker *taker, const json_t *request,
                                       json_t **answer, struct error *error)
{
    (void)answer;
    return history_writer(taker->history, json_object_get(request, "writer"),
                          json_string_value(json_object_get(request, "path")), error);
}

static enum status history_take_lift(struct history_taker *taker, const json_t *request,
                                     json_t **answer, struct error *error)
{
    (void)answer;
    return history_lift(taker->history, json_object_get(request, "path"),
                        json_object_get(request, "target"), error);
}

/* By the time that is believed: a clock that ran ahead must not make us forget everything. */
static enum status history_take_prune(struct history_taker *taker, const json_t *request,
                                      json_t **answer, struct error *error)
{
    struct span keep = {.months = (int32_t)history_whole(request, "months"),
                        .us = history_whole(request, "us"),
                        .set = true};
    int64_t now_us = clock_now_us();
    struct engine_memory memory;
    bool more = false;

    (void)answer;
    if (clock_monotonic_ms() < taker->prune_ms)
        return STATUS_OK;
    enum status status = history_clock(taker->history, false, &memory, error);
    if (!status)
        status = history_clock_known(taker->history, &memory, error);
    if (!status)
        status = history_prune(taker->history, &keep,
                               memory.newest_us < now_us ? memory.newest_us : now_us, &more, error);
    taker->prune_ms = clock_monotonic_ms() + (more ? HISTORY_PRUNE_AGAIN_MS : HISTORY_PRUNE_MS);
    return status;
}

static enum status history_take_list(struct history_taker *taker, enum history_list list,
                                     struct error *error)
{
    struct history_rows rows = {taker->host->emit, taker->host->argument};

    return history_list(taker->history, list, &rows, error);
}

static enum status history_take_states(struct history_taker *taker, const json_t *request,
                                       json_t **answer, struct error *error)
{
    bool fresh = false;
    enum status status = history_take_list(taker, HISTORY_STATES, error);

    (void)request;
    if (!status)
        status = history_fresh(taker->history, &fresh, error);
    if (!status)
        *answer = json_pack("{s:s, s:b}", "event", "listed", "fresh", fresh);
    return status;
}

static enum status history_take_files(struct history_taker *taker, const json_t *request,
                                      json_t **answer, struct error *error)
{
    (void)request;
    (void)answer;
    return history_take_list(taker, HISTORY_FILES, error);
}

static enum status history_take_alarms(struct history_taker *taker, const json_t *request,
                                       json_t **answer, struct error *error)
{
    (void)request;
    (void)answer;
    return history_take_list(taker, HISTORY_ALARMS, error);
}

static enum status history_take_pauses(struct history_taker *taker, const json_t *request,
                                       json_t **answer, struct error *error)
{
    (void)request;
    (void)answer;
    return history_take_list(taker, HISTORY_PAUSES, error);
}

static enum status history_take_segments(struct history_taker *taker, const json_t *request,
                                         json_t **answer, struct error *error)
{
    (void)request;
    (void)answer;
    return history_take_list(taker, HISTORY_SEGMENTS, error);
}

static enum status history_take_holds(struct history_taker *taker, const json_t *request,
                                      json_t **answer, struct error *error)
{
    (void)request;
    (void)answer;
    return history_take_list(taker, HISTORY_HOLDS, error);
}

static enum status history_take_runs(struct history_taker *taker, const json_t *request,
                                     json_t **answer, struct error *error)
{
    struct history_rows rows = {taker->host->emit, taker->host->argument};
    struct history_subject subject = history_subject(request);
    int64_t limit = history_whole(request, "limit");

    (void)answer;
    if (limit < 0 || limit > HISTORY_RUNS)
        limit = HISTORY_RUNS;
    return history_runs(taker->history, &subject, history_whole(request, "since_us"), limit, &rows,
                        error);
}

static const struct history_request history_requests[] = {
    {"clock", false, history_take_clock},      {"recall", false, history_take_recall},
    {"record", false, history_take_record},    {"btrees", false, history_take_btrees},
    {"seen", false, history_take_seen},        {"file", false, history_take_file},
    {"alarm", false, history_take_alarm},      {"pause", false, history_take_pause},
    {"resume", false, history_take_resume},    {"prune", false, history_take_prune},
    {"states", true, history_take_states},     {"files", true, history_take_files},
    {"runs", true, history_take_runs},         {"alarms", true, history_take_alarms},
    {"pauses", true, history_take_pauses},     {"segment", false, history_take_segment},
    {"segments", true, history_take_segments}, {"hold", false, history_take_hold},
    {"lift", false, history_take_lift},        {"holds", true, history_take_holds},
    {"writer", false, history_take_writer},
};

const struct history_request *history_request_find(const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "request"));

    for (size_t i = 0; name && i < sizeof history_requests / sizeof *history_requests; i++)
        if (strcmp(history_requests[i].name, name) == 0)
            return &history_requests[i];
    return NULL;
}
