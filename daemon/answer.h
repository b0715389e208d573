/*
 * What the daemon answered (request.h says what there is): its lines, made fit for a terminal, and
 * how to read them. A key that is missing or of another type reads as nothing.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer {
    json_t *lines; /* an array of objects in their order, without the end */
    int exit_status;
    char *message; /* what went wrong, or NULL */
};

/* Takes one more line. `*done`: it was the end. */
enum status answer_line(const char *text, size_t length, struct answer *answer, bool *done,
                        struct error *error) MUST_CHECK;
void answer_free(struct answer *answer); /* what it holds */

/* Of a line. */
bool answer_is(const json_t *line, const char *kind);
const char *answer_text(const json_t *line, const char *key); /* "" */
int64_t answer_whole(const json_t *line, const char *key);    /* 0 */
double answer_real(const json_t *line, const char *key);      /* 0 */
bool answer_time(const json_t *line, const char *key, int64_t *time_us);

/* "worklog retention logs", as much of it as the line has; the caller's to free. */
char *answer_subject(const json_t *line);

size_t answer_count(const json_t *lines, const char *kind);

#endif
