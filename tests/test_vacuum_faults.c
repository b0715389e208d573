/*
 * Vacuum end to end, when something is in the way: locks, readers, missing rights, a word to stop.
 * The database stays sound, every row stays, and the reason is told.
 */
#include "clock.h"
#include "lib_folder.h"
#include "lib_ledger.h"
#include "lib_shrink.h"
#include "lib_writer.h"
#include "memory.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOON          SHRINK_OPEN "    busy_timeout: 300ms\n"
#define WAIT_MS       300
#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static const char *const journals[] = {"wal", "delete"};
static const char *const kepts[] = {"none", "incremental"};

/* --- locks -------------------------------------------------------------------------------- */

static const struct {
    const char *journal, *kept, *lock, *reason;
} locks[] = {
    {"wal", "none", "BEGIN IMMEDIATE", "the application kept it locked~"},
    {"wal", "incremental", "BEGIN IMMEDIATE", "the application kept it locked~"},
    {"delete", "none", "BEGIN IMMEDIATE", "the application kept it locked~"},
    {"delete", "incremental", "BEGIN IMMEDIATE", "the application kept it locked~"},
    {"delete", "none", "BEGIN; SELECT count(*) FROM a", "the application kept it locked~"},
    {"delete", "incremental", "BEGIN; SELECT count(*) FROM a",
     "the application's readers let no commit through"},
    {"wal", "none", "PRAGMA locking_mode = EXCLUSIVE; DELETE FROM a WHERE 0",
     "the application kept it locked~"},
};

/* Runs it against a lock that stays, and returns the longest hold. */
static double run_in_vain(const struct shrink_case *c, const char *lock)
{
    struct proof_run run;
    char *path = folder_path("t.db");
    sqlite3 *application = proof_open(path);

    proof_do(application, lock);
    shrink_run(c, &run);
    sqlite3_close(application);
    free(path);
    shrink_check(c, &run);
    double held_ms =
        json_number_value(json_object_get(json_object_get(run.outcome, "lock"), "max_ms"));
    proof_free(&run);
    return held_ms;
}

/* The wait is no hold. One of three runs shows it, for the disk may stand still in a hold. */
START_TEST(a_lock_is_waited_for_and_told)
{
    struct shrink_case c = {.name = locks[_i].lock,
                            .journal = locks[_i].journal,
                            .kept = locks[_i].kept,
                            .limits = SOON,
                            .status = 75,
                            .outcome = "skipped",
                            .reason = locks[_i].reason};
    sqlite3 *model = shrink_make(&c);
    double held_ms = INFINITY;

    for (int i = 0; held_ms >= WAIT_MS - 10 && i < 3; i++)
        held_ms = run_in_vain(&c, locks[_i].lock);
    ck_assert_double_lt(held_ms, WAIT_MS - 10);
    shrink_same(&c, model);
    sqlite3_close(model);
}
END_TEST

/* The wait is no hold. */
START_TEST(a_lock_that_ends_in_time)
{
    struct shrink_case c = {.name = "in time", .journal = journals[_i], .mode = "full"};
    struct program program;
    struct proof_run run;
    char *path = folder_path("t.db");
    sqlite3 *model = shrink_make(&c), *application = proof_open(path);

    proof_do(application, "BEGIN IMMEDIATE");
    shrink_start(&c, &program);
    ck_assert(program_expect(&program, "\"event\":\"progress\""));
    clock_sleep_ms(1000);
    proof_do(application, "ROLLBACK");
    sqlite3_close(application);
    shrink_finish(&c, &program, &run);
    shrink_check(&c, &run);
    double held =
        json_number_value(json_object_get(json_object_get(run.outcome, "lock"), "max_ms"));
    ck_assert_double_lt(held,
                        json_number_value(json_object_get(run.outcome, "seconds")) * 1e3 - 900);
    shrink_same(&c, model);
    proof_free(&run);
    sqlite3_close(model);
    free(path);
}
END_TEST

static int64_t file_size(const char *path)
{
    struct stat about;

    ck_assert_int_eq(stat(path, &about), 0);
    return about.st_size;
}

/* In WAL mode who reads sees what was there, and the file is as it was until a checkpoint. */
START_TEST(a_reader_keeps_its_snapshot)
{
    struct shrink_case c = {.name = "reader",
                            .mode = "full",
                            .reason = "a full VACUUM took the file from # MiB to # MiB; the file "
                                      "gets smaller with the application's next checkpoint, till "
                                      "then the WAL has # MiB"};
    struct proof_run run;
    char *path = folder_path("t.db");
    sqlite3 *model = shrink_make(&c), *reader = proof_open(path);
    static const char sum[] = "SELECT sum(id), sum(n), max(k) FROM a";
    int64_t size = file_size(path);

    proof_do(reader, "BEGIN");
    char *before = proof_text(reader, sum);
    shrink_run(&c, &run);
    char *after = proof_text(reader, sum);
    ck_assert_str_eq(before, after);
    shrink_check(&c, &run);
    ck_assert_int_eq(file_size(path), size);
    proof_do(reader, "COMMIT");
    shrink_same(&c, model);
    proof_do(reader, "PRAGMA wal_checkpoint(TRUNCATE)");
    ck_assert_int_eq(file_size(path), shrink_number(run.outcome, "bytes"));
    sqlite3_close(reader);
    shrink_same(&c, model);
    proof_free(&run);
    sqlite3_close(model);
    free(before);
    free(after);
    free(path);
}
END_TEST

/* --- beside an application ---------------------------------------------------------------- */

static const struct ledger_kind kinds[] = {{"wal", true, false, 20}, {"delete", true, true, 20}};

/* No statement of the application fails, and no commit is lost. */
START_TEST(an_application_works_on)
{
    struct shrink_case c = {.name = "beside", .kept = kepts[1], .limits = "    max_lock: 10ms\n"};
    struct ledger *ledger = ledger_new();
    char *path = folder_path("t.db");
    struct proof_run run;

    shrink_make_ledger(path, &kinds[_i], kepts[1], 0);
    ledger_start(ledger, &kinds[_i]);
    shrink_policy(&c);
    pid_t writer = writer_start(ledger, path, 1);
    int64_t commits = ledger->commits;
    shrink_run(&c, &run);
    commits = ledger->commits - commits;
    writer_stop(writer);
    ck_assert_str_eq(json_string_value(json_object_get(run.outcome, "outcome")), "done");
    ck_assert_int_gt(shrink_number(run.outcome, "pages_before"),
                     shrink_number(run.outcome, "pages") + 1000);
    ck_assert_int_gt(commits, 10);
    ck_assert_int_gt(
        json_integer_value(json_object_get(json_object_get(run.outcome, "lock"), "count")), 3);
    ledger_check(ledger, path, false);
    shrink_check_ballast(path);
    proof_free(&run);
    free(path);
}
END_TEST

/* --- rights ------------------------------------------------------------------------------- */

START_TEST(what_may_not_be_written)
{
    static const struct {
        mode_t file, folder;
    } modes[] = {{0444, 0755}, {0644, 0555}};
    struct shrink_case c = {.name = "read-only",
                            .file = "d/t.db",
                            .journal = journals[_i % 2],
                            .kept = kepts[_i / 2 % 2],
                            /* that no temporary file can be made beside it is seen before */
                            .outcome = _i == 5 ? "skipped" : "failed",
                            .status = _i == 5 ? 0 : 1};
    struct proof_run run;
    char *folder = folder_path("d"), *path = folder_path("d/t.db");

    mkdir(folder, 0755);
    sqlite3 *model = shrink_make(&c);
    chmod(path, modes[_i / 4].file);
    chmod(folder, modes[_i / 4].folder);
    shrink_run(&c, &run);
    shrink_check(&c, &run);
    chmod(folder, 0755);
    chmod(path, 0644);
    shrink_same(&c, model);
    proof_free(&run);
    sqlite3_close(model);
    free(folder);
    free(path);
}
END_TEST

/* --- the word to stop --------------------------------------------------------------------- */

/* While a full VACUUM copies out, or between two steps: either nothing has changed, or it is done.
 */
START_TEST(an_interrupt)
{
    struct shrink_case c = {.name = "interrupted",
                            .journal = journals[_i % 2],
                            .kept = kepts[_i / 2],
                            .scale = 12,
                            .mode = _i / 2 ? "incremental" : "full"};
    struct program program;
    struct proof_run run;

    sqlite3 *model = shrink_make(&c);
    int64_t pages = shrink_pragma(&c, "page_count");
    shrink_start(&c, &program);
    ck_assert(program_expect(&program, "\"event\":\"progress\""));
    clock_sleep_ms(20);
    kill(program.pid, SIGINT);
    shrink_finish(&c, &program, &run);
    shrink_same(&c, model);
    if (run.result.status == 0) {
        shrink_check(&c, &run);
    } else {
        ck_assert_int_eq(run.result.status, 130);
        ck_assert_str_eq(json_string_value(json_object_get(run.outcome, "outcome")), "cancelled");
        if (!(_i / 2))
            ck_assert_int_eq(shrink_pragma(&c, "page_count"), pages);
    }
    proof_free(&run);
    sqlite3_close(model);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("vacuum_faults");
    TCase *cases = tcase_create("vacuum_faults");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, a_lock_is_waited_for_and_told, 0, LENGTH(locks));
    tcase_add_loop_test(cases, a_lock_that_ends_in_time, 0, 2);
    tcase_add_test(cases, a_reader_keeps_its_snapshot);
    tcase_add_loop_test(cases, an_application_works_on, 0, LENGTH(kinds));
    tcase_add_loop_test(cases, what_may_not_be_written, 0, 8);
    tcase_add_loop_test(cases, an_interrupt, 0, 4);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
