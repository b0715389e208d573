/*
 * Runs and their samples, as they come in, and how each task stands since. Runs in the history
 * worker, on a rollback journal with synchronous=FULL: what a run removed must be remembered. It
 * never opens an application's database.
 */
#include "history.h"

#include "clock.h"
#include "history_db.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static const json_t *history_get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

static int64_t history_flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* The effect as text, without what goes to tables of its own. */
static char *history_effect(const json_t *outcome)
{
    json_t *effect = json_copy(json_object_get(outcome, "effect"));
    char *text = NULL;

    if (json_is_object(effect)) {
        json_object_del(effect, "btrees");
        text = json_dumps(effect, JSON_COMPACT | JSON_REAL_PRECISION(15));
    }
    json_decref(effect);
    return text;
}

static enum status history_record_run(struct history *history, const json_t *outcome,
                                      const char *path, int64_t started_us, const char *effect,
                                      struct error *error)
{
    const json_t *lock = history_get(outcome, "lock");

    return history_db_do(
        history, error,
        "INSERT INTO run(started_us, recorded_us, path, database, task, target, outcome, reason,"
        " rows, bytes_freed, seconds, lock_count, lock_max_ms, lock_p99_ms, lock_total_ms, effect,"
        " busy, waits) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT(path, task, ifnull(target, ''), started_us) DO NOTHING",
        "iitjjjjjjjjjjjjtii", started_us, clock_now_us(), path, history_get(outcome, "database"),
        history_get(outcome, "task"), history_get(outcome, "target"),
        history_get(outcome, "outcome"), history_get(outcome, "reason"),
        history_get(outcome, "rows"), history_get(outcome, "bytes_freed"),
        history_get(outcome, "seconds"), history_get(lock, "count"), history_get(lock, "max_ms"),
        history_get(lock, "p99_ms"), history_get(lock, "total_ms"), effect,
        history_flag(outcome, "busy"), history_flag(outcome, "waits"));
}

static enum status history_record_btree(struct history *history, int64_t sample, int64_t position,
                                        const json_t *btree, struct error *error)
{
    return history_db_do(
        history, error,
        "INSERT OR IGNORE INTO sample_btree(sample, position, name, \"table\", type, depth,"
        " interior_pages, leaf_pages, overflow_pages, entries, bytes, fragmentation, density)"
        " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "iijjjjjjjjjjj", sample, position, history_get(btree, "name"), history_get(btree, "table"),
        history_get(btree, "type"), history_get(btree, "depth"),
        history_get(btree, "interior_pages"), history_get(btree, "leaf_pages"),
        history_get(btree, "overflow_pages"), history_get(btree, "entries"),
        history_get(btree, "bytes"), history_get(btree, "fragmentation"),
        history_get(btree, "density"));
}

static enum status history_record_array(struct history *history, int64_t sample, int64_t position,
                                        const json_t *btrees, struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; !status && i < json_array_size(btrees); i++)
        status = history_record_btree(history, sample, position + (int64_t)i,
                                      json_array_get(btrees, i), error);
    return status;
}

/* An effect that measured b-trees is a sample, whichever task took it. */
static enum status history_record_sample(struct history *history, const json_t *effect,
                                         struct error *error)
{
    const json_t *btrees = history_get(effect, "btrees");
    int64_t run = sqlite3_last_insert_rowid(history->db);
    enum status status;

    if (!json_is_array(btrees))
        return STATUS_OK;
    status =
        history_db_do(history, error,
                      "INSERT INTO sample(run, page_size, pages, free_pages, wal_bytes)"
                      " VALUES(?,?,?,?,?)",
                      "ijjjj", run, history_get(effect, "page_size"), history_get(effect, "pages"),
                      history_get(effect, "free_pages"), history_get(effect, "wal_bytes"));
    return status ? status : history_record_array(history, run, 0, btrees, error);
}

static bool history_is(const json_t *outcome, const char *name)
{
    const char *kind = json_string_value(json_object_get(outcome, "outcome"));

    return kind && strcmp(kind, name) == 0;
}

/* What was busy, waits for its window or was stopped is still due. An effect that says "remember"
 * is kept for the next run to go by, whatever became of this one. */
static enum status history_record_state(struct history *history, const json_t *outcome,
                                        const char *path, int64_t started_us, const char *effect,
                                        struct error *error)
{
    bool settled = history_flag(outcome, "settled");
    bool counts = settled || (!history_flag(outcome, "busy") && !history_flag(outcome, "waits") &&
                              !history_is(outcome, "cancelled"));
    bool kept = history_flag(history_get(outcome, "effect"), "remember");

    return history_db_do(
        history, error,
        "INSERT INTO state(path, task, target, seen_us, known_us, started_us, failures, outcome,"
        " done_us, done_seconds, done_effect) VALUES(?1, ?2, ifnull(?3, ''), ?4, ?4,"
        " iif(?5, ?4, NULL), ?5 AND ?6, ?7, iif(?8, ?4, NULL), iif(?8, ?9, NULL),"
        " iif(?8 OR ?11, ?10, NULL)) ON CONFLICT DO UPDATE SET known_us = max(known_us, ?4),"
        " started_us = iif(?5, ?4, started_us),"
        " failures = iif(?5, iif(?6, failures + 1, 0), failures), outcome = ?7,"
        " done_us = iif(?8, ?4, done_us), done_seconds = iif(?8, ?9, done_seconds),"
        " done_effect = iif(?8 OR ?11, ?10, done_effect)",
        "tjjiiijijti", path, history_get(outcome, "task"), history_get(outcome, "target"),
        started_us, (int64_t)counts, (int64_t)(history_is(outcome, "failed") && !settled),
        history_get(outcome, "outcome"), (int64_t)(counts && history_is(outcome, "done")),
        history_get(outcome, "seconds"), effect, (int64_t)kept);
}

static enum status history_record_all(struct history *history, const json_t *outcome,
                                      const char *path, int64_t started_us, struct error *error)
{
    char *effect = history_effect(outcome);
    enum status status = history_record_run(history, outcome, path, started_us, effect, error);

    if (!status && sqlite3_changes(history->db) > 0) { /* else it is known already */
        status = history_record_sample(history, history_get(outcome, "effect"), error);
        if (!status)
            status = history_record_state(history, outcome, path, started_us, effect, error);
    }
    free(effect);
    return status;
}

enum status history_record(struct history *history, const json_t *outcome, const char *path,
                           int64_t started_us, struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_record_all(history, outcome, path, started_us, error);
    return history_db_end(history, status, error);
}

static enum status history_record_more(struct history *history,
                                       const struct history_subject *subject, int64_t started_us,
                                       int64_t position, const json_t *btrees, struct error *error)
{
    sqlite3_stmt *statement;
    int64_t run = -1;
    enum status status = history_db_ask(
        history, error, &statement,
        "SELECT sample.run FROM run JOIN sample ON sample.run = run.id WHERE path = ? AND task = ?"
        " AND ifnull(target, '') = ifnull(?, '') AND started_us = ?",
        "ttti", subject->path, subject->task, subject->target, started_us);

    if (status)
        return status;
    if (sqlite3_step(statement) == SQLITE_ROW)
        run = sqlite3_column_int64(statement, 0);
    status = history_db_asked(history, statement, error);
    if (!status && run < 0)
        status = error_set(error, STATUS_INVALID, "no sample of that time is known");
    return status ? status : history_record_array(history, run, position, btrees, error);
}

enum status history_record_btrees(struct history *history, const struct history_subject *subject,
                                  int64_t started_us, int64_t position, const json_t *btrees,
                                  struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_record_more(history, subject, started_us, position, btrees, error);
    return history_db_end(history, status, error);
}
