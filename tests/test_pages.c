/*
 * The page walker against dbstat, SQLite's own reading of every page, inside the same read
 * transaction: counts, depth and the order of leaves are equal, what is estimated is near.
 */
#include "lib_randomdb.h"
#include "pages.h"
#include "pages_watch.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int page_sizes[] = {512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};

/* Which leaves the walk named, and how the comparison went. */
struct leaves {
    struct tree_leaves {
        uint32_t *pages;
        size_t count, room;
    } trees[16];
    int compared;
    int estimates, far_off; /* overflow pages by sample; beyond the half-width */
};

static void on_leaf(void *argument, size_t tree, uint32_t page)
{
    struct leaves *leaves = argument;

    ck_assert_uint_lt(tree, 16);
    struct tree_leaves *list = &leaves->trees[tree];
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->pages = realloc(list->pages, list->room * sizeof *list->pages);
    }
    list->pages[list->count++] = page;
}

static void on_restart(void *argument, size_t tree)
{
    ((struct leaves *)argument)->trees[tree].count = 0;
}

static void leaves_forget(struct leaves *leaves)
{
    for (size_t i = 0; i < 16; i++)
        free(leaves->trees[i].pages);
    memset(leaves->trees, 0, sizeof leaves->trees);
}

/* What dbstat says of one b-tree. */
struct truth {
    int64_t leaf, interior, overflow, entries, depth;
    double density, fragmentation;
};

static int path_depth(const char *path)
{
    int depth = 0;

    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* Bytes of a leaf that cells can have; page 1 begins with the file's header. */
static double leaf_room(sqlite3 *db, int64_t page)
{
    int reserved = -1;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    return (double)(randomdb_value(db, "PRAGMA page_size") - reserved - 8 - (page == 1 ? 100 : 0));
}

static void truth_read(sqlite3 *db, const struct pages_btree *btree, struct tree_leaves *list,
                       struct truth *truth)
{
    sqlite3_stmt *query = NULL;
    double unused = 0, room = 0;
    int64_t previous = 0, jumps = 0;

    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT pagetype, pageno, ncell, unused, path FROM dbstat"
                                        " WHERE name = ?1",
                                        -1, &query, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(query, 1, btree->name, -1, SQLITE_STATIC);
    while (sqlite3_step(query) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(query, 0);
        int64_t page = sqlite3_column_int64(query, 1), cells = sqlite3_column_int64(query, 2);
        if (!strcmp(type, "overflow")) {
            truth->overflow++;
            continue;
        }
        if (!strcmp(type, "internal")) {
            truth->interior++;
            bool table = btree->root == 1 || !strcmp(btree->name, "plain") ||
                         !strncmp(btree->name, "od\"", 3);
            truth->entries += table ? 0 : cells;
            continue;
        }
        ck_assert_str_eq(type, "leaf");
        ck_assert_msg((size_t)truth->leaf < list->count &&
                          list->pages[truth->leaf] == (uint32_t)page,
                      "%s: leaf number %lld is page %lld", btree->name, (long long)truth->leaf,
                      (long long)page);
        truth->leaf++;
        truth->entries += cells;
        truth->depth = path_depth((const char *)sqlite3_column_text(query, 4));
        jumps += previous && (page < previous || page - previous > 32);
        previous = page;
        room += leaf_room(db, page);
        /* dbstat takes the content's begin of an empty page of 65536 bytes, 0, as it is. */
        double free_bytes = (double)sqlite3_column_int64(query, 3);
        unused += free_bytes < 0 ? free_bytes + 65536 : free_bytes;
    }
    sqlite3_finalize(query);
    truth->density = 1 - unused / room;
    truth->fragmentation = truth->leaf > 1 ? (double)jumps / (double)(truth->leaf - 1) : 0;
}

static void compare_exact(const struct pages_btree *btree, const struct truth *truth)
{
    ck_assert_msg(btree->entries == truth->entries, "%s: %lld entries, not %lld", btree->name,
                  (long long)truth->entries, (long long)btree->entries);
    ck_assert_int_eq(btree->overflow_error, 0);
    ck_assert_msg(fabs(btree->density - truth->density) < 1e-9, "%s: density %f, not %f",
                  btree->name, truth->density, btree->density);
}

static void compare_btree(struct leaves *leaves, sqlite3 *db, const struct pages_report *report,
                          size_t i)
{
    const struct pages_btree *btree = &report->btrees[i];
    struct truth truth = {0};

    ck_assert_msg(!btree->error, "%s: %s", btree->name, btree->error ? btree->error : "");
    truth_read(db, btree, &leaves->trees[i], &truth);
    ck_assert_int_eq(btree->leaf_pages, truth.leaf);
    ck_assert_uint_eq(leaves->trees[i].count, (size_t)truth.leaf);
    ck_assert_int_eq(btree->interior_pages, truth.interior);
    ck_assert_int_eq(btree->depth, truth.depth);
    ck_assert(fabs(btree->fragmentation - truth.fragmentation) < 1e-9);
    if (btree->leaves_read == btree->leaf_pages)
        compare_exact(btree, &truth);
    if (btree->overflow_error) {
        leaves->estimates++;
        leaves->far_off += llabs(btree->overflow_pages - truth.overflow) > btree->overflow_error;
    } else {
        ck_assert_msg(btree->overflow_pages == truth.overflow, "%s: %lld overflow pages, not %lld",
                      btree->name, (long long)truth.overflow, (long long)btree->overflow_pages);
    }
    ck_assert_int_eq(btree->bytes,
                     (btree->interior_pages + btree->leaf_pages + btree->overflow_pages) *
                         report->page_size);
}

static int64_t budget(int64_t pages)
{
    return pages / 100 > 64 ? pages / 100 : 64;
}

static void on_measured(void *argument, sqlite3 *db, const struct pages_report *report)
{
    struct leaves *leaves = argument;
    int64_t must = 1 + (int64_t)report->btree_count; /* page 1 and each b-tree's first leaf */

    ck_assert_msg(!sqlite3_get_autocommit(db), "the transaction is over");
    for (size_t i = 0; i < report->btree_count; i++) {
        compare_btree(leaves, db, report, i);
        must += report->btrees[i].interior_pages;
    }
    ck_assert_int_eq(report->pages, randomdb_value(db, "PRAGMA page_count"));
    ck_assert_int_eq(report->free_pages, randomdb_value(db, "PRAGMA freelist_count"));
    ck_assert_int_eq(report->auto_vacuum, randomdb_value(db, "PRAGMA auto_vacuum"));
    ck_assert_msg(!report->freelist_error, "freelist: %s",
                  report->freelist_error ? report->freelist_error : "");
    ck_assert_int_le(report->pages_read,
                     must > budget(report->pages) ? must : budget(report->pages));
    leaves->compared++;
}

static const struct pages_limits patient = {.slice_ms = 60000, .gap_ms = 0};

/* Measures and compares; the b-trees of the random schema are all there. */
static void compare(sqlite3 *db, struct leaves *leaves)
{
    struct pages_report report;
    struct error error = {0};
    const struct pages_watch watch = {on_leaf, on_restart, on_measured, leaves};
    int before = leaves->compared;

    enum status status = pages_measure_watched(db, &patient, &watch, &report, &error);
    ck_assert_msg(!status, "%s", error.text);
    ck_assert_int_eq(leaves->compared, before + 1);
    ck_assert_uint_eq(report.btree_count, 9);
    ck_assert_msg(sqlite3_get_autocommit(db), "a transaction was left open");
    pages_report_free(&report);
    leaves_forget(leaves);
}

/* Every page size, auto_vacuum, two journal modes, with and without reserved bytes. */
START_TEST(test_kinds)
{
    uint64_t random = randomdb_seed("kinds") + (uint64_t)_i;
    struct leaves leaves = {0};

    for (int k = 0; k < 6; k++) {
        const struct randomdb_kind kind = {
            .page_size = page_sizes[_i],
            .auto_vacuum = k % 3,
            .reserved = randomdb_number(&random, 2) ? 32 : 0,
            .journal = k < 3 ? "wal" : "delete",
            .rows = 40 + (int)randomdb_number(&random, 400),
        };
        sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
        compare(db, &leaves);
        randomdb_change(db, 10, &random);
        compare(db, &leaves);
        sqlite3_close(db);
    }
    ck_assert_int_eq(leaves.compared, 12);
    randomdb_clean();
}
END_TEST

/* Large enough for samples: nine in ten estimates lie within their 95% half-width. */
START_TEST(test_samples)
{
    uint64_t random = randomdb_seed("samples");
    struct leaves leaves = {0};

    for (int k = 0; k < 6; k++) {
        const struct randomdb_kind kind = {
            .page_size = 512 << (k % 3),
            .journal = k % 2 ? "delete" : "wal",
            .rows = 12000,
        };
        sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
        compare(db, &leaves);
        sqlite3_close(db);
    }
    printf("samples: %d of %d estimates are off\n", leaves.far_off, leaves.estimates);
    ck_assert_int_gt(leaves.estimates, 10);
    ck_assert_int_le(leaves.far_off, leaves.estimates / 5);
    randomdb_clean();
}
END_TEST

/* A child that writes, with checkpoints of all kinds and restarts of the log, till it is killed. */
static pid_t writer(const char *path, uint64_t random)
{
    static const char *const checkpoints[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
    char sql[64];
    pid_t pid = fork();

    if (pid)
        return pid;
    sqlite3 *db = randomdb_open(path);
    randomdb_sql(db, "PRAGMA wal_autocheckpoint = 60; PRAGMA synchronous = OFF");
    for (;;) {
        randomdb_change(db, 1 + (int)randomdb_number(&random, 20), &random);
        snprintf(sql, sizeof sql, "PRAGMA wal_checkpoint(%s)",
                 checkpoints[randomdb_number(&random, 4)]);
        if (!randomdb_number(&random, 8))
            sqlite3_exec(db, sql, NULL, NULL, NULL); /* busy is fine */
        if (!randomdb_number(&random, 4))
            usleep((useconds_t)randomdb_number(&random, 3000));
    }
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

START_TEST(test_live_log)
{
    uint64_t random = randomdb_seed("live log") + (uint64_t)_i;
    struct leaves leaves = {0};
    const struct randomdb_kind kind = {.page_size = page_sizes[_i % 8],
                                       .journal = "wal",
                                       .rows = 600};

    sqlite3_close(randomdb_make(randomdb_path("live"), &kind, &random));
    pid_t pid = writer(randomdb_path("live"), random);
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    for (int i = 0; i < 12; i++) {
        compare(db, &leaves);
        usleep((useconds_t)randomdb_number(&random, 20000));
    }
    ck_assert_msg(waitpid(pid, NULL, WNOHANG) == 0, "the writer has ended");
    stop(pid);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

/* Someone else who acts at one exact moment: as the statement that begins like `at` is about to
 * run on the measured connection. */
struct intruder {
    const char *at;
    int times;
    sqlite3 *db;
    uint64_t random;
    const char *checkpoint;
};

static int intrude(unsigned kind, void *argument, void *statement, void *sql)
{
    struct intruder *intruder = argument;

    (void)kind;
    (void)statement;
    if (strncmp(sql, intruder->at, strlen(intruder->at)) || intruder->times == 0)
        return 0;
    intruder->times--;
    randomdb_change(intruder->db, 30, &intruder->random);
    sqlite3_exec(intruder->db, intruder->checkpoint, NULL, NULL, NULL); /* busy is fine */
    randomdb_change(intruder->db, 30, &intruder->random);
    return 0;
}

/* The moments that the proof in pagefile.c speaks of, each with all of the log in the database
 * file before (read mark 0) and without. */
static const struct {
    const char *at;
    bool backfilled;
    const char *checkpoint;
} moments[] = {
    {"BEGIN", false, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"BEGIN", true, "PRAGMA wal_checkpoint(TRUNCATE)"},
    {"SELECT 1 FROM main.sqlite_schema", false, "PRAGMA wal_checkpoint(RESTART)"},
    {"SELECT 1 FROM main.sqlite_schema", true, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"PRAGMA main.journal_mode", false, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"PRAGMA main.journal_mode", true, "PRAGMA wal_checkpoint(TRUNCATE)"},
    {"PRAGMA main.page_count", false, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"PRAGMA main.page_count", false, "PRAGMA wal_checkpoint(RESTART)"},
    {"PRAGMA main.page_count", true, "PRAGMA wal_checkpoint(PASSIVE)"},
    {"PRAGMA main.page_count", true, "PRAGMA wal_checkpoint(TRUNCATE)"},
};

START_TEST(test_moments)
{
    uint64_t random = randomdb_seed("moments") + (uint64_t)_i;
    struct leaves leaves = {0};
    const struct randomdb_kind kind = {.page_size = 1024, .journal = "wal", .rows = 400};
    struct intruder intruder = {.at = moments[_i].at,
                                .times = 3,
                                .checkpoint = moments[_i].checkpoint};

    intruder.db = randomdb_make(randomdb_path("live"), &kind, &random);
    intruder.random = random;
    sqlite3_busy_timeout(intruder.db, 0);
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    if (moments[_i].backfilled)
        randomdb_sql(intruder.db, "PRAGMA wal_checkpoint(PASSIVE)");
    randomdb_value(db, "SELECT count(*) FROM plain");
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, intrude, &intruder);
    compare(db, &leaves);
    ck_assert_int_lt(intruder.times, 3);
    sqlite3_close(db);
    sqlite3_close(intruder.db);
    randomdb_clean();
}
END_TEST

/* In slices of one read, while someone writes: nothing is called damaged that is not. Returns
 * whether it said that it is approximate. */
static bool measure_moving(sqlite3 *db)
{
    const struct pages_limits hasty = {.slice_ms = 0, .gap_ms = 0.2};
    struct pages_report report;
    struct error error = {0};

    enum status status = pages_measure(db, &hasty, &report, &error);
    ck_assert_msg(!status, "%s", error.text);
    for (size_t k = 0; k < report.btree_count; k++) {
        const char *wrong = report.btrees[k].error;
        ck_assert_msg(!wrong || strstr(wrong, "kept changing"), "%s", wrong);
        ck_assert(wrong || report.btrees[k].leaf_pages >= 1);
    }
    ck_assert_ptr_null(report.freelist_error);
    bool approximate = report.approximate;
    pages_report_free(&report);
    return approximate;
}

/* Someone writes between each two slices, then between the first ones, then between the last. */
START_TEST(test_slices_moments)
{
    uint64_t random = randomdb_seed("slices moments") + (uint64_t)_i;
    const struct randomdb_kind kind = {
        .page_size = 512, .auto_vacuum = 2 * (_i % 2), .journal = "delete", .rows = 8000};
    struct intruder intruder = {.at = "BEGIN", .checkpoint = "PRAGMA incremental_vacuum(20)"};

    intruder.db = randomdb_make(randomdb_path("live"), &kind, &random);
    randomdb_sql(intruder.db, "DELETE FROM plain WHERE id % 10 < 8 AND id > 2000");
    intruder.random = random;
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, intrude, &intruder);
    for (int i = 0; i < 7; i++) {
        intruder.times = 1 << i;
        ck_assert(measure_moving(db) == (intruder.times < (1 << i) - 1));
    }
    sqlite3_close(db);
    sqlite3_close(intruder.db);
    randomdb_clean();
}
END_TEST

/* Rollback-journal mode beside a writer of another process: it says that it is approximate. */
START_TEST(test_live_slices)
{
    uint64_t random = randomdb_seed("live slices") + (uint64_t)_i;
    const struct randomdb_kind kind = {.page_size = 1024, .journal = "delete", .rows = 3000};
    int approximate = 0;

    sqlite3_close(randomdb_make(randomdb_path("live"), &kind, &random));
    pid_t pid = writer(randomdb_path("live"), random);
    sqlite3 *db = randomdb_open(randomdb_path("live"));
    for (int i = 0; i < 6; i++)
        approximate += measure_moving(db);
    stop(pid);
    ck_assert_int_gt(approximate, 0);
    ck_assert_int_eq(
        randomdb_value(db, "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'"), 0);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

/* Slices with nobody else about are exact. */
START_TEST(test_slices_alone)
{
    uint64_t random = randomdb_seed("slices alone");
    const struct randomdb_kind kind = {.page_size = 1024, .journal = "delete", .rows = 3000};
    const struct pages_limits hasty = {.slice_ms = 0, .gap_ms = 0};
    struct pages_report sliced, whole;
    struct error error = {0};

    sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
    ck_assert_int_eq(pages_measure(db, &hasty, &sliced, &error), STATUS_OK);
    ck_assert_int_eq(pages_measure(db, &patient, &whole, &error), STATUS_OK);
    ck_assert(!sliced.approximate && !whole.approximate);
    for (size_t i = 0; i < whole.btree_count; i++) {
        ck_assert_int_eq(sliced.btrees[i].leaf_pages, whole.btrees[i].leaf_pages);
        ck_assert_int_eq(sliced.btrees[i].interior_pages, whole.btrees[i].interior_pages);
        ck_assert(sliced.btrees[i].fragmentation == whole.btrees[i].fragmentation);
    }
    pages_report_free(&sliced);
    pages_report_free(&whole);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

START_TEST(test_only_table)
{
    static const char *const expected[] = {"keyed", "keyed_v"};
    uint64_t random = randomdb_seed("only table");
    const struct randomdb_kind kind = {.page_size = 1024, .journal = "wal", .rows = 300};
    struct pages_limits limits = {.slice_ms = 60000, .only_table = "KEYED"};
    struct pages_report report;
    struct error error = {0};

    sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
    ck_assert_int_eq(pages_measure(db, &limits, &report, &error), STATUS_OK);
    ck_assert_uint_eq(report.btree_count, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(report.btrees[i].name, expected[i]);
        ck_assert_str_eq(report.btrees[i].table, "keyed");
    }
    ck_assert_str_eq(report.btrees[0].type, "table");
    ck_assert_str_eq(report.btrees[1].type, "index");
    ck_assert_int_gt(report.btrees[0].entries, 0);
    pages_report_free(&report);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

static bool stop_at_once(void *argument)
{
    (void)argument;
    return true;
}

START_TEST(test_stopped)
{
    uint64_t random = randomdb_seed("stopped");
    const struct randomdb_kind kind = {.page_size = 512, .journal = "wal", .rows = 300};
    const struct pages_limits limits = {.slice_ms = 60000, .stopped = stop_at_once};
    struct pages_report report = {.pages = 17};
    struct error error = {0};

    sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
    ck_assert_int_eq(pages_measure(db, &limits, &report, &error), STATUS_CANCELLED);
    ck_assert_uint_eq(report.pages, 17);
    ck_assert(sqlite3_get_autocommit(db));
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

/* Locked by someone else: busy, and says so. */
START_TEST(test_locked)
{
    uint64_t random = randomdb_seed("locked");
    const struct randomdb_kind kind = {.page_size = 512, .journal = "delete", .rows = 20};
    struct pages_report report;
    struct error error = {0};

    sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
    sqlite3 *other = randomdb_open(randomdb_path("db"));
    randomdb_sql(other, "BEGIN EXCLUSIVE");
    sqlite3_busy_timeout(db, 20);
    ck_assert_int_eq(pages_measure(db, &patient, &report, &error), STATUS_BUSY);
    ck_assert_ptr_nonnull(strstr(error.text, "locked"));
    sqlite3_close(other);
    sqlite3_close(db);
    randomdb_clean();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pages");
    TCase *cases = tcase_create("pages");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, test_kinds, 0, 8);
    tcase_add_test(cases, test_samples);
    tcase_add_loop_test(cases, test_live_log, 0, 8);
    tcase_add_loop_test(cases, test_moments, 0, sizeof moments / sizeof *moments);
    tcase_add_loop_test(cases, test_live_slices, 0, 2);
    tcase_add_loop_test(cases, test_slices_moments, 0, 2);
    tcase_add_test(cases, test_slices_alone);
    tcase_add_test(cases, test_only_table);
    tcase_add_test(cases, test_stopped);
    tcase_add_test(cases, test_locked);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
