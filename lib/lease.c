/*
 * The lease of the write lock, in a worker. It holds the lock in short steps, learns who else
 * writes, and stays away between the steps so that they get in. It never waits while holding it.
 */
#include "lease_inside.h"

#include "backlog.h"
#include "clock.h"
#include "memory.h"
#include "neighbours.h"
#include "pace.h"

#include <math.h>
#include <stdlib.h>

enum {
    LEASE_NO_LIMIT = 1 << 30,
    LEASE_SLOW_ROWS = 5,   /* so often a row takes too long by chance alone */
    LEASE_COMMITS_TELL = 3 /* fewer say nothing of the disk */
};

static const double lease_least_work = 0.15; /* of max_lock, however long a commit takes */
static const double lease_overrun = 2.5;     /* times max_lock: then the statement is stopped */

struct lease *lease_new(struct database *database, const struct lease_limits *limits)
{
    struct lease *lease = memory_new(struct lease);
    struct backlog_limits backlog = {.max_lock_ms = limits->max_lock_ms,
                                     .window_open = limits->window_open,
                                     .max_wal_bytes = limits->max_wal_bytes,
                                     .busy_ms = limits->busy_ms};

    lease->database = database;
    lease->limits = *limits;
    lease->neighbours = neighbours_open(database_name(database));
    lease->backlog = backlog_new(database, lease->neighbours, &backlog);
    lease->row_limit = LEASE_NO_LIMIT;
    lease->commit_ms = limits->max_lock_ms / 3;
    lease->commit_least_ms = INFINITY;
    return lease;
}

static void lease_roll_back(struct lease *lease)
{
    if (!sqlite3_get_autocommit(database_sql(lease->database)))
        sqlite3_exec(database_sql(lease->database), "ROLLBACK", NULL, NULL, NULL);
    lease->open = false;
}

void lease_free(struct lease *lease)
{
    if (!lease)
        return;
    database_deadlines(lease->database, 0, 0);
    if (lease->open)
        lease_roll_back(lease);
    backlog_settle(lease->backlog);
    backlog_free(lease->backlog);
    neighbours_free(lease->neighbours);
    sqlite3_finalize(lease->begin);
    sqlite3_finalize(lease->commit);
    lease_holds_free(&lease->holds);
    free(lease);
}

static enum status lease_take(struct lease *lease, struct error *error)
{
    enum status status;
    bool row;

    if (!lease->begin &&
        ((status = database_prepare(lease->database, "BEGIN IMMEDIATE", &lease->begin, error)) ||
         (status = database_prepare(lease->database, "COMMIT", &lease->commit, error))))
        return status;
    database_deadlines(lease->database, lease->limits.busy_ms, 0);
    status = database_step(lease->database, lease->begin, &row, error);
    sqlite3_reset(lease->begin);
    if (status)
        return status;
    lease->open = true;
    lease->committed = false;
    lease->begun_ms = clock_monotonic_ms();
    lease->rows = 0;
    lease_look(lease);
    database_deadlines(lease->database, 0,
                       lease->begun_ms + lease_overrun * lease->limits.max_lock_ms);
    return STATUS_OK;
}

enum status lease_begin(struct lease *lease, struct error *error)
{
    enum status status;
    double checkpoint_ms = 0; /* that held the lock */

    lease_first_look(lease);
    if (lease->blocked_since &&
        clock_monotonic_ms() - lease->blocked_since >= lease->limits.busy_ms)
        return error_set(error, STATUS_BUSY, "the application's readers let no commit through");
    if ((status = lease_leave_gap(lease, error)) ||
        (status = backlog_tend(lease->backlog, lease->rate > 0, &checkpoint_ms, error)))
        return status;
    if (checkpoint_ms > 0 && lease->profile != PACE_ALONE) {
        lease->last_hold_ms = checkpoint_ms;
        lease->last_end_ms = clock_monotonic_ms();
        if ((status = lease_leave_gap(lease, error)))
            return status;
    }
    if (lease->profile == PACE_ALONE && !neighbours_none(lease->neighbours))
        lease->profile = PACE_ONE; /* someone came; the next look will tell who */
    lease_learn(lease);
    if ((status = database_check_moved(lease->database, error)))
        return status;
    return lease_take(lease, error);
}

bool lease_spent(struct lease *lease)
{
    double aim = pace_hold(lease->profile, lease->limits.max_lock_ms) - lease->commit_ms;
    double least = lease->limits.max_lock_ms * lease_least_work;

    lease->rows++;
    return lease->rows >= lease->row_limit ||
           clock_monotonic_ms() - lease->begun_ms >= fmax(aim, least);
}

/* The step is over, whichever way: what follows may wait again. */
static void lease_note_hold(struct lease *lease)
{
    double now = clock_monotonic_ms();

    database_deadlines(lease->database, lease->limits.busy_ms, 0);
    lease->open = false;
    lease->last_hold_ms = now - lease->begun_ms;
    lease->last_end_ms = now;
    lease_holds_add(&lease->holds, lease->last_hold_ms);
}

/* Readers kept the commit from happening: let them, and come again. */
static enum status lease_blocked(struct lease *lease)
{
    lease_roll_back(lease);
    lease_note_hold(lease);
    if (!lease->blocked_since)
        lease->blocked_since = clock_monotonic_ms();
    return STATUS_BUSY;
}

/* It was rolled back, unless what has failed came behind the commit. */
static enum status lease_end_badly(struct lease *lease, enum status status, struct error *error)
{
    lease->committed = database_failed_behind(lease->database);
    if (lease->committed)
        status = database_behind(lease->database, "this step", error);
    lease_roll_back(lease);
    lease_note_hold(lease);
    return status;
}

enum status lease_end(struct lease *lease, struct error *error)
{
    double begin = clock_monotonic_ms();
    bool row;

    database_deadlines(lease->database,
                       fmax(1, lease->begun_ms + lease->limits.max_lock_ms - begin), 0);
    enum status status = database_step(lease->database, lease->commit, &row, error);
    sqlite3_reset(lease->commit);
    if (status == STATUS_BUSY)
        return lease_blocked(lease);
    if (status)
        return lease_end_badly(lease, status, error);
    lease->committed = true;
    double took = clock_monotonic_ms() - begin;
    lease->commit_least_ms = fmin(took, lease->commit_least_ms);
    lease->commit_count++;
    lease->commit_ms = took > lease->commit_ms ? took : lease->commit_ms * 0.8 + took * 0.2;
    lease->blocked_since = 0;
    lease->slow_rows = 0;
    if (lease->row_limit < LEASE_NO_LIMIT)
        lease->row_limit += lease->row_limit / 4 + 1;
    lease_note_hold(lease);
    lease->changes = database_changes(lease->database);
    return STATUS_OK;
}

enum status lease_failed(struct lease *lease, enum status failure, bool divisible,
                         struct error *error)
{
    bool overran = failure == STATUS_CANCELLED && database_overran(lease->database);
    int64_t rows = lease->rows;

    lease_roll_back(lease);
    lease_note_hold(lease);
    if (!overran)
        return failure;
    if (rows == 0 && !divisible && ++lease->slow_rows >= LEASE_SLOW_ROWS)
        return error_set(error, STATUS_FAILED,
                         "one row alone takes longer than %.0f ms, %.1f times max_lock: look for a "
                         "missing index on a child table, or a slow trigger",
                         lease_overrun * lease->limits.max_lock_ms, lease_overrun);
    lease->row_limit = rows > 1 ? rows / 2 : 1;
    return STATUS_OK;
}

void lease_leave(struct lease *lease)
{
    lease_roll_back(lease);
    lease_note_hold(lease);
}

enum status lease_hold_whole(struct lease *lease, const char *sql, struct error *error)
{
    enum status status;

    lease_first_look(lease);
    if ((status = lease_leave_gap(lease, error)) ||
        (status = database_check_moved(lease->database, error)))
        return status;
    database_deadlines(lease->database, lease->limits.busy_ms, lease->whole_until_ms);
    lease->begun_ms = clock_monotonic_ms();
    status = database_exec(lease->database, sql, error);
    lease->begun_ms += database_waited_ms(lease->database);
    bool closed = status == STATUS_CANCELLED && database_overran(lease->database);
    if (status && database_failed_behind(lease->database))
        status = database_behind(lease->database, "it", error);
    if (status != STATUS_BUSY)
        lease_note_hold(lease);
    lease->changes = database_changes(lease->database);
    if (closed)
        return error_set(error, STATUS_BUSY, "it was not done when the window closed, and undone");
    return status;
}

void lease_whole_until(struct lease *lease, double stop_at_ms)
{
    lease->whole_until_ms = stop_at_ms;
}

void lease_drain(struct lease *lease)
{
    database_deadlines(lease->database, 0, 0);
    backlog_drain(lease->backlog);
    database_deadlines(lease->database, lease->limits.busy_ms, 0);
}

void lease_settle(struct lease *lease)
{
    database_deadlines(lease->database, 0, 0);
    backlog_settle(lease->backlog);
    database_deadlines(lease->database, lease->limits.busy_ms, 0);
}

void lease_statistics(const struct lease *lease, struct outcome_lock *lock, double *share)
{
    double elapsed = clock_monotonic_ms() - lease->first_ms;

    lease_holds_tell(&lease->holds, lock);
    *share = lease->first_ms && elapsed > 0 ? lock->total_ms / elapsed : 0;
}

double lease_least_commit(const struct lease *lease)
{
    return lease->commit_count >= LEASE_COMMITS_TELL ? lease->commit_least_ms : 0;
}

double lease_slow_commit(const struct lease *lease)
{
    double least_ms = lease_least_commit(lease);

    return least_ms > lease->limits.max_lock_ms ? least_ms : 0;
}

bool lease_committed(const struct lease *lease)
{
    return lease->committed;
}

bool lease_left_checkpoints(const struct lease *lease)
{
    return backlog_left(lease->backlog);
}
