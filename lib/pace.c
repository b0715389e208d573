/* How long to stay away from the write lock. Pure. */
#include "pace.h"

#include <math.h>
#include <stddef.h>

/* With several writers each hold makes them collide, and a gap of some holds lets all of them
 * through. The longest wait of four is their luck in SQLite's busy handler: 130 to 330 ms with
 * gaps of 4 to 6.5 holds, whatever the hold, and seconds with gaps that end early. */
static const double pace_many_holds = 4.3;

/* After so long without a commit the others are only readers, and the first one of them that
 * writes waits for at most `pace_idle_since` and one gap more. By then its busy handler has not
 * come to its sleeps of 50 and 100 ms. */
static const double pace_idle_after_ms = 5000, pace_idle_since_ms = 60, pace_idle_gap_ms = 26;

/* SQLite's busy handler sleeps 1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100, 100 ... ms. A writer
 * that waits since the hold began looks at the sums of these, and sleeps on till the next. */
static const struct {
    double since_ms, sleep_ms;
} pace_steps[] = {{3, 5}, {8, 10}, {18, 15}, {33, 20}, {128, 25}, {228, 50}};

double pace_busy_step(double hold_ms)
{
    for (size_t i = 0; i < sizeof pace_steps / sizeof *pace_steps; i++)
        if (hold_ms <= pace_steps[i].since_ms)
            return pace_steps[i].sleep_ms + 1;
    return 100 + 1;
}

static const double pace_aim = 0.95;    /* of max_lock: leaves room for what can't be foreseen */
static const double pace_before = 0.93; /* of the time when a waiter looks */
static const double pace_shorter =
    0.6; /* a hold shorter than this share costs more than it gains */

double pace_hold(enum pace_profile profile, double max_lock_ms)
{
    double aim = pace_aim * max_lock_ms, hold = 0;

    if (profile != PACE_ONE)
        return aim;
    for (size_t i = 0; i < sizeof pace_steps / sizeof *pace_steps; i++)
        if (pace_steps[i].since_ms * pace_before <= aim)
            hold = pace_steps[i].since_ms * pace_before;
    return hold >= pace_shorter * aim ? hold : aim;
}

/* Two writers wait at once only if more than one is there, and about one commits every hold.
 * Where their number is not known, more commits than one writer is likely to make tell. */
enum pace_profile pace_profile(int connections, double rate, double quiet_ms, double max_lock_ms)
{
    double many = connections < 0 ? 4 : 1; /* commits in the time of a hold */

    if (connections == 0)
        return PACE_ALONE;
    if (quiet_ms >= pace_idle_after_ms)
        return PACE_IDLE;
    if (connections == 1 || rate * max_lock_ms < many)
        return PACE_ONE;
    return PACE_MANY;
}

/* Short gaps until it is time again for one that lets in whoever came meanwhile. */
static double pace_idle_gap(double hold_ms, double since_ms)
{
    bool due = since_ms + hold_ms > pace_idle_since_ms;

    return due ? fmax(pace_idle_gap_ms, pace_busy_step(hold_ms)) : 1;
}

struct pace_gap pace_gap(enum pace_profile profile, double hold_ms, double duty, double since_ms)
{
    double least = duty > 0 && duty < 1 ? hold_ms * (1 / duty - 1) : 0;
    double whole = pace_busy_step(hold_ms);

    if (profile == PACE_ALONE)
        return (struct pace_gap){0, 0};
    if (profile == PACE_IDLE)
        whole = pace_idle_gap(hold_ms, since_ms);
    if (profile == PACE_MANY)
        whole = least = fmax(whole, fmax(least, pace_many_holds * hold_ms));
    return (struct pace_gap){fmax(whole, least), least};
}
