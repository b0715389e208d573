/*
 * A timerfd on the wall clock, which the kernel cancels when the clock is set (timerfd_create(2),
 * TFD_TIMER_CANCEL_ON_SET), so that nothing has to be polled.
 */
#include "wakeup.h"

#include "clock.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct wakeup {
    int fd;
    uv_poll_t poll;
    int64_t at_us;
    void (*due)(void *argument, bool set);
    void *argument;
};

static const int64_t wakeup_year_us = INT64_C(366) * 86400 * 1000000;

static int64_t wakeup_pretended = -1;

/* Ever armed, as only then the kernel tells of a clock that was set. */
static void wakeup_arm(struct wakeup *wakeup)
{
    int64_t latest = clock_now_us() + wakeup_year_us;
    int64_t at_us = wakeup->at_us < latest ? wakeup->at_us : latest;

    if (at_us < 1)
        at_us = 1; /* zero would disarm it */
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_us / 1000000),
                                           .tv_nsec = (long)(at_us % 1000000) * 1000}};
    /* Where the clock was set since the last look this fails with ECANCELED, and is armed all
     * the same; the descriptor then becomes readable, too. */
    (void)timerfd_settime(wakeup->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

static void wakeup_read(uv_poll_t *poll, int status, int events)
{
    struct wakeup *wakeup = poll->data;
    uint64_t times;
    bool set = read(wakeup->fd, &times, sizeof times) < 0 && errno == ECANCELED;

    (void)status;
    (void)events;
    wakeup->at_us = INT64_MAX;
    wakeup_arm(wakeup);
    wakeup->due(wakeup->argument, set);
}

enum status wakeup_open(uv_loop_t *loop, void (*due)(void *argument, bool set), void *argument,
                        struct wakeup **wakeup, struct error *error)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

    if (fd < 0)
        return error_set(error, STATUS_FAILED, "can't make a timer: %s", strerror(errno));
    struct wakeup *opened = memory_new(struct wakeup);
    opened->fd = fd;
    opened->due = due;
    opened->argument = argument;
    opened->at_us = INT64_MAX;
    opened->poll.data = opened;
    uv_poll_init(loop, &opened->poll, fd);
    uv_poll_start(&opened->poll, UV_READABLE, wakeup_read);
    wakeup_arm(opened);
    *wakeup = opened;
    return STATUS_OK;
}

static void wakeup_closed(uv_handle_t *handle)
{
    struct wakeup *wakeup = handle->data;

    close(wakeup->fd);
    free(wakeup);
}

void wakeup_close(struct wakeup *wakeup)
{
    if (wakeup)
        uv_close((uv_handle_t *)&wakeup->poll, wakeup_closed);
}

void wakeup_at(struct wakeup *wakeup, int64_t at_us)
{
    if (wakeup_pretends() || at_us == wakeup->at_us)
        return;
    wakeup->at_us = at_us;
    wakeup_arm(wakeup);
}

int64_t wakeup_now(void)
{
    return wakeup_pretends() ? wakeup_pretended : clock_now_us();
}

void wakeup_pretend(int64_t now_us)
{
    wakeup_pretended = now_us;
}

bool wakeup_pretends(void)
{
    return wakeup_pretended >= 0;
}
