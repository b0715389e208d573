/* How long each step has held the lock, for what is told of a run. */
#ifndef LEASE_HOLDS_H
#define LEASE_HOLDS_H

#include "outcome.h"

#include <stddef.h>

/* Zero-initialised it is none. */
struct lease_holds {
    float *ms; /* each of them, in milliseconds */
    size_t count, capacity;
    double total_ms;
};

void lease_holds_add(struct lease_holds *holds, double ms);
/* Their number and sum, the longest, and what 99 of 100 did not exceed. */
void lease_holds_tell(const struct lease_holds *holds, struct outcome_lock *lock);
void lease_holds_free(struct lease_holds *holds); /* what it holds, not the struct */

#endif
