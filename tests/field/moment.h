/* Points in time as applications write them into a column: one row of a table a format. */
#ifndef MOMENT_H
#define MOMENT_H

#include <sqlite3.h>
#include <stdint.h>

struct moment_format {
    const char *name; /* as the policy's `format:`, or "iso" for datetime with T and Z */
    char separator;   /* between a text's date and time; 0: a number */
    int64_t us;       /* that the last digit counts */
};

extern const struct moment_format moment_formats[]; /* ends with a NULL name */

const struct moment_format *moment_find(const char *name); /* or NULL */
/* The format of the value in a column of the current row, or NULL if it is none of these. */
const struct moment_format *moment_detect(sqlite3_stmt *row, int column);
void moment_bind(sqlite3_stmt *statement, int parameter, const struct moment_format *format,
                 int64_t time_us);
int64_t moment_now(void); /* microseconds since 1970, UTC */

#endif
