/*
 * SQLite's own checks. Both read for long, without the lock: harmless in WAL mode, but in
 * rollback-journal mode a reader keeps writers waiting, so there the window must be open.
 */
#include "rebuild_inside.h"

#include "clock.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool check_may_read(const struct rebuild *rebuild)
{
    return database_facts(rebuild->database)->wal || rebuild->limits->window_open;
}

static bool check_plain_order(const struct shape *shape)
{
    for (size_t i = 0; i < shape->count; i++)
        if (strcasecmp(shape->columns[i].collation, "BINARY") != 0)
            return false;
    return true;
}

/* An application may have its own collation under the name of one of SQLite's. An imposter of such
 * an index has its rows in the wrong order for ours. */
enum status rebuild_check_order(struct rebuild *rebuild, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;

    if (rebuild->create || check_plain_order(&rebuild->shape) || !check_may_read(rebuild))
        return STATUS_OK;
    enum status status =
        database_prepare(rebuild->database,
                         "SELECT * FROM pragma_quick_check('" REBUILD_OLD "') LIMIT 1", &statement,
                         error);
    if (status == STATUS_OK)
        status = database_step(rebuild->database, statement, &row, error);
    const char *text =
        status == STATUS_OK && row ? (const char *)sqlite3_column_text(statement, 0) : "ok";
    if (strcmp(text, "ok") != 0)
        status = error_set(error, STATUS_REFUSED,
                           "%s is not in the order of SQLite's own collations (%.100s): it is "
                           "damaged, or the application brings others of their names",
                           rebuild->shape.index, text);
    sqlite3_finalize(statement);
    return status;
}

/* --- afterwards --------------------------------------------------------------------------- */

static void check_add(struct rebuild *rebuild, const char *finding, bool *ours)
{
    char *found = rebuild->result->found;
    size_t length = strlen(found), room = sizeof rebuild->result->found - length;

    if (strcmp(finding, "ok") == 0)
        return;
    snprintf(found + length, room, "%s%s", length ? "; " : "", finding);
    *ours = *ours || strstr(finding, rebuild->shape.index) != NULL;
}

static enum status check_table(struct rebuild *rebuild, bool *ours, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status =
        database_prepare(rebuild->database, "SELECT * FROM pragma_integrity_check(?1)", &statement,
                         error);

    if (status == STATUS_OK)
        sqlite3_bind_text(statement, 1, rebuild->shape.table, -1, SQLITE_STATIC);
    while (status == STATUS_OK &&
           (status = database_step(rebuild->database, statement, &row, error)) == STATUS_OK && row)
        check_add(rebuild, (const char *)sqlite3_column_text(statement, 0), ours);
    sqlite3_finalize(statement);
    return status;
}

/* It takes as long as it takes. */
static enum status check_reindex(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct text sql = {0};

    (void)argument;
    text_add(&sql, "REINDEX main.");
    text_add_identifier(&sql, rebuild->shape.index);
    database_deadlines(rebuild->database, 0, 0);
    enum status status = database_exec(rebuild->database, sql.bytes, error);
    text_free(&sql);
    return status;
}

enum status rebuild_check(struct rebuild *rebuild, struct error *error)
{
    double begin = clock_monotonic_ms();
    bool ours = false, done = false;

    if (rebuild->limits->skip_check || !check_may_read(rebuild))
        return STATUS_OK;
    enum status status = check_table(rebuild, &ours, error);
    rebuild->result->checked = status == STATUS_OK;
    while (status == STATUS_OK && ours && !done)
        status = rebuild_plain_step(rebuild, check_reindex, NULL, &done, error);
    rebuild->result->repaired = ours && done;
    rebuild->result->check_s = (clock_monotonic_ms() - begin) / 1e3;
    return status;
}
