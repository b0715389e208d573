/*
 * Takes entries away from a table that is to be dropped, a few at a time: from the front of an
 * index b-tree, or any rows of a table with rowid.
 */
#include "rebuild_inside.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct shrink {
    const char *table;
    sqlite3_stmt *bound;   /* of the copy: the entry that is ?1 further on */
    sqlite3_stmt **before; /* deletes what is before it */
    struct range range;
    sqlite3_stmt *delete; /* of another table: ?1 rows */
};

/* --- the copy ----------------------------------------------------------------------------- */

/* Its own schema tells what we need of its shape. */
static enum status shrink_load_shape(struct rebuild *rebuild, struct error *error)
{
    static const char query[] =
        "SELECT x.\"desc\", x.coll, m.rootpage FROM sqlite_master m, pragma_index_list(m.name) l,"
        " pragma_index_xinfo(l.name) x WHERE m.name = '" REBUILD_COPY "' AND m.type = 'table'"
        " AND l.origin = 'pk' ORDER BY x.seqno";
    struct shape *shape = &rebuild->shape;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = database_prepare(rebuild->database, query, &statement, error);

    while (status == STATUS_OK &&
           (status = database_step(rebuild->database, statement, &row, error)) == STATUS_OK &&
           row) {
        shape->columns = memory_resize(shape->columns, shape->count + 1, sizeof *shape->columns);
        shape->columns[shape->count++] =
            (struct shape_column){.collation =
                                      memory_copy((const char *)sqlite3_column_text(statement, 1)),
                                  .descending = sqlite3_column_int(statement, 0)};
        shape->root = (uint32_t)sqlite3_column_int64(statement, 2);
    }
    sqlite3_finalize(statement);
    return status;
}

static enum status shrink_imposter(struct rebuild *rebuild, struct error *error)
{
    int64_t schema = 0;
    enum status status =
        database_integer(rebuild->database, "PRAGMA schema_version", 0, &schema, error);

    if (status)
        return status;
    rebuild_imposters_end(rebuild);
    shape_free(&rebuild->shape);
    if ((status = shrink_load_shape(rebuild, error)))
        return status;
    rebuild->schema = schema;
    rebuild->shape.index = memory_copy(REBUILD_COPY);
    return rebuild_imposter(rebuild, REBUILD_OLD, rebuild->shape.root, error);
}

static enum status shrink_prepare_copy(struct rebuild *rebuild, struct shrink *shrink,
                                       struct error *error)
{
    struct range_column *columns;
    struct text sql = {0};
    char *names;
    enum status status;

    if ((status = shrink_imposter(rebuild, error)))
        return status;
    walk_columns(&rebuild->shape, &columns, &names);
    range_build(&shrink->range, columns, rebuild->shape.count, RANGE_BEFORE);
    free(columns);
    free(names);
    shrink->before = memory_zeroed(shrink->range.count, sizeof *shrink->before);
    text_addf(&sql, "SELECT * FROM " REBUILD_OLD " ORDER BY %s LIMIT 1 OFFSET ?1",
              shrink->range.order);
    status = database_prepare(rebuild->database, sql.bytes, &shrink->bound, error);
    for (size_t i = 0; status == STATUS_OK && i < shrink->range.count; i++) {
        text_clear(&sql);
        text_addf(&sql, "DELETE FROM " REBUILD_OLD " WHERE %s",
                  shrink->range.segments[i].condition);
        status = database_prepare(rebuild->database, sql.bytes, &shrink->before[i], error);
    }
    text_free(&sql);
    return status;
}

/* Deletes all before the entry that `bound` stands on. */
static enum status shrink_before(struct rebuild *rebuild, struct shrink *shrink, int64_t *deleted,
                                 struct error *error)
{
    size_t count = shrink->range.columns;
    sqlite3_value **position = memory_zeroed(count, sizeof(sqlite3_value *));
    enum status status = STATUS_OK;
    bool row;

    for (size_t i = 0; i < count; i++)
        position[i] = sqlite3_value_dup(sqlite3_column_value(shrink->bound, (int)i));
    sqlite3_reset(shrink->bound);
    for (size_t i = 0; status == STATUS_OK && i < shrink->range.count; i++) {
        if (!range_applies(&shrink->range, i, position))
            continue;
        range_bind(&shrink->range, i, position, shrink->before[i]);
        status = database_step(rebuild->database, shrink->before[i], &row, error);
        sqlite3_reset(shrink->before[i]);
        *deleted += sqlite3_changes(database_sql(rebuild->database));
    }
    for (size_t i = 0; i < count; i++)
        sqlite3_value_free(position[i]);
    free(position);
    return status;
}

static enum status shrink_some_entries(struct rebuild *rebuild, struct shrink *shrink,
                                       int64_t *deleted, bool *last, struct error *error)
{
    bool row = false;

    sqlite3_bind_int64(shrink->bound, 1, rebuild->batch);
    enum status status = database_step(rebuild->database, shrink->bound, &row, error);
    if (status == STATUS_OK && row)
        return shrink_before(rebuild, shrink, deleted, error);
    sqlite3_reset(shrink->bound);
    *last = true;
    return status;
}

/* --- other tables ------------------------------------------------------------------------- */

static enum status shrink_prepare_rows(struct rebuild *rebuild, struct shrink *shrink,
                                       struct error *error)
{
    struct text sql = {0};

    text_addf(&sql, "DELETE FROM %s WHERE rowid IN (SELECT rowid FROM %s LIMIT ?1)", shrink->table,
              shrink->table);
    enum status status = database_prepare(rebuild->database, sql.bytes, &shrink->delete, error);
    text_free(&sql);
    return status;
}

static enum status shrink_some_rows(struct rebuild *rebuild, struct shrink *shrink,
                                    int64_t *deleted, bool *last, struct error *error)
{
    bool row;

    sqlite3_bind_int64(shrink->delete, 1, rebuild->batch);
    enum status status = database_step(rebuild->database, shrink->delete, &row, error);
    sqlite3_reset(shrink->delete);
    *deleted = sqlite3_changes(database_sql(rebuild->database));
    *last = *deleted < rebuild->batch;
    return status;
}

/* --- either ------------------------------------------------------------------------------- */

enum status shrink_open(struct rebuild *rebuild, const char *table, struct shrink **result,
                        struct error *error)
{
    struct shrink *shrink = memory_new(struct shrink);
    bool copy = strcmp(table, REBUILD_COPY) == 0;

    shrink->table = table;
    enum status status = copy ? shrink_prepare_copy(rebuild, shrink, error)
                              : shrink_prepare_rows(rebuild, shrink, error);
    if (status)
        shrink_close(shrink);
    else
        *result = shrink;
    return status;
}

void shrink_close(struct shrink *shrink)
{
    if (!shrink)
        return;
    sqlite3_finalize(shrink->bound);
    sqlite3_finalize(shrink->delete);
    for (size_t i = 0; shrink->before && i < shrink->range.count; i++)
        sqlite3_finalize(shrink->before[i]);
    free(shrink->before);
    range_free(&shrink->range);
    free(shrink);
}

enum status shrink_some(struct rebuild *rebuild, struct shrink *shrink, int64_t *deleted,
                        bool *last, struct error *error)
{
    *deleted = 0;
    *last = false;
    return shrink->bound ? shrink_some_entries(rebuild, shrink, deleted, last, error)
                         : shrink_some_rows(rebuild, shrink, deleted, last, error);
}
