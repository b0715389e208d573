/* SQLite for programs that may simply end, with a message, when it fails. */
#ifndef SQL_H
#define SQL_H

#include <sqlite3.h>
#include <stdint.h>

/* Waits 10 s for a lock, unless it is told otherwise. */
sqlite3 *sql_open(const char *path, int flags);
sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql);
void sql_run(sqlite3 *db, const char *format, ...); /* sqlite3_mprintf's formats */
void sql_step(sqlite3_stmt *statement);             /* one that returns no rows; resets it */
int64_t sql_number(sqlite3 *db, const char *sql);   /* the first column of the first row */
void sql_bind_text(sqlite3_stmt *statement, int parameter, const char *text);

#endif
