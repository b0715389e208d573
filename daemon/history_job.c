/*
 * The two ends of the conversation with the history worker: requests are made in the parent and
 * answered in the worker, which alone opens the file, since the disk under it may hang.
 */
#include "history_job.h"

#include "event_check.h"
#include "history.h"
#include "outcome.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *history_job_clock(bool sure)
{
    return json_pack("{s:s, s:b}", "request", "clock", "sure", sure);
}

json_t *history_job_record(json_t *outcome, const char *path, int64_t started_us)
{
    return json_pack("{s:s, s:O, s:s, s:I}", "request", "record", "outcome", outcome, "path", path,
                     "started_us", (json_int_t)started_us);
}

json_t *history_job_prune(const struct span *keep)
{
    return json_pack("{s:s, s:I, s:I}", "request", "prune", "months", (json_int_t)keep->months,
                     "us", (json_int_t)keep->us);
}

static int64_t history_job_time(const json_t *answer, const char *key)
{
    const json_t *value = json_object_get(answer, key);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

void history_job_memory(const json_t *answer, struct engine_memory *memory)
{
    memory->newest_us = history_job_time(answer, "newest_us");
    memory->boot_offset_us = history_job_time(answer, "boot_offset_us");
    memory->was_synchronised = json_is_true(json_object_get(answer, "was_synchronised"));
}

static json_t *history_job_recorded(void)
{
    return json_pack("{s:s}", "event", "recorded");
}

static json_t *history_job_unwritten(const char *reason)
{
    return json_pack("{s:s, s:o}", "event", "unwritten", "reason",
                     event_check_text(reason, strlen(reason), OUTCOME_REASON));
}

static json_t *history_job_known(int64_t time_us)
{
    return time_us < 0 ? json_null() : json_integer(time_us);
}

static enum status history_job_do_clock(struct history *history, const json_t *request,
                                        json_t **answer, struct error *error)
{
    struct engine_memory memory;
    bool sure = json_is_true(json_object_get(request, "sure"));
    enum status status = history_clock(history, sure, &memory, error);

    if (!status)
        *answer = json_pack("{s:s, s:o, s:o, s:b}", "event", "clock", "newest_us",
                            history_job_known(memory.newest_us), "boot_offset_us",
                            history_job_known(memory.boot_offset_us), "was_synchronised",
                            memory.was_synchronised);
    return status;
}

static enum status history_job_do_record(struct history *history, const json_t *request,
                                         json_t **answer, struct error *error)
{
    const char *path = json_string_value(json_object_get(request, "path"));
    int64_t started_us = json_integer_value(json_object_get(request, "started_us"));
    enum status status = history_record(history, json_object_get(request, "outcome"),
                                        path ? path : "", started_us, error);

    if (!status)
        *answer = history_job_recorded();
    return status;
}

static enum status history_job_do_prune(struct history *history, const json_t *request,
                                        json_t **answer, struct error *error)
{
    struct span keep = {
        .months = (int32_t)json_integer_value(json_object_get(request, "months")),
        .us = json_integer_value(json_object_get(request, "us")),
        .set = true,
    };
    enum status status = history_prune(history, &keep, (int64_t)time(NULL) * 1000000, error);

    if (!status)
        *answer = history_job_recorded();
    return status;
}

static const struct {
    const char *request;
    enum status (*take)(struct history *history, const json_t *request, json_t **answer,
                        struct error *error);
} history_job_requests[] = {
    {"clock", history_job_do_clock},
    {"record", history_job_do_record},
    {"prune", history_job_do_prune},
};

static enum status history_job_take(struct history *history, const json_t *request, json_t **answer,
                                    struct error *error)
{
    const char *name = json_string_value(json_object_get(request, "request"));

    for (size_t i = 0; name && i < sizeof history_job_requests / sizeof *history_job_requests; i++)
        if (strcmp(history_job_requests[i].request, name) == 0)
            return history_job_requests[i].take(history, request, answer, error);
    return error_set(error, STATUS_INVALID, "no such request");
}

static json_t *history_job_answer(struct history *history, const char *line)
{
    json_t *request = json_loads(line, JSON_REJECT_DUPLICATES, NULL), *answer = NULL;
    struct error error = {0};

    if (history_job_take(history, request, &answer, &error))
        answer = history_job_unwritten(error.text);
    json_decref(request);
    return answer;
}

void history_job(const char *state, FILE *input, void (*emit)(void *argument, json_t *event),
                 void *argument)
{
    struct history *history = NULL;
    struct error error = {0};
    char *line = NULL;
    size_t size = 0;
    enum status status = history_open(state, &history, &error);

    while (getline(&line, &size, input) > 0)
        emit(argument,
             status ? history_job_unwritten(error.text) : history_job_answer(history, line));
    free(line);
    history_close(history);
}
