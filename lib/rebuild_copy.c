/*
 * Copies the old index's entries into the copy, in key order, step by step. Where it stands is the
 * last entry that the copy has, so a step that was rolled back needs nothing undone. What changes
 * behind it is noted.
 */
#include "rebuild_inside.h"

#include "clock.h"
#include "memory.h"

#include <stdlib.h>

struct copy {
    struct range range;
    sqlite3_stmt *last;  /* the copy's last entry */
    sqlite3_stmt *first; /* copies from the beginning */
    sqlite3_stmt **behind;
    sqlite3_value **position;
    int64_t copied, total; /* `copied` is committed; */
    int64_t in_step;       /* this is not yet */
    bool ended;
};

static enum status copy_prepare_one(struct rebuild *rebuild, struct copy *copy,
                                    const char *condition, sqlite3_stmt **statement,
                                    struct error *error)
{
    struct text sql = {0};

    text_addf(&sql,
              "INSERT INTO " REBUILD_NEW " SELECT * FROM " REBUILD_OLD
              " WHERE %s ORDER BY %s LIMIT ?%zu",
              condition, copy->range.order, rebuild->shape.count + 1);
    enum status status = database_prepare(rebuild->database, sql.bytes, statement, error);
    text_free(&sql);
    return status;
}

static enum status copy_prepare(struct rebuild *rebuild, struct copy *copy, struct error *error)
{
    struct range_column *columns;
    struct text sql = {0};
    char *names;

    walk_columns(&rebuild->shape, &columns, &names);
    range_build(&copy->range, columns, rebuild->shape.count, RANGE_BEHIND);
    free(columns);
    free(names);
    copy->behind = memory_zeroed(copy->range.count, sizeof *copy->behind);
    copy->position = memory_zeroed(rebuild->shape.count, sizeof(sqlite3_value *));
    text_addf(&sql, "SELECT * FROM " REBUILD_NEW " ORDER BY %s LIMIT 1", copy->range.backwards);
    enum status status = database_prepare(rebuild->database, sql.bytes, &copy->last, error);
    text_free(&sql);
    if (status == STATUS_OK)
        status = copy_prepare_one(rebuild, copy, "1", &copy->first, error);
    for (size_t i = 0; status == STATUS_OK && i < copy->range.count; i++)
        status = copy_prepare_one(rebuild, copy, copy->range.segments[i].condition,
                                  &copy->behind[i], error);
    return status;
}

static void copy_forget(struct copy *copy)
{
    for (size_t i = 0; copy->position && i < copy->range.columns; i++) {
        sqlite3_value_free(copy->position[i]);
        copy->position[i] = NULL;
    }
}

static void copy_close(struct copy *copy)
{
    copy_forget(copy);
    sqlite3_finalize(copy->last);
    sqlite3_finalize(copy->first);
    for (size_t i = 0; copy->behind && i < copy->range.count; i++)
        sqlite3_finalize(copy->behind[i]);
    range_free(&copy->range);
    free(copy->behind);
    free(copy->position);
}

/* Where the copy ends; `*begun` false where it is empty. */
static enum status copy_find_position(struct rebuild *rebuild, struct copy *copy, bool *begun,
                                      struct error *error)
{
    enum status status = database_step(rebuild->database, copy->last, begun, error);

    copy_forget(copy);
    for (size_t i = 0; status == STATUS_OK && *begun && i < copy->range.columns; i++)
        copy->position[i] = sqlite3_value_dup(sqlite3_column_value(copy->last, (int)i));
    sqlite3_reset(copy->last);
    return status;
}

/* One statement: at most `*wanted` entries, which are fewer afterwards. */
static enum status copy_insert(struct rebuild *rebuild, struct copy *copy, sqlite3_stmt *statement,
                               int64_t *wanted, struct error *error)
{
    bool row;

    sqlite3_bind_int64(statement, (int)rebuild->shape.count + 1, *wanted);
    enum status status = database_step(rebuild->database, statement, &row, error);
    sqlite3_reset(statement);
    if (status == STATUS_OK) {
        int changes = sqlite3_changes(database_sql(rebuild->database));
        *wanted -= changes;
        copy->in_step += changes;
    }
    return status;
}

static enum status copy_batch(struct rebuild *rebuild, struct copy *copy, struct error *error)
{
    int64_t wanted = rebuild->batch;
    bool begun = false;
    enum status status = copy_find_position(rebuild, copy, &begun, error);

    if (status == STATUS_OK && !begun)
        status = copy_insert(rebuild, copy, copy->first, &wanted, error);
    for (size_t i = 0; begun && status == STATUS_OK && wanted > 0 && i < copy->range.count; i++) {
        if (!range_applies(&copy->range, i, copy->position))
            continue;
        range_bind(&copy->range, i, copy->position, copy->behind[i]);
        status = copy_insert(rebuild, copy, copy->behind[i], &wanted, error);
    }
    copy->ended = wanted > 0;
    return status;
}

static enum status copy_work(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct copy *copy = argument;
    enum status status;

    copy->in_step = 0;
    do {
        double begin = clock_monotonic_ms();
        if ((status = copy_batch(rebuild, copy, error)) == STATUS_OK)
            rebuild_size_batch(rebuild, clock_monotonic_ms() - begin);
    } while (status == STATUS_OK && !copy->ended && !lease_spent(rebuild->lease));
    return status;
}

enum status rebuild_copy(struct rebuild *rebuild, struct error *error)
{
    struct copy copy = {0};
    double begin = clock_monotonic_ms();
    bool done = false;
    enum status status = copy_prepare(rebuild, &copy, error);

    while (status == STATUS_OK && !(done && copy.ended)) {
        if ((status = rebuild_step(rebuild, copy_work, &copy, &done, error)) == STATUS_OK && done)
            copy.copied += copy.in_step;
        rebuild_progress(rebuild, copy.copied, rebuild->index_entries);
    }
    copy_close(&copy);
    rebuild->result->entries = copy.copied;
    rebuild->result->copy_s = (clock_monotonic_ms() - begin) / 1e3;
    return status;
}
