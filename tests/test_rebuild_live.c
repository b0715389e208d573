/*
 * Indexes rebuilt and built beside a restless application, in random schemas. Each round has a seed
 * of its own, printed where it fails; SEED=THAT ROUNDS=1 is that round again as far as chance
 * allows.
 */
#include "rebuild.h"

#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_rebuild.h"
#include "lib_restless.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 12, SECONDS_A_ROUND = 30, ROWS = 2000 };

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

/* Three in four with a model, in WAL mode three in four. */
static void round_of(uint64_t seed)
{
    uint64_t random = seed;
    bool alone = randomdb_number(&random, 4) != 0, wal = randomdb_number(&random, 4) != 0;
    struct rebuild_result result;
    struct error error = {0};
    const char *index;

    const char *sql = restless_make(&random, ROWS, wal ? "WAL" : "DELETE", &index);
    struct restless *restless =
        restless_start(alone ? 1 : 3, alone, (uint64_t)randomdb_number(&random, INT64_MAX));
    int64_t before = restless_commits(restless);
    enum status status = lib_rebuild(index, &result, &error);
    int64_t commits = restless_commits(restless) - before;
    restless_stop(restless);
    printf("  %s, %s, %s: %" PRId64 " entries, %" PRId64 " commits, %" PRId64 " rows settled\n",
           sql ? sql : index, alone ? "model" : "3 processes", wal ? "WAL" : "journal",
           result.entries, commits, result.settled);
    fflush(stdout);
    ck_assert_msg(status == STATUS_OK, "SEED=%" PRIu64 ": %s", seed, error.text);
    ck_assert_msg(result.exchanged && !result.repaired && !*result.found, "SEED=%" PRIu64 ": %s",
                  seed, result.found);
    lib_rebuild_check(index);
}

START_TEST(rebuilt)
{
    uint64_t random = randomdb_seed("rebuilt");

    for (int i = 0; i < rounds(); i++) {
        uint64_t seed = i ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        printf("round %d: SEED=%" PRIu64 "\n", i, seed);
        fflush(stdout);
        round_of(seed);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rebuild_live");
    TCase *tests = tcase_create("rebuild_live");

    tcase_set_timeout(tests, SECONDS_A_ROUND * rounds());
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_test(tests, rebuilt);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
