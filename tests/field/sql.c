/* SQLite for programs that may simply end when it fails. */
#include "sql.h"

#include "log.h"

#include <stdarg.h>
#include <stddef.h>

sqlite3 *sql_open(const char *path, int flags)
{
    sqlite3 *db;

    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
        log_fatal("%s: %s", path, sqlite3_errmsg(db));
    sqlite3_busy_timeout(db, 10000);
    return db;
}

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        log_fatal("%s: %s", sqlite3_errmsg(db), sql);
    return statement;
}

void sql_run(sqlite3 *db, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        log_fatal("%s: %.200s", sqlite3_errmsg(db), sql);
    sqlite3_free(sql);
}

void sql_step(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        log_fatal("%s: %s", sqlite3_errmsg(sqlite3_db_handle(statement)), sqlite3_sql(statement));
    sqlite3_reset(statement);
}

int64_t sql_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = sql_prepare(db, sql);

    if (sqlite3_step(statement) != SQLITE_ROW)
        log_fatal("%s: %s", sqlite3_errmsg(db), sql);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

void sql_bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
    sqlite3_bind_text(statement, parameter, text, -1, SQLITE_TRANSIENT);
}
