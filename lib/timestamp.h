/*
 * What a value in a time column means. One parser serves detection, counting and deletion. A
 * value counts as the latest moment that it can mean, so that a row is never taken too early.
 */
#ifndef TIMESTAMP_H
#define TIMESTAMP_H

#include "error.h"
#include "text.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct zone;

enum time_format {
    FORMAT_AUTO,     /* in a policy: to be detected; of a value: none of these */
    FORMAT_DATETIME, /* 2026-11-23 12:00[:00[.000]], T or blank, zoneless or Z or +01:00 */
    FORMAT_DATE,     /* 2026-11-23, which lasts till its end */
    FORMAT_UNIX,     /* seconds since 1970 */
    FORMAT_UNIX_MS,
    FORMAT_UNIX_US,
    FORMAT_JULIAN, /* days, as SQLite's julianday() */
    FORMAT_COUNT
};

struct timestamp_rules {
    enum time_format format;
    const struct zone *zone; /* of text without one; NULL: unknown, so 14 h later at the latest */
};

const char *timestamp_format_name(enum time_format format); /* "unix_ms" */

/* Which format a value is in, by its type and shape; FORMAT_AUTO for none, NULL included. Times
 * before 1973-03-03 (10^8 s) are none: they are sentinels, or numbers that are no times, and so
 * the ranges of seconds, milliseconds and microseconds don't overlap. */
enum time_format timestamp_classify(sqlite3_value *value);

/* The latest moment that the value can mean, UTC microseconds; false where it is not in the
 * rules' format, and always for FORMAT_AUTO. */
bool timestamp_read(const struct timestamp_rules *rules, sqlite3_value *value, int64_t *latest_us);

/* Which format a column is in, by how many of `counts[format]` sampled values are in each and
 * how many of `sampled` (NULLs left out) are in none. STATUS_REFUSED: a mixture, or unknown. */
enum status timestamp_detect(const int64_t counts[FORMAT_COUNT], int64_t sampled,
                             enum time_format *format, struct error *error) MUST_CHECK;

/* SQL literals for a range of raw values, low <= value < high, that holds every value of the
 * format that can be read as before `before_us`, and compares as an index does. */
void timestamp_range(enum time_format format, int64_t before_us, struct text *low,
                     struct text *high);
/* A raw value below which every time of the format is before `before_us`, whatever its zone. */
void timestamp_surely(enum time_format format, int64_t before_us, struct text *high);
/* The same for all values of the format: what sorts below `low`, or not below `high`, is none. */
void timestamp_bounds(enum time_format format, struct text *low, struct text *high);

#endif
