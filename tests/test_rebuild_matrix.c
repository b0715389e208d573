/*
 * Applications of other SQLite versions, old and new, all at once on a database whose index is
 * rebuilt or built: they go on writing during it and after it, each finds the database sound, and
 * each can drop, create and REINDEX what litekeeper has made. Versions that can't be had here are
 * skipped, and it says which. SEED and ROUNDS in the environment.
 */
#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_rebuild.h"
#include "lib_restless.h"
#include "lib_skip.h"
#include "lib_stranger.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 3,
    SECONDS_A_ROUND = 120,
    LEAST = 3, /* versions */
    ROWS = 1500,
    TRIES = 5 /* where the application's rows don't fit a unique index, or it was too fast */
};

static const char *libraries[STRANGERS_MOST + 1];
static size_t library_count;

struct round {
    uint64_t seed, random;
    bool wal, anew, looked;
    struct restless_made made;
    struct restless *restless;
};

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

/* A schema that all of them know, by its index of the kind that the round is about. */
static struct round round_make(uint64_t seed, bool anew)
{
    struct round round = {.seed = seed, .random = seed, .anew = anew};

    round.wal = randomdb_number(&round.random, 4) != 0;
    do
        restless_make(&round.random, ROWS, round.wal ? "WAL" : "DELETE", &round.made);
    while (!round.made.plain || (anew && !*round.made.sql));
    lib_rebuild_limits = (struct rebuild_limits){.max_lock_ms = round.wal ? 3 : 10};
    if (anew) {
        opened_sql("DROP INDEX i");
        opened_close();
    }
    return round;
}

/* --- what each of them says --------------------------------------------------------------- */

/* Runs it by each library. It must end well and print `expected`, or a finding about the copy's
 * NULLs while that is there. */
static void all_say(const struct round *round, const char *sql, const char *expected)
{
    const char *const arguments[] = {sql, NULL};

    for (size_t i = 0; i < library_count; i++) {
        bool well = false;
        char *text = stranger_run(libraries[i], arguments, &well), *rest = text, *line;
        ck_assert_msg(well, "SEED=%" PRIu64 ": SQLite %s: %s", round->seed, libraries[i], text);
        while ((line = strsep(&rest, "\n")) && *line)
            ck_assert_msg(strcmp(line, expected) == 0 ||
                              (round->restless && lib_rebuild_sound_line(line)),
                          "SEED=%" PRIu64 ": SQLite %s: %s", round->seed, libraries[i], line);
        free(text);
    }
}

/* Once in the middle, where a reader blocks nobody; and the application goes first now and then. */
static void in_the_middle(void *argument, int64_t entries, int64_t total)
{
    struct round *round = argument;

    (void)total;
    if (round->wal && entries > 0 && !round->looked) {
        round->looked = true;
        all_say(round, "PRAGMA integrity_check", "ok");
    }
    restless_wait(round->restless, restless_commits(round->restless), 2, 50);
}

static void check_afterwards(struct round *round)
{
    char *reindex = memory_format("REINDEX %s", round->made.index);

    all_say(round, "PRAGMA integrity_check", "ok");
    all_say(round, reindex, "");
    if (*round->made.sql) {
        char *again = memory_format("DROP INDEX i; %s; REINDEX i", round->made.sql);
        all_say(round, again, "");
        free(again);
    }
    all_say(round, "PRAGMA integrity_check", "ok");
    free(reindex);
}

/* --- a round ------------------------------------------------------------------------------ */

/* Each of them must commit once more. */
static void all_go_on(const struct round *round)
{
    for (size_t i = 0; i < library_count; i++)
        ck_assert_msg(restless_wait_for(round->restless, (int)i, 2, 20000),
                      "SEED=%" PRIu64 ": SQLite %s writes no more", round->seed, libraries[i]);
}

/* Whether the index was exchanged. */
static bool round_of(uint64_t seed, bool anew)
{
    struct round round = round_make(seed, anew);
    struct restless_way way = {.processes = (int)library_count, .libraries = libraries};
    struct rebuild_result result;
    struct error error = {0};

    round.restless = restless_start(&way, (uint64_t)randomdb_number(&round.random, INT64_MAX));
    lib_rebuild_limits.progress = in_the_middle;
    lib_rebuild_limits.argument = &round;
    enum status status = anew ? lib_rebuild_create(round.made.sql, &result, &error)
                              : lib_rebuild(round.made.index, &result, &error);
    all_go_on(&round);
    restless_stop(round.restless, anew ? round.made.sql : NULL);
    round.restless = NULL;
    printf("  %s, %s: %s: %" PRId64 " entries, %" PRId64 " rows settled%s%s\n",
           anew ? "new" : "again", round.wal ? "WAL" : "journal",
           *round.made.sql ? round.made.sql : round.made.index, result.entries, result.settled,
           status ? ": " : "", status ? error.text : "");
    fflush(stdout);
    bool refused = status == STATUS_REFUSED || status == STATUS_BUSY;
    ck_assert_msg(status == STATUS_OK || refused, "SEED=%" PRIu64 ": %s", seed, error.text);
    ck_assert_msg(refused || (result.exchanged && !result.repaired && !*result.found),
                  "SEED=%" PRIu64 ": %s", seed, result.found);
    if (result.left)
        lib_rebuild_clean();
    lib_rebuild_check(refused && anew ? NULL : round.made.index);
    if (!refused)
        check_afterwards(&round);
    return !refused;
}

START_TEST(keep_working)
{
    uint64_t random = randomdb_seed("rebuild_matrix");
    int exchanged = 0;

    if (library_count < LEAST) {
        skip("fewer than three SQLite versions are to be had here");
        return;
    }
    for (size_t i = 0; i < library_count; i++)
        printf("SQLite %s\n", strrchr(libraries[i], '/') + 1);
    for (int i = 0; i < rounds(); i++) {
        bool done = false;
        for (int j = 0; j < TRIES && !done; j++) {
            uint64_t seed = i + j ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
            printf("round %d: SEED=%" PRIu64 "\n", i, seed);
            fflush(stdout);
            done = round_of(seed, i % 2);
        }
        exchanged += done;
    }
    printf("rebuild_matrix: %d rounds with %zu versions, %d with an exchange\n", rounds(),
           library_count, exchanged);
    ck_assert_int_eq(exchanged, rounds());
}
END_TEST

/* Before the test's time begins, and its folder is another one. */
static void find_libraries(void)
{
    library_count = stranger_libraries(libraries);
}

int main(void)
{
    Suite *suite = suite_create("rebuild_matrix");
    TCase *tests = tcase_create("rebuild_matrix");

    tcase_set_timeout(tests, SECONDS_A_ROUND * (1 + rounds()));
    tcase_add_unchecked_fixture(tests, find_libraries, NULL);
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_test(tests, keep_working);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
