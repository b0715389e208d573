/* Reads sqlite_stat1 and finds for each b-tree of a table or index what is noted about it. */
#include "statistics.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATISTICS_COARSE = 4,   /* leaves: whoever reads fewer of many may be off by much */
    STATISTICS_SPARE = 10000 /* rows of sqlite_stat1 that are about nothing we know */
};

static const double statistics_off = 0.25, statistics_coarse_off = 0.5;

bool statistics_stale(const struct statistics_item *item)
{
    double off = item->coarse ? statistics_coarse_off : statistics_off;
    double most = (double)item->noted / (1 - off) + STATISTICS_SLACK,
           least = (double)item->noted * (1 - off) - STATISTICS_SLACK;

    if (item->entries < 0)
        return false;
    if (item->noted < 0)
        return item->entries > 0; /* an empty table gets none */
    return (double)item->entries > most || (double)item->entries < least;
}

/* --- what there is ------------------------------------------------------------------------ */

static bool statistics_internal(const char *table)
{
    return sqlite3_strnicmp(table, "sqlite_", 7) == 0;
}

static void statistics_add(struct statistics *statistics, const struct pages_btree *btree,
                           enum statistics_kind kind)
{
    size_t count = statistics->count;

    if ((count & (count - 1)) == 0) /* room for the next power of two */
        statistics->items =
            memory_resize(statistics->items, count ? count * 2 : 1, sizeof *statistics->items);
    statistics->items[count] = (struct statistics_item){
        .name = memory_copy(btree->name),
        .table = memory_copy(btree->table),
        .kind = kind,
        .noted = -1,
        .entries = btree->error ? -1 : btree->entries,
        .coarse = btree->leaves_read < btree->leaf_pages && btree->leaves_read < STATISTICS_COARSE,
    };
    statistics->count++;
}

/* Whether a table is its own primary key's index, which the schema does not list, and whether it
 * has an index of all its rows. */
static const char statistics_table_sql[] =
    "SELECT ifnull(max(l.partial = 0), 0), ifnull(max(l.origin = 'pk' AND NOT EXISTS"
    " (SELECT 1 FROM main.sqlite_master m WHERE m.type = 'index' AND m.name = l.name)), 0)"
    " FROM pragma_index_list(?1, 'main') l";

static enum status statistics_add_table(struct database *database, sqlite3_stmt *ask,
                                        const struct pages_btree *btree,
                                        struct statistics *statistics, struct error *error)
{
    bool row = false;

    sqlite3_bind_text(ask, 1, btree->name, -1, SQLITE_STATIC);
    enum status status = database_step(database, ask, &row, error);
    if (!status && row && sqlite3_column_int(ask, 1))
        statistics_add(statistics, btree, STATISTICS_KEY);
    else if (!status && row && !sqlite3_column_int(ask, 0))
        statistics_add(statistics, btree, STATISTICS_COUNT);
    sqlite3_reset(ask);
    return status;
}

static enum status statistics_list(struct database *database, const struct pages_report *report,
                                   struct statistics *statistics, struct error *error)
{
    sqlite3_stmt *ask = NULL;
    enum status status = database_prepare(database, statistics_table_sql, &ask, error);

    for (size_t i = 0; i < report->btree_count && !status; i++) {
        const struct pages_btree *btree = &report->btrees[i];
        if (statistics_internal(btree->table))
            continue;
        if (strcmp(btree->type, "index") == 0)
            statistics_add(statistics, btree, STATISTICS_INDEX);
        else
            status = statistics_add_table(database, ask, btree, statistics, error);
    }
    sqlite3_finalize(ask);
    return status;
}

/* --- what is noted ------------------------------------------------------------------------ */

/* By the table's name, then by what the row of statistics calls it: the index's name; the table's
 * own, for its primary key; or nothing, for its rows. */
struct statistics_note {
    char *table, *index; /* index may be NULL */
    int64_t rows;
};

struct statistics_notes {
    struct statistics_note *notes;
    size_t count;
};

static int statistics_order(const void *a, const void *b)
{
    const struct statistics_note *x = a, *y = b;
    int order = strcmp(x->table, y->table);

    if (order == 0 && x->index && y->index)
        return strcmp(x->index, y->index);
    return order ? order : (x->index != NULL) - (y->index != NULL);
}

static void statistics_notes_free(struct statistics_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        free(notes->notes[i].table);
        free(notes->notes[i].index);
    }
    free(notes->notes);
}

static void statistics_note(struct statistics_notes *notes, sqlite3_stmt *row)
{
    const char *stat = (const char *)sqlite3_column_text(row, 2);
    size_t count = notes->count;

    if ((count & (count - 1)) == 0)
        notes->notes = memory_resize(notes->notes, count ? count * 2 : 1, sizeof *notes->notes);
    long long rows = stat ? strtoll(stat, NULL, 10) : 0; /* anyone may have written it */
    notes->notes[notes->count++] =
        (struct statistics_note){.table = memory_copy((const char *)sqlite3_column_text(row, 0)),
                                 .index = memory_copy((const char *)sqlite3_column_text(row, 1)),
                                 .rows = rows > 0 ? rows : 0};
}

/* `sql` gives table, index and statistics. */
static enum status statistics_read(struct database *database, const char *sql, size_t most,
                                   struct statistics_notes *notes, struct error *error)
{
    sqlite3_stmt *query = NULL;
    bool row = false;
    enum status status = database_prepare(database, sql, &query, error);

    while (!status && (status = database_step(database, query, &row, error)) == STATUS_OK && row &&
           notes->count < most)
        if (sqlite3_column_type(query, 0) == SQLITE_TEXT)
            statistics_note(notes, query);
    sqlite3_finalize(query);
    if (notes->count)
        qsort(notes->notes, notes->count, sizeof *notes->notes, statistics_order);
    return status;
}

static const struct statistics_note *statistics_find(const struct statistics_notes *notes,
                                                     char *table, char *index)
{
    struct statistics_note key = {.table = table, .index = index};

    return notes->count ? bsearch(&key, notes->notes, notes->count, sizeof key, statistics_order)
                        : NULL;
}

static enum status statistics_has(struct database *database, const char *table, bool *has,
                                  struct error *error)
{
    char sql[128];
    int64_t count = 0;

    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM main.sqlite_master WHERE type = 'table' AND name = '%s'", table);
    enum status status = database_integer(database, sql, 0, &count, error);
    *has = count > 0;
    return status;
}

enum status statistics_reload(struct database *database, struct statistics *statistics,
                              struct error *error)
{
    struct statistics_notes notes = {0};
    enum status status = statistics_has(database, "sqlite_stat1", &statistics->table, error);

    if (!status && statistics->table)
        status = statistics_read(database, "SELECT tbl, idx, stat FROM main.sqlite_stat1",
                                 statistics->count + STATISTICS_SPARE, &notes, error);
    for (size_t i = 0; i < statistics->count && !status; i++) {
        struct statistics_item *item = &statistics->items[i];
        char *index = item->kind == STATISTICS_COUNT ? NULL : item->name;
        const struct statistics_note *note = statistics_find(&notes, item->table, index);
        item->noted = note ? note->rows : -1;
    }
    statistics_notes_free(&notes);
    return status;
}

/* Where the application's SQLite has made samples, ours would drop them with the rest of the
 * table's statistics, and not make new ones: it may not be built for it, and at an analysis_limit
 * none does. sqlite_stat3 was the same before 3.30. */
static enum status statistics_find_samples(struct database *database, const char *table,
                                           struct statistics *statistics, struct error *error)
{
    struct statistics_notes notes = {0};
    char sql[64];
    bool has = false;
    enum status status = statistics_has(database, table, &has, error);

    snprintf(sql, sizeof sql, "SELECT DISTINCT tbl, NULL, NULL FROM main.%s", table);
    if (!status && has)
        status =
            statistics_read(database, sql, statistics->count + STATISTICS_SPARE, &notes, error);
    for (size_t i = 0; i < statistics->count && !status; i++)
        if (statistics_find(&notes, statistics->items[i].table, NULL))
            statistics->items[i].samples = true;
    statistics_notes_free(&notes);
    return status;
}

enum status statistics_load(struct database *database, const struct pages_report *report,
                            struct statistics *statistics, struct error *error)
{
    struct statistics found = {0};
    enum status status;

    if ((status = statistics_list(database, report, &found, error)) ||
        (status = statistics_reload(database, &found, error)) ||
        (status = statistics_find_samples(database, "sqlite_stat4", &found, error)) ||
        (status = statistics_find_samples(database, "sqlite_stat3", &found, error)))
        statistics_free(&found);
    else
        *statistics = found;
    return status;
}

void statistics_analyze_sql(const char *name, struct text *sql)
{
    text_add(sql, "ANALYZE main.");
    text_add_identifier(sql, name);
}

/* Compiling tells, and touches nothing. */
static enum status statistics_try_one(struct database *database, struct statistics_item *item,
                                      struct error *error)
{
    sqlite3_stmt *statement = NULL;
    struct text sql = {0};

    statistics_analyze_sql(item->name, &sql);
    enum status status = database_prepare(database, sql.bytes, &statement, error);
    sqlite3_finalize(statement);
    text_free(&sql);
    if (status != STATUS_REFUSED || !database_lacks(error))
        return status;
    item->lacks = memory_copy(error->text);
    return STATUS_OK;
}

enum status statistics_try(struct database *database, struct statistics *statistics,
                           struct error *error)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < statistics->count && !status; i++) {
        struct statistics_item *item = &statistics->items[i];
        if (item->kind != STATISTICS_COUNT && !item->samples && statistics_stale(item))
            status = statistics_try_one(database, item, error);
    }
    return status;
}

void statistics_free(struct statistics *statistics)
{
    for (size_t i = 0; i < statistics->count; i++) {
        free(statistics->items[i].name);
        free(statistics->items[i].table);
        free(statistics->items[i].lacks);
    }
    free(statistics->items);
    *statistics = (struct statistics){0};
}
