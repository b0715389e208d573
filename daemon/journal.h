/*
 * What happened, told to the operator: under systemd as journal entries with fields of their own
 * (see litekeeper(8)), else as lines on standard error. One entry a run, an alert's change, or a
 * change of the daemon itself. Runs in the daemon; never waits for the journal, and a journal that
 * takes nothing is no error: standard error gets the line then.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "alarms.h"

#include <jansson.h>

/* A task's outcome (event.h) on the file at `path`. Quiet kinds are told only if they failed. */
void journal_outcome(const json_t *outcome, const char *path);
void journal_alarm(enum alarm_change change, const struct alarm *alarm);

/* The daemon's own life. */
enum journal_event {
    JOURNAL_STARTED,
    JOURNAL_STOPPED,
    JOURNAL_RELOADED,
    JOURNAL_RELOAD_FAILED, /* the old policy stays */
    JOURNAL_PAUSED,
    JOURNAL_RESUMED,
    JOURNAL_FOUND, /* a database that was not there before */
    JOURNAL_GONE,
    JOURNAL_EVENTS
};

void journal_event(enum journal_event event, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same about one database; each may be NULL. */
void journal_event_of(enum journal_event event, const char *database, const char *path,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
