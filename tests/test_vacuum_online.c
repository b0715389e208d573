/*
 * Online compaction end to end: tables of all shapes, in which every row must be as it was, and
 * what it refuses. Where the linked SQLite can't do it, that refusal alone is tested:
 *
 *     make SQLITE=build/sqlite build/release-own-sqlite/tests/test_vacuum_online
 *
 * (tests/field/fetch-sqlite build/sqlite has put it there) has the library that can.
 */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_harm.h"
#include "lib_randomdb.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "memory.h"
#include "pageedit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONLINE  "mode: online, backup: none"
#define SHRINK  ONLINE ", order: false"
#define TOOK    "online compaction took the file from # MiB to # MiB; fragmentation "
#define SOUND   "; integrity_check is ok, and all rows of all tables are as before"
#define ORDERED TOOK "#%, before #%" SOUND

static const struct shrink_case cases[] = {
    {.name = "wal", .options = ONLINE, .reason = ORDERED, .mode = "online"},
    {.name = "journal",
     .journal = "delete",
     .scale = 3,
     .options = ONLINE,
     .reason = ORDERED,
     .mode = "online"},
    {.name = "persist", .journal = "persist", .options = SHRINK, .mode = "online"},
    {.name = "shrink alone", .options = SHRINK, .reason = ORDERED, .mode = "online"},
    {.name = "it needs no window in WAL mode", .options = ONLINE, .limits = "", .mode = "online"},
    {.name = "small pages", .page_size = 512, .options = ONLINE, .mode = "online"},
    {.name = "small pages, journal",
     .page_size = 512,
     .journal = "delete",
     .options = SHRINK,
     .scale = 2,
     .mode = "online"},
    {.name = "deep trees", .page_size = 512, .options = ONLINE, .scale = 12, .mode = "online"},
    {.name = "1 KiB", .page_size = 1024, .options = ONLINE, .mode = "online"},
    {.name = "32 KiB", .page_size = 32768, .options = ONLINE, .mode = "online"},
    {.name = "64 KiB", .page_size = 65536, .options = ONLINE, .mode = "online"},
    {.name = "64 KiB, journal",
     .page_size = 65536,
     .journal = "delete",
     .options = SHRINK,
     .mode = "online"},
    {.name = "a long freelist",
     .page_size = 512,
     .setup = "INSERT INTO gone SELECT randomblob(4000) FROM a;",
     .options = ONLINE,
     .mode = "online"},
    {.name = "long overflow chains",
     .setup = "UPDATE a SET v = randomblob(1000000) WHERE id IN (300, 3000);",
     .options = ONLINE,
     .mode = "online"},
    {.name = "a large schema",
     .page_size = 1024,
     .setup = "CREATE TABLE m0(a, b, c); CREATE INDEX i0 ON m0(a); CREATE INDEX i1 ON m0(b);"
              "CREATE INDEX i2 ON m0(c); CREATE INDEX i3 ON m0(a, b); CREATE INDEX i4 ON m0(b, c);"
              "CREATE TABLE m1(a); CREATE TABLE m2(a PRIMARY KEY) WITHOUT ROWID;"
              "CREATE TABLE m3(a UNIQUE, b UNIQUE); CREATE VIEW m4 AS SELECT * FROM m3;"
              "INSERT INTO m0 SELECT id, k, v FROM a LIMIT 900; INSERT INTO m1 VALUES(1);",
     .options = SHRINK,
     .mode = "online"},
    {.name = "dense, forced",
     .dense = true,
     .options = ONLINE,
     .words = " --force",
     .mode = "online"},
    {.name = "a bare rowid stays",
     .setup = "CREATE TABLE bare(x); INSERT INTO bare SELECT k FROM a;"
              "DELETE FROM bare WHERE rowid % 3;",
     .options = ONLINE,
     .mode = "online"},

    /* What forbids it. */
    {.name = "no window for a journal",
     .journal = "delete",
     .limits = "",
     .options = ONLINE,
     .outcome = "skipped",
     .reason = "~: online compaction; it would block the application, and the policy has no window "
               "for that"},
    {.name = "auto_vacuum",
     .kept = "incremental",
     .options = ONLINE,
     .outcome = "skipped",
     .reason = "auto_vacuum is INCREMENTAL, for which mode: incremental is there"},
    {.name = "auto_vacuum full",
     .kept = "full",
     .options = ONLINE,
     .words = " --force",
     .outcome = "skipped",
     .reason = "auto_vacuum is FULL, so SQLite itself gives free pages back with each commit"},
    {.name = "convert",
     .options = ONLINE ", convert: true",
     .outcome = "skipped",
     .reason = "mode: online leaves auto_vacuum as it is, so convert: true needs mode: full"},
    {.name = "Litestream",
     .setup = "CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq INTEGER);",
     .options = ONLINE,
     .outcome = "skipped",
     .reason = "Litestream replicates the database, and would have to send every page that moves: "
               "set replicated: true if it may"},
    {.name = "Litestream, allowed",
     .setup = "CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY, seq INTEGER);",
     .options = ONLINE ", replicated: true",
     .mode = "online"},
    {.name = "a collation of the application's",
     .setup = "CREATE TABLE loud(k COLLATE shouting); CREATE INDEX loud_k ON loud(k);"
              "INSERT INTO loud VALUES('a'), ('b');",
     .options = ONLINE,
     .outcome = "skipped",
     .reason = "integrity_check can't be run, since the schema needs a collation, a function or a "
               "module of the application's: take mode: full"},
    {.name = "a row of the schema that is too long",
     .page_size = 512,
     .setup = "CREATE TABLE a_name_so_long_that_it_fills_all_that_stays_of_the_row_on_the_page("
              "x CHECK(x <> 'and a definition that does not fit on a page of 512 bytes, so that "
              "most of it goes to an overflow page, where the number of the root page then is, "
              "and that is not looked for there: and a definition that does not fit on a page of "
              "512 bytes, so that most of it goes to an overflow page, where the number of the "
              "root page then is, and that is not looked for there'));",
     .options = ONLINE,
     .outcome = "skipped",
     .reason = "row # of the schema is so long that its root page's number does not stand on page "
               "#: take mode: full for this file"},
};

static const struct shrink_case without = {
    .name = "without",
    .options = ONLINE,
    .outcome = "skipped",
    .reason = "mode: online needs ~: build it with make SQLITE=FOLDER, or take mode: full"};

static bool available(void)
{
    struct error error;

    return pageedit_available(&error) == STATUS_OK;
}

START_TEST(end_to_end)
{
    folder_make();
    printf("  %s\n", cases[_i].name);
    fflush(stdout);
    shrink_whole(&cases[_i]);
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

/* All leaves of all b-trees one after the other, at the first run; the second has nothing to do. */
START_TEST(in_key_order)
{
    const struct shrink_case c = {
        .name = "order", .options = ONLINE, .scale = 10, .mode = "online", .words = " --force"};
    struct proof_run run;

    folder_make();
    sqlite3 *model = shrink_make(&c);
    for (int i = 0; i < 2; i++) {
        shrink_run(&c, &run);
        shrink_check(&c, &run);
        const json_t *effect = json_object_get(run.outcome, "effect");
        double after = json_number_value(json_object_get(effect, "fragmentation"));
        ck_assert_double_lt(after, 0.01);
        ck_assert_int_eq(shrink_number(run.outcome, "pages_left"), 0);
        if (i)
            ck_assert_int_eq(shrink_number(run.outcome, "pages_moved") +
                                 shrink_number(run.outcome, "pages_swapped"),
                             0);
        proof_free(&run);
    }
    shrink_same(&c, model);
    sqlite3_close(model);
    folder_remove();
}
END_TEST

/* --- what is wrong with the file ---------------------------------------------------------- */

static void run_harmed(const struct harm *harm)
{
    const struct shrink_case c = {.name = "harmed",
                                  .options = ONLINE,
                                  .limits = SHRINK_OPEN "    max_lock: 100ms\n",
                                  .words = " --force"};
    struct damage_image image;
    struct proof_run run;
    char *path = folder_path("t.db");

    shrink_policy(&c);
    harm_make(&image, harm, 1024, path);
    shrink_run(&c, &run);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
    printf("  %s: %s: %.150s\n", harm->name, outcome, reason);
    ck_assert_msg(strcmp(outcome, harm->sound ? "done" : "skipped") == 0 ||
                      (!harm->sound && strcmp(outcome, "failed") == 0),
                  "%s: %s: %s", harm->name, outcome, reason);
    if (!harm->sound)
        damage_expect(&image, path);
    proof_free(&run);
    damage_free(&image);
    free(path);
}

/* Not a byte of it is another afterwards. */
START_TEST(harmed)
{
    folder_make();
    randomdb_folder();
    run_harmed(&harms[_i]);
    randomdb_clean();
    folder_remove();
}
END_TEST

/* As checksums and encryption have them. */
START_TEST(reserved_bytes)
{
    const struct shrink_case c = {
        .name = "reserved",
        .options = ONLINE,
        .outcome = "skipped",
        .reason = "each page has 12 reserved bytes, as files with checksums or encryption have: "
                  "take mode: full for it"};
    char *path;
    struct proof_run run;
    int bytes = 12;

    folder_make();
    path = folder_path("t.db");
    sqlite3 *db = proof_open(path);
    ck_assert_int_eq(sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes),
                     SQLITE_OK);
    proof_do(db, "CREATE TABLE t(v); INSERT INTO t VALUES(zeroblob(1000000)); DELETE FROM t");
    sqlite3_close(db);
    shrink_policy(&c);
    shrink_run(&c, &run);
    shrink_check(&c, &run);
    proof_free(&run);
    free(path);
    folder_remove();
}
END_TEST

/* A snapshot that keeps more of the log than max_wal is given up. */
START_TEST(the_log_gets_too_long)
{
    const struct shrink_case c = {.name = "log",
                                  .options = ONLINE,
                                  .limits = "    max_wal: 1MiB\n    busy_timeout: 500ms\n",
                                  .status = 75,
                                  .outcome = "skipped",
                                  .scale = 20,
                                  .reason = "~ of the WAL wait to be checkpointed (max_wal 1.0 "
                                            "MiB)~"};
    struct proof_run run;

    folder_make();
    sqlite3 *model = shrink_make(&c);
    char *path = folder_path("t.db");
    sqlite3 *db = proof_open(path);
    proof_do(db, "PRAGMA wal_autocheckpoint = 0; CREATE TABLE more(v);"
                 "INSERT INTO more VALUES(zeroblob(4000000))");
    shrink_run(&c, &run);
    shrink_check(&c, &run);
    proof_do(db, "DROP TABLE more");
    sqlite3_close(db);
    shrink_same(&c, model);
    proof_free(&run);
    sqlite3_close(model);
    free(path);
    folder_remove();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vacuum_online");
    TCase *some = tcase_create("vacuum_online");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(some, 60);
    if (available()) {
        tcase_add_loop_test(some, end_to_end, 0, sizeof cases / sizeof *cases);
        tcase_add_test(some, in_key_order);
        tcase_add_loop_test(some, harmed, 0, (int)harm_count);
        tcase_add_test(some, reserved_bytes);
        tcase_add_test(some, the_log_gets_too_long);
    } else {
        skip("online compaction: the linked SQLite has no sqlite_dbpage that truncates; see the "
             "head of tests/test_vacuum_online.c");
        tcase_add_test(some, the_library_can_not);
    }
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
