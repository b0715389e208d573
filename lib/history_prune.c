/*
 * Forgetting, in steps so small that nobody waits for one. The older samples are, the further
 * they are apart; how far that has come is remembered, so that a run is looked at only as often as
 * the table has rows. Runs in the history worker.
 */
#include "history_db.h"
#include "task.h"

enum {
    HISTORY_PRUNE = 300, /* runs forgotten at once */
    HISTORY_LOOK = 200,  /* runs looked at at once */
    HISTORY_FREE = 256   /* pages that may be free, and that are given back at once */
};

#define HISTORY_HOUR (INT64_C(3600) * 1000000)
#define HISTORY_DAY  (24 * HISTORY_HOUR)

/* Of samples older than this, one in so long is enough, from the coarsest on. */
static const struct {
    int64_t after_us, apart_us;
} history_thinning[] = {
    {120 * HISTORY_DAY, 7 * HISTORY_DAY},
    {14 * HISTORY_DAY, HISTORY_DAY},
    {2 * HISTORY_DAY, HISTORY_HOUR},
};

/* A bounded step; samples and their b-trees go with their run. */
static enum status history_prune_runs(struct history *history, int64_t cutoff, bool *more,
                                      struct error *error)
{
    enum status status =
        history_db_do(history, error,
                      "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE started_us < ?"
                      " ORDER BY started_us LIMIT ?)",
                      "ii", cutoff, (int64_t)HISTORY_PRUNE);

    *more = *more || (!status && sqlite3_changes(history->db) == HISTORY_PRUNE);
    return status;
}

/* What is believed of the clock, and that it was ever synchronised, must stay known; so must what
 * is raised, and files whose tasks are. */
static const char *const history_prune_old[] = {
    "DELETE FROM clock WHERE last_us < ?1"
    " AND last_us < (SELECT max(last_us) FROM clock WHERE synchronised)"
    " AND last_us < (SELECT max(last_us) FROM clock WHERE believed_us NOT NULL)",
    "DELETE FROM state WHERE max(known_us, ifnull(started_us, 0)) < ?1",
    "DELETE FROM file WHERE known_us < ?1"
    " AND NOT EXISTS (SELECT 1 FROM state WHERE state.path = file.path)",
    "DELETE FROM writer WHERE at_us < ?1"
    " AND NOT EXISTS (SELECT 1 FROM state WHERE state.path = writer.path)",
    "DELETE FROM alarm_change WHERE id IN"
    " (SELECT id FROM alarm_change WHERE at_us < ?1 ORDER BY at_us LIMIT 300)",
    "DELETE FROM pause WHERE until_us >= 0 AND until_us < ?1",
};

static enum status history_prune_all(struct history *history, int64_t cutoff, bool *more,
                                     struct error *error)
{
    enum status status = history_prune_runs(history, cutoff, more, error);

    for (size_t i = 0; !status && i < sizeof history_prune_old / sizeof *history_prune_old; i++)
        status = history_db_do(history, error, history_prune_old[i], "i", cutoff);
    return status;
}

/* Up to when the step after `from` goes: over so many runs, and always ahead. */
static enum status history_thin_to(struct history *history, int64_t from, int64_t cutoff,
                                   int64_t *to, struct error *error)
{
    sqlite3_stmt *statement;
    enum status status =
        history_db_ask(history, error, &statement,
                       "SELECT started_us FROM run WHERE started_us >= ? AND started_us < ?"
                       " ORDER BY started_us LIMIT 1 OFFSET ?",
                       "iii", from, cutoff, (int64_t)HISTORY_LOOK);

    if (status)
        return status;
    *to = cutoff;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *to = sqlite3_column_int64(statement, 0);
    if (*to <= from)
        *to = from + 1;
    return history_db_asked(history, statement, error);
}

/* Of the runs of one kind of task that ended alike the first in each so long stays. */
static enum status history_thin_task(struct history *history, const char *task, int64_t from,
                                     int64_t to, int64_t apart, struct error *error)
{
    return history_db_do(
        history, error,
        "DELETE FROM run WHERE id IN (SELECT id FROM run AS late WHERE started_us >= ?1"
        " AND started_us < ?2 AND task = ?3 AND EXISTS (SELECT 1 FROM run AS early"
        "  WHERE early.path = late.path AND early.task = ?3"
        "  AND ifnull(early.target, '') = ifnull(late.target, '')"
        "  AND early.started_us >= late.started_us / ?4 * ?4"
        "  AND early.started_us < late.started_us AND early.outcome = late.outcome))",
        "iiti", from, to, task, apart);
}

static enum status history_thin(struct history *history, int64_t cutoff, int64_t apart, bool *more,
                                struct error *error)
{
    int64_t from = 0, to = 0;
    enum status status =
        history_db_number(history, error, &from, "SELECT upto_us FROM thinned WHERE apart_us = ?",
                          "i", apart);

    from = from < cutoff ? from : cutoff; /* the clock may have been set back */
    if (!status)
        status = history_thin_to(history, from, cutoff, &to, error);
    for (size_t i = 0; !status && tasks[i]; i++)
        if (tasks[i]->flags & TASK_QUIET)
            status = history_thin_task(history, tasks[i]->name, from, to, apart, error);
    if (!status)
        status = history_db_do(history, error, "INSERT OR REPLACE INTO thinned VALUES(?, ?)", "ii",
                               apart, to);
    *more = *more || to < cutoff;
    return status;
}

/* Free pages are used again, so a few are kept; a file that was much larger gives them back. */
static enum status history_shrink(struct history *history, bool *more, struct error *error)
{
    int64_t free_pages = 0, pages = 0, mode = 0;
    enum status status =
        history_db_number(history, error, &free_pages, "PRAGMA freelist_count", "");

    if (!status)
        status = history_db_number(history, error, &pages, "PRAGMA page_count", "");
    if (!status)
        status = history_db_number(history, error, &mode, "PRAGMA auto_vacuum", "");
    if (status || mode != 2 || free_pages <= HISTORY_FREE || free_pages < pages / 4)
        return status;
    *more = true;
    return history_db_do(history, error, "PRAGMA incremental_vacuum(256)", "");
}

static enum status history_step(struct history *history, const struct span *keep, int64_t now_us,
                                bool *more, struct error *error)
{
    enum status status = history_prune_all(history, units_before(now_us, keep), more, error);

    for (size_t i = 0; !status && i < sizeof history_thinning / sizeof *history_thinning; i++)
        status = history_thin(history, now_us - history_thinning[i].after_us,
                              history_thinning[i].apart_us, more, error);
    return status ? status : history_shrink(history, more, error);
}

enum status history_prune(struct history *history, const struct span *keep, int64_t now_us,
                          bool *more, struct error *error)
{
    bool left = false;
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_step(history, keep, now_us, &left, error);
    status = history_db_end(history, status, error);
    if (!status && more)
        *more = left;
    return status;
}
