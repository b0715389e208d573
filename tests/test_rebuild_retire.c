/*
 * Indexes dropped beside a restless application, in random schemas, and litekeeper killed in the
 * middle of it. Each round has a seed of its own, printed where it fails; SEED=THAT ROUNDS=1 is
 * that round again as far as chance allows.
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

enum { ROUNDS = 10, SECONDS_A_ROUND = 30, ROWS = 6000, KILL_MS = 12 };

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

/* Three in four in WAL mode. A step is far shorter than a DROP of the index. */
struct round {
    uint64_t seed, random;
    struct restless_made made;
    bool wal, unique;
};

static struct round round_make(uint64_t seed)
{
    struct round round = {.seed = seed, .random = seed};

    round.wal = randomdb_number(&round.random, 4) != 0;
    restless_make(&round.random, ROWS, round.wal ? "WAL" : "DELETE", &round.made);
    round.unique = !*round.made.sql || strstr(round.made.sql, "UNIQUE");
    lib_rebuild_limits.max_lock_ms = round.wal ? 1 : 8;
    return round;
}

static int64_t there(const char *index)
{
    sqlite3 *db = sql_open("app.db");
    sqlite3_stmt *ask = sql_prepare(db, "SELECT count(*) FROM sqlite_master WHERE name = ?1");

    sqlite3_bind_text(ask, 1, index, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(ask), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(ask, 0);
    sqlite3_finalize(ask);
    sqlite3_close(db);
    return count;
}

static void round_check(const struct round *round, enum status status,
                        const struct rebuild_result *result, const struct error *error)
{
    const char *index = round->made.index;

    lib_rebuild_check(NULL);
    if (round->unique) {
        ck_assert_int_eq(status, STATUS_REFUSED);
        ck_assert_int_eq(there(index), 1);
        return;
    }
    ck_assert_msg(status == STATUS_OK || (status == STATUS_BUSY && result->exchanged),
                  "SEED=%" PRIu64 ": %s", round->seed, error->text);
    ck_assert_int_eq(there(index), 0);
}

/* What the application has done is told to a model afterwards, in which the index goes at the same
 * moment. */
static void round_of(uint64_t seed)
{
    const struct restless_way way = {.processes = 3};
    struct round round = round_make(seed);
    struct rebuild_result result;
    struct error error = {0};
    struct restless *restless =
        restless_start(&way, (uint64_t)randomdb_number(&round.random, INT64_MAX));

    enum status status = lib_rebuild_retire(round.made.index, &result, &error);
    printf("  %s, %s: %s in %.2f s\n", *round.made.sql ? round.made.sql : round.made.index,
           round.wal ? "WAL" : "journal", status ? error.text : "gone", result.drop_s);
    fflush(stdout);
    restless_wait(restless, restless_commits(restless), 20, 2000);
    if (result.left)
        lib_rebuild_clean();
    restless_stop(restless, NULL);
    round_check(&round, status, &result, &error);
}

START_TEST(retired)
{
    uint64_t random = randomdb_seed("retired");

    for (int i = 0; i < rounds(); i++) {
        uint64_t seed = i ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        printf("round %d: SEED=%" PRIu64 "\n", i, seed);
        round_of(seed);
    }
}
END_TEST

static void retire_in_child(const char *index)
{
    struct rebuild_result result;
    struct error error = {0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    lib_rebuild_retire(index, &result, &error);
    _exit(0);
}

/* Two in three are killed a moment after the index has gone, the others at any time. */
static void kill_it(pid_t child, const char *index, uint64_t *random)
{
    bool early = randomdb_number(random, 3) == 0;
    double until = clock_monotonic_ms() + (early ? 0 : 5000);

    while (there(index) && clock_monotonic_ms() < until)
        clock_sleep_ms(0.2);
    clock_sleep_ms((double)randomdb_number(random, KILL_MS * 10) / 10);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

static struct round kill_make(uint64_t seed)
{
    struct round round = round_make(seed);

    while (round.unique)
        round = round_make((uint64_t)randomdb_number(&seed, INT64_MAX));
    return round;
}

/* Whether it was killed with something left behind. */
static bool kill_round(uint64_t seed)
{
    const struct restless_way way = {.processes = 2};
    struct round round = kill_make(seed);
    const char *index = round.made.index;
    struct restless *restless = restless_start(&way, round.random);
    struct error error = {0};
    bool found = false;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0)
        retire_in_child(index);
    kill_it(child, index, &round.random);
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_msg(rebuild_leftovers(database, &found, &error) == STATUS_OK, "%s", error.text);
    opened_close();
    ck_assert_msg(!found || !there(index), "SEED=%" PRIu64, seed);
    lib_rebuild_clean();
    restless_stop(restless, NULL);
    lib_rebuild_check(there(index) ? index : NULL);
    printf("  %s\n", found ? "leftovers" : there(index) ? "nothing done" : "gone");
    fflush(stdout);
    return found;
}

START_TEST(killed)
{
    uint64_t random = randomdb_seed("killed");
    int wanted = rounds(), amid = 0, done = 0;

    /* a third of them are, by and large */
    for (; randomdb_another(done, wanted, ROUNDS, amid > 0); done++) {
        uint64_t seed = done ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        printf("round %d: SEED=%" PRIu64 "\n", done, seed);
        fflush(stdout);
        amid += kill_round(seed);
    }
    printf("%d of %d in the middle\n", amid, done);
    ck_assert(amid > 0 || wanted < ROUNDS);
}
END_TEST

/* --- one at a time ------------------------------------------------------------------------ */

/* Of every kind of value, in both directions, and more than a step can drop. */
static const char *const kinds[] = {
    "CREATE INDEX i ON t(a)",
    "CREATE INDEX i ON t(a DESC, b COLLATE NOCASE, c)",
    "CREATE INDEX i ON t(b COLLATE RTRIM DESC, r) WHERE a NOT NULL",
    "CREATE INDEX i ON t(lower(b), abs(r) DESC, x)",
    "CREATE INDEX i ON t(x, x, a)",
};

START_TEST(kind)
{
    struct rebuild_result result;
    struct error error = {0};

    opened_sql("PRAGMA journal_mode=WAL; CREATE TABLE t(a INT, b TEXT, c BLOB, r REAL, x);"
               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
               "INSERT INTO t SELECT nullif(i % 7, 3), iif(i % 5, 'B' || i, NULL), "
               "zeroblob(i % 40), i % 9, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i WHEN 2 THEN i / "
               "3.0 WHEN 3 THEN 'x' || i ELSE x'00ff' END FROM n");
    opened_sql(kinds[_i]);
    opened_sql("ANALYZE");
    int64_t sum = opened_value("SELECT sum(rowid * length(quote(x))) FROM t NOT INDEXED");
    ck_assert_int_eq(opened_value("SELECT count(*) FROM sqlite_stat1 WHERE idx = 'i'"), 1);
    opened_close();
    ck_assert_msg(lib_rebuild_retire("i", &result, &error) == STATUS_OK, "%s", error.text);
    ck_assert(result.exchanged && !result.left);
    lib_rebuild_check(NULL);
    ck_assert_int_eq(there("i"), 0);
    ck_assert_int_eq(opened_value("SELECT count(*) FROM sqlite_stat1 WHERE idx = 'i'"), 0);
    ck_assert_int_eq(opened_value("SELECT sum(rowid * length(quote(x))) FROM t NOT INDEXED"), sum);
    opened_sql(kinds[_i]); /* the name is free again */
}
END_TEST

static const struct {
    const char *setup, *index, *why;
} refused_rows[] = {
    {"CREATE TABLE t(a)", "i", "there is no index i"},
    {"CREATE TABLE i(a)", "i", "there is no index i"},
    {"CREATE TABLE t(a); CREATE UNIQUE INDEX i ON t(a)", "i",
     "i is UNIQUE: without it the rows of t are held to nothing"},
    {"CREATE TABLE t(a UNIQUE)", "sqlite_autoindex_t_1",
     "sqlite_autoindex_t_1 is UNIQUE: without it the rows of t are held to nothing"},
    {"CREATE TABLE t(a TEXT PRIMARY KEY)", "sqlite_autoindex_t_1",
     "sqlite_autoindex_t_1 is UNIQUE: without it the rows of t are held to nothing"},
};

START_TEST(refused)
{
    struct rebuild_result result;
    struct error error = {0};

    opened_make(refused_rows[_i].setup);
    int64_t before = there(refused_rows[_i].index);
    ck_assert_int_eq(lib_rebuild_retire(refused_rows[_i].index, &result, &error), STATUS_REFUSED);
    ck_assert_str_eq(error.text, refused_rows[_i].why);
    ck_assert(!result.exchanged);
    lib_rebuild_check(NULL);
    ck_assert_int_eq(there(refused_rows[_i].index), before);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *tests = tcase_create(name);

    tcase_set_timeout(tests, SECONDS_A_ROUND * (RANDOMDB_PATIENCE + rounds()));
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_loop_test(tests, test, 0, count);
    suite_add_tcase(suite, tests);
}

int main(void)
{
    Suite *suite = suite_create("rebuild_retire");

    add(suite, "kind", kind, sizeof kinds / sizeof *kinds);
    add(suite, "refused", refused, sizeof refused_rows / sizeof *refused_rows);
    add(suite, "retired", retired, 1); /* CK_RUN_CASE takes one of them */
    add(suite, "killed", killed, 1);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
