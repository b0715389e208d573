/*
 * What litekeeper remembers: every run with its reason and effect, samples, how each task stands,
 * which alerts are raised, what is paused, and what the clock's guard needs. A SQLite file in the
 * state folder, opened in a worker of its own, as litekeeper's own user; never an application's
 * database.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "engine_host.h"
#include "error.h"
#include "schedule.h"
#include "units.h"

#include <jansson.h>

struct history;

/* A task of a database; the target may be NULL. */
struct history_subject {
    const char *path, *task, *target;
};

/* What the last opening has found. */
enum history_found {
    HISTORY_FOUND,   /* a history */
    HISTORY_MADE,    /* none, so a new one was made */
    HISTORY_REPLACED /* another file than the one that was open */
};

/*
 * Errors of everything below: STATUS_INVALID where what was asked can't be recorded, ever; else
 * the file can't be read or written now, and the same may succeed later.
 */

/* Opens FOLDER/history.db, makes the folder (0700) and the file if missing. A newer version's
 * file is refused with STATUS_REFUSED. From then on the file is looked for before each
 * transaction, and opened or made anew where it was removed or replaced. */
enum status history_open(const char *folder, struct history **history,
                         struct error *error) MUST_CHECK;
void history_close(struct history *history);
/* Whether the file was opened since this was asked last, and what was found then. */
bool history_opened(struct history *history, enum history_found *found);

/* What comes between these two is committed together. A call that fails in between takes back
 * what it did itself, except where SQLite had to give up the whole transaction: then
 * history_begun is false, and all of it is lost. */
enum status history_begin(struct history *history, struct error *error) MUST_CHECK;
enum status history_end(struct history *history, struct error *error) MUST_CHECK;
bool history_begun(const struct history *history);

/* Remembers an outcome event (event.h), begun at `started_us` for the file at `path`, and how the
 * task stands since: a run that was busy, waits or was cancelled doesn't count, and one that failed
 * is to be tried again, unless it is "settled". A sample's effect goes to tables of its own. The
 * same task, file and time again changes nothing. */
enum status history_record(struct history *history, const json_t *outcome, const char *path,
                           int64_t started_us, struct error *error) MUST_CHECK;
/* Further b-trees of a sample that was recorded, the first of them its number `position`. */
enum status history_record_btrees(struct history *history, const struct history_subject *subject,
                                  int64_t started_us, int64_t position, const json_t *btrees,
                                  struct error *error) MUST_CHECK;

/* Notes the clock as it is now (boot id, wall less boot clock, whether synchronised) and returns
 * what was known before; `memory->last` is none. `sure` is the operator's word that it is right. A
 * time that is neither sure nor synchronised and over 7 days ahead of all that was known is not
 * believed: it must not vouch for itself in the next run. */
enum status history_clock(struct history *history, bool sure, struct engine_memory *memory,
                          struct error *error) MUST_CHECK;
/* The same without noting anything. */
enum status history_clock_known(struct history *history, struct engine_memory *memory,
                                struct error *error) MUST_CHECK;
/* What is known of a task's past. */
struct history_past {
    struct engine_past last;      /* the last run that was done; its effect is a new reference */
    struct schedule_past counted; /* since when it is known, and the last run that counts */
};

enum status history_past(struct history *history, const struct history_subject *subject,
                         struct history_past *past, struct error *error) MUST_CHECK;

/* Tasks that the policy has, an array of [path, task, target]: since `at_us`, if they were not
 * known before. */
enum status history_seen(struct history *history, int64_t at_us, const json_t *tasks,
                         struct error *error) MUST_CHECK;
/* Which file is at that path. */
enum status history_file(struct history *history, const json_t *file,
                         struct error *error) MUST_CHECK;
/* Which SQLite the application at `path` writes with, an event. */
enum status history_writer(struct history *history, const json_t *writer, const char *path,
                           struct error *error) MUST_CHECK;
/* Whether no task was ever seen or run: the first start, or all was lost. */
enum status history_fresh(struct history *history, bool *fresh, struct error *error) MUST_CHECK;

/* An alert was "raised", "repeated" or "cleared" then; `alarm` as alarms.h has it. Path, metric,
 * subject, severity and threshold say which. */
enum status history_alarm(struct history *history, const json_t *change, const json_t *alarm,
                          int64_t at_us, struct error *error) MUST_CHECK;
/* Paused until then, -1: until it is resumed. NULL or null: all databases, all tasks. */
enum status history_pause(struct history *history, const json_t *database, const json_t *task,
                          int64_t until_us, struct error *error) MUST_CHECK;
enum status history_resume(struct history *history, const json_t *database, const json_t *task,
                           struct error *error) MUST_CHECK;

/* Notes a segment of an archive, an event of the database at `path`: it is "written", "done",
 * "removed", or "undone", which forgets it. */
enum status history_segment(struct history *history, const json_t *segment, const char *path,
                            struct error *error) MUST_CHECK;

/* Notes a hold, an event of the database at `path`, and joins it to those that it touches.
 * STATUS_FAILED: its table has too many. */
enum status history_hold(struct history *history, const json_t *hold, const char *path,
                         struct error *error) MUST_CHECK;
/* Lifts all holds of a table; that there are none is fine. */
enum status history_lift(struct history *history, const json_t *path, const json_t *target,
                         struct error *error) MUST_CHECK;
/* Those of a table: an array of [first_us, last_us, set_us] in the order of their times, a new
 * reference. */
enum status history_holds(struct history *history, const char *path, const char *target,
                          json_t **holds, struct error *error) MUST_CHECK;

/* Takes the rows of an answer, each an event that event_table.c allows; takes over the reference.
 * No row is lost but one that no event may have: the file is damaged there. */
struct history_rows {
    void (*row)(void *argument, json_t *row);
    void *argument;
};

enum history_list {
    HISTORY_STATES,
    HISTORY_FILES,
    HISTORY_ALARMS,
    HISTORY_PAUSES,
    HISTORY_SEGMENTS,
    HISTORY_HOLDS
};

enum status history_list(struct history *history, enum history_list list,
                         const struct history_rows *rows, struct error *error) MUST_CHECK;
/* Runs since then, the newest first, at most `limit`; what is NULL in `subject` may be anything. */
enum status history_runs(struct history *history, const struct history_subject *subject,
                         int64_t since_us, int64_t limit, const struct history_rows *rows,
                         struct error *error) MUST_CHECK;

/* One small step of forgetting: what is older than `keep` (the policy's `history:`), and of the
 * samples all but one an hour after 2 days, one a day after 14 and one a week after 120. `*more`
 * (may be NULL): there is more to forget. */
enum status history_prune(struct history *history, const struct span *keep, int64_t now_us,
                          bool *more, struct error *error) MUST_CHECK;

#endif
