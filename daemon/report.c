/* Turns events into sentences. Runs in the parent; decides nothing and knows no kind of task. */
#include "report.h"

#include "memory.h"
#include "terminal.h"
#include "text.h"

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
    text_addf(line, "; lock held %s, longest %.1f ms", text_counted(number, count, "time"),
              report_real(lock, "max_ms"));
    if (count > 1)
        text_addf(line, ", p99 %.1f ms", report_real(lock, "p99_ms"));
}

/* What is left of an effect when the reason has said the rest: the one figure that proves it. */
static const struct {
    const char *key, *none, *one, *many;
} report_effects[] = {
    {"rows_past_cutoff", "no row left past the cutoff", "row left past the cutoff",
     "rows left past the cutoff"},
};

static void report_effect(struct text *line, const json_t *effect)
{
    char number[TEXT_SHORT];

    for (size_t i = 0; i < sizeof report_effects / sizeof *report_effects; i++) {
        const json_t *value = json_object_get(effect, report_effects[i].key);
        int64_t count = json_integer_value(value);
        if (json_is_integer(value) && count == 0)
            text_addf(line, "; %s", report_effects[i].none);
        else if (json_is_integer(value))
            text_addf(line, "; %s %s", text_count(number, count),
                      count == 1 ? report_effects[i].one : report_effects[i].many);
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
        text_addf(&line, ", %s", text_counted(number, json_integer_value(rows), "row"));
    if (json_is_integer(bytes))
        text_addf(&line, ", %s", text_bytes(number, json_integer_value(bytes)));
    if (json_is_number(seconds))
        text_addf(&line, ", %s", text_seconds(number, json_number_value(seconds)));
    char *text = memory_copy(line.length ? line.bytes + 2 : "");
    text_free(&line);
    return text;
}

/* "due 2026-11-29 02:00:00Z; expected: 812,344 rows, 288.0 MiB, 14.2 s" */
static char *report_due(const json_t *event)
{
    const char *due = report_text(event, "due");
    char *expected = report_expected(event);
    struct text line = {0};

    if (*due)
        text_addf(&line, "due %.10s %s", due, due + strnlen(due, 11));
    else
        text_add(&line, "due never");
    if (expected[0] && strcmp(report_text(event, "decision"), "act") == 0)
        text_addf(&line, "; expected: %s", expected);
    free(expected);
    return text_take(&line);
}

void report_plan(const json_t *event, size_t width)
{
    char *task = report_task(report_text(event, "task"), report_text(event, "target"));
    char *due = report_due(event);
    const char *decision =
        json_is_true(json_object_get(event, "failed")) ? "fail" : report_text(event, "decision");
    size_t column = 2 + width + 2 + 6, taken = terminal_columns(task);

    printf("  %s%*s  %-6s", task, taken < width ? (int)(width - taken) : 0, "", decision);
    terminal_print(stdout, report_text(event, "reason"), column, column);
    printf("%*s", (int)column, "");
    terminal_print(stdout, due, column, column);
    free(due);
    free(task);
}
