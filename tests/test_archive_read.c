/*
 * `litekeeper archive list`, `verify` and `cat` on what a real run has archived, and on what
 * somebody has made of it since.
 */
#include "lib_archived.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
    sqlite3_close(archived_make());
}

/* --- list, verify ------------------------------------------------------------------------- */

START_TEST(list_and_verify)
{
    expect("archive list -c @/policy.yaml app", 0,
           "app t  @/cold/app/t\n"
           "  first                 last                         rows       size  state     file\n"
           "  #-#-#T#:#:#Z  #-#-#T#:#:#Z  ~  done      year=#/month=#/part-#T#Z.jsonl.zst\n&",
           "");
    expect("archive verify -c @/policy.yaml", 0,
           "app t  @/cold/app/t\n  # segments, # rows, # KiB; all is as it was written\n", "");
    json_t *problems = archived_problems(0);
    ck_assert_uint_eq(json_array_size(problems), 0);
    json_decref(problems);
}
END_TEST

/* What list has is what left the table. */
START_TEST(list_counts)
{
    json_t *lines = archived_lines("list --json", 0), *line = NULL;
    int64_t rows = 0, segments = 0;
    size_t i;
    char *path = folder_path("app.db");
    sqlite3 *db = sql_open(path);
    int64_t gone = ARCHIVED_ROWS - sql_number(db, "SELECT count(*) FROM t");

    json_array_foreach (lines, i, line) {
        if (strcmp(json_string_value(json_object_get(line, "event")), "segment") != 0)
            break;
        rows += json_integer_value(json_object_get(line, "rows"));
        segments++;
        ck_assert_str_eq(json_string_value(json_object_get(line, "catalogue")), "known");
    }
    ck_assert_int_gt(segments, 10);
    ck_assert_int_eq(rows, gone);
    ck_assert_int_eq(json_integer_value(json_object_get(line, "rows")), gone);
    ck_assert_int_eq(json_integer_value(json_object_get(line, "segments")), segments);
    sqlite3_close(db);
    json_decref(lines);
    free(path);
}
END_TEST

/* --- one bit ------------------------------------------------------------------------------ */

/* Whether a name that verify has said is of this file or of the manifest beside it. */
static bool names(const json_t *problems, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    json_t *problem;
    size_t i;

    name += name[0] == '_';
    json_array_foreach (problems, i, problem)
        if (strncmp(json_string_value(problem), name, strcspn(name, "Z")) == 0)
            return true;
    return false;
}

static void flip_file(uint64_t *random)
{
    json_t *files = archived_files();
    size_t which = (size_t)randomdb_number(random, (int64_t)json_array_size(files));
    char *path = folder_path(json_string_value(json_array_get(files, which)));
    int64_t at = randomdb_number(random, archived_size(path));
    int bit = (int)randomdb_number(random, 8);

    archived_flip(path, at, bit);
    json_t *problems = archived_problems(1);
    ck_assert_msg(names(problems, path), "bit %d of byte %lld of %s", bit, (long long)at, path);
    ck_assert_uint_eq(json_array_size(problems), 1);
    archived_flip(path, at, bit);
    json_decref(problems);
    json_decref(files);
    free(path);
}

/* A row of the catalogue, and one of its values with a bit that is another. */
struct row_flip {
    char *directory, *file, *sql;
    int64_t number;
    char *text; /* NULL: it is the number */
};

static void flip_value(sqlite3 *history, uint64_t *random, const char *column,
                       struct row_flip *flip_of)
{
    char *sql = memory_format("SELECT directory, file, %s FROM segment ORDER BY file"
                              " LIMIT 1 OFFSET ?1",
                              column);
    sqlite3_stmt *select = sql_prepare(history, sql);
    int64_t rows = sql_number(history, "SELECT count(*) FROM segment");

    sqlite3_bind_int64(select, 1, randomdb_number(random, rows));
    ck_assert_int_eq(sqlite3_step(select), SQLITE_ROW);
    *flip_of = (struct row_flip){
        .directory = memory_copy((const char *)sqlite3_column_text(select, 0)),
        .file = memory_copy((const char *)sqlite3_column_text(select, 1)),
        .sql =
            memory_format("UPDATE segment SET %s = ?1 WHERE directory = ?2 AND file = ?3", column),
        .number = sqlite3_column_int64(select, 2) ^ 1 << randomdb_number(random, 20)};
    if (sqlite3_column_type(select, 2) == SQLITE_TEXT) {
        flip_of->text = memory_copy((const char *)sqlite3_column_text(select, 2));
        size_t at = (size_t)randomdb_number(random, (int64_t)strlen(flip_of->text));
        int bit = (int)randomdb_number(random, 8);
        if (bit == 5 && strcmp(column, "target") == 0)
            bit = 4; /* a table is the same in capitals */
        flip_of->text[at] = (char)(flip_of->text[at] ^ 1 << bit);
    }
    sqlite3_finalize(select);
    free(sql);
}

static void flip_write(sqlite3 *history, const struct row_flip *flip_of)
{
    sqlite3_stmt *update = sql_prepare(history, flip_of->sql);

    if (flip_of->text)
        sqlite3_bind_text(update, 1, flip_of->text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_int64(update, 1, flip_of->number);
    sqlite3_bind_text(update, 2, flip_of->directory, -1, SQLITE_STATIC);
    sqlite3_bind_text(update, 3, flip_of->file, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(update), SQLITE_DONE);
    ck_assert_int_eq(sqlite3_changes(history), 1);
    sqlite3_finalize(update);
}

static void flip_row(sqlite3 *history, uint64_t *random)
{
    static const char *const columns[] = {
        "directory", "file",    "path",      "database",   "target",
        "state",     "rows",    "bytes",     "sha256",     "manifest_sha256",
        "first_us",  "last_us", "cutoff_us", "sha256_rows"};
    size_t count = sizeof columns / sizeof *columns;
    const char *column = columns[randomdb_number(random, (int64_t)count)];
    struct row_flip flip_of;

    flip_value(history, random, column, &flip_of);
    flip_write(history, &flip_of);
    json_t *problems = archived_problems(1);
    ck_assert_msg(names(problems, flip_of.file), "%s of %s", column, flip_of.file);
    sql_do(history, "DELETE FROM segment");
    sql_do(history, "INSERT INTO segment SELECT * FROM kept");
    json_decref(problems);
    free(flip_of.directory);
    free(flip_of.file);
    free(flip_of.sql);
    free(flip_of.text);
}

static int rounds(int usual)
{
    const char *given = getenv("ROUNDS");

    return given ? atoi(given) : usual;
}

START_TEST(one_bit_of_a_file)
{
    uint64_t random = randomdb_seed("one_bit_of_a_file");

    for (int i = rounds(12); i > 0; i--)
        flip_file(&random);
    json_decref(archived_problems(0));
}
END_TEST

START_TEST(one_bit_of_the_catalogue)
{
    uint64_t random = randomdb_seed("one_bit_of_the_catalogue");
    sqlite3 *history = archived_history();

    sql_do(history, "CREATE TEMP TABLE kept AS SELECT * FROM segment");
    for (int i = rounds(12); i > 0; i--)
        flip_row(history, &random);
    json_decref(archived_problems(0));
    sqlite3_close(history);
}
END_TEST

/* --- files that are gone, or too many ----------------------------------------------------- */

START_TEST(gone_and_strange)
{
    char *gone = archived_file(0, ARCHIVED_SEGMENT), *bare = archived_file(1, ARCHIVED_SEGMENT),
         *manifest = archived_file(1, ARCHIVED_MANIFEST);
    char *both = archived_file(2, ARCHIVED_SEGMENT),
         *stray = folder_path("cold/app/t/part-stray.jsonl.zst");

    ck_assert(!link(both, stray));
    ck_assert(!unlink(gone));
    ck_assert(!unlink(manifest));
    json_t *problems = archived_problems(1);
    ck_assert_uint_eq(json_array_size(problems), 3);
    ck_assert(names(problems, gone));
    ck_assert(names(problems, bare));
    ck_assert(!names(problems, both));
    expect("archive list -c @/policy.yaml", 0, "& ",
           ""); /* it is no check; the last word is below */
    json_decref(problems);
    free(gone);
    free(bare);
    free(manifest);
    free(both);
    free(stray);
}
END_TEST

/* Both: nobody but the catalogue knows of it. */
START_TEST(known_to_the_catalogue_alone)
{
    char *file = archived_file(3, ARCHIVED_SEGMENT),
         *manifest = archived_file(3, ARCHIVED_MANIFEST);
    struct program_result result;

    ck_assert(!unlink(file));
    ck_assert(!unlink(manifest));
    archived_run("verify", 1, &result);
    expect_text("verify", result.out,
                "app t  @/cold/app/t\n"
                "  * year=#/month=#/part-#T#Z.jsonl.zst: the catalogue knows it, and it is gone\n"
                "  # segments, # rows, # KiB; 1 problem\n");
    program_result_free(&result);
    json_t *problems = archived_problems(1);
    ck_assert(names(problems, file));
    json_decref(problems);
    free(file);
    free(manifest);
}
END_TEST

/* --- the catalogue is lost ---------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    return remove(path);
}

static void lose_state(void)
{
    char *state = folder_path("state");

    ck_assert(!nftw(state, remove_one, 16, FTW_DEPTH | FTW_PHYS));
    free(state);
}

#define LOST "  * the catalogue knows nothing of this archive: it was lost, ~\n"

START_TEST(lost_and_rebuilt)
{
    char *damaged = archived_file(4, ARCHIVED_SEGMENT);
    struct program_result result;

    lose_state();
    expect("archive verify -c @/policy.yaml app t", 1,
           "app t  @/cold/app/t\n" LOST "  # segments, # rows, # KiB; 1 problem\n", "");
    archived_flip(damaged, 30, 2);
    archived_run("verify --rebuild", 1, &result);
    expect_text("rebuild", result.out,
                "app t  @/cold/app/t\n"
                "  * year=#/month=#/part-#T#Z.jsonl.zst: ~\n"
                "  # segments, # rows, # KiB; # known from the manifest alone; # entered in the "
                "catalogue anew; 1 problem\n");
    program_result_free(&result);
    json_t *problems = archived_problems(1); /* what is damaged was not entered */
    ck_assert_uint_eq(json_array_size(problems), 1);
    ck_assert(names(problems, damaged));
    json_decref(problems);
    archived_flip(damaged, 30, 2);
    json_decref(archived_lines("verify --rebuild --json", 0));
    expect("archive verify -c @/policy.yaml", 0,
           "~\n  # segments, # rows, # KiB; # known from the manifest alone; all is as it was "
           "written\n",
           "");
    free(damaged);
}
END_TEST

/* The archive outlives its database. */
START_TEST(without_the_database)
{
    static const char *const names_of[] = {"app.db", "app.db-wal", "app.db-shm"};
    struct program_result result;

    for (size_t i = 0; i < 3; i++) {
        char *path = folder_path(names_of[i]);
        unlink(path);
        free(path);
    }
    expect("archive verify -c @/policy.yaml app", 0,
           "app t  @/cold/app/t\n  # segments, # rows, # KiB; all is as it was written\n", "");
    archived_run("cat app t", 0, &result);
    ck_assert_ptr_nonnull(strstr(result.out, "{\"id\":"));
    program_result_free(&result);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_read");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 60 + 2 * rounds(0));
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, list_and_verify);
    tcase_add_test(cases, list_counts);
    tcase_add_test(cases, one_bit_of_a_file);
    tcase_add_test(cases, one_bit_of_the_catalogue);
    tcase_add_test(cases, gone_and_strange);
    tcase_add_test(cases, known_to_the_catalogue_alone);
    tcase_add_test(cases, lost_and_rebuilt);
    tcase_add_test(cases, without_the_database);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
