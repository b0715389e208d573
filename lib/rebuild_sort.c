/*
 * Sorts in a private database in a temporary file, which SQLite removes as soon as it is open. It
 * takes as long as it takes, without any lock, and renews the lease of the triggers meanwhile.
 */
#include "rebuild_sort.h"

#include "memory.h"

#include <stdlib.h>

enum { SORT_ROWS = 8192, SORT_BYTES = 4 << 20, SORT_PROGRESS_OPS = 20000 };

struct sort {
    struct rebuild *rebuild;
    sqlite3 *sql;
    sqlite3_stmt *insert, *select;
    int64_t entries, bytes;
    bool wide;          /* the database has UTF-16 */
    bool ended;         /* stepped once more, it would begin anew */
    struct error error; /* why the progress handler has stopped it */
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

static int sort_progress(void *argument)
{
    struct sort *sort = argument;

    if (database_stopped(sort->rebuild->database))
        error_set(&sort->error, STATUS_CANCELLED, "stopped");
    else if (rebuild_keep_alive(sort->rebuild, &sort->error) == STATUS_OK)
        return 0;
    return 1;
}

static void sort_add_columns(const struct shape *shape, struct text *create, struct text *insert,
                             struct text *order)
{
    for (size_t i = 0; i < shape->count; i++) {
        const char *comma = i ? ", " : "";
        text_addf(create, "%sk%zu COLLATE %s", comma, i + 1, shape->columns[i].collation);
        text_addf(insert, "%s?%zu", comma, i + 1);
        text_addf(order, "%sk%zu%s", comma, i + 1, shape->columns[i].descending ? " DESC" : "");
    }
}

static int sort_prepare(struct sort *sort)
{
    struct text create = {0}, insert = {0}, select = {0};

    if (sort->wide) /* what is not well-formed stays as it is */
        text_add(&create, "PRAGMA encoding = 'UTF-16'; ");
    text_add(&create, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = 1;"
                      " PRAGMA cache_size = -24576; BEGIN; CREATE TABLE entries(");
    text_add(&insert, "INSERT INTO entries VALUES(");
    text_add(&select, "SELECT * FROM entries ORDER BY ");
    sort_add_columns(&sort->rebuild->shape, &create, &insert, &select);
    text_add(&create, ")");
    text_add(&insert, ")");
    int rc = sqlite3_exec(sort->sql, create.bytes, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(sort->sql, insert.bytes, -1, &sort->insert, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(sort->sql, select.bytes, -1, &sort->select, NULL);
    text_free(&create);
    text_free(&insert);
    text_free(&select);
    return rc;
}

enum status sort_open(struct rebuild *rebuild, struct sort **result, struct error *error)
{
    struct sort *sort = memory_new(struct sort);
    const char *temp = rebuild->limits->temp;
    int64_t wide = 0;
    enum status status =
        database_integer(rebuild->database, "SELECT encoding <> 'UTF-8' FROM pragma_encoding", 0,
                         &wide, error);

    sort->rebuild = rebuild;
    sort->wide = wide;
    if (temp && !sqlite3_temp_directory)
        sqlite3_temp_directory = sqlite3_mprintf("%s", temp);
    if (status == STATUS_OK &&
        (sqlite3_open_v2("", &sort->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix") !=
             SQLITE_OK ||
         sort_prepare(sort) != SQLITE_OK))
        status = sort_error(sort, error);
    if (status) {
        sort_close(sort);
        return status;
    }
    sqlite3_progress_handler(sort->sql, SORT_PROGRESS_OPS, sort_progress, sort);
    *result = sort;
    return STATUS_OK;
}

void sort_close(struct sort *sort)
{
    if (!sort)
        return;
    sqlite3_finalize(sort->insert);
    sqlite3_finalize(sort->select);
    sqlite3_close(sort->sql);
    free(sort);
}

enum status sort_add(struct sort *sort, sqlite3_stmt *row, struct error *error)
{
    for (int i = 0; i < (int)sort->rebuild->shape.count; i++) {
        sqlite3_bind_value(sort->insert, i + 1, sqlite3_column_value(row, i));
        int type = sqlite3_column_type(row, i);
        bool sized = type == SQLITE_TEXT || type == SQLITE_BLOB;
        sort->bytes += 1 + (sized ? sqlite3_column_bytes(row, i) : type == SQLITE_NULL ? 0 : 6);
    }
    sqlite3_step(sort->insert);
    sort->entries++;
    sort->bytes += 4; /* what an entry takes besides its values, about */
    return sqlite3_reset(sort->insert) == SQLITE_OK ? STATUS_OK : sort_error(sort, error);
}

int64_t sort_entries(const struct sort *sort)
{
    return sort->entries;
}

int64_t sort_bytes(const struct sort *sort)
{
    return sort->bytes;
}

enum status sort_next(struct sort *sort, struct rowlist *list, struct error *error)
{
    rowlist_clear(list);
    list->wide = sort->wide;
    while (!sort->ended && list->count < SORT_ROWS && list->length < SORT_BYTES) {
        int rc = sqlite3_step(sort->select);
        sort->ended = rc != SQLITE_ROW;
        if (rc == SQLITE_ROW)
            rowlist_add(list, sort->select, (int)sort->rebuild->shape.count);
        else if (rc != SQLITE_DONE)
            return sort_error(sort, error);
    }
    return STATUS_OK;
}
