/*
 * Stands in for the clock of a litekeeper (the linker's --wrap): adds to it, and sees to it that a
 * timer by the wall clock fires when it should, and is cancelled when the clock is set, as the
 * kernel does it (timerfd_create(2)). A timer is looked at ever so often instead of once.
 */
#include "adrift.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

enum { ADRIFT_LOOK_NS = 50 * 1000 * 1000 };

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old);
int __real_adjtimex(struct timex *clock);
ssize_t __real_read(int fd, void *bytes, size_t size);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old);
int __wrap_adjtimex(struct timex *clock);
ssize_t __wrap_read(int fd, void *bytes, size_t size);

static const volatile struct adrift *adrift;
static int adrift_timer = -1; /* a descriptor */
static int32_t adrift_sets;   /* when it was armed */

/* Before it is anybody else, and has files of its own. */
__attribute__((constructor)) static void adrift_begin(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 8);

    if (length <= 0)
        abort();
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "clock");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *memory = mmap(NULL, sizeof *adrift, PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || memory == MAP_FAILED) {
        perror(path);
        abort();
    }
    close(fd);
    adrift = memory;
}

static int64_t adrift_us(clockid_t clock)
{
    if (clock == CLOCK_REALTIME)
        return adrift->set_us + adrift->passed_us;
    return clock == CLOCK_BOOTTIME ? adrift->passed_us : 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = __real_clock_gettime(clock, time);
    int64_t us = adrift_us(clock) + time->tv_nsec / 1000 + (int64_t)time->tv_sec * 1000000;

    if (adrift_us(clock)) {
        time->tv_sec = (time_t)(us / 1000000);
        time->tv_nsec = (long)(us % 1000000) * 1000 + time->tv_nsec % 1000;
    }
    return result;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    const struct itimerspec soon = {.it_value = {.tv_nsec = ADRIFT_LOOK_NS}};

    (void)flags;
    (void)new;
    adrift_timer = fd;
    adrift_sets = adrift->sets;
    return __real_timerfd_settime(fd, 0, &soon, old);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    ssize_t length = __real_read(fd, bytes, size);

    if (fd != adrift_timer || adrift_sets == adrift->sets)
        return length;
    errno = ECANCELED;
    return -1;
}

int __wrap_adjtimex(struct timex *clock)
{
    int state = __real_adjtimex(clock);

    if (state < 0)
        return state;
    clock->status = adrift->synchronised ? clock->status & ~STA_UNSYNC : STA_UNSYNC;
    return adrift->synchronised ? TIME_OK : TIME_ERROR;
}
