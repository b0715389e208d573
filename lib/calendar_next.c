/*
 * When a calendar elapses next: a walk over the parts of a date, from the year down to the
 * microsecond, each moved to its next value that the calendar has. It is a walk along the clock on
 * the wall, and the zone says when, or whether, the clock shows what was found. Pure.
 */
#include "calendar.h"
#include "zone.h"

#include <time.h>

enum part { YEAR, MONTH, DAY, HOUR, MINUTE, MICROSECOND, PARTS };
enum { SECOND = 1000000, DAY_S = 86400 };

static const int calendar_least[PARTS] = {1970, 1, 1, 0, 0, 0};
static const int calendar_most[PARTS] = {2199, 12, 31, 23, 59, 60 * SECOND - 1};

/* After 2199 in every zone. */
static const int64_t calendar_end_us = INT64_C(7258204800) * SECOND;

static int64_t calendar_local(const int parts[PARTS])
{
    struct tm tm = {.tm_year = parts[YEAR] - 1900,
                    .tm_mon = parts[MONTH] - 1,
                    .tm_mday = parts[DAY],
                    .tm_hour = parts[HOUR],
                    .tm_min = parts[MINUTE]};

    return (int64_t)timegm(&tm) * SECOND + parts[MICROSECOND];
}

static void calendar_parts(int64_t local_us, int parts[PARTS])
{
    int fraction = (int)((local_us % SECOND + SECOND) % SECOND);
    time_t seconds = (time_t)((local_us - fraction) / SECOND);
    struct tm tm = {0};

    gmtime_r(&seconds, &tm);
    parts[YEAR] = tm.tm_year + 1900;
    parts[MONTH] = tm.tm_mon + 1;
    parts[DAY] = tm.tm_mday;
    parts[HOUR] = tm.tm_hour;
    parts[MINUTE] = tm.tm_min;
    parts[MICROSECOND] = tm.tm_sec * SECOND + fraction;
}

static int calendar_month_days(const int parts[PARTS])
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = parts[YEAR];
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[parts[MONTH] - 1] + (parts[MONTH] == 2 && leap);
}

static bool calendar_weekday(const struct calendar *calendar, const int parts[PARTS])
{
    const int date[PARTS] = {parts[YEAR], parts[MONTH], parts[DAY]};
    int64_t day = calendar_local(date) / SECOND / DAY_S; /* day 0 was a Thursday */

    return !calendar->weekdays || calendar->weekdays & 1U << (day + 3) % 7;
}

/* The component's first value from `value` to `most`, or `most` + 1 for none. */
static int calendar_step(struct calendar_component c, int value, int most)
{
    int last = c.stop >= 0 ? c.stop : c.repeat ? most : c.start;

    if (last > most)
        last = most;
    if (c.start < value && c.repeat)
        c.start += (value - c.start + c.repeat - 1) / c.repeat * c.repeat;
    return c.start >= value && c.start <= last ? c.start : most + 1;
}

/* Days that count from the month's end, as days that count from its beginning. */
static struct calendar_component calendar_turned(struct calendar_component c, int days)
{
    bool range = c.stop >= 0;

    return (struct calendar_component){.start = days + 1 - (range ? c.stop : c.start),
                                       .stop = range ? days + 1 - c.start : -1,
                                       .repeat = c.repeat};
}

/* The first value from `parts[part]` on that the calendar has there, or above the most for none. */
static int calendar_value(const struct calendar *calendar, const int parts[PARTS], enum part part,
                          int most)
{
    const struct calendar_chain *const chains[PARTS] = {&calendar->year,   &calendar->month,
                                                        &calendar->day,    &calendar->hour,
                                                        &calendar->minute, &calendar->microsecond};
    const struct calendar_chain *chain = chains[part];
    int best = chain->count ? most + 1 : parts[part];

    for (size_t i = 0; i < chain->count; i++) {
        struct calendar_component c = chain->components[i];
        if (part == DAY && calendar->from_end)
            c = calendar_turned(c, most);
        int value = calendar_step(c, parts[part], most);
        if (value < best)
            best = value;
    }
    return best;
}

/* Moves a part on; all below it begin anew. */
static void calendar_move_part(int parts[PARTS], int part, int value)
{
    if (parts[part] == value)
        return;
    parts[part] = value;
    for (part++; part < PARTS; part++)
        parts[part] = calendar_least[part];
}

/* Moves the parts to the first time of the wall's clock, from theirs on, that the calendar has;
 * false where none is left. */
static bool calendar_walk(const struct calendar *calendar, int parts[PARTS])
{
    int part = YEAR;

    while (part < PARTS) {
        int most = part == DAY ? calendar_month_days(parts) : calendar_most[part];
        int value = calendar_value(calendar, parts, (enum part)part, most);
        if (value > most && part == YEAR)
            return false;
        if (value > most) {
            part--;
            calendar_move_part(parts, part, parts[part] + 1);
            continue;
        }
        calendar_move_part(parts, part, value);
        if (part == DAY && !calendar_weekday(calendar, parts))
            calendar_move_part(parts, DAY, parts[DAY] + 1);
        else
            part++;
    }
    return true;
}

static int64_t calendar_wall(const struct calendar *calendar, int64_t utc_us)
{
    return utc_us + (int64_t)zone_offset(calendar->zone, utc_us) * SECOND;
}

int64_t calendar_next(const struct calendar *calendar, int64_t after_us)
{
    int64_t local_us, moments[2];
    int parts[PARTS];

    if (after_us < 0)
        after_us = -1;
    if (after_us > calendar_end_us)
        return INT64_MAX;
    local_us = calendar_wall(calendar, after_us + 1);
    for (;;) {
        calendar_parts(local_us, parts);
        if (!calendar_walk(calendar, parts))
            return INT64_MAX;
        local_us = calendar_local(parts);
        int count = zone_moments(calendar->zone, local_us, moments);
        for (int i = 0; i < count; i++)
            if (moments[i] > after_us)
                return moments[i];
        /* The clock never shows it, and goes on with a later time. */
        local_us = count ? local_us + 1 : calendar_wall(calendar, moments[0]);
    }
}
