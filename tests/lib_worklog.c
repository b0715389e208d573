/* The database that the tests of commands work on, in the test's folder. */
#include "lib_worklog.h"

#include "lib_folder.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { WORKLOG_PATIENCE_MS = 10000 }; /* with a worker that has it locked */

void worklog_do(sqlite3 *db, const char *sql)
{
    char *message = NULL;

    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == 0, "%s: %s", sql, message);
}

sqlite3 *worklog_open(const char *name)
{
    char *path = folder_path(name);
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, WORKLOG_PATIENCE_MS);
    free(path);
    return db;
}

char *worklog_ask(const char *name, const char *sql)
{
    sqlite3 *db = worklog_open(name);
    sqlite3_stmt *statement;
    struct text answer = {0};

    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == 0, "%s", sqlite3_errmsg(db));
    while (sqlite3_step(statement) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            text_addf(&answer, "%s%s", answer.length ? "|" : "", value ? value : "NULL");
        }
    ck_assert_msg(sqlite3_finalize(statement) == 0, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    return text_take(&answer);
}

void worklog_check(const char *name, const char *sql, const char *expected)
{
    char *answer = worklog_ask(name, sql);

    ck_assert_msg(strcmp(answer, expected) == 0, "%s: %s", sql, answer);
    free(answer);
}

void worklog_make(const char *name, int rows)
{
    sqlite3 *db = worklog_open(name);
    char *sql = memory_format(
        "PRAGMA journal_mode = WAL;"
        "CREATE TABLE logs(id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, message TEXT);"
        "CREATE INDEX logs_timestamp ON logs(timestamp);"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)"
        " INSERT INTO logs(timestamp, message)"
        " SELECT datetime('now', '+1 hour', (i * 200 / %d - 200) || ' days'),"
        " hex(zeroblob(60)) FROM n;"
        "PRAGMA wal_checkpoint(TRUNCATE)",
        rows, rows);

    worklog_do(db, sql);
    free(sql);
    sqlite3_close(db);
}
