/*
 * The lease of the write lock: all writing to an application's database goes through it. It
 * leaves the gaps in which the application gets in, measures every hold, says when a step has
 * used its time, watches the WAL, and stops what overruns.
 *
 *     while (there is work) {
 *         lease_begin();                      gap, WAL, identity, BEGIN IMMEDIATE
 *         do a row, or a few ... while (!lease_spent());
 *         lease_end();                        COMMIT; STATUS_BUSY: it was rolled back, do it again
 *     }
 */
#ifndef LEASE_H
#define LEASE_H

#include "database.h"
#include "error.h"
#include "outcome.h"

#include <stdbool.h>
#include <stdint.h>

struct lease;

struct lease_limits {
    double max_lock_ms;    /* what one step may hold the write lock */
    double duty;           /* at most this share of the time */
    double busy_ms;        /* how long to wait for the lock, and for a WAL that is too long */
    int64_t max_wal_bytes; /* not yet checkpointed */
    bool window_open;      /* the policy's window: a checkpoint may take longer than max_lock */
};

struct lease *lease_new(struct database *database, const struct lease_limits *limits);
void lease_free(struct lease *lease); /* rolls back a step that is open */

/* Takes the write lock. STATUS_BUSY: it stayed locked, or the WAL too long, for busy_ms;
 * STATUS_CANCELLED; STATUS_REFUSED: the file was moved. */
enum status lease_begin(struct lease *lease, struct error *error) MUST_CHECK;

/* Asked after each statement of a step: true when the step should end now. */
bool lease_spent(struct lease *lease);

/* Commits. STATUS_BUSY: readers were in the way (rollback-journal mode), the step was rolled back
 * and is to be done again, till lease_begin gives up. */
enum status lease_end(struct lease *lease, struct error *error) MUST_CHECK;

/* After a statement failed inside a step: rolls it back and says what to do about `failure`.
 * STATUS_OK: the step overran its time and is to be done again, it will be a smaller one; if
 * `divisible`, the caller will make its statements smaller, too. */
enum status lease_failed(struct lease *lease, enum status failure, bool divisible,
                         struct error *error) MUST_CHECK;

/* For one statement that can't be cut into steps (REINDEX, VACUUM), inside the policy's window: all
 * that lease_begin does, but for the transaction, which is the statement's own. It is stopped at
 * `stop_at_ms` (clock_monotonic_ms; 0: never), and its locks are waited for as long as busy_ms. */
enum status lease_whole_begin(struct lease *lease, double stop_at_ms,
                              struct error *error) MUST_CHECK;
/* After it, however it ended; its hold counts from lease_whole_begin on, what it waited included.
 * True if it was stopped at `stop_at_ms`. */
bool lease_whole_end(struct lease *lease);

/* The holds so far, and their share of the time since the first. */
void lease_statistics(const struct lease *lease, struct outcome_lock *lock, double *share);

/* Whether checkpoints that were due were left to the application, for SQLite's WAL-reset bug. */
bool lease_left_checkpoints(const struct lease *lease);

/* What the fastest commit took where even that is longer than a step may be, so that no step can
 * be short enough; else 0. */
double lease_slow_commit(const struct lease *lease);

#endif
