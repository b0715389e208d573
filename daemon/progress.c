/*
 * Draws the progress bar on standard error, and only while that and standard output are terminals.
 * The one piece of state is whether a bar stands there and since when, for the one terminal.
 */
#include "progress.h"

#include "clock.h"
#include "memory.h"
#include "terminal.h"
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BAR_WIDEST = 30, BAR_NARROWEST = 10, PARTS = 5, REDRAW_MS = 100 };

static struct {
    bool drawn;
    double at_ms;
} progress_bar;

static const char *progress_text(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));

    return text ? text : "";
}

/* Whose progress it is, in columns that leave room for the figures and a bar if that can be. */
static char *progress_label(const json_t *event, size_t room)
{
    const char *target = progress_text(event, "target");
    char *task =
        memory_format("%s%s%s", progress_text(event, "task"), target[0] ? " " : "", target);
    char *label = memory_format("%s %s", progress_text(event, "database"), task);

    if (terminal_columns(label) <= room) {
        free(task);
        return label;
    }
    free(label);
    return task;
}

/* The share that is done, or -1. */
static double progress_share(const json_t *event)
{
    const json_t *total = json_object_get(event, "total");
    double all = json_number_value(total), rows = json_number_value(json_object_get(event, "rows"));

    if (!json_is_integer(total))
        return -1;
    return all <= 0 || rows >= all ? 1 : rows / all;
}

/* Fills in the figures, the most important first; returns how many there are. */
static size_t progress_parts(const json_t *event, char *parts[PARTS])
{
    const json_t *eta = json_object_get(event, "eta_s");
    const char *unit = progress_text(event, "unit");
    double share = progress_share(event),
           lock = json_number_value(json_object_get(event, "lock_share"));
    char number[TEXT_SHORT];
    size_t count = 0;

    if (share >= 0)
        parts[count++] = memory_format("%3d%%", (int)(share * 100));
    parts[count++] =
        memory_copy(text_counted(number, json_integer_value(json_object_get(event, "rows")),
                                 unit[0] ? unit : "row"));
    if (json_is_number(eta))
        parts[count++] = memory_format("%s left", text_seconds(number, json_number_value(eta)));
    parts[count++] = memory_format("lock %d%%", (int)(lock * 100 + 0.5));
    double rate = json_number_value(json_object_get(event, "rate"));
    parts[count++] = memory_format("%s/s", text_count(number, (int64_t)(rate + 0.5)));
    return count;
}

static void progress_draw_bar(struct text *line, double share, size_t width)
{
    size_t inside = width - 2, done = (size_t)(share * (double)inside);

    text_add(line, "  [");
    for (size_t i = 0; i < inside; i++)
        text_add(line, i < done ? "=" : i == done ? ">" : " ");
    text_add(line, "]");
}

/* Bytes of the first `columns` characters. */
static size_t progress_cut(const char *text, size_t columns)
{
    size_t length = 0;

    while (text[length] && (columns > 0 || (text[length] & 0xC0) == 0x80))
        columns -= (text[length++] & 0xC0) != 0x80;
    return length;
}

char *progress_line(const json_t *event, size_t width)
{
    char *parts[PARTS] = {0};
    size_t count = progress_parts(event, parts), shown = 0, figures = 2 + BAR_NARROWEST;
    double share = progress_share(event);
    struct text line = {0};

    for (size_t i = 0; i < count; i++)
        figures += 2 + terminal_columns(parts[i]);
    char *label = progress_label(event, width > figures ? width - figures : 0);
    size_t used = terminal_columns(label);
    for (; shown < count && used + 2 + terminal_columns(parts[shown]) <= width; shown++)
        used += 2 + terminal_columns(parts[shown]);
    text_add_length(&line, label, progress_cut(label, width));
    if (share >= 0 && width >= used + 2 + BAR_NARROWEST) {
        size_t room = width - used - 2;
        progress_draw_bar(&line, share, room < BAR_WIDEST ? room : BAR_WIDEST);
    }
    for (size_t i = 0; i < shown; i++)
        text_addf(&line, "  %s", parts[i]);
    for (size_t i = 0; i < count; i++)
        free(parts[i]);
    free(label);
    return text_take(&line);
}

void progress_show(const json_t *event)
{
    double now_ms = clock_monotonic_ms();

    if (!terminal_redraws(stderr) || !terminal_width(stdout))
        return;
    if (progress_bar.drawn && now_ms - progress_bar.at_ms < REDRAW_MS)
        return;
    char *line = progress_line(event, terminal_width(stderr) - 1);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    free(line);
    progress_bar.drawn = true;
    progress_bar.at_ms = now_ms;
}

void progress_clear(void)
{
    if (!progress_bar.drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress_bar.drawn = false;
}
