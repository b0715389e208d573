/*
 * libsystemd, loaded when it is first asked for: the daemon alone needs it, and each worker would
 * spend half of its start on linking it and what it brings along.
 */
#ifndef LIBSYSTEMD_H
#define LIBSYSTEMD_H

#include <stdint.h>
#include <sys/uio.h>

struct libsystemd {
    int (*notify)(int unset_environment, const char *state);      /* sd_notify(3) */
    int (*watchdog_enabled)(int unset_environment, uint64_t *us); /* sd_watchdog_enabled(3) */
    int (*journal_sendv)(const struct iovec *fields, int count);  /* sd_journal_sendv(3) */
};

/* Where this host has no libsystemd each function returns -ENOSYS. */
const struct libsystemd *libsystemd(void);

#endif
