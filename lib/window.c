/* Windows of time: parsed with the policy, asked before a task that needs one. */
#include "window.h"

#include "memory.h"
#include "weekdays.h"
#include "zone.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_DAY = 1440,              /* minutes */
    WINDOW_HORIZON = 8 * WINDOW_DAY /* a weekly one may be skipped where clocks are put forward */
};

#define MINUTE_US INT64_C(60000000)

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

static bool window_one_open(const struct window *window, int64_t now_us)
{
    int64_t local = now_us + zone_offset(window->zone, now_us) * INT64_C(1000000);
    int64_t minutes = local / MINUTE_US - (local % MINUTE_US < 0);
    int64_t minute = (minutes % WINDOW_DAY + WINDOW_DAY) % WINDOW_DAY;
    int64_t day = (minutes - minute) / WINDOW_DAY;

    if (window->begin < window->end)
        return window_has_day(window, day) && minute >= window->begin && minute < window->end;
    return (window_has_day(window, day) && minute >= window->begin) ||
           (window_has_day(window, day - 1) && minute < window->end);
}

bool window_open(const struct window_list *list, int64_t now_us)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (window_one_open(&list->windows[i], now_us))
            return true;
    return false;
}

/* Windows begin and end with minutes, in every zone of today: so the first full minute from `now`
 * on at which it is `open`, or `now` itself; INT64_MAX if none is within a bit over a week. */
static int64_t window_change(const struct window_list *list, int64_t now_us, bool open)
{
    int64_t at_us = now_us;

    for (int i = 0; i <= WINDOW_HORIZON; i++) {
        if (window_open(list, at_us) == open)
            return at_us;
        at_us += MINUTE_US - (at_us % MINUTE_US + MINUTE_US) % MINUTE_US;
    }
    return INT64_MAX;
}

int64_t window_left(const struct window_list *list, int64_t now_us)
{
    int64_t end_us = window_change(list, now_us, false);

    return end_us == INT64_MAX ? WINDOW_HORIZON * MINUTE_US : end_us - now_us;
}

int64_t window_next(const struct window_list *list, int64_t now_us)
{
    return list && list->count ? window_change(list, now_us, true) : INT64_MAX;
}
