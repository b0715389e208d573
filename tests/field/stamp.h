/* Points in time as applications write them into a column: one row of a table a format. */
#ifndef STAMP_H
#define STAMP_H

#include <sqlite3.h>
#include <stdint.h>

struct stamp_format {
    const char *name; /* as the policy's `format:`, or "iso" for datetime with T and Z */
    char separator;   /* between a text's date and time; 0: a number */
    int64_t us;       /* that the last digit counts */
};

extern const struct stamp_format stamp_formats[]; /* ends with a NULL name */

const struct stamp_format *stamp_find(const char *name); /* or NULL */
/* The format of the value in a column of the current row, or NULL if it is none of these. */
const struct stamp_format *stamp_detect(sqlite3_stmt *row, int column);
void stamp_bind(sqlite3_stmt *statement, int parameter, const struct stamp_format *format,
                int64_t time_us);
int64_t stamp_now(void); /* microseconds since 1970, UTC */

#endif
