/*
 * Walks an object along its rows and copies what is right: one function a type. The copy has
 * nothing that was not looked at, so whatever else a worker sends ends here. Runs in the parent.
 */
#include "event_check.h"

#include "memory.h"
#include "text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FREE_DEPTH = 6, FREE_TEXT = 1024, FREE_NAME = 64 };

static const json_int_t count_max = (json_int_t)1 << 53; /* exact in every JSON reader */
static const json_int_t time_max = (json_int_t)1 << 62;

json_t *event_check_text(const char *text, size_t length, size_t limit)
{
    char *copy = memory_copy_length(text, length < limit ? length : limit);

    if (length > limit) /* don't leave half of a character */
        for (size_t end = limit; end > 0 && (text[end] & 0xC0) == 0x80; end--)
            copy[end - 1] = '\0';
    text_sanitize(copy);
    json_t *string = json_string(copy);
    free(copy);
    return string;
}

static json_t *check_text(const struct event_key *key, json_t *value)
{
    if (!json_is_string(value))
        return NULL;
    return event_check_text(json_string_value(value), json_string_length(value), key->limit);
}

static json_t *check_exact(const struct event_key *key, json_t *value)
{
    json_t *text = check_text(key, value);

    if (text && json_equal(text, value))
        return text;
    json_decref(text);
    return NULL;
}

static json_t *check_raw(const struct event_key *key, json_t *value)
{
    return json_is_string(value) && json_string_length(value) <= key->limit ? json_incref(value)
                                                                            : NULL;
}

static json_t *check_choice(const struct event_key *key, json_t *value)
{
    for (const char *const *choice = key->choices; json_is_string(value) && *choice; choice++)
        if (strcmp(*choice, json_string_value(value)) == 0)
            return json_string(*choice);
    return NULL;
}

static json_t *check_flag(const struct event_key *key, json_t *value)
{
    (void)key;
    return json_is_boolean(value) ? json_boolean(json_is_true(value)) : NULL;
}

static json_t *check_whole(json_t *value, json_int_t least, json_int_t most)
{
    json_int_t number = json_integer_value(value);

    return json_is_integer(value) && number >= least && number <= most ? json_integer(number)
                                                                       : NULL;
}

static json_t *check_count(const struct event_key *key, json_t *value)
{
    (void)key;
    return check_whole(value, 0, count_max);
}

static json_t *check_time(const struct event_key *key, json_t *value)
{
    (void)key;
    return check_whole(value, -time_max, time_max);
}

static json_t *check_bits(const struct event_key *key, json_t *value)
{
    (void)key;
    return check_whole(value, INT64_MIN, INT64_MAX);
}

/* JSON knows no NaN and no infinity, and jansson refuses what overflows a double. */
static json_t *check_real(json_t *value, double most)
{
    double number = json_number_value(value);

    return json_is_number(value) && number >= 0 && number <= most ? json_deep_copy(value) : NULL;
}

static json_t *check_number(const struct event_key *key, json_t *value)
{
    (void)key;
    return check_real(value, 1e18);
}

static json_t *check_share(const struct event_key *key, json_t *value)
{
    (void)key;
    return check_real(value, 1);
}

static json_t *check_free_value(json_t *value, int depth);

static bool check_free_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return length > 0 && length <= FREE_NAME && !name[length];
}

static json_t *check_free_object(json_t *value, int depth)
{
    json_t *copy = json_object(), *item;
    const char *name;

    json_object_foreach (value, name, item) {
        json_t *part = check_free_name(name) ? check_free_value(item, depth) : NULL;
        if (!part) {
            json_decref(copy);
            return NULL;
        }
        json_object_set_new(copy, name, part);
    }
    return copy;
}

static json_t *check_free_array(json_t *value, int depth)
{
    json_t *copy = json_array();

    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *part = check_free_value(json_array_get(value, i), depth);
        if (!part) {
            json_decref(copy);
            return NULL;
        }
        json_array_append_new(copy, part);
    }
    return copy;
}

static json_t *check_free_value(json_t *value, int depth)
{
    if (json_is_string(value))
        return event_check_text(json_string_value(value), json_string_length(value), FREE_TEXT);
    if (json_is_object(value))
        return depth < FREE_DEPTH ? check_free_object(value, depth + 1) : NULL;
    if (json_is_array(value))
        return depth < FREE_DEPTH ? check_free_array(value, depth + 1) : NULL;
    return json_deep_copy(value);
}

static json_t *check_free(const struct event_key *key, json_t *value)
{
    (void)key;
    return json_is_object(value) ? check_free_object(value, 0) : NULL;
}

/* What each type takes; a record has a function of its own, since it says more when it fails. */
static const struct {
    json_t *(*copy)(const struct event_key *key, json_t *value);
    const char *allowed;
} check_types[] = {
    [EVENT_TEXT] = {check_text, "is no text"},
    [EVENT_EXACT] = {check_exact, "is no text, too long, or has characters that can't be shown"},
    [EVENT_RAW] = {check_raw, "is no text, or too long"},
    [EVENT_CHOICE] = {check_choice, "is none of the words allowed there"},
    [EVENT_FLAG] = {check_flag, "is neither true nor false"},
    [EVENT_COUNT] = {check_count, "is no whole number from 0 to 2^53"},
    [EVENT_TIME] = {check_time, "is no whole number of microseconds"},
    [EVENT_BITS] = {check_bits, "is no whole number"},
    [EVENT_NUMBER] = {check_number, "is no number from 0 up"},
    [EVENT_SHARE] = {check_share, "is no number from 0 to 1"},
    [EVENT_FREE] = {check_free, "is no object of plain names and values"},
};

static enum status check_value(const char *where, const struct event_key *key, json_t *value,
                               json_t **checked, struct error *error)
{
    if (key->type == EVENT_RECORD) {
        if (json_is_object(value))
            return event_check(key->name, key->keys, value, checked, error);
        return error_set(error, STATUS_INVALID, "%s: %s is no object", where, key->name);
    }
    json_t *copy = check_types[key->type].copy(key, value);
    if (!copy)
        return error_set(error, STATUS_INVALID, "%s: %s %s", where, key->name,
                         check_types[key->type].allowed);
    *checked = copy;
    return STATUS_OK;
}

static enum status check_key(const char *where, const struct event_key *key, json_t *object,
                             json_t *copy, struct error *error)
{
    json_t *value = json_object_get(object, key->name);
    json_t *checked = NULL;
    enum status status = STATUS_OK;

    if (!value && (key->flags & EVENT_OPTIONAL))
        return STATUS_OK;
    if (!value)
        return error_set(error, STATUS_INVALID, "%s: %s is missing", where, key->name);
    if (json_is_null(value) && (key->flags & EVENT_NULL))
        checked = json_null();
    else
        status = check_value(where, key, value, &checked, error);
    if (!status)
        json_object_set_new(copy, key->name, checked);
    return status;
}

enum status event_check(const char *where, const struct event_key *keys, json_t *object,
                        json_t **checked, struct error *error)
{
    json_t *copy = json_object();

    for (; keys->name; keys++) {
        enum status status = check_key(where, keys, object, copy, error);
        if (status) {
            json_decref(copy);
            return status;
        }
    }
    *checked = copy;
    return STATUS_OK;
}
