/*
 * Requests from text and to text, along two tables: what each kind may say, and what each key
 * takes. Runs in the client and in the daemon; knows no socket.
 */
#include "request.h"

#include "memory.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum request_key { KEY_DATABASE = 1, KEY_TASK = 2, KEY_TARGET = 4, KEY_FOR = 8, KEY_PAST = 16 };

#define KEYS_NAMES (KEY_DATABASE | KEY_TASK | KEY_TARGET)

static const struct {
    const char *name;
    unsigned keys, required;
    bool commands;
} request_kinds[REQUEST_KINDS] = {
    [REQUEST_STATUS] = {"status", KEYS_NAMES, 0, false},
    [REQUEST_HISTORY] = {"history", KEYS_NAMES | KEY_PAST, 0, false},
    [REQUEST_ALERTS] = {"alerts", KEY_DATABASE, 0, false},
    [REQUEST_RELOAD] = {"reload", 0, 0, true},
    [REQUEST_CANCEL] = {"cancel", KEYS_NAMES, KEY_DATABASE, true},
    [REQUEST_PAUSE] = {"pause", KEY_DATABASE | KEY_TASK | KEY_FOR, 0, true},
    [REQUEST_RESUME] = {"resume", KEY_DATABASE | KEY_TASK, 0, true},
};

/* The numbers' bounds are those of what a person can mean: 100 years, the year 9999. */
static const int64_t for_most = INT64_C(36525) * 86400 * 1000000;
static const int64_t since_most = INT64_C(253402300800) * 1000000;

static const struct request_row {
    const char *name;
    enum request_key key;
    unsigned needs; /* another key that it says more about */
    bool number;
    size_t offset;
    int64_t least;
    const int64_t *most; /* NULL: REQUEST_ROWS_MOST */
} request_rows[] = {
    {"database", KEY_DATABASE, 0, false, offsetof(struct request, database), 0, NULL},
    {"task", KEY_TASK, KEY_DATABASE, false, offsetof(struct request, task), 0, NULL},
    {"target", KEY_TARGET, KEY_TASK, false, offsetof(struct request, target), 0, NULL},
    {"for_us", KEY_FOR, 0, true, offsetof(struct request, for_us), 1, &for_most},
    {"since_us", KEY_PAST, 0, true, offsetof(struct request, since_us), 0, &since_most},
    {"limit", KEY_PAST, 0, true, offsetof(struct request, limit), 1, NULL},
};
enum { REQUEST_KEYS = sizeof request_rows / sizeof *request_rows };

static char **request_text(const struct request_row *row, const struct request *request)
{
    return (char **)((char *)(uintptr_t)request + row->offset);
}

static int64_t *request_number(const struct request_row *row, const struct request *request)
{
    return (int64_t *)((char *)(uintptr_t)request + row->offset);
}

void request_init(struct request *request, enum request_kind kind)
{
    *request = (struct request){.kind = kind, .for_us = -1, .since_us = -1, .limit = REQUEST_ROWS};
}

void request_free(struct request *request)
{
    free(request->database);
    free(request->task);
    free(request->target);
    request_init(request, request->kind);
}

const char *request_name(enum request_kind kind)
{
    return request_kinds[kind].name;
}

bool request_commands(enum request_kind kind)
{
    return request_kinds[kind].commands;
}

static enum status request_take_text(const struct request_row *row, const json_t *value,
                                     struct request *request, struct error *error)
{
    const char *text = json_string_value(value);
    char *copy;

    if (!text || !text[0])
        return error_set(error, STATUS_INVALID, "its %s is no name", row->name);
    copy = memory_copy(text);
    text_sanitize(copy);
    bool same = strcmp(copy, text) == 0;
    free(copy);
    if (!same)
        return error_set(error, STATUS_INVALID, "its %s has characters that can't be shown",
                         row->name);
    *request_text(row, request) = memory_copy(text);
    return STATUS_OK;
}

static enum status request_take_number(const struct request_row *row, const json_t *value,
                                       struct request *request, struct error *error)
{
    int64_t number = json_integer_value(value), most = row->most ? *row->most : REQUEST_ROWS_MOST;

    if (!json_is_integer(value) || number < row->least || number > most)
        return error_set(error, STATUS_INVALID,
                         "its %s is no whole number from %" PRId64 " to %" PRId64, row->name,
                         row->least, most);
    *request_number(row, request) = number;
    return STATUS_OK;
}

static enum status request_take_key(const char *name, const json_t *value, struct request *request,
                                    unsigned *said, struct error *error)
{
    char shown[TEXT_SHORT] = "";

    if (strcmp(name, "litekeeper") == 0 || strcmp(name, "request") == 0)
        return STATUS_OK;
    for (const struct request_row *row = request_rows; row < request_rows + REQUEST_KEYS; row++) {
        if (strcmp(row->name, name) != 0 || !(request_kinds[request->kind].keys & row->key))
            continue;
        if (json_is_null(value))
            return STATUS_OK;
        *said |= row->key;
        return row->number ? request_take_number(row, value, request, error)
                           : request_take_text(row, value, request, error);
    }
    strncat(shown, name, sizeof shown - 1);
    text_sanitize(shown);
    return error_set(error, STATUS_INVALID, "\"%s\" does not go with %s", shown,
                     request_name(request->kind));
}

/* Whether all is there that this kind, and what was said, must have. */
static enum status request_complete(const struct request *request, unsigned said,
                                    struct error *error)
{
    unsigned needs = request_kinds[request->kind].required;

    for (const struct request_row *row = request_rows; row < request_rows + REQUEST_KEYS; row++)
        needs |= said & row->key ? row->needs : 0;
    for (const struct request_row *row = request_rows; row < request_rows + REQUEST_KEYS; row++)
        if (needs & row->key & ~said)
            return error_set(error, STATUS_INVALID, "it names no %s", row->name);
    return STATUS_OK;
}

static enum status request_take_keys(json_t *object, struct request *request, struct error *error)
{
    enum status status = STATUS_OK;
    unsigned said = 0;
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        status = request_take_key(name, value, request, &said, error);
        if (status)
            return status;
    }
    return request_complete(request, said, error);
}

/* The version first: all else may be different in another one. */
static enum status request_take_kind(const json_t *object, enum request_kind *kind,
                                     struct error *error)
{
    const json_t *version = json_object_get(object, "litekeeper");
    const char *name = json_string_value(json_object_get(object, "request"));

    if (!json_is_integer(version))
        return error_set(error, STATUS_INVALID, "no request of litekeeper's: it has no version");
    if (json_integer_value(version) != REQUEST_VERSION)
        return error_set(error, STATUS_INVALID,
                         "a request of version %" JSON_INTEGER_FORMAT
                         ", where this daemon speaks version %d; restart the daemon after an "
                         "upgrade",
                         json_integer_value(version), REQUEST_VERSION);
    for (int i = 0; name && i < REQUEST_KINDS; i++)
        if (strcmp(name, request_kinds[i].name) == 0) {
            *kind = (enum request_kind)i;
            return STATUS_OK;
        }
    return error_set(error, STATUS_INVALID, "no known request");
}

static enum status request_take(json_t *object, struct request *request, struct error *error)
{
    enum request_kind kind = REQUEST_STATUS;
    struct request made;
    enum status status = request_take_kind(object, &kind, error);

    request_init(&made, kind);
    if (!status)
        status = request_take_keys(object, &made, error);
    if (status)
        request_free(&made);
    else
        *request = made;
    return status;
}

enum status request_parse(const char *line, size_t length, struct request *request,
                          struct error *error)
{
    json_error_t problem;
    enum status status;

    if (length > REQUEST_LINE)
        return error_set(error, STATUS_INVALID, "longer than %d bytes", REQUEST_LINE);
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(object))
        status = error_set(error, STATUS_INVALID, "no JSON object%s", object ? "" : " in UTF-8");
    else
        status = request_take(object, request, error);
    json_decref(object);
    return status;
}

char *request_line(const struct request *request)
{
    json_t *object = json_object();
    bool whole = true;

    json_object_set_new(object, "litekeeper", json_integer(REQUEST_VERSION));
    json_object_set_new(object, "request", json_string(request_name(request->kind)));
    for (const struct request_row *row = request_rows; row < request_rows + REQUEST_KEYS; row++) {
        if (!(request_kinds[request->kind].keys & row->key))
            continue;
        if (row->number && *request_number(row, request) >= 0)
            json_object_set_new(object, row->name, json_integer(*request_number(row, request)));
        else if (!row->number && *request_text(row, request))
            whole &= json_object_set_new(object, row->name,
                                         json_string(*request_text(row, request))) == 0;
    }
    char *line = whole ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return line;
}
