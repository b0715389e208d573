/*
 * The look at a whole database, in a worker: the list of b-trees by SQL, the walk of each, the
 * freelist, then samples of the leaves with what the budget still has, all in one snapshot.
 */
#include "pages.h"

#include "btreewalk.h"
#include "freelist.h"
#include "leafsample.h"
#include "memory.h"
#include "pagefile.h"
#include "pages_watch.h"
#include "pageset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A look reads at most so many pages: a share of the file, or a few. */
enum { BUDGET_MIN = 64, BUDGET_SHARE = 100 };
enum { FORWARD = 32 /* pages that a step ahead may skip; see "fragmentation" */ };
enum { ATTEMPTS = 3 /* where the schema changes between slices */ };

/* What is known of a b-tree while it is measured. */
struct pages_tree {
    struct pages_look *look;
    size_t place; /* in the report */
    uint32_t previous;
    int64_t jumps; /* steps from leaf to leaf that go back or far ahead */
    struct leafsample sample;
    int64_t entries, overflow_pages; /* of interior pages, exact */
    int64_t root;                    /* as the schema has it */
    int64_t changes;                 /* the file's, when the walk was over */
};

struct pages_look {
    struct pagefile file;
    struct pageset taken;
    struct pages_report report;
    struct pages_tree *trees; /* as many as report.btrees */
    const struct pages_limits *limits;
    const struct pages_watch *watch;
};

static struct pages_btree *pages_btree(const struct pages_tree *tree)
{
    return &tree->look->report.btrees[tree->place];
}

static void pages_damaged(const struct pages_tree *tree, const struct error *error)
{
    if (!pages_btree(tree)->error)
        pages_btree(tree)->error = memory_copy(error->text);
}

static void pages_list_add(struct pages_look *look, const char *type, const char *name,
                           const char *table, int64_t root)
{
    size_t count = look->report.btree_count;

    if ((count & (count - 1)) == 0) { /* room for the next power of two */
        size_t room = count ? count * 2 : 1;
        look->report.btrees = memory_resize(look->report.btrees, room, sizeof(struct pages_btree));
        look->trees = memory_resize(look->trees, room, sizeof(struct pages_tree));
    }
    look->report.btrees[count] = (struct pages_btree){
        .name = memory_copy(name ? name : ""),
        .table = memory_copy(table ? table : ""),
        .type = type && !strcmp(type, "index") ? "index" : "table",
        .root = root > 0 && root <= UINT32_MAX ? (uint32_t)root : 0,
    };
    look->trees[count] = (struct pages_tree){.place = count, .root = root, .look = look};
    look->report.btree_count++;
}

/* Views, triggers and virtual tables have no b-tree: their root is 0. */
static enum status pages_list(struct pages_look *look, struct error *error)
{
    static const char sql[] =
        "SELECT 'table', 'sqlite_schema', 'sqlite_schema', 1 WHERE ?1 IS NULL"
        " UNION ALL SELECT type, name, tbl_name, rootpage FROM main.sqlite_schema"
        " WHERE type IN ('table', 'index') AND rootpage <> 0"
        " AND (?1 IS NULL OR tbl_name = ?1 COLLATE NOCASE)";
    sqlite3 *db = look->file.db;
    sqlite3_stmt *query = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &query, NULL);

    if (code == SQLITE_OK && look->limits->only_table)
        code = sqlite3_bind_text(query, 1, look->limits->only_table, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        while ((code = sqlite3_step(query)) == SQLITE_ROW)
            pages_list_add(look, (const char *)sqlite3_column_text(query, 0),
                           (const char *)sqlite3_column_text(query, 1),
                           (const char *)sqlite3_column_text(query, 2),
                           sqlite3_column_int64(query, 3));
    enum status status = STATUS_OK;
    if (code != SQLITE_DONE)
        status = pagefile_failure(db, "its schema can't be read", error);
    sqlite3_finalize(query);
    return status;
}

static enum status pages_on_interior(void *argument, const struct btreepage *page,
                                     struct error *error)
{
    struct pages_tree *tree = argument;
    struct leafsample_leaf found = {0};

    pages_btree(tree)->interior_pages++;
    if (page->table) /* its cells have keys alone */
        return STATUS_OK;
    enum status status = leafsample_measure(page, tree->look->file.pages, &found, error);
    tree->entries += found.entries;
    tree->overflow_pages += found.overflow_pages;
    return status;
}

static void pages_on_first_leaf(struct pages_tree *tree, const struct btreepage *page)
{
    struct error error;

    tree->sample.first = page->number;
    if (leafsample_measure(page, tree->look->file.pages, &tree->sample.first_leaf, &error))
        pages_damaged(tree, &error);
    else
        tree->sample.first_sound = true;
}

static void pages_on_leaf(void *argument, uint32_t number, const struct btreepage *page)
{
    struct pages_tree *tree = argument;
    const struct pages_watch *watch = tree->look->watch;

    if (page)
        pages_on_first_leaf(tree, page);
    if (tree->previous && (number < tree->previous || number - tree->previous > FORWARD))
        tree->jumps++;
    tree->previous = number;
    pages_btree(tree)->leaf_pages++;
    leafsample_offer(&tree->sample, number);
    if (watch && watch->leaf)
        watch->leaf(watch->argument, tree->place, number);
}

static void pages_on_restart(void *argument)
{
    struct pages_tree *tree = argument;
    struct pages_btree *btree = pages_btree(tree);
    const struct pages_watch *watch = tree->look->watch;

    btree->interior_pages = btree->leaf_pages = 0;
    free(btree->error);
    btree->error = NULL;
    leafsample_free(&tree->sample);
    tree->previous = 0;
    tree->jumps = tree->entries = tree->overflow_pages = 0;
    if (watch && watch->restart)
        watch->restart(watch->argument, tree->place);
}

/* What kind of pages a b-tree must have; a table WITHOUT ROWID has an index's. */
static int pages_kind(const struct pages_btree *btree)
{
    if (!strcmp(btree->type, "index"))
        return 0;
    return btree->root == 1 ? 1 : -1;
}

static enum status pages_walk(struct pages_look *look, struct pages_tree *tree, struct error *error)
{
    struct pages_btree *btree = pages_btree(tree);
    const struct btreewalk_visitor visitor = {
        .interior = pages_on_interior,
        .leaf = pages_on_leaf,
        .restart = pages_on_restart,
        .argument = tree,
    };

    if (!btree->root) {
        error_set(error, STATUS_INVALID, "its root page is %" PRId64, tree->root);
        pages_damaged(tree, error);
        return STATUS_OK;
    }
    enum status status = btreewalk(&look->file, &look->taken, btree->root, pages_kind(btree),
                                   &visitor, &btree->depth, error);
    tree->changes = look->file.changes;
    if (status != STATUS_INVALID)
        return status;
    pages_damaged(tree, error);
    return STATUS_OK;
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
        for (size_t i = 0; i < look->report.btree_count; i++) {
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

/* Reads one leaf. Damage, where nobody wrote since the walk, is the b-tree's; else it is what
 * became of the page meanwhile, and the sample has one leaf less. */
static enum status pages_sample_leaf(struct pages_look *look, struct pages_tree *tree,
                                     uint32_t number, struct error *error)
{
    unsigned char bytes[FILEHEADER_PAGE_MAX];
    struct btreepage page;
    struct leafsample_leaf leaf;
    enum status status = pagefile_breathe(&look->file, error);

    if (status)
        return status;
    status = pagefile_read(&look->file, number, bytes, error);
    if (!status)
        status = btreepage_parse(bytes, number, look->file.header.usable, &page, error);
    if (!status && !page.leaf)
        status = error_set(error, STATUS_INVALID, "page %" PRIu32 " is no leaf", number);
    if (!status)
        status = leafsample_measure(&page, look->file.pages, &leaf, error);
    if (!status)
        leafsample_add(&tree->sample, &leaf);
    if (status == STATUS_INVALID && tree->changes == look->file.changes)
        pages_damaged(tree, error);
    return status == STATUS_INVALID ? STATUS_OK : status;
}

static enum status pages_sample(struct pages_look *look, struct error *error)
{
    int64_t share = pages_share(look);
    enum status status = STATUS_OK;

    for (size_t i = 0; i < look->report.btree_count && !status; i++) {
        struct pages_tree *tree = &look->trees[i];
        if (!tree->sample.offered)
            continue;
        leafsample_choose(&tree->sample, share);
        for (int64_t k = 0; k < tree->sample.kept && !status; k++)
            status = pages_sample_leaf(look, tree, tree->sample.leaves[k], error);
    }
    return status;
}

static void pages_conclude(struct pages_look *look, const struct pages_tree *tree)
{
    struct pages_btree *btree = pages_btree(tree);
    uint32_t page_size = look->file.header.page_size;
    struct leafsample_estimate estimate;

    leafsample_estimate(&tree->sample, page_size, &estimate);
    btree->density = estimate.density;
    btree->entry_bytes = estimate.entry_bytes;
    btree->entries = estimate.entries + tree->entries;
    btree->overflow_pages = estimate.overflow_pages + tree->overflow_pages;
    btree->overflow_error = estimate.overflow_error;
    if (btree->leaf_pages > 1)
        btree->fragmentation = (double)tree->jumps / (double)(btree->leaf_pages - 1);
    btree->bytes = (btree->interior_pages + btree->leaf_pages + btree->overflow_pages) * page_size;
}

static void pages_report(struct pages_look *look)
{
    const struct fileheader *header = &look->file.header;
    struct pages_report *report = &look->report;

    for (size_t i = 0; i < report->btree_count; i++)
        pages_conclude(look, &look->trees[i]);
    report->page_size = header->page_size;
    report->pages = look->file.pages;
    report->auto_vacuum = !header->largest_root ? 0 : header->incremental ? 2 : 1;
    report->approximate = look->file.changes > 0;
    report->last_writer_version = header->writer;
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
    for (size_t i = 0; i < look->report.btree_count && !status; i++)
        status = pages_walk(look, &look->trees[i], error);
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
    for (size_t i = 0; i < look->report.btree_count; i++)
        leafsample_free(&look->trees[i].sample);
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
