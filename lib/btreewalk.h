/*
 * The walk of one b-tree: its interior pages alone, depth first, which name its leaves in key
 * order; of the leaves it reads the first, to learn how deep they lie. Memory is one page for each
 * level; each page of a file is taken at most once.
 */
#ifndef BTREEWALK_H
#define BTREEWALK_H

#include "btreepage.h"
#include "error.h"
#include "pagefile.h"
#include "pageset.h"

#include <stdint.h>

struct btreewalk_visitor {
    /* An interior page; when it fails with STATUS_INVALID, the b-tree is damaged. */
    enum status (*interior)(void *argument, const struct btreepage *page, struct error *error);
    /* The next leaf in key order; `page` is not NULL for the first one, which was read. */
    void (*leaf)(void *argument, uint32_t number, const struct btreepage *page);
    /* Someone wrote where the walk was: forget all of this b-tree, it begins anew. */
    void (*restart)(void *argument);
    void *argument;
};

/* Walks the b-tree at `root`, which is of kind `table` where that is 1, not where it is 0, and
 * either where it is -1. `*depth` counts its levels, 1 where the root is a leaf. `taken` has the
 * pages met so far in this file, and gets this b-tree's. STATUS_INVALID: the b-tree is damaged, and
 * how; any other failure is that of the whole file. */
enum status btreewalk(struct pagefile *file, struct pageset *taken, uint32_t root, int table,
                      const struct btreewalk_visitor *visitor, int *depth,
                      struct error *error) MUST_CHECK;

/* Whether `page` may be part of a b-tree or of the freelist, and takes it if so. STATUS_INVALID:
 * it is not in the file, has another purpose, or was taken before. */
enum status btreewalk_take(const struct pagefile *file, struct pageset *taken, uint32_t page,
                           struct error *error) MUST_CHECK;

#endif
