/*
 * Kills litekeeper at random instants while it rebuilds or builds indexes beside a restless
 * application. Right after it the database is sound; the next run of any task that writes removes
 * what was left; in the end every row is what the application made of it, and every index what
 * SQLite would make of the rows. Without a next run the notes stop growing. SEED and ROUNDS in the
 * environment; SEED=THAT ROUNDS=1 is that round again as far as chance allows.
 */
#include "clock.h"
#include "lib_care.h"
#include "lib_family.h"
#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_rebuild.h"
#include "lib_restless.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUNDS = 5,
    SECONDS_A_ROUND = 60,
    INSTANT_MS = 500,
    INSTALLED_MS = 120,
    GOES_ON = 50, /* commits of the application ... */
    GOES_ON_MS = 50000,
    ABANDONED = 10 /* one round in so many has no next run for a while */
};

#define POLICY                                     \
    "    reindex: { mode: online, min_size: 0 }\n" \
    "    vacuum: { free_bytes_above: 1TB }\n"      \
    "    max_lock: 3ms\n"

static struct {
    int amid, left, builds;
} met;

struct round {
    uint64_t seed, random;
    bool wal, anew;
    struct restless_way way;
    struct restless_made made;
    struct restless *restless;
};

static int rounds(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : ROUNDS;
}

static struct round round_make(uint64_t seed)
{
    struct round round = {.seed = seed, .random = seed};
    int rows = 1000 + (int)randomdb_number(&round.random, 6000);

    round.wal = randomdb_number(&round.random, 6) != 0;
    restless_make(&round.random, rows, round.wal ? "WAL" : "DELETE", &round.made);
    round.anew = *round.made.sql && randomdb_number(&round.random, 3) == 0;
    round.way.model = !round.anew && randomdb_number(&round.random, 2);
    round.way.processes = round.way.model ? 1 : 2;
    lib_rebuild_limits = (struct rebuild_limits){.max_lock_ms = round.wal ? 2 : 8};
    if (round.anew) {
        opened_sql("DROP INDEX i");
        opened_close();
    }
    return round;
}

static void round_start(struct round *round)
{
    round->restless =
        restless_start(&round->way, (uint64_t)randomdb_number(&round->random, INT64_MAX));
}

/* --- kills -------------------------------------------------------------------------------- */

static void round_slowly(void *argument, int64_t entries, int64_t total)
{
    struct round *round = argument;

    (void)entries;
    (void)total;
    restless_wait(round->restless, restless_commits(round->restless), 1, 20);
}

static pid_t round_fork(struct round *round)
{
    struct rebuild_result result;
    struct error error = {0};
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    lib_rebuild_limits.progress = round_slowly;
    lib_rebuild_limits.argument = round;
    if (round->anew)
        lib_rebuild_create(round->made.sql, &result, &error);
    else
        lib_rebuild(round->made.index, &result, &error);
    _exit(0);
}

/* Until there is something of ours in the schema; false if the process ends without. */
static bool wait_for_ours(pid_t process)
{
    while (lib_rebuild_ours() == 0) {
        if (family_ended(process))
            return false;
        clock_sleep_ms(0.5);
    }
    return true;
}

/* Any instant; or one with something of ours in the schema, which is there most of the time but not
 * on a machine where it takes longer to start a program. */
static void wait_for_instant(struct round *round, pid_t process, bool installed)
{
    double most_ms = INSTANT_MS;

    if (installed || randomdb_number(&round->random, 2)) {
        wait_for_ours(process);
        most_ms = INSTALLED_MS;
    }
    clock_sleep_ms(most_ms * (double)randomdb_number(&round->random, 1000) / 1000);
}

/* The engine itself, in a process of its own. Returns whether it was killed before its end. */
static bool kill_engine(struct round *round, bool installed)
{
    pid_t child = round_fork(round);
    int status;

    wait_for_instant(round, child, installed);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

/* The worker, mostly; or who has started it; or both. */
static bool kill_program(struct round *round, bool installed)
{
    struct program program;
    struct care_run run;
    int64_t whom = randomdb_number(&round->random, 4);

    care_start("--force d reindex", &program);
    wait_for_instant(round, program.pid, installed);
    pid_t worker = family_youngest(program.pid);
    if (whom != 1 && worker)
        kill(worker, SIGKILL);
    if (whom == 1 || whom == 2)
        kill(program.pid, SIGKILL);
    care_finish(&program, &run);
    bool killed = run.result.status == 1 || run.result.status == 128 + SIGKILL;
    ck_assert_msg(killed || run.result.status == 0 || run.result.status == 75,
                  "exit status %d: %s%s", run.result.status, run.result.out, run.result.err);
    care_free(&run);
    return killed;
}

/* --- afterwards --------------------------------------------------------------------------- */

/* Any task that may write. Not optimize: its statistics would have the application visit rows in
 * another order than the model. */
static void next_run(void)
{
    care_run_patiently("d vacuum");
    ck_assert_int_eq(lib_rebuild_ours(), 0);
}

static void kill_round(uint64_t seed, bool installed)
{
    struct round round = round_make(seed);

    round_start(&round);
    bool killed = round.anew ? kill_engine(&round, installed) : kill_program(&round, installed);
    if (round.wal) /* else it would keep the application from writing */
        lib_rebuild_sound();
    int64_t ours = lib_rebuild_ours();
    restless_wait(round.restless, restless_commits(round.restless), 3, 1000);
    next_run();
    restless_stop(round.restless, round.anew ? round.made.sql : NULL);
    lib_rebuild_check_all();
    printf("  %s, %s, %s: %s, %d objects left\n", round.anew ? "new" : "again",
           round.wal ? "WAL" : "journal", round.way.model ? "model" : "story",
           killed ? "killed" : "done before", (int)ours);
    fflush(stdout);
    met.amid += killed;
    met.left += ours > 0;
    met.builds += round.anew;
}

START_TEST(killed)
{
    uint64_t random = randomdb_seed("rebuild_crash");
    int wanted = rounds(), done = 0;

    care_policy(POLICY);
    /* on a busy machine it may be a while till one dies with something of ours in the schema */
    for (; randomdb_another(done, wanted, ROUNDS, met.left > 0); done++) {
        uint64_t seed = done ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        printf("round %d: SEED=%" PRIu64 "\n", done, seed);
        fflush(stdout);
        kill_round(seed, done >= wanted);
    }
    printf("rebuild_crash: %d rounds (%d of new indexes), %d killed before the end, %d with "
           "something left\n",
           done, met.builds, met.amid, met.left);
    ck_assert(met.left > 0 || wanted < ROUNDS);
}
END_TEST

/* --- no next run -------------------------------------------------------------------------- */

static int64_t count_notes(void)
{
    sqlite3 *db = sql_open("app.db");
    int64_t there =
        sql_number(db, "SELECT count(*) FROM sqlite_master WHERE name = '_litekeeper_notes'");
    int64_t notes = there ? sql_number(db, "SELECT count(*) FROM _litekeeper_notes") : -1;

    sqlite3_close(db);
    return notes;
}

/* Whether triggers of ours note what is written: till the first write after the lease, which marks
 * it, and is noted itself. */
static bool notes_go_on(void)
{
    sqlite3 *db = sql_open("app.db");
    int64_t triggers = sql_number(
        db,
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%litekeeper%'");
    bool on = triggers > 0 && sql_number(db, "SELECT alive FROM _litekeeper_lease") != 0;

    sqlite3_close(db);
    return on;
}

/* Returns whether there were triggers to go silent. */
static bool abandoned_round(uint64_t seed)
{
    struct round round = round_make(seed);

    round_start(&round);
    lib_rebuild_limits.lease_s = 1;
    kill_engine(&round, true);
    double until = clock_monotonic_ms() + GOES_ON_MS;
    while (notes_go_on() && clock_monotonic_ms() < until)
        clock_sleep_ms(20);
    int64_t notes = count_notes(), commits = restless_commits(round.restless);
    ck_assert(restless_wait(round.restless, commits, GOES_ON, GOES_ON_MS));
    ck_assert_msg(count_notes() == notes, "SEED=%" PRIu64 ": %d notes, then %d", seed, (int)notes,
                  (int)count_notes());
    printf("  %d notes after the lease, and as many %d commits later\n", (int)notes, GOES_ON);
    next_run();
    restless_stop(round.restless, round.anew ? round.made.sql : NULL);
    lib_rebuild_check_all();
    return notes > 0;
}

START_TEST(notes_stop)
{
    int wanted = (rounds() + ABANDONED - 1) / ABANDONED, silent = 0;
    uint64_t random = randomdb_seed("rebuild_crash, no next run");

    care_policy(POLICY);
    for (int i = 0; i < wanted; i++) {
        uint64_t seed = i ? (uint64_t)randomdb_number(&random, INT64_MAX) : random;
        printf("round %d: SEED=%" PRIu64 "\n", i, seed);
        fflush(stdout);
        silent += abandoned_round(seed);
    }
    printf("rebuild_crash: %d rounds without a next run, %d with notes\n", wanted, silent);
    ck_assert(silent > 0 || wanted < ABANDONED);
}
END_TEST

/* --- a second one ------------------------------------------------------------------------- */

/* Starts one and stops its worker in the middle; 0 if that was too late. */
static pid_t start_and_stop(struct program *program)
{
    care_start("--force d reindex", program);
    pid_t worker = wait_for_ours(program->pid) ? family_youngest(program->pid) : 0;
    if (!worker)
        return 0;
    kill(worker, SIGSTOP);
    if (lib_rebuild_ours() > 0)
        return worker;
    kill(worker, SIGCONT);
    return 0;
}

/* It finds the first at work, says so and leaves; the first completes. */
START_TEST(second_leaves)
{
    struct round round = round_make(4);
    struct program program;
    struct care_run first, second;
    pid_t worker = 0;

    care_policy(POLICY "    busy_timeout: 60s\n"); /* it may stand still while it waits */
    round_start(&round);
    for (int i = 0; !(worker = start_and_stop(&program)) && i < RANDOMDB_PATIENCE; i++) {
        care_finish(&program, &first);
        care_free(&first);
    }
    ck_assert_int_gt(worker, 0);
    care_run("d vacuum", &second);
    care_check("the second", &second, 75, "skipped", "~process #~");
    ck_assert_int_gt(lib_rebuild_ours(), 0);
    kill(worker, SIGCONT);
    restless_stop(round.restless, NULL); /* which may be too fast for a slow machine */
    care_finish(&program, &first);
    care_check("the first", &first, 0, "done", "~");
    ck_assert_int_eq(lib_rebuild_ours(), 0);
    lib_rebuild_check_all();
    care_free(&first);
    care_free(&second);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tests = tcase_create(name);

    tcase_set_timeout(tests, SECONDS_A_ROUND * (RANDOMDB_PATIENCE + rounds()));
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_test(tests, test);
    suite_add_tcase(suite, tests);
}

int main(void)
{
    Suite *suite = suite_create("rebuild_crash");

    add(suite, "killed", killed); /* CK_RUN_CASE takes one of them */
    add(suite, "notes_stop", notes_stop);
    add(suite, "second_leaves", second_leaves);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
