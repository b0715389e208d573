/*
 * Lets the system fail a worker that rebuilds or builds indexes beside a restless application:
 * writes, syncs, reads and truncations of the database and its log return EIO or ENOSPC, once,
 * every so often or from then on. Each time there is one outcome with a reason, the old indexes
 * hold, the application notices nothing, and the next run removes what was left. Where strace(1) is
 * missing or may not trace, it says so and is skipped. SEED and ROUNDS in the environment.
 */
#include "lib_care.h"
#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_rebuild.h"
#include "lib_restless.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "lib_traced.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 8, SECONDS_A_ROUND = 60 };

#define POLICY                                     \
    "    reindex: { mode: online, min_size: 0 }\n" \
    "    vacuum: { free_bytes_above: 1TB }\n"      \
    "    max_lock: 10ms\n"
#define POLICY_ANEW POLICY "    indexes:\n      ensure:\n        - |-\n          %s\n"
#define RUN         "run -c @/policy.yaml --json --force d "

static const struct fault {
    const char *call, *error;
} faults[] = {
    {"pwrite64", "EIO"}, {"pwrite64", "ENOSPC"}, {"fdatasync", "EIO"},    {"pread64", "EIO"},
    {"fsync", "EIO"},    {"fsync", "ENOSPC"},    {"fdatasync", "ENOSPC"}, {"ftruncate", "EIO"},
};

/* Databases whose making is always the same, so that the calls can be counted once. */
static const struct kind {
    const char *journal;
    uint64_t seed;
    int rows;
    const char *run;
    bool anew; /* its index i is not there yet */
} kinds[] = {
    {"WAL", 3, 1500, RUN "reindex", false},   {"DELETE", 13, 200, RUN "reindex", false},
    {"WAL", 7, 600, RUN "reindex", false},    {"WAL", 26, 1500, RUN "indexes", true},
    {"DELETE", 13, 200, RUN "indexes", true},
};

enum { FAULTS = sizeof faults / sizeof *faults, KINDS = sizeof kinds / sizeof *kinds };

static struct {
    int happened, failed;
} met;

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

static void make(const struct kind *kind, struct restless_made *made)
{
    uint64_t random = kind->seed;

    restless_make(&random, kind->rows, kind->journal, made);
    if (!kind->anew) {
        care_policy(POLICY);
        return;
    }
    char *policy = memory_format(POLICY_ANEW, made->sql);
    care_policy(policy);
    free(policy);
    opened_sql("DROP INDEX i");
    opened_close();
}

/* In a run that nothing fails. */
static void count_calls(const struct kind *kind, int *calls)
{
    struct program_result result;
    struct restless_made made;

    make(kind, &made);
    traced_run(kind->run, "", &result);
    ck_assert_msg(result.status == 0, "%.2000s\n%s", result.out, result.err);
    program_result_free(&result);
    for (int i = 0; i < FAULTS; i++) {
        char *text = memory_format(" %s(", faults[i].call);
        calls[i] = traced_count(text);
        free(text);
    }
}

static void fault_round(const struct kind *kind, const struct fault *fault, int calls,
                        uint64_t random)
{
    struct restless_way way = {.processes = 1, .model = !kind->anew && randomdb_number(&random, 2)};
    char *inject = traced_choose(fault->call, fault->error, calls, &random);
    struct program_result result;
    struct restless_made made;

    make(kind, &made);
    printf("  %s, %s%s\n", kind->journal, kind->anew ? "new" : "again", inject);
    fflush(stdout);
    struct restless *restless = restless_start(&way, (uint64_t)randomdb_number(&random, INT64_MAX));
    traced_run(kind->run, inject, &result);
    met.happened += traced_count("INJECTED") > 0;
    met.failed += !traced_outcome(&result);
    if (strcmp(kind->journal, "WAL") == 0) /* else it would keep the application from writing */
        lib_rebuild_sound();
    restless_wait(restless, restless_commits(restless), 3, 1000);
    care_run_patiently("d vacuum");
    restless_stop(restless, kind->anew ? made.sql : NULL);
    lib_rebuild_check_all();
    program_result_free(&result);
    free(inject);
}

START_TEST(calls_fail)
{
    uint64_t random = randomdb_seed("rebuild_faults");
    int calls[KINDS][FAULTS];

    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which would need to trace, too */
    if (!traced_can()) {
        skip("strace is missing or may not trace");
        return;
    }
    traced_watch("app.db");
    for (int i = 0; i < KINDS; i++)
        count_calls(&kinds[i], calls[i]);
    for (int i = 0; i < rounds(); i++) {
        uint64_t seed = i ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        int kind = (int)(seed / FAULTS % KINDS), fault = (int)(seed % FAULTS);
        while (!calls[kind][fault]) /* one journal is synced so, the other so */
            fault = (fault + 1) % FAULTS;
        printf("round %d: SEED=%" PRIu64 "\n", i, seed);
        fault_round(&kinds[kind], &faults[fault], calls[kind][fault], seed);
    }
    printf("rebuild_faults: %d rounds, %d with a fault, %d that did not end well\n", rounds(),
           met.happened, met.failed);
    ck_assert(met.happened > 0 || rounds() == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rebuild_faults");
    TCase *tests = tcase_create("rebuild_faults");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, SECONDS_A_ROUND * (2 + rounds()));
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_test(tests, calls_fail);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
