/*
 * When calendar expressions elapse, in one line of text each: five moments in UTC, "never" for an
 * expression that doesn't. By ours, and by `systemd-analyze calendar`.
 */
#ifndef LIB_ELAPSES_H
#define LIB_ELAPSES_H

#include <stdbool.h>
#include <stddef.h>

enum { ELAPSES = 5 };

/* Where and from when on one looks ahead. */
struct elapses_setting {
    const char *zone; /* the host's, by TZ */
    const char *base; /* "2026-03-29 00:50:00", in UTC */
};

/* The caller's to free. NULL: no expression. Sets TZ. */
char *elapses_ours(const struct elapses_setting *setting, const char *expression);

/* Systemd's answers, in one call, each the caller's to free. NULL: it gave up ("infinite loop in
 * calendar calculation"), or does not take the expression. */
void elapses_theirs(const struct elapses_setting *setting, char *const expressions[], size_t count,
                    char *answers[]);

/* Whether both answers are the same, but for the corners of systemd 252 that calendar.h names: it
 * passes over some elapses of an open step, and goes astray with days from the month's end near a
 * change of the clock. */
bool elapses_agree(const struct elapses_setting *setting, const char *expression, const char *ours,
                   const char *theirs);

#endif
