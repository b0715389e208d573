/* A growing text buffer, and numbers and names as people and SQL read them. */
#include "text.h"

#include "memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void text_reserve(struct text *text, size_t more)
{
    size_t wanted = text->length + more + 1;

    if (wanted <= text->capacity)
        return;
    text->capacity = wanted < 64 ? 64 : wanted * 2;
    text->bytes = memory_resize(text->bytes, text->capacity, 1);
}

void text_add_length(struct text *text, const char *more, size_t length)
{
    text_reserve(text, length);
    memcpy(text->bytes + text->length, more, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *more)
{
    text_add_length(text, more, strlen(more));
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list arguments;
    char *more = NULL;

    va_start(arguments, format);
    int length = vasprintf(&more, format, arguments);
    va_end(arguments);
    if (length > 0)
        text_add_length(text, more, (size_t)length);
    free(more);
}

/* Between two quotes; a quote within is doubled. */
static void text_add_quoted(struct text *text, const char *name, const char *quote)
{
    text_add(text, quote);
    for (; *name; name++) {
        text_add_length(text, name, 1);
        if (*name == *quote)
            text_add(text, quote);
    }
    text_add(text, quote);
}

/* Not in double quotes, since SQLite takes "name" for a text where no column is called so
 * (quirks.html#dblquote): DELETE ... WHERE "id" IN (SELECT "id" ...), after the application has
 * renamed the column, would take every row. */
void text_add_identifier(struct text *text, const char *name)
{
    text_add_quoted(text, name, "`");
}

void text_add_name(struct text *text, const char *name)
{
    text_add_quoted(text, name, "\"");
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->bytes)
        text->bytes[0] = '\0';
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

char *text_take(struct text *text)
{
    char *bytes = text->bytes ? text->bytes : memory_copy("");

    *text = (struct text){0};
    return bytes;
}

char *text_count(char *buffer, int64_t number)
{
    char digits[24], *out = buffer;
    int length = snprintf(digits, sizeof digits, "%" PRId64, number);

    for (int i = 0; i < length; i++) {
        *out++ = digits[i];
        int left = length - i - 1;
        if (left && left % 3 == 0 && digits[i] != '-')
            *out++ = ',';
    }
    *out = '\0';
    return buffer;
}

char *text_counted(char *buffer, int64_t number, const char *noun)
{
    char count[TEXT_SHORT];

    snprintf(buffer, TEXT_SHORT, "%.26s %.16s%s", text_count(count, number), noun,
             number == 1 ? "" : "s");
    return buffer;
}

char *text_bytes(char *buffer, int64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (fabs(value) >= (unit ? 1023.95 : 1024) && unit < 5) { /* it will be rounded */
        value /= 1024;
        unit++;
    }
    snprintf(buffer, TEXT_SHORT, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return buffer;
}

char *text_seconds(char *buffer, double seconds)
{
    int64_t whole = (int64_t)(seconds + 0.05);

    if (seconds < 0.0995)
        snprintf(buffer, TEXT_SHORT, "%.0f ms", seconds * 1e3);
    else if (whole < 60)
        snprintf(buffer, TEXT_SHORT, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(buffer, TEXT_SHORT, "%" PRId64 " min %" PRId64 " s", whole / 60, whole % 60);
    else
        snprintf(buffer, TEXT_SHORT, "%" PRId64 " h %" PRId64 " min", whole / 3600,
                 whole / 60 % 60);
    return buffer;
}

char *text_time(char *buffer, int64_t time_us)
{
    int64_t floor = time_us / 1000000 - (time_us % 1000000 < 0);
    time_t seconds = (time_t)floor;
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) || !strftime(buffer, TEXT_SHORT, "%Y-%m-%dT%H:%M:%SZ", &parts))
        snprintf(buffer, TEXT_SHORT, "%" PRId64 " us", time_us);
    return buffer;
}

/* As RFC 3629 has it. */
size_t text_sequence(const unsigned char *s)
{
    size_t length = s[0] < 0x80   ? 1
                    : s[0] < 0xC2 ? 0
                    : s[0] < 0xE0 ? 2
                    : s[0] < 0xF0 ? 3
                    : s[0] < 0xF5 ? 4
                                  : 0;

    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool beyond = (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF4 && s[1] > 0x8F);
    return overlong || beyond ? 0 : length;
}

/* Controls, and what ends a line or turns its order around: U+2028 to U+202E, U+2066 to U+2069. */
static bool text_control(const unsigned char *s, size_t length)
{
    if (length == 3 && s[0] == 0xE2)
        return (s[1] == 0x80 && s[2] >= 0xA8 && s[2] <= 0xAE) ||
               (s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9);
    return *s < 0x20 || *s == 0x7F || (s[0] == 0xC2 && length == 2 && s[1] < 0xA0);
}

void text_sanitize(char *text)
{
    for (unsigned char *s = (unsigned char *)text; *s;) {
        size_t length = text_sequence(s), step = length ? length : 1;
        if (!length || text_control(s, length))
            memset(s, '?', step);
        s += step;
    }
}
