/* Which name was meant: the edit distance between two short names, and the message about it. */
#include "suggest.h"

#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 128 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, a row at a time; SIZE_MAX for names that nobody types. */
static size_t suggest_distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1], length = strlen(b);

    if (length > LONGEST || strlen(a) > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t changed = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = smaller(changed, 1 + smaller(row[j], row[j + 1]));
        }
    }
    return row[length];
}

const char *suggest_nearest(const char *wanted, const char *const *names, size_t count)
{
    size_t best = strlen(wanted) / 3 + 2;
    const char *nearest = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t distance = suggest_distance(wanted, names[i]);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
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
