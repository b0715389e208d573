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
 * and is to be done again, till lease_begin gives up. Whatever else fails it is rolled back, too,
 * unless lease_committed(). */
enum status lease_end(struct lease *lease, struct error *error) MUST_CHECK;
/* Whether the last step was committed, though lease_end may have failed (database_failed_behind).
 */
bool lease_committed(const struct lease *lease);

/* After a statement failed inside a step: rolls it back and says what to do about `failure`.
 * STATUS_OK: the step overran its time and is to be done again, it will be a smaller one; if
 * `divisible`, the caller will make its statements smaller, too. Where it can't, and a single row
 * overruns again and again, STATUS_FAILED. */
enum status lease_failed(struct lease *lease, enum status failure, bool divisible,
                         struct error *error) MUST_CHECK;

/* Ends a step that has changed nothing, which needs no commit. */
void lease_leave(struct lease *lease);

/* Runs one statement that takes the write lock by itself and keeps it to its end, however long
 * that is (VACUUM): in the policy's window alone. The gap, the identity and the wait for the lock
 * are those of a step, and it counts as one hold, without the wait. It is stopped by the host's
 * wish alone. STATUS_BUSY: it stayed locked for busy_ms, or readers were in the way. */
enum status lease_hold_whole(struct lease *lease, const char *sql, struct error *error) MUST_CHECK;
/* From now on such a statement is stopped at that time, too (clock_monotonic_ms; 0: never), if it
 * can be: STATUS_BUSY, since the window has closed. */
void lease_whole_until(struct lease *lease, double stop_at_ms);
/* After such a statement, in the window still: empties the log that it has filled, where that is
 * safe, so that the database file gets its size and the log goes back to none. */
void lease_drain(struct lease *lease);

/* After the last step: a checkpoint of what is left in the log, where that disturbs nobody; else it
 * comes with lease_free. For whoever wants to measure the file before that. */
void lease_settle(struct lease *lease);

/* The holds so far, and their share of the time since the first. */
void lease_statistics(const struct lease *lease, struct outcome_lock *lock, double *share);

/* Whether checkpoints that were due were left to the application, for SQLite's WAL-reset bug. */
bool lease_left_checkpoints(const struct lease *lease);

/* What the fastest commit took, in milliseconds; 0: there were too few to tell. */
double lease_least_commit(const struct lease *lease);
/* What the fastest commit took where even that is longer than a step may be, so that no step can
 * be short enough; else 0. */
double lease_slow_commit(const struct lease *lease);

#endif
