/* Thin covers over sqlite3.h, each with the message that the test needs. */
#include "lib_sql.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_PATIENCE_MS = 10000 };

static sqlite3 *sql_open_with(const char *path, int flags)
{
    sqlite3 *db;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | flags, NULL);

    ck_assert_msg(rc == SQLITE_OK, "%s: %s", path, sqlite3_errmsg(db));
    sqlite3_busy_timeout(db, SQL_PATIENCE_MS);
    sqlite3_exec(db, "PRAGMA foreign_keys=ON", NULL, NULL, NULL);
    return db;
}

sqlite3 *sql_open(const char *path)
{
    return sql_open_with(path, 0);
}

sqlite3 *sql_make(const char *path)
{
    return sql_open_with(path, SQLITE_OPEN_CREATE);
}

void sql_do(sqlite3 *db, const char *format, ...)
{
    va_list arguments;
    char *sql = NULL, *message = NULL;

    va_start(arguments, format);
    ck_assert_int_ge(vasprintf(&sql, format, arguments), 0);
    va_end(arguments);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s: %s", sql, message);
    free(sql);
}

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    return statement;
}

static sqlite3_stmt *sql_row(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = sql_prepare(db, sql);

    ck_assert_msg(sqlite3_step(statement) == SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(db));
    return statement;
}

int64_t sql_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *row = sql_row(db, sql);
    int64_t number = sqlite3_column_int64(row, 0);

    sqlite3_finalize(row);
    return number;
}

void sql_expect(sqlite3 *db, const char *sql, const char *expected)
{
    sqlite3_stmt *row = sql_row(db, sql);
    const char *text = (const char *)sqlite3_column_text(row, 0);

    ck_assert_msg(text && strcmp(text, expected) == 0, "%s: %s", sql, text ? text : "NULL");
    sqlite3_finalize(row);
}
