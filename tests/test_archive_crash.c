/*
 * Kills litekeeper at random instants while it archives, beside an application that changes the
 * very rows that leave, and looks whether any is lost, doubled or changed. SEED and ROUNDS in the
 * environment; each round goes on with what the one before has left.
 */
#include "clock.h"
#include "lib_cold.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 2000, ROUNDS = 4, KINDS = 8 };

#define RUN "run -c @/policy.yaml --json app retention"

static const struct cold_kind kinds[KINDS] = {
    {"wal", true, "partition: month", false, false},
    {"delete", true, "partition: year", false, false},
    {"wal", false, "partition: none", false, false},
    {"wal", true, "partition: none", true, false},
    {"wal", true, "partition: year", false, true},
    {"delete", true, "partition: none", false, true},
    {"wal", true, "partition: year, to: database", false, false},
    {"delete", true, "partition: none, to: database", false, true},
};

static int rounds(void)
{
    const char *given = getenv("ROUNDS");

    return given ? atoi(given) : ROUNDS;
}

/* Kills the parent, the worker that was started last, or any. */
static void strike(pid_t parent, uint64_t *random)
{
    pid_t children[FAMILY_MOST];
    size_t count = family_children(parent, children);
    pid_t worker = family_youngest(parent);

    if (randomdb_number(random, 8) == 0 && count)
        worker = children[randomdb_number(random, (int64_t)count)];
    if (randomdb_number(random, 3) == 0)
        kill(parent, SIGKILL);
    else if (worker)
        kill(worker, SIGKILL);
}

/* One run, killed `after_ms` (-1: not at all). Returns its exit status; `*ms` is how long it took.
 */
static int run_once(double after_ms, uint64_t *random, double *ms, char reason[512])
{
    char *words = expect_words(RUN);
    struct program_result result;
    struct program program;
    double begin = clock_monotonic_ms();

    program_start(&program, words, false);
    if (after_ms >= 0) {
        clock_sleep_ms(after_ms);
        strike(program.pid, random);
    }
    program_finish(&program, &result);
    *ms = clock_monotonic_ms() - begin;
    const char *found = strstr(result.out, "\"reason\"");
    snprintf(reason, 512, "%s%s", found ? found : "", result.err);
    int status = result.status;
    program_result_free(&result);
    free(words);
    return status;
}

START_TEST(killed_anywhere)
{
    uint64_t random = randomdb_seed(kinds[_i].archive);
    int killed = 0, count = rounds(), rows = kinds[_i].family ? ROWS / 2 : ROWS;
    double whole_ms = 600, ms;
    int64_t archived = 0;
    char reason[512];

    folder_make();
    family_adopt();
    struct cold *cold = cold_make(&kinds[_i], rows);
    for (int round = 0; round < count; round++) {
        pid_t application = cold_start(cold, (uint64_t)randomdb_number(&random, INT64_MAX));
        double after_ms = (double)randomdb_number(&random, (int64_t)whole_ms);
        int status = run_once(after_ms, &random, &ms, reason);
        killed += status != 0;
        whole_ms = status == 0 ? ms + 50 : whole_ms * 1.05;
        ck_assert_msg(family_gone(application), "a worker is left");
        cold_stop(cold, application);
        archived = cold_check(cold, true);
    }
    cold->restless = false;
    pid_t application = cold_start(cold, random);
    ck_assert_msg(run_once(-1, &random, &ms, reason) == 0, "%s", reason);
    cold_stop(cold, application);
    archived = cold_check(cold, false);
    printf("%s, %s%s: %d of %d runs killed, %lld commits, %lld rows archived\n", kinds[_i].journal,
           kinds[_i].archive, kinds[_i].family ? ", cascade" : "", killed, count,
           (long long)cold->commits, (long long)archived);
    ck_assert_int_gt(archived, rows / 4);
    folder_remove();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_crash");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 60 + 20 * rounds());
    tcase_add_loop_test(cases, killed_anywhere, 0, KINDS);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
