/* Error values: a status and one sentence. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

static void error_fill(struct error *error, enum status status, const char *guard,
                       const char *format, va_list arguments)
{
    if (!error)
        return;
    error->status = status;
    error->guard = guard;
    vsnprintf(error->text, sizeof error->text, format, arguments);
}

enum status error_set(struct error *error, enum status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error_fill(error, status, NULL, format, arguments);
    va_end(arguments);
    return status;
}

enum status error_refuse(struct error *error, const char *guard, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error_fill(error, STATUS_REFUSED, guard, format, arguments);
    va_end(arguments);
    return STATUS_REFUSED;
}
