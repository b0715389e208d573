/*
 * Takes the daemon's lines apart for the commands that print them. Runs in the foreground; trusts
 * the daemon with the facts, and nobody with the terminal.
 */
#include "answer.h"

#include "event.h"
#include "memory.h"
#include "moment.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_DEPTH = 16 };

static json_t *answer_clean(json_t *value, int depth);

static bool answer_plain(const char *name)
{
    return name[0] && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static json_t *answer_clean_text(const json_t *value)
{
    char *copy = memory_copy(json_string_value(value));

    text_sanitize(copy);
    json_t *clean = json_string(copy);
    free(copy);
    return clean;
}

static json_t *answer_clean_all(json_t *value, int depth)
{
    json_t *copy = json_is_array(value) ? json_array() : json_object(), *item;
    const char *name;
    size_t i;

    json_array_foreach (value, i, item)
        json_array_append_new(copy, answer_clean(item, depth));
    json_object_foreach (value, name, item)
        if (answer_plain(name))
            json_object_set_new(copy, name, answer_clean(item, depth));
    return copy;
}

/* A copy that is fit for a terminal: its texts sanitised, names of keys that are none left out,
 * and what is nested too deep is null. */
static json_t *answer_clean(json_t *value, int depth)
{
    if (json_is_string(value))
        return answer_clean_text(value);
    if (!json_is_object(value) && !json_is_array(value))
        return json_incref(value);
    return depth < ANSWER_DEPTH ? answer_clean_all(value, depth + 1) : json_null();
}

/* The end's own keys. False where it is no end as it should be. */
static bool answer_end(const json_t *line, struct answer *answer)
{
    const json_t *number = json_object_get(line, "exit"), *message;

    message = json_object_get(line, "message");
    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        json_integer_value(number) > 125 || !(json_is_null(message) || json_is_string(message)))
        return false;
    answer->exit_status = (int)json_integer_value(number);
    answer->message = memory_copy(json_string_value(message));
    return true;
}

enum status answer_line(const char *text, size_t length, struct answer *answer, bool *done,
                        struct error *error)
{
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    json_t *line = json_is_object(object) ? answer_clean(object, 0) : NULL;
    const char *kind = line ? event_kind(line) : NULL;
    bool right = kind != NULL;

    *done = right && strcmp(kind, "end") == 0;
    if (*done)
        right = answer_end(line, answer);
    else if (right)
        json_array_append(answer->lines, line);
    json_decref(line);
    json_decref(object);
    if (right)
        return STATUS_OK;
    return error_set(error, STATUS_FAILED,
                     "the daemon answers what is no answer; is it of the same "
                     "version? Compare `litekeeper --version` with its log");
}

void answer_free(struct answer *answer)
{
    json_decref(answer->lines);
    free(answer->message);
    *answer = (struct answer){0};
}

const char *answer_text(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text ? text : "";
}

int64_t answer_whole(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

double answer_real(const json_t *line, const char *key)
{
    return json_number_value(json_object_get(line, key));
}

bool answer_time(const json_t *line, const char *key, int64_t *time_us)
{
    return moment_parse(answer_text(line, key), time_us, NULL) == STATUS_OK;
}

bool answer_is(const json_t *line, const char *kind)
{
    return strcmp(event_kind(line), kind) == 0;
}

char *answer_subject(const json_t *line)
{
    static const char *const keys[] = {"database", "task", "target"};
    struct text subject = {0};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *name = answer_text(line, keys[i]);
        text_addf(&subject, "%s%s", subject.length && name[0] ? " " : "", name);
    }
    return text_take(&subject);
}

size_t answer_count(const json_t *lines, const char *kind)
{
    size_t count = 0, i;
    json_t *line;

    json_array_foreach (lines, i, line)
        count += answer_is(line, kind);
    return count;
}
