/* The forecast, a trunk's worth of leaves at a time. */
#include "refill.h"

#include "memory.h"
#include "pages.h"

#include <stdlib.h>

enum { REFILL_TRUNK_LEAST = 113 /* of the smallest pages, 480 usable bytes */ };

static int refill_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* From the last page of a trunk it goes back to the first of the next. */
static void refill_trunk(struct refill *refill)
{
    if (refill->steps > 0 || refill->jumps > 0) {
        refill->steps++;
        refill->jumps++;
    }
    qsort(refill->pages, refill->count, sizeof *refill->pages, refill_order);
    for (size_t i = 1; i < refill->count; i++)
        refill->jumps += refill->pages[i] - refill->pages[i - 1] > PAGES_FORWARD;
    refill->steps += (int64_t)refill->count - 1;
    refill->count = 0;
}

void refill_leaf(struct refill *refill, uint32_t page, uint32_t page_size)
{
    size_t room = page_size / 4 - 7; /* a trunk page, and as many leaves as SQLite puts on it */

    if (room < REFILL_TRUNK_LEAST)
        room = REFILL_TRUNK_LEAST;
    if (room > refill->room) {
        refill->pages = memory_resize(refill->pages, room, sizeof *refill->pages);
        refill->room = room;
    }
    refill->pages[refill->count++] = page;
    if (refill->count == refill->room)
        refill_trunk(refill);
}

double refill_conclude(struct refill *refill)
{
    if (refill->count)
        refill_trunk(refill);
    double share = refill->steps > 0 ? (double)refill->jumps / (double)refill->steps : 0;
    refill->jumps = refill->steps = 0;
    return share;
}

void refill_free(struct refill *refill)
{
    free(refill->pages);
    *refill = (struct refill){0};
}
