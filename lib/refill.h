/*
 * What REINDEX in place will make of the order of an index's leaves. It fills the very pages that
 * it frees: freed in key order they go to the freelist trunk by trunk
 * (fileformat2.html#the_freelist
 * ), about a thousand to a trunk, and come back from each in ascending order (allocateBtreePage
 * near page 1, as a bulk load asks in balance_nonroot, btree.c). So within a trunk's worth of pages
 * order is restored as well as those pages allow: if they lie far apart, it isn't. Pure.
 */
#ifndef REFILL_H
#define REFILL_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty; memory is bounded by a trunk's size. */
struct refill {
    uint32_t *pages; /* of the trunk under way */
    size_t count, room;
    int64_t jumps, steps;
};

/* The next leaf in key order; `page_size` is the database's. */
void refill_leaf(struct refill *refill, uint32_t page, uint32_t page_size);
/* The fragmentation to expect, from 0 to 1; empties it for the next index. */
double refill_conclude(struct refill *refill);
void refill_free(struct refill *refill);

#endif
