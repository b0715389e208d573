/*
 * A row in a list is: the values that are written, the rowid before them where the archive has one
 * and the table, too; the values of the key; and what the table computes itself.
 */
#include "restore_put.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

struct restore_put {
    const struct restore_target *target;
    const struct archive_columns *columns;
    size_t *written, written_count; /* columns of the archive */
    size_t *key, key_count;
    size_t *computed, computed_count;
    size_t hidden; /* 1: the first that is written is the rowid, which no column shows */
    bool declared; /* the key is the table's primary key, not the rowid */
    sqlite3_stmt *insert, *insert_anew; /* the second without the rowid */
    sqlite3_stmt *find, *find_rowid;    /* what is written but for the rowid, by key and by rowid */
    sqlite3_stmt *find_computed;
    char refusal[200];
};

/* --- which columns ------------------------------------------------------------------------ */

static void put_add_index(size_t **list, size_t *count, size_t index)
{
    *list = memory_resize(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = index;
}

static void put_take_column(struct restore_put *put, size_t index, json_t *left_out)
{
    const struct archive_column *column = &put->columns->list[index];
    const struct restore_column *there = restore_target_find(put->target, column->name);

    if (column->hidden) {
        put->hidden = put->target->rowid != NULL;
        if (put->hidden)
            put_add_index(&put->written, &put->written_count, index);
    } else if (!there) {
        if (!column->generated)
            json_array_append_new(left_out, json_string(column->name));
    } else if (there->generated) {
        put_add_index(&put->computed, &put->computed_count, index);
    } else {
        put_add_index(&put->written, &put->written_count, index);
    }
}

/* The declared primary key, if the archive has all of it. */
static bool put_take_declared(struct restore_put *put)
{
    const struct restore_target *target = put->target;
    size_t found;

    for (int place = 1;; place++) {
        size_t i = 0;
        while (i < target->count && target->columns[i].key != place)
            i++;
        if (i == target->count)
            return place > 1;
        if (!archive_columns_find(put->columns, target->columns[i].name, &found)) {
            put->key_count = 0;
            return false;
        }
        put_add_index(&put->key, &put->key_count, found);
    }
}

static enum status put_take_key(struct restore_put *put, struct error *error)
{
    const struct archive_columns *columns = put->columns;

    if ((put->declared = put_take_declared(put)))
        return STATUS_OK;
    for (size_t i = 0; i < columns->key_count; i++) {
        const struct archive_column *column = &columns->list[columns->key[i]];
        if (!(column->hidden && put->hidden) && !restore_target_find(put->target, column->name))
            return error_set(error, STATUS_REFUSED,
                             "the table has no %s by now, which tells its rows apart",
                             column->hidden ? "rowid" : column->name);
        put_add_index(&put->key, &put->key_count, columns->key[i]);
    }
    return STATUS_OK;
}

/* --- statements --------------------------------------------------------------------------- */

static void put_add_name(const struct restore_put *put, size_t index, struct text *sql)
{
    const struct archive_column *column = &put->columns->list[index];

    text_add_identifier(sql, column->hidden ? put->target->rowid : column->name);
}

static void put_add_names(const struct restore_put *put, const size_t *list, size_t count,
                          struct text *sql)
{
    for (size_t i = 0; i < count; i++) {
        text_add(sql, i ? ", " : "");
        put_add_name(put, list[i], sql);
    }
}

static enum status put_prepare(const struct restore_put *put, struct text *sql,
                               sqlite3_stmt **statement, struct error *error)
{
    int rc = sqlite3_prepare_v3(put->target->sql, sql->bytes, -1, SQLITE_PREPARE_PERSISTENT,
                                statement, NULL);

    text_free(sql);
    return rc ? restore_target_failed(put->target, error) : STATUS_OK;
}

static enum status put_prepare_insert(const struct restore_put *put, size_t first,
                                      sqlite3_stmt **statement, struct error *error)
{
    struct text sql = {0};

    /* a trigger's own OR REPLACE would not count with one here, so only where it must be */
    text_addf(&sql, "INSERT%s INTO main.", put->target->resolves ? " OR ABORT" : "");
    text_add_identifier(&sql, put->target->table);
    text_add(&sql, "(");
    put_add_names(put, put->written + first, put->written_count - first, &sql);
    text_add(&sql, ") VALUES(?");
    for (size_t i = first + 1; i < put->written_count; i++)
        text_add(&sql, ",?");
    text_add(&sql, ")");
    return put_prepare(put, &sql, statement, error);
}

static enum status put_prepare_find(const struct restore_put *put, const size_t *list, size_t count,
                                    bool rowid, sqlite3_stmt **statement, struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "SELECT ");
    put_add_names(put, list, count, &sql);
    text_add(&sql, count ? " FROM main." : "1 FROM main.");
    text_add_identifier(&sql, put->target->table);
    text_add(&sql, " WHERE ");
    for (size_t i = 0; !rowid && i < put->key_count; i++) {
        text_add(&sql, i ? " AND " : "");
        put_add_name(put, put->key[i], &sql);
        text_add(&sql, " = ?");
    }
    if (rowid) {
        text_add_identifier(&sql, put->target->rowid);
        text_add(&sql, " = ?");
    }
    return put_prepare(put, &sql, statement, error);
}

static enum status put_statements(struct restore_put *put, struct error *error)
{
    const size_t *shown = put->written + put->hidden;
    size_t count = put->written_count - put->hidden;
    enum status status;

    if ((status = put_prepare_insert(put, 0, &put->insert, error)) ||
        (status = put_prepare_find(put, shown, count, false, &put->find, error)))
        return status;
    if (put->hidden && count &&
        ((status = put_prepare_insert(put, 1, &put->insert_anew, error)) ||
         (status = put_prepare_find(put, shown, count, true, &put->find_rowid, error))))
        return status;
    return put->computed_count ? put_prepare_find(put, put->computed, put->computed_count, false,
                                                  &put->find_computed, error)
                               : STATUS_OK;
}

enum status restore_put_open(const struct restore_target *target,
                             const struct archive_columns *columns, json_t *left_out,
                             struct restore_put **result, struct error *error)
{
    struct restore_put *put = memory_new(struct restore_put);

    *put = (struct restore_put){.target = target, .columns = columns};
    for (size_t i = 0; i < columns->count; i++)
        put_take_column(put, i, left_out);
    enum status status = put_take_key(put, error);
    if (!status)
        status = put_statements(put, error);
    if (status)
        restore_put_close(put);
    else
        *result = put;
    return status;
}

void restore_put_close(struct restore_put *put)
{
    if (!put)
        return;
    sqlite3_finalize(put->insert);
    sqlite3_finalize(put->insert_anew);
    sqlite3_finalize(put->find);
    sqlite3_finalize(put->find_rowid);
    sqlite3_finalize(put->find_computed);
    free(put->written);
    free(put->key);
    free(put->computed);
    free(put);
}

/* --- rows --------------------------------------------------------------------------------- */

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
