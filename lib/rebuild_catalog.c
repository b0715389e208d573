/*
 * What a new index would be like, asked of SQLite before there is one: in a database in memory with
 * the same tables and indexes, all empty, the statement is run and its index looked at.
 */
#include "rebuild_inside.h"

#include "bytes.h"
#include "memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CATALOG_FORMAT_AT = 44, CATALOG_FORMAT_DESC = 4 };

static enum status catalog_exec(sqlite3 *catalog, const char *sql, struct error *error)
{
    if (sqlite3_exec(catalog, sql, NULL, NULL, NULL) == SQLITE_OK)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED, "%s", sqlite3_errmsg(catalog));
}

/* Runs what the schema says of tables, or of one table's indexes. Tables that need what litekeeper
 * lacks are left out: if it is the index's own one, the statement will fail. */
static enum status catalog_take(struct rebuild *rebuild, sqlite3 *catalog, const char *table,
                                struct error *error)
{
    static const char query[] =
        "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE "
        "'\\'"
        " AND CASE WHEN ?1 IS NULL THEN type = 'table' AND lower(sql) NOT LIKE 'create virtual%'"
        " ELSE type = 'index' AND tbl_name = ?1 END";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = database_prepare(rebuild->database, query, &statement, error);

    if (status == STATUS_OK && table)
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    while (status == STATUS_OK &&
           (status = database_step(rebuild->database, statement, &row, error)) == STATUS_OK &&
           row) {
        const char *sql = (const char *)sqlite3_column_text(statement, 0);
        enum status ran = catalog_exec(catalog, sql, table ? error : NULL);
        status = table ? ran : STATUS_OK;
    }
    sqlite3_finalize(statement);
    return status;
}

/* One statement and nothing behind it. */
static enum status catalog_run(sqlite3 *catalog, const char *sql, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    const char *rest = "";
    int rc = sqlite3_prepare_v2(catalog, sql, -1, &statement, &rest);

    while (rc == SQLITE_OK && (isspace((unsigned char)*rest) || *rest == ';'))
        rest++;
    if (rc == SQLITE_OK && statement && !*rest)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (rc == SQLITE_DONE && !*rest)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED,
                     "not a CREATE INDEX statement that SQLite takes: %s: %s",
                     *rest ? "there is more behind it" : sqlite3_errmsg(catalog), sql);
}

static enum status catalog_find(sqlite3 *catalog, char **index, char **table, char **sql,
                                struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(catalog,
                                "SELECT name, tbl_name, sql FROM sqlite_master"
                                " WHERE type = 'index' AND sql NOT NULL",
                                -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        *index = memory_copy((const char *)sqlite3_column_text(statement, 0));
        *table = memory_copy((const char *)sqlite3_column_text(statement, 1));
        *sql = memory_copy((const char *)sqlite3_column_text(statement, 2));
    }
    sqlite3_finalize(statement);
    if (rc == SQLITE_ROW)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED, "the statement creates no index");
}

static enum status catalog_check_new(struct rebuild *rebuild, const char *index,
                                     struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status =
        database_prepare(rebuild->database,
                         "SELECT 1 FROM sqlite_master WHERE name = ?1 COLLATE NOCASE", &statement,
                         error);

    if (status == STATUS_OK) {
        sqlite3_bind_text(statement, 1, index, -1, SQLITE_STATIC);
        status = database_step(rebuild->database, statement, &row, error);
    }
    sqlite3_finalize(statement);
    if (status == STATUS_OK && row)
        return error_set(error, STATUS_REFUSED, "there is something of the name %s already", index);
    return status;
}

/* SQLite ignores DESC in a schema of an older format, which ours in memory is not. */
static enum status catalog_check_format(struct rebuild *rebuild, struct error *error)
{
    sqlite3_file *file = NULL;
    unsigned char format[4] = {0};
    bool descending = false;

    for (size_t i = 0; i < rebuild->shape.count; i++)
        descending = descending || rebuild->shape.columns[i].descending;
    if (!descending)
        return STATUS_OK;
    sqlite3_file_control(database_sql(rebuild->database), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (file && file->pMethods &&
        file->pMethods->xRead(file, format, sizeof format, CATALOG_FORMAT_AT) == SQLITE_OK &&
        bytes_four(format) >= CATALOG_FORMAT_DESC)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED,
                     "the database has SQLite's old schema format, which ignores DESC");
}

static enum status catalog_learn(struct rebuild *rebuild, sqlite3 *catalog, const char *sql,
                                 struct error *error)
{
    char *index = NULL, *table = NULL;
    enum status status;

    if ((status = catalog_take(rebuild, catalog, NULL, error)) == STATUS_OK &&
        (status = catalog_run(catalog, sql, error)) == STATUS_OK &&
        (status = catalog_find(catalog, &index, &table, &rebuild->create, error)) == STATUS_OK &&
        (status = catalog_check_new(rebuild, index, error)) == STATUS_OK &&
        (status = catalog_take(rebuild, catalog, table, error)) == STATUS_OK &&
        (status = shape_load(rebuild->database, catalog, index, &rebuild->shape, error)) ==
            STATUS_OK)
        status = catalog_check_format(rebuild, error);
    free(index);
    free(table);
    return status;
}

enum status rebuild_catalog(struct rebuild *rebuild, const char *sql, struct error *error)
{
    sqlite3 *catalog = NULL;
    enum status status;

    if (sqlite3_open_v2(":memory:", &catalog, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, "unix") !=
        SQLITE_OK) {
        status =
            error_set(error, STATUS_FAILED, "no database in memory: %s", sqlite3_errmsg(catalog));
    } else {
        sqlite3_db_config(catalog, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(catalog, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_limit(catalog, SQLITE_LIMIT_ATTACHED, 0);
        status = catalog_learn(rebuild, catalog, sql, error);
    }
    sqlite3_close(catalog);
    return status;
}
