/*
 * Indexes rebuilt and built beside a restless application, in random schemas. Each round has a seed
 * of its own, printed where it fails; SEED=THAT ROUNDS=1 is that round again as far as chance
 * allows.
 */
#include "rebuild.h"

#include "clock.h"
#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_rebuild.h"
#include "lib_restless.h"
#include "lib_sql.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 12, SECONDS_A_ROUND = 30, ROWS = 4000, KILL_MS = 400 };

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

/* Seven in eight in WAL mode; of rebuilds three in four with a model. A new index changes the way
 * in which rows are visited, and a unique one what may be inserted, so there no model can tell. */
struct round {
    uint64_t seed, random;
    bool model, wal, anew;
    const char *index, *sql;
};

/* SQLite visits the rows of an UPDATE in another order where the table has triggers, whosever they
 * are, and UPDATE OR IGNORE or OR FAIL may take others of them. So with a model there are some all
 * the time. */
static const char round_triggers[] = "CREATE TRIGGER own1 BEFORE UPDATE ON t BEGIN SELECT 1; END;"
                                     "CREATE TRIGGER own2 AFTER UPDATE ON t BEGIN SELECT 1; END;"
                                     "CREATE TRIGGER own3 BEFORE INSERT ON t BEGIN SELECT 1; END;"
                                     "CREATE TRIGGER own4 AFTER INSERT ON t BEGIN SELECT 1; END;"
                                     "CREATE TRIGGER own5 AFTER DELETE ON t BEGIN SELECT 1; END";

static struct round round_make(uint64_t seed)
{
    struct round round = {.seed = seed, .random = seed};

    round.wal = randomdb_number(&round.random, 8) != 0;
    round.sql = restless_make(&round.random, ROWS, round.wal ? "WAL" : "DELETE", &round.index);
    round.anew = round.sql && randomdb_number(&round.random, 3) == 0;
    round.model = !round.anew && randomdb_number(&round.random, 4) != 0;
    if (round.model) {
        opened_sql(round_triggers);
        opened_close();
    }
    lib_rebuild_limits.max_lock_ms = round.wal ? 2 : 8; /* a commit alone takes longer there */
    if (round.anew) {
        opened_sql("DROP INDEX i");
        opened_close();
    }
    return round;
}

static void round_tell(const struct round *round, const struct rebuild_result *result,
                       int64_t commits, const char *why)
{
    printf("  %s %s, %s, %s: %" PRId64 " entries, %" PRId64 " commits, %" PRId64
           " rows settled in %.1f + %.1f + %.1f + %.1f s%s%s\n",
           round->anew ? "new" : "again", round->sql ? round->sql : round->index,
           round->model ? "model" : "3 processes", round->wal ? "WAL" : "journal", result->entries,
           commits, result->settled, result->copy_s, result->compare_s, result->check_s,
           result->drop_s, *why ? ": " : "", why);
    fflush(stdout);
}

/* What the application has made of the rows may violate a new unique index; and without a WAL its
 * transactions can follow each other so closely that no other gets in between. */
static bool round_tolerates(const struct round *round, enum status status,
                            const struct error *error)
{
    return (round->anew && strstr(round->sql, "UNIQUE") && strstr(error->text, "the same key")) ||
           (!round->wal && status == STATUS_BUSY);
}

static void round_of(uint64_t seed)
{
    struct round round = round_make(seed);
    struct rebuild_result result;
    struct error error = {0};
    struct restless *restless = restless_start(round.model ? 1 : 3, round.model,
                                               (uint64_t)randomdb_number(&round.random, INT64_MAX));
    int64_t before = restless_commits(restless);

    enum status status = round.anew ? lib_rebuild_create(round.sql, &result, &error)
                                    : lib_rebuild(round.index, &result, &error);
    int64_t commits = restless_commits(restless) - before;
    restless_stop(restless);
    round_tell(&round, &result, commits, status ? error.text : "");
    if (result.left)
        lib_rebuild_clean();
    if (status != STATUS_OK && round_tolerates(&round, status, &error)) {
        lib_rebuild_check(NULL);
        return;
    }
    ck_assert_msg(status == STATUS_OK, "SEED=%" PRIu64 ": %s", seed, error.text);
    ck_assert_msg(result.exchanged && !result.repaired && !*result.found, "SEED=%" PRIu64 ": %s",
                  seed, result.found);
    lib_rebuild_check(round.index);
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

/* --- killed ------------------------------------------------------------------------------- */

static void rebuild_in_child(const struct round *round)
{
    struct rebuild_result result;
    struct error error = {0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (round->anew)
        lib_rebuild_create(round->sql, &result, &error);
    else
        lib_rebuild(round->index, &result, &error);
    _exit(0);
}

/* Whether it was killed in the middle. */
static bool kill_in_the_middle(struct round *round)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0)
        rebuild_in_child(round);
    clock_sleep_ms((double)randomdb_number(&round->random, KILL_MS));
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

/* Sound at once, but for the NULLs that the copy may have, which is a table of ours. */
static void check_sound(uint64_t seed)
{
    sqlite3 *db = sql_open("app.db");
    sqlite3_stmt *lines = sql_prepare(db, "PRAGMA integrity_check");

    while (sqlite3_step(lines) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(lines, 0);
        ck_assert_msg(strcmp(line, "ok") == 0 ||
                          strncmp(line, "NULL value in _litekeeper_copy.", 31) == 0,
                      "SEED=%" PRIu64 ": %s", seed, line);
    }
    sqlite3_finalize(lines);
    sqlite3_close(db);
}

static bool kill_round(uint64_t seed)
{
    struct round round = round_make(seed);
    struct restless *restless = restless_start(round.model ? 1 : 2, round.model, round.random);
    struct error error = {0};
    bool found = false;

    bool killed = kill_in_the_middle(&round);
    if (round.wal) /* else it would keep the application from writing */
        check_sound(seed);
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_msg(rebuild_leftovers(database, &found, &error) == STATUS_OK, "%s", error.text);
    opened_close();
    lib_rebuild_clean();
    restless_stop(restless);
    lib_rebuild_check(round.anew && opened_value("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master "
                                                 "WHERE name = 'i')")
                          ? NULL
                          : round.index);
    opened_close();
    printf("  %s%s\n", killed ? "killed" : "done", found ? ", with leftovers" : "");
    fflush(stdout);
    return killed && found;
}

START_TEST(killed)
{
    uint64_t random = randomdb_seed("killed");
    int amid = 0;

    for (int i = 0; i < rounds(); i++) {
        uint64_t seed = i ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        printf("round %d: SEED=%" PRIu64 "\n", i, seed);
        fflush(stdout);
        amid += kill_round(seed);
    }
    printf("%d of %d in the middle\n", amid, rounds());
    ck_assert(amid > 0 || rounds() < ROUNDS);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tests = tcase_create(name);

    tcase_set_timeout(tests, SECONDS_A_ROUND * rounds());
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_test(tests, test);
    suite_add_tcase(suite, tests);
}

int main(void)
{
    Suite *suite = suite_create("rebuild_live");

    add(suite, "rebuilt", rebuilt); /* CK_RUN_CASE takes one of them */
    add(suite, "killed", killed);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
