/*
 * Indexes rebuilt and built beside a restless application, in random schemas. Each round has a seed
 * of its own, printed before it; SEED=THAT ROUNDS=1 is that round again as far as chance allows.
 * tests/soak does many of them.
 */
#include "rebuild.h"

#include "clock.h"
#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_rebuild.h"
#include "lib_restless.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 10, SECONDS_A_ROUND = 60 };

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

/* Seven in eight in WAL mode; one in four is a new index. Half of the rest have one process with
 * the model beside it. A new index changes the way in which rows are visited, and a unique one what
 * may be inserted, so there a story must tell. */
struct round {
    uint64_t seed, random;
    bool wal, anew;
    struct restless_way way;
    struct restless_made made;
    struct restless *restless;
    int64_t waits; /* a step in so many lets the application go first */
};

static struct round round_make(uint64_t seed)
{
    static const double holds[] = {1, 2, 3, 5};
    struct round round = {.seed = seed, .random = seed};
    int rows = 200 + (int)randomdb_number(&round.random, 3500);

    round.wal = randomdb_number(&round.random, 8) != 0;
    restless_make(&round.random, rows, round.wal ? "WAL" : "DELETE", &round.made);
    round.anew = *round.made.sql && randomdb_number(&round.random, 4) == 0;
    round.way.model = !round.anew && randomdb_number(&round.random, 2);
    round.way.processes = round.way.model ? 1 : 2 + (int)randomdb_number(&round.random, 2);
    round.waits = 1 + randomdb_number(&round.random, 3);
    lib_rebuild_limits.max_lock_ms = holds[randomdb_number(&round.random, 4)];
    if (!round.wal) /* a commit alone takes longer there */
        lib_rebuild_limits.max_lock_ms = 8;
    lib_rebuild_limits.check =
        randomdb_number(&round.random, 4) ? REBUILD_CHECK_INDEX : REBUILD_CHECK_TABLE;
    if (round.anew) {
        opened_sql("DROP INDEX i");
        opened_close();
    }
    return round;
}

/* Between two steps: otherwise a small index is copied before anybody has written. */
static void round_wait(void *argument, int64_t entries, int64_t total)
{
    struct round *round = argument;

    (void)entries;
    (void)total;
    if (randomdb_number(&round->random, round->waits) == 0)
        restless_wait(round->restless, restless_commits(round->restless),
                      1 + randomdb_number(&round->random, 4), 50);
}

static void round_tell(const struct round *round, const struct rebuild_result *result,
                       int64_t commits, const char *why)
{
    printf("  %s %s, %s, %s: %" PRId64 " entries, %" PRId64 " commits, %" PRId64
           " rows settled in %.1f + %.1f + %.1f + %.1f s%s%s\n",
           round->anew ? "new" : "again", *round->made.sql ? round->made.sql : round->made.index,
           round->way.model ? "model" : "story", round->wal ? "WAL" : "journal", result->entries,
           commits, result->settled, result->copy_s, result->compare_s, result->check_s,
           result->drop_s, *why ? ": " : "", why);
    fflush(stdout);
}

/* What did not come to an exchange, and may: what the application has made of the rows may violate
 * a new unique index; on a slow machine the application is faster than short holds can follow;
 * and there are tables that no trigger can tell everything of. */
static bool round_tolerates(const struct round *round, enum status status,
                            const struct error *error)
{
    if (status == STATUS_REFUSED)
        return (round->anew && strstr(error->text, "the same key")) ||
               strstr(error->text, "so litekeeper can't tell which rows are replaced");
    return status == STATUS_BUSY;
}

static enum status round_rebuild(struct round *round, struct rebuild_result *result,
                                 struct error *error)
{
    lib_rebuild_limits.progress = round_wait;
    lib_rebuild_limits.argument = round;
    return round->anew ? lib_rebuild_create(round->made.sql, result, error)
                       : lib_rebuild(round->made.index, result, error);
}

/* The database is as the application has made it, whatever came of the index: restless_stop() and
 * lib_rebuild_check() see to that. Returns whether the index was exchanged. */
static bool round_of(uint64_t seed)
{
    struct round round = round_make(seed);
    struct rebuild_result result;
    struct error error = {0};

    round.restless =
        restless_start(&round.way, (uint64_t)randomdb_number(&round.random, INT64_MAX));
    int64_t before = restless_commits(round.restless);
    enum status status = round_rebuild(&round, &result, &error);
    int64_t during = restless_commits(round.restless);
    restless_wait(round.restless, during, 1 + randomdb_number(&round.random, 8), 1000);
    restless_stop(round.restless, round.anew ? round.made.sql : NULL);
    round_tell(&round, &result, during - before, status ? error.text : "");
    if (result.left)
        lib_rebuild_clean();
    if (status != STATUS_OK && round_tolerates(&round, status, &error)) {
        lib_rebuild_check(round.anew ? NULL : round.made.index);
        return false;
    }
    ck_assert_msg(status == STATUS_OK, "SEED=%" PRIu64 ": %s", seed, error.text);
    ck_assert_msg(result.exchanged && !result.repaired && !*result.found, "SEED=%" PRIu64 ": %s",
                  seed, result.found);
    lib_rebuild_check(round.made.index);
    return true;
}

START_TEST(rebuilt)
{
    int wanted = rounds(), exchanged = 0, done = 0;
    uint64_t random = randomdb_seed("rebuild_live");

    /* on a busy machine there are more that don't come to an exchange */
    for (; randomdb_another(done, wanted, ROUNDS, exchanged * 2 >= done); done++) {
        uint64_t seed = done ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        printf("round %d: SEED=%" PRIu64 "\n", done, seed);
        fflush(stdout);
        exchanged += round_of(seed);
    }
    printf("rebuild_live: %d rounds, %d with an exchange\n", done, exchanged);
    /* Some have rows or columns that forbid it: about a tenth, of few rounds up to half. */
    ck_assert(wanted < ROUNDS || exchanged * 2 >= done);
    ck_assert(wanted <= ROUNDS || exchanged * 4 >= wanted * 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rebuild_live");
    TCase *tests = tcase_create("rebuild_live");

    tcase_set_timeout(tests, SECONDS_A_ROUND * (RANDOMDB_PATIENCE + rounds()));
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_test(tests, rebuilt);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
