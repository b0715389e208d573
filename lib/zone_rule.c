/*
 * POSIX time zone rules (tzset(3), RFC 8536 section 3.3.1), as the footers of zone files have
 * them. Pure: no clock, no environment.
 */
#include "zone_rule.h"

#include <ctype.h>
#include <time.h>

enum { DAY = 86400, HOUR = 3600 };

/* A whole number of at most four digits. */
static bool zone_rule_number(const char **text, int *number)
{
    int value = 0, digits = 0;

    for (; isdigit((unsigned char)**text) && digits < 4; (*text)++, digits++)
        value = value * 10 + (**text - '0');
    if (!digits)
        return false;
    *number = value;
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds, up to a week as RFC 8536 allows. */
static bool zone_rule_time(const char **text, int32_t *seconds)
{
    int sign = **text == '-' ? -1 : 1, part = 0;
    int32_t total = 0;

    if (**text == '-' || **text == '+')
        (*text)++;
    for (int unit = HOUR; unit; unit /= 60) {
        if (!zone_rule_number(text, &part) || part > (unit == HOUR ? 167 : 59))
            return false;
        total += part * unit;
        if (unit == 1 || **text != ':')
            break;
        (*text)++;
    }
    *seconds = sign * total;
    return true;
}

/* A zone's abbreviation: letters, or anything in <>. */
static bool zone_rule_name(const char **text)
{
    const char *start = *text;

    if (**text == '<') {
        while (**text && **text != '>')
            (*text)++;
        return *(*text)++ == '>';
    }
    while (isalpha((unsigned char)**text))
        (*text)++;
    return *text - start >= 3;
}

static bool zone_rule_day(const char **text, struct zone_change *change)
{
    change->form = 'D';
    if (**text == 'J' || **text == 'M')
        change->form = *(*text)++;
    if (change->form != 'M')
        return zone_rule_number(text, &change->day) && change->day <= 365;
    return zone_rule_number(text, &change->month) && *(*text)++ == '.' &&
           zone_rule_number(text, &change->week) && *(*text)++ == '.' &&
           zone_rule_number(text, &change->day) && change->month >= 1 && change->month <= 12 &&
           change->week >= 1 && change->week <= 5 && change->day <= 6;
}

static bool zone_rule_moment_text(const char **text, struct zone_change *change)
{
    change->time = 2 * HOUR;
    if (*(*text)++ != ',' || !zone_rule_day(text, change))
        return false;
    if (**text != '/')
        return true;
    (*text)++;
    return zone_rule_time(text, &change->time);
}

bool zone_rule_parse(const char *text, struct zone_rule *rule)
{
    struct zone_rule made = {0};
    int32_t west;

    if (!zone_rule_name(&text) || !zone_rule_time(&text, &west))
        return false;
    made.standard = -west;
    if (*text) {
        made.has_daylight = true;
        made.daylight = made.standard + HOUR;
        if (!zone_rule_name(&text))
            return false;
        if (*text != ',') {
            if (!zone_rule_time(&text, &west))
                return false;
            made.daylight = -west;
        }
        if (!zone_rule_moment_text(&text, &made.begin) ||
            !zone_rule_moment_text(&text, &made.end) || *text)
            return false;
    }
    *rule = made;
    return true;
}

/* The first second (UTC, were the zone on Greenwich) of a day of a year. */
static int64_t zone_rule_midnight(int year, int month, int day)
{
    struct tm parts = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};

    return (int64_t)timegm(&parts);
}

static bool zone_rule_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* When the change comes in that year, in seconds of the wall clock before it. */
static int64_t zone_rule_moment(const struct zone_change *change, int year)
{
    if (change->form == 'D')
        return zone_rule_midnight(year, 1, 1 + change->day) + change->time;
    if (change->form == 'J') {
        int after_february = change->day >= 60 && zone_rule_leap(year);
        return zone_rule_midnight(year, 1, change->day + after_february) + change->time;
    }
    int64_t first = zone_rule_midnight(year, change->month, 1);
    int64_t next = change->month == 12 ? zone_rule_midnight(year + 1, 1, 1)
                                       : zone_rule_midnight(year, change->month + 1, 1);
    int64_t weekday = ((first / DAY + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t moment = first + ((change->day - weekday + 7) % 7 + (change->week - 1) * 7) * DAY;
    while (moment >= next)
        moment -= 7 * DAY;
    return moment + change->time;
}

int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_s)
{
    time_t local = (time_t)(utc_s + rule->standard);
    struct tm parts;

    if (!rule->has_daylight || !gmtime_r(&local, &parts))
        return rule->standard;
    int year = parts.tm_year + 1900;
    int64_t begin = zone_rule_moment(&rule->begin, year) - rule->standard;
    int64_t end = zone_rule_moment(&rule->end, year) - rule->daylight;
    bool summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
    return summer ? rule->daylight : rule->standard;
}

int64_t zone_rule_change(const struct zone_rule *rule, int64_t utc_s)
{
    time_t local = (time_t)(utc_s + rule->standard);
    int64_t next = INT64_MAX;
    struct tm parts;

    if (!rule->has_daylight || !gmtime_r(&local, &parts))
        return INT64_MAX;
    for (int year = parts.tm_year + 1899; year <= parts.tm_year + 1902; year++) {
        const int64_t moments[] = {zone_rule_moment(&rule->begin, year) - rule->standard,
                                   zone_rule_moment(&rule->end, year) - rule->daylight};
        for (int i = 0; i < 2; i++)
            if (moments[i] > utc_s && moments[i] < next &&
                zone_rule_offset(rule, moments[i]) != zone_rule_offset(rule, utc_s))
                next = moments[i];
    }
    return next;
}
