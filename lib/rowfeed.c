/*
 * An eponymous virtual table (vtab.html#epoxnos): to fill another table by one INSERT ... SELECT,
 * or to sort, costs far less than a statement a row. It only reads, and is for our own SQL alone:
 * no view or trigger of the application's can use it.
 */
#include "rowfeed.h"

#include "memory.h"
#include "text.h"

#include <stdlib.h>

struct rowfeed_table {
    sqlite3_vtab base;
    struct rowfeed *feed;
};

struct rowfeed_cursor {
    sqlite3_vtab_cursor base;
    bool row;
    sqlite3_int64 number;
};

static struct rowfeed *rowfeed_of(sqlite3_vtab_cursor *cursor)
{
    return ((struct rowfeed_table *)cursor->pVtab)->feed;
}

static int rowfeed_connect(sqlite3 *sql, void *argument, int count, const char *const *arguments,
                           sqlite3_vtab **table, char **message)
{
    struct rowfeed *feed = argument;
    struct text declaration = {0};

    (void)count;
    (void)arguments;
    (void)message;
    text_add(&declaration, "CREATE TABLE feed(");
    for (int i = 0; i < feed->columns; i++)
        text_addf(&declaration, "%sk%d", i ? ", " : "", i + 1);
    text_add(&declaration, ")");
    int rc = sqlite3_declare_vtab(sql, declaration.bytes);
    text_free(&declaration);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_vtab_config(sql, SQLITE_VTAB_DIRECTONLY);
    struct rowfeed_table *made = memory_new(struct rowfeed_table);
    made->feed = feed;
    *table = &made->base;
    return SQLITE_OK;
}

static int rowfeed_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

/* There is one way to read it. */
static int rowfeed_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    (void)info;
    return SQLITE_OK;
}

static int rowfeed_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct rowfeed_cursor *made = memory_new(struct rowfeed_cursor);

    (void)table;
    *cursor = &made->base;
    return SQLITE_OK;
}

static int rowfeed_close(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

static int rowfeed_next(sqlite3_vtab_cursor *base)
{
    struct rowfeed_cursor *cursor = (struct rowfeed_cursor *)base;
    struct rowfeed *feed = rowfeed_of(base);

    cursor->number++;
    return feed->next(feed->argument, &cursor->row);
}

static int rowfeed_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count,
                          sqlite3_value **values)
{
    (void)number;
    (void)text;
    (void)count;
    (void)values;
    return rowfeed_next(base);
}

static int rowfeed_eof(sqlite3_vtab_cursor *base)
{
    return !((struct rowfeed_cursor *)base)->row;
}

static int rowfeed_column(sqlite3_vtab_cursor *base, sqlite3_context *value, int column)
{
    struct rowfeed *feed = rowfeed_of(base);

    feed->give(feed->argument, column, value);
    return SQLITE_OK;
}

static int rowfeed_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = ((struct rowfeed_cursor *)base)->number;
    return SQLITE_OK;
}

/* Without xCreate it is there by its own name, and only by that. */
static const sqlite3_module rowfeed_module = {
    .xConnect = rowfeed_connect,
    .xDisconnect = rowfeed_disconnect,
    .xBestIndex = rowfeed_best_index,
    .xOpen = rowfeed_open,
    .xClose = rowfeed_close,
    .xFilter = rowfeed_filter,
    .xNext = rowfeed_next,
    .xEof = rowfeed_eof,
    .xColumn = rowfeed_column,
    .xRowid = rowfeed_rowid,
};

int rowfeed_offer(sqlite3 *sql, const char *name, struct rowfeed *feed)
{
    return sqlite3_create_module_v2(sql, name, &rowfeed_module, feed, NULL);
}
