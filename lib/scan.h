/*
 * Reads a table's time column and keys from one end to the other, in slices that can be as short
 * as a hold must be: each slice goes on where the last one ended. By age through an index where
 * there is one, else by key. It holds no snapshot between the slices and never writes. A row that
 * is there all the time is given; by age, unless the index has the rows of one time by key, one may
 * be given again when rows of its very time are inserted meanwhile, and left out when others delete
 * such rows that the scan has passed.
 */
#ifndef SCAN_H
#define SCAN_H

#include "database.h"
#include "error.h"
#include "table.h"

#include <stdbool.h>
#include <stdint.h>

struct scan;

/* The times to read, from <= time < before: SQL literals; NULL: no such end. */
struct scan_range {
    const char *from, *before;
};

/* By age if there is a `range`, which needs the table's index (or key); with NULL by key, all. */
enum status scan_open(struct database *database, const struct table *table,
                      const struct scan_range *range, struct scan **scan,
                      struct error *error) MUST_CHECK;
/* The same, and each row has further columns behind those of the key: SQL, `a`, `b`. */
enum status scan_open_columns(struct database *database, const struct table *table,
                              const struct scan_range *range, const char *columns,
                              struct scan **scan, struct error *error) MUST_CHECK;
void scan_close(struct scan *scan);

/* What is called for each row: column 0 of the statement is the time, the key's columns follow.
 * Returning false ends the slice after this row. */
typedef bool scan_row(void *argument, sqlite3_stmt *row);

/* Reads on. `*more` is false when the end was reached. */
enum status scan_slice(struct scan *scan, scan_row *each, void *argument, bool *more,
                       struct error *error) MUST_CHECK;

/* Rows that the scan has passed were deleted since, all of them from its last position back: how
 * many of these had the time value at which it stands. */
void scan_forget(struct scan *scan, int64_t deleted_at_position);
/* Whether `value` is the time value at which the scan stands. */
bool scan_at_position(const struct scan *scan, sqlite3_value *value);

#endif
