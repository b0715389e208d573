/* A buffer that lines are cut from. Runs on both sides; reads and writes nothing itself. */
#include "lines.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

void lines_init(struct lines *lines, size_t limit)
{
    *lines = (struct lines){.limit = limit};
}

void lines_free(struct lines *lines)
{
    free(lines->bytes);
    *lines = (struct lines){.limit = lines->limit};
}

void lines_add(struct lines *lines, const char *bytes, size_t length)
{
    if (lines->length && lines->start)
        memmove(lines->bytes, lines->bytes + lines->start, lines->length);
    lines->start = 0;
    if (lines->length + length > lines->capacity) {
        lines->capacity = (lines->length + length) * 2;
        lines->bytes = memory_resize(lines->bytes, lines->capacity, 1);
    }
    if (length)
        memcpy(lines->bytes + lines->length, bytes, length);
    lines->length += length;
}

enum lines_found lines_next(struct lines *lines, char **line, size_t *length)
{
    char *start = lines->bytes + lines->start;
    char *end = lines->length ? memchr(start, '\n', lines->length) : NULL;
    size_t size = end ? (size_t)(end - start) : lines->length;

    if (size > lines->limit)
        return LINES_TOO_LONG;
    if (!end)
        return LINES_NONE;
    *end = '\0';
    *line = start;
    *length = size;
    lines->start += size + 1;
    lines->length -= size + 1;
    return LINES_ONE;
}

size_t lines_take(struct lines *lines, char *bytes, size_t size)
{
    size_t taken = size < lines->length ? size : lines->length;

    if (taken)
        memcpy(bytes, lines->bytes + lines->start, taken);
    lines->start += taken;
    lines->length -= taken;
    return taken;
}

size_t lines_left(const struct lines *lines)
{
    return lines->length;
}
