/* Trees of nodes: what they say, and their end. */
#include "node.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void node_free(struct node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->count; i++) {
        if (node->keys)
            node_free(node->keys[i]);
        node_free(node->items[i]);
    }
    free(node->keys);
    free(node->items);
    free(node->text);
    free(node);
}

bool node_empty(const struct node *node)
{
    return node->kind == NODE_TEXT && node->plain &&
           (!*node->text || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0);
}

const char *node_kind_name(enum node_kind kind)
{
    static const char *const names[] = {"a text", "a list", "a mapping"};

    return names[kind];
}

const struct node *node_get(const struct node *map, const char *key)
{
    for (size_t i = 0; map && map->kind == NODE_MAP && i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}
