/* The history's file, for the history's own rooms alone: statements and transactions on it. */
#ifndef HISTORY_DB_H
#define HISTORY_DB_H

#include "history.h"

#include <sqlite3.h>
#include <sys/types.h>

struct history_statement {
    const char *sql; /* by this very pointer, so it must stay */
    sqlite3_stmt *statement;
};

struct history {
    sqlite3 *db; /* NULL while it can't be opened */
    char *folder, *file;
    dev_t device;
    ino_t inode;
    enum history_found found;
    bool opened; /* and nobody has asked yet */
    bool ever;   /* a file was open before */
    bool together;
    struct history_statement *statements;
    size_t statement_count;
};

/* What SQLite has against it: STATUS_INVALID where that is what was asked. */
enum status history_db_failed(const struct history *history, struct error *error);

/* Begins a statement with its values, one letter each: i int64_t, t text or NULL, j a JSON value
 * or NULL (which is NULL in the table too). It is prepared once, and stays the history's. */
enum status history_db_ask(struct history *history, struct error *error, sqlite3_stmt **statement,
                           const char *sql, const char *types, ...) MUST_CHECK;
/* Ends it, and says how its last step went. */
enum status history_db_asked(struct history *history, sqlite3_stmt *statement,
                             struct error *error) MUST_CHECK;
/* A whole statement, whose rows are of no interest. */
enum status history_db_do(struct history *history, struct error *error, const char *sql,
                          const char *types, ...) MUST_CHECK;
/* The first column of its first row; `number` stays as it is where that is none. */
enum status history_db_number(struct history *history, struct error *error, int64_t *number,
                              const char *sql, const char *types, ...) MUST_CHECK;
void history_db_forget(struct history *history); /* all statements */

/* Before reading outside of a transaction. */
enum status history_db_ready(struct history *history, struct error *error) MUST_CHECK;
/* A transaction, or within history_begin and history_end a part of theirs. */
enum status history_db_begin(struct history *history, struct error *error) MUST_CHECK;
/* Commits where `status` is OK; else, or where that fails, takes back what was done. */
enum status history_db_end(struct history *history, enum status status,
                           struct error *error) MUST_CHECK;

#endif
