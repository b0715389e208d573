/* Memory that is always there: out of memory ends the process, so nobody checks. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

void *memory_zeroed(size_t count, size_t size);
void *memory_resize(void *block, size_t count, size_t size);
char *memory_copy(const char *text); /* NULL gives NULL */
char *memory_copy_length(const char *text, size_t length);
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define memory_new(type) ((type *)memory_zeroed(1, sizeof(type)))

#endif
