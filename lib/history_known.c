/*
 * What is known of tasks and files besides their runs: since when, what the last run did, and
 * which file it was. Runs in the history worker.
 */
#include "clock.h"
#include "history_db.h"

#include <string.h>

static enum status history_seen_one(struct history *history, int64_t at_us, const json_t *task,
                                    struct error *error)
{
    /* `known_us` to the day is enough, and saves a write */
    return history_db_do(
        history, error,
        "INSERT INTO state(path, task, target, seen_us, known_us)"
        " VALUES(?1, ?2, ifnull(?3, ''), ?4, ?4) ON CONFLICT DO UPDATE SET known_us = ?4"
        " WHERE known_us < ?4 - 86400000000",
        "jjji", json_array_get(task, 0), json_array_get(task, 1), json_array_get(task, 2), at_us);
}

enum status history_seen(struct history *history, int64_t at_us, const json_t *tasks,
                         struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    for (size_t i = 0; !status && i < json_array_size(tasks); i++)
        status = history_seen_one(history, at_us, json_array_get(tasks, i), error);
    return history_db_end(history, status, error);
}

enum status history_file(struct history *history, const json_t *file, struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_db_do(history, error,
                           "INSERT OR REPLACE INTO file(path, device, inode, known_us)"
                           " VALUES(?,?,?,?)",
                           "jjji", json_object_get(file, "path"), json_object_get(file, "device"),
                           json_object_get(file, "inode"), clock_now_us());
    return history_db_end(history, status, error);
}

enum status history_writer(struct history *history, const json_t *writer, const char *path,
                           struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_db_do(history, error,
                           "INSERT OR REPLACE INTO writer(path, version, ours, at_us, inode)"
                           " VALUES(?,?,?,?,?)",
                           "tjjjj", path, json_object_get(writer, "version"),
                           json_object_get(writer, "ours"), json_object_get(writer, "at_us"),
                           json_object_get(writer, "inode"));
    return history_db_end(history, status, error);
}

enum status history_fresh(struct history *history, bool *fresh, struct error *error)
{
    int64_t known = 0;
    enum status status = history_db_ready(history, error);

    if (!status)
        status =
            history_db_number(history, error, &known, "SELECT EXISTS (SELECT 1 FROM state)", "");
    if (!status)
        *fresh = !known;
    return status;
}

static int64_t history_past_time(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_INTEGER
               ? sqlite3_column_int64(statement, column)
               : -1;
}

static void history_past_take(sqlite3_stmt *statement, struct history_past *past)
{
    const char *effect = (const char *)sqlite3_column_text(statement, 2);

    past->last.started_us = sqlite3_column_int64(statement, 0);
    past->last.seconds = sqlite3_column_double(statement, 1);
    past->last.effect = effect ? json_loads(effect, 0, NULL) : NULL;
    past->counted.seen_us = history_past_time(statement, 3);
    past->counted.started_us = history_past_time(statement, 4);
}

/* The last integrity run that counts, if it was done and whole. */
static void history_sound_take(sqlite3_stmt *statement, struct engine_sound *sound)
{
    json_t *effect = json_loads((const char *)sqlite3_column_text(statement, 1), 0, NULL);
    const char *level = json_string_value(json_object_get(effect, "level"));

    if (level && strcmp(level, "full") == 0 &&
        json_integer_value(json_object_get(effect, "problems")) == 0 &&
        json_array_size(json_object_get(effect, "unchecked")) == 0)
        *sound = (struct engine_sound){
            .at_us = sqlite3_column_int64(statement, 0),
            .device = (uint64_t)json_integer_value(json_object_get(effect, "device")),
            .inode = (uint64_t)json_integer_value(json_object_get(effect, "inode"))};
    json_decref(effect);
}

static enum status history_sound(struct history *history, const char *path,
                                 struct engine_sound *sound, struct error *error)
{
    sqlite3_stmt *statement;
    enum status status =
        history_db_ask(history, error, &statement,
                       "SELECT done_us, done_effect FROM state WHERE path = ?"
                       " AND task = 'integrity' AND target = '' AND started_us = done_us"
                       " AND done_effect IS NOT NULL",
                       "t", path);

    if (status)
        return status;
    if (sqlite3_step(statement) == SQLITE_ROW)
        history_sound_take(statement, sound);
    return history_db_asked(history, statement, error);
}

static enum status history_writer_take(struct history *history, const char *path,
                                       struct engine_writer *writer, struct error *error)
{
    sqlite3_stmt *statement;
    enum status status =
        history_db_ask(history, error, &statement,
                       "SELECT version, ours, at_us, inode FROM writer WHERE path = ?", "t", path);

    if (status)
        return status;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *writer = (struct engine_writer){.version = sqlite3_column_int(statement, 0),
                                         .ours = sqlite3_column_int(statement, 1),
                                         .at_us = sqlite3_column_int64(statement, 2),
                                         .inode = (uint64_t)sqlite3_column_int64(statement, 3)};
    return history_db_asked(history, statement, error);
}

enum status history_past(struct history *history, const struct history_subject *subject,
                         struct history_past *past, struct error *error)
{
    struct history_past found = {.counted = {-1, -1}};
    sqlite3_stmt *statement;
    enum status status = history_db_ready(history, error);

    if (!status)
        status =
            history_db_ask(history, error, &statement,
                           "SELECT done_us, done_seconds, done_effect, seen_us, started_us FROM"
                           " state"
                           " WHERE path = ? AND task = ? AND target = ifnull(?, '')",
                           "ttt", subject->path, subject->task, subject->target);
    if (status)
        return status;
    if (sqlite3_step(statement) == SQLITE_ROW)
        history_past_take(statement, &found);
    status = history_db_asked(history, statement, error);
    if (!status)
        status = history_sound(history, subject->path, &found.last.sound, error);
    if (!status)
        status = history_writer_take(history, subject->path, &found.last.writer, error);
    if (status)
        json_decref(found.last.effect);
    else
        *past = found;
    return status;
}
