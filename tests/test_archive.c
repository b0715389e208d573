/*
 * Archives end to end: what left a table is in segments that are done, value by value, so that
 * putting it back makes the table what it was; and where it can't be archived, nothing is deleted.
 */
#include "lib_folder.h"
#include "lib_proof.h"
#include "lib_restored.h"
#include "lib_small.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS PROOF_NUMBERS(600)
#define AT      "strftime('%s', " PROOF_AGO("i * 8 + 1") ") + 0"
#define VALUES                                                                                   \
    "CASE i % 8 WHEN 0 THEN NULL WHEN 1 THEN i / 7.0 WHEN 2 THEN 'text ' || i"                   \
    " WHEN 3 THEN CAST(x'ff' || i AS TEXT) WHEN 4 THEN randomblob(i % 50) WHEN 5 THEN '$blob:x'" \
    " WHEN 6 THEN 9e999 ELSE i * 3000000000000 END"
#define TABLE                                                \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x);" \
    "CREATE INDEX t_at ON t(at);" NUMBERS "INSERT INTO t SELECT i, " AT ", " VALUES " FROM n;"
#define ARCHIVE(more) "keep: 100d, archive: { directory: \"@/cold\"" more " }"
#define PAST          "unixepoch('now') - 8640000"

/* What comes back is compared with what was there. */
static const struct proof_case round_trips[] = {
    {.name = "months", .setup = TABLE, .options = ARCHIVE(", segment_rows: 50")},
    {.name = "years", .setup = TABLE, .options = ARCHIVE(", partition: year")},
    {.name = "no partitions, small files",
     .setup = TABLE,
     .options = ARCHIVE(", partition: none, segment_rows: 20")},
    {.name = "no index",
     .setup = TABLE "DROP INDEX t_at;",
     .options = ARCHIVE(", partition: none")},
    {.name = "rowids that no column shows",
     .setup = "CREATE TABLE t(at INTEGER, x, rowid2);"
              "CREATE INDEX t_at ON t(at);" NUMBERS "INSERT INTO t(rowid, at, x) SELECT i * 10, " AT
              ", " VALUES " FROM n;",
     .options = ARCHIVE("")},
    {.name = "WITHOUT ROWID, and a name that leads elsewhere",
     .setup = "CREATE TABLE \"../x\"(a TEXT, b, at INTEGER, x, PRIMARY KEY(b, a)) WITHOUT ROWID;"
              "CREATE INDEX t_at ON \"../x\"(at);" NUMBERS
              "INSERT INTO \"../x\" SELECT 'k' || i % 5, i, " AT ", " VALUES " FROM n;",
     .target = "table: ../x, column: at",
     .options = ARCHIVE("")},
    {.name = "generated columns",
     .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x, v AS (typeof(x)),"
              " s AS (id * 2) STORED); CREATE INDEX t_at ON t(at);" NUMBERS
              "INSERT INTO t(id, at, x) SELECT i, " AT ", " VALUES " FROM n;",
     .options = ARCHIVE("")},
    {.name = "many rows of one time",
     .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x);"
              "CREATE INDEX t_at ON t(at, x);" NUMBERS "INSERT INTO t SELECT i, " PAST
              " - 86400 * (i % 3 + 1), " VALUES " FROM n;",
     .options = ARCHIVE(", segment_rows: 100")},
    {.name = "rows that a trigger keeps",
     .setup = TABLE "CREATE TRIGGER k BEFORE DELETE ON t WHEN old.id % 3 = 0"
                    " BEGIN SELECT RAISE(ABORT, 'kept'); END;",
     .options = ARCHIVE(", segment_rows: 100")},
    {.name = "rows that children keep",
     .setup = TABLE "CREATE TABLE c(t REFERENCES t);"
                    "INSERT INTO c SELECT id FROM t WHERE id % 3 = 0; CREATE INDEX c_t ON c(t);",
     .options = ARCHIVE(", segment_rows: 100")},
    {.name = "max_delete", .setup = TABLE, .options = "max_delete: 20%, " ARCHIVE("")},
};

static void make_directory(void)
{
    char *cold = folder_path("cold");

    ck_assert_int_eq(mkdir(cold, 0750), 0);
    free(cold);
}

static void round_trip(const struct proof_case *c, const char *journal)
{
    struct proof_run run;

    make_directory();
    sqlite3 *before = proof_make(c, journal);
    proof_run(c, &run);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    ck_assert_msg(outcome && strcmp(outcome, "done") == 0, "%s: %s%s", c->name, run.result.out,
                  run.result.err);
    int64_t rows = json_integer_value(json_object_get(run.outcome, "rows"));
    ck_assert_msg(rows >= 100, "%s: %lld rows", c->name, (long long)rows);
    char *path = proof_path(c);
    sqlite3 *db = proof_open(path);
    ck_assert_int_eq(
        proof_integer(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%keeper%'"), 0);
    proof_do(db, "PRAGMA recursive_triggers = OFF");
    ck_assert_int_eq(restored_all(db), 0);
    sqlite3_close(db);
    proof_same(c, before);
    sqlite3_close(before);
    proof_free(&run);
    free(path);
}

START_TEST(all_comes_back)
{
    round_trip(&round_trips[_i / 2], _i % 2 ? "delete" : "wal");
}
END_TEST

/* --- where it can't be -------------------------------------------------------------------- */

enum obstacle { NONE, NO_DIRECTORY, LINK, FULL, READ_ONLY, NO_HISTORY, STALE, FOREIGN };

static const struct {
    struct proof_case proof;
    enum obstacle obstacle;
} refusals[] = {
    {{.name = "no directory",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .status = 1,
      .outcome = "failed",
      .reason = "the archive's directory @/cold can't be used: there is no folder \"cold\" in its "
                "path; make it, and chown it to the database's owner"},
     NO_DIRECTORY},
    {{.name = "a link in its place",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .status = 1,
      .outcome = "failed",
      .reason = "can't enter the archive's folder t: ~"},
     LINK},
    {{.name = "somebody else's folder",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .status = 1,
      .outcome = "failed",
      .reason = "the archive's folder t is not its own (it belongs to user 1): chown it to the "
                "database's owner"},
     FOREIGN},
    {{.name = "a full disk",
      .setup = TABLE "UPDATE t SET x = randomblob(5000);",
      .options = ARCHIVE(""),
      .status = 1,
      .outcome = "failed",
      .reason = "can't write @/cold/d/t/~: No space left on device"},
     FULL},
    {{.name = "a directory that can't be written",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .status = 1,
      .outcome = "failed",
      .reason = "can't write to the archive's directory @/cold: Read-only file system"},
     READ_ONLY},
    {{.name = "a history that can't be written",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .status = 1,
      .outcome = "failed",
      .reason = "the history can't be used, so it is not known which rows were put back and are "
                "held; nothing goes"},
     NO_HISTORY},
    {{.name = "something unknown that was left",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .status = 1,
      .outcome = "failed",
      .reason = "@/cold/d/t/_unfinished.json, which an earlier run has left, can't be read: ~"},
     STALE},
    {{.name = "partitions without an index",
      .setup = TABLE "DROP INDEX t_at;",
      .options = ARCHIVE(""),
      .outcome = "skipped",
      .reason = "no index gives t by at, and without one rows can't be archived by month: ~"},
     NONE},
    {{.name = "UTF-16",
      .setup = "PRAGMA encoding = 'UTF-16'; " TABLE,
      .options = ARCHIVE(""),
      .outcome = "skipped",
      .reason = "the database is in UTF-16, ~"},
     NONE},
};

/* False where this host can't do it. */
static bool put_up(enum obstacle obstacle)
{
    char *database = folder_path("cold/d"), *table = folder_path("cold/d/t");
    char *state = folder_path("state");
    bool up = true;

    if (obstacle != NO_DIRECTORY)
        make_directory();
    if (obstacle == LINK || obstacle == STALE || obstacle == FOREIGN)
        mkdir(database, 0700);
    if (obstacle == LINK)
        up = symlink("/tmp", table) == 0;
    if (obstacle == FOREIGN)
        up = geteuid() == 0 && mkdir(table, 0700) == 0 && chmod(table, 0777) == 0 &&
             chown(table, 1, 1) == 0;
    if (obstacle == STALE) {
        mkdir(table, 0700);
        folder_write("cold/d/t/_unfinished.json", "{}");
    }
    if (obstacle == FULL || obstacle == READ_ONLY)
        up = small_mount("cold", "size=256k");
    if (obstacle == READ_ONLY)
        small_writable("cold", false);
    if (obstacle == NO_HISTORY) {
        mkdir(state, 0700);
        folder_write("state/history.db", "this is no database, but it is as long as one may be");
    }
    free(database);
    free(table);
    free(state);
    return up;
}

START_TEST(nothing_goes)
{
    const struct proof_case *c = &refusals[_i].proof;
    bool mounted = refusals[_i].obstacle == FULL || refusals[_i].obstacle == READ_ONLY;

    if (!put_up(refusals[_i].obstacle))
        return;
    sqlite3 *before = proof_make(c, "wal");
    struct proof_run run;
    proof_run(c, &run);
    proof_check_outcome(c, &run, 0);
    proof_free(&run);
    if (refusals[_i].obstacle != NO_HISTORY)
        proof_same(c, before);
    sqlite3_close(before);
    if (mounted)
        small_unmount("cold");
}
END_TEST

/* Row 500, which is among the last that go, can't be read: what has left before stays where it is.
 */
static const struct proof_case unreadable = {
    .name = "a row that can't be read",
    .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x);"
             "CREATE INDEX t_at ON t(at);" NUMBERS "INSERT INTO t(id, at, x) SELECT i, " AT ","
             " iif(i = 400, -9223372036854775807 - 1, i) FROM n;",
    .options = ARCHIVE(", partition: none, segment_rows: 50"),
    .status = 1,
    .outcome = "failed",
    .reason = "integer overflow~"};

START_TEST(what_is_done_stays)
{
    const struct proof_case *c = &unreadable;
    struct proof_run run;

    make_directory();
    sqlite3_close(proof_make(c, "wal"));
    char *path = proof_path(c);
    sqlite3 *db = proof_open(path);
    proof_do(db, "ALTER TABLE t ADD COLUMN v AS (abs(x))");
    proof_run(c, &run);
    proof_check_outcome(c, &run, 200);
    proof_free(&run);
    ck_assert_int_eq(proof_integer(db, "SELECT count(id) FROM t"), 400);
    ck_assert_int_eq(restored_all(db), 0);
    ck_assert_int_eq(proof_integer(db, "SELECT count(id) FROM t"), 600);
    sqlite3_close(db);
    free(path);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("archive");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, all_comes_back, 0, 2 * sizeof round_trips / sizeof *round_trips);
    tcase_add_loop_test(cases, nothing_goes, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(cases, what_is_done_stays);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
