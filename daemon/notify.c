/*
 * The words of sd_notify(3), each in the one place that says it. Runs in the daemon. A service
 * manager that does not listen is nobody's concern: no call fails, and none is told.
 */
#include "notify.h"

#include "clock.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { NOTIFY_STATUS = 256 };

void notify_ready(void)
{
    (void)sd_notifyf(0, "READY=1\nMAINPID=%d", (int)getpid());
}

/* CLOCK_MONOTONIC is what the service manager compares with its own (sd_notify(3)). */
void notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%.0f", clock_monotonic_ms() * 1000);
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
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
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void notify_alive(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

void notify_extend(int64_t us)
{
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld", (long long)us);
}

int64_t notify_watchdog_us(void)
{
    uint64_t us = 0;

    if (sd_watchdog_enabled(0, &us) <= 0 || us / 2 > INT64_MAX)
        return 0;
    return (int64_t)(us / 2);
}
