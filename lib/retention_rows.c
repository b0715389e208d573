/*
 * Deletes rows one by one, in steps under the lease. Each DELETE names its row by key and by the
 * very time value that was judged, so a row that the application changed meanwhile stays; a watch
 * may ask for more than that. What depends on a row goes before it.
 */
#include "retention_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_CHILDREN = 16 }; /* rows of a dependent table taken at a time */

/* --- one row ------------------------------------------------------------------------------ */

/* Whether a statement about the current row (?1 its time, ?2 and on its key) finds it. */
static enum status rows_ask(struct rows *rows, sqlite3_stmt *statement, bool *found,
                            struct error *error)
{
    rowlist_bind(&rows->batch, rows->counts.done, 0, rows->columns + 1, statement);
    enum status status = database_step(rows->engine->database, statement, found, error);
    sqlite3_reset(statement);
    return status;
}

/* A trigger or a constraint may refuse a row without ending the transaction: the row stays. */
static bool rows_refused(struct rows *rows)
{
    sqlite3 *sql = database_sql(rows->engine->database);

    if ((sqlite3_errcode(sql) & 0xff) != SQLITE_CONSTRAINT || sqlite3_get_autocommit(sql))
        return false;
    if (!rows->refusal[0])
        snprintf(rows->refusal, sizeof rows->refusal, "%s", sqlite3_errmsg(sql));
    return true;
}

enum { ROWS_REFUSED = -1 };

/* Runs a bound statement; `*changes` counts the rows that it took, or is ROWS_REFUSED. */
static enum status rows_change(struct rows *rows, sqlite3_stmt *statement, int *changes,
                               struct error *error)
{
    bool row;
    enum status status = database_step(rows->engine->database, statement, &row, error);

    *changes = sqlite3_changes(database_sql(rows->engine->database));
    if (status != STATUS_OK && rows_refused(rows)) {
        *changes = ROWS_REFUSED;
        status = STATUS_OK;
    }
    sqlite3_reset(statement);
    return status;
}

/* Takes some of the row's dependents; more may be left while `*changes` is above 0. */
static enum status rows_clear_some(struct rows *rows, sqlite3_stmt *statement, int *changes,
                                   struct error *error)
{
    rowlist_bind(&rows->batch, rows->counts.done, 1, rows->columns, statement);
    sqlite3_bind_int(statement, rows->columns + 1, ROWS_CHILDREN);
    enum status status = rows_change(rows, statement, changes, error);
    if (status == STATUS_OK && *changes > 0)
        rows->counts.children += *changes;
    return status;
}

/* What has become of a row: dealt with, refused, no longer what the watch wants, or to be continued
 * in the next step. */
enum rows_fate { FATE_DONE, FATE_REFUSED, FATE_CHANGED, FATE_LATER };

/* Clears what refers to the row, for as long as the step lasts. Where the table has triggers,
 * which may refuse the row at its end, all must go in one step, or nothing. */
static enum status rows_clear(struct rows *rows, enum rows_fate *fate, bool *spent,
                              struct error *error)
{
    bool row = false, whole = rows->facts->table.triggers;
    enum status status = rows_ask(rows, rows->eligible, &row, error);

    for (size_t i = 0; row && i < rows->dependent_count; i++) {
        int changes = 1;
        while (status == STATUS_OK && changes > 0 && (whole || !*spent)) {
            status = rows_clear_some(rows, rows->dependents[i], &changes, error);
            *spent = !whole && lease_spent(rows->engine->lease);
        }
        if (status || changes) {
            *fate = changes == ROWS_REFUSED ? FATE_REFUSED : FATE_LATER;
            break;
        }
    }
    return status;
}

/* The row is no longer where the scan found it, and the scan need not pass it again. */
static void rows_gone(struct rows *rows)
{
    rows->counts.tail += rows->counts.done >= rows->tie_start;
}

/* The DELETE took nothing: the row is gone or has changed, children keep it, or a trigger does. */
static enum status rows_untouched(struct rows *rows, enum rows_fate *fate, struct error *error)
{
    bool present = false, eligible = false;
    enum status status = STATUS_OK;

    if (rows->present && (status = rows_ask(rows, rows->present, &present, error)))
        return status;
    if (!present) {
        rows_gone(rows);
        return STATUS_OK;
    }
    if ((status = rows_ask(rows, rows->eligible, &eligible, error)))
        return status;
    rows->counts.kept += !eligible;
    if (eligible && !rows->refusal[0])
        snprintf(rows->refusal, sizeof rows->refusal, "a trigger passes over them");
    *fate = eligible ? FATE_REFUSED : FATE_DONE;
    return STATUS_OK;
}

/* What depends on a row has gone, and triggers on that may have changed the row itself. */
static enum status rows_look_again(struct rows *rows, enum rows_seen *seen, struct error *error)
{
    *seen = ROWS_SAME;
    return rows->watch && rows->dependent_count
               ? rows->watch->look(rows->watch->argument, rows->counts.done, seen, error)
               : STATUS_OK;
}

static enum status rows_delete(struct rows *rows, enum rows_fate *fate, struct error *error)
{
    enum rows_seen seen;
    int changes;
    enum status status = rows_look_again(rows, &seen, error);

    if (status)
        return status;
    if (seen != ROWS_SAME) {
        *fate = FATE_CHANGED;
        return STATUS_OK;
    }
    rowlist_bind(&rows->batch, rows->counts.done, 0, rows->columns + 1, rows->delete);
    if ((status = rows_change(rows, rows->delete, &changes, error)))
        return status;
    if (changes == ROWS_REFUSED) {
        *fate = FATE_REFUSED;
    } else if (changes > 0) {
        rows->counts.removed++;
        rows_gone(rows);
    } else {
        status = rows_untouched(rows, fate, error);
    }
    return status;
}

/* A row that stays keeps its dependents, too. */
static enum status rows_try(struct rows *rows, enum rows_fate *fate, bool *spent,
                            struct error *error)
{
    struct database *database = rows->engine->database;
    int64_t children = rows->counts.children;
    enum status status;

    if (!rows->dependent_count)
        return rows_delete(rows, fate, error);
    if ((status = database_exec(database, "SAVEPOINT litekeeper_row", error)) ||
        (status = rows_clear(rows, fate, spent, error)))
        return status;
    if (*fate == FATE_DONE && (status = rows_delete(rows, fate, error)))
        return status;
    if (*fate == FATE_REFUSED || *fate == FATE_CHANGED) {
        rows->counts.children = children;
        if ((status = database_exec(database, "ROLLBACK TO litekeeper_row", error)))
            return status;
    }
    return database_exec(database, "RELEASE litekeeper_row", error);
}

/* Deals with the row that is next, if the watch finds it to be what it was. */
static enum status rows_watched(struct rows *rows, enum rows_fate *fate, bool *spent,
                                struct error *error)
{
    enum rows_seen seen = ROWS_SAME;
    enum status status =
        rows->watch ? rows->watch->look(rows->watch->argument, rows->counts.done, &seen, error)
                    : STATUS_OK;

    if (status)
        return status;
    if (seen == ROWS_SAME)
        return rows_try(rows, fate, spent, error);
    if (seen == ROWS_GONE)
        rows_gone(rows);
    *fate = seen == ROWS_CHANGED ? FATE_CHANGED : FATE_DONE;
    return STATUS_OK;
}

/* Deals with the row that is next, or with a part of its dependents if the step is spent. */
static enum status rows_row(struct rows *rows, bool *spent, struct error *error)
{
    enum rows_fate fate = FATE_DONE;
    int64_t removed = rows->counts.removed;
    enum status status = rows_watched(rows, &fate, spent, error);

    if (status || fate == FATE_LATER)
        return status;
    rows->counts.refused += fate == FATE_REFUSED;
    rows->counts.changed += fate == FATE_CHANGED;
    if (rows->watch && rows->counts.removed == removed)
        status = rows->watch->left(rows->watch->argument, rows->counts.done, error);
    rows->counts.done++;
    *spent = lease_spent(rows->engine->lease);
    return status;
}

/* --- steps -------------------------------------------------------------------------------- */

bool rows_full(const struct rows *rows)
{
    return rows->facts->most >= 0 && rows->counts.removed >= rows->facts->most;
}

/* The rows of one hold. */
static enum status rows_some(struct rows *rows, struct error *error)
{
    const struct rows_watch *watch = rows->watch;
    enum status status = watch ? watch->begin(watch->argument, error) : STATUS_OK;
    bool spent = false;

    while (status == STATUS_OK && !spent && rows->counts.done < rows->batch.count &&
           !rows_full(rows))
        status = rows_row(rows, &spent, error);
    if (status == STATUS_OK && watch)
        status = watch->end(watch->argument, rows->counts.done, error);
    return status;
}

enum status rows_step(struct rows *rows, struct error *error)
{
    const struct rows_counts before = rows->counts;
    enum status status = lease_begin(rows->engine->lease, error);

    if (status)
        return status;
    status = rows_some(rows, error);
    if (status == STATUS_OK) {
        status = lease_end(rows->engine->lease, error);
        if (status == STATUS_OK)
            return STATUS_OK;
        rows->counts = before;
        return status == STATUS_BUSY ? STATUS_OK : status;
    }
    rows->counts = before;
    return lease_failed(rows->engine->lease, status, false, error);
}

/* --- statements --------------------------------------------------------------------------- */

/* "VERB FROM table AS p WHERE key = ... AND time IS ?1", and no child that keeps it. */
static enum status rows_prepare_one(struct rows *rows, const char *verb, bool unblocked,
                                    sqlite3_stmt **statement, struct error *error)
{
    const struct table *table = &rows->facts->table;
    struct text sql = {0};

    text_addf(&sql, "%s FROM ", verb);
    text_add_identifier(&sql, table->name);
    text_add(&sql, " AS p WHERE ");
    table_key_equals(&table->key, "p.", 2, &sql);
    text_add(&sql, " AND p.");
    text_add_identifier(&sql, table->column);
    text_add(&sql, " IS ?1");
    if (unblocked)
        referrers_unblocked(rows->facts->referrers, "p", &sql);
    if (unblocked && rows->condition)
        text_addf(&sql, " AND %s", rows->condition);
    enum status status = database_prepare(rows->engine->database, sql.bytes, statement, error);
    text_free(&sql);
    return status;
}

enum status rows_prepare(struct rows *rows, struct error *error)
{
    const struct retention_facts *facts = rows->facts;
    enum status status;

    rows->columns = (int)facts->table.key.count;
    if ((status = rows_prepare_one(rows, "DELETE", true, &rows->delete, error)) ||
        (status = rows_prepare_one(rows, "SELECT 1", true, &rows->eligible, error)) ||
        (status = referrers_statements(rows->engine->database, facts->referrers, &facts->table,
                                       &rows->dependents, &rows->dependent_count, error)))
        return status;
    if (referrers_restrict(facts->referrers) || facts->table.triggers || rows->condition)
        status = rows_prepare_one(rows, "SELECT 1", false, &rows->present, error);
    return status;
}

void rows_free(struct rows *rows)
{
    rowlist_free(&rows->batch);
    sqlite3_finalize(rows->delete);
    sqlite3_finalize(rows->eligible);
    sqlite3_finalize(rows->present);
    for (size_t i = 0; i < rows->dependent_count; i++)
        sqlite3_finalize(rows->dependents[i]);
    free(rows->dependents);
}

void rows_result(const struct rows *rows, struct retention_result *result)
{
    result->removed = rows->counts.removed;
    result->children = rows->counts.children;
    result->kept = rows->counts.kept;
    result->refused = rows->counts.refused;
    result->changed = rows->counts.changed;
    snprintf(result->refusal, sizeof result->refusal, "%s", rows->refusal);
}
