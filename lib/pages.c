/*
 * The look at a whole database, in a worker: the list of b-trees by SQL, the walk of each, the
 * freelist, then samples of the leaves with what the budget still has, all in one snapshot.
 */
#include "pages.h"

#include "freelist.h"
#include "memory.h"
#include "pagefile.h"
#include "pages_watch.h"
#include "pageset.h"
#include "treelook.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A look reads at most so many pages, interior pages aside: a share of the file, or a few. */
enum { BUDGET_MIN = 64, BUDGET_SHARE = 100 };
enum { ATTEMPTS = 3 /* where the schema changes between slices */ };

struct pages_look {
    struct pagefile file;
    struct pageset taken;
    struct pages_report report;
    struct treelook *trees; /* one for each of the report's b-trees */
    size_t tree_count;
    const struct pages_limits *limits;
    const struct pages_watch *watch;
};

static void pages_list_add(struct pages_report *report, const char *type, const char *name,
                           const char *table, int64_t root)
{
    size_t count = report->btree_count;

    if ((count & (count - 1)) == 0) { /* room for the next power of two */
        size_t room = count ? count * 2 : 1;
        report->btrees = memory_resize(report->btrees, room, sizeof(struct pages_btree));
    }
    bool possible = root > 0 && root <= UINT32_MAX;
    report->btrees[count] = (struct pages_btree){
        .name = memory_copy(name ? name : ""),
        .table = memory_copy(table ? table : ""),
        .type = type && !strcmp(type, "index") ? "index" : "table",
        .root = possible ? (uint32_t)root : 0,
        .error = possible ? NULL : memory_format("its root page is %" PRId64, root),
    };
    report->btree_count++;
}

/* Views, triggers and virtual tables have no b-tree. SQLite notes the latter in these words. */
static enum status pages_list(struct pages_look *look, struct error *error)
{
    static const char sql[] =
        "SELECT 'table', 'sqlite_schema', 'sqlite_schema', 1 WHERE ?1 IS NULL"
        " UNION ALL SELECT type, name, tbl_name, rootpage FROM main.sqlite_schema"
        " WHERE type IN ('table', 'index') AND ifnull(sql, '') NOT LIKE 'CREATE VIRTUAL TABLE %'"
        " AND (?1 IS NULL OR tbl_name = ?1 COLLATE NOCASE)";
    sqlite3 *db = look->file.db;
    sqlite3_stmt *query = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &query, NULL);

    if (code == SQLITE_OK && look->limits->only_table)
        code = sqlite3_bind_text(query, 1, look->limits->only_table, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        while ((code = sqlite3_step(query)) == SQLITE_ROW)
            pages_list_add(&look->report, (const char *)sqlite3_column_text(query, 0),
                           (const char *)sqlite3_column_text(query, 1),
                           (const char *)sqlite3_column_text(query, 2),
                           sqlite3_column_int64(query, 3));
    enum status status = STATUS_OK;
    if (code != SQLITE_DONE)
        status = pagefile_failure(db, "its schema can't be read", error);
    sqlite3_finalize(query);
    return status;
}

/* The report's list is complete, so its b-trees stay where they are. */
static void pages_plant(struct pages_look *look)
{
    look->tree_count = look->report.btree_count;
    look->trees = memory_zeroed(look->tree_count, sizeof *look->trees);
    for (size_t i = 0; i < look->tree_count; i++)
        look->trees[i] = (struct treelook){
            .file = &look->file,
            .taken = &look->taken,
            .btree = &look->report.btrees[i],
            .watch = look->watch,
            .place = i,
        };
}

static int64_t pages_budget(const struct pages_look *look)
{
    int64_t budget = look->file.pages / BUDGET_SHARE;

    budget = budget < BUDGET_MIN ? BUDGET_MIN : budget;
    return budget > look->file.reads ? budget - look->file.reads : 0;
}

/* A quarter of what is left is for the freelist: of its pages one in a thousand is a trunk. */
static enum status pages_freelist(struct pages_look *look, struct error *error)
{
    const struct fileheader *header = &look->file.header;

    look->report.free_pages =
        header->free_pages < look->file.pages ? header->free_pages : look->file.pages;
    if (look->limits->only_table)
        return STATUS_OK;
    enum status status = freelist_check(&look->file, &look->taken, pages_budget(look) / 4, error);
    if (status != STATUS_INVALID)
        return status;
    look->report.freelist_error = memory_copy(error->text);
    return STATUS_OK;
}

/* The greatest equal share of the budget: a b-tree with fewer leaves takes what it has, and the
 * others share the rest. */
static int64_t pages_share(const struct pages_look *look)
{
    int64_t budget = pages_budget(look), low = 0, high = LEAFSAMPLE_MAX;

    while (low < high) {
        int64_t share = (low + high + 1) / 2, sum = 0;
        for (size_t i = 0; i < look->tree_count; i++) {
            int64_t wanted = leafsample_wanted(&look->trees[i].sample);
            sum += wanted < share ? wanted : share;
        }
        if (sum <= budget)
            low = share;
        else
            high = share - 1;
    }
    return low;
}

/* Slices read page 1 again, so what is left of the budget may be less than was shared out. */
static enum status pages_sample(struct pages_look *look, struct error *error)
{
    int64_t share = pages_share(look);
    enum status status = STATUS_OK;

    for (size_t i = 0; i < look->tree_count && !status; i++) {
        int64_t left = pages_budget(look);
        status = treelook_sample(&look->trees[i], share < left ? share : left, error);
    }
    return status;
}

/* Pages that belong to no b-tree's interior or leaves and are not free: those of overflow, in a
 * sound file. -1 where that can't be said: a part was left out, or something is wrong with it. */
static int64_t pages_of_overflow(const struct pages_look *look)
{
    const struct pages_report *report = &look->report;
    int64_t left = (int64_t)look->file.pages - report->free_pages -
                   fileheader_special_pages(&look->file.header, look->file.pages);

    if (look->limits->only_table || look->file.changes || report->freelist_error)
        return -1;
    for (size_t i = 0; i < report->btree_count; i++) {
        if (report->btrees[i].error)
            return -1;
        left -= report->btrees[i].interior_pages + report->btrees[i].leaf_pages;
    }
    return left;
}

/* The sum is known exactly, so what the samples say of each can be held against it: no b-tree has
 * more than the others leave, and if all others are exact, then so is the last. */
static void pages_settle_overflow(struct pages_look *look)
{
    struct pages_report *report = &look->report;
    int64_t left = pages_of_overflow(look), unsure = 0;

    for (size_t i = 0; i < report->btree_count; i++) {
        if (report->btrees[i].overflow_error)
            unsure++;
        else
            left -= report->btrees[i].overflow_pages;
    }
    for (size_t i = 0; i < report->btree_count && left >= 0; i++) {
        struct pages_btree *btree = &report->btrees[i];
        if (!btree->overflow_error)
            continue;
        if (unsure == 1 || btree->overflow_pages > left)
            btree->overflow_pages = left;
        if (unsure == 1 || btree->overflow_error > left)
            btree->overflow_error = unsure == 1 ? 0 : left;
    }
}

static void pages_report(struct pages_look *look)
{
    const struct fileheader *header = &look->file.header;
    struct pages_report *report = &look->report;

    for (size_t i = 0; i < look->tree_count; i++)
        treelook_conclude(&look->trees[i]);
    pages_settle_overflow(look);
    for (size_t i = 0; i < report->btree_count; i++) {
        struct pages_btree *btree = &report->btrees[i];
        btree->bytes =
            header->page_size * (btree->interior_pages + btree->leaf_pages + btree->overflow_pages);
    }
    report->page_size = header->page_size;
    report->pages = look->file.pages;
    report->auto_vacuum = !header->largest_root ? 0 : header->incremental ? 2 : 1;
    report->approximate = look->file.changes > 0;
    report->last_writer_version = header->writer;
    report->changes = header->changes;
    report->schema = header->schema;
    report->pages_read = look->file.reads;
    if (look->watch && look->watch->measured)
        look->watch->measured(look->watch->argument, look->file.db, report);
}

static enum status pages_look(struct pages_look *look, struct error *error)
{
    enum status status = STATUS_OK;

    if (look->file.pages) /* an empty file is an empty database, without even a schema */
        status = pages_list(look, error);
    pageset_reset(&look->taken, look->file.pages);
    pages_plant(look);
    for (size_t i = 0; i < look->tree_count && !status; i++)
        if (look->trees[i].btree->root)
            status = treelook_walk(&look->trees[i], error);
    if (!status)
        status = pages_freelist(look, error);
    if (!status)
        status = pages_sample(look, error);
    if (!status)
        pages_report(look);
    return status;
}

/* All but the report. */
static void pages_free(struct pages_look *look)
{
    for (size_t i = 0; i < look->tree_count; i++)
        treelook_free(&look->trees[i]);
    free(look->trees);
    pageset_free(&look->taken);
}

/* `*again` when the schema changed under it and all begins anew. */
static enum status pages_attempt(sqlite3 *db, const struct pages_limits *limits,
                                 const struct pages_watch *watch, struct pages_report *report,
                                 bool *again, struct error *error)
{
    struct pages_look look = {.limits = limits, .watch = watch};
    const struct pagefile_pace pace = {
        .slice_ms = limits->slice_ms,
        .gap_ms = limits->gap_ms,
        .stopped = limits->stopped,
        .argument = limits->argument,
    };
    enum status status = pagefile_open(&look.file, db, &pace, error);

    if (!status)
        status = pages_look(&look, error);
    *again = look.file.schema_change;
    pagefile_close(&look.file);
    pages_free(&look);
    if (status)
        pages_report_free(&look.report);
    else
        *report = look.report;
    return status;
}

enum status pages_measure_watched(sqlite3 *db, const struct pages_limits *limits,
                                  const struct pages_watch *watch, struct pages_report *report,
                                  struct error *error)
{
    struct error found = {0};
    enum status status = STATUS_OK;
    bool again = true;

    for (int i = 0; i < ATTEMPTS && again; i++)
        status = pages_attempt(db, limits, watch, report, &again, &found);
    return status ? error_set(error, status, "%s", found.text) : STATUS_OK;
}

enum status pages_measure(sqlite3 *db, const struct pages_limits *limits,
                          struct pages_report *report, struct error *error)
{
    return pages_measure_watched(db, limits, NULL, report, error);
}

void pages_report_free(struct pages_report *report)
{
    for (size_t i = 0; i < report->btree_count; i++) {
        free(report->btrees[i].name);
        free(report->btrees[i].table);
        free(report->btrees[i].error);
    }
    free(report->btrees);
    free(report->freelist_error);
    *report = (struct pages_report){0};
}
