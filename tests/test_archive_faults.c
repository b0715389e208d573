/*
 * Lets the system fail litekeeper while it archives beside an application that changes the very
 * rows: calls on the database, on the archive and on the history return EIO or ENOSPC, once, every
 * so often or from then on, or end the process, or the archive's disk is full. Each time there is
 * one outcome with a reason, no row is lost, doubled or changed, and the next run brings to its end
 * what was left. Where strace(1) is missing or may not trace, it says so and is skipped. SEED and
 * ROUNDS in the environment.
 */
#include "lib_cold.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_skip.h"
#include "lib_small.h"
#include "lib_traced.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5, SECONDS_A_ROUND = 60, ROWS = 900, PATIENCE = 20 };

#define RUN "run -c @/policy.yaml --json app retention"

static const struct cold_kind kinds[] = {
    {"wal", true, "partition: month", false, true},
    {"delete", true, "partition: year", false, false},
    {"wal", true, "partition: none", false, false},
    {"delete", true, "partition: none", false, true},
};

static const struct fault {
    const char *call, *error; /* or a signal; NULL: the archive's disk is full */
    bool anywhere;            /* not of the database's files alone */
} faults[] = {
    {"pwrite64", "EIO", false},  {"fsync", "EIO", true},     {"renameat", "EIO", true},
    {"pread64", "EIO", false},   {NULL, NULL, false},        {"renameat", "SIGKILL", true},
    {"fdatasync", "EIO", false}, {"unlinkat", "EIO", true},  {"pwrite64", "ENOSPC", true},
    {"fsync", "SIGKILL", true},  {"fsync", "ENOSPC", true},  {"renameat", "ENOSPC", true},
    {"ftruncate", "EIO", false}, {"fdatasync", "EIO", true}, {"pwrite64", "SIGKILL", false},
    {"unlink", "EIO", true},
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

static void watch(const struct fault *fault)
{
    if (fault->anywhere)
        traced_watch_all();
    else
        traced_watch("app.db");
}

/* In a run that nothing fails, of the process that has most of them. */
static int count_calls(const struct fault *fault)
{
    char *text = memory_format(" %s(", fault->call);
    struct program_result result;

    watch(fault);
    traced_run(RUN, "", &result);
    int count = traced_count(text);
    program_result_free(&result);
    free(text);
    return count;
}

/* As long as something is in the way of it that goes by itself: a machine that is busy may find
 * that one row takes too long. */
static void run_patiently(void)
{
    struct program_result result;
    int status = -1;

    for (int i = 0; i < PATIENCE && status != 0; i++) {
        expect_run(RUN, &result);
        status = result.status;
        ck_assert_msg(status == 0 || i + 1 < PATIENCE, "status %d: %s%s", status, result.out,
                      result.err);
        program_result_free(&result);
    }
}

/* Whatever was left, it is brought to its end once nothing fails any more. */
static void check_all(struct cold *cold)
{
    int64_t archived = cold_check(cold, true);

    run_patiently();
    ck_assert_int_ge(cold_check(cold, false), archived);
}

static void run_beside(struct cold *cold, const char *inject, uint64_t *random)
{
    struct program_result result;
    pid_t application = cold_start(cold, (uint64_t)randomdb_number(random, INT64_MAX));

    traced_run(RUN, inject, &result);
    cold_stop(cold, application);
    met.failed += !traced_outcome(&result);
    program_result_free(&result);
}

static void calls_round(const struct cold_kind *kind, const struct fault *fault, uint64_t *random)
{
    cold_make(kind, ROWS);
    int calls = count_calls(fault);
    folder_remove();
    folder_make();
    struct cold *cold = cold_make(kind, ROWS);
    char *inject = traced_choose(fault->call, fault->error, calls, random);
    printf("  %s, %s%s%s\n", kind->journal, kind->archive, inject,
           fault->anywhere ? "" : ", the database");
    fflush(stdout);
    run_beside(cold, inject, random);
    met.happened += traced_count("INJECTED") > 0 || traced_count("killed by SIGKILL") > 0;
    check_all(cold);
    free(inject);
}

static void disk_round(const struct cold_kind *kind, uint64_t *random)
{
    int64_t room = 4096 * randomdb_number(random, 30);

    if (!small_mount("cold", "size=4m,mode=700"))
        return;
    struct cold *cold = cold_make(kind, ROWS);
    printf("  %s, %s: %" PRId64 " bytes are left\n", kind->journal, kind->archive, room);
    fflush(stdout);
    small_fill("cold", room);
    traced_watch("app.db");
    run_beside(cold, "", random);
    met.happened++;
    small_empty("cold");
    check_all(cold);
    small_unmount("cold");
}

START_TEST(calls_fail)
{
    uint64_t random = randomdb_seed("archive_faults");

    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which would need to trace, too */
    if (!traced_can()) {
        skip("strace is missing or may not trace");
        return;
    }
    for (int i = 0; i < rounds(); i++) {
        uint64_t seed = i ? (uint64_t)randomdb_number(&random, INT64_MAX) : random, own = seed;
        const struct cold_kind *kind = &kinds[seed / FAULTS % KINDS];
        const struct fault *fault = &faults[seed % FAULTS];
        printf("round %d: SEED=%" PRIu64 "\n", i, seed);
        folder_make();
        if (fault->call)
            calls_round(kind, fault, &own);
        else
            disk_round(kind, &own);
        folder_remove();
    }
    printf("archive_faults: %d rounds, %d with a fault, %d that did not end well\n", rounds(),
           met.happened, met.failed);
    ck_assert(met.happened > 0 || rounds() == 0);
}
END_TEST

/* Each write takes only a part of what it is given: all goes well, it only takes longer. */
START_TEST(writes_are_short)
{
    uint64_t random = randomdb_seed("writes_are_short");
    struct program_result result;
    struct program program;
    bool done = false;

    folder_make();
    char *words = expect_words(RUN);
    struct cold *cold = cold_make(&kinds[_i], ROWS);
    pid_t application = cold_start(cold, (uint64_t)randomdb_number(&random, INT64_MAX));
    for (int i = 0; i < PATIENCE && !done; i++) { /* as run_patiently() */
        program_start_named(&program, "stingy", words, false);
        program_finish(&program, &result);
        done = traced_outcome(&result);
        program_result_free(&result);
    }
    ck_assert(done);
    cold_stop(cold, application);
    check_all(cold);
    folder_remove();
    free(words);
}
END_TEST

/* Reads and writes of the archive's own files, whose names nobody knows before. */
START_TEST(files_fail)
{
    uint64_t random = randomdb_seed("files_fail");
    const char *call = _i % 2 ? "read" : "write";
    struct program_result result;
    struct program program;

    for (int i = 0; i < 2; i++) {
        char order[32];
        folder_make();
        char *words = expect_words(RUN);
        struct cold *cold = cold_make(&kinds[_i / 2], ROWS);
        snprintf(order, sizeof order, "%s %d", call, 1 + (int)randomdb_number(&random, 40));
        folder_write("stingy", order);
        printf("  %s, %s: %s\n", kinds[_i / 2].journal, kinds[_i / 2].archive, order);
        pid_t application = cold_start(cold, (uint64_t)randomdb_number(&random, INT64_MAX));
        program_start_named(&program, "stingy", words, false);
        program_finish(&program, &result);
        cold_stop(cold, application);
        met.failed += !traced_outcome(&result);
        program_result_free(&result);
        folder_write("stingy", "");
        check_all(cold);
        folder_remove();
        free(words);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_faults");
    TCase *tests = tcase_create("archive_faults");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, SECONDS_A_ROUND * (2 + rounds()));
    tcase_add_test(tests, calls_fail);
    tcase_add_loop_test(tests, writes_are_short, 0, KINDS);
    tcase_add_loop_test(tests, files_fail, 0, 2 * KINDS);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
