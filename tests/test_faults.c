/*
 * Lets the system fail litekeeper: writes, reads and syncs of the database that return errors, a
 * kill at one exact call, too little memory, a worker that stands still. However it fails, each
 * task has one outcome with a reason, nothing is lost, and the next run completes. Where strace(1)
 * is missing or may not trace, its part says so and is skipped. SEED and ROUNDS as in test_crash.
 */
#include "lib_crash.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "lib_traced.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__ /* it maps terabytes */
#define SANITIZED true
#else
#define SANITIZED false
#endif

enum { ROUNDS = 20, SECONDS_A_ROUND = 30 };
enum { MEMORY_LEAST = 4096, MEMORY_MOST = 65536, MEMORY_STEP = 64, MEMORY_ENOUGH = 4 }; /* KiB */

static const struct ledger_kind kinds[] = {{"wal", true, true, 2}, {"delete", false, false, 2}};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct fault {
    const char *call, *effect;
    bool kills;
} faults[] = {
    {"pwrite64", "error=ENOSPC", false},  {"pwrite64", "error=EIO", false},
    {"fdatasync", "error=EIO", false},    {"pread64", "error=EIO", false},
    {"ftruncate", "error=EIO", false},    {"unlink", "error=EIO", false},
    {"pwrite64", "signal=SIGKILL", true}, {"fdatasync", "signal=SIGKILL", true},
    {"unlink", "signal=SIGKILL", true},   {"ftruncate", "signal=SIGKILL", true},
};

enum { FAULTS = sizeof faults / sizeof *faults };

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

/* --- calls that fail ---------------------------------------------------------------------- */

/* How often each fault's call happens in a run that nothing ends. */
static void count_calls(struct crash *crash, const struct ledger_kind *kind, int *calls)
{
    struct program_result result;

    crash_reset(crash, kind);
    traced_run(CRASH_RUN, "", &result);
    ck_assert_msg(result.status == 0, "%.2000s\n%s", result.out, result.err);
    program_result_free(&result);
    for (int i = 0; i < FAULTS; i++) {
        char *text = memory_format(" %s(", faults[i].call);
        calls[i] = traced_count(text);
        free(text);
    }
}

static void check_end(const struct fault *fault, const struct program_result *result)
{
    struct crash_outcomes outcomes;

    crash_outcomes(result->out, &outcomes);
    int ended = outcomes.failed + outcomes.cancelled;
    ck_assert_int_eq(outcomes.done + outcomes.skipped + outcomes.busy + ended, 3);
    ck_assert_msg(result->status == (ended           ? 1
                                     : outcomes.busy ? 75
                                                     : 0),
                  "exit status %d: %s\n%s", result->status, outcomes.reason, result->err);
    ck_assert_msg(fault->kills || !strstr(outcomes.reason, "killed by"), "%s", outcomes.reason);
    printf("        %d failed, %d cancelled, %d skipped: %s\n", outcomes.failed, outcomes.cancelled,
           outcomes.skipped, outcomes.reason);
}

/* Rather an early call than a late one: beside a slow machine's application there are fewer. */
static int64_t choose_call(struct crash *crash, int calls)
{
    int64_t below = 1 + randomdb_number(&crash->random, calls > 0 ? calls : 1);

    return 1 + randomdb_number(&crash->random, below);
}

/* Returns whether the fault has happened. */
static bool fail_once(struct crash *crash, const struct fault *fault, int calls)
{
    int64_t which = choose_call(crash, calls);
    const char *on = randomdb_number(&crash->random, 2) ? "+" : "";
    char *inject = memory_format(" -e inject=%s:%s:when=%" PRId64 "%s", fault->call, fault->effect,
                                 which, fault->kills ? "" : on);
    struct program_result result;

    printf("faults:%s\n", inject);
    fflush(stdout);
    traced_run(CRASH_RUN, inject, &result);
    check_end(fault, &result);
    bool happened = traced_count("INJECTED") > 0 || traced_count("killed by SIGKILL") > 0;
    program_result_free(&result);
    free(inject);
    return happened;
}

START_TEST(calls_fail)
{
    uint64_t seed = randomdb_seed("faults");
    int calls[KINDS][FAULTS], happened = 0;
    struct crash crash;

    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which would need to trace, too */
    if (!traced_can()) {
        skip("strace is missing or may not trace");
        return;
    }
    crash_open(&crash, seed);
    traced_watch("live/worklog.db");
    for (int i = 0; i < KINDS; i++)
        count_calls(&crash, &kinds[i], calls[i]);
    for (int round = 0; round < rounds(); round++) {
        int kind = round % KINDS, fault = round / KINDS % FAULTS;

        while (!calls[kind][fault]) /* one journal is unlinked, the other truncated */
            fault = (fault + 1) % FAULTS;
        crash.random = seed + (uint64_t)round;
        crash_reset(&crash, &kinds[kind]);
        crash_application(&crash, randomdb_number(&crash.random, 2));
        happened += fail_once(&crash, &faults[fault], calls[kind][fault]);
        bool application = crash.application;
        crash_application(&crash, false);
        ledger_check(crash.ledger, crash.path, false);
        crash_application(&crash, application);
        crash_recover(&crash);
    }
    crash_close(&crash);
    printf("faults: %d rounds, %d with a fault\n", rounds(), happened);
    ck_assert(happened > 0 || rounds() == 0);
}
END_TEST

/* --- too little --------------------------------------------------------------------------- */

/* Limits are handed down: the parent, which needs less than a worker, has the same. */
static void run_in(int kib, const char *words, struct program_result *result)
{
    char *command = memory_format("prlimit --as=%d", kib * 1024);

    program_through(command);
    expect_run(words, result);
    program_through(NULL);
    free(command);
}

/* The least in which litekeeper starts at all. */
static int least_memory(void)
{
    struct program_result result = {.status = 1};
    int kib;

    for (kib = MEMORY_LEAST; kib < MEMORY_MOST && result.status; kib += MEMORY_STEP) {
        run_in(kib, "check -c @/policy.yaml", &result);
        program_result_free(&result);
    }
    ck_assert_int_lt(kib, MEMORY_MOST);
    return kib;
}

/* Fails the test unless it ended well, or said what it lacked. Returns whether it did. */
static bool ended_in(int kib, const struct program_result *result)
{
    struct crash_outcomes outcomes;

    crash_outcomes(result->out, &outcomes);
    const char *reason = *outcomes.reason ? outcomes.reason : result->err;
    printf("faults: %d KiB: exit status %d, %d failed: %s\n", kib, result->status, outcomes.failed,
           reason);
    ck_assert_msg(result->status == 0 || strstr(reason, "memory"), "%d KiB: exit status %d: %s",
                  kib, result->status, reason);
    return outcomes.failed > 0;
}

/* From what is too little for anything to what is enough, several times in a row. */
START_TEST(memory_is_short)
{
    struct program_result result;
    int failed = 0, enough = 0;
    struct crash crash;

    crash_open(&crash, 1);
    for (int kib = least_memory(); enough < MEMORY_ENOUGH; kib += MEMORY_STEP) {
        crash_reset(&crash, &kinds[kib / MEMORY_STEP % KINDS]);
        run_in(kib, CRASH_RUN, &result);
        failed += ended_in(kib, &result);
        enough = result.status == 0 ? enough + 1 : 0;
        program_result_free(&result);
        crash_recover(&crash);
    }
    ck_assert_int_gt(failed, 0);
    crash_close(&crash);
}
END_TEST

/* --- too long ----------------------------------------------------------------------------- */

#define SLOW "    max_lock: 1ms\n    duty: 1%\n    time_limit: 1s\n"

/* A run that takes longer than its limit, since someone else has the database open. */
struct slow {
    struct crash crash;
    struct program program;
    pid_t worker;
    sqlite3 *neighbour;
};

/* Returns once its worker has begun to delete. */
static void slow_start(struct slow *slow)
{
    static const struct ledger_kind large = {"wal", true, false, 40};
    char *words;

    crash_open(&slow->crash, 1);
    words = expect_words(CRASH_RUN " retention orders");
    crash_policy(SLOW);
    crash_reset(&slow->crash, &large);
    slow->neighbour = sql_open(slow->crash.path);
    sql_number(slow->neighbour, "SELECT count(*) FROM orders");
    program_start(&slow->program, words, false);
    free(words);
    ck_assert(program_expect(&slow->program, "\"event\":\"progress\""));
    slow->worker = family_youngest(slow->program.pid);
    ck_assert_int_gt(slow->worker, 0);
}

/* With the usual limits again, all that is left to do is done. */
static void slow_end(struct slow *slow)
{
    sqlite3_close(slow->neighbour);
    crash_policy(CRASH_LIMITS);
    crash_recover(&slow->crash);
    crash_close(&slow->crash);
}

/* The limit ends it, the reason says so, and nobody is locked out afterwards. */
static void slow_check(struct slow *slow)
{
    struct crash_outcomes outcomes;
    struct program_result result;

    program_finish(&slow->program, &result);
    crash_outcomes(result.out, &outcomes);
    ck_assert_int_eq(result.status, 1);
    ck_assert_msg(outcomes.failed == 1, "%d cancelled: %s", outcomes.cancelled, outcomes.reason);
    ck_assert_msg(strstr(outcomes.reason, "its time limit of 1"), "%s", outcomes.reason);
    program_result_free(&result);
    slow_end(slow);
}

START_TEST(a_worker_stands_still)
{
    struct slow slow;

    slow_start(&slow);
    kill(slow.worker, SIGSTOP);
    slow_check(&slow);
}
END_TEST

/* A worker with much left to do goes with its parent, even one that stands still. */
START_TEST(a_parent_dies)
{
    struct program_result result;
    struct slow slow;

    slow_start(&slow);
    if (_i)
        kill(slow.worker, SIGSTOP);
    kill(slow.program.pid, SIGKILL);
    program_finish(&slow.program, &result);
    ck_assert_int_eq(result.status, 128 + SIGKILL);
    ck_assert(family_gone(0));
    program_result_free(&result);
    slow_end(&slow);
}
END_TEST

START_TEST(a_worker_is_slow)
{
    struct slow slow;

    slow_start(&slow);
    slow_check(&slow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *cases = tcase_create("faults");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60 + SECONDS_A_ROUND * rounds());
    tcase_add_test(cases, calls_fail);
    if (!SANITIZED)
        tcase_add_test(cases, memory_is_short);
    tcase_add_test(cases, a_worker_stands_still);
    tcase_add_test(cases, a_worker_is_slow);
    tcase_add_loop_test(cases, a_parent_dies, 0, 2);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
