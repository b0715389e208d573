/*
 * The allocators of the whole program. Running out of memory is fatal: in a worker it ends one
 * task, and every step of a task is atomic, so there is nothing to save by going on.
 */
#include "memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *memory_must(void *block)
{
    if (!block) {
        fputs("litekeeper: out of memory\n", stderr);
        abort();
    }
    return block;
}

void *memory_zeroed(size_t count, size_t size)
{
    return memory_must(calloc(count ? count : 1, size ? size : 1));
}

void *memory_resize(void *block, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return memory_must(NULL);
    size_t bytes = count * size;
    return memory_must(realloc(block, bytes ? bytes : 1));
}

char *memory_copy(const char *text)
{
    return text ? memory_copy_length(text, strlen(text)) : NULL;
}

char *memory_copy_length(const char *text, size_t length)
{
    char *copy = memory_zeroed(length + 1, 1);

    memcpy(copy, text, length);
    return copy;
}

char *memory_format(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return memory_must(length < 0 ? NULL : text);
}
