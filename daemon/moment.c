/* Reads a moment: the two forms differ in the letter between date and time, and in the zone. */
#include "moment.h"

#include <ctype.h>
#include <stdbool.h>
#include <time.h>

/* Takes `digits` digits off `*text`, a number of at most `most`. */
static bool moment_number(const char **text, int digits, int most, int *number)
{
    int value = 0;

    for (; digits > 0; digits--, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return false;
        value = value * 10 + (**text - '0');
    }
    *number = value;
    return value <= most;
}

static bool moment_letter(const char **text, char letter)
{
    if (**text != letter)
        return false;
    (*text)++;
    return true;
}

static bool moment_date(const char **text, struct tm *parts)
{
    int year, month, day;

    if (!moment_number(text, 4, 9999, &year) || !moment_letter(text, '-') ||
        !moment_number(text, 2, 12, &month) || !moment_letter(text, '-') ||
        !moment_number(text, 2, 31, &day))
        return false;
    *parts = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return year >= 1970 && month >= 1;
}

/* ":SS" and a fraction, which is not worth keeping. */
static bool moment_seconds(const char **text, struct tm *parts)
{
    if (!moment_letter(text, ':') || !moment_number(text, 2, 59, &parts->tm_sec))
        return false;
    if (!moment_letter(text, '.'))
        return true;
    if (!isdigit((unsigned char)**text))
        return false;
    while (isdigit((unsigned char)**text))
        (*text)++;
    return true;
}

static bool moment_clock(const char **text, struct tm *parts)
{
    return moment_number(text, 2, 23, &parts->tm_hour) && moment_letter(text, ':') &&
           moment_number(text, 2, 59, &parts->tm_min) &&
           (**text != ':' || moment_seconds(text, parts));
}

/* "Z" or "+HH:MM": the seconds that the zone is ahead of UTC. */
static bool moment_zone(const char **text, long *ahead_s)
{
    int hours, minutes, sign = **text == '-' ? -1 : 1;

    *ahead_s = 0;
    if (moment_letter(text, 'Z') || moment_letter(text, 'z'))
        return true;
    if (!moment_letter(text, '+') && !moment_letter(text, '-'))
        return false;
    if (!moment_number(text, 2, 23, &hours) || !moment_letter(text, ':') ||
        !moment_number(text, 2, 59, &minutes))
        return false;
    *ahead_s = sign * (hours * 3600L + minutes * 60L);
    return true;
}

static bool moment_rest(const char **text, struct tm *parts, long *ahead_s)
{
    bool rfc;

    if (!**text)
        return true;
    rfc = **text == 'T' || **text == 't';
    if (!rfc && **text != ' ')
        return false;
    (*text)++;
    if (!moment_clock(text, parts))
        return false;
    if (rfc || **text)
        return moment_zone(text, ahead_s) && !**text;
    return true;
}

enum status moment_parse(const char *text, int64_t *time_us, struct error *error)
{
    const char *rest = text;
    struct tm parts;
    long ahead_s = 0;

    if (moment_date(&rest, &parts) && moment_rest(&rest, &parts, &ahead_s)) {
        int day = parts.tm_mday;
        time_t seconds = timegm(&parts); /* turns a day that there isn't into another one */
        if (parts.tm_mday == day) {
            *time_us = ((int64_t)seconds - ahead_s) * 1000000;
            return STATUS_OK;
        }
    }
    return error_set(
        error, STATUS_INVALID,
        "\"%s\" is no time; write 2026-11-23T04:00:00Z, or \"2026-11-23 04:00\" in UTC", text);
}
