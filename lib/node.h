/*
 * A YAML document as a tree of nodes that know where they stand. Not named after YAML because
 * libyaml's header and symbols have that name.
 */
#ifndef NODE_H
#define NODE_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

/* What a document may have at most. */
enum {
    NODE_BYTES = 4 * 1024 * 1024,
    NODE_COUNT = 200000,
    NODE_DEPTH = 32,
    NODE_KEYS = 256,    /* in one mapping */
    NODE_ANCHORS = 1000 /* values with a name, for aliases */
};

struct node {
    enum node_kind kind;
    int line, column;    /* from 1, in characters */
    bool plain;          /* a text without quotes */
    char *text;          /* NODE_TEXT */
    struct node **keys;  /* NODE_MAP: texts, no two alike */
    struct node **items; /* NODE_LIST, NODE_MAP: the values */
    size_t count;
};

/* Where in a document something is wrong; line 0: with the whole of it. */
struct node_position {
    int line, column;
};

/* Parses one document, whose root is a mapping. STATUS_INVALID says what is wrong and sets
 * `where`. The tree is the caller's, for node_free. */
enum status node_parse(const char *yaml, size_t length, struct node **root,
                       struct node_position *where, struct error *error) MUST_CHECK;
void node_free(struct node *node);

/* A text that says nothing: empty, `~` or null, without quotes. */
bool node_empty(const struct node *node);
const char *node_kind_name(enum node_kind kind);                      /* "a list" */
const struct node *node_get(const struct node *map, const char *key); /* NULL: not there */

#endif
