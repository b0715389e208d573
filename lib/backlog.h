/*
 * The backlog of the WAL: frames that were committed but not yet copied into the database file.
 * It is kept in bounds by checkpoints where they are safe, else by waiting for the application's.
 */
#ifndef BACKLOG_H
#define BACKLOG_H

#include "database.h"
#include "error.h"
#include "neighbours.h"

#include <stdbool.h>
#include <stdint.h>

struct backlog;

struct backlog_limits {
    double max_lock_ms;    /* a checkpoint that others could notice takes at most so long ... */
    bool window_open;      /* ... outside the policy's window */
    int64_t max_wal_bytes; /* beyond it, wait */
    double busy_ms;        /* for so long */
};

struct backlog *backlog_new(struct database *database, const struct neighbours *neighbours,
                            const struct backlog_limits *limits);
void backlog_free(struct backlog *backlog);

/* To be called between two steps, outside any transaction. `busy_others`: others are committing,
 * so their checkpoints may come by themselves. Makes a checkpoint where one is useful and safe; to
 * `*held_ms` is added how long the write lock was held for it. STATUS_BUSY: the backlog stayed over
 * the limit, and who pins it. */
enum status backlog_tend(struct backlog *backlog, bool busy_others, double *held_ms,
                         struct error *error) MUST_CHECK;

/* After a commit that has filled the log, in the policy's window, with a busy timeout of 0: copies
 * all of it back, however long that takes, and cuts the log file short; both where it is safe. */
void backlog_drain(struct backlog *backlog);

/* At the end of a task: leaves no backlog behind where a checkpoint disturbs nobody. */
void backlog_settle(struct backlog *backlog);

/* Whether the WAL-reset bug of SQLite has kept it from a checkpoint that was due. */
bool backlog_left(const struct backlog *backlog);

#endif
