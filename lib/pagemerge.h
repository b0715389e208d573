/*
 * Two leaves of a b-tree that are neighbours become one, where the cells of both fit on a page
 * (fileformat2.html#b_tree_pages). In a table the key between them goes, since it is but a copy; in
 * an index it is an entry of its own, and comes down between theirs. It works on bytes in memory;
 * whatever they are, it never looks outside the pages.
 */
#ifndef PAGEMERGE_H
#define PAGEMERGE_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* A page of the three, as it is. */
struct pagemerge_page {
    const unsigned char *bytes;
    uint32_t number;
};

struct pagemerge {
    struct pagemerge_page parent;
    uint32_t child; /* the left one's place among the parent's children, from 0 */
    struct pagemerge_page left, right;
    uint32_t usable; /* bytes of a page; none is reserved */
};

/* `parent` and `leaf` have room for a page each. Where `*fits` is true, they are what the parent
 * and the left leaf are to be, and nothing names the right one any more; else they are anything. A
 * parent that would be left with one child alone counts as no fit. STATUS_INVALID: a page is not of
 * the kind that it must be, and why. */
enum status pagemerge(const struct pagemerge *merge, unsigned char *parent, unsigned char *leaf,
                      bool *fits, struct error *error) MUST_CHECK;

/* How full a page is, in 255ths of its room; 255 where that can't be told. */
uint8_t pagemerge_filled(const unsigned char *bytes, uint32_t number, uint32_t usable);

#endif
