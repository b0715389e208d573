/* Reading clocks, and the guard that stops deletion while the wall clock is in doubt. */
#include "clock.h"

#include "text.h"

#include <stdio.h>
#include <sys/timex.h>
#include <time.h>

#define HOUR_US INT64_C(3600000000)
#define DAY_US  (24 * HOUR_US)

static const int64_t clock_drift_us = HOUR_US;       /* wall against boot clock, within a boot */
static const int64_t clock_ahead_us = 7 * DAY_US;    /* of the history and the newest row */
static const int64_t clock_behind_us = 60 * 1000000; /* of the history: rounding and small steps */

static int64_t clock_get_us(clockid_t id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return clock_get_us(CLOCK_REALTIME);
}

double clock_monotonic_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

void clock_sleep_ms(double ms)
{
    if (ms <= 0)
        return;
    struct timespec time = {.tv_sec = (time_t)(ms / 1e3)};
    time.tv_nsec = (long)((ms - (double)time.tv_sec * 1e3) * 1e6);
    nanosleep(&time, NULL);
}

static bool clock_synchronised(void)
{
    struct timex state = {0};

    return adjtimex(&state) != TIME_ERROR && !(state.status & STA_UNSYNC);
}

struct clock_reading clock_read(void)
{
    return (struct clock_reading){clock_now_us(), clock_get_us(CLOCK_BOOTTIME),
                                  clock_synchronised()};
}

/* Each doubt returns true and says why; the first one that applies is told. */
static bool clock_ran_away(const struct clock_reading *clock, const struct engine_memory *memory,
                           char *why)
{
    int64_t drift = clock->now_us - clock->boot_us - memory->boot_offset_us;
    char hours[TEXT_SHORT];

    if (memory->boot_offset_us < 0 || (drift <= clock_drift_us && drift >= -clock_drift_us))
        return false;
    snprintf(why, CLOCK_WHY, "it was set %s by %s since this boot was first seen",
             drift > 0 ? "forward" : "back",
             text_seconds(hours, (double)(drift < 0 ? -drift : drift) / 1e6));
    return true;
}

static bool clock_is_behind(const struct clock_reading *clock, const struct engine_memory *memory,
                            char *why)
{
    char now[TEXT_SHORT], newest[TEXT_SHORT];

    if (memory->newest_us < 0 || clock->now_us >= memory->newest_us - clock_behind_us)
        return false;
    snprintf(why, CLOCK_WHY, "it says %s, but the history already has an entry of %s",
             text_time(now, clock->now_us), text_time(newest, memory->newest_us));
    return true;
}

static bool clock_is_ahead(const struct clock_reading *clock, const struct engine_memory *memory,
                           int64_t newest_row_us, char *why)
{
    int64_t limit = clock->now_us - clock_ahead_us;
    char history[TEXT_SHORT], row[TEXT_SHORT];

    if (memory->newest_us < 0 || newest_row_us < 0 || memory->newest_us >= limit ||
        newest_row_us >= limit)
        return false;
    snprintf(why, CLOCK_WHY,
             "it is over 7 days ahead of the history (%s) and of the table's newest row (%s)",
             text_time(history, memory->newest_us), text_time(row, newest_row_us));
    return true;
}

static bool clock_lost_sync(const struct engine_memory *memory, char *why)
{
    if (!memory->was_synchronised)
        return false;
    snprintf(why, CLOCK_WHY,
             "the kernel reports it unsynchronised, and it was synchronised before");
    return true;
}

bool clock_doubtful(const struct clock_reading *clock, const struct engine_memory *memory,
                    int64_t newest_row_us, char *why)
{
    if (clock->synchronised)
        return false;
    return clock_ran_away(clock, memory, why) || clock_is_behind(clock, memory, why) ||
           clock_is_ahead(clock, memory, newest_row_us, why) || clock_lost_sync(memory, why);
}
