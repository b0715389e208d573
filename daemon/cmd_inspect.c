/*
 * `litekeeper inspect`: a health report on one file, from a worker that measures it as the file's
 * owner. No policy, no history.
 */
#include "event.h"
#include "health.h"
#include "job.h"
#include "log.h"
#include "memory.h"
#include "selection.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INSPECT_BTREES = 100000, INSPECT_MS = 600000 };

/* What the worker has said so far. */
struct inspect {
    const char *path;
    json_t *btrees, *report;
    struct error error;
};

static void inspect_event(void *argument, json_t *event)
{
    struct inspect *inspect = argument;
    const char *kind = event_kind(event);

    if (strcmp(kind, "btree") == 0 && json_array_size(inspect->btrees) < INSPECT_BTREES) {
        json_object_del(event, "event");
        json_array_append(inspect->btrees, event);
    } else if (strcmp(kind, "inspection") == 0 && !inspect->report) {
        json_object_del(event, "event");
        json_object_set_new(event, "path", json_string(inspect->path));
        json_object_set(event, "btrees", inspect->btrees);
        inspect->report = json_incref(event);
    } else if (strcmp(kind, "refused") == 0) {
        error_set(&inspect->error, STATUS_REFUSED, "%s",
                  json_string_value(json_object_get(event, "reason")));
    }
    json_decref(event);
}

/* As an absolute path, and nothing else about it changed: links in it are looked at later. */
static char *inspect_path(const char *file)
{
    char *here = file[0] == '/' ? NULL : getcwd(NULL, 0);
    char *path = memory_format("%s%s%s", here ? here : "", here ? "/" : "",
                               here && strncmp(file, "./", 2) == 0 ? file + 2 : file);

    free(here);
    return path;
}

/* The path as a pattern that matches nothing but itself. */
static char *inspect_pattern(const char *path)
{
    struct text pattern = {0};

    if (!strpbrk(path, "*?["))
        return memory_copy(path);
    for (; *path; path++)
        text_addf(&pattern, "%s%c", strchr("*?[\\", *path) ? "\\" : "", *path);
    return text_take(&pattern);
}

static enum status inspect_measure(struct session *session, const struct selection_file *file,
                                   struct inspect *inspect, struct error *error)
{
    struct job_request request = {
        .kind = "inspect",
        .name = file->name,
        .path = file->path,
        .seen = file->seen,
        .at_us = -1,
        .memory = {-1, -1, false, {0}, NULL},
    };
    json_t *job = job_engine(&request);
    enum status status = session_run(session, job, INSPECT_MS, inspect_event, inspect, error);

    json_decref(job);
    if (inspect->error.status)
        *error = inspect->error;
    else if (!status && !inspect->report)
        error_set(error, STATUS_FAILED, "the worker ended without a word");
    return error->status;
}

static enum status inspect_file(struct session *session, struct inspect *inspect,
                                struct error *error)
{
    char *pattern = inspect_pattern(inspect->path);
    struct selection found = {0};
    enum status status = selection_find(session, pattern, &found, error);

    if (!status && found.file_count == 0)
        status = error_set(error, STATUS_REFUSED, "there is no such file");
    if (!status && found.files[0].error.status) {
        *error = found.files[0].error;
        status = error->status;
    }
    if (!status)
        status = inspect_measure(session, &found.files[0], inspect, error);
    selection_free(&found);
    free(pattern);
    return status;
}

static int inspect_print(const json_t *report, bool as_json)
{
    char *line = as_json ? event_line(report) : NULL;

    if (line)
        puts(line);
    else
        health_print(report);
    free(line);
    return health_damaged(report) ? COMMAND_FAILED : COMMAND_OK;
}

int cmd_inspect(int argc, char **argv)
{
    struct command_line line = {0};
    int status = command_parse(argc, argv, &line);
    struct error error = {0};

    if (status >= 0)
        return status;
    char *path = inspect_path(line.names[0]);
    struct inspect inspect = {.path = path, .btrees = json_array()};
    struct session *session = session_open();
    if (inspect_file(session, &inspect, &error) == STATUS_OK)
        status = inspect_print(inspect.report, line.json);
    else if (session_interrupted(session))
        status = COMMAND_INTERRUPTED;
    else {
        log_error("%s: %s", path, error.text);
        status = error.status == STATUS_BUSY ? COMMAND_BUSY : COMMAND_FAILED;
    }
    session_close(session);
    json_decref(inspect.btrees);
    json_decref(inspect.report);
    free(path);
    return status;
}
