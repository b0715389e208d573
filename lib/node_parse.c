/*
 * Builds node trees from libyaml's events. Runs wherever a policy is loaded; the text may come
 * from a file or a pipe, and whatever its bytes are, time and memory stay within the limits.
 */
#include "node.h"

#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A value that was given a name (&name), for its aliases (*name). */
struct node_anchor {
    char *name;
    const struct node *node;
};

struct node_builder {
    yaml_parser_t parser;
    const char *yaml;
    size_t count; /* nodes made so far */
    struct node_anchor *anchors;
    size_t anchor_count;
    struct node_position *where;
    struct error *error;
};

static enum status node_value(struct node_builder *builder, const yaml_event_t *event, int depth,
                              struct node **node) MUST_CHECK;

__attribute__((format(printf, 3, 4))) static enum status
node_wrong(struct node_builder *builder, yaml_mark_t mark, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    builder->where->line = (int)mark.line + 1;
    builder->where->column = (int)mark.column + 1;
    return error_set(builder->error, STATUS_INVALID, "%s", text);
}

/* libyaml's reader knows but the offset of a byte that it can't take. */
static enum status node_unreadable(struct node_builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    yaml_mark_t mark = {0};

    for (size_t i = 0; i < parser->problem_offset; i++) {
        bool newline = builder->yaml[i] == '\n';
        mark.line += newline;
        mark.column = newline ? 0 : mark.column + ((builder->yaml[i] & 0xC0) != 0x80);
    }
    if (parser->problem_value == 0)
        return node_wrong(builder, mark, "a NUL byte; a policy is text");
    if (strcmp(parser->problem, "control characters are not allowed") == 0)
        return node_wrong(builder, mark, "the control character U+%04X; a policy is text",
                          (unsigned)parser->problem_value);
    return node_wrong(builder, mark, "a byte that is not UTF-8; save the file as UTF-8");
}

/* The byte at a mark, whose index counts characters. */
static char node_byte(const struct node_builder *builder, yaml_mark_t mark)
{
    const char *byte = builder->yaml;

    for (size_t index = 0; *byte && index < mark.index; index++)
        do
            byte++;
        while ((*byte & 0xC0) == 0x80);
    return *byte;
}

static enum status node_problem(struct node_builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;

    if (parser->error == YAML_READER_ERROR)
        return node_unreadable(builder);
    if (parser->error == YAML_SCANNER_ERROR && node_byte(builder, parser->problem_mark) == '\t')
        return node_wrong(builder, parser->problem_mark, "a tab; indent with spaces");
    return node_wrong(builder, parser->problem_mark, "not valid YAML: %s%s%s", parser->problem,
                      parser->context ? " " : "", parser->context ? parser->context : "");
}

static enum status node_next(struct node_builder *builder, yaml_event_t *event)
{
    return yaml_parser_parse(&builder->parser, event) ? STATUS_OK : node_problem(builder);
}

/* A new node, or the error that there are too many or too deep. */
static enum status node_make(struct node_builder *builder, enum node_kind kind, yaml_mark_t mark,
                             int depth, struct node **node)
{
    if (++builder->count > NODE_COUNT)
        return node_wrong(builder, mark, "more than %d values%s", NODE_COUNT,
                          builder->anchor_count ? ", aliases counted in full" : "");
    if (depth > NODE_DEPTH)
        return node_wrong(builder, mark, "nested deeper than %d levels", NODE_DEPTH);
    *node = memory_new(struct node);
    (*node)->kind = kind;
    (*node)->line = (int)mark.line + 1;
    (*node)->column = (int)mark.column + 1;
    return STATUS_OK;
}

static void node_append(struct node *node, struct node *key, struct node *item)
{
    if ((node->count & (node->count - 1)) == 0) { /* at powers of two the room doubles */
        size_t room = node->count ? node->count * 2 : 1;
        node->items = memory_resize(node->items, room, sizeof *node->items);
        if (node->kind == NODE_MAP)
            node->keys = memory_resize(node->keys, room, sizeof *node->keys);
    }
    if (node->kind == NODE_MAP)
        node->keys[node->count] = key;
    node->items[node->count++] = item;
}

/* What an alias stands for, copied; the copy keeps the original's positions. */
static enum status node_copy(struct node_builder *builder, const struct node *from, int depth,
                             yaml_mark_t mark, struct node **copy)
{
    struct node *made = NULL, *key = NULL, *item = NULL;
    enum status status = node_make(builder, from->kind, mark, depth, &made);

    if (status != STATUS_OK)
        return status;
    made->line = from->line;
    made->column = from->column;
    made->plain = from->plain;
    made->text = memory_copy(from->text);
    for (size_t i = 0; i < from->count && status == STATUS_OK; i++) {
        key = item = NULL;
        if (from->kind == NODE_MAP)
            status = node_copy(builder, from->keys[i], depth + 1, mark, &key);
        if (status == STATUS_OK)
            status = node_copy(builder, from->items[i], depth + 1, mark, &item);
        if (status == STATUS_OK)
            node_append(made, key, item);
        else
            node_free(key);
    }
    if (status == STATUS_OK)
        *copy = made;
    else
        node_free(made);
    return status;
}

static enum status node_alias(struct node_builder *builder, const yaml_event_t *event, int depth,
                              struct node **node)
{
    const char *name = (const char *)event->data.alias.anchor;

    for (size_t i = builder->anchor_count; i-- > 0;)
        if (strcmp(builder->anchors[i].name, name) == 0)
            return node_copy(builder, builder->anchors[i].node, depth, event->start_mark, node);
    return node_wrong(builder, event->start_mark, "there is no complete value &%s before this",
                      name);
}

static enum status node_text(struct node_builder *builder, const yaml_event_t *event, int depth,
                             struct node **node)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;

    if (memchr(text, '\0', length))
        return node_wrong(builder, event->start_mark, "a NUL byte; a policy is text");
    enum status status = node_make(builder, NODE_TEXT, event->start_mark, depth, node);
    if (status != STATUS_OK)
        return status;
    (*node)->text = memory_copy_length(text, length);
    (*node)->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return STATUS_OK;
}

/* A mapping's key, checked: a text that is not there yet. */
static enum status node_key(struct node_builder *builder, const struct node *map,
                            const yaml_event_t *event, int depth, struct node **key)
{
    if (event->type != YAML_SCALAR_EVENT)
        return node_wrong(builder, event->start_mark, "a key must be a plain text");
    if (map->count == NODE_KEYS)
        return node_wrong(builder, event->start_mark, "more than %d keys in one mapping",
                          NODE_KEYS);
    const struct node *twin = NULL;
    enum status status = node_text(builder, event, depth, key);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < map->count && !twin; i++)
        if (strcmp(map->keys[i]->text, (*key)->text) == 0)
            twin = map->keys[i];
    if (!twin)
        return STATUS_OK;
    status = node_wrong(builder, event->start_mark, "the key \"%.100s\" is already in line %d",
                        (*key)->text, twin->line);
    node_free(*key);
    return status;
}

/* An item of a list, or a mapping's key and its value; `event` is the first of it. */
static enum status node_item(struct node_builder *builder, struct node *node, yaml_event_t *event,
                             int depth)
{
    struct node *key = NULL, *item = NULL;
    enum status status = STATUS_OK;

    if (node->kind == NODE_MAP) {
        status = node_key(builder, node, event, depth, &key);
        if (status != STATUS_OK)
            return status;
        yaml_event_delete(event);
        status = node_next(builder, event);
    }
    if (status == STATUS_OK)
        status = node_value(builder, event, depth, &item);
    if (status == STATUS_OK)
        node_append(node, key, item);
    else
        node_free(key);
    return status;
}

/* The items of a list or mapping up to its end event. */
static enum status node_items(struct node_builder *builder, struct node *node, int depth)
{
    enum status status = STATUS_OK;
    bool end = false;

    while (status == STATUS_OK && !end) {
        yaml_event_t event = {0};
        status = node_next(builder, &event);
        end = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        if (status == STATUS_OK && !end)
            status = node_item(builder, node, &event, depth);
        yaml_event_delete(&event);
    }
    return status;
}

/* Remembers a value that was given a name. */
static enum status node_name(struct node_builder *builder, const yaml_event_t *event,
                             const yaml_char_t *anchor, const struct node *node)
{
    if (!anchor)
        return STATUS_OK;
    if (builder->anchor_count == NODE_ANCHORS)
        return node_wrong(builder, event->start_mark, "more than %d values with a name (&)",
                          NODE_ANCHORS);
    builder->anchors =
        memory_resize(builder->anchors, builder->anchor_count + 1, sizeof *builder->anchors);
    builder->anchors[builder->anchor_count++] =
        (struct node_anchor){memory_copy((const char *)anchor), node};
    return STATUS_OK;
}

static enum status node_value(struct node_builder *builder, const yaml_event_t *event, int depth,
                              struct node **node)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    struct node *made = NULL;
    enum status status;

    if (event->type == YAML_ALIAS_EVENT)
        return node_alias(builder, event, depth, node);
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        status = node_text(builder, event, depth, &made);
    } else {
        bool list = event->type == YAML_SEQUENCE_START_EVENT;
        anchor = list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
        tag = list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
        status = node_make(builder, list ? NODE_LIST : NODE_MAP, event->start_mark, depth, &made);
        if (status == STATUS_OK)
            status = node_items(builder, made, depth + 1);
    }
    if (status == STATUS_OK && tag)
        status = node_wrong(builder, event->start_mark, "a tag (\"%.100s\"); leave it out", tag);
    if (status == STATUS_OK)
        status = node_name(builder, event, anchor, made);
    if (status == STATUS_OK)
        *node = made;
    else
        node_free(made);
    return status;
}

/* Reads events up to the first of a kind that matters: a value, or the end. */
static enum status node_begin(struct node_builder *builder, yaml_event_t *event)
{
    enum status status;

    while ((status = node_next(builder, event)) == STATUS_OK &&
           (event->type == YAML_STREAM_START_EVENT || event->type == YAML_DOCUMENT_START_EVENT ||
            event->type == YAML_DOCUMENT_END_EVENT))
        yaml_event_delete(event);
    return status;
}

static enum status node_document(struct node_builder *builder, struct node **root)
{
    struct node *made = NULL;
    yaml_event_t first = {0}, after = {0};
    enum status status = node_begin(builder, &first);

    if (status != STATUS_OK)
        return status;
    if (first.type != YAML_STREAM_END_EVENT)
        status = node_value(builder, &first, 1, &made);
    if (status == STATUS_OK && (!made || node_empty(made)))
        status = error_set(builder->error, STATUS_INVALID, "has no content; a policy is a mapping");
    if (status == STATUS_OK && made->kind != NODE_MAP)
        status = node_wrong(builder, first.start_mark, "is %s; a policy is a mapping of keys",
                            node_kind_name(made->kind));
    if (status == STATUS_OK)
        status = node_begin(builder, &after);
    if (status == STATUS_OK && after.type != YAML_STREAM_END_EVENT)
        status = node_wrong(builder, after.start_mark, "a second document; a policy is one alone");
    yaml_event_delete(&first);
    yaml_event_delete(&after);
    if (status == STATUS_OK)
        *root = made;
    else
        node_free(made);
    return status;
}

enum status node_parse(const char *yaml, size_t length, struct node **root,
                       struct node_position *where, struct error *error)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* some editors begin a file with it */
    struct node_builder builder = {.where = where, .error = error};

    *where = (struct node_position){0};
    if (length >= 3 && memcmp(yaml, mark, 3) == 0) {
        yaml += 3;
        length -= 3;
    }
    if (length > NODE_BYTES)
        return error_set(error, STATUS_INVALID, "is larger than %d bytes", NODE_BYTES);
    if (!yaml_parser_initialize(&builder.parser))
        return error_set(error, STATUS_FAILED, "libyaml can't start");
    /* A NUL behind the text, so that looking at the place of a problem stays inside. */
    char *copy = memory_copy_length(yaml, length);
    builder.yaml = copy;
    yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)copy, length);
    enum status status = node_document(&builder, root);
    for (size_t i = 0; i < builder.anchor_count; i++)
        free(builder.anchors[i].name);
    free(builder.anchors);
    free(copy);
    yaml_parser_delete(&builder.parser);
    return status;
}
