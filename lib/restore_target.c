/* What a table is that rows are to be put into. Only reads the schema. */
#include "restore_put.h"

#include "memory.h"

#include <stdlib.h>
#include <strings.h>

static const char target_sql_columns[] =
    "SELECT name, hidden > 1, \"notnull\", pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1"
    " ORDER BY cid";
static const char target_sql_table[] =
    "SELECT NOT wr, (SELECT sql LIKE '%conflict%' FROM sqlite_master m WHERE m.name = l.name),"
    " EXISTS (SELECT 1 FROM pragma_foreign_key_list(l.name)),"
    " EXISTS (SELECT 1 FROM pragma_foreign_key_list(l.name) f"
    "  WHERE f.\"table\" = l.name COLLATE NOCASE)"
    " FROM pragma_table_list l WHERE schema = 'main' AND type = 'table' AND name = ?1"
    " COLLATE NOCASE";

enum status restore_target_failed(const struct restore_target *target, struct error *error)
{
    int rc = sqlite3_extended_errcode(target->sql);

    if (target->database)
        return database_error(target->database, rc, error);
    if ((rc & 0xff) == SQLITE_INTERRUPT)
        return error_set(error, STATUS_CANCELLED, "stopped");
    if ((rc & 0xff) == SQLITE_FULL)
        return error_set(error, STATUS_FAILED, "the disk is full");
    return error_set(error, STATUS_FAILED, "%s", sqlite3_errmsg(target->sql));
}

static enum status target_ask(const struct restore_target *target, const char *sql,
                              sqlite3_stmt **statement, struct error *error)
{
    if (sqlite3_prepare_v2(target->sql, sql, -1, statement, NULL))
        return restore_target_failed(target, error);
    sqlite3_bind_text(*statement, 1, target->table, -1, SQLITE_STATIC);
    return STATUS_OK;
}

static void target_add(struct restore_target *target, sqlite3_stmt *row)
{
    target->columns = memory_resize(target->columns, target->count + 1, sizeof *target->columns);
    target->columns[target->count++] =
        (struct restore_column){.name = memory_copy((const char *)sqlite3_column_text(row, 0)),
                                .generated = sqlite3_column_int(row, 1),
                                .required = sqlite3_column_int(row, 2),
                                .key = sqlite3_column_int(row, 3)};
}

static enum status target_load_columns(struct restore_target *target, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    enum status status = target_ask(target, target_sql_columns, &statement, error);
    int rc = SQLITE_DONE;

    while (!status && (rc = sqlite3_step(statement)) == SQLITE_ROW)
        target_add(target, statement);
    if (!status && rc != SQLITE_DONE)
        status = restore_target_failed(target, error);
    sqlite3_finalize(statement);
    return status;
}

static enum status target_load_table(struct restore_target *target, struct error *error)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    sqlite3_stmt *statement = NULL;
    enum status status = target_ask(target, target_sql_table, &statement, error);

    if (status)
        return status;
    int rc = sqlite3_step(statement);
    bool has = rc == SQLITE_ROW && sqlite3_column_int(statement, 0);
    target->resolves = rc == SQLITE_ROW && sqlite3_column_int(statement, 1);
    target->refers = rc == SQLITE_ROW && sqlite3_column_int(statement, 2);
    target->refers_self = rc == SQLITE_ROW && sqlite3_column_int(statement, 3);
    for (size_t i = 0; has && !target->rowid && i < sizeof names / sizeof *names; i++)
        if (!restore_target_find(target, names[i]))
            target->rowid = names[i];
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        status = restore_target_failed(target, error);
    else if (rc == SQLITE_DONE)
        status = error_set(error, STATUS_REFUSED,
                           "there is no table %s in the database; restore --into FILE makes one",
                           target->table);
    sqlite3_finalize(statement);
    return status;
}

enum status restore_target_load(sqlite3 *sql, struct database *database, const char *table,
                                struct restore_target *target, struct error *error)
{
    struct restore_target found = {.sql = sql, .database = database, .table = table};
    enum status status = target_load_columns(&found, error);

    if (!status)
        status = target_load_table(&found, error);
    if (status)
        restore_target_free(&found);
    else
        *target = found;
    return status;
}

void restore_target_free(struct restore_target *target)
{
    for (size_t i = 0; i < target->count; i++)
        free(target->columns[i].name);
    free(target->columns);
    *target = (struct restore_target){0};
}

const struct restore_column *restore_target_find(const struct restore_target *target,
                                                 const char *name)
{
    for (size_t i = 0; i < target->count; i++)
        if (strcasecmp(target->columns[i].name, name) == 0)
            return &target->columns[i];
    return NULL;
}
