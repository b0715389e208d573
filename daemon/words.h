/*
 * What a worker writes to its standard error: log lines with a level (sd-daemon(3)), its last
 * words, and what its libraries say when they abort. The parent logs it, within limits.
 */
#ifndef WORDS_H
#define WORDS_H

#include "lines.h"

#include <stdbool.h>
#include <stddef.h>

enum { WORDS_LINE = 1000, WORDS_LINES = 200 };

struct words {
    struct lines lines;
    int process;               /* for the log */
    unsigned count;            /* of lines logged so far */
    char last[WORDS_LINE + 1]; /* why it ended, fit for a terminal; "" if it has not said */
    bool said;                 /* by itself, at the level of log_fatal */
};

void words_init(struct words *words, int process);
void words_free(struct words *words);
void words_add(struct words *words, const char *bytes, size_t length);
void words_end(struct words *words);

#endif
