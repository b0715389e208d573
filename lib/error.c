/* Error values: a status and one sentence. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status error_set(struct error *error, enum status status, const char *format, ...)
{
    va_list arguments;

    if (!error)
        return status;
    error->status = status;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

enum status error_prefix(struct error *error, const char *format, ...)
{
    char prefix[sizeof error->text / 2], whole[sizeof prefix + sizeof error->text + 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s: %s", prefix, error->text);
    whole[sizeof error->text - 1] = '\0';
    memcpy(error->text, whole, sizeof error->text);
    return error->status;
}
