/* SQLite's values in JSON: a writer of our own, since it must be fast; jansson reads. Pure. */
#include "archive_value.h"

#include "memory.h"

#include <math.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char value_blob[] = "$blob:", value_text[] = "$text:", value_real[] = "$real:";

enum { VALUE_PREFIX = sizeof value_blob - 1, VALUE_NUMBER = 40 };

void archive_value_of(sqlite3_stmt *row, int column, struct archive_value *value)
{
    int type = sqlite3_column_type(row, column);

    *value = (struct archive_value){.type = type};
    if (type == SQLITE_INTEGER) {
        value->integer = sqlite3_column_int64(row, column);
    } else if (type == SQLITE_FLOAT) {
        value->real = sqlite3_column_double(row, column);
    } else if (type != SQLITE_NULL) {
        value->bytes = type == SQLITE_TEXT ? (const char *)sqlite3_column_text(row, column)
                                           : sqlite3_column_blob(row, column);
        value->length = (size_t)sqlite3_column_bytes(row, column);
    }
}

void archive_value_free(struct archive_value *value)
{
    free(value->owned);
    *value = (struct archive_value){.type = SQLITE_NULL};
}

/* --- writing ------------------------------------------------------------------------------ */

/* Most values are integers. */
static void value_write_integer(int64_t integer, struct text *json)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;

    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (integer < 0)
        *--at = '-';
    text_add_length(json, at, (size_t)(digits + sizeof digits - at));
}

/* Most reals that people store have at most three decimals. The quotient of two exact numbers is
 * the nearest real to that decimal, which therefore reads back as the very same; and with so few
 * digits none is shorter. */
static bool value_write_decimal(double real, struct text *json)
{
    double thousandths = real * 1000;

    if (!(fabs(real) < 1e11) || real == 0 || nearbyint(thousandths) / 1000 != real)
        return false;
    int64_t whole = (int64_t)nearbyint(fabs(thousandths));
    char digits[] = {'.', (char)('0' + whole / 100 % 10), (char)('0' + whole / 10 % 10),
                     (char)('0' + whole % 10)};
    size_t length = whole % 10 ? 4 : whole % 100 ? 3 : 2;
    if (real < 0)
        text_add_length(json, "-", 1);
    value_write_integer(whole / 1000, json);
    text_add_length(json, digits, length);
    return true;
}

/* The shortest of 15 to 17 digits that reads back as the same number; 17 always do. */
static void value_write_real(double real, struct text *json)
{
    char number[VALUE_NUMBER];

    if (isinf(real)) {
        text_addf(json, "\"%s%s\"", value_real, real > 0 ? "Infinity" : "-Infinity");
        return;
    }
    if (value_write_decimal(real, json))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(number, sizeof number, "%.*g", digits, real);
        double back = strtod(number, NULL);
        if (memcmp(&back, &real, sizeof real) == 0)
            break;
    }
    text_add(json, number);
    if (!strpbrk(number, ".e"))
        text_add(json, ".0");
}

static void value_write_base64(const char *prefix, const struct archive_value *value,
                               struct text *json)
{
    size_t length = BASE64_ENCODE_RAW_LENGTH(value->length);
    char *base64 = memory_zeroed(length + 1, 1);

    base64_encode_raw(base64, value->length, (const uint8_t *)value->bytes);
    text_addf(json, "\"%s", prefix);
    text_add_length(json, base64, length);
    text_add(json, "\"");
    free(base64);
}

static bool value_begins(const char *bytes, size_t length, const char *prefix)
{
    return length >= VALUE_PREFIX && memcmp(bytes, prefix, VALUE_PREFIX) == 0;
}

static bool value_is_utf8(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        const unsigned char *at = (const unsigned char *)text + i;
        size_t sequence = *at < 0x80 ? 1 : text_sequence(at);
        if (!sequence || i + sequence > length)
            return false;
        i += sequence;
    }
    return true;
}

/* Text that a JSON string can hold, and that no reader takes for an escape. */
static bool value_is_plain(const struct archive_value *value)
{
    return !value_begins(value->bytes, value->length, value_blob) &&
           !value_begins(value->bytes, value->length, value_text) &&
           !value_begins(value->bytes, value->length, value_real) &&
           value_is_utf8(value->bytes, value->length);
}

static void value_write_escaped(unsigned char byte, struct text *json)
{
    static const char plain[] = "\"\"\\\\\nn\tt\rr";

    for (const char *at = plain; *at; at += 2)
        if ((unsigned char)*at == byte) {
            text_addf(json, "\\%c", at[1]);
            return;
        }
    text_addf(json, "\\u%04x", byte);
}

void archive_value_write_text(const char *text, size_t length, struct text *json)
{
    size_t begin = 0;

    text_add_length(json, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        text_add_length(json, text + begin, i - begin);
        value_write_escaped(byte, json);
        begin = i + 1;
    }
    text_add_length(json, text + begin, length - begin);
    text_add_length(json, "\"", 1);
}

void archive_value_write(const struct archive_value *value, struct text *json)
{
    if (value->type == SQLITE_INTEGER)
        value_write_integer(value->integer, json);
    else if (value->type == SQLITE_FLOAT)
        value_write_real(value->real, json);
    else if (value->type == SQLITE_BLOB)
        value_write_base64(value_blob, value, json);
    else if (value->type == SQLITE_NULL)
        text_add_length(json, "null", 4);
    else if (value_is_plain(value))
        archive_value_write_text(value->bytes, value->length, json);
    else
        value_write_base64(value_text, value, json);
}

/* --- reading ------------------------------------------------------------------------------ */

static enum status value_wrong(const char *what, struct error *error)
{
    return error_set(error, STATUS_INVALID, "a value %s", what);
}

static enum status value_decode(const char *base64, size_t length, int type,
                                struct archive_value *value, struct error *error)
{
    struct base64_decode_ctx context;
    size_t decoded = BASE64_DECODE_LENGTH(length);
    char *bytes = memory_zeroed(decoded + 1, 1);

    base64_decode_init(&context);
    if (!base64_decode_update(&context, &decoded, (uint8_t *)bytes, length, base64) ||
        !base64_decode_final(&context)) {
        free(bytes);
        return value_wrong("has base64 that is none", error);
    }
    bytes[decoded] = '\0';
    *value =
        (struct archive_value){.type = type, .bytes = bytes, .length = decoded, .owned = bytes};
    return STATUS_OK;
}

static enum status value_parse_infinity(const char *name, struct archive_value *value,
                                        struct error *error)
{
    bool positive = strcmp(name, "Infinity") == 0;

    if (!positive && strcmp(name, "-Infinity") != 0)
        return value_wrong("begins with $real: but is no infinity", error);
    *value = (struct archive_value){.type = SQLITE_FLOAT, .real = positive ? INFINITY : -INFINITY};
    return STATUS_OK;
}

enum status archive_value_parse_text(const char *text, size_t length, struct archive_value *value,
                                     struct error *error)
{
    if (value_begins(text, length, value_blob))
        return value_decode(text + VALUE_PREFIX, length - VALUE_PREFIX, SQLITE_BLOB, value, error);
    if (value_begins(text, length, value_text))
        return value_decode(text + VALUE_PREFIX, length - VALUE_PREFIX, SQLITE_TEXT, value, error);
    if (value_begins(text, length, value_real))
        return value_parse_infinity(text + VALUE_PREFIX, value, error);
    *value = (struct archive_value){.type = SQLITE_TEXT, .bytes = text, .length = length};
    return STATUS_OK;
}

enum status archive_value_parse(const json_t *json, struct archive_value *value,
                                struct error *error)
{
    struct archive_value found = {.type = SQLITE_NULL};

    if (json_is_string(json))
        return archive_value_parse_text(json_string_value(json), json_string_length(json), value,
                                        error);
    if (json_is_integer(json)) {
        found.type = SQLITE_INTEGER;
        found.integer = json_integer_value(json);
    } else if (json_is_real(json)) {
        found.type = SQLITE_FLOAT;
        found.real = json_real_value(json);
    } else if (!json_is_null(json)) {
        return value_wrong("is neither null nor a number nor a string", error);
    }
    *value = found;
    return STATUS_OK;
}

/* --- comparing ---------------------------------------------------------------------------- */

bool archive_value_same(const struct archive_value *one, const struct archive_value *other)
{
    if (one->type != other->type)
        return false;
    if (one->type == SQLITE_INTEGER)
        return one->integer == other->integer;
    if (one->type == SQLITE_FLOAT)
        return memcmp(&one->real, &other->real, sizeof one->real) == 0;
    return one->length == other->length &&
           (!one->length || memcmp(one->bytes, other->bytes, one->length) == 0);
}

void archive_value_digest(const struct archive_value *value, struct digest *digest)
{
    static const char letters[] = {[SQLITE_INTEGER] = 'i',
                                   [SQLITE_FLOAT] = 'r',
                                   [SQLITE_TEXT] = 't',
                                   [SQLITE_BLOB] = 'b',
                                   [SQLITE_NULL] = 'n'};
    uint8_t head[9] = {(uint8_t)letters[value->type]};
    uint64_t number = value->length;

    if (value->type == SQLITE_NULL) {
        digest_add(digest, head, 1);
        return;
    }
    if (value->type == SQLITE_INTEGER)
        number = (uint64_t)value->integer;
    else if (value->type == SQLITE_FLOAT)
        memcpy(&number, &value->real, sizeof number);
    for (int i = 0; i < 8; i++)
        head[1 + i] = (uint8_t)(number >> (56 - 8 * i));
    digest_add(digest, head, sizeof head);
    if (value->length)
        digest_add(digest, value->bytes, value->length);
}

void archive_value_bind(const struct archive_value *value, sqlite3_stmt *statement, int parameter)
{
    const char *bytes = value->bytes ? value->bytes : ""; /* NULL would be a NULL */

    if (value->type == SQLITE_INTEGER)
        sqlite3_bind_int64(statement, parameter, value->integer);
    else if (value->type == SQLITE_FLOAT)
        sqlite3_bind_double(statement, parameter, value->real);
    else if (value->type == SQLITE_TEXT)
        sqlite3_bind_text64(statement, parameter, bytes, value->length, SQLITE_STATIC, SQLITE_UTF8);
    else if (value->type == SQLITE_BLOB)
        sqlite3_bind_blob64(statement, parameter, bytes, value->length, SQLITE_STATIC);
    else
        sqlite3_bind_null(statement, parameter);
}
