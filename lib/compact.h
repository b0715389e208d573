/*
 * The online compaction of a file with auto_vacuum NONE: its pages go into key order, what is free
 * goes to its end, and the end is cut off, in steps under the lease, while the application writes.
 *
 * What is known outside the lock (which page names which) is a hint and no more. Within each hold
 * the freelist and the roots are read anew, and no page moves before it is proven to be live: the
 * page that is said to name it does, is not free, and is live itself, up to page 1. After the move
 * that page names the new place. What can't be proven is left where it is.
 */
#ifndef COMPACT_H
#define COMPACT_H

#include "error.h"
#include "task_engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compact;

struct compact_result {
    int64_t given;          /* pages that the file is shorter by, through us */
    int64_t moved, swapped; /* pages */
    int64_t merged;         /* pages that became free, since their cells went to a neighbour */
    int64_t left;           /* pages that could not be put in order, since others wrote there */
    int64_t scans;          /* of the whole file, for hints */
    int64_t interior_scans; /* of the interior pages alone, for the hints of leaves */
    int64_t steps;          /* that were committed and have changed pages, the freelist's too */
};

/* `engine`'s database is a connection that is for this alone, with a lease of its own; `reading` is
 * another one, without a transaction. Both outlive it. */
enum status compact_open(struct engine *engine, struct database *reading, struct compact **compact,
                         struct error *error) MUST_CHECK;
void compact_close(struct compact *compact);

/* Walks all of the file in one snapshot: each page of it must be in one b-tree, once, or free, or
 * the lock-byte page. STATUS_REFUSED: not so, and which. In rollback-journal mode nobody can write
 * meanwhile. Once `*enough` is true, it ends: STATUS_CANCELLED. */
enum status compact_audit(struct compact *compact, const bool *enough,
                          struct error *error) MUST_CHECK;

/* Merges neighbouring leaves, of which one is filled less than `below` (a share), where both fit on
 * a page. After an audit; what was seen there tells which may. */
enum status compact_merge(struct compact *compact, double below, struct error *error) MUST_CHECK;

/* B-trees, by their names in the schema. */
struct compact_choice {
    const char *const *names;
    size_t count;
};

/* Puts the leaves of all b-trees (`choice` is NULL), and the overflow pages behind each, into key
 * order, in the first pages of the file. With a choice it is those alone, in the pages that they
 * have now and the free ones: no page of another b-tree is touched. */
enum status compact_order(struct compact *compact, const struct compact_choice *choice,
                          struct error *error) MUST_CHECK;
/* Moves pages from the file's end into free ones and cuts the end off, until `most` pages are given
 * back or none is free. */
enum status compact_shrink(struct compact *compact, int64_t most, struct error *error) MUST_CHECK;

/* So far, whichever way it ended. */
const struct compact_result *compact_result(const struct compact *compact);

#endif
