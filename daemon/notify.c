/*
 * The words of sd_notify(3), each in the one place that says it. Runs in the daemon. A service
 * manager that does not listen is nobody's concern: no call fails, and none is told.
 */
#include "notify.h"

#include "clock.h"
#include "libsystemd.h"
#include "memory.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOTIFY_STATUS = 256 };

/* Takes over the text. */
static void notify_say(char *state)
{
    (void)libsystemd()->notify(0, state);
    free(state);
}

void notify_ready(void)
{
    notify_say(memory_format("READY=1\nMAINPID=%d", (int)getpid()));
}

/* CLOCK_MONOTONIC is what the service manager compares with its own (sd_notify(3)). */
void notify_reloading(void)
{
    notify_say(memory_format("RELOADING=1\nMONOTONIC_USEC=%.0f", clock_monotonic_ms() * 1000));
}

void notify_stopping(void)
{
    notify_say(memory_copy("STOPPING=1"));
}

/* A newline would begin another assignment. */
void notify_status(const char *format, ...)
{
    char status[NOTIFY_STATUS];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(status, sizeof status, format, arguments);
    va_end(arguments);
    text_sanitize(status);
    notify_say(memory_format("STATUS=%s", status));
}

void notify_alive(void)
{
    notify_say(memory_copy("WATCHDOG=1"));
}

void notify_extend(int64_t us)
{
    notify_say(memory_format("EXTEND_TIMEOUT_USEC=%lld", (long long)us));
}

int64_t notify_watchdog_us(void)
{
    uint64_t us = 0;

    if (libsystemd()->watchdog_enabled(0, &us) <= 0 || us / 2 > INT64_MAX)
        return 0;
    return (int64_t)(us / 2);
}
