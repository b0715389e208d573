/* Weekdays of calendars and windows. Pure. */
#include "weekdays.h"

#include <string.h>
#include <strings.h>

static const char *const weekdays_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                             "Friday", "Saturday", "Sunday"};
enum { WEEK = 7, WEEKDAY_SHORT = 3 };

/* The weekday whose name, whole or its first three letters, `*text` begins with, or -1. */
static int weekdays_name(const char **text)
{
    for (int day = 0; day < WEEK; day++) {
        size_t length = strlen(weekdays_names[day]);
        if (strncasecmp(*text, weekdays_names[day], length) != 0)
            length = WEEKDAY_SHORT;
        if (strncasecmp(*text, weekdays_names[day], length) != 0)
            continue;
        *text += length;
        return day;
    }
    return -1;
}

/* What stands between two weekdays; `*range` says whether it was `..` (or `-`, the old form). */
static bool weekdays_separator(const char **text, bool *range)
{
    size_t length = **text == ',' || **text == '-' ? 1 : strncmp(*text, "..", 2) == 0 ? 2 : 0;
    bool begins = length && **text != ',';

    if (!length || (begins && *range))
        return false;
    *range = begins;
    *text += length;
    return true;
}

bool weekdays_parse(const char **text, unsigned *days)
{
    const char *c = *text;
    unsigned found = 0;
    bool range = false;
    int last = -1;

    while (*c && *c != ' ') { /* a comma at the end is fine, as systemd has it */
        int day = weekdays_name(&c);
        if (day < 0 && last < 0)
            break;
        if (day < 0 || (range && day < last))
            return false;
        for (int first = range ? last : day; first <= day; first++)
            found |= 1U << first;
        last = day;
        if (!*c || *c == ' ')
            range = false;
        else if (!weekdays_separator(&c, &range))
            return false;
    }
    if (range)
        return false;
    *days = found;
    *text = found ? c + strspn(c, " ") : *text;
    return true;
}

void weekdays_text(unsigned days, struct text *out)
{
    const char *comma = "";

    for (int first = 0; first < WEEK; first++) {
        int last = first;
        if (!(days & 1U << first))
            continue;
        while (last + 1 < WEEK && days & 1U << (last + 1))
            last++;
        text_addf(out, "%s%.3s", comma, weekdays_names[first]);
        if (last > first)
            text_addf(out, "%s%.3s", last > first + 1 ? ".." : ",", weekdays_names[last]);
        comma = ",";
        first = last;
    }
}
