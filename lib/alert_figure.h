/*
 * Figures: what the effect of a sample says of each metric. Pure.
 */
#ifndef ALERT_FIGURE_H
#define ALERT_FIGURE_H

#include "alert.h"

#include <stdint.h>

/* What of the database is meant. */
struct alert_scope {
    const char *table; /* NULL: all of it */
    int64_t min_index; /* bytes; smaller indexes don't count */
};

struct alert_figure {
    double value;     /* in the metric's unit */
    bool none;        /* it has no index that counts, so the value is as good as can be */
    const char *name; /* of the table or index that has it: the effect's or the scope's; or NULL */
    double bytes;     /* more about it, behind all else; 0: nothing */
};

typedef bool alert_figure_function(const json_t *effect, const struct alert_scope *scope,
                                   struct alert_figure *figure);

alert_figure_function alert_figure_table_size, alert_figure_table_rows, alert_figure_file_size,
    alert_figure_free_ratio, alert_figure_wal_size, alert_figure_disk_free,
    alert_figure_index_fragmentation, alert_figure_index_density;

#endif
