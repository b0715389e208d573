/*
 * Indexes that must not be there: whether one is, and whether anything but a query needs it. A
 * unique one is a constraint, and what says INDEXED BY fails without its index. In a worker.
 */
#include "indexes_entry.h"

#include "memory.h"
#include "rebuild.h"
#include "sqltoken.h"
#include "task_engine.h"

#include <stdlib.h>
#include <string.h>

static enum status indexes_look_unique(struct engine *engine, struct indexes_old *old,
                                       struct error *error)
{
    sqlite3_stmt *ask = NULL;
    bool row = false;
    enum status status =
        database_prepare(engine->database,
                         "SELECT \"unique\" FROM pragma_index_list(?1, 'main') WHERE name = ?2",
                         &ask, error);

    if (status == STATUS_OK) {
        sqlite3_bind_text(ask, 1, old->table, -1, SQLITE_STATIC);
        sqlite3_bind_text(ask, 2, old->name, -1, SQLITE_STATIC);
        status = database_step(engine->database, ask, &row, error);
    }
    if (status == STATUS_OK && row && sqlite3_column_int(ask, 0))
        old->keep =
            memory_copy("it is UNIQUE, and without it its table's rows are held to nothing");
    sqlite3_finalize(ask);
    return status;
}

/* "INDEXED BY name", which fails where there is no such index. */
static bool indexes_names(const char *sql, const char *index)
{
    struct sqltoken token = sqltoken_next(sql), by, name;
    bool found = false;

    for (; !found && !sqltoken_end(&token); token = sqltoken_next(token.end)) {
        struct text text = {0};
        by = sqltoken_next(token.end);
        name = sqltoken_next(by.end);
        if (sqltoken_is(&token, "INDEXED") && sqltoken_is(&by, "BY")) {
            sqltoken_add_name(&name, &text);
            found = text.bytes && sqlite3_stricmp(text.bytes, index) == 0;
        }
        text_free(&text);
    }
    return found;
}

static enum status indexes_look_named(struct engine *engine, struct indexes_old *old,
                                      struct error *error)
{
    sqlite3_stmt *ask = NULL;
    bool row = false;
    enum status status =
        database_prepare(engine->database,
                         "SELECT type, name, sql FROM main.sqlite_master WHERE type IN ('view', "
                         "'trigger') AND sql LIKE '%indexed%'",
                         &ask, error);

    while (status == STATUS_OK && !old->keep &&
           (status = database_step(engine->database, ask, &row, error)) == STATUS_OK && row) {
        const char *sql = (const char *)sqlite3_column_text(ask, 2);
        if (sql && indexes_names(sql, old->name))
            old->keep = memory_format("the %s %s has INDEXED BY it",
                                      (const char *)sqlite3_column_text(ask, 0),
                                      (const char *)sqlite3_column_text(ask, 1));
    }
    sqlite3_finalize(ask);
    return status;
}

enum status indexes_look_old(struct engine *engine, const char *name, struct indexes_old *old,
                             struct error *error)
{
    struct indexes_entry entry;
    enum status status = indexes_entry_find(engine, name, &entry, error);

    if (status)
        return status;
    old->there = entry.type != NULL;
    old->name = memory_copy(entry.name ? entry.name : name);
    old->table = memory_copy(entry.table);
    old->root = entry.root;
    if (entry.type && strcmp(entry.type, "index") != 0)
        old->keep = memory_format("it is a %s, not an index", entry.type);
    indexes_entry_free(&entry);
    if (old->there && !old->keep)
        status = indexes_look_unique(engine, old, error);
    if (status == STATUS_OK && old->there && !old->keep)
        status = indexes_look_named(engine, old, error);
    if (status || !old->there || old->keep)
        return status;
    status = rebuild_retire_possible(engine->database, old->name, error);
    old->offline = status == STATUS_REFUSED;
    old->why = old->offline ? memory_copy(error->text) : NULL;
    return old->offline ? STATUS_OK : status;
}
