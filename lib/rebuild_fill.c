/*
 * Fills a new index: the table's rows are read in slices and sorted aside, without the lock; then
 * the entries go into the copy in key order, step by step. What changes meanwhile is noted.
 */
#include "rebuild_sort.h"

#include "clock.h"
#include "rowfeed.h"

#define FILL_SORTED "_litekeeper_sorted"

struct fill {
    struct rebuild *rebuild;
    struct sort *sort;
    struct rowlist list; /* what is to be inserted next, ... */
    size_t next;         /* ... from there on */
    struct rowfeed feed; /* the same as a table */
    sqlite3_stmt *insert;
    size_t look; /* where the clock is looked at */
    double looked_ms;
};

/* --- a step -------------------------------------------------------------------------------- */

/* After a batch of rows; whether the step should end. */
static bool fill_look(struct fill *fill)
{
    double now = clock_monotonic_ms();

    rebuild_size_batch(fill->rebuild, now - fill->looked_ms);
    fill->looked_ms = now;
    fill->look = fill->next + (size_t)fill->rebuild->batch;
    return lease_spent(fill->rebuild->lease);
}

static int fill_feed_next(void *argument, bool *row)
{
    struct fill *fill = argument;

    *row = fill->next < fill->list.count && (fill->next < fill->look || !fill_look(fill));
    fill->next += *row;
    return SQLITE_OK;
}

static void fill_feed_give(void *argument, int column, sqlite3_context *value)
{
    struct fill *fill = argument;

    rowlist_give(&fill->list, fill->next - 1, column, value);
}

static enum status fill_work(struct rebuild *rebuild, void *argument, struct error *error)
{
    struct fill *fill = argument;
    bool row;

    fill->look = fill->next + (size_t)rebuild->batch;
    fill->looked_ms = clock_monotonic_ms();
    enum status status = database_step(rebuild->database, fill->insert, &row, error);
    sqlite3_reset(fill->insert);
    return status;
}

static enum status fill_step(struct fill *fill, struct error *error)
{
    size_t begin = fill->next;
    bool done = false;
    enum status status = rebuild_step(fill->rebuild, fill_work, fill, &done, error);

    if (done)
        fill->rebuild->result->entries += (int64_t)(fill->next - begin);
    else
        fill->next = begin;
    return status;
}

/* --- all of them --------------------------------------------------------------------------- */

static enum status fill_prepare(struct fill *fill, struct error *error)
{
    struct database *database = fill->rebuild->database;

    fill->feed = (struct rowfeed){.columns = (int)fill->rebuild->shape.count,
                                  .next = fill_feed_next,
                                  .give = fill_feed_give,
                                  .argument = fill};
    int rc = rowfeed_offer(database_sql(database), FILL_SORTED, &fill->feed);
    if (rc != SQLITE_OK)
        return database_error(database, rc, error);
    return database_prepare(database, "INSERT INTO " REBUILD_NEW " SELECT * FROM " FILL_SORTED,
                            &fill->insert, error);
}

/* Takes the table of that name away again. */
static void fill_close(struct fill *fill)
{
    sqlite3_finalize(fill->insert);
    if (fill->feed.next)
        sqlite3_create_module_v2(database_sql(fill->rebuild->database), FILL_SORTED, NULL, NULL,
                                 NULL);
    sort_close(fill->sort);
    rowlist_free(&fill->list);
}

static enum status fill_write(struct fill *fill, struct error *error)
{
    struct rebuild *rebuild = fill->rebuild;
    enum status status = fill_prepare(fill, error);

    while (status == STATUS_OK) {
        if (fill->next == fill->list.count) {
            fill->next = 0;
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

    if ((status = sort_rows(rebuild, &fill.sort, error)) == STATUS_OK &&
        (status = fill_room(&fill, error)) == STATUS_OK)
        status = fill_write(&fill, error);
    fill_close(&fill);
    rebuild->result->copy_s = (clock_monotonic_ms() - begin) / 1e3;
    return status;
}
