/*
 * Spans, sizes and shares as a policy writes them. Exact: what can't be kept to the microsecond
 * or the byte is refused, never rounded. Pure.
 */
#include "units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { UNIT_NAME = 16, UNIT_DIGITS = 6 /* after the point */, SPAN_YEARS = 10000 };

#define SECOND INT64_C(1000000)
#define DAY    (86400 * SECOND)

/* What one of it is: months or `amount` (microseconds, bytes). `plain` is the canonical name. */
struct unit {
    const char *name;
    int64_t amount;
    int32_t months;
    bool plain;
};

/* Canonical names from the largest to the smallest; text is made in that order. */
static const struct unit span_units[] = {{"y", 0, 12, true},
                                         {"year", 0, 12, false},
                                         {"years", 0, 12, false},
                                         {"months", 0, 1, true},
                                         {"month", 0, 1, false},
                                         {"w", 7 * DAY, 0, false},
                                         {"week", 7 * DAY, 0, false},
                                         {"weeks", 7 * DAY, 0, false},
                                         {"d", DAY, 0, true},
                                         {"day", DAY, 0, false},
                                         {"days", DAY, 0, false},
                                         {"h", 3600 * SECOND, 0, true},
                                         {"hour", 3600 * SECOND, 0, false},
                                         {"hours", 3600 * SECOND, 0, false},
                                         {"min", 60 * SECOND, 0, true},
                                         {"minute", 60 * SECOND, 0, false},
                                         {"minutes", 60 * SECOND, 0, false},
                                         {"s", SECOND, 0, true},
                                         {"second", SECOND, 0, false},
                                         {"seconds", SECOND, 0, false},
                                         {"ms", 1000, 0, true},
                                         {"us", 1, 0, true},
                                         {NULL, 0, 0, false}};

static const struct unit size_units[] = {{"TiB", INT64_C(1) << 40, 0, true},
                                         {"GiB", 1 << 30, 0, true},
                                         {"MiB", 1 << 20, 0, true},
                                         {"KiB", 1 << 10, 0, true},
                                         {"TB", INT64_C(1000000000000), 0, true},
                                         {"GB", 1000000000, 0, true},
                                         {"MB", 1000000, 0, true},
                                         {"kB", 1000, 0, true},
                                         {"B", 1, 0, true},
                                         {"byte", 1, 0, false},
                                         {"bytes", 1, 0, false},
                                         {NULL, 0, 0, false}};

/* A number as it is written: `whole`, and `fraction` behind the point with so many digits. */
struct number {
    int64_t whole, fraction;
    int digits;
};

static const char *units_skip(const char *text)
{
    while (*text == ' ')
        text++;
    return text;
}

enum number_state { NUMBER_GOOD, NUMBER_NONE, NUMBER_TOO_LONG };

/* Reads a number; it is too long beyond int64_t or with too many digits behind the point. */
static enum number_state units_number(const char **text, struct number *number)
{
    const char *c = *text;
    struct number made = {0};

    if (!isdigit((unsigned char)*c))
        return NUMBER_NONE;
    for (; isdigit((unsigned char)*c); c++)
        if (__builtin_mul_overflow(made.whole, 10, &made.whole) ||
            __builtin_add_overflow(made.whole, *c - '0', &made.whole))
            return NUMBER_TOO_LONG;
    if (*c == '.' && isdigit((unsigned char)c[1]))
        for (c++; isdigit((unsigned char)*c); c++) {
            if (++made.digits > UNIT_DIGITS)
                return NUMBER_TOO_LONG;
            made.fraction = made.fraction * 10 + (*c - '0');
        }
    *text = c;
    *number = made;
    return NUMBER_GOOD;
}

/* `*total` plus the number times `amount`; false where it overflows or is not whole. */
static bool units_add(const struct number *number, int64_t amount, int64_t *total)
{
    int64_t value, part, sum, scale = 1;

    for (int i = 0; i < number->digits; i++)
        scale *= 10;
    if (__builtin_mul_overflow(number->whole, amount, &value) ||
        __builtin_mul_overflow(number->fraction, amount, &part) || part % scale ||
        __builtin_add_overflow(value, part / scale, &value) ||
        __builtin_add_overflow(*total, value, &sum))
        return false;
    *total = sum;
    return true;
}

/* The letters at `*text`, which moves on; an empty name where there are none or too many. */
static void units_name(const char **text, char name[UNIT_NAME])
{
    size_t length = 0;

    while (isalpha((unsigned char)(*text)[length]))
        length++;
    *name = '\0';
    if (length >= UNIT_NAME)
        return;
    memcpy(name, *text, length);
    name[length] = '\0';
    *text += length;
}

static const struct unit *units_find(const struct unit *units, const char *name)
{
    while (units->name && strcmp(units->name, name) != 0)
        units++;
    return units->name ? units : NULL;
}

static enum status units_span_unknown(const char *name, const char *text, struct error *error)
{
    if (strcasecmp(name, "m") == 0)
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\": %s alone could be minutes or months; write min or months",
                         text, name);
    if (!*name)
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\" has no unit; write one of us, ms, s, min, h, d, w, months, y",
                         text);
    return error_set(error, STATUS_INVALID,
                     "\"%.100s\": unknown unit; allowed are us, ms, s, min, h, d, w, months, y",
                     text);
}

/* One number with its unit, added to `span`. */
static enum status units_span_part(const char **rest, const char *text, struct span *span,
                                   struct error *error)
{
    struct number number;
    char name[UNIT_NAME];
    int64_t months = span->months;
    enum number_state state = units_number(rest, &number);

    if (state == NUMBER_TOO_LONG)
        return error_set(error, STATUS_INVALID, "\"%.100s\" is too long or finer than 1us", text);
    if (state == NUMBER_NONE)
        return error_set(
            error, STATUS_INVALID,
            "\"%.100s\" is no span of time; write one such as 90d, 18 months or 1h 30min", text);
    *rest = units_skip(*rest);
    units_name(rest, name);
    const struct unit *unit = units_find(span_units, name);
    if (!unit)
        return units_span_unknown(name, text, error);
    if (unit->months && number.digits)
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\": months and years are whole; write 18 months for 1.5y", text);
    if (!units_add(&number, unit->months ? unit->months : unit->amount,
                   unit->months ? &months : &span->us) ||
        months > INT32_MAX)
        return error_set(error, STATUS_INVALID, "\"%.100s\" is too long or finer than 1us", text);
    span->months = (int32_t)months;
    *rest = units_skip(*rest);
    return STATUS_OK;
}

enum status units_span(const char *text, struct span *span, struct error *error)
{
    struct span made = {.set = true};
    const char *rest = units_skip(text);
    enum status status = STATUS_OK;

    if (strcmp(rest, "0") == 0) {
        *span = made;
        return STATUS_OK;
    }
    do
        status = units_span_part(&rest, text, &made, error);
    while (status == STATUS_OK && *rest);
    if (status != STATUS_OK)
        return status;
    if (made.months > SPAN_YEARS * 12 || made.us > SPAN_YEARS * 366 * DAY)
        return error_set(error, STATUS_INVALID, "\"%.100s\" is more than 10000 years", text);
    *span = made;
    return STATUS_OK;
}

enum status units_size(const char *text, int64_t *bytes, struct error *error)
{
    const char *rest = units_skip(text);
    struct number number;
    char name[UNIT_NAME];
    int64_t total = 0;
    enum number_state state = units_number(&rest, &number);

    if (state == NUMBER_TOO_LONG)
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\" is too large or no whole number of bytes", text);
    if (state == NUMBER_NONE)
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\" is no size; write one such as 64MiB, 2GB or 512 bytes", text);
    rest = units_skip(rest);
    units_name(&rest, name);
    const struct unit *unit = units_find(size_units, name);
    rest = units_skip(rest);
    if (!*name && !*rest && !number.whole && !number.fraction)
        unit = units_find(size_units, "B");
    if (!unit || *rest)
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\": %s; allowed are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB", text,
                         *name || *rest ? "unknown unit" : "a size needs a unit");
    if (!units_add(&number, unit->amount, &total))
        return error_set(error, STATUS_INVALID,
                         "\"%.100s\" is too large or no whole number of bytes", text);
    *bytes = total;
    return STATUS_OK;
}

enum status units_share(const char *text, double *share, struct error *error)
{
    const char *rest = units_skip(text);
    struct number number;
    double scale = 100;

    if (units_number(&rest, &number) != NUMBER_GOOD || strcmp(units_skip(rest), "%") != 0)
        return error_set(error, STATUS_INVALID, "\"%.100s\" is no share; write one such as 20%%",
                         text);
    if (number.whole > 1000000)
        return error_set(error, STATUS_INVALID, "\"%.100s\" is too large", text);
    for (int i = 0; i < number.digits; i++) {
        number.whole *= 10;
        scale *= 10;
    }
    *share = (double)(number.whole + number.fraction) / scale;
    return STATUS_OK;
}

enum status units_count(const char *text, int64_t *count, struct error *error)
{
    const char *rest = text;
    struct number number;

    if (!isdigit((unsigned char)*text) || text[strspn(text, "0123456789")])
        return error_set(error, STATUS_INVALID, "\"%.100s\" is no whole number; write digits alone",
                         text);
    if (units_number(&rest, &number) != NUMBER_GOOD)
        return error_set(error, STATUS_INVALID, "\"%.100s\" is too large", text);
    *count = number.whole;
    return STATUS_OK;
}

void units_span_text(const struct span *span, struct text *out)
{
    int32_t months = span->months;
    int64_t us = span->us;
    const char *gap = "";

    for (const struct unit *unit = span_units; unit->name; unit++) {
        int64_t amount = unit->months ? unit->months : unit->amount;
        int64_t count = (unit->months ? months : us) / amount;
        bool mixed = unit->months == 12 && months % 12; /* 18 months, not 1y 6 months */
        if (!unit->plain || !count || mixed)
            continue;
        const char *name = unit->months != 1 ? unit->name : count == 1 ? " month" : " months";
        text_addf(out, "%s%" PRId64 "%s", gap, count, name);
        gap = " ";
        if (unit->months)
            months %= unit->months;
        else
            us %= amount;
    }
    if (!*gap)
        text_add(out, "0s");
}

void units_size_text(int64_t bytes, struct text *out)
{
    const struct unit *best = units_find(size_units, "B");

    if (!bytes) {
        text_add(out, "0");
        return;
    }
    for (const struct unit *unit = size_units; unit->plain; unit++)
        if (bytes % unit->amount == 0 && unit->amount > best->amount)
            best = unit;
    text_addf(out, "%" PRId64 "%s", bytes / best->amount, best->name);
}

void units_share_text(double share, struct text *out)
{
    char digits[64];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%.*f", UNIT_DIGITS, share * 100);

    while (digits[length - 1] == '0')
        length--;
    length -= digits[length - 1] == '.';
    text_add_length(out, digits, length);
    text_add(out, "%");
}

static int units_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month] + (month == 1 && leap);
}

int64_t units_before(int64_t time_us, const struct span *span)
{
    int64_t fraction = (time_us % SECOND + SECOND) % SECOND;
    time_t seconds = (time_t)((time_us - fraction) / SECOND);
    struct tm parts;

    if (span->months && gmtime_r(&seconds, &parts)) {
        int64_t month = ((int64_t)parts.tm_year + 1900) * 12 + parts.tm_mon - span->months;
        parts.tm_mon = (int)((month % 12 + 12) % 12);
        int year = (int)((month - parts.tm_mon) / 12);
        parts.tm_year = year - 1900;
        if (parts.tm_mday > units_month_days(year, parts.tm_mon))
            parts.tm_mday = units_month_days(year, parts.tm_mon);
        seconds = timegm(&parts);
    }
    return (int64_t)seconds * SECOND + fraction - span->us;
}

int64_t units_span_us(const struct span *span)
{
    return span->months * INT64_C(2629746000000) +
           span->us; /* 30.436875 days: a year is 365.2425 */
}
