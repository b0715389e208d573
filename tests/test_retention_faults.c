/*
 * Retention end to end, when something is in the way: locks, readers, permissions, a full disk, a
 * file that is moved or replaced, a table that goes. Nothing is lost, and the reason is told.
 */
#include "lib_folder.h"
#include "lib_proof.h"
#include "lib_skip.h"
#include "memory.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rows aged 6 to 5 * n + 1 hours; 100 days are 2400 hours. */
#define TABLE(n)                                                                              \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, age INT, note); CREATE INDEX t_at ON" \
    " t(at);" PROOF_NUMBERS(n) "INSERT INTO t SELECT i, strftime('%s', " PROOF_AGO(           \
        "i * 5 + 1") ") + 0, i * 5 + 1, hex(randomblob(30)) FROM n;"
#define OLD           "DELETE FROM t WHERE age > 2400"
#define SLOW          "    duty: 1%\n    max_lock: 1ms\n    busy_timeout: 2s\n"
#define JOURNAL(i)    ((i) ? "delete" : "wal")
#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static char *test_path(const char *name)
{
    return folder_path(name);
}

static void test_rename(const char *from, const char *to)
{
    char *a = test_path(from), *b = test_path(to);

    if (rename(a, b))
        ck_assert_msg(strstr(from, "-") != NULL, "%s", from); /* a log may be missing */
    free(a);
    free(b);
}

/* --- locks -------------------------------------------------------------------------------- */

static const struct {
    struct proof_case proof;
    const char *journal, *lock;
} locks[] = {
    {{.name = "a write transaction", .reason = "the application kept it locked~"},
     "wal",
     "BEGIN IMMEDIATE"},
    {{.name = "a write transaction", .reason = "the application kept it locked~"},
     "delete",
     "BEGIN IMMEDIATE"},
    {{.name = "an exclusive transaction", .reason = "the application kept it locked~"},
     "delete",
     "BEGIN EXCLUSIVE"},
    {{.name = "locking_mode", .reason = "the application kept it locked~"},
     "wal",
     "PRAGMA locking_mode = EXCLUSIVE; DELETE FROM t WHERE 0"},
    {{.name = "locking_mode", .reason = "the application kept it locked~"},
     "delete",
     "PRAGMA locking_mode = EXCLUSIVE; DELETE FROM t WHERE 0"},
    {{.name = "a reader", .reason = "the application's readers let no commit through"},
     "delete",
     "BEGIN; SELECT count(*) FROM t"},
};

START_TEST(a_lock_is_waited_for_and_told)
{
    struct proof_case c = locks[_i].proof;
    char *path;

    c.setup = TABLE(1000);
    c.options = "keep: 100d";
    c.status = 75;
    c.outcome = "skipped";
    sqlite3 *model = proof_make(&c, locks[_i].journal);
    sqlite3 *application = proof_open(path = proof_path(&c));
    proof_do(application, locks[_i].lock);
    proof_refused(&c, NULL);
    sqlite3_close(application);
    proof_same(&c, model);
    sqlite3_close(model);
    free(path);
}
END_TEST

static const struct proof_case pinned = {.name = "a reader pins the WAL",
                                         .setup = TABLE(30000),
                                         .options = "keep: 100d",
                                         .model = OLD,
                                         .limits = "    max_wal: 1MiB\n    busy_timeout: 300ms\n"};

START_TEST(a_reader_that_pins_the_log_is_named)
{
    struct proof_run run;
    char *path = proof_path(&pinned), *me = memory_format("%d", (int)getpid());
    sqlite3 *model = proof_make(&pinned, "wal"), *reader = proof_open(path);

    proof_do(reader, "BEGIN; SELECT count(*) FROM t");
    proof_run(&pinned, &run);
    const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
    ck_assert_msg(strstr(reason, "(max_wal 1.0 MiB): an open read transaction of ") &&
                      strstr(reason, "test_retention") && strstr(reason, me),
                  "%s", reason);
    ck_assert_int_eq(run.result.status, 75);
    proof_free(&run);
    sqlite3_close(reader);
    proof_run(&pinned, &run);
    ck_assert_msg(run.result.status == 0, "%s",
                  json_string_value(json_object_get(run.outcome, "reason")));
    proof_same(&pinned, model);
    proof_free(&run);
    sqlite3_close(model);
    free(path);
    free(me);
}
END_TEST

/* --- changes in the middle of a run ------------------------------------------------------- */

static const struct proof_case slow = {
    .name = "slow", .setup = TABLE(40000), .options = "keep: 100d", .model = OLD, .limits = SLOW};

/* An application has the file open, for alone litekeeper would make haste. */
static void start_slowly(struct program *program, int mode, sqlite3 **model, sqlite3 **application)
{
    char *path = proof_path(&slow);

    *model = proof_make(&slow, JOURNAL(mode));
    *application = proof_open(path);
    proof_integer(*application, "SELECT count(*) FROM t");
    free(path);
    proof_start(&slow, program);
    ck_assert(program_expect(program, "\"event\":\"progress\""));
}

static void check_reason(const struct proof_run *run, const char *part)
{
    const char *reason = json_string_value(json_object_get(run->outcome, "reason"));

    ck_assert_msg(reason && strstr(reason, part), "%s", reason);
    ck_assert_str_ne(json_string_value(json_object_get(run->outcome, "outcome")), "done");
}

/* The file, wherever it is now, still holds all that should stay. */
static void check_kept(const char *file, sqlite3 *model)
{
    struct proof_case moved = slow;
    char *path = test_path(file);
    sqlite3 *db = proof_open(path);
    char *integrity = proof_text(db, "PRAGMA integrity_check");

    ck_assert_str_eq(integrity, "ok");
    proof_do(db, OLD);
    sqlite3_close(db);
    moved.file = file;
    proof_same(&moved, model);
    free(integrity);
    free(path);
}

START_TEST(a_file_moved_away)
{
    struct program program;
    struct proof_run run;
    sqlite3 *model, *application;

    start_slowly(&program, _i, &model, &application);
    test_rename("t.db-wal", "moved.db-wal");
    test_rename("t.db-shm", "moved.db-shm");
    test_rename("t.db", "moved.db");
    proof_finish(&slow, &program, &run);
    check_reason(&run, "moved or replaced");
    sqlite3_close(application);
    check_kept("moved.db", model);
    proof_free(&run);
    sqlite3_close(model);
}
END_TEST

START_TEST(a_file_replaced)
{
    struct program program;
    struct proof_run run;
    struct proof_case other = {
        .name = "other", .file = "other.db", .setup = TABLE(1000), .options = "keep: 100d"};
    sqlite3 *model, *application, *same = proof_make(&other, "delete");

    start_slowly(&program, 1, &model, &application);
    test_rename("t.db", "old.db");
    test_rename("other.db", "t.db");
    proof_finish(&slow, &program, &run);
    check_reason(&run, "moved or replaced");
    sqlite3_close(application);
    check_kept("old.db", model);
    other.file = NULL;
    proof_same(&other, same);
    proof_free(&run);
    sqlite3_close(model);
    sqlite3_close(same);
}
END_TEST

START_TEST(a_table_dropped)
{
    struct program program;
    struct proof_run run;
    sqlite3 *model, *application;

    start_slowly(&program, _i, &model, &application);
    proof_do(application, "DROP TABLE t");
    sqlite3_close(application);
    proof_finish(&slow, &program, &run);
    check_reason(&run, "no such table: t");
    proof_do(model, "DROP TABLE t");
    proof_same(&slow, model);
    proof_free(&run);
    sqlite3_close(model);
}
END_TEST

START_TEST(an_index_dropped)
{
    struct program program;
    struct proof_run run;
    sqlite3 *model, *application;

    start_slowly(&program, _i, &model, &application);
    proof_do(application, "DROP INDEX t_at");
    sqlite3_close(application);
    proof_finish(&slow, &program, &run);
    check_reason(&run, "no such index: t_at");
    proof_do(model, "DROP INDEX t_at");
    check_kept("t.db", model);
    proof_free(&run);
    sqlite3_close(model);
}
END_TEST

/* --- what the file system says ------------------------------------------------------------ */

static const struct proof_case small = {.name = "a full disk",
                                        .file = "small/t.db",
                                        .setup = TABLE(20000),
                                        .options = "keep: 100d",
                                        .model = OLD};

/* All but `left` bytes of the file system. */
static void fill(const char *name, off_t left)
{
    char *path = test_path(name), bytes[4096] = {1};
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    off_t size = 0;

    for (ssize_t got; (got = write(file, bytes, sizeof bytes)) > 0;)
        size += got;
    ck_assert_int_eq(ftruncate(file, size - left), 0);
    close(file);
    free(path);
}

START_TEST(a_full_disk)
{
    struct proof_run run;
    char *folder = test_path("small"), *ballast = test_path("small/ballast");

    mkdir(folder, 0755);
    if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("small", folder, "tmpfs", MS_NOSUID, "size=12m,mode=755")) {
        skip("needs root and a mount namespace");
        return;
    }
    sqlite3 *model = proof_make(&small, JOURNAL(_i));
    fill("small/ballast", 65536);
    proof_run(&small, &run);
    ck_assert_str_eq(json_string_value(json_object_get(run.outcome, "outcome")), "failed");
    ck_assert_int_eq(run.result.status, 1);
    check_reason(&run, "the disk is full");
    proof_free(&run);
    unlink(ballast);
    proof_run(&small, &run);
    ck_assert_int_eq(run.result.status, 0);
    proof_same(&small, model);
    proof_free(&run);
    sqlite3_close(model);
    umount2(folder, MNT_DETACH);
    free(folder);
    free(ballast);
}
END_TEST

static const struct proof_case denied = {.name = "read-only",
                                         .file = "d/t.db",
                                         .setup = TABLE(1000),
                                         .options = "keep: 100d",
                                         .status = 1,
                                         .outcome = "failed"};

START_TEST(what_may_not_be_written)
{
    static const struct {
        mode_t file, folder;
    } modes[] = {{0444, 0755}, {0644, 0555}};
    char *folder = test_path("d"), *path = proof_path(&denied);

    mkdir(folder, 0755);
    sqlite3 *model = proof_make(&denied, JOURNAL(_i % 2));
    chmod(path, modes[_i / 2].file);
    chmod(folder, modes[_i / 2].folder);
    proof_refused(&denied, NULL);
    chmod(folder, 0755);
    chmod(path, 0644);
    proof_same(&denied, model);
    sqlite3_close(model);
    free(folder);
    free(path);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("retention_faults");
    TCase *cases = tcase_create("retention_faults");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, a_lock_is_waited_for_and_told, 0, LENGTH(locks));
    tcase_add_test(cases, a_reader_that_pins_the_log_is_named);
    tcase_add_loop_test(cases, a_file_moved_away, 0, 2);
    tcase_add_test(cases, a_file_replaced);
    tcase_add_loop_test(cases, a_table_dropped, 0, 2);
    tcase_add_loop_test(cases, an_index_dropped, 0, 2);
    tcase_add_loop_test(cases, a_full_disk, 0, 2);
    tcase_add_loop_test(cases, what_may_not_be_written, 0, 4);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
