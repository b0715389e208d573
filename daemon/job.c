/*
 * Jobs as JSON: written by the parent, taken apart by the worker. Values only; nothing here opens
 * a file or knows of pipes.
 */
#include "job.h"

#include "history_job.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { JOB_NAME = 4096 };

static json_t *job_identity(const struct identity *seen)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "device", (json_int_t)seen->device, "inode",
                     (json_int_t)seen->inode, "owner", (json_int_t)seen->owner, "group",
                     (json_int_t)seen->group);
}

static json_t *job_memory(const struct engine_memory *memory)
{
    const struct engine_past *last = &memory->last;

    return json_pack("{s:I, s:I, s:b, s:I, s:f, s:O?, s:O?, s:o, s:o}", "newest_us",
                     (json_int_t)memory->newest_us, "boot_offset_us",
                     (json_int_t)memory->boot_offset_us, "was_synchronised",
                     memory->was_synchronised, "last_us", (json_int_t)last->started_us,
                     "last_seconds", last->seconds, "last_effect", last->effect, "holds",
                     memory->holds, "sound", history_sound_json(&last->sound), "writer",
                     history_writer_json(&last->writer));
}

json_t *job_engine(const struct job_request *request)
{
    const struct config_task *task = request->task;
    char *policy = request->policy ? config_dump(request->policy, request->database) : NULL;
    json_t *job = json_pack("{s:s, s:s, s:s?, s:o, s:s?, s:s?, s:s?, s:b, s:b, s:b, s:I, s:o}",
                            "job", request->kind, "path", request->path, "name", request->name,
                            "seen", job_identity(&request->seen), "policy", policy, "task",
                            task ? task->kind->name : NULL, "target", task ? task->target : NULL,
                            "force", request->force, "outside_window", request->outside_window,
                            "trust_clock", request->trust_clock, "at_us",
                            (json_int_t)request->at_us, "memory", job_memory(&request->memory));

    free(policy);
    if (job && request->order)
        json_object_set(job, "order", request->order);
    if (job && request->owned)
        json_object_set_new(job, "owned", json_string(request->owned));
    return job;
}

json_t *job_discover(const char *pattern)
{
    return json_pack("{s:s, s:s}", "job", "discover", "pattern", pattern);
}

json_t *job_search(json_t *patterns, const char *known)
{
    return json_pack("{s:s, s:o, s:s}", "job", "search", "patterns", patterns, "known", known);
}

json_t *job_history(const char *state)
{
    return json_pack("{s:s, s:s}", "job", "history", "state", state);
}

enum status job_line(json_t *job, int64_t time_limit_ms, size_t limit, char **line,
                     struct error *error)
{
    json_t *whole = job ? json_copy(job) : NULL;

    if (!whole)
        return error_set(error, STATUS_INVALID, "a path or name is not UTF-8");
    if (time_limit_ms)
        json_object_set_new(whole, "time_limit_ms", json_integer(time_limit_ms));
    char *text = json_dumps(whole, JSON_COMPACT);
    json_decref(whole);
    if (!text || strlen(text) > limit) {
        free(text);
        return error_set(error, STATUS_INVALID, "the job for the worker is longer than %zu bytes",
                         limit);
    }
    *line = text;
    return STATUS_OK;
}

static enum status job_wrong(const json_error_t *problem, struct error *error)
{
    return error_set(error, STATUS_INVALID, "the job is not valid: %s", problem->text);
}

/* An absolute path of a length that the kernel takes. */
static enum status job_path_check(const char *path, struct error *error)
{
    if (path[0] != '/' || strlen(path) >= JOB_NAME)
        return error_set(error, STATUS_INVALID, "the job is not valid: path is not absolute");
    return STATUS_OK;
}

static bool job_user_valid(json_int_t id)
{
    return id >= 0 && id < (json_int_t)UINT32_MAX; /* -1 means "leave it" to setresuid(2) */
}

static enum status job_seen(json_t *object, struct identity *seen, struct error *error)
{
    json_int_t device, inode, owner, group;
    json_error_t problem;

    if (json_unpack_ex(object, &problem, JSON_STRICT, "{s:I, s:I, s:I, s:I}", "device", &device,
                       "inode", &inode, "owner", &owner, "group", &group) < 0)
        return job_wrong(&problem, error);
    if (!job_user_valid(owner) || !job_user_valid(group))
        return error_set(error, STATUS_INVALID, "the job is not valid: no such owner or group");
    *seen = (struct identity){.device = (uint64_t)device,
                              .inode = (uint64_t)inode,
                              .owner = (uid_t)owner,
                              .group = (gid_t)group};
    return STATUS_OK;
}

enum status job_file(const json_t *job, const char **path, struct identity *seen,
                     struct error *error)
{
    const char *found = json_string_value(json_object_get(job, "path"));

    if (!found)
        return error_set(error, STATUS_INVALID, "the job is not valid: it has no path");
    enum status status = job_path_check(found, error);
    if (!status)
        status = job_seen(json_object_get(job, "seen"), seen, error);
    if (!status)
        *path = found;
    return status;
}

enum status job_owned(const json_t *job, const char **path, struct error *error)
{
    const char *found = json_string_value(json_object_get(job, "owned"));
    enum status status = found ? job_path_check(found, error) : STATUS_OK;

    if (!status)
        *path = found;
    return status;
}

/* The job as it stands there, before anything is looked up. */
struct job_text {
    const char *kind, *path, *name, *policy, *task, *target;
    const char *owned;
    json_t *seen, *memory, *order;
    int force, outside_window, trust_clock, stay;
    json_int_t at_us, time_limit;
};

static enum status job_unpack(json_t *job, struct job_text *text, struct error *error)
{
    json_t *name, *policy, *task, *target;
    json_error_t problem;

    if (json_unpack_ex(job, &problem, JSON_STRICT,
                       "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:I, s:o, s?b, s?I,"
                       " s?o, s?s}",
                       "job", &text->kind, "path", &text->path, "name", &name, "seen", &text->seen,
                       "policy", &policy, "task", &task, "target", &target, "force", &text->force,
                       "outside_window", &text->outside_window, "trust_clock", &text->trust_clock,
                       "at_us", &text->at_us, "memory", &text->memory, "stay", &text->stay,
                       "time_limit_ms", &text->time_limit, "order", &text->order, "owned",
                       &text->owned) < 0)
        return job_wrong(&problem, error);
    text->name = json_string_value(name);
    text->policy = json_string_value(policy);
    text->task = json_string_value(task);
    text->target = json_string_value(target);
    return job_path_check(text->path, error);
}

static enum status job_remember(json_t *object, struct engine_memory *memory, struct error *error)
{
    json_int_t newest, offset, last;
    json_error_t problem;
    json_t *effect, *holds, *sound, *writer;
    double seconds;
    int synchronised;

    if (json_unpack_ex(object, &problem, JSON_STRICT,
                       "{s:I, s:I, s:b, s:I, s:F, s:o, s:o, s:o, s:o}", "newest_us", &newest,
                       "boot_offset_us", &offset, "was_synchronised", &synchronised, "last_us",
                       &last, "last_seconds", &seconds, "last_effect", &effect, "holds", &holds,
                       "sound", &sound, "writer", &writer) < 0)
        return job_wrong(&problem, error);
    *memory = (struct engine_memory){.newest_us = newest,
                                     .boot_offset_us = offset,
                                     .was_synchronised = synchronised != 0,
                                     .last = {.started_us = last,
                                              .seconds = seconds,
                                              .sound = history_sound_of(sound),
                                              .writer = history_writer_of(writer)}};
    if (json_is_object(effect))
        memory->last.effect = effect;
    if (json_is_array(holds))
        memory->holds = holds;
    return STATUS_OK;
}

static bool job_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static const struct config_task *job_task(const struct config_database *database,
                                          const struct job_text *text)
{
    for (size_t i = 0; i < database->task_count; i++) {
        const struct config_task *task = &database->tasks[i];
        if (job_same(task->kind->name, text->task) && job_same(task->target, text->target))
            return task;
    }
    return NULL;
}

static enum status job_policy(const struct job_text *text, struct config **policy,
                              struct error *error)
{
    struct config_errors errors = {0};

    enum status status =
        config_parse("the job's policy", text->policy, strlen(text->policy), policy, &errors);
    if (status)
        error_set(error, status, "the job is not valid: %s",
                  errors.count ? errors.lines[0] : "its policy can't be loaded");
    config_errors_free(&errors);
    return status;
}

/* A glob's match bears its own name and path from here on. The policy was made for this job alone,
 * so nobody else sees it change. */
static enum status job_choose(const struct job_text *text, struct config *policy,
                              struct engine_job *engine, struct error *error)
{
    if (policy->database_count != 1)
        return error_set(error, STATUS_INVALID, "the job is not valid: it has not one database");
    struct config_database *database = &policy->databases[0];
    engine->task = job_task(database, text);
    if (!engine->task)
        return error_set(error, STATUS_INVALID, "the job is not valid: no task %s %s in its policy",
                         text->task ? text->task : "", text->target ? text->target : "");
    char *path = memory_copy(text->path), *name = memory_copy(text->name);
    free(database->path);
    database->path = path;
    if (name) {
        free(database->name);
        database->name = name;
    }
    engine->database = database;
    return STATUS_OK;
}

enum status job_decode(json_t *job, struct engine_job *engine, struct config **policy,
                       struct error *error)
{
    struct job_text text = {0};
    struct config *loaded = NULL;
    struct engine_job made = {0};

    enum status status = job_unpack(job, &text, error);
    if (!status)
        status = job_seen(text.seen, &made.seen, error);
    if (!status)
        status = job_remember(text.memory, &made.memory, error);
    if (!status && text.policy)
        status = job_policy(&text, &loaded, error);
    if (!status && loaded)
        status = job_choose(&text, loaded, &made, error);
    if (status) {
        config_free(loaded);
        return status;
    }
    made.force = text.force;
    made.outside_window = text.outside_window;
    made.trust_clock = text.trust_clock;
    made.at_us = text.at_us;
    made.order = text.order;
    *engine = made;
    *policy = loaded;
    return STATUS_OK;
}

/* A job of one path, under `key`. */
static enum status job_one_path(json_t *job, const char *key, const char **path,
                                struct error *error)
{
    const char *kind, *found;
    json_int_t time_limit;
    json_error_t problem;

    if (json_unpack_ex(job, &problem, JSON_STRICT, "{s:s, s:s, s?I}", "job", &kind, key, &found,
                       "time_limit_ms", &time_limit) < 0)
        return job_wrong(&problem, error);
    enum status status = job_path_check(found, error);
    if (!status)
        *path = found;
    return status;
}

enum status job_pattern(json_t *job, const char **pattern, struct error *error)
{
    return job_one_path(job, "pattern", pattern, error);
}

enum status job_state(json_t *job, const char **state, struct error *error)
{
    return job_one_path(job, "state", state, error);
}

enum status job_patterns(json_t *job, json_t **patterns, const char **known, struct error *error)
{
    const char *kind, *digest;
    json_int_t time_limit;
    json_error_t problem;
    json_t *list;

    if (json_unpack_ex(job, &problem, JSON_STRICT, "{s:s, s:o, s:s, s?I}", "job", &kind, "patterns",
                       &list, "known", &digest, "time_limit_ms", &time_limit) < 0)
        return job_wrong(&problem, error);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *path = json_string_value(json_array_get(list, i));
        enum status status = job_path_check(path ? path : "", error);
        if (status)
            return status;
    }
    *patterns = list;
    *known = digest;
    return STATUS_OK;
}

int64_t job_time_limit(const json_t *job)
{
    json_int_t limit = json_integer_value(json_object_get(job, "time_limit_ms"));

    return limit > 0 ? limit : 0;
}

bool job_stays(const json_t *job)
{
    return json_is_true(json_object_get(job, "stay"));
}
