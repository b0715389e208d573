/* Which name was meant, and the message about it. */
#include "suggest.h"

#include "nearest.h"
#include "text.h"

#include <stdio.h>

const char *suggest_nearest(const char *wanted, const char *const *names, size_t count)
{
    struct nearest nearest = {0};

    for (size_t i = 0; i < count; i++)
        nearest_offer(&nearest, wanted, names[i]);
    return nearest.word;
}

void suggest_report(const char *where, const char *what, const char *wanted,
                    const char *const *names, size_t count)
{
    const char *nearest = suggest_nearest(wanted, names, count);
    struct text line = {0};

    text_addf(&line, "%s: no %s \"%s\"", where, what, wanted);
    if (nearest)
        text_addf(&line, "; did you mean \"%s\"? There are: ", nearest);
    else
        text_add(&line, count ? "; there are: " : "; there is none");
    for (size_t i = 0; i < count; i++)
        text_addf(&line, "%s%s", i ? ", " : "", names[i]);
    text_sanitize(line.bytes);
    fprintf(stderr, "%s\n", line.bytes);
    text_free(&line);
}
