/*
 * Looks after the WAL between the steps of a task. SQLite up to 3.51.2 can lose commits when a
 * checkpoint overlaps a commit that resets the WAL (sqlite.org/wal.html#the_wal_reset_bug), and
 * the application's library counts as much as ours. So with an affected one litekeeper makes
 * checkpoints only while nobody else has the database open, and behind the write lock, so that
 * whoever opens it meanwhile can't commit. A replicator owns the checkpoints altogether.
 */
#include "backlog.h"

#include "clock.h"
#include "memory.h"
#include "text.h"
#include "vfs.h"
#include "walindex.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct backlog {
    struct database *database;
    const struct neighbours *neighbours;
    struct backlog_limits limits;
    sqlite3 *guard;       /* holds the write lock during a checkpoint; opened when needed */
    double frames_per_ms; /* of the checkpoints so far */
    double patience_ms;   /* till when the guard waits for a lock */
    double restart_ms;    /* before that no further attempt to have the log begun anew, ... */
    double again_ms;      /* ... and so long after one that has failed */
    bool left;            /* a checkpoint was due, and left to the application */
};

enum {
    BACKLOG_LEFT = 1500,   /* frames, over SQLite's own 1000: the application leaves them to us */
    BACKLOG_ALONE = 16000, /* the same where nobody waits: fewer, larger ones are cheaper */
    BACKLOG_POLL_MS = 50,
    BACKLOG_LONG_BYTES = 32 << 20
};

static const double backlog_poll_ms = 0.3;
static const double backlog_again_ms = 50, backlog_again_most_ms = 10000;
static const double backlog_first_guess = 100; /* frames a millisecond */

struct backlog *backlog_new(struct database *database, const struct neighbours *neighbours,
                            const struct backlog_limits *limits)
{
    struct backlog *backlog = memory_new(struct backlog);

    *backlog = (struct backlog){.database = database,
                                .neighbours = neighbours,
                                .limits = *limits,
                                .frames_per_ms = backlog_first_guess,
                                .again_ms = backlog_again_ms};
    return backlog;
}

void backlog_free(struct backlog *backlog)
{
    if (backlog)
        sqlite3_close_v2(backlog->guard);
    free(backlog);
}

/* Whether a checkpoint of ours could harm nobody's commits. */
static bool backlog_safe(const struct backlog *backlog, bool alone)
{
    const struct database_facts *facts = database_facts(backlog->database);

    return !facts->replicator && (alone || !facts->reset_bug);
}

/* Beside others it must fit into a hold, and so begin before the backlog has outgrown one; where
 * they don't write, and so make none, in good time. */
static bool backlog_worthwhile(const struct backlog *backlog, uint32_t frames, bool alone,
                               bool busy_others)
{
    double fits = backlog->frames_per_ms * backlog->limits.max_lock_ms;
    double useful = busy_others ? fmin(BACKLOG_LEFT, fits * 0.75) : fits * 0.4;
    double half =
        (double)backlog->limits.max_wal_bytes / 2 / database_facts(backlog->database)->page_size;

    if (alone)
        return frames >= fmin(BACKLOG_ALONE, half);
    return frames >= useful && (frames <= fits || backlog->limits.window_open);
}

/* Between two commits of a writer that has no pause there is less than a millisecond, and readers
 * are soon gone, as a rule. */
static int backlog_wait(void *argument, int count)
{
    const struct backlog *backlog = argument;
    (void)count;

    if (clock_monotonic_ms() >= backlog->patience_ms)
        return 0;
    clock_sleep_ms(backlog_poll_ms);
    return 1;
}

static sqlite3 *backlog_second(struct backlog *backlog)
{
    if (!backlog->guard) {
        vfs_open(database_name(backlog->database), &backlog->guard);
        sqlite3_wal_autocheckpoint(backlog->guard, 0);
        sqlite3_busy_handler(backlog->guard, backlog_wait, backlog);
        sqlite3_db_config(backlog->guard, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    return backlog->guard;
}

/* A second connection takes the write lock, so that nobody commits meanwhile. */
static bool backlog_guard(struct backlog *backlog)
{
    return sqlite3_exec(backlog_second(backlog), "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
}

/* Returns how long it took. */
static double backlog_checkpoint(struct backlog *backlog, bool guarded)
{
    double begin = clock_monotonic_ms();
    int frames = 0, done = 0;

    if (guarded && !backlog_guard(backlog))
        return 0;
    int rc = sqlite3_wal_checkpoint_v2(database_sql(backlog->database), "main",
                                       SQLITE_CHECKPOINT_PASSIVE, &frames, &done);
    if (guarded)
        sqlite3_exec(backlog->guard, "ROLLBACK", NULL, NULL, NULL);
    double spent = clock_monotonic_ms() - begin;
    if (rc == SQLITE_OK && done > 0 && spent > 0)
        backlog->frames_per_ms = (backlog->frames_per_ms + (double)done / spent) / 2;
    return spent;
}

static uint32_t backlog_frames(const struct walindex *index)
{
    return index->max_frame > index->backfilled ? index->max_frame - index->backfilled : 0;
}

static int64_t backlog_long(const struct backlog *backlog)
{
    int64_t half = backlog->limits.max_wal_bytes / 2;

    return half < BACKLOG_LONG_BYTES ? half : BACKLOG_LONG_BYTES;
}

/* Beside a writer that never pauses a log is never copied back to its last frame, and so never
 * begun anew: its file would grow without end. Behind the write lock it is, where little is left
 * to be copied, and once the readers that are in it have gone. Writers wait as long, so it does no
 * longer than for max_lock, and where a reader stays, less and less often. */
static void backlog_restart(struct backlog *backlog, const struct walindex *index, double *held_ms)
{
    double now = clock_monotonic_ms(), fits = backlog->frames_per_ms * backlog->limits.max_lock_ms;
    int64_t used = (int64_t)index->max_frame * index->page_size;

    if (used <= backlog_long(backlog) || backlog_frames(index) > fits / 2 ||
        now < backlog->restart_ms || !backlog_safe(backlog, false))
        return;
    backlog->patience_ms = now + backlog->limits.max_lock_ms;
    int rc = sqlite3_wal_checkpoint_v2(backlog_second(backlog), "main", SQLITE_CHECKPOINT_RESTART,
                                       NULL, NULL);
    backlog->patience_ms = 0;
    *held_ms += clock_monotonic_ms() - now;
    backlog->again_ms =
        rc == SQLITE_OK ? backlog_again_ms : fmin(backlog->again_ms * 2, backlog_again_most_ms);
    backlog->restart_ms = now + backlog->again_ms;
}

static enum status backlog_too_long(const struct backlog *backlog, const struct walindex *index,
                                    int64_t bytes, struct error *error)
{
    const struct database_facts *facts = database_facts(backlog->database);
    char size[TEXT_SHORT], limit[TEXT_SHORT], who[NEIGHBOURS_WHO];

    text_bytes(size, bytes);
    text_bytes(limit, backlog->limits.max_wal_bytes);
    if (neighbours_pinning(backlog->neighbours, index, who))
        return error_set(error, STATUS_BUSY,
                         "%s of the WAL wait to be checkpointed (max_wal %s): an open read "
                         "transaction of %s keeps them there",
                         size, limit, who);
    if (facts->replicator)
        return error_set(error, STATUS_BUSY,
                         "%s of the WAL wait to be checkpointed (max_wal %s), and %s owns the "
                         "checkpoints",
                         size, limit, facts->replicator);
    return error_set(error, STATUS_BUSY,
                     "%s of the WAL wait to be checkpointed (max_wal %s), which is left to the "
                     "application%s",
                     size, limit,
                     facts->reset_bug ? ", since its SQLite or ours has the WAL-reset bug "
                                        "(fixed in 3.51.3, 3.50.7 and 3.44.6)"
                                      : "");
}

static bool backlog_read(struct backlog *backlog, struct walindex *index)
{
    return database_facts(backlog->database)->wal &&
           walindex_read(database_sql(backlog->database), index, NULL) == STATUS_OK;
}

/* Whether a checkpoint of ours is worth its while now, and harms nobody. */
static bool backlog_due(struct backlog *backlog, const struct walindex *index, bool busy_others)
{
    bool alone = neighbours_none(backlog->neighbours);

    if (!backlog_worthwhile(backlog, backlog_frames(index), alone, busy_others))
        return false;
    bool safe = backlog_safe(backlog, alone);
    backlog->left |= !safe && !database_facts(backlog->database)->replicator;
    return safe;
}

enum status backlog_tend(struct backlog *backlog, bool busy_others, double *held_ms,
                         struct error *error)
{
    double give_up = clock_monotonic_ms() + backlog->limits.busy_ms;
    bool affected = database_facts(backlog->database)->reset_bug;
    struct walindex index;

    for (;; clock_sleep_ms(BACKLOG_POLL_MS)) {
        if (!backlog_read(backlog, &index))
            return STATUS_OK;
        if (backlog_due(backlog, &index, busy_others)) {
            double took = backlog_checkpoint(backlog, affected);
            *held_ms += affected ? took : 0;
            if (!backlog_read(backlog, &index))
                return STATUS_OK;
        }
        backlog_restart(backlog, &index, held_ms);
        int64_t bytes = (int64_t)backlog_frames(&index) * index.page_size;
        if (bytes <= backlog->limits.max_wal_bytes)
            return STATUS_OK;
        if (database_stopped(backlog->database))
            return error_set(error, STATUS_CANCELLED, "stopped");
        if (clock_monotonic_ms() >= give_up)
            return backlog_too_long(backlog, &index, bytes, error);
    }
}

/* Cutting the log short takes the write lock and needs the readers gone from it: it waits for
 * neither, but comes again. An affected library must not do it, and needs not: it only gets here
 * alone, and who closes last removes the log. */
static void backlog_cut(struct backlog *backlog)
{
    double give_up = clock_monotonic_ms() + backlog->limits.busy_ms;
    const struct engine_host *host = database_host(backlog->database);

    if (database_facts(backlog->database)->reset_bug)
        return;
    while (sqlite3_wal_checkpoint_v2(database_sql(backlog->database), "main",
                                     SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_BUSY &&
           clock_monotonic_ms() < give_up && !host->stopped(host->argument))
        clock_sleep_ms(BACKLOG_POLL_MS);
}

void backlog_drain(struct backlog *backlog)
{
    struct walindex index;
    bool safe = backlog_safe(backlog, neighbours_none(backlog->neighbours));

    if (!backlog_read(backlog, &index))
        return;
    backlog->left |= !safe && !database_facts(backlog->database)->replicator;
    if (!safe)
        return;
    if (backlog_frames(&index) > 0)
        backlog_checkpoint(backlog, database_facts(backlog->database)->reset_bug);
    backlog_cut(backlog);
}

void backlog_settle(struct backlog *backlog)
{
    struct walindex index;

    if (!backlog_read(backlog, &index) || backlog_frames(&index) == 0)
        return;
    bool alone = neighbours_none(backlog->neighbours);
    double fits = backlog->frames_per_ms * backlog->limits.max_lock_ms;
    if (backlog_safe(backlog, alone) &&
        (alone || backlog->limits.window_open || backlog_frames(&index) <= fits))
        backlog_checkpoint(backlog, database_facts(backlog->database)->reset_bug);
}

bool backlog_left(const struct backlog *backlog)
{
    return backlog->left;
}
