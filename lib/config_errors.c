/* Collects the errors of a policy. Never prints and never stops the loading. */
#include "config_errors.h"

#include "memory.h"
#include "text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *config_errors_path(const struct place *place, struct text *path)
{
    if (!place->up)
        return place->file;
    const char *file = config_errors_path(place->up, path);
    if (place->key)
        text_addf(path, "%s%s", path->length ? "." : "", place->key);
    else
        text_addf(path, "[%zu]", place->index);
    return file;
}

/* Puts a line where its position belongs among the last ones of the same file. */
static void config_errors_insert(struct config_errors *errors, const char *file,
                                 struct node_position position, char *line)
{
    size_t at = errors->count++, length = strlen(file);

    errors->lines = memory_resize(errors->lines, errors->count, sizeof *errors->lines);
    errors->positions = memory_resize(errors->positions, errors->count, sizeof *errors->positions);
    for (; at && at < CONFIG_ERRORS; at--) {
        const struct node_position *before = &errors->positions[at - 1];
        bool later = before->line > position.line ||
                     (before->line == position.line && before->column > position.column);
        if (!later || strncmp(errors->lines[at - 1], file, length) != 0 ||
            errors->lines[at - 1][length] != ':')
            break;
        errors->lines[at] = errors->lines[at - 1];
        errors->positions[at] = errors->positions[at - 1];
    }
    errors->lines[at] = line;
    errors->positions[at] = position;
}

void config_errors_at(struct config_errors *errors, const struct place *place, int line, int column,
                      const char *format, ...)
{
    struct text text = {0}, path = {0};
    va_list arguments;
    char *message = NULL;

    if (errors->count > CONFIG_ERRORS)
        return;
    const char *file = config_errors_path(place, &path);
    text_add(&text, file);
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
    text_sanitize(text.bytes);
    config_errors_insert(errors, file, (struct node_position){line, column}, text_take(&text));
}

void config_errors_free(struct config_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        free(errors->lines[i]);
    free(errors->lines);
    free(errors->positions);
    *errors = (struct config_errors){0};
}
