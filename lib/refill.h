/*
 * What REINDEX in place will make of the order of an index's leaves. It fills the very pages that
 * it frees. Freed in key order, they go to the freelist (fileformat2.html#the_freelist), about a
 * thousand to a trunk, and come back trunk by trunk, each in ascending order (allocateBtreePage,
 * asked for pages near 1 by a bulk load's balance_nonroot, in btree.c). So within a trunk's worth
 * of pages the order is as good as those pages allow, and no better where they lie far apart. Free
 * pages that were there before matter to an index of less than a trunk's worth alone; what
 * auto_vacuum=FULL moves at the commit is left out. Pure.
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
