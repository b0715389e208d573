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

static sqlite3 *before;

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
    before = archived_make();
}

static void tear_down(void)
{
    sqlite3_close(before);
    folder_remove();
}

/* Those of one kind. */
static char *a_file(size_t which, const char *end)
{
    json_t *files = archived_files(), *file;
    char *path = NULL;
    size_t i, found = 0;

    json_array_foreach (files, i, file) {
        const char *name = json_string_value(file);
        if (strcmp(name + strlen(name) - strlen(end), end) == 0 && found++ == which)
            path = folder_path(name);
    }
    ck_assert_ptr_nonnull(path);
    json_decref(files);
    return path;
}

#define SEGMENT  ".jsonl.zst"
#define MANIFEST ".manifest.json"

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

static void flip(const char *path, int64_t at, int bit)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);

    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= (unsigned char)(1 << bit);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static int64_t size_of(const char *path)
{
    struct stat about;

    ck_assert(!stat(path, &about));
    return about.st_size;
}

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
    int64_t at = randomdb_number(random, size_of(path));
    int bit = (int)randomdb_number(random, 8);

    flip(path, at, bit);
    json_t *problems = archived_problems(1);
    ck_assert_msg(names(problems, path), "bit %d of byte %lld of %s", bit, (long long)at, path);
    ck_assert_uint_eq(json_array_size(problems), 1);
    flip(path, at, bit);
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
    char *gone = a_file(0, SEGMENT), *bare = a_file(1, SEGMENT), *manifest = a_file(1, MANIFEST);
    char *both = a_file(2, SEGMENT), *stray = folder_path("cold/app/t/part-stray.jsonl.zst");

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
    char *file = a_file(3, SEGMENT), *manifest = a_file(3, MANIFEST);
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
    char *damaged = a_file(4, SEGMENT);
    struct program_result result;

    lose_state();
    expect("archive verify -c @/policy.yaml app t", 1,
           "app t  @/cold/app/t\n" LOST "  # segments, # rows, # KiB; 1 problem\n", "");
    flip(damaged, 30, 2);
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
    flip(damaged, 30, 2);
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

/* --- cat ---------------------------------------------------------------------------------- */

static const struct {
    const char *words, *sql; /* further conditions */
} cats[] = {
    {"", "1"},
    {" --where id%7=3", "id % 7 = 3"},
    {" --where x/**/IS/**/NULL", "x IS NULL"},
    {" --where x/**/LIKE/**/'text/**/%'", "x LIKE 'text/**/%'"},
    {" --where typeof(n)='blob'/**/AND/**/length(n)>4", "typeof(n) = 'blob' AND length(n) > 4"},
    {" --where n>500.5", "n > 500.5"},
    {" --where id='500'", "id = '500'"},
    {" --where x='500'/**/OR/**/id/**/IN/**/(500,501)--", "id IN (500, 501)"},
    {" --where 0", "0"},
};

static json_t *ids_of(const char *sql)
{
    sqlite3_stmt *select = sql_prepare(before, sql);
    json_t *ids = json_array();

    while (sqlite3_step(select) == SQLITE_ROW)
        json_array_append_new(ids, json_integer(sqlite3_column_int64(select, 0)));
    sqlite3_finalize(select);
    return ids;
}

/* The ids of what cat prints are those of the model, in the order of time. */
static void same_as(const char *words, const char *condition)
{
    char *all = memory_format("cat app t%s", words);
    char *sql = memory_format("SELECT id FROM t WHERE at < unixepoch('now', '-50 days') AND (%s\n)"
                              " ORDER BY at",
                              condition);
    json_t *lines = archived_lines(all, 0), *expected = ids_of(sql), *line;
    size_t i;

    ck_assert_msg(json_array_size(lines) == json_array_size(expected), "%s: %zu instead of %zu",
                  all, json_array_size(lines), json_array_size(expected));
    json_array_foreach (lines, i, line)
        ck_assert(json_equal(json_object_get(line, "id"), json_array_get(expected, i)));
    json_decref(lines);
    json_decref(expected);
    free(all);
    free(sql);
}

START_TEST(cat_where)
{
    for (size_t i = 0; i < sizeof cats / sizeof *cats; i++)
        same_as(cats[i].words, cats[i].sql);
}
END_TEST

static char *moment_of(int id)
{
    char *sql = memory_format("SELECT strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', at, 'unixepoch') FROM t"
                              " WHERE id = %d",
                              id);
    sqlite3_stmt *select = sql_prepare(before, sql);

    ck_assert_int_eq(sqlite3_step(select), SQLITE_ROW);
    char *moment = memory_copy((const char *)sqlite3_column_text(select, 0));
    sqlite3_finalize(select);
    free(sql);
    return moment;
}

/* From one row's very second on, and before it. */
START_TEST(cat_times)
{
    static const struct {
        const char *words, *sql;
    } forms[] = {{" --since %s", "id <= %d"},
                 {" --until %s", "id > %d"},
                 {" --since %s --until 2100-01-01 --where id%%2=0", "id <= %d AND id %% 2 = 0"}};
    static const int ids[] = {590, 450, 333};

    for (size_t i = 0; i < 9; i++) {
        char *moment = moment_of(ids[i / 3]);
        sqlite3_str *made = sqlite3_str_new(NULL), *told = sqlite3_str_new(NULL);
        sqlite3_str_appendf(made, forms[i % 3].words, moment);
        sqlite3_str_appendf(told, forms[i % 3].sql, ids[i / 3]);
        same_as(sqlite3_str_value(made), sqlite3_str_value(told));
        sqlite3_free(sqlite3_str_finish(made));
        sqlite3_free(sqlite3_str_finish(told));
        free(moment);
    }
}
END_TEST

static const struct {
    const char *words, *err;
    int status;
} mistakes[] = {
    {"app t --where nix=1", "litekeeper: --where: no such column: nix\n", 2},
    {"app t --where id=", "litekeeper: --where: ~\n", 2},
    {"app t --where 1);SELECT(1", "litekeeper: --where: ~\n", 2},
    {"app t --where (SELECT/**/1/**/FROM/**/sqlite_master)", "litekeeper: --where: ~\n", 2},
    {"app t --where load_extension('x')", "litekeeper: --where: ~\n", 2},
    {"app t --where json(x)", "litekeeper: --where: ~\n", 2},
    {"app t --since noon", "litekeeper: \"noon\" is no time; ~\n", 2},
    {"app t --until 2025-13-01", "litekeeper: \"2025-13-01\" is no time; ~\n", 2},
    {"app u", "litekeeper archive cat: no table \"u\"; ~\n", 2},
};

START_TEST(cat_mistakes)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char *words = memory_format("archive cat -c @/policy.yaml %s", mistakes[i].words);
        expect(words, mistakes[i].status, "", mistakes[i].err);
        free(words);
    }
}
END_TEST

static size_t lines_of(const char *text)
{
    size_t lines = 0;

    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* The others' rows come, and not one of it. */
static void cat_without(size_t which, const char *end, size_t whole)
{
    char *damaged = a_file(which, end);
    struct program_result rest;

    flip(damaged, size_of(damaged) / 2, 1);
    archived_run("cat app t", 1, &rest);
    expect_text("error", rest.err,
                "litekeeper: app/t/year=#/month=#/part-#T#Z.jsonl.zst: ~; its rows are left out\n");
    ck_assert_uint_lt(lines_of(rest.out), whole);
    ck_assert_uint_ge(lines_of(rest.out) + 20, whole);
    flip(damaged, size_of(damaged) / 2, 1);
    program_result_free(&rest);
    free(damaged);
}

START_TEST(cat_damaged)
{
    struct program_result whole;

    archived_run("cat app t", 0, &whole);
    for (size_t i = 0; i < 4; i++)
        cat_without(i * 3, i % 2 ? MANIFEST : SEGMENT, lines_of(whole.out));
    program_result_free(&whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_read");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 60 + 2 * rounds(0));
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, list_and_verify);
    tcase_add_test(cases, list_counts);
    tcase_add_test(cases, one_bit_of_a_file);
    tcase_add_test(cases, one_bit_of_the_catalogue);
    tcase_add_test(cases, gone_and_strange);
    tcase_add_test(cases, known_to_the_catalogue_alone);
    tcase_add_test(cases, lost_and_rebuilt);
    tcase_add_test(cases, without_the_database);
    tcase_add_test(cases, cat_where);
    tcase_add_test(cases, cat_times);
    tcase_add_test(cases, cat_mistakes);
    tcase_add_test(cases, cat_damaged);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
