/* SQL for tests: what must not fail fails the test. */
#ifndef LIB_SQL_H
#define LIB_SQL_H

#include <sqlite3.h>
#include <stdint.h>

/* Opens a database that is there, or makes one, with 10 s of patience. */
sqlite3 *sql_open(const char *path);
sqlite3 *sql_make(const char *path);
/* As printf makes it. */
void sql_do(sqlite3 *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql);
int64_t sql_number(sqlite3 *db, const char *sql);
/* The first value as text. */
void sql_expect(sqlite3 *db, const char *sql, const char *expected);

#endif
