/*
 * litekeeper's own memory: what has been run, what was measured, and what is known of the clock.
 * It runs in the history worker, with a rollback journal and synchronous=FULL: a run happens a few
 * times a day, and what it removed must be remembered. It never opens an application's database.
 */
#include "history.h"

#include "clock.h"
#include "history_db.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <systemd/sd-id128.h>

enum { HISTORY_PRUNE = 1000 }; /* runs forgotten at once */

static const int64_t history_ahead_us = INT64_C(7) * 86400 * 1000000;

static const json_t *history_get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
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
                                      const char *path, int64_t started_us, struct error *error)
{
    const json_t *lock = history_get(outcome, "lock");
    char *effect = history_effect(outcome);
    enum status status = history_db_do(
        history, error,
        "INSERT INTO run(started_us, recorded_us, path, database, task, target, outcome, reason,"
        " rows, bytes_freed, seconds, lock_count, lock_max_ms, lock_p99_ms, lock_total_ms, effect)"
        " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "iitjjjjjjjjjjjjt", started_us, clock_now_us(), path, history_get(outcome, "database"),
        history_get(outcome, "task"), history_get(outcome, "target"),
        history_get(outcome, "outcome"), history_get(outcome, "reason"),
        history_get(outcome, "rows"), history_get(outcome, "bytes_freed"),
        history_get(outcome, "seconds"), history_get(lock, "count"), history_get(lock, "max_ms"),
        history_get(lock, "p99_ms"), history_get(lock, "total_ms"), effect);

    free(effect);
    return status;
}

static enum status history_record_btree(struct history *history, int64_t sample, size_t position,
                                        const json_t *btree, struct error *error)
{
    return history_db_do(
        history, error,
        "INSERT INTO sample_btree(sample, position, name, \"table\", type, depth, interior_pages,"
        " leaf_pages, overflow_pages, entries, bytes, fragmentation, density)"
        " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "iijjjjjjjjjjj", sample, (int64_t)position, history_get(btree, "name"),
        history_get(btree, "table"), history_get(btree, "type"), history_get(btree, "depth"),
        history_get(btree, "interior_pages"), history_get(btree, "leaf_pages"),
        history_get(btree, "overflow_pages"), history_get(btree, "entries"),
        history_get(btree, "bytes"), history_get(btree, "fragmentation"),
        history_get(btree, "density"));
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
    for (size_t i = 0; !status && i < json_array_size(btrees); i++)
        status = history_record_btree(history, run, i, json_array_get(btrees, i), error);
    return status;
}

enum status history_record(struct history *history, const json_t *outcome, const char *path,
                           int64_t started_us, struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (!status)
        status = history_record_run(history, outcome, path, started_us, error);
    if (!status)
        status = history_record_sample(history, history_get(outcome, "effect"), error);
    return history_db_end(history, status, error);
}

/* What the table knows of the clock, before anything about now goes in. */
static enum status history_recall(struct history *history, const char *boot,
                                  struct engine_memory *memory, struct error *error)
{
    int64_t synchronised = 0;
    enum status status = history_db_number(history, error, "SELECT max(believed_us) FROM clock",
                                           NULL, &memory->newest_us);

    if (!status)
        status = history_db_number(history, error, "SELECT offset_us FROM clock WHERE boot = ?",
                                   boot, &memory->boot_offset_us);
    if (!status)
        status = history_db_number(history, error, "SELECT max(synchronised) FROM clock", NULL,
                                   &synchronised);
    memory->was_synchronised = synchronised != 0;
    return status;
}

static enum status history_note(struct history *history, const char *boot, int64_t now, bool sure,
                                bool believed, struct error *error)
{
    return history_db_do(history, error,
                         "INSERT INTO clock(boot, offset_us, last_us, believed_us, synchronised)"
                         " VALUES(?1, ?2, ?3, CASE WHEN ?4 THEN ?3 END, ?5)"
                         " ON CONFLICT(boot) DO UPDATE SET last_us = ?3,"
                         " offset_us = CASE WHEN ?6 THEN ?2 ELSE offset_us END,"
                         " believed_us = CASE WHEN ?4 THEN ?3 ELSE believed_us END,"
                         " synchronised = max(synchronised, ?5)",
                         "tiiiii", boot, now - clock_read().boot_us, now, (int64_t)believed,
                         (int64_t)clock_read().synchronised, (int64_t)sure);
}

/* Once it is known to be right, what was believed of later times was wrong. */
static enum status history_correct(struct history *history, int64_t now, struct error *error)
{
    return history_db_do(history, error, "UPDATE clock SET believed_us = ?1 WHERE believed_us > ?1",
                         "i", now);
}

static enum status history_see(struct history *history, const char *boot, bool sure,
                               struct engine_memory *known, struct error *error)
{
    int64_t now = clock_now_us();
    enum status status = history_recall(history, boot, known, error);

    sure = sure || clock_read().synchronised;
    bool near = known->newest_us < 0 ||
                (now >= known->newest_us && now - known->newest_us <= history_ahead_us);
    if (!status && sure)
        status = history_correct(history, now, error);
    if (!status)
        status = history_note(history, boot, now, sure, sure || near, error);
    return status;
}

enum status history_clock(struct history *history, bool sure, struct engine_memory *memory,
                          struct error *error)
{
    struct engine_memory known = {-1, -1, false, {0}};
    char boot[SD_ID128_STRING_MAX] = "unknown";
    sd_id128_t id;
    enum status status;

    if (sd_id128_get_boot(&id) == 0)
        sd_id128_to_string(id, boot);
    status = history_db_begin(history, error);
    if (!status)
        status = history_see(history, boot, sure, &known, error);
    status = history_db_end(history, status, error);
    if (!status)
        *memory = known;
    return status;
}

enum status history_prune(struct history *history, const struct span *keep, int64_t now_us,
                          struct error *error)
{
    int64_t cutoff = units_before(now_us, keep);
    enum status status = history_db_begin(history, error);

    if (!status) /* a bounded step each time; samples go with their run */
        status =
            history_db_do(history, error,
                          "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE started_us < ?"
                          " ORDER BY started_us LIMIT ?)",
                          "ii", cutoff, (int64_t)HISTORY_PRUNE);
    if (!status) /* what is believed, and that it was ever synchronised, must stay known */
        status = history_db_do(history, error,
                               "DELETE FROM clock WHERE last_us < ? AND last_us <"
                               " (SELECT max(last_us) FROM clock WHERE synchronised) AND last_us <"
                               " (SELECT max(last_us) FROM clock WHERE believed_us NOT NULL)",
                               "i", cutoff);
    return history_db_end(history, status, error);
}
