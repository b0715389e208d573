/*
 * What online compaction finds out only when it is at work, and what it then does: applications
 * that commit without a journal, commits that take too long, an integrity_check of yesterday that
 * will do, a window that closes. Against the real program. It needs the own build (see
 * test_vacuum_online.c).
 */
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "lib_traced.h"
#include "memory.h"
#include "vacuum_care.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))
#define ONLINE        "mode: online, backup: none"

/* --- journals ----------------------------------------------------------------------------- */

static const struct {
    const char *mode;
    bool refused;
} modes[] = {
    {"delete", false}, {"truncate", false}, {"persist", false}, {"memory", true}, {"off", true}};

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int poll(void *argument, int count)
{
    (void)argument;
    pause_ms(1);
    return count < 20000;
}

/* Commits all the time, and keeps the number of rows as it is. */
static pid_t application(const char *path, const char *mode)
{
    pid_t child = fork();

    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sqlite3 *db = sql_open(path);
    sqlite3_busy_handler(db, poll, NULL);
    sql_do(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = %s", mode);
    for (int i = 0;; i++) {
        sql_do(db, "UPDATE c SET v = %d WHERE id = %d", i + 1, i % 1000 + 1);
        pause_ms(3);
    }
}

/* The journal's absence is told, and the file is sound: no crash has come of it so far. */
START_TEST(journals)
{
    struct shrink_case c = {.name = modes[_i].mode,
                            .journal = "delete",
                            .options = ONLINE,
                            .scale = 8,
                            .limits = SHRINK_OPEN "    busy_timeout: 20s\n    max_lock: 80ms\n"};
    struct proof_run run;

    folder_make();
    sqlite3_close(shrink_make(&c));
    char *path = folder_path("t.db");
    pid_t child = application(path, modes[_i].mode);
    shrink_run(&c, &run);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
    printf("  %s: %s: %s\n", modes[_i].mode, outcome, reason);
    if (modes[_i].refused)
        ck_assert_msg(strstr(reason, "somebody has committed without a journal beside the file, as "
                                     "with journal_mode=OFF or MEMORY") != NULL,
                      "%s", reason);
    else
        ck_assert_str_eq(outcome, "done");
    proof_free(&run);
    free(path);
    folder_remove();
}
END_TEST

/* --- a slow disk -------------------------------------------------------------------------- */

#define SLOW " -e inject=fsync,fdatasync:delay_exit=15000" /* microseconds */

START_TEST(slow_commits)
{
    struct shrink_case c = {.name = "slow",
                            .journal = "delete",
                            .options = "mode: online",
                            .limits = SHRINK_OPEN "    max_lock: 30ms\n"};
    struct program_result result;

    if (!traced_can()) {
        skip("no strace, or it may not trace");
        return;
    }
    folder_make();
    sqlite3 *model = shrink_make(&c);
    int64_t pages = shrink_pragma(&c, "page_count");
    traced_watch("t.db");
    traced_run("run -c @/policy.yaml --json d vacuum", SLOW, &result);
    printf("%s\n", result.out);
    ck_assert_msg(strstr(result.out, "\"outcome\":\"skipped\"") &&
                      strstr(result.out, "\"reason\":\"a commit takes ") &&
                      strstr(result.out, " ms here, and a step that moves pages ends in one: set "
                                         "max_lock, which is 30 ms, to at least twice that, or "
                                         "take mode: full"),
                  "%s%s", result.out, result.err);
    program_result_free(&result);
    ck_assert_int_eq(shrink_pragma(&c, "page_count"), pages);
    shrink_same(&c, model);
    sqlite3_close(model);
    folder_remove();
}
END_TEST

/* --- a check of yesterday ----------------------------------------------------------------- */

static const char known[] = "so it is not run before the pages are moved";

/* Whether the next run finds that there was a check already. */
static bool knows(const struct shrink_case *c, int status)
{
    struct program program;
    struct program_result result;

    shrink_start(c, &program);
    program_finish(&program, &result);
    ck_assert_msg(result.status == status, "%s%s", result.out, result.err);
    bool does = strstr(result.out, known) || strstr(result.err, known);
    program_result_free(&result);
    return does;
}

static void renew(void)
{
    char *path = folder_path("t.db"), *other = folder_path("other.db");

    shrink_renew(path, other);
    ck_assert_int_eq(rename(other, path), 0);
    free(other);
    free(path);
}

/* Its own last one, at its end; of another file at that path it says nothing. */
START_TEST(its_own_check)
{
    struct shrink_case c = {
        .name = "own", .options = ONLINE, .words = " --force", .journal = "delete", .scale = 1};

    folder_make();
    sqlite3 *model = shrink_make(&c);
    ck_assert(!knows(&c, 0));
    ck_assert(knows(&c, 0));
    renew();
    ck_assert(!knows(&c, 0));
    ck_assert(knows(&c, 0));
    shrink_same(&c, model);
    sqlite3_close(model);
    folder_remove();
}
END_TEST

static void integrity(const char *level, int status)
{
    struct program_result result;
    char *yaml =
        memory_format("daemon: { state: '@/state' }\ndatabases:\n  - name: d\n"
                      "    path: '@/t.db'\n" SHRINK_OPEN "    integrity: { level: %s }\n"
                      "    vacuum: { free_above: 5%%, free_bytes_above: 100KiB, " ONLINE " }\n",
                      level);
    expect_policy(yaml);
    expect_run("run -c @/policy.yaml --json d integrity", &result);
    ck_assert_msg(result.status == status, "%s%s", result.out, result.err);
    program_result_free(&result);
    free(yaml);
}

/* The task integrity's, if it was a whole one, and its last. */
START_TEST(the_tasks_check)
{
    struct shrink_case c = {
        .name = "task", .options = ONLINE, .words = " --force", .journal = "delete", .scale = 1};

    folder_make();
    sqlite3_close(shrink_make(&c));
    if (_i == 0) {
        integrity("quick", 0);
        ck_assert(!knows(&c, 0));
    } else {
        integrity("full", 0);
        ck_assert(knows(&c, 0));
    }
    folder_remove();
}
END_TEST

/* A copy that a killed run has left is a doubt. */
START_TEST(a_copy_that_is_left)
{
    struct shrink_case c = {
        .name = "left", .options = ONLINE, .words = " --force", .journal = "delete", .scale = 1};

    folder_make();
    sqlite3_close(shrink_make(&c));
    ck_assert(!knows(&c, 0));
    char *path = folder_path("t.db"), *copy = folder_path("t.db-litekeeper-copy");
    sqlite3 *db = sql_open(path);
    sql_do(db, "VACUUM INTO '%s'", copy);
    sqlite3_close(db);
    ck_assert_int_eq(chmod(copy, 0600), 0);
    ck_assert(!knows(&c, 0));
    ck_assert_int_lt(access(copy, F_OK), 0);
    ck_assert(knows(&c, 0));
    free(copy);
    free(path);
    folder_remove();
}
END_TEST

/* Kills the worker once it has begun to edit pages, without a copy. */
static void kill_amid(const struct shrink_case *c, const char *mark)
{
    struct program_result result;
    struct program program;

    shrink_start(c, &program);
    for (int i = 0; i < 100000 && access(mark, F_OK) < 0; i++)
        usleep(100);
    pid_t worker = family_youngest(program.pid);
    ck_assert_int_gt(worker, 0);
    kill(worker, SIGKILL);
    program_finish(&program, &result);
    ck_assert_msg(strstr(result.out, "killed by signal 9"), "%s%s", result.out, result.err);
    ck_assert_msg(strstr(result.out, known), "%s", result.out);
    ck_assert_int_eq(access(mark, F_OK), 0);
    program_result_free(&result);
}

/* Whatever was known of the file before a run was killed counts no more, and that there is nothing
 * to be given back does not matter. */
START_TEST(a_run_that_was_killed)
{
    static const char *const ways[] = {"wal", "delete"};
    struct shrink_case c = {.name = "killed", .options = ONLINE, .journal = ways[_i]};
    struct shrink_case dense = {.name = "dense", .options = ONLINE, .limits = SHRINK_OPEN};

    folder_make();
    char *mark = folder_path("t.db" IDENTITY_MARK);
    sqlite3 *model = shrink_make(&c);
    integrity("full", 0);
    kill_amid(&c, mark);
    ck_assert(!knows(&c, 0));
    ck_assert_int_lt(access(mark, F_OK), 0);
    c.words = " --force";
    ck_assert(knows(&c, 0));
    ck_assert_int_lt(access(mark, F_OK), 0);

    folder_write("t.db" IDENTITY_MARK, "");
    ck_assert_int_eq(chmod(mark, 0600), 0);
    ck_assert(!knows(&dense, 0));
    ck_assert_int_lt(access(mark, F_OK), 0);
    shrink_same(&c, model);
    sqlite3_close(model);
    free(mark);
    folder_remove();
}
END_TEST

static void add_all(TCase *some)
{
    tcase_add_loop_test(some, journals, 0, LENGTH(modes));
    tcase_add_test(some, slow_commits);
    tcase_add_test(some, its_own_check);
    tcase_add_loop_test(some, the_tasks_check, 0, 2);
    tcase_add_test(some, a_copy_that_is_left);
    tcase_add_loop_test(some, a_run_that_was_killed, 0, 2);
}

int main(void)
{
    return online_main("vacuum_refused", 60, add_all);
}
