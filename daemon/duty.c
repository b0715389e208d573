/* The states of a duty and the ways between them. */
#include "duty.h"

#include <assert.h>

#define TO(state) (1U << (state))

enum { DUTY_AGAIN = TO(DUTY_SCHEDULED) | TO(DUTY_RETRY) | TO(DUTY_WINDOW) };

static const struct {
    const char *waits_for;
    unsigned to; /* the states that may follow, a bit each */
} duty_states[] = {
    [DUTY_NEW] = {"its history is being read", TO(DUTY_NEW) | DUTY_AGAIN},
    [DUTY_SCHEDULED] = {"scheduled", TO(DUTY_NEW) | DUTY_AGAIN | TO(DUTY_READY) | TO(DUTY_PAUSED)},
    [DUTY_RETRY] = {"tries again after a failure",
                    TO(DUTY_NEW) | DUTY_AGAIN | TO(DUTY_READY) | TO(DUTY_PAUSED)},
    [DUTY_WINDOW] = {"waits for its window",
                     TO(DUTY_NEW) | DUTY_AGAIN | TO(DUTY_READY) | TO(DUTY_PAUSED)},
    [DUTY_PAUSED] = {"paused", TO(DUTY_NEW) | DUTY_AGAIN | TO(DUTY_READY) | TO(DUTY_PAUSED)},
    [DUTY_READY] = {"waits for a worker",
                    TO(DUTY_NEW) | DUTY_AGAIN | TO(DUTY_RUNNING) | TO(DUTY_PAUSED)},
    [DUTY_RUNNING] = {"running", TO(DUTY_NEW) | DUTY_AGAIN},
};

void duty_change(struct duty *duty, enum duty_state state)
{
    assert(duty_states[duty->state].to & TO(state));
    duty->state = state;
}

const char *duty_waits_for(const struct duty *duty)
{
    return duty_states[duty->state].waits_for;
}
