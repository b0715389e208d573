/*
 * Retires an index that nobody is to use any more. A DROP INDEX would free all of its pages in one
 * hold. Instead the index's entry in sqlite_master becomes that of the table that a rebuild leaves
 * behind, with the same b-tree, in one short step: for the application that is a DROP INDEX. Then
 * the table goes as after a rebuild, in steps, and if litekeeper dies at the next start. In a
 * worker.
 */
#include "rebuild_inside.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is in the index, and what it is for. */
static const char retire_sql_columns[] =
    "SELECT x.\"desc\", x.coll, m.tbl_name, m.rootpage, l.\"unique\" FROM sqlite_master m,"
    " pragma_index_list(m.tbl_name) l, pragma_index_xinfo(m.name) x"
    " WHERE m.type = 'index' AND m.name = ?1 AND l.name = m.name ORDER BY x.seqno";

/* Deleting from the table compares by its collations. */
static bool retire_knows(const char *collation)
{
    static const char *const known[] = {"BINARY", "NOCASE", "RTRIM"};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(collation, known[i]) == 0)
            return true;
    return false;
}

static enum status retire_add_column(struct rebuild *rebuild, sqlite3_stmt *row,
                                     struct error *error)
{
    struct shape *shape = &rebuild->shape;
    const char *collation = (const char *)sqlite3_column_text(row, 1);

    if (!collation || !retire_knows(collation))
        return error_set(error, STATUS_REFUSED,
                         "%s needs the collation %s, which the application brings and litekeeper "
                         "lacks",
                         shape->index, collation ? collation : "?");
    shape->columns = memory_resize(shape->columns, shape->count + 1, sizeof *shape->columns);
    shape->columns[shape->count++] =
        (struct shape_column){.collation = memory_copy(collation),
                              .descending = sqlite3_column_int(row, 0)};
    if (!shape->table)
        shape->table = memory_copy((const char *)sqlite3_column_text(row, 2));
    shape->root = (uint32_t)sqlite3_column_int64(row, 3);
    shape->unique = sqlite3_column_int(row, 4);
    return STATUS_OK;
}

enum status rebuild_retire_learn(struct rebuild *rebuild, const char *index, struct error *error)
{
    sqlite3_stmt *rows = NULL;
    bool row = false;
    enum status status = database_prepare(rebuild->database, retire_sql_columns, &rows, error);

    rebuild->shape.index = memory_copy(index);
    if (status == STATUS_OK)
        sqlite3_bind_text(rows, 1, index, -1, SQLITE_STATIC);
    while (status == STATUS_OK &&
           (status = database_step(rebuild->database, rows, &row, error)) == STATUS_OK && row)
        status = retire_add_column(rebuild, rows, error);
    sqlite3_finalize(rows);
    if (status == STATUS_OK && !rebuild->shape.count)
        return error_set(error, STATUS_REFUSED, "there is no index %s", index);
    if (status == STATUS_OK && rebuild->shape.unique)
        return error_set(error, STATUS_REFUSED,
                         "%s is UNIQUE: without it the rows of %s are held to nothing", index,
                         rebuild->shape.table);
    return status;
}

/* --- the step ----------------------------------------------------------------------------- */

static const char retire_sql_rename[] =
    "UPDATE sqlite_master SET type = 'table', name = '" REBUILD_COPY "', tbl_name = '" REBUILD_COPY
    "', sql = ?2 WHERE type = 'index' AND name = ?1 AND rootpage = ?3";

static enum status retire_rename(struct rebuild *rebuild, void *argument, struct error *error)
{
    const char *layout = argument;
    sqlite3_stmt *statement = NULL;
    bool row;
    enum status status = database_prepare(rebuild->database, retire_sql_rename, &statement, error);

    if (status)
        return status;
    sqlite3_bind_text(statement, 1, rebuild->shape.index, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, layout, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, rebuild->shape.root);
    status = database_step(rebuild->database, statement, &row, error);
    sqlite3_finalize(statement);
    if (status == STATUS_OK && sqlite3_changes(database_sql(rebuild->database)) != 1)
        return error_set(error, STATUS_FAILED, "the schema's entry of %s is not as it was",
                         rebuild->shape.index);
    return status;
}

/* What the planner knows of it goes, too, as with a DROP INDEX. */
static enum status retire_forget(struct rebuild *rebuild, const char *table, struct error *error)
{
    char *there =
        memory_format("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '%s'",
                      table);
    char *forget = memory_format("DELETE FROM %s WHERE idx = ?1", table);
    sqlite3_stmt *statement = NULL;
    int64_t found = 0;
    bool row;
    enum status status = database_integer(rebuild->database, there, 0, &found, error);

    if (status == STATUS_OK && found)
        status = database_prepare(rebuild->database, forget, &statement, error);
    if (status == STATUS_OK && statement) {
        sqlite3_bind_text(statement, 1, rebuild->shape.index, -1, SQLITE_STATIC);
        status = database_step(rebuild->database, statement, &row, error);
    }
    sqlite3_finalize(statement);
    free(forget);
    free(there);
    return status;
}

static enum status retire_check_schema(struct rebuild *rebuild, struct error *error)
{
    int64_t schema = 0;
    enum status status =
        database_integer(rebuild->database, "PRAGMA schema_version", 0, &schema, error);

    if (status == STATUS_OK && schema != rebuild->schema)
        return error_set(error, STATUS_CANCELLED,
                         "the schema was changed while %s was to be dropped, so it stays; run it "
                         "again",
                         rebuild->shape.index);
    return status;
}

static enum status retire_work(struct rebuild *rebuild, void *argument, struct error *error)
{
    enum status status;

    if ((status = retire_check_schema(rebuild, error)) ||
        (status = retire_forget(rebuild, "sqlite_stat1", error)) ||
        (status = retire_forget(rebuild, "sqlite_stat4", error)))
        return status;
    return rebuild_write_schema(rebuild, retire_rename, argument, error);
}

enum status rebuild_retire_stage(struct rebuild *rebuild, const char *index, struct error *error)
{
    struct text layout = {0};
    enum status status = rebuild_retire_learn(rebuild, index, error);
    bool done = false;

    if (status)
        return status;
    text_add(&layout, "CREATE TABLE " REBUILD_COPY);
    rebuild_add_layout(&rebuild->shape, &layout);
    while (status == STATUS_OK && !done)
        status = rebuild_plain_step(rebuild, retire_work, layout.bytes, &done, error);
    text_free(&layout);
    if (status == STATUS_OK) {
        rebuild->result->exchanged = rebuild->installed = true;
        rebuild->schema = 0; /* whatever comes, it is gone */
    }
    return status;
}
