/* Where rows can come back to and where they can't; and what retention leaves alone afterwards. */
#include "lib_brought.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_small.h"
#include "memory.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS PROOF_NUMBERS(400)
#define AT      "strftime('%s', " PROOF_AGO("i * 12 + 1") ") + 0"
#define ARCHIVE "keep: 100d, archive: { directory: \"@/cold\", segment_rows: 50 }"
#define TABLE                                                       \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x UNIQUE);" \
    "CREATE INDEX t_at ON t(at);" NUMBERS "INSERT INTO t SELECT i, " AT ", 'x' || i FROM n;"

/* 200 rows are old: those from 200 on. */
static const struct proof_case plain = {.name = "plain", .setup = TABLE, .options = ARCHIVE};

/* --- the file ---------------------------------------------------------------------------- */

START_TEST(file_is_there)
{
    sqlite3_close(brought_archive(&plain, "wal"));
    folder_write("out.db", "mine");
    json_decref(brought_restore("--into @/out.db", 1));
    char *path = folder_path("out.db");
    struct stat about;
    ck_assert(stat(path, &about) == 0 && about.st_size == 4);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/tmp/nowhere", path), 0);
    json_decref(brought_restore("--into @/out.db", 1));
    json_decref(brought_restore("--into @/nowhere/out.db", 1));
    json_decref(brought_restore("--into @", 1));
    /* what a restore that was killed has left is in nobody's way */
    folder_write(".new.db.restoring", "half a file");
    json_decref(brought_restore("--into @/new.db", 0));
    brought_query("new.db", "SELECT count(*) FROM t", "201");
    free(path);
}
END_TEST

START_TEST(full_disk)
{
    if (!small_mount("small", "size=64k"))
        return;
    static const struct proof_case big = {.name = "big",
                                          .setup =
                                              TABLE "UPDATE t SET x = x || hex(randomblob(400));",
                                          .options = ARCHIVE};
    sqlite3_close(brought_archive(&big, "wal"));
    struct program_result result;
    expect_run("restore -c @/policy.yaml d t --into @/small/out.db", &result);
    ck_assert_int_eq(result.status, 1);
    expect_text("full", result.out, "d restore t: failed after ~: the disk is full\n");
    program_result_free(&result);
    small_unmount("small");
}
END_TEST

/* --- holds -------------------------------------------------------------------------------- */

static void retention(const char *reason, const char *effect)
{
    struct proof_run run;

    proof_run(&plain, &run);
    char *text = json_dumps(json_object_get(run.outcome, "effect"), JSON_COMPACT);
    expect_text("reason", json_string_value(json_object_get(run.outcome, "reason")), reason);
    expect_text("effect", text ? text : "none", effect);
    free(text);
    proof_free(&run);
}

START_TEST(held_until_lifted)
{
    sqlite3_close(brought_archive(&plain, "wal"));
    json_decref(brought_restore("--into-table --where id>=300", 0));
    brought_query("t.db", "SELECT count(*) FROM t", "300");
    retention("no other row is older than 100d; 101 rows are held since ~, until `litekeeper "
              "restore DB t --lift`",
              "none");
    struct program_result list;
    expect_run("archive list -c @/policy.yaml d t", &list);
    ck_assert_ptr_nonnull(strstr(list.out, "\n  held since 2"));
    program_result_free(&list);
    /* what is younger than the held ones and past the cut-off goes all the same */
    brought_change(
        "INSERT INTO t SELECT id + 1000, unixepoch('now') - 86400 * 110, x || 'y' FROM t WHERE"
        " id < 50");
    retention("49 rows older than 100d, archived in ~; 101 held since they were put back",
              "{\"rows_past_cutoff\":0,\"rows_held\":101,\"segments\":1,\"archive_bytes\":&");
    brought_query("t.db", "SELECT count(*) FROM t", "300");
    json_decref(brought_restore("--lift", 0));
    retention("101 rows older than 100d, archived in ~", "&");
    brought_query("t.db", "SELECT count(*) FROM t", "199");
    json_t *effect = brought_restore("--into-table", 0);
    brought_check("both", effect, "250 101 0 0", NULL);
    json_decref(effect);
}
END_TEST

/* Without a hold no row comes back; and without knowing of holds none goes. */
START_TEST(no_history)
{
    char *state = folder_path("state"), *away = folder_path("away");
    struct program_result result;

    sqlite3_close(brought_archive(&plain, "wal"));
    ck_assert_int_eq(rename(state, away), 0);
    folder_write("state", "this is no folder");
    expect_run("restore -c @/policy.yaml d t --into-table", &result);
    ck_assert_int_eq(result.status, 1);
    ck_assert_ptr_nonnull(strstr(result.out, "nothing was put back"));
    program_result_free(&result);
    brought_query("t.db", "SELECT count(*) FROM t", "199");
    expect_run("restore -c @/policy.yaml d t --into @/out.db", &result);
    ck_assert_int_eq(result.status, 0);
    program_result_free(&result);
    brought_query("out.db", "SELECT count(*) FROM t", "201");
    brought_change("UPDATE t SET at = at - 86400 * 90");
    expect_run("run -c @/policy.yaml d retention", &result);
    ck_assert_int_eq(result.status, 1);
    ck_assert_ptr_nonnull(strstr(result.out, "and are held; nothing goes"));
    program_result_free(&result);
    expect_run("restore -c @/policy.yaml d t --lift", &result);
    ck_assert_int_eq(result.status, 1);
    program_result_free(&result);
    brought_query("t.db", "SELECT count(*) FROM t", "199");
    free(state);
    free(away);
}
END_TEST

/* Rows of a table that refers to another one left with those, and come back after them. */
START_TEST(children)
{
    static const struct proof_case c = {
        .name = "children",
        .setup = TABLE "CREATE TABLE c(id INTEGER PRIMARY KEY, t NOT NULL REFERENCES t ON DELETE"
                       " CASCADE, x); CREATE INDEX c_t ON c(t);"
                       "INSERT INTO c SELECT 1000000000 + id, id, x FROM t;",
        .options = "cascade: archive, " ARCHIVE};
    struct program_result result;

    sqlite3_close(brought_archive(&c, "wal"));
    brought_query("t.db", "SELECT count(*) FROM c", "199");
    expect_run("restore -c @/policy.yaml d c --into @/c.db", &result);
    ck_assert_msg(result.status == 0, "%s%s", result.out, result.err);
    program_result_free(&result);
    brought_query("c.db", "SELECT count(*), min(t), max(t) FROM c", "201|200|400");
    expect_run("restore -c @/policy.yaml d c --into-table", &result);
    expect_text("alone", result.out,
                "d restore c: done ~: 0 of the 201 wanted rows ~; 201 rows "
                "refused (~: FOREIGN KEY constraint failed, ~\n");
    program_result_free(&result);
    json_decref(brought_restore("--into-table", 0));
    expect_run("restore -c @/policy.yaml d c --into-table", &result);
    expect_text("then", result.out, "d restore c: done ~: 201 of the 201 wanted rows ~\n");
    program_result_free(&result);
    brought_query("t.db", "SELECT count(*) FROM c JOIN t ON t.id = c.t AND c.x = t.x", "400");
    struct proof_run run;
    proof_run(&c, &run);
    proof_free(&run);
    brought_query("t.db", "SELECT count(*) FROM c JOIN t ON t.id = c.t AND c.x = t.x", "400");
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("restore_holds");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, file_is_there);
    tcase_add_test(cases, full_disk);
    tcase_add_test(cases, held_until_lifted);
    tcase_add_test(cases, no_history);
    tcase_add_test(cases, children);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
