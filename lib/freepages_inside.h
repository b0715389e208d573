/* What the two rooms of the freelist share: reading (freepages.c) and changing
 * (freepages_change.c).
 */
#ifndef FREEPAGES_INSIDE_H
#define FREEPAGES_INSIDE_H

#include "freepages.h"

enum { FREE_AT_NEXT = 0, FREE_AT_COUNT = 4, FREE_AT_LEAVES = 8 }; /* of a trunk page */

/* An empty trunk for `page`, in no place of the order yet. It may move all others in memory. */
size_t freepages_new_trunk(struct freepages *list, uint32_t page);
/* Of the trunks nothing is known; the set stays. */
void freepages_forget_trunks(struct freepages *list);
void freepages_drop_trunk(struct freepages *list, size_t index); /* from memory alone */
/* Behind all others; whose `next` leads to it is the caller's. */
void freepages_append(struct freepages *list, size_t index);

#endif
