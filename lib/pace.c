/* How long to stay away from the write lock. Pure. */
#include "pace.h"

#include <stddef.h>

/* With several writers each hold makes them collide, and a gap of some holds lets all of them
 * through; measured with four writers, 3 holds leave a maximum of 230 ms, 4 of 130 ms. */
static const double pace_many_holds = 4;

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

/* Two writers wait at once only if more than one is there, and about one commits every hold.
 * Where their number is not known, more commits than one writer is likely to make tell. */
enum pace_profile pace_profile(int connections, double rate, double max_lock_ms)
{
    double many = connections < 0 ? 4 : 1; /* commits in the time of a hold */

    if (connections == 0)
        return PACE_ALONE;
    if (connections == 1 || rate * max_lock_ms < many)
        return PACE_ONE;
    return PACE_MANY;
}

struct pace_gap pace_gap(enum pace_profile profile, double hold_ms, double duty)
{
    double least = duty > 0 && duty < 1 ? hold_ms * (1 / duty - 1) : 0;
    double whole = pace_busy_step(hold_ms);

    if (profile == PACE_ALONE)
        return (struct pace_gap){0, 0};
    if (profile == PACE_MANY) {
        whole = whole > pace_many_holds * hold_ms ? whole : pace_many_holds * hold_ms;
        least = whole;
    }
    return (struct pace_gap){whole > least ? whole : least, least};
}
