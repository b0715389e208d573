/*
 * The page walker against dbstat: counts, depth and the order of leaves are equal, what is
 * estimated is near. Beside writers: test_pages_live.c; on damaged files: test_damage.c.
 */
#include "lib_dbstat.h"
#include "lib_randomdb.h"
#include "pages.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const int page_sizes[] = {512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};

/* Every page size, auto_vacuum, two journal modes, with and without reserved bytes. */
START_TEST(test_kinds)
{
    uint64_t random = randomdb_seed("kinds") + (uint64_t)_i;
    struct dbstat dbstat = {0};

    for (int k = 0; k < 6; k++) {
        const struct randomdb_kind kind = {
            .page_size = page_sizes[_i],
            .auto_vacuum = k % 3,
            .reserved = randomdb_number(&random, 2) ? 32 : 0,
            .journal = k < 3 ? "wal" : "delete",
            .rows = 40 + (int)randomdb_number(&random, 400),
        };
        sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
        dbstat_compare(db, &dbstat);
        randomdb_change(db, 10, &random);
        dbstat_compare(db, &dbstat);
        sqlite3_close(db);
    }
    ck_assert_int_eq(dbstat.compared, 12);
    randomdb_clean();
}
END_TEST

/* Large enough for samples: nine in ten estimates lie within their 95% half-width. Those of one
 * file go together, so it takes many files. */
START_TEST(test_samples)
{
    uint64_t random = randomdb_seed("samples");
    struct dbstat dbstat = {0};

    for (int k = 0; k < 18; k++) {
        const struct randomdb_kind kind = {
            .page_size = 512 << (k % 3),
            .journal = k % 2 ? "delete" : "wal",
            .rows = 12000,
        };
        sqlite3 *db = randomdb_make(randomdb_path("db"), &kind, &random);
        dbstat_compare(db, &dbstat);
        sqlite3_close(db);
    }
    printf("samples: %d of %d estimates are off\n", dbstat.far_off, dbstat.estimates);
    ck_assert_int_gt(dbstat.estimates, 10);
    ck_assert_int_le(dbstat.far_off, dbstat.estimates / 5);
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
    ck_assert_int_eq(pages_measure(db, &dbstat_patient, &whole, &error), STATUS_OK);
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
    ck_assert_int_eq(pages_measure(db, &dbstat_patient, &report, &error), STATUS_BUSY);
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
