/* What the page walker sees on its way, besides what it reports: for the forecast of a REINDEX, and
 * for tests. */
#ifndef PAGES_WATCH_H
#define PAGES_WATCH_H

#include "pages.h"

struct pages_watch {
    /* Each leaf in key order; `tree` is its b-tree's place in the report. */
    void (*leaf)(void *argument, size_t tree, uint32_t page);
    /* The b-tree is walked anew: forget its leaves. */
    void (*restart)(void *argument, size_t tree);
    /* All is measured, and the read transaction is still open. */
    void (*measured)(void *argument, sqlite3 *db, const struct pages_report *report);
    void *argument;
};

/* pages_measure, watched; `watch` may be NULL. */
enum status pages_measure_watched(sqlite3 *db, const struct pages_limits *limits,
                                  const struct pages_watch *watch, struct pages_report *report,
                                  struct error *error) MUST_CHECK;

#endif
