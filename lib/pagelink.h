/*
 * The links of a page: where in its bytes the numbers of other pages stand (fileformat2.html,
 * "B-tree Pages" and "Cell Payload Overflow Pages"). A page of a b-tree names its children and the
 * first overflow page of each payload, an overflow page the next one. It works on bytes in memory;
 * whatever they are, it never looks outside the page.
 */
#ifndef PAGELINK_H
#define PAGELINK_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a page is to the page that names it. */
enum pagelink_kind {
    PAGELINK_NONE,
    PAGELINK_CHILD, /* a page of a b-tree: a child of an interior page, or a root */
    PAGELINK_FIRST, /* the first overflow page of a payload */
    PAGELINK_NEXT   /* a further one */
};

struct pagelink {
    uint32_t at;   /* the byte of the page where the number begins, 4 bytes, big-endian */
    uint32_t page; /* the number */
    enum pagelink_kind kind;
};

/* Zero-initialised it is empty, and keeps its memory from page to page. */
struct pagelinks {
    struct pagelink *items;
    size_t count, room;
    bool leaf; /* the page is a leaf of a b-tree */
};

/* Lists the links of the page, in key order. `kind` is what the page itself is; page 1 is a
 * PAGELINK_CHILD. STATUS_INVALID: it is no such page, and why. */
enum status pagelink_list(const unsigned char *bytes, uint32_t number, uint32_t usable,
                          enum pagelink_kind kind, struct pagelinks *links,
                          struct error *error) MUST_CHECK;
/* Where on a page that is of kind `from` the number `to` stands, as a link of `kind`: the first
 * such byte. False: nowhere, or not before something that is no such page. Cheaper than a list. */
bool pagelink_find(const unsigned char *bytes, uint32_t number, uint32_t usable,
                   enum pagelink_kind from, uint32_t to, enum pagelink_kind kind, uint32_t *at);
void pagelink_free(struct pagelinks *links); /* what it holds, not the struct */

#endif
