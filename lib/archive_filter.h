/*
 * Which rows of an archive are wanted: by their times, and by an SQL expression over their
 * columns, which a SQLite of its own evaluates: in memory, with one table, and with nothing
 * allowed but to read that and to compute. Opens no database.
 */
#ifndef ARCHIVE_FILTER_H
#define ARCHIVE_FILTER_H

#include "archive_row.h"

#include <stdbool.h>
#include <stdint.h>

struct archive_filter;
struct zone;

struct archive_wanted {
    int64_t since_us, until_us; /* from the first on, before the second; -1: any */
    const char *where;          /* NULL: any */
    const char *zone;           /* of times without one; NULL: UTC, as in the partitions' names */
};

/* For rows of `columns`, which is borrowed. A column that only `further` has (may be NULL: another
 * segment's, of the same table) is NULL to the expression. Values have their columns' affinities,
 * and the collation of all is BINARY. STATUS_INVALID: no such expression, or no such zone. */
enum status archive_filter_open(const struct archive_wanted *wanted,
                                const struct archive_columns *columns,
                                const struct archive_columns *further,
                                struct archive_filter **filter, struct error *error) MUST_CHECK;
void archive_filter_close(struct archive_filter *filter); /* safe on NULL */

/* Whether a row is wanted. `*time_us` (may be NULL) is its time, as it is called, not the latest
 * that it can mean; -1 where it is none: such a row is not wanted if times matter. STATUS_INVALID:
 * the expression fails on it. */
enum status archive_filter_row(struct archive_filter *filter, const struct archive_row *row,
                               bool *wanted, int64_t *time_us, struct error *error) MUST_CHECK;

/* The time of a value, as above. */
int64_t archive_filter_time(sqlite3_value *value, const struct zone *zone);

#endif
