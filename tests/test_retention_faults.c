/*
 * Retention end to end, when something is in the way: locks, readers, permissions, a full disk, a
 * file that is moved or replaced, a table that goes, a clock that can't be right. Nothing is lost,
 * and the reason is told.
 */
#include "lib_folder.h"
#include "lib_proof.h"
#include "memory.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/timex.h>
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

/* The run ends as the case says with nothing done. */
static void check_refused(const struct proof_case *c, sqlite3 *model)
{
    struct proof_run run;

    proof_run(c, &run);
    proof_check_outcome(c, &run, 0);
    proof_free(&run);
    if (model)
        proof_same(c, model);
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
    check_refused(&c, NULL);
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
    ck_assert_int_eq(run.result.status, 0);
    proof_same(&pinned, model);
    proof_free(&run);
    sqlite3_close(model);
    free(path);
    free(me);
}
END_TEST

/* --- changes in the middle of a run ------------------------------------------------------- */

static const struct proof_case slow = {
    .name = "slow", .setup = TABLE(20000), .options = "keep: 100d", .model = OLD, .limits = SLOW};

static void start_slowly(struct program *program, int mode, sqlite3 **model)
{
    *model = proof_make(&slow, JOURNAL(mode));
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
    sqlite3 *model;

    start_slowly(&program, _i, &model);
    test_rename("t.db-wal", "moved.db-wal");
    test_rename("t.db-shm", "moved.db-shm");
    test_rename("t.db", "moved.db");
    proof_finish(&slow, &program, &run);
    check_reason(&run, "moved or replaced");
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
    sqlite3 *model, *same = proof_make(&other, "delete");

    start_slowly(&program, 1, &model);
    test_rename("t.db", "old.db");
    test_rename("other.db", "t.db");
    proof_finish(&slow, &program, &run);
    check_reason(&run, "moved or replaced");
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
    char *path = proof_path(&slow);
    sqlite3 *model, *db;

    start_slowly(&program, _i, &model);
    db = proof_open(path);
    proof_do(db, "DROP TABLE t");
    sqlite3_close(db);
    proof_finish(&slow, &program, &run);
    check_reason(&run, "no such table: t");
    proof_do(model, "DROP TABLE t");
    proof_same(&slow, model);
    proof_free(&run);
    sqlite3_close(model);
    free(path);
}
END_TEST

START_TEST(an_index_dropped)
{
    struct program program;
    struct proof_run run;
    char *path = proof_path(&slow);
    sqlite3 *model, *db;

    start_slowly(&program, _i, &model);
    db = proof_open(path);
    proof_do(db, "DROP INDEX t_at");
    sqlite3_close(db);
    proof_finish(&slow, &program, &run);
    check_reason(&run, "no such index: t_at");
    proof_do(model, "DROP INDEX t_at");
    check_kept("t.db", model);
    proof_free(&run);
    sqlite3_close(model);
    free(path);
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
        puts("skipped: needs root and a mount namespace");
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
                                         .outcome = "skipped"};

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
    check_refused(&denied, NULL);
    chmod(folder, 0755);
    chmod(path, 0644);
    proof_same(&denied, model);
    sqlite3_close(model);
    free(folder);
    free(path);
}
END_TEST

/* --- a clock that can't be right ---------------------------------------------------------- */

#define NOW "(strftime('%s', 'now') * 1000000)"
#define DAY "86400000000"

/* What is done to the history, and how the doubt is told. */
static const struct {
    const char *history, *reason;
} clocks[] = {
    {"UPDATE clock SET last_us = " NOW " + " DAY,
     "the clock is in doubt: it says ~, but the history already has an entry of ~; synchronise it, "
     "or say --trust-clock if it is right"},
    {"UPDATE run SET recorded_us = " NOW " + " DAY,
     "the clock is in doubt: ~already has an entry~"},
    {"UPDATE clock SET offset_us = offset_us - 7200000000",
     "the clock is in doubt: it was set forward by ~ since this boot was first seen~"},
    {"UPDATE clock SET offset_us = offset_us + 7200000000",
     "the clock is in doubt: it was set back by ~ since this boot was first seen~"},
    {"UPDATE clock SET last_us = " NOW " - 8 * " DAY "; UPDATE run SET recorded_us = " NOW
     " - 8 * " DAY,
     "the clock is in doubt: it is over 7 days ahead of ~"},
    {"UPDATE clock SET synchronised = 1",
     "the clock is in doubt: the kernel reports it unsynchronised~"},
};

static bool clock_is_synchronised(void)
{
    struct timex state = {0};

    return adjtimex(&state) != TIME_ERROR;
}

START_TEST(a_clock_in_doubt)
{
    struct proof_case c = {.name = clocks[_i].history,
                           .setup = TABLE(1000) "DELETE FROM t WHERE age < 200;"
                                                "INSERT INTO t(at) VALUES(strftime('%s', "
                                                "'3000-01-01') + 0)",
                           .options = "keep: 100d, observe: true",
                           .outcome = "skipped"};
    char *path = test_path("state/history.db");
    struct proof_run run;

    if (clock_is_synchronised()) {
        puts("skipped: the host's clock is synchronised, and so beyond doubt");
        return;
    }
    sqlite3 *untouched = proof_make(&c, "wal");
    check_refused(&c, untouched);
    sqlite3 *history = proof_open(path);
    proof_do(history, clocks[_i].history);
    c.options = "keep: 100d";
    c.reason = clocks[_i].reason;
    c.words = " --force";
    proof_policy(&c);
    check_refused(&c, untouched);
    proof_do(history, clocks[_i].history);
    proof_do(untouched, OLD);
    c.words = " --trust-clock";
    proof_run(&c, &run);
    ck_assert_str_eq(json_string_value(json_object_get(run.outcome, "outcome")), "done");
    proof_same(&c, untouched);
    proof_free(&run);
    sqlite3_close(history);
    sqlite3_close(untouched);
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
    tcase_add_loop_test(cases, a_clock_in_doubt, 0, LENGTH(clocks));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
