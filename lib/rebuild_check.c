/*
 * SQLite's own checks. Both read for long, without the lock: harmless in WAL mode, but in
 * rollback-journal mode a reader keeps writers waiting, so there the window must be open.
 */
#include "rebuild_inside.h"

#include "clock.h"
#include "memory.h"

#include <stdio.h>
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

/* What quick_check finds first in an imposter: it looks at its pages, and at the order of its rows
 * by our collations. "ok" is nothing; the text is the caller's to free. */
static enum status check_imposter(struct rebuild *rebuild, const char *name, char **text,
                                  struct error *error)
{
    char *sql = memory_format("SELECT * FROM pragma_quick_check('%s') LIMIT 1", name);
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = database_prepare(rebuild->database, sql, &statement, error);

    if (status == STATUS_OK)
        status = database_step(rebuild->database, statement, &row, error);
    if (status == STATUS_OK)
        *text = memory_copy(row ? (const char *)sqlite3_column_text(statement, 0) : "ok");
    sqlite3_finalize(statement);
    free(sql);
    return status;
}

/* An application may have its own collation under the name of one of SQLite's. An imposter of such
 * an index has its rows in the wrong order for ours. */
enum status rebuild_check_order(struct rebuild *rebuild, struct error *error)
{
    char *text = NULL;
    enum status status;

    if (check_plain_order(&rebuild->shape) || !check_may_read(rebuild))
        return STATUS_OK;
    if ((status = check_imposter(rebuild, REBUILD_OLD, &text, error)) == STATUS_OK &&
        strcmp(text, "ok") != 0)
        status = error_set(error, STATUS_REFUSED,
                           "%s is not in the order of SQLite's own collations (%.100s): it is "
                           "damaged, or the application brings others of their names",
                           rebuild->shape.index, text);
    free(text);
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

static enum status check_snapshot(struct rebuild *rebuild, bool *ours, struct error *error)
{
    uint32_t root = 0;
    char *text = NULL;
    bool same = false;
    enum status status;

    if ((status = rebuild_find_root(rebuild, rebuild->shape.index, &root, error)) || !root ||
        (status = rebuild_imposter(rebuild, REBUILD_NEW, root, error)) ||
        (status = check_imposter(rebuild, REBUILD_NEW, &text, error)))
        return status;
    *ours = strcmp(text, "ok") != 0;
    check_add(rebuild, text, ours);
    free(text);
    if ((status = rebuild_compare_rows(rebuild, &same, error)) == STATUS_OK && !same) {
        *ours = true;
        check_add(rebuild, "entries of the index differ from the rows of the table", ours);
    }
    return status;
}

/* What of integrity_check is about this index, without looking up each row in it. */
static enum status check_index(struct rebuild *rebuild, bool *ours, struct error *error)
{
    enum status status = database_exec(rebuild->database, "BEGIN", error);

    if (status)
        return status;
    rebuild->snapshot = true;
    status = check_snapshot(rebuild, ours, error);
    rebuild->snapshot = false;
    sqlite3_exec(database_sql(rebuild->database), "COMMIT", NULL, NULL, NULL);
    rebuild_imposters_end(rebuild);
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

    if (rebuild->limits->check == REBUILD_CHECK_NONE || !check_may_read(rebuild))
        return STATUS_OK;
    bool whole = rebuild->limits->check == REBUILD_CHECK_TABLE;
    enum status status =
        whole ? check_table(rebuild, &ours, error) : check_index(rebuild, &ours, error);
    rebuild->result->checked = status == STATUS_OK;
    while (status == STATUS_OK && ours && !done)
        status = rebuild_plain_step(rebuild, check_reindex, NULL, &done, error);
    rebuild->result->repaired = ours && done;
    rebuild->result->check_s = (clock_monotonic_ms() - begin) / 1e3;
    return status;
}
