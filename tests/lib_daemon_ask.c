/* What the daemon answers to litekeeper's commands, by which each question is a process. */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_expect.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { DAEMONS_POLL_MS = 40 };

static json_t *daemons_lines(const char *text)
{
    json_t *lines = json_array();

    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        json_t *line = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(json_is_object(line), "%.*s", (int)(end - text), text);
        json_array_append_new(lines, line);
    }
    return lines;
}

json_t *daemons_ask(const char *words, int status)
{
    struct program_result result;
    const char *rest = strchr(words, ' ');
    char *all =
        memory_format("%.*s -c @/policy.yaml --socket @/socket --json%s",
                      rest ? (int)(rest - words) : (int)strlen(words), words, rest ? rest : "");

    expect_run(all, &result);
    if (status >= 0 && result.status != status) {
        ck_abort_msg("%s: exit status %d: %s%s\n%s", words, result.status, result.out, result.err,
                     daemons_last_words());
    }
    json_t *lines = daemons_lines(result.out);
    program_result_free(&result);
    free(all);
    return lines;
}

static bool daemons_value_is(const char *value, const char *wanted, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!value[i] || (wanted[i] != '_' && wanted[i] != value[i]))
            return false;
    return !value[length];
}

/* "key=value" up to `end`. */
static bool daemons_has(const json_t *line, const char *match, const char *end)
{
    const char *equals = memchr(match, '=', (size_t)(end - match));

    if (!equals)
        return daemons_value_is(json_string_value(json_object_get(line, "event")), match,
                                (size_t)(end - match));
    char *key = memory_format("%.*s", (int)(equals - match), match);
    const char *value = json_string_value(json_object_get(line, key));
    free(key);
    return value && daemons_value_is(value, equals + 1, (size_t)(end - equals - 1));
}

static bool daemons_matches(const json_t *line, const char *matches)
{
    for (const char *end; *matches; matches = *end ? end + 1 : end) {
        end = strchrnul(matches, ' ');
        if (!daemons_has(line, matches, end))
            return false;
    }
    return true;
}

json_t *daemons_line(const char *words, const char *matches)
{
    json_t *lines = daemons_ask(words, -1), *line, *found = NULL;
    size_t index;

    json_array_foreach (lines, index, line)
        if (!found && daemons_matches(line, matches))
            found = json_incref(line);
    json_decref(lines);
    return found;
}

static _Noreturn void daemons_abort(const char *words, const char *matches)
{
    json_t *lines = daemons_ask(words, -1);

    ck_abort_msg("%s does not come to: %s\n%s\n%s", words, matches, json_dumps(lines, JSON_COMPACT),
                 daemons_last_words());
}

static json_t *daemons_await_that(const char *words, const char *matches, bool there)
{
    double begun = clock_monotonic_ms();

    do {
        json_t *line = daemons_line(words, matches);
        if (there == (line != NULL))
            return line;
        json_decref(line);
        clock_sleep_ms(DAEMONS_POLL_MS);
    } while (clock_monotonic_ms() - begun < daemons_patience_ms());
    daemons_abort(words, matches);
}

json_t *daemons_await(const char *words, const char *matches)
{
    return daemons_await_that(words, matches, true);
}

void daemons_await_none(const char *words, const char *matches)
{
    daemons_await_that(words, matches, false);
}

void daemons_await_status(const char *matches)
{
    json_decref(daemons_await("status", matches));
}
