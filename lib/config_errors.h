/* What is wrong with a policy: every error, each with its place. */
#ifndef CONFIG_ERRORS_H
#define CONFIG_ERRORS_H

#include "node.h"

#include <stddef.h>

enum { CONFIG_ERRORS = 200 /* kept at most; one more line says so */ };

/* All that is wrong with a policy, one line each: "file:line:col: path.to.key: what, allowed", of
 * each file in the order of its lines. Begins as {0}. */
struct config_errors {
    char **lines;
    size_t count;
    struct node_position *positions; /* of the lines */
};

/* The way from a file to a value in it. The root has `file` alone, a mapping's value `key`, a
 * list's neither. Lives on the stack of who walks. */
struct place {
    const struct place *up;
    const char *file, *key;
    size_t index;
};

/* Adds "file:line:col: path: message", or "file: message" at line 0. */
void config_errors_at(struct config_errors *errors, const struct place *place, int line, int column,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));
#define config_errors_add(errors, place, node, ...) \
    config_errors_at((errors), (place), (node)->line, (node)->column, __VA_ARGS__)

void config_errors_free(struct config_errors *errors);

#endif
