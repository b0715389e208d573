/*
 * Loads options from node trees. Runs wherever a policy is loaded; it never stops at an error,
 * prints nothing and knows no option by name.
 */
#include "schema.h"

#include "memory.h"
#include "nearest.h"

#include <stdlib.h>
#include <string.h>

/* One walk over a mapping and all below it. */
struct schema_walk {
    struct config_errors *errors;
    size_t wrong; /* errors so far, but for what is not supported yet */
    bool refused; /* inside of what is not supported yet, where saying so once will do */
};

static void schema_map(struct schema_walk *walk, const struct schema_part *parts, size_t count,
                       const struct node *map, const struct place *place);

static void *schema_field(const struct option *option, void *values)
{
    return (char *)values + option->offset;
}

static const void *schema_field_of(const struct option *option, const void *values)
{
    return (const char *)values + option->offset;
}

#define SCHEMA_WRONG(walk, place, node, ...) \
    ((walk)->wrong++, config_errors_add((walk)->errors, (place), (node), __VA_ARGS__))

static void schema_not_yet(struct schema_walk *walk, const struct place *place,
                           const struct node *node, const char *what)
{
    if (!walk->refused)
        config_errors_add(walk->errors, place, node, "%snot supported yet; leave it out", what);
}

/* Parses a text that the rows themselves have, so that it can't be wrong. */
static void schema_parse_own(const struct option *option, const char *text, void *field)
{
    struct error error;

    if (schema_type(option->type)->parse(option, text, field, &error) != STATUS_OK)
        abort();
}

/* Compares with the row's minimum or maximum: below 0, 0, above 0. */
static int schema_compare(const struct option *option, const void *field, const char *bound)
{
    union {
        int64_t count;
        double share;
        char room[64];
    } limit = {0};

    schema_parse_own(option, bound, &limit);
    double value = schema_type(option->type)->number(field);
    double other = schema_type(option->type)->number(&limit);
    return (value > other) - (value < other);
}

static void schema_range(struct schema_walk *walk, const struct option *option, const void *field,
                         const struct node *node, const struct place *place)
{
    const char *minimum = option->minimum, *maximum = option->maximum;
    bool below = minimum && schema_compare(option, field, minimum) < 0;
    bool above = maximum && schema_compare(option, field, maximum) > 0;

    if (!below && !above)
        return;
    if (minimum && maximum)
        SCHEMA_WRONG(walk, place, node, "\"%s\": must be from %s to %s", node->text, minimum,
                     maximum);
    else
        SCHEMA_WRONG(walk, place, node, "\"%s\": must be at %s %s", node->text,
                     minimum ? "least" : "most", minimum ? minimum : maximum);
}

static void schema_choice(struct schema_walk *walk, const struct option *option, const void *field,
                          const struct node *node, const struct place *place)
{
    for (const struct option_choice *choice = option->choices; choice && choice->name; choice++)
        if (choice->value == *(const int *)field && choice->not_yet) {
            char *what = memory_format("\"%s\" is ", choice->name);
            schema_not_yet(walk, place, node, what);
            free(what);
        }
}

/* One value, which must be a text that says something. */
static void schema_scalar_load(struct schema_walk *walk, const struct option *option,
                               const struct node *node, void *field, const struct place *place)
{
    const struct schema_type *type = schema_type(option->type);
    struct error error;

    if (node->kind != NODE_TEXT)
        SCHEMA_WRONG(walk, place, node, "is %s; must be %s", node_kind_name(node->kind),
                     type->what);
    else if (node_empty(node))
        SCHEMA_WRONG(walk, place, node, "has no value; must be %s", type->what);
    else if (type->parse(option, node->text, field, &error) != STATUS_OK)
        SCHEMA_WRONG(walk, place, node, "%s", error.text);
    else if (type->number)
        schema_range(walk, option, field, node, place);
    else if (option->choices)
        schema_choice(walk, option, field, node, place);
}

static void schema_values(struct schema_walk *walk, const struct option *option,
                          const struct node *node, void *field, const struct place *place)
{
    if (node->kind != NODE_LIST || !schema_type(option->type)->list) {
        schema_scalar_load(walk, option, node, field, place);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        struct place here = {.up = place, .index = i};
        schema_scalar_load(walk, option, node->items[i], field, &here);
    }
}

/* The option that a text in the place of the mapping stands for, or NULL. */
static const struct option *schema_short(const struct option_section *section)
{
    for (const struct option *option = section->options; option->name; option++)
        if (option->flags & OPTION_SHORT)
            return option;
    return NULL;
}

static void schema_section_check(struct schema_walk *walk, const struct option_section *section,
                                 const struct node *node, const void *values,
                                 const struct place *place)
{
    char why[WHY_SIZE] = "";
    const char *name = section->check ? section->check(values, why) : NULL;

    if (!name)
        return;
    const struct node *at = node->kind == NODE_MAP ? node_get(node, name) : NULL;
    struct place here = {.up = place, .key = name};
    SCHEMA_WRONG(walk, node->kind == NODE_MAP ? &here : place, at ? at : node, "%s", why);
}

static void schema_section_wrong(struct schema_walk *walk, const struct option_section *section,
                                 const struct node *node, const struct place *place)
{
    bool empty = node_empty(node);

    SCHEMA_WRONG(walk, place, node, "%s %s; must be %sa mapping of keys%s", empty ? "has" : "is",
                 empty ? "no value" : node_kind_name(node->kind),
                 schema_short(section) ? "a text, or " : "", empty ? ", {} for its defaults" : "");
}

/* A mapping that is one struct, with its own check at the end. */
static void schema_section(struct schema_walk *walk, const struct option_section *section,
                           const struct node *node, void *values, const struct place *place)
{
    struct schema_part part = {section->options, values, NULL};
    const struct option *shorthand =
        node->kind == NODE_TEXT && !node_empty(node) ? schema_short(section) : NULL;
    size_t wrong = walk->wrong;

    if (shorthand) {
        schema_defaults(section->options, values);
        schema_values(walk, shorthand, node, schema_field(shorthand, values), place);
    } else if (node->kind == NODE_MAP) {
        schema_map(walk, &part, 1, node, place);
    } else {
        schema_section_wrong(walk, section, node, place);
        schema_defaults(section->options, values);
    }
    if (walk->wrong == wrong)
        schema_section_check(walk, section, node, values, place);
}

static void schema_sections(struct schema_walk *walk, const struct option_section *section,
                            const struct node *node, struct option_list *list,
                            const struct place *place)
{
    bool many = node->kind == NODE_LIST;

    list->count = many ? node->count : 1;
    list->items = memory_zeroed(list->count, section->size);
    if (!many)
        schema_section(walk, section, node, list->items, place);
    for (size_t i = 0; many && i < list->count; i++) {
        struct place here = {.up = place, .index = i};
        schema_section(walk, section, node->items[i], (char *)list->items + i * section->size,
                       &here);
    }
}

static void schema_option(struct schema_walk *walk, const struct option *option,
                          const struct node *key, const struct node *node, void *field,
                          const struct place *place)
{
    bool refused = walk->refused;

    if (option->flags & OPTION_NOT_YET) {
        schema_not_yet(walk, place, key, "");
        walk->refused = true;
    }
    if (option->type == OPTION_NODE)
        *(const struct node **)field = node;
    else if (option->type == OPTION_SECTION)
        schema_section(walk, option->section, node, field, place);
    else if (option->type == OPTION_SECTIONS)
        schema_sections(walk, option->section, node, field, place);
    else
        schema_values(walk, option, node, field, place);
    walk->refused = refused;
}

static void schema_default(const struct option *option, void *field)
{
    if (option->type == OPTION_SECTION)
        schema_defaults(option->section->options, field);
    else if (schema_type(option->type) && option->standard)
        schema_parse_own(option, option->standard, field);
}

/* Takes the values of another field. They were parsed once; but a zone may be gone since then. */
static void schema_inherit(struct schema_walk *walk, const struct option *option, void *field,
                           const void *inherited, const struct node *map, const struct place *place)
{
    const struct schema_type *type = schema_type(option->type);
    struct text value = {0};
    struct error error;

    for (size_t i = 0; i < type->count(inherited); i++) {
        text_clear(&value);
        type->text(option, inherited, i, &value);
        if (type->parse(option, value.bytes, field, &error) != STATUS_OK)
            SCHEMA_WRONG(walk, place, map, "%s", error.text);
    }
    text_free(&value);
}

static void schema_clear(const struct option *options, void *values)
{
    for (const struct option *option = options; option->name; option++) {
        const struct schema_type *type = schema_type(option->type);
        if (type && type->clear)
            type->clear(schema_field(option, values));
    }
}

void schema_defaults(const struct option *options, void *values)
{
    schema_clear(options, values);
    for (const struct option *option = options; option->name; option++)
        schema_default(option, schema_field(option, values));
}

/* The row of that name, and the part that has it. */
static const struct option *schema_find(const struct schema_part *parts, size_t count,
                                        const char *name, const struct schema_part **part)
{
    for (*part = parts; *part < parts + count; (*part)++)
        for (const struct option *option = (*part)->options; option->name; option++)
            if (strcmp(option->name, name) == 0)
                return option;
    return NULL;
}

static void schema_unknown(struct schema_walk *walk, const struct schema_part *parts, size_t count,
                           const struct node *key, const struct place *place)
{
    struct nearest nearest = {0};
    struct text allowed = {0};

    for (size_t i = 0; i < count; i++)
        for (const struct option *option = parts[i].options; option->name; option++) {
            nearest_offer(&nearest, key->text, option->name);
            text_addf(&allowed, "%s%s", allowed.length ? ", " : "", option->name);
        }
    if (nearest.word)
        SCHEMA_WRONG(walk, place, key, "unknown key; did you mean \"%s\"?", nearest.word);
    else
        SCHEMA_WRONG(walk, place, key, "unknown key; allowed are %s", allowed.bytes);
    text_free(&allowed);
}

/* What the mapping does not have: an error where it must, else the default. */
static void schema_absent(struct schema_walk *walk, const struct schema_part *part,
                          const struct node *map, const struct place *place)
{
    for (const struct option *option = part->options; option->name; option++) {
        struct place here = {.up = place, .key = option->name};
        if (node_get(map, option->name))
            continue;
        if (option->flags & OPTION_REQUIRED)
            SCHEMA_WRONG(walk, &here, map, "is missing");
        void *field = schema_field(option, part->values);
        if (part->inherited && option->flags & OPTION_INHERITED)
            schema_inherit(walk, option, field, schema_field_of(option, part->inherited), map,
                           &here);
        else
            schema_default(option, field);
    }
}

static void schema_map(struct schema_walk *walk, const struct schema_part *parts, size_t count,
                       const struct node *map, const struct place *place)
{
    for (size_t i = 0; i < count; i++) {
        schema_clear(parts[i].options, parts[i].values);
        schema_absent(walk, &parts[i], map, place);
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct node *key = map->keys[i];
        struct place here = {.up = place, .key = key->text};
        const struct schema_part *part;
        const struct option *option = schema_find(parts, count, key->text, &part);
        if (option)
            schema_option(walk, option, key, map->items[i], schema_field(option, part->values),
                          &here);
        else
            schema_unknown(walk, parts, count, key, &here);
    }
}

void schema_load(const struct schema_part *parts, size_t count, const struct node *map,
                 const struct place *place, struct config_errors *errors)
{
    struct schema_walk walk = {.errors = errors};

    schema_map(&walk, parts, count, map, place);
}

static void schema_free_list(const struct option_section *section, struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        schema_free(section->options, (char *)list->items + i * section->size);
    free(list->items);
}

void schema_free(const struct option *options, void *values)
{
    for (const struct option *option = options; option->name; option++) {
        const struct schema_type *type = schema_type(option->type);
        void *field = schema_field(option, values);
        if (option->type == OPTION_SECTION)
            schema_free(option->section->options, field);
        else if (option->type == OPTION_SECTIONS)
            schema_free_list(option->section, field);
        else if (type && type->free)
            type->free(field);
    }
}
