/*
 * The one loader of options: walks the rows of option.h over a node tree to fill in structs,
 * check, dump and free them. What a type is stands in one table, in schema_types.c.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "config_errors.h"
#include "error.h"
#include "node.h"
#include "option.h"
#include "text.h"

#include <stdbool.h>

/* Rows and the struct that they fill in; one mapping may be made of several. `inherited`, if not
 * NULL, is a struct like `values`, where rows with OPTION_INHERITED find their default. */
struct schema_part {
    const struct option *options;
    void *values;
    const void *inherited;
};

/* Fills in zeroed structs from a mapping, and every default. Adds all errors to `errors`; the
 * values are sound to free even so, but for nothing else. */
void schema_load(const struct schema_part *parts, size_t count, const struct node *map,
                 const struct place *place, struct config_errors *errors);
/* The defaults alone, into a zeroed struct, as if the policy had no such mapping. */
void schema_defaults(const struct option *options, void *values);
/* Frees what the values hold, not the struct. */
void schema_free(const struct option *options, void *values);

/* Appends "key: value" lines, `indent` spaces in: all that is set and supported. */
void schema_dump(const struct option *options, const void *values, int indent, struct text *out);
/* The same as one item of a list: "- " takes the place of the first line's last two spaces. */
void schema_dump_item(const struct option *options, const void *values, int indent,
                      struct text *out);
void schema_item_mark(struct text *out, size_t start, int indent);

/* What a type of option that has values (it is no section) is made of. */
struct schema_type {
    const char *what; /* a value of it, for messages and the manual: "a size such as 64MiB" */
    bool list;        /* may have several values */
    size_t (*count)(const void *field); /* values that it has */
    /* Adds a value to a list, else sets it. */
    enum status (*parse)(const struct option *option, const char *text, void *field,
                         struct error *error);
    void (*text)(const struct option *option, const void *field, size_t index, struct text *out);
    double (*number)(const void *field); /* for minimum and maximum; NULL: has none */
    void (*clear)(void *field);          /* to what stands for no value; NULL: zeroes do */
    void (*free)(void *field);           /* NULL: nothing to free */
};

const struct schema_type *schema_type(enum option_type type); /* NULL for sections and nodes */

#endif
