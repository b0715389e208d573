/*
 * Clocks, and whether the wall clock can be believed. Retention deletes by the wall clock, so a
 * clock that jumped must stop it: time is the one input that can make it delete everything.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "engine_host.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_WHY = 256 };

int64_t clock_now_us(void);      /* wall clock, UTC */
double clock_monotonic_ms(void); /* for measuring */
void clock_sleep_ms(double ms);

struct clock_reading {
    int64_t now_us;    /* wall clock, UTC */
    int64_t boot_us;   /* since boot, suspend included; never jumps */
    bool synchronised; /* adjtimex(2): whether something keeps the wall clock right */
};

struct clock_reading clock_read(void);

/* Whether deleting by this clock must wait; `why` (of CLOCK_WHY bytes) says it in words. Pure.
 * `newest_row_us` is the youngest row of the table, -1 where unknown. A synchronised clock is
 * never in doubt. */
bool clock_doubtful(const struct clock_reading *clock, const struct engine_memory *memory,
                    int64_t newest_row_us, char *why);

#endif
