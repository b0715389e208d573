/* A bit for each page; calloc's fresh pages cost nothing until a bit is set. */
#include "pageset.h"

#include "memory.h"

#include <assert.h>
#include <stdlib.h>

void pageset_reset(struct pageset *set, uint32_t pages)
{
    assert(pages <= PAGESET_MAX);
    free(set->bits);
    set->bits = memory_zeroed(pages / 8 + 1, 1);
    set->pages = pages;
}

bool pageset_add(struct pageset *set, uint32_t page)
{
    unsigned char bit = (unsigned char)(1U << page % 8);

    assert(page <= set->pages);
    if (set->bits[page / 8] & bit)
        return false;
    set->bits[page / 8] |= bit;
    return true;
}

bool pageset_has(const struct pageset *set, uint32_t page)
{
    return page <= set->pages && set->bits && set->bits[page / 8] & 1U << page % 8;
}

void pageset_remove(struct pageset *set, uint32_t page)
{
    assert(page <= set->pages);
    set->bits[page / 8] &= (unsigned char)~(1U << page % 8);
}

/* Byte by byte where nothing is set, which is fast enough: a megabyte has the bits of 32 GiB. */
uint32_t pageset_next(const struct pageset *set, uint32_t page)
{
    for (; set->bits && page <= set->pages; page++) {
        if (page % 8 == 0 && !set->bits[page / 8])
            page += 7;
        else if (pageset_has(set, page))
            return page;
    }
    return 0;
}

void pageset_free(struct pageset *set)
{
    free(set->bits);
    *set = (struct pageset){0};
}
