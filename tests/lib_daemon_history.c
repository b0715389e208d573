/* What the daemon of lib_daemon.h remembers: its history, asked as any file of SQLite's. */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_folder.h"
#include "lib_sql.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { POLL_MS = 40 };

static const double patience_ms = 20000;

static sqlite3 *daemons_history(void)
{
    char *path = folder_path("state/history.db");
    sqlite3 *db = sql_open(path);

    free(path);
    return db;
}

int64_t daemons_count(const char *format, ...)
{
    sqlite3 *db = daemons_history();
    va_list arguments;
    char sql[1024];

    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    int64_t count = sql_number(db, sql);
    sqlite3_close(db);
    return count;
}

void daemons_await_count(int64_t least, const char *sql)
{
    double begun = clock_monotonic_ms();
    int64_t count;

    while ((count = daemons_count("%s", sql)) < least) {
        if (clock_monotonic_ms() - begun > patience_ms)
            ck_abort_msg("%s: %d\n%s", sql, (int)count, daemons_last_words());
        clock_sleep_ms(POLL_MS);
    }
}

void daemons_remember(const char *sql)
{
    sqlite3 *db = daemons_history();

    sql_do(db, "%s", sql);
    sqlite3_close(db);
}
