/*
 * Vacuum end to end: which way it goes, when it waits, what forbids it, and that every row is as
 * it was. What goes wrong on the way is in test_vacuum_faults.c.
 */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FULL  "a full VACUUM took the file from # MiB to # MiB"
#define STEPS "incremental steps took the file from # MiB to # MiB"
#define FREE  "#% of the file (free_above 5%) and # MiB (free_bytes_above 100.0 KiB) are free: "
#define ROWIDS                                                                           \
    "CREATE TABLE bare(x); INSERT INTO bare SELECT k FROM a; CREATE TABLE t2(x UNIQUE);" \
    "CREATE TABLE t3(k TEXT PRIMARY KEY);"
#define NO_TIME "    window: 00:00-24:00\n    time_limit: 4s\n    busy_timeout: 5s\n"

static const struct shrink_case cases[] = {
    {.name = "full", .reason = FULL, .mode = "full"},
    {.name = "full, journal", .journal = "delete", .reason = FULL, .mode = "full"},
    {.name = "full, truncate", .journal = "truncate", .reason = FULL, .mode = "full"},
    {.name = "steps", .kept = "incremental", .reason = STEPS, .mode = "incremental"},
    {.name = "steps, journal",
     .kept = "incremental",
     .journal = "delete",
     .reason = STEPS,
     .mode = "incremental"},
    {.name = "steps need no window",
     .kept = "incremental",
     .limits = "",
     .reason = STEPS,
     .mode = "incremental"},
    {.name = "full where steps would do",
     .kept = "incremental",
     .options = "mode: full",
     .reason = FULL,
     .mode = "full"},

    /* What is not worth it, and what is forced. */
    {.name = "dense",
     .dense = true,
     .outcome = "skipped",
     .reason = "not enough is free: 0.0% of the file (free_above 5%) and 0 bytes (free_bytes_above "
               "100.0 KiB)"},
    {.name = "dense, forced", .dense = true, .words = " --force", .mode = "full"},
    {.name = "dense in steps, forced",
     .kept = "incremental",
     .dense = true,
     .words = " --force",
     .mode = "incremental"},
    {.name = "observe",
     .options = "observe: true",
     .outcome = "skipped",
     .reason = "observe: would act on " FREE "a full VACUUM"},

    /* The window. */
    {.name = "no window",
     .limits = "",
     .outcome = "skipped",
     .reason = FREE "a full VACUUM; it would block the application, and the policy has no window "
                    "for that"},
    {.name = "no window, forced",
     .limits = "",
     .words = " --force",
     .outcome = "skipped",
     .reason = FREE "a full VACUUM; it would block the application, and the policy has no window "
                    "for that"},
    {.name = "no window, but outside of it",
     .limits = "",
     .words = " --outside-window",
     .mode = "full"},
    {.name = "it would take too long",
     .limits = NO_TIME,
     .outcome = "skipped",
     .reason = FREE "a full VACUUM, which would take about # s, and a task may take # s "
                    "(time_limit)"},

    /* auto_vacuum. */
    {.name = "steps can't be",
     .options = "mode: incremental",
     .outcome = "skipped",
     .reason = "auto_vacuum is NONE, so free pages can't be given back in steps: set convert: true "
               "~"},
    {.name = "steps can't be, forced",
     .options = "mode: incremental",
     .words = " --force",
     .outcome = "skipped",
     .reason = "auto_vacuum is NONE~"},
    {.name = "SQLite does it",
     .kept = "full",
     .outcome = "skipped",
     .reason = "not enough is free: 0.0% of the file~"},
    {.name = "SQLite does it, forced",
     .kept = "full",
     .words = " --force",
     .outcome = "skipped",
     .reason = "auto_vacuum is FULL, so SQLite itself gives free pages back with each commit"},

    /* Rowids. */
    {.name = "rowids",
     .setup = ROWIDS,
     .outcome = "skipped",
     .reason = "a full VACUUM may give new rowids to 3 tables without INTEGER PRIMARY KEY "
               "(\"bare\", \"t2\", \"t3\"), and ~ set renumber_rowids: true if nothing does"},
    {.name = "rowids, forced",
     .setup = ROWIDS,
     .words = " --force --outside-window",
     .outcome = "skipped",
     .reason = "a full VACUUM may give new rowids to 3 tables~"},
    {.name = "rowids of many",
     .setup = ROWIDS "CREATE TABLE t4(i INTEGER PRIMARY KEY DESC); CREATE TABLE t5(i INT PRIMARY"
                     " KEY); CREATE TABLE fine(i INTEGER, v, PRIMARY KEY(i));",
     .outcome = "skipped",
     .reason = "a full VACUUM may give new rowids to 5 tables without INTEGER PRIMARY KEY "
               "(\"bare\", \"t2\", \"t3\" and 2 more), and ~"},
    {.name = "rowids, dense",
     .setup = ROWIDS,
     .dense = true,
     .outcome = "skipped",
     .reason = "not enough is free~"},
    {.name = "rowids stay in steps",
     .setup = ROWIDS,
     .kept = "incremental",
     .reason = STEPS,
     .mode = "incremental"},
    {.name = "rowids that may change",
     .setup = "CREATE TABLE bare(x); INSERT INTO bare SELECT k FROM a;", /* and don't: 1, 2, ... */
     .options = "renumber_rowids: true",
     .mode = "full"},

    /* A replicator. */
    {.name = "Litestream",
     .setup = "CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq);",
     .outcome = "skipped",
     .reason =
         "a full VACUUM rewrites the whole database through Litestream, which replicates it~"},
    {.name = "Litestream and steps",
     .setup = "CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq);",
     .kept = "incremental",
     .limits = "",
     .mode = "incremental"},

    /* What only the application has. */
    {.name = "a collation",
     .setup = "CREATE TABLE s(id INTEGER PRIMARY KEY, x COLLATE shouting);"
              "CREATE INDEX s_x ON s(x); INSERT INTO s SELECT id, k FROM a;",
     .outcome = "skipped",
     .reason = "it needs an SQL function, collation or module that the application brings ~"},
    {.name = "a function",
     .setup = "CREATE TABLE s(id INTEGER PRIMARY KEY, x); CREATE INDEX s_x ON s(twice(x));",
     .outcome = "skipped",
     .reason = "it needs ~"},
    {.name = "rows that refer to none",
     .setup = "INSERT INTO c(id, a_id, v) VALUES(-1, -1, 1);",
     .mode = "full"},
};

START_TEST(a_case)
{
    shrink_whole(&cases[_i]);
}
END_TEST

/* --- the window --------------------------------------------------------------------------- */

START_TEST(it_waits_for_the_window)
{
    struct shrink_case c = {.name = "later",
                            .limits = shrink_window(300, 60),
                            .outcome = "skipped",
                            .reason = FREE "a full VACUUM; it waits for the window that opens at ~",
                            .waits = true};

    shrink_whole(&c);
}
END_TEST

/* The wait for the lock may take 10 min of it. */
START_TEST(it_must_end_in_the_window)
{
    char *limits = memory_format("%s    busy_timeout: 10min\n", shrink_window(-1, _i ? 30 : 4));
    struct shrink_case c = {.name = "it fits", .limits = limits, .mode = "full"};
    struct shrink_case late = {.name = "too late",
                               .limits = limits,
                               .outcome = "skipped",
                               .reason = "~; it would block the application for longer than the "
                                         "window is open"};

    shrink_whole(_i ? &c : &late);
    free(limits);
}
END_TEST

/* --- auto_vacuum -------------------------------------------------------------------------- */

/* Once, whatever is free; from then on there are steps. */
START_TEST(a_file_is_converted)
{
    struct shrink_case c = {.name = "convert",
                            .journal = _i ? "delete" : "wal",
                            .options = "convert: true",
                            .dense = true,
                            .mode = "full",
                            .reason = "a full VACUUM took the file from # MiB to # MiB and turned "
                                      "auto_vacuum to INCREMENTAL"};
    struct shrink_case closed = c, steps = c;
    struct proof_run run;
    sqlite3 *model, *db;

    closed.limits = "";
    closed.outcome = "skipped";
    closed.mode = NULL;
    closed.reason = "auto_vacuum is NONE, and one full VACUUM turns it to INCREMENTAL (convert); "
                    "free are 0.0% of the file (free_above 5%) and 0 bytes (~); it would block ~";
    shrink_whole(&closed);
    model = shrink_make(&(struct shrink_case){
        .name = "convert", .file = "u.db", .dense = true, .journal = c.journal});
    c.file = steps.file = "u.db";
    c.kept = NULL;
    shrink_policy(&c);
    shrink_run(&c, &run);
    proof_free(&run);
    ck_assert_int_eq(shrink_pragma(&c, "auto_vacuum"), 2);
    shrink_same(&c, model);
    steps.outcome = "skipped";
    steps.mode = NULL;
    steps.reason = "not enough is free: 0.0% of the file~";
    shrink_run(&steps, &run);
    shrink_check(&steps, &run);
    proof_free(&run);
    char *path = folder_path("u.db");
    db = proof_open(path);
    proof_do(db, "DELETE FROM w; DELETE FROM c");
    proof_do(model, "DELETE FROM w; DELETE FROM c");
    sqlite3_close(db);
    steps.outcome = "done";
    steps.mode = "incremental";
    steps.reason = STEPS;
    shrink_run(&steps, &run);
    shrink_check(&steps, &run);
    shrink_same(&steps, model);
    proof_free(&run);
    sqlite3_close(model);
    free(path);
}
END_TEST

/* --- rowids ------------------------------------------------------------------------------- */

static char *match(sqlite3 *db)
{
    return proof_text(db, "SELECT x FROM bare WHERE rowid ="
                          " (SELECT rowid FROM found WHERE found MATCH 'k990')");
}

/* The harm that the guard prevents is real: with the policy's word an FTS table finds other rows.
 */
START_TEST(an_external_content_table_is_why)
{
    struct shrink_case c = {.name = "fts",
                            .setup = "CREATE TABLE bare(x);"
                                     "CREATE VIRTUAL TABLE found USING fts5(x, content=bare);"
                                     "INSERT INTO bare SELECT 'k' || id FROM a;"
                                     "INSERT INTO found(found) VALUES('rebuild');"
                                     "DELETE FROM bare WHERE rowid < 300;",
                            .outcome = "skipped",
                            .reason =
                                "a full VACUUM may give new rowids to 1 table without INTEGER "
                                "PRIMARY KEY (\"bare\"), ~"};
    struct proof_run run;
    char *path = folder_path("t.db");

    shrink_whole(&c);
    sqlite3 *db = proof_open(path);
    char *before = match(db);
    ck_assert_str_eq(before, "k990");
    c.options = "renumber_rowids: true";
    shrink_policy(&c);
    shrink_run(&c, &run);
    char *after = match(db);
    ck_assert_str_ne(after, before);
    sqlite3_close(db);
    proof_free(&run);
    free(after);
    free(before);
    free(path);
}
END_TEST

/* --- plan --------------------------------------------------------------------------------- */

START_TEST(a_plan_says_what_to_expect)
{
    struct shrink_case c = {.name = "plan"};
    sqlite3 *model = shrink_make(&c);

    expect("plan -c @/policy.yaml d", 0,
           "d  @/t.db\n"
           "  vacuum  act   ~ are free: a full VACUUM\n"
           "                due #-#-# #:#:#Z; expected: # MiB, # s\n",
           "");
    c.limits = "";
    shrink_policy(&c);
    expect("plan -c @/policy.yaml d", 0, "d  @/t.db\n  vacuum  skip  &", "");
    c.limits = shrink_window(300, 60);
    shrink_policy(&c);
    expect("plan -c @/policy.yaml d", 0, "d  @/t.db\n  vacuum  act   &", "");
    c.limits = "";
    c.options = "mode: incremental";
    shrink_policy(&c);
    expect("plan -c @/policy.yaml d", 0, "d  @/t.db\n  vacuum  skip  auto_vacuum is NONE&", "");
    shrink_same(&c, model);
    sqlite3_close(model);
}
END_TEST

/* For people: what was given back, and how long the lock was held. */
START_TEST(an_outcome_is_one_line)
{
    struct shrink_case c = {.name = "text"};
    sqlite3 *model = shrink_make(&c);

    expect("run -c @/policy.yaml d", 0,
           "d vacuum: done in # ~s: " FULL "; # MiB given back; lock held 1 time, longest # ms\n",
           "");
    sqlite3_close(model);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("vacuum");
    TCase *all = tcase_create("vacuum");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, set_up, folder_remove);
    tcase_add_loop_test(all, a_case, 0, sizeof cases / sizeof *cases);
    tcase_add_test(all, it_waits_for_the_window);
    tcase_add_loop_test(all, it_must_end_in_the_window, 0, 2);
    tcase_add_loop_test(all, a_file_is_converted, 0, 2);
    tcase_add_test(all, an_external_content_table_is_why);
    tcase_add_test(all, a_plan_says_what_to_expect);
    tcase_add_test(all, an_outcome_is_one_line);
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
