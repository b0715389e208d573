/* Edit distance, for hints. Pure. */
#include "nearest.h"

#include <string.h>

enum { NEAREST_LENGTH = 32 /* longer words get no hint */ };

static size_t nearest_least(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* How many edits apart two words are: letters inserted, deleted, replaced, or two exchanged.
 * Optimal string alignment, row by row; only the last three rows matter. */
static size_t nearest_distance(const char *a, const char *b)
{
    size_t rows[3][NEAREST_LENGTH + 1], width = strlen(b);

    if (strlen(a) > NEAREST_LENGTH || width > NEAREST_LENGTH)
        return NEAREST_LENGTH;
    for (size_t j = 0; j <= width; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= strlen(a); i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            row[j] =
                nearest_least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return rows[strlen(a) % 3][width];
}

void nearest_offer(struct nearest *nearest, const char *typed, const char *word)
{
    size_t distance = nearest_distance(typed, word);
    size_t longer = strlen(typed) > strlen(word) ? strlen(typed) : strlen(word);

    if (distance > longer / 3 + (longer < 3) || distance >= longer)
        return;
    if (nearest->word && nearest->distance <= distance)
        return;
    nearest->word = word;
    nearest->distance = distance;
}
