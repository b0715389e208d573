/*
 * Archives end to end: what left a table is in segments that are done, value by value, so that
 * putting it back makes the table what it was; and where it can't be archived, nothing is deleted.
 */
#include "archive_manifest.h"
#include "archive_segment.h"
#include "lib_folder.h"
#include "lib_proof.h"
#include "lib_small.h"
#include "memory.h"

#include <dirent.h>
#include <fcntl.h>
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

/* --- back into the table ------------------------------------------------------------------ */

static void bind(sqlite3_stmt *insert, int at, const struct archive_value *value)
{
    if (value->type == SQLITE_INTEGER)
        sqlite3_bind_int64(insert, at, value->integer);
    else if (value->type == SQLITE_FLOAT)
        sqlite3_bind_double(insert, at, value->real);
    else if (value->type == SQLITE_TEXT)
        sqlite3_bind_text(insert, at, value->bytes, (int)value->length, SQLITE_TRANSIENT);
    else if (value->type == SQLITE_BLOB)
        sqlite3_bind_blob(insert, at, value->bytes, (int)value->length, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(insert, at);
}

static sqlite3_stmt *prepare_insert(sqlite3 *db, const struct archive_manifest *manifest,
                                    const struct archive_columns *columns)
{
    const char *table = json_string_value(json_object_get(manifest->about, "table"));
    struct text sql = {0};
    int count = 0;

    text_addf(&sql, "INSERT INTO \"%s\"(", table);
    for (size_t i = 0; i < columns->count; i++)
        if (!columns->list[i].generated)
            text_addf(&sql, "%s\"%s\"", count++ ? ", " : "", columns->list[i].name);
    text_add(&sql, ") VALUES(");
    for (int i = 0; i < count; i++)
        text_add(&sql, i ? ", ?" : "?");
    text_add(&sql, ")");
    sqlite3_stmt *insert = proof_prepare(db, sql.bytes);
    text_free(&sql);
    return insert;
}

static void restore_segment(sqlite3 *db, int folder, const struct archive_manifest *manifest)
{
    struct archive_columns columns;
    struct segment_reader *reader;
    struct archive_row row;
    struct error error = {0};
    const char *line;
    size_t length;

    ck_assert(!archive_manifest_columns(manifest, &columns, &error));
    archive_row_init(&columns, &row);
    sqlite3_stmt *insert = prepare_insert(db, manifest, &columns);
    ck_assert_msg(!segment_open(folder, manifest->name, manifest->name, &reader, &error), "%s",
                  error.text);
    while (!segment_line(reader, &line, &length, &error) && line) {
        int at = 1;
        ck_assert_msg(!archive_row_parse(&columns, line, length, &row, &error), "%s", error.text);
        for (size_t i = 0; i < columns.count; i++)
            if (!columns.list[i].generated)
                bind(insert, at++, &row.values[i]);
        ck_assert_msg(sqlite3_step(insert) == SQLITE_DONE, "%s", sqlite3_errmsg(db));
        sqlite3_reset(insert);
    }
    segment_close(reader);
    sqlite3_finalize(insert);
    archive_row_free(&row);
    archive_columns_free(&columns);
}

static void restore_manifest(sqlite3 *db, int folder, const char *name)
{
    struct archive_manifest manifest;
    struct error error = {0};
    char bytes[65536] = "";
    int fd = openat(folder, name, O_RDONLY);

    ck_assert_int_gt(read(fd, bytes, sizeof bytes - 1), 0);
    close(fd);
    ck_assert_msg(!archive_manifest_parse(bytes, strlen(bytes), &manifest, &error), "%s",
                  error.text);
    ck_assert_int_eq(manifest.state, MANIFEST_DONE);
    restore_segment(db, folder, &manifest);
    archive_manifest_free(&manifest);
}

/* Puts back all that is in a folder; counts the files of it that are no manifests, less these. */
static int restore_folder(sqlite3 *db, int folder)
{
    DIR *list = fdopendir(folder);
    struct dirent *entry;
    int more = 0;

    ck_assert_ptr_nonnull(list);
    while ((entry = readdir(list))) {
        const char *name = entry->d_name;
        if (entry->d_type == DT_DIR && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            more += restore_folder(db, openat(folder, name, O_RDONLY | O_DIRECTORY));
        if (entry->d_type != DT_REG)
            continue;
        more += strstr(name, ".manifest.json") ? -1 : 1;
        if (strstr(name, ".manifest.json"))
            restore_manifest(db, folder, name);
    }
    closedir(list);
    return more;
}

static int restore(sqlite3 *db)
{
    char *cold = folder_path("cold");
    int folder = open(cold, O_RDONLY | O_DIRECTORY);

    proof_do(db, "BEGIN");
    int more = restore_folder(db, folder);
    proof_do(db, "COMMIT");
    free(cold);
    return more;
}

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
    ck_assert_int_eq(restore(db), 0);
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
      .outcome = "skipped",
      .reason = "the archive's directory @/cold can't be used: there is no folder \"cold\" in its "
                "path; make it, and chown it to the database's owner"},
     NO_DIRECTORY},
    {{.name = "a link in its place",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .outcome = "skipped",
      .reason = "can't enter the archive's folder t: ~"},
     LINK},
    {{.name = "somebody else's folder",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .outcome = "skipped",
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
      .outcome = "skipped",
      .reason = "can't write to the archive's directory @/cold: Read-only file system"},
     READ_ONLY},
    {{.name = "a history that can't be written",
      .setup = TABLE,
      .options = ARCHIVE(""),
      .status = 1,
      .outcome = "failed",
      .reason = "the catalogue of archives can't be written: ~"},
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
    ck_assert_int_eq(restore(db), 0);
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
