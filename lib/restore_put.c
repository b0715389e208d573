/*
 * A row in a list is: the values that are written, the rowid before them where the archive has one
 * and the table, too; the values of the key; and what the table computes itself.
 */
#include "restore_put_inside.h"

#include <stdio.h>

static void put_add_values(const struct archive_row *row, const size_t *list, size_t count,
                           struct rowlist *values)
{
    for (size_t i = 0; i < count; i++)
        rowlist_add_value(values, &row->values[list[i]]);
}

void restore_put_add(const struct restore_put *put, const struct archive_row *row,
                     struct rowlist *list)
{
    rowlist_begin(list);
    put_add_values(row, put->written, put->written_count, list);
    put_add_values(row, put->key, put->key_count, list);
    put_add_values(row, put->computed, put->computed_count, list);
}

/* A primary key may be NULL, but in the rowid's place and WITHOUT ROWID; then it tells nothing. */
static bool put_key_tells(const struct restore_put *put, const struct rowlist *list, size_t row)
{
    struct archive_value value;

    for (size_t i = 0; i < put->key_count; i++) {
        rowlist_value_at(list, row, (int)(put->written_count + i), &value);
        if (value.type == SQLITE_NULL)
            return false;
    }
    return true;
}

/* Runs a statement that finds at most one row; which stays there until the reset. */
static enum status put_ask(const struct restore_put *put, sqlite3_stmt *statement, bool *found,
                           struct error *error)
{
    int rc = sqlite3_step(statement);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return restore_target_failed(put->target, error);
    *found = rc == SQLITE_ROW;
    return STATUS_OK;
}

/* What is in the row's place, by its key or by its rowid. */
static enum status put_look(const struct restore_put *put, const struct rowlist *list, size_t row,
                            bool by_rowid, bool *found, bool *same, struct error *error)
{
    sqlite3_stmt *find = by_rowid ? put->find_rowid : put->find;
    int hidden = (int)put->hidden, written = (int)put->written_count;

    if (by_rowid)
        rowlist_bind(list, row, 0, 1, find);
    else
        rowlist_bind(list, row, written, (int)put->key_count, find);
    enum status status = put_ask(put, find, found, error);
    if (!status && *found)
        *same = rowlist_same(list, row, hidden, written - hidden, find);
    sqlite3_reset(find);
    return status;
}

/* It stays out, and the transaction stays whole. */
static bool put_refused(struct restore_put *put)
{
    sqlite3 *sql = put->target->sql;

    if ((sqlite3_errcode(sql) & 0xff) != SQLITE_CONSTRAINT || sqlite3_get_autocommit(sql))
        return false;
    snprintf(put->refusal, sizeof put->refusal, "%s", sqlite3_errmsg(sql));
    return true;
}

static enum status put_insert_one(struct restore_put *put, const struct rowlist *list, size_t row,
                                  bool anew, enum restore_fate *fate, struct error *error)
{
    sqlite3_stmt *insert = anew ? put->insert_anew : put->insert;
    int first = anew ? 1 : 0;
    enum status status = STATUS_OK;

    rowlist_bind(list, row, first, (int)put->written_count - first, insert);
    *fate = RESTORE_PUT;
    if (sqlite3_step(insert) != SQLITE_DONE) {
        *fate = RESTORE_REFUSED;
        status = put_refused(put) ? STATUS_OK : restore_target_failed(put->target, error);
    } else if (!sqlite3_changes(put->target->sql)) {
        *fate = RESTORE_REFUSED;
        snprintf(put->refusal, sizeof put->refusal, "a trigger passes over it");
    }
    sqlite3_reset(insert);
    return status;
}

static enum status put_exec(const struct restore_put *put, const char *sql, struct error *error)
{
    return sqlite3_exec(put->target->sql, sql, NULL, NULL, NULL)
               ? restore_target_failed(put->target, error)
               : STATUS_OK;
}

/* A foreign key that is deferred would be for the commit to judge, and all of the step's rows
 * would stay out with this one. */
static bool put_deferred(const struct restore_put *put)
{
    int now = 0, highest = 0;

    sqlite3_db_status(put->target->sql, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &highest, 0);
    return now != 0;
}

static enum status put_insert(struct restore_put *put, const struct rowlist *list, size_t row,
                              bool anew, enum restore_fate *fate, struct error *error)
{
    enum status status;

    if (!put->target->refers)
        return put_insert_one(put, list, row, anew, fate, error);
    if ((status = put_exec(put, "SAVEPOINT litekeeper_row", error)) ||
        (status = put_insert_one(put, list, row, anew, fate, error)))
        return status;
    if (*fate == RESTORE_PUT && put_deferred(put)) {
        *fate = RESTORE_REFUSED;
        snprintf(put->refusal, sizeof put->refusal, "FOREIGN KEY constraint failed (deferred)");
        if ((status = put_exec(put, "ROLLBACK TO litekeeper_row", error)))
            return status;
    }
    return put_exec(put, "RELEASE litekeeper_row", error);
}

enum status restore_put_row(struct restore_put *put, const struct rowlist *list, size_t row,
                            enum restore_fate *fate, bool *anew, struct error *error)
{
    bool by_key = !put->declared || put_key_tells(put, list, row), found = false, same = false;
    enum status status = STATUS_OK;

    *anew = false;
    if (by_key)
        status = put_look(put, list, row, false, &found, &same, error);
    if (!status && !found && put->find_rowid && put->declared) {
        status = put_look(put, list, row, true, &found, &same, error);
        *anew = found && by_key;
        found = found && !by_key;
    }
    if (status)
        return status;
    if (!found)
        return put_insert(put, list, row, *anew, fate, error);
    *fate = same ? RESTORE_THERE : RESTORE_OTHER;
    return STATUS_OK;
}

const char *restore_put_refusal(const struct restore_put *put)
{
    return put->refusal;
}

char *restore_put_name(const struct restore_put *put, const struct rowlist *list, size_t row)
{
    struct archive_value value;
    struct text name = {0};

    text_add(&name, put->key_count > 1 ? "[" : "");
    for (size_t i = 0; i < put->key_count; i++) {
        text_add(&name, i ? "," : "");
        rowlist_value_at(list, row, (int)(put->written_count + i), &value);
        archive_value_write(&value, &name);
    }
    text_add(&name, put->key_count > 1 ? "]" : "");
    return text_take(&name);
}

enum status restore_put_check(struct restore_put *put, const struct rowlist *list, size_t row,
                              bool *same, bool *computed, struct error *error)
{
    int key = (int)put->written_count, first = key + (int)put->key_count;
    bool by_key = !put->declared || put_key_tells(put, list, row), found = false, fine = false;
    enum status status = put_look(put, list, row, !by_key, &found, &fine, error);

    if (status)
        return status;
    *same = found && fine;
    *computed = true;
    if (!put->find_computed || !by_key)
        return STATUS_OK;
    rowlist_bind(list, row, key, (int)put->key_count, put->find_computed);
    status = put_ask(put, put->find_computed, &found, error);
    if (!status)
        *computed =
            found && rowlist_same(list, row, first, (int)put->computed_count, put->find_computed);
    sqlite3_reset(put->find_computed);
    return status;
}
