/*
 * Reads lines as we write them, and no others: each key where it is expected, no spaces, no escape
 * that archive_value.c would not have written. What is not so is left to the other reader, which
 * also finds the words for what is wrong. Pure.
 */
#include "archive_row.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the reading is; what it has of strings goes into `bytes`, which has room for all. */
struct line {
    const char *at, *end;
    struct text *bytes;
};

static bool line_skip(struct line *line, const char *what, size_t length)
{
    bool there = (size_t)(line->end - line->at) >= length && memcmp(line->at, what, length) == 0;

    line->at += there ? length : 0;
    return there;
}

/* --- numbers ------------------------------------------------------------------------------ */

/* `digits` of an integer, which no '0' begins but zero. */
static bool line_integer(const char *digits, size_t length, bool negative, int64_t *integer)
{
    uint64_t most = (uint64_t)INT64_MAX + negative, number = 0;

    if (!length || (*digits == '0' && (length > 1 || negative)))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(digits[i] - '0');
        if (number > (most - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *integer = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

static bool line_real(struct line *line, double *real)
{
    char *end;

    errno = 0;
    *real = strtod(line->at, &end); /* it ends at the ',' or '}' that must follow, at the latest */
    bool sound = end > line->at && end <= line->end && !(errno == ERANGE && isinf(*real));
    line->at = end;
    return sound;
}

static bool line_number(struct line *line, struct archive_value *value)
{
    bool negative = *line->at == '-';
    const char *digits = line->at + negative;
    size_t length = strspn(digits, "0123456789");

    if (digits[length] == '.' || digits[length] == 'e') {
        bool as_json = length && !(*digits == '0' && length > 1) &&
                       (digits[length] == 'e' || strchr("0123456789", digits[length + 1]));
        value->type = SQLITE_FLOAT;
        return as_json && line_real(line, &value->real);
    }
    value->type = SQLITE_INTEGER;
    line->at = digits + length;
    return line_integer(digits, length, negative, &value->integer);
}

/* --- strings ------------------------------------------------------------------------------ */

static bool line_control(struct line *line)
{
    static const char hex[] = "0123456789abcdef";
    const char *high = line->at[2] ? strchr("01", line->at[2]) : NULL;
    const char *low = high && line->at[3] ? strchr(hex, line->at[3]) : NULL;

    if (!low || !line_skip(line, "00", 2))
        return false;
    char byte = (char)((*high - '0') * 16 + (low - hex));
    text_add_length(line->bytes, &byte, 1);
    line->at += 2;
    return true;
}

static bool line_escape(struct line *line)
{
    static const char letters[] = "\"\\ntr", bytes[] = "\"\\\n\t\r";
    const char *letter = line->at < line->end ? strchr(letters, *line->at) : NULL;

    if (line->end - line->at > 5 && *line->at == 'u') {
        line->at++;
        return line_control(line);
    }
    if (!letter || !*letter)
        return false;
    text_add_length(line->bytes, bytes + (letter - letters), 1);
    line->at++;
    return true;
}

/* Up to the quote that ends it. */
static bool line_characters(struct line *line)
{
    for (;;) {
        const char *quote = memchr(line->at, '"', (size_t)(line->end - line->at));
        if (!quote)
            return false;
        const char *escape = memchr(line->at, '\\', (size_t)(quote - line->at));
        const char *stop = escape ? escape : quote;
        text_add_length(line->bytes, line->at, (size_t)(stop - line->at));
        line->at = stop + 1;
        if (!escape)
            return true;
        if (!line_escape(line))
            return false;
    }
}

static bool line_string(struct line *line, struct archive_value *value)
{
    size_t begin = line->bytes->length;
    struct error ignored;

    if (!line_characters(line))
        return false;
    size_t length = line->bytes->length - begin;
    text_add_length(line->bytes, "", 1); /* the NUL behind it */
    return archive_value_parse_text(line->bytes->bytes + begin, length, value, &ignored) ==
           STATUS_OK;
}

/* --- lines -------------------------------------------------------------------------------- */

static bool line_value(struct line *line, struct archive_value *value)
{
    archive_value_free(value); /* it is NULL now */
    if (line_skip(line, "\"", 1))
        return line_string(line, value);
    return line_skip(line, "null", 4) || line_number(line, value);
}

bool archive_line_parse(const struct archive_columns *columns, const char *bytes, size_t length,
                        struct archive_row *row)
{
    struct line line = {bytes, bytes + length, &row->bytes};

    text_clear(&row->bytes);
    text_reserve(&row->bytes, length + columns->count); /* so that it does not move */
    for (size_t i = 0; i < columns->count; i++)
        if (!line_skip(&line, columns->list[i].json, columns->list[i].json_length) ||
            !line_value(&line, &row->values[i]))
            return false;
    return line_skip(&line, "}", 1) && line.at == line.end;
}
