/* Duties by the moment at which the scheduler is to look at them: a binary heap. */
#ifndef AGENDA_H
#define AGENDA_H

#include "duty.h"

struct agenda {
    struct duty **duties;
    size_t count, capacity;
};

void agenda_free(struct agenda *agenda); /* what it holds, not the duties */

/* Puts a duty where its look_us belongs; one that is there already moves. */
void agenda_put(struct agenda *agenda, struct duty *duty);
void agenda_remove(struct agenda *agenda, struct duty *duty); /* does nothing if it isn't there */

/* The duty to look at next, NULL where there is none. Of those of one moment it is the one whose
 * task comes first in the policy. */
struct duty *agenda_first(const struct agenda *agenda);

#endif
