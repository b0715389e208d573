/* A set of page numbers: a bit for each page of a file. */
#ifndef PAGESET_H
#define PAGESET_H

#include <stdbool.h>
#include <stdint.h>

/* A bit for each page: a set takes at most 128 MiB, whatever a file claims. */
#define PAGESET_MAX ((uint32_t)1 << 30)

struct pageset {
    unsigned char *bits;
    uint32_t pages; /* the greatest that it can hold, at most PAGESET_MAX */
};

/* Makes it an empty set for pages 1 to `pages`; also one that was used before. */
void pageset_reset(struct pageset *set, uint32_t pages);
/* False if `page` was in it already. */
bool pageset_add(struct pageset *set, uint32_t page);
bool pageset_has(const struct pageset *set, uint32_t page); /* a page beyond it is not */
void pageset_remove(struct pageset *set, uint32_t page);
/* The lowest page of it from `page` on; 0: there is none. */
uint32_t pageset_next(const struct pageset *set, uint32_t page);
void pageset_free(struct pageset *set);

#endif
