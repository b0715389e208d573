/*
 * `to: database`: what has left a table lies in SQLite files, a file a year, value by value; it is
 * there once, whatever comes in between, and who reads the file keeps nobody from anything for
 * long.
 */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_proof.h"
#include "memory.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT "strftime('%s', " PROOF_AGO("i * 24 + 1") ") + 0"
#define VALUES                                                                                   \
    "CASE i % 8 WHEN 0 THEN NULL WHEN 1 THEN i / 7.0 WHEN 2 THEN 'text ' || i"                   \
    " WHEN 3 THEN CAST(x'ff' || i AS TEXT) WHEN 4 THEN randomblob(i % 50) WHEN 5 THEN '$blob:x'" \
    " WHEN 6 THEN 9e999 ELSE i * 3000000000000 END"
#define FILL(n)                                                                              \
    "CREATE INDEX t_at ON t(at);" PROOF_NUMBERS(n) "INSERT INTO t SELECT i, " AT ", " VALUES \
                                                   " FROM n;"
#define TABLE    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x);" FILL(900)
#define DB(more) "keep: 100d, archive: { directory: \"@/cold\", to: database, " more " }"

/* With the table and its columns, in quotes. */
static const struct {
    struct proof_case proof;
    const char *table, *columns;
} cases[] = {
    {{.name = "years", .setup = TABLE, .options = DB("partition: year")}, "t", "id, at, x"},
    {{.name = "years without an index",
      .setup = TABLE "DROP INDEX t_at; UPDATE t SET id = id * 7919 % 1000003;",
      .options = DB("partition: year")},
     "t",
     "id, at, x"},
    {{.name = "one file, many segments",
      .setup = TABLE,
      .options = DB("partition: none, segment_rows: 40")},
     "t",
     "id, at, x"},
    {{.name = "declared types, a default and a check",
      .setup = "CREATE TABLE t(id INT PRIMARY KEY, at DATETIME NOT NULL, x VARCHAR(10) DEFAULT"
               " 'a,b' CHECK (length(x) < 100));" FILL(900),
      .options = DB("partition: year")},
     "t",
     "rowid, id, at, x"},
    {{.name = "WITHOUT ROWID, and names that need quotes",
      .setup = "CREATE TABLE \"a `b\"(\"k \"\" 1\" TEXT, at INTEGER, x, PRIMARY KEY(\"k \"\" 1\"))"
               " WITHOUT ROWID; CREATE INDEX t_at ON \"a `b\"(at);" PROOF_NUMBERS(
                   900) "INSERT INTO \"a `b\" SELECT 'k' || i, " AT ", " VALUES " FROM n;",
      .target = "table: a `b, column: at",
      .options = DB("partition: year")},
     "\"a `b\"",
     "\"k \"\" 1\", at, x"},
    {{.name = "a column named rowid",
      .setup = "CREATE TABLE t(rowid INTEGER PRIMARY KEY, at INTEGER, x);" FILL(900),
      .options = DB("partition: year")},
     "t",
     "rowid, at, x"},
    {{.name = "a rowid that no column shows",
      .setup = "CREATE TABLE t(x, at INTEGER, y); CREATE INDEX t_at ON t(at);" PROOF_NUMBERS(
          900) "INSERT INTO t(rowid, at, x) SELECT i * 3, " AT ", " VALUES " FROM n;",
      .options = DB("partition: year")},
     "t",
     "rowid, x, at, y"},
};

static void set_up(void)
{
    folder_make();
    char *cold = folder_path("cold");

    ck_assert_int_eq(mkdir(cold, 0750), 0);
    free(cold);
}

/* The files of the archive that match, one after the other; returns how many there are. */
static int each_file(const char *pattern, void (*each)(void *argument, const char *path),
                     void *argument)
{
    char *whole = folder_path(pattern);
    glob_t found;
    int count = 0;

    if (glob(whole, 0, NULL, &found) == 0)
        for (; count < (int)found.gl_pathc; count++)
            if (each)
                each(argument, found.gl_pathv[count]);
    globfree(&found);
    free(whole);
    return count;
}

struct back {
    int number; /* of the case */
    sqlite3 *db;
};

static void put_back(void *argument, const char *path)
{
    const struct back *back = argument;
    const char *table = cases[back->number].table, *columns = cases[back->number].columns;
    char *sql = memory_format("ATTACH '%s' AS cold; INSERT INTO main.%s(%s) SELECT %s FROM cold.%s;"
                              " DETACH cold",
                              path, table, columns, columns, table);

    proof_do(back->db, sql);
    free(sql);
}

static void run_done(const struct proof_case *c, int64_t least)
{
    struct proof_run run;

    proof_run(c, &run);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    ck_assert_msg(outcome && strcmp(outcome, "done") == 0, "%s: %s%s", c->name, run.result.out,
                  run.result.err);
    int64_t rows = json_integer_value(json_object_get(run.outcome, "rows"));
    ck_assert_msg(rows >= least, "%s: %lld rows", c->name, (long long)rows);
    proof_free(&run);
}

START_TEST(all_comes_back)
{
    const struct proof_case *c = &cases[_i / 2].proof;
    char *path = proof_path(c);

    sqlite3 *before = proof_make(c, _i % 2 ? "delete" : "wal");
    run_done(c, 700);
    ck_assert_int_eq(each_file("cold/d/*/*.zst", NULL, NULL), 0);
    ck_assert_int_eq(each_file("cold/d/*/*/*.zst", NULL, NULL), 0);
    expect("archive verify -c @/policy.yaml", 0, "~\n  # segment&; all is as it was written\n", "");
    if (strstr(c->options, "year")) /* each year has one, even where they lie mixed in the table */
        ck_assert_int_eq(each_file("cold/d/*/*/_part-*.json", NULL, NULL),
                         each_file("cold/d/*/year=*", NULL, NULL));
    sqlite3 *db = proof_open(path);
    struct back back = {_i / 2, db};
    each_file("cold/d/*/*.db", put_back, &back);
    each_file("cold/d/*/*/*.db", put_back, &back);
    sqlite3_close(db);
    proof_same(c, before);
    sqlite3_close(before);
    free(path);
}
END_TEST

/* --- what comes in between ---------------------------------------------------------------- */

static const struct proof_case plain = {.name = "plain",
                                        .setup = TABLE,
                                        .options = DB("partition: none, segment_rows: 300")};

static void make_plain(void)
{
    sqlite3_close(proof_make(&plain, "wal"));
}

static sqlite3 *open_cold(void)
{
    char *path = folder_path("cold/d/t/t.db");
    sqlite3 *db = proof_open(path);

    free(path);
    return db;
}

static void live(const char *sql)
{
    char *path = proof_path(&plain);
    sqlite3 *db = proof_open(path);

    proof_do(db, sql);
    sqlite3_close(db);
    free(path);
}

/* A column that was added is there from then on, and one that is gone is NULL. */
START_TEST(columns_change)
{
    make_plain();
    run_done(&plain, 700);
    live("ALTER TABLE t ADD COLUMN more TEXT DEFAULT 'm'; ALTER TABLE t RENAME COLUMN x TO y;"
         "INSERT INTO t(id, at, y) VALUES(5001, strftime('%s', 'now', '-200 days') + 0, 'y')");
    run_done(&plain, 1);
    sqlite3 *db = open_cold();
    char *text =
        proof_text(db, "SELECT id, x, y, more FROM t WHERE id = 5001 OR id = 362 ORDER BY id");
    ck_assert_str_eq(text, "362|text 362|NULL|NULL 5001|NULL|y|m");
    free(text);
    sqlite3_close(db);
    expect("archive verify -c @/policy.yaml", 0, "&", "");
    struct program_result cat;
    expect_run("archive cat -c @/policy.yaml d t --where more=\"m\"", &cat);
    program_result_free(&cat);
}
END_TEST

static const char *const damages[] = {"UPDATE t SET x = 'else' WHERE id = 500",
                                      "DELETE FROM t WHERE id = 500",
                                      "UPDATE t SET x = CAST(x AS BLOB) WHERE id = 362",
                                      "DELETE FROM _litekeeper_segment WHERE first = 1",
                                      "UPDATE _litekeeper_segment SET first = 2 WHERE first = 1",
                                      "DROP TABLE t",
                                      "ALTER TABLE t DROP COLUMN x"};

START_TEST(what_is_changed_is_named)
{
    make_plain();
    run_done(&plain, 700);
    sqlite3 *db = open_cold();
    proof_do(db, "DROP INDEX IF EXISTS _litekeeper_time"); /* which keeps no column */
    proof_do(db, damages[_i]);
    sqlite3_close(db);
    expect("archive verify -c @/policy.yaml", 1, "~\n  * part-~\n&", "");
}
END_TEST

/* Somebody who has the file locked: rows are safe in lines, and go where they belong later. */
START_TEST(somebody_reads)
{
    struct proof_run run;

    make_plain();
    run_done(&plain, 700);
    live("INSERT INTO t SELECT id + 10000, at - 86400 * 300, x FROM t");
    sqlite3 *db = open_cold();
    proof_do(db, "BEGIN; SELECT count(*) FROM t");
    sqlite3_stmt *reader = proof_prepare(db, "SELECT * FROM t");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    proof_run(&plain, &run);
    ck_assert_msg(run.result.status == 75, "%d: %s%s", run.result.status, run.result.out,
                  run.result.err);
    const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
    ck_assert_msg(strstr(reason, "somebody else is using the archive's t.db"), "%s", reason);
    proof_free(&run);
    ck_assert_int_eq(each_file("cold/d/t/part-*.zst", NULL, NULL), 1);
    sqlite3_finalize(reader);
    sqlite3_close(db);
    proof_run(&plain, &run);
    ck_assert_msg(run.result.status == 0, "%s%s", run.result.out, run.result.err);
    proof_free(&run);
    ck_assert_int_eq(each_file("cold/d/t/part-*.zst", NULL, NULL), 0);
    expect("archive verify -c @/policy.yaml", 0, "&", "");
}
END_TEST

/* As if it had been killed when the rows were in the file and no manifest said so yet. */
static void forget_manifest(void *argument, const char *path)
{
    char *unfinished = folder_path("cold/d/t/_unfinished.json");
    json_t *manifest = json_load_file(path, 0, NULL);

    (void)argument;
    ck_assert_ptr_nonnull(manifest);
    json_object_set_new(manifest, "state", json_string("settled"));
    json_object_set_new(manifest, "store_first", json_integer(0));
    json_object_set_new(manifest, "store_last", json_integer(0));
    ck_assert_int_eq(json_dump_file(manifest, unfinished, 0), 0);
    ck_assert_int_eq(unlink(path), 0);
    json_decref(manifest);
    free(unfinished);
}

START_TEST(what_is_loaded_stays_so)
{
    struct proof_case whole = plain;

    whole.options = DB("partition: none");
    sqlite3_close(proof_make(&whole, "wal"));
    run_done(&whole, 700);
    sqlite3 *db = open_cold();
    int64_t rows = proof_integer(db, "SELECT count(*) FROM t");
    ck_assert_int_eq(each_file("cold/d/t/_part-*.json", forget_manifest, NULL), 1);
    run_done(&whole, 0);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM t"), rows);
    sqlite3_close(db);
    ck_assert_int_eq(each_file("cold/d/t/_part-*.json", NULL, NULL), 1);
    expect("archive verify -c @/policy.yaml", 0, "&", "");
}
END_TEST

/* Whoever only looks changes nothing, not even the mode that somebody has given the file. */
START_TEST(readers_change_nothing)
{
    make_plain();
    run_done(&plain, 700);
    sqlite3 *db = open_cold();
    char *mode = proof_text(db, "PRAGMA journal_mode = WAL");
    ck_assert_str_eq(mode, "wal");
    free(mode);
    sqlite3_close(db);
    expect("archive verify -c @/policy.yaml", 0, "&", "");
    db = open_cold();
    mode = proof_text(db, "PRAGMA journal_mode");
    ck_assert_str_eq(mode, "wal");
    free(mode);
    sqlite3_close(db);
}
END_TEST

/* The oldest segments go, one by one, and the file with the last. */
START_TEST(archives_have_a_retention)
{
    struct proof_case later = plain;

    make_plain();
    run_done(&plain, 700);
    sqlite3 *db = open_cold();
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM _litekeeper_segment"), 3);
    later.options = DB("partition: none, segment_rows: 300") ", keep_archives: 500d";
    proof_policy(&later);
    run_done(&later, 0);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM _litekeeper_segment"), 2);
    ck_assert_int_eq(proof_integer(db, "SELECT min(id) < 120 AND max(id) < 650 FROM t"), 1);
    sqlite3_close(db);
    expect("archive verify -c @/policy.yaml", 0, "&", "");
    later.options = DB("partition: none, segment_rows: 300") ", keep_archives: 101d";
    proof_policy(&later);
    run_done(&later, 0);
    ck_assert_int_le(each_file("cold/d/t/t.db", NULL, NULL), 1);
    expect("archive verify -c @/policy.yaml", 0, "&", "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_db");
    SRunner *runner = srunner_create(suite);
    TCase *group = tcase_create("archive_db");

    tcase_set_timeout(group, 120);
    tcase_add_checked_fixture(group, set_up, folder_remove);
    tcase_add_loop_test(group, all_comes_back, 0, 2 * (int)(sizeof cases / sizeof *cases));
    tcase_add_loop_test(group, what_is_changed_is_named, 0,
                        (int)(sizeof damages / sizeof *damages));
    tcase_add_test(group, columns_change);
    tcase_add_test(group, somebody_reads);
    tcase_add_test(group, what_is_loaded_stays_so);
    tcase_add_test(group, readers_change_nothing);
    tcase_add_test(group, archives_have_a_retention);
    suite_add_tcase(suite, group);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
