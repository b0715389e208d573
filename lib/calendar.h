/*
 * Calendar expressions as systemd.time(7) has them: "Mon..Fri *-*-1/5 02:30 Europe/Berlin". The
 * oracle is `systemd-analyze calendar`: what it takes is taken, with the same canonical text.
 */
#ifndef CALENDAR_H
#define CALENDAR_H

#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* Values from `start` to `stop` (-1: no range) in steps of `repeat` (0: none). */
struct calendar_component {
    int start, stop, repeat;
};

/* Alternatives in ascending order; none means any value. */
struct calendar_chain {
    struct calendar_component *components;
    size_t count;
};

struct zone;

struct calendar {
    unsigned weekdays; /* bit 0 is Monday; 0: any day */
    bool from_end;     /* days count from the month's end: 1 is its last */
    struct calendar_chain year, month, day, hour, minute;
    struct calendar_chain microsecond; /* of the minute */
    char *zone_name;                   /* NULL: the host's own, as it was at loading */
    struct zone *zone;
};

/* STATUS_INVALID says what is wrong. The calendar is the caller's, for calendar_free. */
enum status calendar_parse(const char *text, struct calendar **calendar,
                           struct error *error) MUST_CHECK;
void calendar_free(struct calendar *calendar);
/* The first moment after `after_us` (UTC, microseconds) at which it elapses, in the years 1970 to
 * 2199; INT64_MAX: never again. Pure.
 *
 * It is systemd's calendar_spec_next_usec(): it looks ahead along the clock on the wall. So a time
 * that daylight saving skips is skipped; of a time that comes twice the first counts, and what lies
 * within the second counts only from in there. Where systemd 252 goes astray this does not follow:
 * it passes over an elapse or gives up where an open step (4/16) runs over its end; it passes over
 * the rest of a day on which a clock goes forward from what the zone calls daylight time (Dublin);
 * and days that count from the month's end are off by an hour or a day near a change. */
int64_t calendar_next(const struct calendar *calendar, int64_t after_us);
/* Canonical text: what `systemd-analyze calendar` calls the normalized form. */
void calendar_text(const struct calendar *calendar, struct text *out);

#endif
