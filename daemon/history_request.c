/*
 * The parent's end of the conversation with the history worker: makes requests, cuts those that
 * are too long for a line, and reads what the worker knows. Values only.
 */
#include "clock.h"
#include "history_job.h"

#include <string.h>

enum { HISTORY_PART = 256 * 1024 }; /* bytes of an array in one request, one element more or less */

json_t *history_job_clock(bool sure)
{
    return json_pack("{s:s, s:b}", "request", "clock", "sure", sure);
}

json_t *history_job_recall(bool sure, const struct history_subject *subject)
{
    return json_pack("{s:s, s:b, s:s, s:s, s:s?}", "request", "recall", "sure", sure, "path",
                     subject->path, "task", subject->task, "target", subject->target);
}

json_t *history_job_record(json_t *outcome, const char *path, int64_t started_us)
{
    return json_pack("{s:s, s:O, s:s, s:I}", "request", "record", "outcome", outcome, "path", path,
                     "started_us", (json_int_t)started_us);
}

json_t *history_job_seen(int64_t at_us, json_t *tasks)
{
    return json_pack("{s:s, s:I, s:o}", "request", "seen", "at_us", (json_int_t)at_us, "tasks",
                     tasks);
}

json_t *history_job_states(void)
{
    return json_pack("{s:s}", "request", "states");
}

json_t *history_job_file(const char *path, uint64_t device, uint64_t inode)
{
    return json_pack("{s:s, s:s, s:I, s:I}", "request", "file", "path", path, "device",
                     (json_int_t)device, "inode", (json_int_t)inode);
}

json_t *history_job_files(void)
{
    return json_pack("{s:s}", "request", "files");
}

json_t *history_job_runs(const struct history_subject *subject, int64_t since_us, int64_t limit)
{
    return json_pack("{s:s, s:s?, s:s?, s:s?, s:I, s:I}", "request", "runs", "path", subject->path,
                     "task", subject->task, "target", subject->target, "since_us",
                     (json_int_t)since_us, "limit", (json_int_t)limit);
}

json_t *history_job_alarm(const char *change, json_t *alarm)
{
    return json_pack("{s:s, s:s, s:I, s:o}", "request", "alarm", "change", change, "at_us",
                     (json_int_t)clock_now_us(), "alarm", alarm);
}

json_t *history_job_alarms(void)
{
    return json_pack("{s:s}", "request", "alarms");
}

json_t *history_job_pause(const char *database, const char *task, int64_t until_us)
{
    return json_pack("{s:s, s:s?, s:s?, s:I}", "request", "pause", "database", database, "task",
                     task, "until_us", (json_int_t)until_us);
}

json_t *history_job_resume(const char *database, const char *task)
{
    return json_pack("{s:s, s:s?, s:s?}", "request", "resume", "database", database, "task", task);
}

json_t *history_job_pauses(void)
{
    return json_pack("{s:s}", "request", "pauses");
}

json_t *history_job_segment(json_t *segment, const char *path)
{
    return json_pack("{s:s, s:s, s:O}", "request", "segment", "path", path, "segment", segment);
}

json_t *history_job_segments(void)
{
    return json_pack("{s:s}", "request", "segments");
}

json_t *history_job_hold(json_t *hold, const char *path)
{
    return json_pack("{s:s, s:s, s:O}", "request", "hold", "path", path, "hold", hold);
}

json_t *history_job_writer(json_t *writer, const char *path)
{
    return json_pack("{s:s, s:s, s:O}", "request", "writer", "path", path, "writer", writer);
}

json_t *history_job_lift(const char *path, const char *target)
{
    return json_pack("{s:s, s:s, s:s}", "request", "lift", "path", path, "target", target);
}

json_t *history_job_holds(void)
{
    return json_pack("{s:s}", "request", "holds");
}

json_t *history_job_prune(const struct span *keep)
{
    return json_pack("{s:s, s:I, s:I}", "request", "prune", "months", (json_int_t)keep->months,
                     "us", (json_int_t)keep->us);
}

static bool history_named(const json_t *request, const char *const *names)
{
    const char *name = json_string_value(json_object_get(request, "request"));

    for (; name && *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

bool history_job_tells(const json_t *request)
{
    static const char *const names[] = {"record", "btrees", "seen",   "file",
                                        "alarm",  "pause",  "resume", NULL};

    return history_named(request, names);
}

bool history_job_spare(const json_t *request)
{
    static const char *const names[] = {"record", "btrees", NULL};

    return history_named(request, names);
}

/* An array of arrays, none much longer than a part. */
static json_t *history_cut(const json_t *items)
{
    json_t *parts = json_array(), *part = NULL;
    size_t bytes = 0;

    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        if (!part || bytes > HISTORY_PART) {
            part = json_array();
            bytes = 0;
            json_array_append_new(parts, part);
        }
        bytes += json_dumpb(item, NULL, 0, JSON_COMPACT) + 1;
        json_array_append(part, item);
    }
    return parts;
}

static json_t *history_cut_seen(json_t *request)
{
    json_t *cut = history_cut(json_object_get(request, "tasks")), *parts = json_array(), *tasks;
    size_t i;

    json_array_foreach (cut, i, tasks) {
        json_t *part = json_copy(request);
        json_object_set(part, "tasks", tasks);
        json_array_append_new(parts, part);
    }
    json_decref(cut);
    return parts;
}

static json_t *history_further(const json_t *request, json_t *btrees, size_t position)
{
    const json_t *outcome = json_object_get(request, "outcome");

    return json_pack("{s:s, s:O, s:O, s:O?, s:O, s:I, s:O}", "request", "btrees", "path",
                     json_object_get(request, "path"), "task", json_object_get(outcome, "task"),
                     "target", json_object_get(outcome, "target"), "started_us",
                     json_object_get(request, "started_us"), "position", (json_int_t)position,
                     "btrees", btrees);
}

/* The outcome's own copy has the first of its b-trees, and the others follow. */
static json_t *history_cut_record(json_t *request)
{
    json_t *outcome = json_copy(json_object_get(request, "outcome")), *btrees;
    json_t *effect = json_copy(json_object_get(outcome, "effect"));
    json_t *cut = history_cut(json_object_get(effect, "btrees")), *parts = json_array();
    json_t *first = json_copy(request);
    size_t i, position = 0;

    json_object_set(effect, "btrees", json_array_get(cut, 0));
    json_object_set_new(outcome, "effect", effect);
    json_object_set_new(first, "outcome", outcome);
    json_array_append_new(parts, first);
    json_array_foreach (cut, i, btrees) {
        if (i > 0)
            json_array_append_new(parts, history_further(request, btrees, position));
        position += json_array_size(btrees);
    }
    json_decref(cut);
    return parts;
}

json_t *history_job_parts(json_t *request)
{
    bool fits = json_dumpb(request, NULL, 0, JSON_COMPACT) <= 2 * HISTORY_PART;
    json_t *parts;

    if (!fits && json_object_get(request, "tasks"))
        parts = history_cut_seen(request);
    else if (!fits && json_object_get(request, "outcome"))
        parts = history_cut_record(request);
    else
        parts = json_pack("[O]", request);
    json_decref(request);
    return parts;
}

static int64_t history_time(const json_t *answer, const char *key, int64_t none)
{
    const json_t *value = json_object_get(answer, key);

    return json_is_integer(value) ? json_integer_value(value) : none;
}

json_t *history_sound_json(const struct engine_sound *sound)
{
    return json_pack("{s:I, s:I, s:I}", "at_us", (json_int_t)sound->at_us, "device",
                     (json_int_t)sound->device, "inode", (json_int_t)sound->inode);
}

struct engine_sound history_sound_of(const json_t *object)
{
    return (struct engine_sound){.at_us = history_time(object, "at_us", 0),
                                 .device = (uint64_t)history_time(object, "device", 0),
                                 .inode = (uint64_t)history_time(object, "inode", 0)};
}

json_t *history_writer_json(const struct engine_writer *writer)
{
    return json_pack("{s:i, s:i, s:I, s:I}", "version", writer->version, "ours", writer->ours,
                     "at_us", (json_int_t)writer->at_us, "inode", (json_int_t)writer->inode);
}

/* SQLite's version numbers have at most 9 digits. */
static int history_version(const json_t *object, const char *key)
{
    int64_t version = history_time(object, key, 0);

    return version > 0 && version < 1000000000 ? (int)version : 0;
}

struct engine_writer history_writer_of(const json_t *object)
{
    return (struct engine_writer){.version = history_version(object, "version"),
                                  .ours = history_version(object, "ours"),
                                  .at_us = history_time(object, "at_us", 0),
                                  .inode = (uint64_t)history_time(object, "inode", 0)};
}

void history_job_memory(const json_t *answer, struct engine_memory *memory)
{
    json_t *effect = json_object_get(answer, "last_effect");
    json_t *holds = json_object_get(json_object_get(answer, "held"), "ranges");

    *memory = (struct engine_memory){
        .newest_us = history_time(answer, "newest_us", -1),
        .boot_offset_us = history_time(answer, "boot_offset_us", -1),
        .was_synchronised = json_is_true(json_object_get(answer, "was_synchronised")),
        .last = {.started_us = history_time(answer, "last_us", 0),
                 .seconds = json_number_value(json_object_get(answer, "last_seconds")),
                 .effect = json_is_object(effect) ? effect : NULL,
                 .sound = history_sound_of(json_object_get(answer, "sound")),
                 .writer = history_writer_of(json_object_get(answer, "writer"))},
        .holds = json_is_array(holds) ? holds : NULL,
    };
}

void history_job_counted(const json_t *answer, struct schedule_past *past)
{
    past->seen_us = history_time(answer, "seen_us", -1);
    past->started_us = history_time(answer, "started_us", -1);
}
