/* The lease's gaps: who else writes, how often, and how long to stay away for them. */
#include "lease_inside.h"

#include "clock.h"
#include "neighbours.h"
#include "pace.h"

#include <math.h>

static const double lease_poll_ms = 0.7;
static const double lease_learn_ms = 250;   /* how often the neighbours are counted again, ... */
static const double lease_learn_times = 20; /* ... and no sooner than so many times what it took */
static const double lease_first_look_ms = 50;
/* Writers that are kept waiting commit less often, and must not look fewer for it. */
static const double lease_rate_decay = 0.97; /* each lease_learn_ms */

bool lease_look(struct lease *lease)
{
    uint32_t now = database_changes(lease->database);
    uint32_t foreign = now - lease->changes;

    lease->changes = now;
    if (foreign)
        lease->foreign_ms = clock_monotonic_ms();
    if (foreign > INT32_MAX) /* the log was restarted or the counter is another: not a count */
        return true;
    lease->foreign += foreign;
    return foreign > 0;
}

void lease_learn(struct lease *lease)
{
    double now = clock_monotonic_ms(), elapsed = now - lease->rate_since_ms;

    if (elapsed < lease->learn_ms)
        return;
    double rate = (double)lease->foreign / elapsed;
    lease->rate = fmax(rate, lease->rate * lease_rate_decay);
    lease->foreign = 0;
    lease->rate_since_ms = now;
    lease->profile = pace_profile(neighbours_connections(lease->neighbours), lease->rate,
                                  now - lease->foreign_ms, lease->limits.max_lock_ms);
    lease->learn_ms = fmax(lease_learn_ms, lease_learn_times * (clock_monotonic_ms() - now));
}

void lease_first_look(struct lease *lease)
{
    if (lease->first_ms)
        return;
    lease->first_ms = lease->rate_since_ms = clock_monotonic_ms();
    lease->learn_ms = lease_first_look_ms;
    lease->changes = database_changes(lease->database);
    if (!neighbours_none(lease->neighbours))
        clock_sleep_ms(lease_first_look_ms);
    else
        lease->rate_since_ms -= lease_first_look_ms;
    lease_look(lease);
    lease_learn(lease);
}

/* Others write after all. */
static void lease_met(struct lease *lease)
{
    if (lease->profile == PACE_IDLE || lease->profile == PACE_ALONE)
        lease->profile = PACE_ONE;
}

enum status lease_leave_gap(struct lease *lease, struct error *error)
{
    struct pace_gap gap = pace_gap(lease->profile, lease->last_hold_ms, lease->limits.duty,
                                   lease->last_end_ms - lease->let_in_ms);
    bool met = false;

    for (;;) {
        if (database_stopped(lease->database))
            return error_set(error, STATUS_CANCELLED, "stopped");
        double waited = clock_monotonic_ms() - lease->last_end_ms;
        met = lease_look(lease) || met;
        double wanted = met ? gap.least_ms : gap.whole_ms;
        if (waited >= wanted)
            break;
        clock_sleep_ms(fmin(lease_poll_ms, wanted - waited));
    }
    if (met)
        lease_met(lease);
    if (met || gap.whole_ms >= pace_busy_step(lease->last_hold_ms))
        lease->let_in_ms = clock_monotonic_ms();
    return STATUS_OK;
}
