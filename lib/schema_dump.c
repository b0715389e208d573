/* Writes options as YAML that loads to the same values. */
#include "schema.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Whether YAML and the loader read these bytes as this text without quotes. */
static bool schema_plain(const char *text)
{
    if (!isalnum((unsigned char)*text) && !strchr("/_", *text))
        return false;
    if (strcasecmp(text, "null") == 0 || text[strlen(text) - 1] == ' ')
        return false;
    for (const char *c = text; *c; c++) {
        bool colon = *c == ':' && (!c[1] || c[1] == ' ');
        if (colon || (!isalnum((unsigned char)*c) && !strchr("/_.-+:%*~(),= '", *c)))
            return false;
    }
    return true;
}

/* The code point of a well-formed UTF-8 sequence, and how many bytes it has. */
static unsigned schema_point(const unsigned char *s, size_t *length)
{
    *length = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    unsigned point = *length == 1 ? s[0] : s[0] & (0x7FU >> *length);

    for (size_t i = 1; i < *length && s[i]; i++)
        point = point << 6 | (s[i] & 0x3FU);
    return point;
}

/* Controls, line breaks, byte order marks and non-characters: what YAML has escapes for. */
static bool schema_escaped(unsigned point)
{
    return point < 0x20 || (point >= 0x7F && point <= 0xA0) || point == 0x2028 || point == 0x2029 ||
           point == 0xFEFF || point == 0xFFFE || point == 0xFFFF;
}

/* A text as a YAML scalar, with quotes if it needs them. */
static void schema_scalar(const char *text, struct text *out)
{
    size_t length;

    if (schema_plain(text)) {
        text_add(out, text);
        return;
    }
    text_add(out, "\"");
    for (const char *c = text; *c; c += length) {
        unsigned point = schema_point((const unsigned char *)c, &length);
        if (point == '"' || point == '\\')
            text_addf(out, "\\%c", (int)point);
        else if (point == '\n')
            text_add(out, "\\n");
        else if (schema_escaped(point))
            text_addf(out, "\\u%04X", point);
        else
            text_add_length(out, c, length);
    }
    text_add(out, "\"");
}

static void schema_dump_values(const struct option *option, const void *field, int indent,
                               struct text *out)
{
    const struct schema_type *type = schema_type(option->type);
    size_t count = type->count(field);
    struct text value = {0};

    if (!count && !(type->list && option->flags & OPTION_INHERITED))
        return;
    text_addf(out, "%*s%s:%s", indent, "", option->name, count ? "" : " []\n");
    for (size_t i = 0; i < count; i++) {
        text_clear(&value);
        type->text(option, field, i, &value);
        if (type->list)
            text_addf(out, "%s%*s-", i ? "" : "\n", indent + 2, "");
        text_add(out, " ");
        schema_scalar(value.bytes, out);
        text_add(out, "\n");
    }
    text_free(&value);
}

static void schema_dump_list(const struct option *option, const struct option_list *list,
                             int indent, struct text *out)
{
    const struct option_section *section = option->section;

    if (list->count)
        text_addf(out, "%*s%s:\n", indent, "", option->name);
    for (size_t i = 0; i < list->count; i++)
        schema_dump_item(section->options, (const char *)list->items + i * section->size,
                         indent + 4, out);
}

/* A section that was left out lacks what it must have. */
static bool schema_is_given(const struct option *options, const void *values)
{
    for (const struct option *option = options; option->name; option++) {
        const struct schema_type *type = schema_type(option->type);
        if (option->flags & OPTION_REQUIRED && type &&
            !type->count((const char *)values + option->offset))
            return false;
    }
    return true;
}

void schema_dump(const struct option *options, const void *values, int indent, struct text *out)
{
    for (const struct option *option = options; option->name; option++) {
        const void *field = (const char *)values + option->offset;
        if (option->flags & OPTION_NOT_YET || option->type == OPTION_NODE)
            continue;
        if (option->type == OPTION_SECTION) {
            if (!schema_is_given(option->section->options, field))
                continue;
            text_addf(out, "%*s%s:\n", indent, "", option->name);
            schema_dump(option->section->options, field, indent + 2, out);
        } else if (option->type == OPTION_SECTIONS) {
            schema_dump_list(option, field, indent, out);
        } else {
            schema_dump_values(option, field, indent, out);
        }
    }
}

void schema_item_mark(struct text *out, size_t start, int indent)
{
    out->bytes[start + (size_t)indent - 2] = '-';
}

void schema_dump_item(const struct option *options, const void *values, int indent,
                      struct text *out)
{
    size_t start = out->length;

    schema_dump(options, values, indent, out);
    schema_item_mark(out, start, indent);
}
