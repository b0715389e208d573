/* Which columns of an archive go into which of a table, what a row is known by, and the statements
 * for both. */
#include "restore_put_inside.h"

#include "memory.h"

#include <stdlib.h>

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
