/* The types of options: how each is read from text, written back, compared and freed. */
#include "schema.h"

#include "calendar.h"
#include "memory.h"
#include "units.h"
#include "window.h"
#include "zone.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024 /* bytes of one text, such as a statement */ };

static size_t schema_count_one(const void *field)
{
    (void)field;
    return 1;
}

static size_t schema_count_number(const void *field)
{
    return *(const int64_t *)field >= 0;
}

static size_t schema_count_span(const void *field)
{
    return ((const struct span *)field)->set;
}

static size_t schema_count_share(const void *field)
{
    return *(const double *)field >= 0;
}

static size_t schema_count_choice(const void *field)
{
    return *(const int *)field >= 0;
}

static size_t schema_count_pointer(const void *field)
{
    return *(void *const *)field != NULL;
}

static size_t schema_count_windows(const void *field)
{
    const struct window_list *list = *(struct window_list *const *)field;

    return list ? list->count : 0;
}

static size_t schema_count_texts(const void *field)
{
    return ((const struct option_texts *)field)->count;
}

static enum status schema_parse_bool(const struct option *option, const char *text, void *field,
                                     struct error *error)
{
    bool yes = strcmp(text, "true") == 0;

    (void)option;
    if (!yes && strcmp(text, "false") != 0)
        return error_set(error, STATUS_INVALID, "\"%.100s\": must be true or false", text);
    *(bool *)field = yes;
    return STATUS_OK;
}

static enum status schema_parse_count(const struct option *option, const char *text, void *field,
                                      struct error *error)
{
    (void)option;
    return units_count(text, field, error);
}

static enum status schema_parse_size(const struct option *option, const char *text, void *field,
                                     struct error *error)
{
    (void)option;
    return units_size(text, field, error);
}

static enum status schema_parse_span(const struct option *option, const char *text, void *field,
                                     struct error *error)
{
    (void)option;
    return units_span(text, field, error);
}

static enum status schema_parse_share(const struct option *option, const char *text, void *field,
                                      struct error *error)
{
    (void)option;
    return units_share(text, field, error);
}

static enum status schema_parse_text(const struct option *option, const char *text, void *field,
                                     struct error *error)
{
    (void)option;
    if (!*text)
        return error_set(error, STATUS_INVALID, "is empty");
    if (strlen(text) > TEXT_MAX)
        return error_set(error, STATUS_INVALID, "is longer than %d bytes", TEXT_MAX);
    *(char **)field = memory_copy(text);
    return STATUS_OK;
}

/* Absolute, and written in one way alone, so that equal paths are equal texts. */
static enum status schema_parse_path(const struct option *option, const char *text, void *field,
                                     struct error *error)
{
    size_t length = strlen(text);

    (void)option;
    if (*text != '/')
        return error_set(error, STATUS_INVALID, "\"%.100s\": must be an absolute path", text);
    if (length >= PATH_MAX)
        return error_set(error, STATUS_INVALID, "is longer than %d bytes", PATH_MAX - 1);
    for (const char *part = text; part; part = strchr(part + 1, '/')) {
        size_t size = strcspn(part + 1, "/");
        if (!size || strncmp(part, "/./", size + 2) == 0 || strncmp(part, "/../", size + 2) == 0)
            return error_set(error, STATUS_INVALID,
                             "\"%.100s\": must be written without //, /./, /../ and a / at the end",
                             text);
    }
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return error_set(error, STATUS_INVALID, "\"%.100s\": must have no control characters",
                             text);
    *(char **)field = memory_copy(text);
    return STATUS_OK;
}

static enum status schema_parse_choice(const struct option *option, const char *text, void *field,
                                       struct error *error)
{
    struct text allowed = {0};

    for (const struct option_choice *choice = option->choices; choice->name; choice++) {
        if (strcmp(choice->name, text) == 0) {
            text_free(&allowed);
            *(int *)field = choice->value;
            return STATUS_OK;
        }
        text_addf(&allowed, "%s%s", allowed.length ? ", " : "", choice->name);
    }
    enum status status =
        error_set(error, STATUS_INVALID, "\"%.100s\": must be one of %s", text, allowed.bytes);
    text_free(&allowed);
    return status;
}

static enum status schema_parse_zone(const struct option *option, const char *text, void *field,
                                     struct error *error)
{
    struct zone *zone = NULL;
    enum status status = zone_load(text, &zone, error);

    (void)option;
    if (status != STATUS_OK)
        return status;
    zone_free(zone);
    *(char **)field = memory_copy(text);
    return STATUS_OK;
}

static enum status schema_parse_calendar(const struct option *option, const char *text, void *field,
                                         struct error *error)
{
    (void)option;
    return calendar_parse(text, field, error);
}

static enum status schema_parse_windows(const struct option *option, const char *text, void *field,
                                        struct error *error)
{
    struct window_list **list = field;

    (void)option;
    if (!*list)
        *list = memory_new(struct window_list);
    return window_parse(text, *list, error);
}

static enum status schema_parse_texts(const struct option *option, const char *text, void *field,
                                      struct error *error)
{
    struct option_texts *texts = field;
    char *item = NULL;
    enum status status = schema_parse_text(option, text, &item, error);

    if (status != STATUS_OK)
        return status;
    texts->items = memory_resize(texts->items, texts->count + 1, sizeof *texts->items);
    texts->items[texts->count++] = item;
    return STATUS_OK;
}

#define SCHEMA_TEXT(name)                                                                        \
    static void schema_text_##name(const struct option *option, const void *field, size_t index, \
                                   struct text *out)

SCHEMA_TEXT(bool)
{
    (void)option, (void)index;
    text_add(out, *(const bool *)field ? "true" : "false");
}

SCHEMA_TEXT(count)
{
    (void)option, (void)index;
    text_addf(out, "%" PRId64, *(const int64_t *)field);
}

SCHEMA_TEXT(size)
{
    (void)option, (void)index;
    units_size_text(*(const int64_t *)field, out);
}

SCHEMA_TEXT(span)
{
    (void)option, (void)index;
    units_span_text(field, out);
}

SCHEMA_TEXT(share)
{
    (void)option, (void)index;
    units_share_text(*(const double *)field, out);
}

SCHEMA_TEXT(text)
{
    (void)option, (void)index;
    text_add(out, *(char *const *)field);
}

SCHEMA_TEXT(choice)
{
    (void)index;
    for (const struct option_choice *choice = option->choices; choice->name; choice++)
        if (choice->value == *(const int *)field)
            text_add(out, choice->name);
}

SCHEMA_TEXT(calendar)
{
    (void)option, (void)index;
    calendar_text(*(struct calendar *const *)field, out);
}

SCHEMA_TEXT(windows)
{
    (void)option;
    window_text(&(*(struct window_list *const *)field)->windows[index], out);
}

SCHEMA_TEXT(texts)
{
    (void)option;
    text_add(out, ((const struct option_texts *)field)->items[index]);
}

static double schema_number_count(const void *field)
{
    return (double)*(const int64_t *)field;
}

static double schema_number_span(const void *field)
{
    return (double)units_span_us(field);
}

static double schema_number_share(const void *field)
{
    return *(const double *)field;
}

static void schema_clear_count(void *field)
{
    *(int64_t *)field = -1;
}

static void schema_clear_share(void *field)
{
    *(double *)field = -1;
}

static void schema_clear_choice(void *field)
{
    *(int *)field = -1;
}

static void schema_free_text(void *field)
{
    free(*(char **)field);
}

static void schema_free_calendar(void *field)
{
    calendar_free(*(struct calendar **)field);
}

static void schema_free_windows(void *field)
{
    window_list_free(*(struct window_list **)field);
}

static void schema_free_texts(void *field)
{
    struct option_texts *texts = field;

    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
}

static const struct schema_type schema_types[] = {
    [OPTION_BOOL] = {"true or false", false, schema_count_one, schema_parse_bool, schema_text_bool,
                     NULL, NULL, NULL},
    [OPTION_COUNT] = {"a whole number", false, schema_count_number, schema_parse_count,
                      schema_text_count, schema_number_count, schema_clear_count, NULL},
    [OPTION_SIZE] = {"a size such as 64MiB or 2GB", false, schema_count_number, schema_parse_size,
                     schema_text_size, schema_number_count, schema_clear_count, NULL},
    [OPTION_SPAN] = {"a span of time such as 90d or 18 months", false, schema_count_span,
                     schema_parse_span, schema_text_span, schema_number_span, NULL, NULL},
    [OPTION_SHARE] = {"a share such as 20%", false, schema_count_share, schema_parse_share,
                      schema_text_share, schema_number_share, schema_clear_share, NULL},
    [OPTION_TEXT] = {"a text", false, schema_count_pointer, schema_parse_text, schema_text_text,
                     NULL, NULL, schema_free_text},
    [OPTION_PATH] = {"an absolute path", false, schema_count_pointer, schema_parse_path,
                     schema_text_text, NULL, NULL, schema_free_text},
    [OPTION_CHOICE] = {"one of its words", false, schema_count_choice, schema_parse_choice,
                       schema_text_choice, NULL, schema_clear_choice, NULL},
    [OPTION_ZONE] = {"a time zone such as Europe/Berlin", false, schema_count_pointer,
                     schema_parse_zone, schema_text_text, NULL, NULL, schema_free_text},
    [OPTION_CALENDAR] = {"a calendar expression such as Sun 02:00 UTC", false, schema_count_pointer,
                         schema_parse_calendar, schema_text_calendar, NULL, NULL,
                         schema_free_calendar},
    [OPTION_WINDOWS] = {"a window such as Sun 02:00-05:00 UTC, or a list of them", true,
                        schema_count_windows, schema_parse_windows, schema_text_windows, NULL, NULL,
                        schema_free_windows},
    [OPTION_TEXTS] = {"a text, or a list of them", true, schema_count_texts, schema_parse_texts,
                      schema_text_texts, NULL, NULL, schema_free_texts},
};

const struct schema_type *schema_type(enum option_type type)
{
    return type < sizeof schema_types / sizeof *schema_types ? &schema_types[type] : NULL;
}
