/*
 * What a restore makes of an archive of several schemas, and of one that is damaged or unfinished.
 */
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

/* --- schemas over time -------------------------------------------------------------------- */

START_TEST(several_schemas)
{
    sqlite3_close(brought_archive(&plain, "wal"));
    brought_change(
        "ALTER TABLE t ADD COLUMN y; ALTER TABLE t ADD COLUMN z AS (id * 2);"
        "INSERT INTO t(id, at, x, y) SELECT id + 1000, at - 86400 * 90, x || 'y', 'y' FROM t;"
        "CREATE TABLE o AS SELECT id, at, y FROM t; DROP TABLE t;"
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, y, z AS (id * 2));"
        "INSERT INTO t(id, at, y) SELECT * FROM o; CREATE INDEX t_at ON t(at)");
    struct proof_run run;
    proof_run(&plain, &run);
    ck_assert_int_gt(json_integer_value(json_object_get(run.outcome, "rows")), 50);
    proof_free(&run);
    json_t *effect = brought_restore("--into @/out.db", 0);
    char *text = json_dumps(effect, 0);
    ck_assert_msg(strstr(text, "\"columns_missing\": [\"x\", \"y\"]"), "%s", text);
    brought_query("out.db", "SELECT name FROM pragma_table_xinfo('t')", "id at y z x");
    brought_query("out.db",
                  "SELECT count(*) FROM t WHERE x = 'x' || id AND y IS NULL AND z = id * 2 AND id"
                  " < 1000",
                  "201");
    brought_query("out.db", "SELECT count(*) > 50 FROM t WHERE x IS NULL AND y = 'y' AND id > 1000",
                  "1");
    json_decref(effect);
    free(text);
}
END_TEST

/* What was computed otherwise once can't be computed again. */
START_TEST(plain_columns)
{
    sqlite3_close(brought_archive(&plain, "wal"));
    brought_change("ALTER TABLE t ADD COLUMN y AS (x || 'old');"
                   "INSERT INTO t(id, at, x) SELECT id + 1000, at - 86400 * 90, x || 'y' FROM t");
    struct proof_run run;
    proof_run(&plain, &run);
    proof_free(&run);
    brought_change("ALTER TABLE t DROP COLUMN y; ALTER TABLE t ADD COLUMN y AS (x || 'new');"
                   "UPDATE t SET at = at - 86400 * 90");
    proof_run(&plain, &run);
    proof_free(&run);
    json_t *effect = brought_restore("--into @/out.db", 0);
    char *text = json_dumps(effect, 0);
    ck_assert_msg(strstr(text, "\"columns_plain\": [\"y\"]"), "%s", text);
    brought_query("out.db", "SELECT count(*) > 50 FROM t WHERE y = x || 'old'", "1");
    brought_query("out.db", "SELECT count(*) > 50 FROM t WHERE y = x || 'new'", "1");
    brought_query("out.db", "SELECT count(*) FROM t WHERE y IS NULL", "201");
    brought_query("out.db", "SELECT count(*) FROM t", "580");
    brought_query("out.db",
                  "SELECT count(*) FROM pragma_table_xinfo('t') WHERE hidden OR name = 'id' AND"
                  " NOT pk",
                  "0");
    json_decref(effect);
    free(text);
}
END_TEST

/* --- damage ------------------------------------------------------------------------------- */

/* Flips a bit of a file. */
static void flip(const char *path, uint64_t random)
{
    int fd = open(path, O_RDWR);
    struct stat about;
    unsigned char byte;

    ck_assert(fd >= 0 && fstat(fd, &about) == 0 && about.st_size > 0);
    off_t at = (off_t)(random / 8 % (uint64_t)about.st_size);
    ck_assert(pread(fd, &byte, 1, at) == 1);
    byte ^= (unsigned char)(1 << random % 8);
    ck_assert(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

/* The n-th of the archive's files that this matches; the caller's to free. */
static char *cold_file(const char *pattern, size_t n)
{
    char *all = memory_format("cold/d/t/year=*/month=*/%s", pattern), *path = folder_path(all);
    glob_t found;

    ck_assert_int_eq(glob(path, 0, NULL, &found), 0);
    ck_assert_uint_lt(n, found.gl_pathc);
    char *file = memory_copy(found.gl_pathv[n]);
    globfree(&found);
    free(path);
    free(all);
    return file;
}

static const struct {
    const char *pattern;
    bool catalogue; /* it knows the manifests */
    bool table;
} damages[] = {
    {"part-*", true, false},  {"part-*", true, true},  {"part-*", false, false},
    {"_part-*", true, false}, {"_part-*", true, true},
};

/* A segment in which a bit is wrong is named, and no row of it used. */
START_TEST(flipped_bits)
{
    uint64_t random = randomdb_seed("flipped_bits");
    char *file, *state = folder_path("state/history.db");
    const char *words = damages[_i].table ? "--into-table" : "--into @/out.db";
    const char *name = damages[_i].table ? "t.db" : "out.db";

    sqlite3_close(brought_archive(&plain, "wal"));
    for (size_t n = 0; n < 3; n++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        file = cold_file(damages[_i].pattern, n);
        flip(file, random >> 20);
        free(file);
    }
    if (!damages[_i].catalogue)
        ck_assert_int_eq(unlink(state), 0);
    json_t *effect = brought_restore(words, 1);
    ck_assert_uint_eq(json_array_size(json_object_get(effect, "segments_damaged")), 3);
    int64_t put = brought_count(effect, "rows_put");
    ck_assert(put > 0 && put < 201);
    json_decref(effect);
    sqlite3 *db = brought_open(name);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM t WHERE x = 'x' || id AND id >= 200"),
                     put);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM t WHERE x IS NOT 'x' || id"), 0);
    sqlite3_close(db);
    free(state);
}
END_TEST

/* A file that is gone is missed, and the others come. */
START_TEST(missing_segment)
{
    sqlite3_close(brought_archive(&plain, "wal"));
    for (int i = 0; i < 2; i++) {
        char *file = cold_file(i ? "_part-*" : "part-*", 1);
        ck_assert_int_eq(unlink(file), 0);
        free(file);
        json_t *effect = brought_restore(i ? "--into-table" : "--into @/out.db", 1);
        ck_assert_uint_eq(json_array_size(json_object_get(effect, "segments_damaged")), 1);
        json_decref(effect);
    }
}
END_TEST

/* A segment that retention has not brought to its end may have rows that are in the table. */
START_TEST(unfinished_segments)
{
    sqlite3_close(brought_archive(&plain, "wal"));
    char *manifest = cold_file("_part-*", 0);
    int64_t length = 0;
    char *text = memory_zeroed(1 << 16, 1);
    int fd = open(manifest, O_RDONLY);

    ck_assert((length = read(fd, text, (1 << 16) - 1)) > 0);
    close(fd);
    char *state = strstr(text, "\"done\"");
    ck_assert_ptr_nonnull(state);
    char *changed =
        memory_format("%.*s\"deleting\"%s", (int)(state - text), text, state + strlen("\"done\""));
    folder_write("cold/d/t/_unfinished.json", changed);
    ck_assert_int_eq(unlink(manifest), 0);
    json_t *effect = brought_restore("--into @/out.db", 0);
    ck_assert_uint_eq(json_array_size(json_object_get(effect, "segments_unfinished")), 1);
    ck_assert_int_lt(brought_count(effect, "rows_put"), 201);
    json_decref(effect);
    free(changed);
    free(text);
    free(manifest);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("restore_archive");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, several_schemas);
    tcase_add_test(cases, plain_columns);
    tcase_add_loop_test(cases, flipped_bits, 0, sizeof damages / sizeof *damages);
    tcase_add_test(cases, missing_segment);
    tcase_add_test(cases, unfinished_segments);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
