/*
 * Conditions that find what comes behind (or before) an entry in the order of an index. A
 * comparison of row values does not: it ends at the first NULL, and knows no DESC. So there is one
 * condition for each column, with those to the left of it equal, and they are asked in order.
 */
#ifndef REBUILD_RANGE_H
#define REBUILD_RANGE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct range_column {
    const char *sql; /* the column, with a collation where the index has another one than it */
    bool descending;
};

struct range_segment {
    char *condition; /* of parameters ?1 to ?level */
    size_t level;
    bool for_null; /* it holds where the value of that level is NULL; else where it is not */
};

struct range {
    size_t columns;
    struct range_segment *segments;
    size_t count;
    char *order, *backwards; /* "k1 DESC, k2", and the other way round */
};

enum range_side { RANGE_BEHIND, RANGE_BEFORE };

void range_build(struct range *range, const struct range_column *columns, size_t count,
                 enum range_side side);
void range_free(struct range *range);

/* Whether a segment is to be asked for that position (as many values as columns). */
bool range_applies(const struct range *range, size_t segment, sqlite3_value *const *position);
void range_bind(const struct range *range, size_t segment, sqlite3_value *const *position,
                sqlite3_stmt *statement);

#endif
