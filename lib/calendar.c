/*
 * Parses calendar expressions into chains of components, each value's alternatives, as systemd
 * does. Pure but for the time zone, which it loads. What is due when is calendar_next.c's
 * business.
 */
#include "calendar.h"

#include "memory.h"
#include "weekdays.h"
#include "zone.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    CALENDAR_CHAIN = 240, /* alternatives; systemd's limit */
    CALENDAR_SECOND = 1000000,
    CALENDAR_YEAR_MIN = 1970, /* systemd's years */
    CALENDAR_YEAR_MAX = 2199
};

static const struct {
    const char *name, *expression;
} calendar_shorthands[] = {
    {"minutely", "*-*-* *:*:00"},
    {"hourly", "*-*-* *:00:00"},
    {"daily", "*-*-* 00:00:00"},
    {"weekly", "Mon *-*-* 00:00:00"},
    {"monthly", "*-*-01 00:00:00"},
    {"quarterly", "*-01,04,07,10-01 00:00:00"},
    {"semiannually", "*-01,07-01 00:00:00"},
    {"semi-annually", "*-01,07-01 00:00:00"},
    {"biannually", "*-01,07-01 00:00:00"},
    {"bi-annually", "*-01,07-01 00:00:00"},
    {"yearly", "*-01-01 00:00:00"},
    {"annually", "*-01-01 00:00:00"},
    {"anually", "*-01-01 00:00:00"},
};

/* The first six digits behind the point, as microseconds; the seventh rounds. */
static bool calendar_fraction(const char **text, int64_t *value)
{
    int64_t fraction = 0;

    if (!isdigit((unsigned char)**text))
        return false;
    for (int scale = CALENDAR_SECOND / 10; scale; scale /= 10)
        if (isdigit((unsigned char)**text))
            fraction += scale * (*(*text)++ - '0');
    fraction += **text >= '5' && **text <= '9';
    *text += strspn(*text, "0123456789");
    *value += fraction;
    return true;
}

/* A number; seconds may have a fraction and are made microseconds. */
static bool calendar_number(const char **text, bool seconds, int *number)
{
    int64_t value = 0;

    if (!isdigit((unsigned char)**text))
        return false;
    for (; isdigit((unsigned char)**text); (*text)++)
        if ((value = value * 10 + (**text - '0')) > INT_MAX)
            return false;
    if (seconds) {
        value *= CALENDAR_SECOND;
        if (**text == '.' && (*text)[1] != '.') {
            (*text)++;
            if (!calendar_fraction(text, &value))
                return false;
        }
    }
    if (value > INT_MAX)
        return false;
    *number = (int)value;
    return true;
}

/* "5", "5..20", "5/10", "5..20/10" */
static bool calendar_component(const char **text, bool seconds,
                               struct calendar_component *component)
{
    struct calendar_component made = {.stop = -1};

    if (!calendar_number(text, seconds, &made.start))
        return false;
    if (strncmp(*text, "..", 2) == 0) {
        *text += 2;
        if (!calendar_number(text, seconds, &made.stop))
            return false;
        made.repeat = seconds ? CALENDAR_SECOND : 1;
    }
    if (**text == '/') {
        (*text)++;
        if (!calendar_number(text, seconds, &made.repeat) || !made.repeat)
            return false;
    } else if (seconds && made.repeat && made.stop - made.start < CALENDAR_SECOND) {
        return false; /* systemd takes 5..5 of all but seconds */
    }
    *component = made;
    return true;
}

static void calendar_append(struct calendar_chain *chain, struct calendar_component component)
{
    chain->components =
        memory_resize(chain->components, chain->count + 1, sizeof *chain->components);
    chain->components[chain->count++] = component;
}

/* `*` or a list of components. */
static bool calendar_chain(const char **text, bool seconds, struct calendar_chain *chain)
{
    struct calendar_component component = {.stop = -1, .repeat = CALENDAR_SECOND};

    free(chain->components);
    *chain = (struct calendar_chain){0};
    if (**text == '*') {
        (*text)++;
        if (seconds)
            calendar_append(chain, component);
        return true;
    }
    do {
        if (chain->count > CALENDAR_CHAIN || !calendar_component(text, seconds, &component))
            return false;
        calendar_append(chain, component);
    } while (**text == ',' && (*text)++);
    return true;
}

static void calendar_move(struct calendar_chain *to, struct calendar_chain *from)
{
    *to = *from;
    *from = (struct calendar_chain){0};
}

/* Whether a time of day begins here rather than a date: its first part ends in `:`. */
static bool calendar_is_time(const char *text)
{
    const char *end = text + strcspn(text, " -~:");

    return !*end || *end == ':';
}

/* "year-month-day" or "month-day", `~` before a day that counts from the month's end. */
static bool calendar_date(const char **text, struct calendar *calendar)
{
    struct calendar_chain *chains[] = {&calendar->year, &calendar->month, &calendar->day};
    size_t count = 0;

    if (!**text || calendar_is_time(*text))
        return true;
    for (;;) {
        if (!calendar_chain(text, false, chains[count++]))
            return false;
        if (!**text || **text == ' ')
            break;
        if (count == 3 || calendar->from_end || (**text != '-' && **text != '~'))
            return false;
        calendar->from_end = *(*text)++ == '~';
    }
    *text += strspn(*text, " ");
    if (count == 2) {
        calendar_move(&calendar->day, &calendar->month);
        calendar_move(&calendar->month, &calendar->year);
    }
    return count >= 2;
}

/* "hour:minute", "hour:minute:second", or nothing for midnight. */
static bool calendar_time(const char **text, struct calendar *calendar)
{
    const struct calendar_component zero = {.stop = -1};
    struct calendar_chain *chains[] = {&calendar->hour, &calendar->minute, &calendar->microsecond};

    if (!**text)
        for (size_t i = 0; i < 2; i++)
            calendar_append(chains[i], zero);
    else if (!calendar_chain(text, false, &calendar->hour) || *(*text)++ != ':' ||
             !calendar_chain(text, false, &calendar->minute))
        return false;
    if (!**text)
        calendar_append(&calendar->microsecond, zero);
    else if (*(*text)++ != ':' || !calendar_chain(text, true, &calendar->microsecond))
        return false;
    return !**text;
}

/* "@1767225600", seconds since 1970: one moment, in UTC. */
static bool calendar_moment(const char *text, struct calendar *calendar)
{
    struct calendar_chain *chains[] = {&calendar->year, &calendar->month,  &calendar->day,
                                       &calendar->hour, &calendar->minute, &calendar->microsecond};
    struct tm parts;
    char *end = NULL;

    if (!isdigit((unsigned char)*text))
        return false;
    time_t moment = (time_t)strtoll(text, &end, 10);
    if (*end || !gmtime_r(&moment, &parts))
        return false;
    const int values[] = {parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                          parts.tm_hour,        parts.tm_min,     parts.tm_sec * CALENDAR_SECOND};
    for (size_t i = 0; i < 6; i++)
        calendar_append(chains[i], (struct calendar_component){values[i], -1, 0});
    free(calendar->zone_name);
    zone_free(calendar->zone);
    calendar->zone_name = memory_copy("UTC");
    calendar->zone = NULL; /* calendar_parse() loads it */
    return true;
}

static void calendar_century(int *year)
{
    if (*year >= 0 && *year < 100)
        *year += *year < 70 ? 2000 : 1900;
}

static int calendar_compare(const void *a, const void *b)
{
    const struct calendar_component *left = a, *right = b;

    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    if (left->stop != right->stop)
        return left->stop < right->stop ? -1 : 1;
    return (left->repeat > right->repeat) - (left->repeat < right->repeat);
}

/* Ends each range where its last step falls, makes ranges of one value that value, sorts, and
 * drops what is there twice. */
static void calendar_normalize(struct calendar_chain *chain)
{
    size_t kept = 0;

    for (size_t i = 0; i < chain->count; i++) {
        struct calendar_component *c = &chain->components[i];
        if (c->stop > c->start && c->repeat > 0)
            c->stop -= (c->stop - c->start) % c->repeat;
        if (c->stop == c->start)
            *c = (struct calendar_component){c->start, -1, 0};
    }
    if (chain->count)
        qsort(chain->components, chain->count, sizeof *chain->components, calendar_compare);
    for (size_t i = 0; i < chain->count; i++)
        if (!i || calendar_compare(&chain->components[i], &chain->components[kept - 1]) != 0)
            chain->components[kept++] = chain->components[i];
    chain->count = kept;
}

/* Whether all values lie from `low` to `high` and each step leads to another value. */
static bool calendar_valid(const struct calendar_chain *chain, int low, int high, bool from_end)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct calendar_component *c = &chain->components[i];
        if (from_end) /* every month has 28 days; that it adds up is how systemd has it */
            high -= 3;
        if (c->start < low || c->start > high || c->repeat > high - low || c->stop > high)
            return false;
        if (c->stop >= 0 ? c->start + c->repeat > c->stop
            : from_end   ? c->start - c->repeat < low
                         : c->start + c->repeat > high)
            return false;
    }
    return true;
}

static bool calendar_finish(struct calendar *calendar)
{
    const struct {
        struct calendar_chain *chain;
        int low, high;
        bool from_end;
    } parts[] = {{&calendar->year, CALENDAR_YEAR_MIN, CALENDAR_YEAR_MAX, false},
                 {&calendar->month, 1, 12, false},
                 {&calendar->day, 1, 31, calendar->from_end && calendar->day.count},
                 {&calendar->hour, 0, 23, false},
                 {&calendar->minute, 0, 59, false},
                 {&calendar->microsecond, 0, 60 * CALENDAR_SECOND - 1, false}};
    bool valid = true;

    for (size_t i = 0; i < calendar->year.count; i++) {
        calendar_century(&calendar->year.components[i].start);
        calendar_century(&calendar->year.components[i].stop);
    }
    calendar->from_end = parts[2].from_end;
    if (calendar->weekdays == WEEKDAYS_ALL)
        calendar->weekdays = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        calendar_normalize(parts[i].chain);
        valid =
            valid && calendar_valid(parts[i].chain, parts[i].low, parts[i].high, parts[i].from_end);
    }
    return valid;
}

/* Takes the zone off the expression's end, if there is one. */
static enum status calendar_zone(char *expression, struct calendar *calendar, struct error *error)
{
    char *space = strrchr(expression, ' ');
    unsigned days;

    if (!space || !isalpha((unsigned char)space[1]))
        return STATUS_OK;
    const char *name = strcasecmp(space + 1, "UTC") == 0 ? "UTC" : space + 1;
    const char *rest = name;
    if (weekdays_parse(&rest, &days) && days && !*rest) /* "Mon, Tue" has no zone */
        return STATUS_OK;
    enum status status = zone_load(name, &calendar->zone, error);
    if (status != STATUS_OK)
        return status;
    calendar->zone_name = memory_copy(name);
    *space = '\0';
    return STATUS_OK;
}

/* All but the zone. */
static bool calendar_expression(const char *text, struct calendar *calendar)
{
    for (size_t i = 0; i < sizeof calendar_shorthands / sizeof *calendar_shorthands; i++)
        if (strcasecmp(text, calendar_shorthands[i].name) == 0)
            text = calendar_shorthands[i].expression;
    if (!*text || !weekdays_parse(&text, &calendar->weekdays))
        return false;
    bool good = *text == '@' ? calendar_moment(text + 1, calendar)
                             : calendar_date(&text, calendar) && calendar_time(&text, calendar);
    return good && calendar_finish(calendar);
}

enum status calendar_parse(const char *text, struct calendar **calendar, struct error *error)
{
    struct calendar *made = memory_new(struct calendar);
    char *expression = memory_copy(text);
    enum status status = calendar_zone(expression, made, error);

    if (status == STATUS_OK && !calendar_expression(expression, made))
        status = error_set(error, STATUS_INVALID,
                           "\"%.100s\" is no calendar expression; write one such as daily, "
                           "Sun 02:00 UTC or *-*-01 03:30, see systemd.time(7)",
                           text);
    free(expression);
    if (status == STATUS_OK && !made->zone)
        status = zone_load(made->zone_name, &made->zone, error);
    if (status == STATUS_OK)
        *calendar = made;
    else
        calendar_free(made);
    return status;
}

void calendar_free(struct calendar *calendar)
{
    if (!calendar)
        return;
    free(calendar->year.components);
    free(calendar->month.components);
    free(calendar->day.components);
    free(calendar->hour.components);
    free(calendar->minute.components);
    free(calendar->microsecond.components);
    free(calendar->zone_name);
    zone_free(calendar->zone);
    free(calendar);
}
