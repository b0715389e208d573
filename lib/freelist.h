/*
 * The freelist (fileformat2.html#the_freelist): trunk pages, each naming leaves, all free. Only the
 * trunks are read.
 */
#ifndef FREELIST_H
#define FREELIST_H

#include "error.h"
#include "pagefile.h"
#include "pageset.h"

#include <stdint.h>

/* Follows the freelist over at most `trunks` trunk pages and checks that its pages are in the file,
 * in nothing else (`taken` has all pages met so far) and as many as the header counts (where it got
 * to the end). STATUS_INVALID: something is wrong, and what. */
enum status freelist_check(struct pagefile *file, struct pageset *taken, int64_t trunks,
                           struct error *error) MUST_CHECK;

#endif
