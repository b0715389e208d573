/*
 * When a task is due: its calendar, what is known of its past, and the jitter of its database.
 * Pure; moments are UTC in microseconds since 1970.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "calendar.h"
#include "units.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule_past {
    int64_t seen_us;    /* since when this task of this database is known; -1: just now */
    int64_t started_us; /* when the last run that counts began; -1: it never ran */
};

/* What was seen just now is seen now; and where the past lies in the future, as after the clock was
 * set back, the task counts as seen now, too. A run in the future keeps its time, and counts again
 * as soon as the clock has got there, by itself or because it was put right. Returns whether
 * anything changed. Whoever keeps a past settles it when it is loaded and whenever the clock was
 * set, and at no other time: each look would put the next run off. */
bool schedule_settle(struct schedule_past *past, int64_t now_us);

/* When it is due next, INT64_MAX: never. It is due `jitter_us` after each elapse of the calendar,
 * all of which is moved by that much: so a jitter longer than the calendar's own steps loses no
 * run. A run that was missed, however often, is due once, in the past; a task that is seen for the
 * first time has missed nothing. The past is settled. No run may begin before it is due, else it
 * would be due again. */
int64_t schedule_due(const struct calendar *calendar, const struct schedule_past *past,
                     int64_t jitter_us, int64_t now_us);

/* How much later than scheduled the tasks of the database at `path` are due: from 0 to less than
 * `most`, ever the same for a path and a `most`, evenly spread over paths; 0 where `most` is. */
int64_t schedule_jitter(const char *path, const struct span *most);

/* How long to wait before it is tried again, after so many failures in a row, at least 1: 1 min,
 * then twice as long each time, 1 h at most. The first is short since most causes go by
 * themselves (a restart, a full disk that is being cleared, a file being exchanged); but what does
 * not is looked at 24 times a day, which costs little and journals little, and finds it mended
 * within the hour. The calendar goes on beside it: what is due earlier is due. */
int64_t schedule_retry(unsigned failures);

#endif
