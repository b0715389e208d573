/* Reading times as applications store them in SQLite (lang_datefunc.html, and beyond). Pure. */
#include "timestamp.h"

#include "zone.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define HOUR_US   (3600 * SECOND_US)
#define DAY_US    (24 * HOUR_US)

static const int64_t timestamp_margin_us = 14 * HOUR_US; /* no zone is further from UTC */
static const int64_t timestamp_floor_us = INT64_C(100000000) * SECOND_US;  /* 1973-03-03 */
static const int64_t timestamp_end_us = INT64_C(253402300800) * SECOND_US; /* the year 10000 */

/* Numbers: microseconds = (number - origin) * scale, for low <= number < high. */
static const struct {
    enum time_format format;
    double low, high, origin, scale;
} timestamp_numbers[] = {
    {FORMAT_JULIAN, 2441744.9, 5373484.5, 2440587.5, 86400e6},
    {FORMAT_UNIX, 1e8, 1e11, 0, 1e6},
    {FORMAT_UNIX_MS, 1e11, 1e14, 0, 1e3},
    {FORMAT_UNIX_US, 1e14, 1e17, 0, 1},
};

enum { TIMESTAMP_NUMBERS = sizeof timestamp_numbers / sizeof *timestamp_numbers };

const char *timestamp_format_name(enum time_format format)
{
    static const char *const names[FORMAT_COUNT] = {"auto",    "datetime", "date",  "unix",
                                                    "unix_ms", "unix_us",  "julian"};

    return names[format];
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, days_from_civil). */
static int64_t timestamp_days(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Takes exactly `digits` digits; false if they aren't there or exceed `most`. */
static bool timestamp_digits(const char **at, const char *end, int digits, int most, int *number)
{
    *number = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (*at >= end || **at < '0' || **at > '9')
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return *number <= most;
}

static bool timestamp_char(const char **at, const char *end, const char *allowed)
{
    if (*at >= end || !strchr(allowed, **at) || !**at)
        return false;
    (*at)++;
    return true;
}

static bool timestamp_date(const char **at, const char *end, int64_t *us)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;

    if (!timestamp_digits(at, end, 4, 9999, &year) || !timestamp_char(at, end, "-") ||
        !timestamp_digits(at, end, 2, 12, &month) || !timestamp_char(at, end, "-") ||
        !timestamp_digits(at, end, 2, 31, &day) || year < 1 || month < 1 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > lengths[month - 1] || (month == 2 && day == 29 && !leap))
        return false;
    *us = timestamp_days(year, month, day) * DAY_US;
    return true;
}

/* HH:MM[:SS[.fraction]], added to `us`. Fractions beyond microseconds are cut off. */
static bool timestamp_time(const char **at, const char *end, int64_t *us)
{
    int hour, minute, second = 0;
    int64_t place = SECOND_US / 10, fraction = 0;

    if (!timestamp_digits(at, end, 2, 23, &hour) || !timestamp_char(at, end, ":") ||
        !timestamp_digits(at, end, 2, 59, &minute))
        return false;
    if (timestamp_char(at, end, ":")) {
        if (!timestamp_digits(at, end, 2, 60, &second))
            return false;
        if (timestamp_char(at, end, ".,"))
            for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, place /= 10)
                fraction += (**at - '0') * place;
    }
    *us += hour * HOUR_US + minute * 60 * SECOND_US + second * SECOND_US + fraction;
    return true;
}

enum timestamp_zoned { ZONED_NOT, ZONED_YES, ZONED_WRONG };

/* Z, +HH:MM, +HHMM or +HH at the end, taken off `us`. */
static enum timestamp_zoned timestamp_zone(const char **at, const char *end, int64_t *us)
{
    int hours, minutes = 0;

    if (*at == end)
        return ZONED_NOT;
    timestamp_char(at, end, " ");
    if (timestamp_char(at, end, "Zz"))
        return *at == end ? ZONED_YES : ZONED_WRONG;
    bool west = *at < end && **at == '-';
    if (!timestamp_char(at, end, "+-") || !timestamp_digits(at, end, 2, 14, &hours))
        return ZONED_WRONG;
    bool colon = timestamp_char(at, end, ":");
    if ((colon || *at < end) && !timestamp_digits(at, end, 2, 59, &minutes))
        return ZONED_WRONG;
    int64_t offset = hours * HOUR_US + minutes * 60 * SECOND_US;
    *us += west ? offset : -offset;
    return *at == end && offset <= timestamp_margin_us ? ZONED_YES : ZONED_WRONG;
}

/* A wall-clock time as the latest moment that it can be. Where the zone changes its offset within
 * a day of it, the offset that makes it later counts. */
static int64_t timestamp_from_wall(const struct zone *zone, int64_t wall_us)
{
    if (!zone)
        return wall_us + timestamp_margin_us;
    int64_t before = zone_offset(zone, wall_us - DAY_US),
            after = zone_offset(zone, wall_us + DAY_US);
    return wall_us - (before < after ? before : after) * SECOND_US;
}

static enum time_format timestamp_text(const struct zone *zone, const char *at, const char *end,
                                       int64_t *latest_us)
{
    int64_t us;

    if (!timestamp_date(&at, end, &us) || us < timestamp_floor_us)
        return FORMAT_AUTO;
    if (at == end) {
        *latest_us = timestamp_from_wall(zone, us + DAY_US);
        return FORMAT_DATE;
    }
    if (!timestamp_char(&at, end, "T ") || !timestamp_time(&at, end, &us))
        return FORMAT_AUTO;
    enum timestamp_zoned zoned = timestamp_zone(&at, end, &us);
    *latest_us = zoned == ZONED_YES ? us : timestamp_from_wall(zone, us);
    return zoned == ZONED_WRONG ? FORMAT_AUTO : FORMAT_DATETIME;
}

static enum time_format timestamp_number(double number, int64_t *latest_us)
{
    for (size_t i = 0; i < TIMESTAMP_NUMBERS; i++) {
        if (!(number >= timestamp_numbers[i].low && number < timestamp_numbers[i].high))
            continue;
        double us = (number - timestamp_numbers[i].origin) * timestamp_numbers[i].scale;
        *latest_us = (int64_t)ceil(us);
        return timestamp_numbers[i].format;
    }
    return FORMAT_AUTO;
}

static enum time_format timestamp_value(const struct zone *zone, sqlite3_value *value,
                                        int64_t *latest_us)
{
    int type = sqlite3_value_type(value);

    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        return timestamp_number(sqlite3_value_double(value), latest_us);
    if (type != SQLITE_TEXT)
        return FORMAT_AUTO;
    const char *text = (const char *)sqlite3_value_text(value);
    return text ? timestamp_text(zone, text, text + sqlite3_value_bytes(value), latest_us)
                : FORMAT_AUTO;
}

enum time_format timestamp_classify(sqlite3_value *value)
{
    int64_t ignored;

    return timestamp_value(NULL, value, &ignored);
}

bool timestamp_read(const struct timestamp_rules *rules, sqlite3_value *value, int64_t *latest_us)
{
    int64_t us;

    if (rules->format == FORMAT_AUTO || timestamp_value(rules->zone, value, &us) != rules->format)
        return false;
    *latest_us = us;
    return true;
}

enum status timestamp_detect(const int64_t counts[FORMAT_COUNT], int64_t sampled,
                             enum time_format *format, struct error *error)
{
    enum time_format first = FORMAT_AUTO, second = FORMAT_AUTO;

    for (int i = FORMAT_AUTO + 1; i < FORMAT_COUNT; i++) {
        if (!counts[i])
            continue;
        second = first;
        first = (enum time_format)i;
    }
    if (second)
        return error_set(error, STATUS_REFUSED,
                         "the column holds a mixture of time formats: of %" PRId64
                         " sampled values %" PRId64 " are %s and %" PRId64
                         " are %s; say which with `format:`",
                         sampled, counts[second], timestamp_format_name(second), counts[first],
                         timestamp_format_name(first));
    if (sampled && (!first || counts[first] * 2 < sampled))
        return error_set(error, STATUS_REFUSED,
                         "the column's time format is unknown: of %" PRId64
                         " sampled values only %" PRId64 " are times; say which with `format:`",
                         sampled, first ? counts[first] : 0);
    *format = first;
    return STATUS_OK;
}

/* The day of a moment as a bound of text. Only years of four digits sort among the others. */
static void timestamp_day(int64_t us, struct text *literal)
{
    char day[TEXT_SHORT];

    if (us < timestamp_floor_us)
        text_add(literal, "''");
    else if (us >= timestamp_end_us)
        text_add(literal, "':'"); /* the character after '9' */
    else
        text_addf(literal, "'%.10s'", text_time(day, us));
}

/* Whether the format is a number; then `*number` is the moment in it, `slack` times what rounding
 * may have taken from it further on. */
static bool timestamp_as_number(enum time_format format, int64_t us, double slack, double *number)
{
    for (size_t i = 0; i < TIMESTAMP_NUMBERS; i++) {
        if (timestamp_numbers[i].format != format)
            continue;
        double exact = (double)us / timestamp_numbers[i].scale + timestamp_numbers[i].origin;
        *number = exact + slack * fabs(exact) * 1e-15;
        return true;
    }
    return false;
}

/* Text is bounded by its day alone, a day and a margin later: its separator and its zone make it
 * compare differently from the moment that it means. */
void timestamp_range(enum time_format format, int64_t before_us, struct text *low,
                     struct text *high)
{
    struct text ignored = {0};
    double number;

    timestamp_bounds(format, low, &ignored);
    if (timestamp_as_number(format, before_us, 1, &number))
        text_addf(high, "%.17g", number);
    else
        timestamp_day(before_us + timestamp_margin_us + DAY_US, high);
    text_free(&ignored);
}

void timestamp_surely(enum time_format format, int64_t before_us, struct text *high)
{
    double number;

    if (timestamp_as_number(format, before_us - 1, -1, &number)) /* fractions are rounded up */
        text_addf(high, "%.17g", number);
    else
        timestamp_day(before_us - timestamp_margin_us - DAY_US, high);
}

void timestamp_bounds(enum time_format format, struct text *low, struct text *high)
{
    for (size_t i = 0; i < TIMESTAMP_NUMBERS; i++) {
        if (timestamp_numbers[i].format != format)
            continue;
        text_addf(low, "%.1f", timestamp_numbers[i].low);
        text_addf(high, "%.1f", timestamp_numbers[i].high);
        return;
    }
    text_add(low, "''");
    text_add(high, "':'"); /* the character after '9' */
}
