/* Entries of the schema by their names. Runs in a worker; only reads. */
#include "indexes_entry.h"

#include "memory.h"
#include "task_engine.h"

#include <stdlib.h>

void indexes_entry_free(struct indexes_entry *entry)
{
    free(entry->type);
    free(entry->name);
    free(entry->table);
    free(entry->sql);
}

static char *indexes_column(sqlite3_stmt *row, int column)
{
    return memory_copy((const char *)sqlite3_column_text(row, column));
}

enum status indexes_entry_find(struct engine *engine, const char *name, struct indexes_entry *entry,
                               struct error *error)
{
    sqlite3_stmt *ask = NULL;
    bool row = false;
    enum status status =
        database_prepare(engine->database,
                         "SELECT type, name, tbl_name, sql, rootpage FROM main.sqlite_master"
                         " WHERE name = ?1 COLLATE NOCASE AND type != 'trigger'",
                         &ask, error);

    *entry = (struct indexes_entry){0};
    if (status == STATUS_OK) {
        sqlite3_bind_text(ask, 1, name, -1, SQLITE_STATIC);
        status = database_step(engine->database, ask, &row, error);
    }
    if (status == STATUS_OK && row) {
        *entry = (struct indexes_entry){.type = indexes_column(ask, 0),
                                        .name = indexes_column(ask, 1),
                                        .table = indexes_column(ask, 2),
                                        .sql = indexes_column(ask, 3),
                                        .root = (uint32_t)sqlite3_column_int64(ask, 4)};
    }
    sqlite3_finalize(ask);
    return status;
}
