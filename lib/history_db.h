/* The history's file, for history.c alone: statements and transactions on it. */
#ifndef HISTORY_DB_H
#define HISTORY_DB_H

#include "history.h"

#include <sqlite3.h>

struct history {
    sqlite3 *db;
    char *file;
};

/* Runs one statement with its values, one letter each: i int64_t, t text or NULL, j a JSON value
 * or NULL (which is NULL in the table too). */
enum status history_db_do(struct history *history, struct error *error, const char *sql,
                          const char *types, ...) MUST_CHECK;

/* The first column of the first row as a number; `number` stays as it is where there is none.
 * `text`, if not NULL, is the one parameter. */
enum status history_db_number(struct history *history, struct error *error, const char *sql,
                              const char *text, int64_t *number) MUST_CHECK;

enum status history_db_begin(struct history *history, struct error *error) MUST_CHECK;
/* Commits where `status` is OK; else, or where that fails, takes back what was done. */
enum status history_db_end(struct history *history, enum status status,
                           struct error *error) MUST_CHECK;

#endif
