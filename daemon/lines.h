/*
 * Cuts a stream of bytes into lines of limited length, for both ends of a worker's pipes. The
 * sender is not trusted: what it can make this keep is the limit and the last piece that came.
 */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>

struct lines {
    char *bytes;
    size_t start, length, capacity; /* `length` bytes from `start` on are still to be taken */
    size_t limit;                   /* of a line, without its newline */
};

enum lines_found { LINES_NONE, LINES_ONE, LINES_TOO_LONG };

/* A buffer for lines of up to `limit` bytes; free with lines_free. */
void lines_init(struct lines *lines, size_t limit);
void lines_free(struct lines *lines);

void lines_add(struct lines *lines, const char *bytes, size_t length);
/* The next whole line, NUL in place of its newline; it is valid until the next lines_add. */
enum lines_found lines_next(struct lines *lines, char **line, size_t *length);
/* Takes up to `size` bytes as they are, lines or not; how many it took. */
size_t lines_take(struct lines *lines, char *bytes, size_t size);
/* What came after the last newline: at the end of a stream, half a line. */
size_t lines_left(const struct lines *lines);

#endif
