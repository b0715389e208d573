/* Windows of time: parsed with the policy, asked before a task that needs one. */
#include "window.h"

#include "memory.h"
#include "weekdays.h"
#include "zone.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_DAY = 1440, /* minutes */
    WINDOW_LONG = 8,   /* days: open for longer is as good as always */
    WINDOW_AHEAD = 16  /* days: a weekly one is skipped once where the clock is put forward */
};

#define MINUTE_US INT64_C(60000000)
#define DAY_US    (WINDOW_DAY * MINUTE_US)

/* HH:MM, up to 24:00. */
static bool window_time(const char **text, int *minutes)
{
    const char *c = *text;

    for (int i = 0; i < 5; i++)
        if (i == 2 ? c[i] != ':' : !isdigit((unsigned char)c[i]))
            return false;
    int hour = (c[0] - '0') * 10 + c[1] - '0', minute = (c[3] - '0') * 10 + c[4] - '0';
    if (minute > 59 || hour * 60 + minute > WINDOW_DAY)
        return false;
    *minutes = hour * 60 + minute;
    *text += 5;
    return true;
}

static enum status window_times(const char **rest, const char *text, struct window *window,
                                struct error *error)
{
    if (!weekdays_parse(rest, &window->weekdays) || !window_time(rest, &window->begin) ||
        *(*rest)++ != '-' || !window_time(rest, &window->end) || (**rest && **rest != ' '))
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\" is no window; write one such as Sun 02:00-05:00 UTC", text);
    if (window->begin == window->end || window->begin == WINDOW_DAY)
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\" is no time at all; a whole day is 00:00-24:00", text);
    *rest += strspn(*rest, " ");
    if (window->weekdays == WEEKDAYS_ALL)
        window->weekdays = 0;
    return STATUS_OK;
}

enum status window_parse(const char *text, struct window_list *list, struct error *error)
{
    const char *rest = text;
    struct window made = {0};
    enum status status = window_times(&rest, text, &made, error);

    if (status != STATUS_OK)
        return status;
    status = zone_load(*rest ? rest : NULL, &made.zone, error);
    if (status != STATUS_OK)
        return status;
    made.zone_name = *rest ? memory_copy(rest) : NULL;
    list->windows = memory_resize(list->windows, list->count + 1, sizeof *list->windows);
    list->windows[list->count++] = made;
    return STATUS_OK;
}

void window_list_free(struct window_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++) {
        free(list->windows[i].zone_name);
        zone_free(list->windows[i].zone);
    }
    free(list->windows);
    free(list);
}

void window_text(const struct window *window, struct text *out)
{
    if (window->weekdays) {
        weekdays_text(window->weekdays, out);
        text_add(out, " ");
    }
    text_addf(out, "%02d:%02d-%02d:%02d", window->begin / 60, window->begin % 60, window->end / 60,
              window->end % 60);
    if (window->zone_name)
        text_addf(out, " %s", window->zone_name);
}

static bool window_has_day(const struct window *window, int64_t day)
{
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* day 0, 1970-01-01, was a Thursday */

    return !window->weekdays || window->weekdays & 1U << weekday;
}

/* What the clock on the wall shows: the day since 1970, and how far into it. */
static int64_t window_clock(const struct window *window, int64_t now_us, int64_t *into_us)
{
    int64_t local_us = now_us + zone_offset(window->zone, now_us) * INT64_C(1000000);

    *into_us = (local_us % DAY_US + DAY_US) % DAY_US;
    return (local_us - *into_us) / DAY_US;
}

static bool window_one_open(const struct window *window, int64_t now_us)
{
    int64_t into_us, day = window_clock(window, now_us, &into_us);
    bool begun = into_us >= window->begin * MINUTE_US, ended = into_us >= window->end * MINUTE_US;

    if (window->begin < window->end)
        return window_has_day(window, day) && begun && !ended;
    return (window_has_day(window, day) && begun) || (window_has_day(window, day - 1) && !ended);
}

bool window_open(const struct window_list *list, int64_t now_us)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (window_one_open(&list->windows[i], now_us))
            return true;
    return false;
}

/* How long it is till the clock on the wall shows that minute of the day, were it never set. */
static int64_t window_until(int64_t into_us, int minute)
{
    int64_t until_us = minute * MINUTE_US - into_us;

    return until_us > 0 ? until_us : until_us + DAY_US;
}

/* The first moment after `now_us` at which one of them may open or close: where one begins or
 * ends, and where the clock of its zone is set. */
static int64_t window_event(const struct window_list *list, int64_t now_us)
{
    int64_t first_us = INT64_MAX;

    for (size_t i = 0; i < list->count; i++) {
        const struct window *window = &list->windows[i];
        int64_t into_us, events[3] = {zone_change(window->zone, now_us)};
        window_clock(window, now_us, &into_us);
        events[1] = now_us + window_until(into_us, window->begin);
        events[2] = now_us + window_until(into_us, window->end);
        for (int k = 0; k < 3; k++)
            if (events[k] < first_us)
                first_us = events[k];
    }
    return first_us;
}

/* The first moment from `now_us` on, and before `until_us`, at which one is `open`, or none is;
 * else INT64_MAX. */
static int64_t window_change(const struct window_list *list, int64_t now_us, bool open,
                             int64_t until_us)
{
    for (int64_t at_us = now_us; at_us < until_us; at_us = window_event(list, at_us))
        if (window_open(list, at_us) == open)
            return at_us;
    return INT64_MAX;
}

int64_t window_left(const struct window_list *list, int64_t now_us)
{
    int64_t most_us = WINDOW_LONG * DAY_US;

    if (!list || !list->count)
        return 0;
    int64_t end_us = window_change(list, now_us, false, now_us + most_us);
    return end_us == INT64_MAX ? most_us : end_us - now_us;
}

int64_t window_next(const struct window_list *list, int64_t now_us)
{
    if (!list || !list->count)
        return INT64_MAX;
    return window_change(list, now_us, true, now_us + WINDOW_AHEAD * DAY_US);
}

int64_t window_fits(const struct window_list *list, int64_t now_us, int64_t length_us)
{
    int64_t until_us = now_us + WINDOW_AHEAD * DAY_US, at_us = now_us;

    while (at_us < until_us && (at_us = window_next(list, at_us)) < INT64_MAX) {
        int64_t left_us = window_left(list, at_us);
        if (left_us >= length_us)
            return at_us;
        at_us += left_us;
    }
    return INT64_MAX;
}
