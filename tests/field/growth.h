/*
 * An application that lives in a time of the test's own: a process that writes as many rows into
 * `logs` and `worklogs` as its time passes, reads now and then, and keeps account of errors.
 */
#ifndef GROWTH_H
#define GROWTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Shared with the process; each side writes its own half. */
struct growth {
    int64_t now_us;     /* ours: what time it is */
    bool window_open;   /* ours: whether the policy's window is open */
    bool stop;          /* ours */
    int64_t reached_us; /* its: rows have been written up to then */
    int64_t rows;       /* its: written so far */
    int64_t transactions;
    int64_t busy, busy_in_window, errors;
    double write_max_ms, write_max_in_window_ms;
    pid_t process;
};

/* Starts the process on the database at `path`: `logs_a_day` rows a day from `now_us` on. */
struct growth *growth_start(const char *path, int64_t logs_a_day, int64_t now_us);
/* Tells it the time, and waits until it has written what belongs up to then. */
void growth_advance(struct growth *growth, int64_t now_us, bool window_open);
void growth_stop(struct growth *growth);

#endif
