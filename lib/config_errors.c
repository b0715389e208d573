/* Collects the errors of a policy. Never prints and never stops the loading. */
#include "config_errors.h"

#include "memory.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *place_path(const struct place *place, struct text *path)
{
    if (!place->up)
        return place->file;
    const char *file = place_path(place->up, path);
    if (place->key)
        text_addf(path, "%s%s", path->length ? "." : "", place->key);
    else
        text_addf(path, "[%zu]", place->index);
    return file;
}

void config_errors_at(struct config_errors *errors, const struct place *place, int line, int column,
                      const char *format, ...)
{
    struct text text = {0}, path = {0};
    va_list arguments;
    char *message = NULL;

    if (errors->count > CONFIG_ERRORS)
        return;
    text_add(&text, place_path(place, &path));
    if (line)
        text_addf(&text, ":%d:%d", line, column);
    if (path.length)
        text_addf(&text, ": %s", path.bytes);
    va_start(arguments, format);
    int length = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (errors->count == CONFIG_ERRORS)
        text_add(&text, ": there are more errors than are shown here");
    else
        text_addf(&text, ": %s", length < 0 ? "" : message);
    free(message);
    text_free(&path);
    errors->lines = memory_resize(errors->lines, errors->count + 1, sizeof *errors->lines);
    errors->lines[errors->count] = text_take(&text);
    text_sanitize(errors->lines[errors->count++]);
}

void config_errors_free(struct config_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        free(errors->lines[i]);
    free(errors->lines);
    *errors = (struct config_errors){0};
}
