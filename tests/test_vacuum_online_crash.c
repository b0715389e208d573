/*
 * Kills litekeeper at random instants of an online compaction, beside an application that keeps a
 * record of what it has committed and another that changes the schema, and looks whether anything
 * was lost; then the next run completes. SEED and ROUNDS in the environment; each round has a seed
 * of its own, printed, and SEED=THAT ROUNDS=1 is that round again as far as chance allows. With the
 * own build (see test_vacuum_online.c):
 *
 *     ROUNDS=200 build/release-own-sqlite/tests/test_vacuum_online_crash
 */
#include "clock.h"
#include "identity.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "lib_writer.h"
#include "memory.h"
#include "pageedit.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 6, SECONDS_A_ROUND = 60, TRIES = 20 };

static const struct kind {
    struct ledger_kind ledger;
    int page_size;
    const char *options;
} kinds[] = {
    {{"wal", true, false, 5}, 4096, "mode: online, backup: none"},
    {{"delete", true, false, 5}, 4096, "mode: online"},
    {{"wal", true, true, 5}, 512, "mode: online"},
    {{"wal", true, false, 5}, 65536, "mode: online, backup: none"},
    {{"delete", true, false, 5}, 1024, "mode: online, backup: none, order: false"},
    {{"wal", true, true, 5}, 1024, "mode: online, order: false"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct {
    int signal;
    bool parent, worker;
} deeds[] = {
    {SIGKILL, false, true}, {SIGKILL, false, true}, {SIGKILL, true, false},
    {SIGKILL, true, true},  {SIGKILL, true, true},  {SIGTERM, true, false},
};

enum { DEEDS = sizeof deeds / sizeof *deeds };

/* What the rounds have met, for the line at the end. */
static struct {
    int before, amid, after, schema;
} met;

struct stage {
    struct ledger *ledger;
    char *path;
    uint64_t random;
    double whole_ms[KINDS];
};

static struct shrink_case case_of(int kind)
{
    return (struct shrink_case){.name = "crash",
                                .file = "live/t.db",
                                .journal = kinds[kind].ledger.journal,
                                .options = kinds[kind].options};
}

/* --- the database ------------------------------------------------------------------------- */

/* A fresh database, a copy of the first of its kind; while nobody has it open. */
static void fresh(struct stage *stage, int kind)
{
    char *name = memory_format("template-%d", kind), *template = folder_path(name);
    struct shrink_case c = case_of(kind);

    if (access(template, F_OK) < 0)
        shrink_make_ledger(template, &kinds[kind].ledger, "none", kinds[kind].page_size);
    shrink_renew(template, stage->path);
    ledger_start(stage->ledger, &kinds[kind].ledger);
    shrink_policy(&c);
    free(template);
    free(name);
}

static void check_sound(struct stage *stage)
{
    ledger_check(stage->ledger, stage->path, false);
    shrink_check_ballast(stage->path);
}

/* What a killed run has left of its copy, the next has removed. */
static void check_no_copy(const char *path)
{
    static const char *const endings[] = {IDENTITY_COPY, IDENTITY_PART, IDENTITY_PART "-journal",
                                          IDENTITY_KEPT};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *copy = memory_format("%s%s", path, endings[i]);
        ck_assert_msg(access(copy, F_OK) < 0, "%s is left", copy);
        free(copy);
    }
}

/* --- who changes the schema --------------------------------------------------------------- */

static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

static _Noreturn void change_schema(const char *path)
{
    sqlite3 *db = sql_open(path);

    signal(SIGTERM, end);
    for (int i = 0; !ended; i++) {
        sql_do(db, "CREATE TABLE extra_%d(a INTEGER PRIMARY KEY, b UNIQUE)", i % 7);
        sql_do(
            db,
            "INSERT INTO extra_%d(b) SELECT i || 'x' || %d FROM ballast ORDER BY random() LIMIT 40",
            i % 7, i);
        sql_do(db, "CREATE INDEX extra_of_%d ON extra_%d(b, a)", i % 7, i % 7);
        clock_sleep_ms(15);
        sql_do(db, "DROP TABLE extra_%d", i % 7);
        clock_sleep_ms(15);
    }
    sqlite3_close(db);
    _exit(0);
}

static pid_t schema_start(const char *path)
{
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (!child)
        change_schema(path);
    return child;
}

static void schema_stop(pid_t child)
{
    int status = -1;

    kill(child, SIGTERM);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "who changes the schema has failed: status %d", status);
}

/* --- a round ------------------------------------------------------------------------------ */

static void strike(struct stage *stage, pid_t parent)
{
    int64_t deed = randomdb_number(&stage->random, DEEDS);
    pid_t worker = deeds[deed].worker ? family_youngest(parent) : 0;

    if (deeds[deed].parent)
        kill(parent, deeds[deed].signal);
    if (worker)
        kill(worker, deeds[deed].signal);
}

static void run_and_strike(struct stage *stage, int kind)
{
    double ms = stage->whole_ms[kind] * (double)randomdb_number(&stage->random, 1000) / 1000;
    struct shrink_case c = case_of(kind);
    struct program_result result;
    struct program program;

    shrink_start(&c, &program);
    clock_sleep_ms(ms);
    strike(stage, program.pid);
    program_finish(&program, &result);
    ck_assert_msg(!strstr(result.out, "\"outcome\":\"failed\"") || strstr(result.out, "the worker"),
                  "%s", result.out);
    program_result_free(&result);
}

/* The next run, which completes; busy it may be for a while. */
static void run_to_the_end(int kind)
{
    struct shrink_case c = case_of(kind);
    int status = 75;

    for (int i = 0; i < TRIES && status == 75; i++) {
        struct proof_run run;
        shrink_run(&c, &run);
        status = run.result.status;
        const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
        const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
        ck_assert_msg(status == 75 || (status == 0 && !*run.result.err), "%s\n%s", reason,
                      run.result.err);
        if (status == 0 && strcmp(outcome, "done") != 0)
            ck_assert_msg(strstr(reason, "not enough is free"), "%s", reason);
        proof_free(&run);
    }
    ck_assert_msg(status == 0, "it stays busy");
}

static void note(int64_t all, int64_t packed, int64_t pages)
{
    met.before += pages >= all;
    met.amid += pages < all && pages > packed + 64;
    met.after += pages <= packed + 64;
}

static void round_of(struct stage *stage, int kind)
{
    struct shrink_case c = case_of(kind);
    bool schema = randomdb_number(&stage->random, 2);

    fresh(stage, kind);
    int64_t all = shrink_pragma(&c, "page_count"),
            packed = all - shrink_pragma(&c, "freelist_count");
    pid_t changer = schema ? schema_start(stage->path) : 0;
    pid_t writer = writer_start(stage->ledger, stage->path, stage->random);
    met.schema += schema;
    run_and_strike(stage, kind);
    if (changer)
        schema_stop(changer);
    ck_assert_msg(family_gone(writer, 2000), "a worker is left behind");
    if (randomdb_number(&stage->random, 2)) /* the next run beside the application, too */
        run_to_the_end(kind);
    writer_stop(writer);
    check_sound(stage);
    note(all, packed, shrink_pragma(&c, "page_count"));
    run_to_the_end(kind);
    check_sound(stage);
    check_no_copy(stage->path);
    shrink_remove_beside(stage->path);
}

/* How long it takes if nobody ends it, so that instants can be chosen; once a kind. */
static void measure(struct stage *stage, int kind)
{
    struct shrink_case c = case_of(kind);

    if (stage->whole_ms[kind] > 0)
        return;
    fresh(stage, kind);
    double begun = clock_monotonic_ms();
    run_to_the_end(kind);
    stage->whole_ms[kind] = clock_monotonic_ms() - begun;
    ck_assert_int_eq(shrink_pragma(&c, "freelist_count"), 0);
    check_sound(stage);
}

START_TEST(nothing_is_lost)
{
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS;
    uint64_t seed = randomdb_seed("vacuum_online_crash");
    struct stage stage = {0};

    folder_make();
    char *live = folder_path("live");
    mkdir(live, 0700);
    stage.path = folder_path("live/t.db");
    stage.ledger = ledger_new();
    family_adopt();
    for (int round = 0; round < rounds; round++) {
        uint64_t random = stage.random = seed + (uint64_t)round;
        int kind = (int)randomdb_number(&stage.random, KINDS);
        measure(&stage, kind);
        printf("vacuum_online_crash: SEED=%" PRIu64 " %s %d %s\n", random,
               kinds[kind].ledger.journal, kinds[kind].page_size, kinds[kind].options);
        fflush(stdout);
        round_of(&stage, kind);
    }
    printf("vacuum_online_crash: %d rounds: %d before the file was shorter, %d amid, %d after all "
           "of it; the schema changed in %d\n",
           rounds, met.before, met.amid, met.after, met.schema);
    folder_remove();
    free(stage.path);
    free(live);
}
END_TEST

START_TEST(left_out)
{
    skip("online compaction: the linked SQLite has no sqlite_dbpage that truncates; see the head "
         "of tests/test_vacuum_online_crash.c");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vacuum_online_crash");
    TCase *some = tcase_create("vacuum_online_crash");
    SRunner *runner = srunner_create(suite);
    const char *wanted = getenv("ROUNDS");
    struct error error;

    tcase_set_timeout(some, SECONDS_A_ROUND * (wanted ? atoi(wanted) : ROUNDS));
    if (pageedit_available(&error) == STATUS_OK)
        tcase_add_test(some, nothing_is_lost);
    else
        tcase_add_test(some, left_out);
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
