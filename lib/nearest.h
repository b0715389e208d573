/* The known word that a mistyped one was probably meant to be. */
#ifndef NEAREST_H
#define NEAREST_H

#include <stddef.h>

/* How many edits apart two words are: letters inserted, deleted, replaced, or two exchanged. */
size_t nearest_distance(const char *a, const char *b);

/* Starts empty ({0}); offer it words, then read `word`, NULL where none is near enough. */
struct nearest {
    const char *word; /* not owned */
    size_t distance;
};
void nearest_offer(struct nearest *nearest, const char *typed, const char *word);

#endif
