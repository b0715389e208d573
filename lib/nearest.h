/* The known word that a mistyped one was probably meant to be. */
#ifndef NEAREST_H
#define NEAREST_H

#include <stddef.h>

/* Starts empty ({0}); offer it words, then read `word`, NULL where none is near enough. */
struct nearest {
    const char *word; /* not owned */
    size_t distance;
};
void nearest_offer(struct nearest *nearest, const char *typed, const char *word);

#endif
