/* Retention: rows older than their time go. Here its options; task_retention.c acts on them. */
#ifndef TASK_RETENTION_H
#define TASK_RETENTION_H

#include "task.h"
#include "timestamp.h"
#include "units.h"

#include <stdbool.h>
#include <stdint.h>

/* What becomes of rows that refer to those that go. */
enum retention_cascade { CASCADE_REFUSE, CASCADE_DELETE, CASCADE_ARCHIVE };

/* From none to the narrowest. */
enum archive_partition { PARTITION_NONE, PARTITION_YEAR, PARTITION_MONTH, PARTITION_DAY };

/* Files of JSON lines, or a SQLite file a year. */
enum archive_to { ARCHIVE_TO_LINES, ARCHIVE_TO_DATABASE };

struct archive_options {
    char *directory; /* NULL: nothing is archived */
    int partition, to;
    int64_t segment_rows, segment_bytes;
};

struct retention_options {
    struct task_common common;
    char *table, *column;
    int format; /* enum time_format */
    char *zone; /* of text without one; NULL: not known */
    struct span keep;
    struct span keep_min;    /* not set: the same as keep */
    bool allow_short;        /* a keep or keep_min of less than a day is meant */
    int64_t max_size;        /* bytes; -1: any */
    int64_t max_rows;        /* -1: any */
    int64_t when_rows_above; /* with fewer rows nothing goes */
    double max_delete;       /* the share of the rows that one run may remove */
    int cascade;             /* enum retention_cascade */
    struct archive_options archive;
    struct span keep_archives; /* of a segment's youngest row; not set: for ever */
};

extern const struct option retention_options[];
/* For struct option_section. */
const char *retention_check(const void *values, char *why);

#endif
