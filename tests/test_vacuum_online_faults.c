/*
 * Lets the system fail an online compaction: writes, syncs, reads, truncations and unlinkings of
 * the database's files return errors, once, every so often or from then on, or kill; writes are
 * short; the disk is full; the application changes its schema. However it ends, there is one
 * outcome with a reason that names what failed, every row is there, and the next run completes.
 * Where strace(1) is missing or may not trace, its part says so and is skipped. SEED and ROUNDS in
 * the environment; with the own build (see test_vacuum_online.c):
 *
 *     ROUNDS=200 build/release-own-sqlite/tests/test_vacuum_online_faults
 */
#include "clock.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_numbered.h"
#include "lib_randomdb.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "lib_small.h"
#include "lib_sql.h"
#include "lib_traced.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 5, SECONDS = 60, SECONDS_A_ROUND = 30, TRIES = 20, COMMITS = 3 };

#define ORDER  "mode: online, backup: none"
#define SHRINK ORDER ", order: false"
#define RUN    "run -c @/policy.yaml --json d vacuum"

static const struct fault {
    const char *call, *error;
    const char *words, *other; /* of a reason */
} faults[] = {
    {"pwrite64", "EIO", "the disk fails", "can't be opened"},
    {"pwrite64", "ENOSPC", "the disk is full", "can't be opened"},
    {"fsync", "EIO", "the disk fails", "can't be opened"},
    {"fsync", "ENOSPC", "the disk fails", "can't be opened"},
    {"fdatasync", "EIO", "the disk fails", "can't be opened"},
    {"ftruncate", "EIO", "the disk fails", "can't be opened"},
    {"unlink", "EIO", "the disk fails", "can't be opened"},
    {"pread64", "EIO", "the disk fails", "can't be read"},
    {"pwrite64", "SIGKILL", "killed by signal 9", "killed by signal 9"},
    {"fsync", "SIGKILL", "killed by signal 9", "killed by signal 9"},
    {"ftruncate", "SIGKILL", "killed by signal 9", "killed by signal 9"},
    {"unlink", "SIGKILL", "killed by signal 9", "killed by signal 9"},
};

static const struct kind {
    const char *journal;
    int page_size;
    const char *options;
} kinds[] = {
    {"wal", 4096, ORDER}, {"delete", 4096, ORDER}, {"wal", 1024, SHRINK}, {"delete", 1024, SHRINK}};

enum { FAULTS = sizeof faults / sizeof *faults, KINDS = sizeof kinds / sizeof *kinds };

struct stage {
    struct shrink_case c;
    sqlite3 *model; /* the database as it was at first */
    char *live, *path;
    pid_t application; /* 0: none */
};

/* --- the stage ---------------------------------------------------------------------------- */

static void stage_open(struct stage *stage, const struct kind *kind)
{
    *stage = (struct stage){.c = {.name = kind->journal,
                                  .file = "live/t.db",
                                  .journal = kind->journal,
                                  .page_size = kind->page_size,
                                  .options = kind->options,
                                  .limits = SHRINK_OPEN "    max_lock: 60ms\n",
                                  .setup = numbered_tables,
                                  .scale = 1},
                            .live = folder_path("live"),
                            .path = folder_path("live/t.db")};
    mkdir(stage->live, 0700);
    shrink_remove_beside(stage->path);
    unlink(stage->path);
    stage->model = shrink_make(&stage->c);
}

static void stage_application(struct stage *stage, bool wanted)
{
    const struct numbered_way way = {stage->c.journal, "FULL"};

    if (!wanted)
        return;
    stage->application = numbered_start(stage->live, "t.db", &way);
    numbered_wait(stage->live, COMMITS);
}

/* Nothing is lost, and nothing of the application's is. Its end, if there is one. */
static void stage_check(struct stage *stage)
{
    int last = 0, found = -1;

    if (stage->application) {
        numbered_wait(stage->live, COMMITS);
        numbered_stop(stage->application);
        last = numbered_last(stage->live);
        stage->application = 0;
    }
    struct numbered_model *model = numbered_model(stage->model, last);
    const char *wrong = numbered_check(model, stage->path, last, last, &found);
    ck_assert_msg(!wrong, "%s", wrong);
    numbered_free(model);
}

/* The next run, which completes; busy it may be for a while. */
static void stage_complete(const struct stage *stage)
{
    int status = 75;

    for (int i = 0; i < TRIES && status == 75; i++) {
        struct proof_run run;
        shrink_run(&stage->c, &run);
        status = run.result.status;
        const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
        ck_assert_msg(status == 75 || status == 0, "the next run: %s", reason);
        ck_assert_msg(status == 75 || strstr(reason, "took the file") ||
                          strstr(reason, "not enough is free"),
                      "the next run: %s", reason);
        proof_free(&run);
    }
    ck_assert_msg(status == 0, "it stays busy");
}

static void stage_close(struct stage *stage)
{
    sqlite3_close(stage->model);
    free(stage->live);
    free(stage->path);
}

/* --- calls that fail ---------------------------------------------------------------------- */

static struct {
    int happened, failed;
} met;

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

/* In a run that nothing fails. */
static void count_calls(const struct kind *kind, int *calls)
{
    struct program_result result;
    struct stage stage;

    stage_open(&stage, kind);
    traced_run(RUN, "", &result);
    ck_assert_msg(result.status == 0, "%.2000s\n%s", result.out, result.err);
    program_result_free(&result);
    for (int i = 0; i < FAULTS; i++) {
        char *text = memory_format(" %s(", faults[i].call);
        calls[i] = traced_count(text);
        free(text);
    }
    stage_close(&stage);
}

/* Whether it did not end well, with what failed as its reason. */
static bool check_reason(const struct fault *fault, const struct program_result *result)
{
    bool done = traced_outcome(result);

    ck_assert_msg(done || strstr(result->out, fault->words) || strstr(result->out, fault->other),
                  "%s", result->out);
    return !done;
}

static void fault_round(const struct kind *kind, const struct fault *fault, int calls,
                        uint64_t random)
{
    char *inject = traced_choose(fault->call, fault->error, calls, &random);
    struct program_result result;
    struct stage stage;

    stage_open(&stage, kind);
    stage_application(&stage, randomdb_number(&random, 2));
    printf("  %s, %d, %s:%s\n", kind->journal, kind->page_size,
           stage.application ? "beside an application" : "alone", inject);
    fflush(stdout);
    traced_run(RUN, inject, &result);
    bool happened = traced_count("INJECTED") > 0 || traced_count("killed by SIGKILL") > 0;
    met.happened += happened;
    met.failed += check_reason(fault, &result);
    stage_check(&stage);
    stage_complete(&stage);
    stage_close(&stage);
    program_result_free(&result);
    free(inject);
}

START_TEST(calls_fail)
{
    uint64_t random = randomdb_seed("vacuum_online_faults");
    int calls[KINDS][FAULTS];

    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which would need to trace, too */
    if (!traced_can()) {
        skip("strace is missing or may not trace");
        return;
    }
    traced_watch("live/t.db");
    for (int i = 0; i < KINDS; i++)
        count_calls(&kinds[i], calls[i]);
    for (int i = 0; i < rounds(); i++) {
        uint64_t seed = i ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        int kind = (int)(seed / FAULTS % KINDS), fault = (int)(seed % FAULTS);
        while (!calls[kind][fault]) /* one library syncs so, the other so */
            fault = (fault + 1) % FAULTS;
        printf("round %d: SEED=%" PRIu64 "\n", i, seed);
        fault_round(&kinds[kind], &faults[fault], calls[kind][fault], seed);
    }
    printf("vacuum_online_faults: %d rounds, %d with a fault, %d that did not end well\n", rounds(),
           met.happened, met.failed);
    ck_assert(met.happened > 0 || rounds() == 0);
}
END_TEST

/* --- the disk ----------------------------------------------------------------------------- */

/* Each write of SQLite's takes a part of what it is given. */
START_TEST(writes_are_short)
{
    char *words = expect_words(RUN);
    struct program program;
    struct proof_run run;
    struct stage stage;

    stage_open(&stage, &kinds[_i]);
    program_start_named(&program, "stingy", words, false);
    shrink_finish(&stage.c, &program, &run);
    ck_assert_str_eq(json_string_value(json_object_get(run.outcome, "outcome")), "done");
    stage_check(&stage);
    stage_close(&stage);
    proof_free(&run);
    free(words);
}
END_TEST

static const struct {
    int kind;
    int64_t leave; /* bytes */
} fulls[] = {{0, 0}, {1, 0}, {0, 100000}, {1, 20000}, {2, 150000}, {3, 5000}};

START_TEST(the_disk_is_full)
{
    struct proof_run run;
    struct stage stage;

    if (!small_mount("live", "size=16m,mode=700"))
        return;
    stage_open(&stage, &kinds[fulls[_i].kind]);
    small_fill("live", fulls[_i].leave);
    shrink_run(&stage.c, &run);
    const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
    printf("  full: %s: %s\n", json_string_value(json_object_get(run.outcome, "outcome")), reason);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    ck_assert_msg(strcmp(outcome, "done") == 0 || strstr(reason, "the disk is full") ||
                      strstr(reason, "the disk fails"),
                  "%s", reason);
    proof_free(&run);
    small_empty("live"); /* SQLite needs room to look at it, too */
    stage_check(&stage);
    stage_complete(&stage);
    stage_check(&stage);
    small_unmount("live");
    stage_close(&stage);
}
END_TEST

/* --- the application ---------------------------------------------------------------------- */

static _Noreturn void change_schema(const char *path)
{
    sqlite3 *db = sql_open(path);

    for (;;) {
        sql_do(db, "CREATE TABLE more(a UNIQUE)");
        sql_do(db, "DROP TABLE more");
    }
}

/* Which the check has to live with, its full-text indexes, too. */
START_TEST(the_schema_changes)
{
    struct proof_run run;
    struct stage stage;

    stage_open(&stage, &kinds[_i]);
    pid_t changer = fork();
    ck_assert_int_ge(changer, 0);
    if (changer == 0)
        change_schema(stage.path);
    shrink_run(&stage.c, &run);
    kill(changer, SIGKILL);
    ck_assert_int_eq(waitpid(changer, NULL, 0), changer);
    ck_assert_msg(run.result.status == 0 || run.result.status == 75, "%s",
                  json_string_value(json_object_get(run.outcome, "reason")));
    proof_free(&run);
    sqlite3 *db = sql_open(stage.path);
    sql_do(db, "DROP TABLE IF EXISTS more");
    sqlite3_close(db);
    stage_check(&stage);
    stage_close(&stage);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

static void add_all(TCase *some)
{
    tcase_add_checked_fixture(some, set_up, folder_remove);
    tcase_add_test(some, calls_fail);
    tcase_add_loop_test(some, writes_are_short, 0, KINDS);
    tcase_add_loop_test(some, the_disk_is_full, 0, sizeof fulls / sizeof *fulls);
    tcase_add_loop_test(some, the_schema_changes, 0, 2);
}

int main(void)
{
    return online_main("vacuum_online_faults", SECONDS + SECONDS_A_ROUND * rounds(), add_all);
}
