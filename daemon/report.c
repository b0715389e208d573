/* Turns events into sentences. Runs in the parent; decides nothing and knows no kind of task. */
#include "report.h"

#include "memory.h"
#include "terminal.h"
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *report_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static int64_t report_whole(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static double report_real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

char *report_task(const char *task, const char *target)
{
    return memory_format("%s%s%s", task, target && target[0] ? " " : "", target ? target : "");
}

static void report_subject(struct text *line, const json_t *event)
{
    char *task = report_task(report_text(event, "task"), report_text(event, "target"));

    text_addf(line, "%s %s: ", report_text(event, "database"), task);
    free(task);
}

static void report_lock(struct text *line, const json_t *lock)
{
    char number[TEXT_SHORT];
    int64_t count = report_whole(lock, "count");

    if (count == 0)
        return;
    text_addf(line, "; lock held %s %s, longest %.1f ms, p99 %.1f ms", text_count(number, count),
              count == 1 ? "time" : "times", report_real(lock, "max_ms"),
              report_real(lock, "p99_ms"));
}

static bool report_ends(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);

    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* A measured value: its key tells the unit, as in "wal_bytes". */
static void report_value(struct text *line, const char *key, const json_t *value)
{
    char number[TEXT_SHORT];

    if (json_is_array(value))
        text_count(number, (int64_t)json_array_size(value));
    else if (json_is_integer(value) && (report_ends(key, "bytes") || report_ends(key, "_size")))
        text_bytes(number, json_integer_value(value));
    else if (json_is_integer(value))
        text_count(number, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, sizeof number, "%.4g", json_real_value(value));
    else
        snprintf(number, sizeof number, "%s", json_is_true(value) ? "yes" : "no");
    text_addf(line, " %s", json_is_string(value) ? json_string_value(value) : number);
}

/* A key in words, the caller's to free; the value tells that it is bytes. */
static char *report_words(const char *key)
{
    size_t length = strlen(key);
    char *words =
        memory_copy_length(key, report_ends(key, "_bytes") ? length - strlen("_bytes") : length);

    for (char *letter = words; *letter; letter++)
        *letter = *letter == '_' ? ' ' : *letter;
    return words;
}

static void report_effect(struct text *line, json_t *effect)
{
    const char *key, *before = "; after it:";
    json_t *value;

    json_object_foreach (effect, key, value) {
        if (json_is_object(value) || json_is_null(value))
            continue;
        char *words = report_words(key);
        text_addf(line, "%s %s", before, words);
        report_value(line, key, value);
        free(words);
        before = ",";
    }
}

/* Rows are in the reason already, whatever the outcome. */
static void report_freed(struct text *line, const json_t *event)
{
    char number[TEXT_SHORT];
    int64_t bytes = report_whole(event, "bytes_freed");

    if (bytes > 0)
        text_addf(line, "; %s given back", text_bytes(number, bytes));
}

char *report_outcome(const json_t *event)
{
    const char *outcome = report_text(event, "outcome");
    char seconds[TEXT_SHORT];
    struct text line = {0};

    report_subject(&line, event);
    text_add(&line, outcome);
    if (strcmp(outcome, "skipped") != 0)
        text_addf(&line, " %s %s", strcmp(outcome, "done") == 0 ? "in" : "after",
                  text_seconds(seconds, report_real(event, "seconds")));
    text_addf(&line, ": %s", report_text(event, "reason"));
    report_freed(&line, event);
    report_lock(&line, json_object_get(event, "lock"));
    report_effect(&line, json_object_get(event, "effect"));
    return text_take(&line);
}

char *report_notice(const json_t *event)
{
    struct text line = {0};

    report_subject(&line, event);
    text_addf(&line, "note: %s", report_text(event, "text"));
    return text_take(&line);
}

/* "812,344 rows, 288.0 MiB, 14.2 s"; empty where nothing is expected. */
static char *report_expected(const json_t *event)
{
    const json_t *rows = json_object_get(event, "rows"), *bytes = json_object_get(event, "bytes"),
                 *seconds = json_object_get(event, "seconds");
    char number[TEXT_SHORT];
    struct text line = {0};

    if (json_is_integer(rows))
        text_addf(&line, ", %s rows", text_count(number, json_integer_value(rows)));
    if (json_is_integer(bytes))
        text_addf(&line, ", %s", text_bytes(number, json_integer_value(bytes)));
    if (json_is_number(seconds))
        text_addf(&line, ", %s", text_seconds(number, json_number_value(seconds)));
    char *text = memory_copy(line.length ? line.bytes + 2 : "");
    text_free(&line);
    return text;
}

void report_plan(const json_t *event, size_t width)
{
    char *task = report_task(report_text(event, "task"), report_text(event, "target"));
    char *expected = report_expected(event);
    const char *decision =
        json_is_true(json_object_get(event, "failed")) ? "fail" : report_text(event, "decision");
    size_t column = 2 + width + 2 + 6, taken = terminal_columns(task);

    printf("  %s%*s  %-6s", task, taken < width ? (int)(width - taken) : 0, "", decision);
    terminal_print(stdout, report_text(event, "reason"), column, column);
    if (expected[0] && strcmp(decision, "act") == 0) {
        printf("%*sexpected: ", (int)column, "");
        terminal_print(stdout, expected, column + 10, column);
    }
    free(expected);
    free(task);
}
