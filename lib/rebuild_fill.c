/*
 * Fills a new index: the table's rows are read in slices and sorted aside, without the lock; then
 * the entries go into the copy in key order, step by step. What changes meanwhile is noted.
 */
#include "rebuild_sort.h"

#include "clock.h"

#include <string.h>

struct fill {
    struct rebuild *rebuild;
    struct sort *sort;
    sqlite3_stmt *insert;
    struct rowlist list; /* what is to be inserted next ... */
    size_t at;           /* ... from there on */
};

static enum status fill_each(void *argument, sqlite3_stmt *row, struct error *error)
{
    struct fill *fill = argument;

    return sort_add(fill->sort, row, error);
}

static enum status fill_read(struct fill *fill, struct error *error)
{
    struct walk *walk = NULL;
    enum status status = walk_table(fill->rebuild, &walk, error);

    if (status == STATUS_OK)
        status = walk_all(walk, fill_each, fill, error);
    walk_close(walk);
    return status;
}

static enum status fill_prepare(struct fill *fill, struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "INSERT INTO " REBUILD_NEW " VALUES(");
    for (size_t i = 0; i < fill->rebuild->shape.count; i++)
        text_addf(&sql, "%s?%zu", i ? ", " : "", i + 1);
    text_add(&sql, ")");
    enum status status = database_prepare(fill->rebuild->database, sql.bytes, &fill->insert, error);
    text_free(&sql);
    return status;
}

/* `batch` rows between two looks at the clock. */
static enum status fill_work(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct fill *fill = argument;
    int count = (int)rebuild->shape.count;
    enum status status = STATUS_OK;
    bool row;

    do {
        double begin = clock_monotonic_ms();
        size_t end = fill->at + (size_t)rebuild->batch;
        for (; status == STATUS_OK && fill->at < end && fill->at < fill->list.count; fill->at++) {
            rowlist_bind(&fill->list, fill->at, 0, count, fill->insert);
            status = database_step(rebuild->database, fill->insert, &row, error);
            sqlite3_reset(fill->insert);
        }
        rebuild_size_batch(rebuild, clock_monotonic_ms() - begin);
    } while (status == STATUS_OK && fill->at < fill->list.count && !lease_spent(rebuild->lease));
    return status;
}

static enum status fill_step(struct fill *fill, struct error *error)
{
    size_t begin = fill->at;
    bool done = false;
    enum status status = rebuild_step(fill->rebuild, fill_work, fill, &done, error);

    if (done)
        fill->rebuild->result->entries += (int64_t)(fill->at - begin);
    else
        fill->at = begin;
    return status;
}

static enum status fill_write(struct fill *fill, struct error *error)
{
    struct rebuild *rebuild = fill->rebuild;
    enum status status = fill_prepare(fill, error);

    while (status == STATUS_OK) {
        if (fill->at == fill->list.count) {
            fill->at = 0;
            if ((status = sort_next(fill->sort, &fill->list, error)) || !fill->list.count)
                break;
        }
        status = fill_step(fill, error);
        rebuild_progress(rebuild, rebuild->result->entries, rebuild->index_entries);
    }
    return status;
}

/* How large it will be is known once the rows were read; only then are free pages filled. */
static enum status fill_room(struct fill *fill, struct error *error)
{
    struct rebuild *rebuild = fill->rebuild;
    uint32_t page_size = database_facts(rebuild->database)->page_size;
    enum status status;

    rebuild->index_entries = sort_entries(fill->sort);
    rebuild->index_pages = sort_bytes(fill->sort) / page_size + 1;
    if ((status = rebuild_check_space(rebuild, rebuild->index_pages, error)))
        return status;
    return rebuild_make_room(rebuild, error);
}

enum status rebuild_fill(struct rebuild *rebuild, struct error *error)
{
    struct fill fill = {.rebuild = rebuild};
    double begin = clock_monotonic_ms();
    enum status status;

    if ((status = sort_open(rebuild, &fill.sort, error)) == STATUS_OK &&
        (status = fill_read(&fill, error)) == STATUS_OK &&
        (status = fill_room(&fill, error)) == STATUS_OK)
        status = fill_write(&fill, error);
    sqlite3_finalize(fill.insert);
    sort_close(fill.sort);
    rowlist_free(&fill.list);
    rebuild->result->copy_s = (clock_monotonic_ms() - begin) / 1e3;
    return status;
}
