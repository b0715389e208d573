/* Finds the functions by their names. Runs in the daemon; keeps the library for good. */
#include "libsystemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static int libsystemd_no_notify(int unset_environment, const char *state)
{
    (void)unset_environment;
    (void)state;
    return -ENOSYS;
}

static int libsystemd_no_watchdog(int unset_environment, uint64_t *us)
{
    (void)unset_environment;
    (void)us;
    return -ENOSYS;
}

static int libsystemd_no_journal(const struct iovec *fields, int count)
{
    (void)fields;
    (void)count;
    return -ENOSYS;
}

static const struct {
    const char *name;
    size_t offset;
} libsystemd_functions[] = {
    {"sd_notify", offsetof(struct libsystemd, notify)},
    {"sd_watchdog_enabled", offsetof(struct libsystemd, watchdog_enabled)},
    {"sd_journal_sendv", offsetof(struct libsystemd, journal_sendv)},
};

const struct libsystemd *libsystemd(void)
{
    static struct libsystemd functions = {libsystemd_no_notify, libsystemd_no_watchdog,
                                          libsystemd_no_journal};
    static bool known;
    void *library = known ? NULL : dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

    known = true;
    for (size_t i = 0; library && i < sizeof libsystemd_functions / sizeof *libsystemd_functions;
         i++) {
        void *found = dlsym(library, libsystemd_functions[i].name);
        if (found) /* POSIX has it that a pointer to an object holds one to a function */
            memcpy((char *)&functions + libsystemd_functions[i].offset, &found, sizeof found);
    }
    return &functions;
}
