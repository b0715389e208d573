/*
 * When a task is due: its calendar, what is known of its past, and the jitter of its database.
 * Pure; moments are UTC in microseconds since 1970.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "calendar.h"
#include "units.h"

#include <stdint.h>

struct schedule_past {
    int64_t seen_us;    /* when this task of this database was first known; -1: just now */
    int64_t started_us; /* when the last run that counts began; -1: it never ran */
};

/* When it is due next, INT64_MAX: never. A run that was missed, however often, is due once, in
 * the past. A past that lies in the future, as after the clock was set back, counts as now. */
int64_t schedule_due(const struct calendar *calendar, const struct schedule_past *past,
                     int64_t jitter_us, int64_t now_us);

/* How much later than scheduled the tasks of the database at `path` are due: from 0 up to `most`,
 * ever the same for a path, evenly spread over paths. */
int64_t schedule_jitter(const char *path, const struct span *most);

/* How long to wait after so many failures in a row, at least 1: it doubles, up to a limit. */
int64_t schedule_retry(unsigned failures);

#endif
