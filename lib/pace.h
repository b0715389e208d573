/*
 * The manners of a lease, as pure functions: how long to stay away from the write lock after
 * having held it. The figures behind them are measurements; the waiting times are those of
 * SQLite's own busy handler (sqliteDefaultBusyCallback in main.c).
 */
#ifndef PACE_H
#define PACE_H

#include <stdbool.h>

enum pace_profile {
    PACE_ALONE, /* nobody else has the database open: no gaps */
    PACE_IDLE,  /* others have it open but don't write: short gaps, and now and then a long one */
    PACE_ONE,   /* at most one writer at a time waits: the gap ends when it got in */
    PACE_MANY   /* waiters collide with each other: long gaps, never ended early */
};

/* `connections` of others, -1 unknown; `rate`: their commits a millisecond, `quiet_ms`: how long
 * they have made none. */
enum pace_profile pace_profile(int connections, double rate, double quiet_ms, double max_lock_ms);

/* How long a writer that began to wait during a hold of `hold_ms` may sleep before it looks
 * again, and one millisecond: a gap this long lets it in. */
double pace_busy_step(double hold_ms);

/* How long a hold should last, its commit included: a little less than max_lock, and where one
 * writer waits, so long that it looks again soon after, if that makes the hold not much shorter. */
double pace_hold(enum pace_profile profile, double max_lock_ms);

/* The whole gap, and the part of it that may not be cut short by a foreign commit. */
struct pace_gap {
    double whole_ms, least_ms;
};

/* The gap after a hold of `hold_ms`. `since_ms` is how long ago the last gap ended that would have
 * let in whoever waited; for PACE_IDLE alone. */
struct pace_gap pace_gap(enum pace_profile profile, double hold_ms, double duty, double since_ms);

#endif
