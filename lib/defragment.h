/*
 * The parts of defragment: what is measured (defragment_measure.c), which tables and indexes are
 * out of order and how much of that can be mended (defragment_decide.c, pure), and the mending,
 * which is vacuum's online way without the shrinking (vacuum_online.c). task_defragment.c is the
 * room that they are entered from.
 */
#ifndef DEFRAGMENT_H
#define DEFRAGMENT_H

#include "vacuum.h"

#include <stddef.h>

struct defragment_options {
    struct task_common common;
    double fragmentation_above;
    int64_t min_size;
    int backup; /* enum vacuum_backup */
    bool replicated;
};

/* What became of a b-tree the last time that it was put in order. */
struct defragment_past {
    bool known;
    double before, after; /* fragmentation */
};

struct defragment_btree {
    char *name;
    bool table;
    int64_t bytes, leaves; /* bytes -1: it is the schema's own, which stays */
    double fragmentation;
    double forecast; /* the fragmentation that will be left at most, if it is among the chosen */
    char *wrong;     /* it is damaged; NULL: it is not */
    struct defragment_past past;
};

struct defragment_facts {
    struct vacuum_facts file; /* the sizes, and what forbids to edit its pages */
    struct defragment_btree *btrees;
    size_t count;
};

/* --- pure: defragment_decide.c ------------------------------------------------------------ */

enum defragment_verdict {
    DEFRAGMENT_SMALL,  /* below min_size */
    DEFRAGMENT_FINE,   /* not over the threshold */
    DEFRAGMENT_WRONG,  /* it is damaged */
    DEFRAGMENT_FUTILE, /* its pages lie so far apart that order among them does not help */
    DEFRAGMENT_TRIED,  /* it was put in order before, and it did not help */
    DEFRAGMENT_WORTH
};

enum defragment_verdict defragment_judge(const struct defragment_options *options,
                                         const struct defragment_btree *btree);
/* Whether it is put in order; with `force` whatever its size and order are. */
bool defragment_wants(const struct defragment_options *options,
                      const struct defragment_btree *btree, bool force);
void defragment_decide(const void *options, const void *facts, int64_t now_us,
                       struct decision *decision);

/* Whose leaf a page is: by page, the b-tree's place in the list plus one; 0: none's. */
struct defragment_map {
    uint32_t *tree_of;
    size_t pages; /* the largest number, plus one */
};

/* The forecast of those b-trees that are `chosen`: they share the pages that their leaves have now,
 * one b-tree after the other, in key order. A free page between them makes it no worse. */
void defragment_forecast(const struct defragment_map *map, const bool *chosen,
                         struct defragment_btree *btrees, size_t count);

/* The same for the rooms of vacuum's online way. */
struct vacuum_options defragment_as_vacuum(const struct defragment_options *options);

/* --- measuring and acting ----------------------------------------------------------------- */

enum status defragment_measure(struct engine *engine, const void *options, void **facts,
                               struct error *error) MUST_CHECK;
/* The b-trees alone, once more, without forecasts. */
enum status defragment_measure_again(struct engine *engine, struct defragment_facts *facts,
                                     struct error *error) MUST_CHECK;
void defragment_free_btrees(struct defragment_facts *facts);
void defragment_free_facts(void *facts);

#endif
