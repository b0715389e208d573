/*
 * The look at one b-tree: what the walk of its interior pages and the sample of its leaves say,
 * gathered into its part of the report.
 */
#ifndef TREELOOK_H
#define TREELOOK_H

#include "error.h"
#include "leafsample.h"
#include "pagefile.h"
#include "pages.h"
#include "pages_watch.h"
#include "pageset.h"

#include <stddef.h>
#include <stdint.h>

struct treelook {
    struct pagefile *file;
    struct pageset *taken;
    struct pages_btree *btree; /* its part of the report */
    const struct pages_watch *watch;
    size_t place; /* in the report */
    /* The rest is treelook's own; zero-initialised. */
    uint32_t previous;               /* leaf */
    int64_t jumps;                   /* steps from leaf to leaf that go back or far ahead */
    int64_t entries, overflow_pages; /* of interior pages: exact */
    struct leafsample sample;
    int64_t changes; /* the file's, when the walk began */
};

/* Both put damage into btree->error; what fails is the look at the whole file. */
enum status treelook_walk(struct treelook *look, struct error *error) MUST_CHECK;
/* Reads at most `most` leaves. */
enum status treelook_sample(struct treelook *look, int64_t most, struct error *error) MUST_CHECK;

/* Fills in what follows from walk and sample, all but `bytes`. */
void treelook_conclude(const struct treelook *look);
void treelook_free(struct treelook *look); /* what it holds, not the struct */

#endif
