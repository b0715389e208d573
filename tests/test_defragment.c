/*
 * Defragment end to end: the chosen tables and indexes are in key order afterwards, no page of
 * another one has moved, and every row is as it was. It needs the own build (see
 * test_vacuum_online.c); elsewhere the refusal alone is tested.
 */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "memory.h"
#include "pageedit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER "backup: none"

/* Its pages and those of `a` and `a_k` alternate, and it is a small part of all. */
#define SCATTERED                                                                           \
    "CREATE TABLE thin(x, y); CREATE INDEX thin_x ON thin(x);"                              \
    "CREATE TRIGGER thinly AFTER INSERT ON w BEGIN INSERT INTO thin VALUES(new.k, 1); END;" \
    "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"                  \
    " INSERT INTO w SELECT 'n' || (i * 7919 % 104729), randomblob(i % 90) FROM n;"          \
    "DROP TRIGGER thinly;"

static const struct shrink_case cases[] = {
    {.name = "wal", .options = ORDER, .scale = 8},
    {.name = "nothing is free", .options = ORDER, .scale = 8, .dense = true, .words = " --force"},
    {.name = "scattered", .options = ORDER, .setup = SCATTERED},
    {.name = "small pages", .options = ORDER, .page_size = 512, .setup = SCATTERED},
    {.name = "journal, 64 KiB",
     .options = ORDER,
     .page_size = 65536,
     .scale = 20,
     .journal = "delete"},
    {.name = "with a copy", .options = "backup: required", .setup = SCATTERED},
};

static const struct shrink_case refused[] = {
    {.name = "nothing to do",
     .options = ORDER,
     .dense = true,
     .outcome = "skipped",
     .reason = "no table and no index of 20KiB or more is over 5.0% fragmented"},
    {.name = "auto_vacuum",
     .kept = "incremental",
     .options = ORDER,
     .words = " --force",
     .outcome = "skipped",
     .reason = "the file has auto_vacuum, whose pages can't be put in order"},
    {.name = "Litestream",
     .setup = "CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq INTEGER);",
     .options = ORDER,
     .words = " --force",
     .outcome = "skipped",
     .reason = "Litestream replicates the database, and would have to send every page that moves: "
               "set replicated: true if it may"},
    {.name = "no window for a journal",
     .journal = "delete",
     .limits = "",
     .options = ORDER,
     .outcome = "skipped",
     .reason = "~; it would block the application, and the policy has no window for that"},
};

static const struct shrink_case without = {.name = "without",
                                           .task = "defragment",
                                           .options = ORDER,
                                           .outcome = "skipped",
                                           .reason = "mode: online needs ~: build it with make "
                                                     "SQLITE=FOLDER, or take mode: full"};

/* --- where pages are ---------------------------------------------------------------------- */

/* The pages of a b-tree by their places in it. */
static char *pages_of(const char *name)
{
    char *path = folder_path("t.db");
    sqlite3 *db = proof_open(path);
    sqlite3_stmt *query = NULL;

    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT group_concat(pageno) FROM (SELECT pageno FROM "
                                        "dbstat WHERE name = ?1 ORDER BY path)",
                                        -1, &query, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(query, 1, name, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    const char *pages = (const char *)sqlite3_column_text(query, 0);
    char *copy = memory_copy(pages ? pages : "");
    sqlite3_finalize(query);
    sqlite3_close(db);
    free(path);
    return copy;
}

static const char *const others[] = {"sqlite_schema", "a",         "a_k",    "a_n",  "w", "c",
                                     "log",           "area_node", "thin_x", "thin", NULL};

enum { OTHERS = sizeof others / sizeof *others };

static bool is_chosen(const json_t *effect, const char *name)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (json_object_get(effect, "btrees"), i, entry)
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
            return true;
    return false;
}

/* --- runs --------------------------------------------------------------------------------- */

static void check_order(const char *name, const json_t *effect)
{
    const json_t *entry;
    size_t i;

    ck_assert_uint_ge(json_array_size(json_object_get(effect, "btrees")), 1);
    json_array_foreach (json_object_get(effect, "btrees"), i, entry) {
        double before = json_number_value(json_object_get(entry, "fragmentation_before")),
               after = json_number_value(json_object_get(entry, "fragmentation")),
               forecast = json_number_value(json_object_get(entry, "forecast"));
        printf("    %s: %.3f, forecast %.3f, %.3f\n",
               json_string_value(json_object_get(entry, "name")), before, forecast, after);
        ck_assert_msg(after <= before || after < 0.01, "%s", name);
        ck_assert_msg(after <= forecast + 0.25, "%s", name); /* overflow pages lie between */
    }
    ck_assert_int_eq(json_integer_value(json_object_get(effect, "pages_given")), 0);
    ck_assert(json_is_true(json_object_get(effect, "checked")));
}

static void run_case(const struct shrink_case *from)
{
    struct shrink_case c = *from;
    char *before[OTHERS] = {0};
    struct proof_run run;

    c.task = "defragment";
    printf("  %s\n", c.name);
    fflush(stdout);
    sqlite3 *model = shrink_make(&c);
    int64_t pages = shrink_pragma(&c, "page_count");
    for (int i = 0; others[i]; i++)
        before[i] = pages_of(others[i]);
    shrink_run(&c, &run);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    ck_assert_msg(!strcmp(outcome, "done") && run.result.status == 0, "%s: %s: %s", c.name, outcome,
                  json_string_value(json_object_get(run.outcome, "reason")));
    const json_t *effect = json_object_get(run.outcome, "effect");
    check_order(c.name, effect);
    ck_assert_int_eq(shrink_pragma(&c, "page_count"), pages);
    for (int i = 0; others[i]; i++) {
        char *after = pages_of(others[i]);
        ck_assert_msg(is_chosen(effect, others[i]) || !strcmp(after, before[i]),
                      "%s: pages of %s have moved", c.name, others[i]);
        free(after);
        free(before[i]);
    }
    shrink_same(&c, model);
    proof_free(&run);
    sqlite3_close(model);
}

START_TEST(end_to_end)
{
    folder_make();
    run_case(&cases[_i]);
    folder_remove();
}
END_TEST

START_TEST(refusals)
{
    struct shrink_case c = refused[_i];

    c.task = "defragment";
    folder_make();
    shrink_whole(&c);
    folder_remove();
}
END_TEST

START_TEST(the_library_can_not)
{
    folder_make();
    shrink_whole(&without);
    folder_remove();
}
END_TEST

/* What it has done it does not do again: the forecast is of the pages, and the last run is known.
 */
START_TEST(once)
{
    const struct shrink_case c = {
        .name = "once", .task = "defragment", .options = ORDER, .setup = SCATTERED, .scale = 8};
    struct proof_run run;

    folder_make();
    sqlite3 *model = shrink_make(&c);
    for (int i = 0; i < 2; i++) {
        shrink_run(&c, &run);
        const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
        const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
        ck_assert_msg(!strcmp(outcome, i ? "skipped" : "done"), "%s: %s", outcome, reason);
        proof_free(&run);
    }
    shrink_same(&c, model);
    sqlite3_close(model);
    folder_remove();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("defragment");
    TCase *some = tcase_create("defragment");
    SRunner *runner = srunner_create(suite);
    struct error error;

    tcase_set_timeout(some, 60);
    tcase_add_loop_test(some, refusals, 0, 1); /* it is looked at first */
    if (pageedit_available(&error) == STATUS_OK) {
        tcase_add_loop_test(some, end_to_end, 0, sizeof cases / sizeof *cases);
        tcase_add_loop_test(some, refusals, 1, sizeof refused / sizeof *refused);
        tcase_add_test(some, once);
    } else {
        skip("defragment: the linked SQLite has no sqlite_dbpage that truncates; see the head of "
             "tests/test_vacuum_online.c");
        tcase_add_test(some, the_library_can_not);
    }
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
