/*
 * Sorts in a private database, which has nothing in it: the table's rows go, as a walk reads them,
 * straight into SQLite's sorter and its temporary files, which are removed as soon as they are
 * open. It takes as long as it takes, without any lock, and renews the lease of the triggers.
 */
#include "rebuild_sort.h"

#include "memory.h"
#include "rowfeed.h"

#include <stdlib.h>

enum { SORT_ROWS = 1 << 16, SORT_BYTES = 8 << 20, SORT_PROGRESS_OPS = 20000 };

struct sort {
    struct rebuild *rebuild;
    struct walk *walk; /* while rows are read */
    sqlite3_stmt *row; /* its row */
    struct rowfeed feed;
    sqlite3 *sql;
    sqlite3_stmt *select;
    int64_t entries, bytes;
    bool ready;         /* `select` is on an entry that was not given yet */
    struct error error; /* why it was stopped */
};

static enum status sort_error(struct sort *sort, struct error *error)
{
    if (sort->error.status) {
        if (error)
            *error = sort->error;
        return sort->error.status;
    }
    return error_set(error, STATUS_FAILED,
                     "the entries of %s can't be sorted in a temporary file: %s",
                     sort->rebuild->shape.index, sqlite3_errmsg(sort->sql));
}

/* As long as a walk is in the middle of a read it renews the lease itself, when it has ended one:
 * no step can begin before that. */
static int sort_progress(void *argument)
{
    struct sort *sort = argument;

    if (database_stopped(sort->rebuild->database))
        error_set(&sort->error, STATUS_CANCELLED, "stopped");
    else if (sort->walk || rebuild_keep_alive(sort->rebuild, &sort->error) == STATUS_OK)
        return 0;
    return 1;
}

/* --- what is sorted ------------------------------------------------------------------------ */

/* From here on the table is no longer read, and steps may begin at any moment. */
static void sort_end_walk(struct sort *sort)
{
    walk_close(sort->walk);
    sort->walk = NULL;
}

static int sort_feed_next(void *argument, bool *row)
{
    struct sort *sort = argument;

    if (walk_next(sort->walk, &sort->row, &sort->error))
        return SQLITE_ABORT;
    *row = sort->row != NULL;
    sort->entries += *row;
    sort->bytes += 4; /* what an entry takes besides its values, about */
    if (!*row)
        sort_end_walk(sort);
    return SQLITE_OK;
}

static void sort_feed_give(void *argument, int column, sqlite3_context *context)
{
    struct sort *sort = argument;
    sqlite3_value *value = sqlite3_column_value(sort->row, column);
    int type = sqlite3_value_type(value);
    bool sized = type == SQLITE_TEXT || type == SQLITE_BLOB;

    bool wide =
        sort->rebuild->wide && type == SQLITE_TEXT; /* to be asked in UTF-8 would change it */
    int bytes = wide ? sqlite3_value_bytes16(value) : sized ? sqlite3_value_bytes(value) : 6;
    sort->bytes += 1 + (type == SQLITE_NULL ? 0 : bytes);
    sqlite3_result_value(context, value);
}

static int sort_prepare(struct sort *sort)
{
    const struct shape *shape = &sort->rebuild->shape;
    struct text select = {0};

    text_add(&select, "SELECT * FROM entries ORDER BY ");
    for (size_t i = 0; i < shape->count; i++)
        text_addf(&select, "%sk%zu COLLATE %s%s", i ? ", " : "", i + 1, shape->columns[i].collation,
                  shape->columns[i].descending ? " DESC" : "");
    int rc = sqlite3_exec(sort->sql, "PRAGMA temp_store = 1; PRAGMA cache_size = -16384", NULL,
                          NULL, NULL);
    if (rc == SQLITE_OK && sort->rebuild->wide)
        rc = sqlite3_exec(sort->sql, "PRAGMA encoding = 'UTF-16'", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = rowfeed_offer(sort->sql, "entries", &sort->feed);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(sort->sql, select.bytes, -1, &sort->select, NULL);
    text_free(&select);
    return rc;
}

static enum status sort_open(struct rebuild *rebuild, struct sort **result, struct error *error)
{
    struct sort *sort = memory_new(struct sort);

    sort->rebuild = rebuild;
    sort->feed = (struct rowfeed){.columns = (int)rebuild->shape.count,
                                  .next = sort_feed_next,
                                  .give = sort_feed_give,
                                  .argument = sort};
    *result = sort;
    database_temp(rebuild->limits->temp);
    if (sqlite3_open_v2("", &sort->sql,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        "unix") != SQLITE_OK ||
        sort_prepare(sort) != SQLITE_OK)
        return sort_error(sort, error);
    sqlite3_progress_handler(sort->sql, SORT_PROGRESS_OPS, sort_progress, sort);
    return STATUS_OK;
}

void sort_close(struct sort *sort)
{
    if (!sort)
        return;
    sqlite3_finalize(sort->select);
    sqlite3_close(sort->sql);
    sort_end_walk(sort);
    database_temp(NULL);
    free(sort);
}

int64_t sort_entries(const struct sort *sort)
{
    return sort->entries;
}

int64_t sort_bytes(const struct sort *sort)
{
    return sort->bytes;
}

/* --- what comes out ------------------------------------------------------------------------ */

static enum status sort_step(struct sort *sort, struct error *error)
{
    int rc = sqlite3_step(sort->select);

    sort->ready = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK : sort_error(sort, error);
}

/* The first step reads everything. */
enum status sort_rows(struct rebuild *rebuild, struct sort **sort, struct error *error)
{
    enum status status;

    if ((status = sort_open(rebuild, sort, error)) ||
        (status = walk_table(rebuild, &(*sort)->walk, error)))
        return status;
    return sort_step(*sort, error);
}

enum status sort_next(struct sort *sort, struct rowlist *list, struct error *error)
{
    enum status status = STATUS_OK;

    rowlist_clear(list);
    list->wide = sort->rebuild->wide;
    while (status == STATUS_OK && sort->ready && list->count < SORT_ROWS &&
           list->length < SORT_BYTES) {
        rowlist_add(list, sort->select, (int)sort->rebuild->shape.count);
        status = sort_step(sort, error);
    }
    return status;
}
