/*
 * Asks SQLite's own parser, with an empty database in memory, which is gone again at once. A
 * statement is parsed as a whole before the first of its names is looked up, so of all that may be
 * wrong with it what its syntax says comes first. Runs wherever a policy is loaded.
 */
#include "sqlsyntax.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* How its messages begin or end (parse.y, tokenize.c); others are about names. */
static const char *const sqlsyntax_begins[] = {"near \"", "unrecognized token", "incomplete input",
                                               "parser stack overflow", "too many "};
static const char sqlsyntax_ends[] = "syntax error";

static bool sqlsyntax_is(const char *message)
{
    size_t length = strlen(message), end = sizeof sqlsyntax_ends - 1;

    for (size_t i = 0; i < sizeof sqlsyntax_begins / sizeof *sqlsyntax_begins; i++)
        if (strncmp(message, sqlsyntax_begins[i], strlen(sqlsyntax_begins[i])) == 0)
            return true;
    return length >= end && strcmp(message + length - end, sqlsyntax_ends) == 0;
}

static enum status sqlsyntax_ask(sqlite3 *memory, const char *sql, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(memory, sql, -1, &statement, NULL);

    sqlite3_finalize(statement);
    if (rc == SQLITE_OK || !sqlsyntax_is(sqlite3_errmsg(memory)))
        return STATUS_OK;
    return error_set(error, STATUS_INVALID, "%s", sqlite3_errmsg(memory));
}

enum status sqlsyntax_check(const char *sql, struct error *error)
{
    sqlite3 *memory = NULL;
    enum status status = STATUS_OK;

    if (sqlite3_open_v2(":memory:", &memory, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, "unix") ==
        SQLITE_OK)
        status = sqlsyntax_ask(memory, sql, error);
    sqlite3_close(memory);
    return status;
}
