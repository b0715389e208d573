/*
 * A sample of a b-tree's leaves and what follows from it: density, entries, overflow pages, each
 * as an estimate for all leaves. It reads no file; the same leaves always give the same sample.
 */
#ifndef LEAFSAMPLE_H
#define LEAFSAMPLE_H

#include "btreepage.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

enum { LEAFSAMPLE_MAX = 200 }; /* leaves that are remembered, hence read at most */

/* What one leaf says. */
struct leafsample_leaf {
    int64_t room, unused;   /* bytes: btreepage_room and btreepage_unused */
    int64_t entries;        /* its cells */
    int64_t overflow_pages; /* of all its cells */
};

/* Zero-initialised it is empty. */
struct leafsample {
    uint32_t *leaves; /* a reservoir: each leaf is in it with the same probability */
    int64_t kept, offered;
    uint64_t random;
    uint32_t first; /* the leaf that the walk has read ... */
    struct leafsample_leaf first_leaf;
    bool first_sound; /* first_leaf could be measured */
    int64_t read;     /* leaves added, and what they sum up to: */
    struct leafsample_leaf sum;
    double overflow_squares;
};

struct leafsample_estimate {
    /* 1 - sum(unused) / sum(room), as pgstatindex's avg_leaf_density: cells and their pointers
     * count as used, a page's headers neither as used nor as room. */
    double density;
    double entry_bytes; /* bytes used by leaves and overflow pages, over entries */
    int64_t entries, overflow_pages;
    int64_t overflow_error; /* the 95% half-width; 0 where all leaves were read */
};

void leafsample_offer(struct leafsample *sample, uint32_t leaf);
/* How many leaves have to be read for the largest sample. */
int64_t leafsample_wanted(const struct leafsample *sample);
/* Leaves at most `most` of them to read, in `leaves`, sorted. `first_leaf`, if in the sample, is
 * added already. */
void leafsample_choose(struct leafsample *sample, int64_t most);

/* STATUS_INVALID: the leaf is damaged; `pages` is the file's count, which bounds a payload. */
enum status leafsample_measure(const struct btreepage *page, uint32_t pages,
                               struct leafsample_leaf *leaf, struct error *error) MUST_CHECK;
void leafsample_add(struct leafsample *sample, const struct leafsample_leaf *leaf);

void leafsample_estimate(const struct leafsample *sample, uint32_t page_size,
                         struct leafsample_estimate *estimate);
void leafsample_free(struct leafsample *sample);

#endif
