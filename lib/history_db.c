/*
 * Statements on the history's file and its transactions. Runs in the history worker; knows
 * nothing of what the tables mean.
 */
#include "history_db.h"

#include "history_file.h"
#include "memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What SQLite's results mean, where it is more than that it went wrong. */
static const struct {
    int result;
    enum status status;
    const char *advice;
} history_results[] = {
    {SQLITE_CONSTRAINT, STATUS_INVALID, ""},
    {SQLITE_MISMATCH, STATUS_INVALID, ""},
    {SQLITE_TOOBIG, STATUS_INVALID, ""},
    {SQLITE_CORRUPT, STATUS_FAILED, "; move it away, and a new one is begun"},
    {SQLITE_NOTADB, STATUS_FAILED, "; move it away, and a new one is begun"},
    {SQLITE_ERROR, STATUS_FAILED, ""}, /* the last one stands for all others */
};

enum status history_db_failed(const struct history *history, struct error *error)
{
    size_t last = sizeof history_results / sizeof *history_results - 1, i = 0;

    while (i < last && (sqlite3_errcode(history->db) & 0xFF) != history_results[i].result)
        i++;
    return error_set(error, history_results[i].status, "%s: %s%s", history->file,
                     sqlite3_errmsg(history->db), history_results[i].advice);
}

static void history_bind(sqlite3_stmt *statement, const char *types, va_list values)
{
    for (int i = 1; *types; types++, i++) {
        const json_t *value = *types == 'j' ? va_arg(values, const json_t *) : NULL;

        if (*types == 'i')
            sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
        else if (*types == 't')
            sqlite3_bind_text(statement, i, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        else if (json_is_integer(value))
            sqlite3_bind_int64(statement, i, json_integer_value(value));
        else if (json_is_real(value))
            sqlite3_bind_double(statement, i, json_real_value(value));
        else if (json_is_string(value))
            sqlite3_bind_text(statement, i, json_string_value(value), -1, SQLITE_TRANSIENT);
    }
}

static struct history_statement *history_statement(struct history *history, const char *sql)
{
    for (size_t i = 0; i < history->statement_count; i++)
        if (history->statements[i].sql == sql)
            return &history->statements[i];
    history->statements = memory_resize(history->statements, history->statement_count + 1,
                                        sizeof *history->statements);
    struct history_statement *added = &history->statements[history->statement_count++];
    *added = (struct history_statement){sql, NULL};
    return added;
}

static enum status history_prepare(struct history *history, const char *sql,
                                   sqlite3_stmt **statement, struct error *error)
{
    struct history_statement *known = history_statement(history, sql);

    if (!known->statement && sqlite3_prepare_v3(history->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                                &known->statement, NULL))
        return history_db_failed(history, error);
    *statement = known->statement;
    return STATUS_OK;
}

static enum status history_ask(struct history *history, struct error *error,
                               sqlite3_stmt **statement, const char *sql, const char *types,
                               va_list values)
{
    enum status status = history_prepare(history, sql, statement, error);

    if (!status)
        history_bind(*statement, types, values);
    return status;
}

enum status history_db_ask(struct history *history, struct error *error, sqlite3_stmt **statement,
                           const char *sql, const char *types, ...)
{
    va_list values;

    va_start(values, types);
    enum status status = history_ask(history, error, statement, sql, types, values);
    va_end(values);
    return status;
}

enum status history_db_asked(struct history *history, sqlite3_stmt *statement, struct error *error)
{
    enum status status = sqlite3_reset(statement) ? history_db_failed(history, error) : STATUS_OK;

    sqlite3_clear_bindings(statement);
    return status;
}

enum status history_db_do(struct history *history, struct error *error, const char *sql,
                          const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list values;

    va_start(values, types);
    enum status status = history_ask(history, error, &statement, sql, types, values);
    va_end(values);
    if (status)
        return status;
    while (sqlite3_step(statement) == SQLITE_ROW)
        continue;
    return history_db_asked(history, statement, error);
}

enum status history_db_number(struct history *history, struct error *error, int64_t *number,
                              const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list values;

    va_start(values, types);
    enum status status = history_ask(history, error, &statement, sql, types, values);
    va_end(values);
    if (status)
        return status;
    if (sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
        *number = sqlite3_column_int64(statement, 0);
    return history_db_asked(history, statement, error);
}

void history_db_forget(struct history *history)
{
    for (size_t i = 0; i < history->statement_count; i++)
        sqlite3_finalize(history->statements[i].statement);
    free(history->statements);
    history->statements = NULL;
    history->statement_count = 0;
}

bool history_begun(const struct history *history)
{
    return history->db && !sqlite3_get_autocommit(history->db);
}

static enum status history_commit(struct history *history, enum status status, struct error *error)
{
    if (!status)
        status = history_db_do(history, error, "COMMIT", "");
    if (status && history_begun(history))
        sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static enum status history_given_up(const struct history *history, struct error *error)
{
    return error_set(error, STATUS_FAILED, "%s: the transaction was given up", history->file);
}

enum status history_begin(struct history *history, struct error *error)
{
    enum status status = history_file_ready(history, error);

    if (!status)
        status = history_db_do(history, error, "BEGIN IMMEDIATE", "");
    history->together = !status;
    return status;
}

enum status history_end(struct history *history, struct error *error)
{
    history->together = false;
    if (!history_begun(history))
        return history_given_up(history, error);
    return history_commit(history, STATUS_OK, error);
}

enum status history_db_ready(struct history *history, struct error *error)
{
    return history_begun(history) ? STATUS_OK : history_file_ready(history, error);
}

enum status history_db_begin(struct history *history, struct error *error)
{
    if (history->together && history_begun(history))
        return history_db_do(history, error, "SAVEPOINT part", "");
    if (history->together)
        return history_given_up(history, error);
    enum status status = history_file_ready(history, error);
    return status ? status : history_db_do(history, error, "BEGIN IMMEDIATE", "");
}

/* SQLite itself may have rolled back everything, as where the disk is full. */
enum status history_db_end(struct history *history, enum status status, struct error *error)
{
    if (!history->together)
        return history_commit(history, status, error);
    if (status && history_begun(history))
        sqlite3_exec(history->db, "ROLLBACK TO part; RELEASE part", NULL, NULL, NULL);
    return status ? status : history_db_do(history, error, "RELEASE part", "");
}
