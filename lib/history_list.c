/*
 * Answers that have rows: each row of a statement becomes an event, by its columns' names, and is
 * checked as the parent will check it, so that a damaged file can't make the parent take us for a
 * hostile worker. Runs in the history worker.
 */
#include "event.h"
#include "event_check.h"
#include "history_db.h"

#include <stdlib.h>
#include <string.h>

enum { HISTORY_ENVELOPE = 64, HISTORY_NAME = 32 };

/* A column's name says what becomes of it: "lock.count" goes into an object, "busy?" is a flag
 * that is left out where it is NULL, "effect{}" is JSON. */
static const struct {
    const char *kind, *sql;
} history_lists[] = {
    [HISTORY_STATES] = {"state", "SELECT path, task, nullif(target, '') AS target, seen_us,"
                                 " started_us, failures, outcome FROM state"},
    [HISTORY_FILES] = {"file", "SELECT path, device, inode FROM file"},
    [HISTORY_ALARMS] = {"alarm", "SELECT database, nullif(path, '') AS path, metric,"
                                 " nullif(subject, '') AS subject, severity, value,"
                                 " CAST(nullif(threshold, '') AS REAL) AS threshold, text,"
                                 " raised_us, told_us FROM alarm ORDER BY raised_us"},
    [HISTORY_PAUSES] = {"pause", "SELECT nullif(database, '') AS database,"
                                 " nullif(task, '') AS task, until_us FROM pause"},
    [HISTORY_SEGMENTS] = {"segment",
                          "SELECT database, 'retention' AS task, target, path, state, directory,"
                          " file, rows, bytes, sha256, sha256_rows, manifest_sha256, first_us,"
                          " last_us, cutoff_us, nullif(rebuilt, 0) AS \"rebuilt?\" FROM segment"
                          " ORDER BY directory, database, target, first_us"},
    [HISTORY_HOLDS] = {"hold",
                       "SELECT database, 'restore' AS task, target, path, first_us, last_us,"
                       " set_us FROM hold"},
};

#define HISTORY_RUNS(PATH)                                                                    \
    "SELECT path, started_us, database, task, target, outcome, reason, rows, bytes_freed,"    \
    " seconds, nullif(busy, 0) AS \"busy?\", nullif(waits, 0) AS \"waits?\","                 \
    " lock_count AS \"lock.count\", lock_max_ms AS \"lock.max_ms\","                          \
    " lock_p99_ms AS \"lock.p99_ms\", lock_total_ms AS \"lock.total_ms\","                    \
    " effect AS \"effect{}\" FROM run WHERE " PATH " AND (?2 IS NULL OR task = ?2)"           \
    " AND (?3 IS NULL OR target = ?3) AND started_us >= ?4 ORDER BY started_us DESC, id DESC" \
    " LIMIT ?5"

/* Of all files the newest come by the index of times, of one by that of files. */
static const char history_runs_all[] = HISTORY_RUNS("?1 IS NULL");
static const char history_runs_path[] = HISTORY_RUNS("path = ?1");

static json_t *history_value(sqlite3_stmt *statement, int column)
{
    int type = sqlite3_column_type(statement, column);
    json_t *value = NULL;

    if (type == SQLITE_INTEGER)
        value = json_integer(sqlite3_column_int64(statement, column));
    else if (type == SQLITE_FLOAT)
        value = json_real(sqlite3_column_double(statement, column));
    else if (type == SQLITE_TEXT)
        value = json_string((const char *)sqlite3_column_text(statement, column));
    return value ? value : json_null(); /* what is not UTF-8, too */
}

static json_t *history_json(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;

    return value ? value : json_null();
}

/* The object `name` of the row, made if it is not there. */
static json_t *history_inner(json_t *row, const char *name, size_t length)
{
    char key[HISTORY_NAME] = "";

    strncat(key, name, length < sizeof key ? length : sizeof key - 1);
    if (!json_object_get(row, key))
        json_object_set_new(row, key, json_object());
    return json_object_get(row, key);
}

static void history_column(json_t *row, sqlite3_stmt *statement, int column)
{
    const char *name = sqlite3_column_name(statement, column), *mark = strpbrk(name, ".?{");
    char key[HISTORY_NAME] = "";

    if (!mark) {
        json_object_set_new(row, name, history_value(statement, column));
        return;
    }
    strncat(key, name, (size_t)(mark - name));
    if (*mark == '.')
        json_object_set_new(history_inner(row, name, (size_t)(mark - name)), mark + 1,
                            history_value(statement, column));
    else if (*mark == '{')
        json_object_set_new(row, key, history_json(statement, column));
    else if (sqlite3_column_type(statement, column) != SQLITE_NULL)
        json_object_set_new(row, key, json_true());
}

/* A line that is too long would end us; the effect alone can make it so. */
static void history_shorten(json_t *event)
{
    json_t *effect = json_object_get(event, "effect");
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15);

    if (json_is_object(effect) && json_dumpb(event, NULL, 0, flags) > EVENT_LINE - HISTORY_ENVELOPE)
        json_object_set_new(event, "effect", json_null());
}

static void history_row(sqlite3_stmt *statement, const char *kind, const struct history_rows *rows)
{
    json_t *row = json_object(), *event = NULL;

    json_object_set_new(row, "event", json_string(kind));
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        history_column(row, statement, i);
    if (event_take(row, &event, NULL) == STATUS_OK) {
        history_shorten(event);
        rows->row(rows->argument, event);
    }
    json_decref(row);
}

static enum status history_rows(struct history *history, sqlite3_stmt *statement, const char *kind,
                                const struct history_rows *rows, struct error *error)
{
    while (sqlite3_step(statement) == SQLITE_ROW)
        history_row(statement, kind, rows);
    return history_db_asked(history, statement, error);
}

enum status history_list(struct history *history, enum history_list list,
                         const struct history_rows *rows, struct error *error)
{
    sqlite3_stmt *statement;
    enum status status = history_db_ready(history, error);

    if (!status)
        status = history_db_ask(history, error, &statement, history_lists[list].sql, "");
    return status ? status
                  : history_rows(history, statement, history_lists[list].kind, rows, error);
}

enum status history_runs(struct history *history, const struct history_subject *subject,
                         int64_t since_us, int64_t limit, const struct history_rows *rows,
                         struct error *error)
{
    sqlite3_stmt *statement;
    enum status status = history_db_ready(history, error);

    if (!status)
        status = history_db_ask(history, error, &statement,
                                subject->path ? history_runs_path : history_runs_all, "tttii",
                                subject->path, subject->task, subject->target, since_us, limit);
    return status ? status : history_rows(history, statement, "run", rows, error);
}
