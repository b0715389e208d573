/* Measuring and comparing within one transaction. */
#include "lib_dbstat.h"

#include "lib_randomdb.h"
#include "pages_watch.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct pages_limits dbstat_patient = {.slice_ms = 60000, .gap_ms = 0};

static void dbstat_on_leaf(void *argument, size_t tree, uint32_t page)
{
    struct dbstat *dbstat = argument;

    ck_assert_uint_lt(tree, DBSTAT_TREES);
    struct dbstat_leaves *list = &dbstat->trees[tree];
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->pages = realloc(list->pages, list->room * sizeof *list->pages);
    }
    list->pages[list->count++] = page;
}

static void dbstat_on_restart(void *argument, size_t tree)
{
    ((struct dbstat *)argument)->trees[tree].count = 0;
}

static void dbstat_forget(struct dbstat *dbstat)
{
    for (size_t i = 0; i < DBSTAT_TREES; i++)
        free(dbstat->trees[i].pages);
    memset(dbstat->trees, 0, sizeof dbstat->trees);
}

/* What dbstat says of one b-tree. */
struct dbstat_truth {
    int64_t leaf, interior, overflow, entries, depth;
    double density, fragmentation;
    double room, unused; /* bytes of all leaves */
    int64_t previous, jumps;
};

static int dbstat_depth(const char *path)
{
    int depth = 0;

    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* Bytes of a leaf that cells can have; page 1 begins with the file's header. */
static double dbstat_room(sqlite3 *db, int64_t page)
{
    int reserved = -1;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    return (double)(randomdb_value(db, "PRAGMA page_size") - reserved - 8 - (page == 1 ? 100 : 0));
}

/* One leaf, which must be the next one that the walk named. */
static void dbstat_leaf(sqlite3 *db, sqlite3_stmt *row, const struct dbstat_leaves *list,
                        struct dbstat_truth *truth)
{
    int64_t page = sqlite3_column_int64(row, 1), unused = sqlite3_column_int64(row, 3);

    ck_assert_str_eq((const char *)sqlite3_column_text(row, 0), "leaf");
    ck_assert_msg((size_t)truth->leaf < list->count && list->pages[truth->leaf] == (uint32_t)page,
                  "leaf number %lld is page %lld", (long long)truth->leaf, (long long)page);
    truth->leaf++;
    truth->entries += sqlite3_column_int64(row, 2);
    truth->depth = dbstat_depth((const char *)sqlite3_column_text(row, 4));
    truth->jumps += truth->previous && (page < truth->previous || page - truth->previous > 32);
    truth->previous = page;
    truth->room += dbstat_room(db, page);
    /* dbstat takes the content's begin of an empty page of 65536 bytes, 0, as it is. */
    truth->unused += (double)(unused < 0 ? unused + 65536 : unused);
}

/* Whether the b-tree's interior pages have keys alone, in a database of lib_randomdb.h. */
static bool dbstat_has_rowids(const struct pages_btree *btree)
{
    return btree->root == 1 || !strcmp(btree->name, "plain") || !strncmp(btree->name, "od\"", 3);
}

static void dbstat_read(sqlite3 *db, const struct pages_btree *btree,
                        const struct dbstat_leaves *list, struct dbstat_truth *truth)
{
    static const char sql[] = "SELECT pagetype, pageno, ncell, unused, path FROM dbstat"
                              " WHERE name = ?1";
    sqlite3_stmt *row = NULL;

    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    sqlite3_bind_text(row, 1, btree->name, -1, SQLITE_STATIC);
    while (sqlite3_step(row) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(row, 0);
        if (!strcmp(type, "overflow")) {
            truth->overflow++;
        } else if (!strcmp(type, "internal")) {
            truth->interior++;
            truth->entries += dbstat_has_rowids(btree) ? 0 : sqlite3_column_int64(row, 2);
        } else {
            dbstat_leaf(db, row, list, truth);
        }
    }
    sqlite3_finalize(row);
    truth->density = 1 - truth->unused / truth->room;
    if (truth->leaf > 1)
        truth->fragmentation = (double)truth->jumps / (double)(truth->leaf - 1);
}

static void dbstat_exact(const struct pages_btree *btree, const struct dbstat_truth *truth)
{
    ck_assert_msg(btree->entries == truth->entries, "%s: %lld entries, not %lld", btree->name,
                  (long long)truth->entries, (long long)btree->entries);
    ck_assert_int_eq(btree->overflow_error, 0);
    ck_assert_msg(fabs(btree->density - truth->density) < 1e-9, "%s: density %f, not %f",
                  btree->name, truth->density, btree->density);
}

static void dbstat_btree(struct dbstat *dbstat, sqlite3 *db, const struct pages_report *report,
                         size_t i)
{
    const struct pages_btree *btree = &report->btrees[i];
    struct dbstat_truth truth = {0};

    ck_assert_msg(!btree->error, "%s: %s", btree->name, btree->error ? btree->error : "");
    dbstat_read(db, btree, &dbstat->trees[i], &truth);
    ck_assert_int_eq(btree->leaf_pages, truth.leaf);
    ck_assert_uint_eq(dbstat->trees[i].count, (size_t)truth.leaf);
    ck_assert_int_eq(btree->interior_pages, truth.interior);
    ck_assert_int_eq(btree->depth, truth.depth);
    ck_assert(fabs(btree->fragmentation - truth.fragmentation) < 1e-9);
    if (btree->leaves_read == btree->leaf_pages)
        dbstat_exact(btree, &truth);
    if (btree->overflow_error) {
        dbstat->estimates++;
        dbstat->far_off += llabs(btree->overflow_pages - truth.overflow) > btree->overflow_error;
    } else {
        ck_assert_msg(btree->overflow_pages == truth.overflow, "%s: %lld overflow pages, not %lld",
                      btree->name, (long long)truth.overflow, (long long)btree->overflow_pages);
    }
    ck_assert_int_eq(btree->bytes,
                     (btree->interior_pages + btree->leaf_pages + btree->overflow_pages) *
                         report->page_size);
}

static int64_t dbstat_budget(int64_t pages)
{
    return pages / 100 > 64 ? pages / 100 : 64;
}

static void dbstat_on_measured(void *argument, sqlite3 *db, const struct pages_report *report)
{
    struct dbstat *dbstat = argument;
    int64_t must = 1 + (int64_t)report->btree_count; /* page 1 and each b-tree's first leaf */

    ck_assert_msg(!sqlite3_get_autocommit(db), "the transaction is over");
    for (size_t i = 0; i < report->btree_count; i++) {
        dbstat_btree(dbstat, db, report, i);
        must += report->btrees[i].interior_pages;
    }
    ck_assert_int_eq(report->pages, randomdb_value(db, "PRAGMA page_count"));
    ck_assert_int_eq(report->free_pages, randomdb_value(db, "PRAGMA freelist_count"));
    ck_assert_int_eq(report->auto_vacuum, randomdb_value(db, "PRAGMA auto_vacuum"));
    ck_assert_msg(!report->freelist_error, "freelist: %s",
                  report->freelist_error ? report->freelist_error : "");
    ck_assert_int_le(report->pages_read,
                     must > dbstat_budget(report->pages) ? must : dbstat_budget(report->pages));
    dbstat->compared++;
}

void dbstat_compare(sqlite3 *db, struct dbstat *dbstat)
{
    struct pages_report report;
    struct error error = {0};
    const struct pages_watch watch = {dbstat_on_leaf, dbstat_on_restart, dbstat_on_measured,
                                      dbstat};
    int before = dbstat->compared;

    enum status status = pages_measure_watched(db, &dbstat_patient, &watch, &report, &error);
    ck_assert_msg(!status, "%s", error.text);
    ck_assert_int_eq(dbstat->compared, before + 1);
    ck_assert_uint_eq(report.btree_count, 9);
    ck_assert_msg(sqlite3_get_autocommit(db), "a transaction was left open");
    pages_report_free(&report);
    dbstat_forget(dbstat);
}
