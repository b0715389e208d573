/*
 * Kills litekeeper at random instants of a vacuum, in steps and full, with and without an
 * application beside it, and looks whether anything was lost; then the next run completes. SEED
 * and ROUNDS in the environment; each round has a seed of its own, printed, and SEED=THAT ROUNDS=1
 * is that round again as far as chance allows.
 */
#include "clock.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_shrink.h"
#include "lib_writer.h"
#include "memory.h"

#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 16, SECONDS_A_ROUND = 30 };

static const struct kind {
    struct ledger_kind ledger;
    const char *kept;
} kinds[] = {
    {{"wal", true, false, 5}, "none"},
    {{"delete", true, false, 5}, "none"},
    {{"wal", true, false, 5}, "incremental"},
    {{"delete", true, false, 5}, "incremental"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct {
    int signal;
    bool parent, worker;
} deeds[] = {
    {SIGKILL, false, true}, {SIGKILL, false, true}, {SIGKILL, true, false},
    {SIGKILL, true, true},  {SIGTERM, true, false}, {SIGTERM, false, true},
};

enum { DEEDS = sizeof deeds / sizeof *deeds };

/* What the rounds have met, for the line at the end. */
static struct {
    int before, amid, after, alone;
} met;

struct stage {
    struct ledger *ledger;
    char *path;
    uint64_t random;
    struct shrink_case c;
    double whole_ms[KINDS];
};

/* --- the database ------------------------------------------------------------------------- */

/* A fresh database, a copy of the first of its kind; while nobody has it open. */
static void fresh(struct stage *stage, int kind)
{
    char *name = memory_format("template-%d", kind), *template = folder_path(name);

    if (access(template, F_OK) < 0)
        shrink_make_ledger(template, &kinds[kind].ledger, kinds[kind].kept, 0);
    shrink_renew(template, stage->path);
    ledger_start(stage->ledger, &kinds[kind].ledger);
    free(template);
    free(name);
}

static void check_sound(struct stage *stage)
{
    ledger_check(stage->ledger, stage->path, false);
    shrink_check_ballast(stage->path);
}

/* In the folder there is the database and nothing else. */
static void check_alone(void)
{
    char *folder = folder_path("live");
    DIR *entries = opendir(folder);
    struct dirent *entry;

    ck_assert_ptr_nonnull(entries);
    while ((entry = readdir(entries)))
        ck_assert_msg(entry->d_name[0] == '.' || strcmp(entry->d_name, "t.db") == 0,
                      "%s is left behind", entry->d_name);
    closedir(entries);
    free(folder);
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
    struct program_result result;
    struct program program;

    shrink_start(&stage->c, &program);
    clock_sleep_ms(ms);
    strike(stage, program.pid);
    program_finish(&program, &result);
    program_result_free(&result);
}

/* The next run, which completes; where the last one had, there is nothing to do. */
static void run_to_the_end(struct stage *stage)
{
    struct proof_run run;

    shrink_run(&stage->c, &run);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
    ck_assert_msg(run.result.status == 0 && !*run.result.err, "%s\n%s", reason, run.result.err);
    if (strcmp(outcome, "done") != 0)
        ck_assert_msg(strstr(reason, "not enough is free"), "%s", reason);
    proof_free(&run);
}

static void note(int64_t all, int64_t packed, int64_t pages)
{
    met.before += pages >= all;
    met.amid += pages < all && pages > packed;
    met.after += pages <= packed;
}

static void round_of(struct stage *stage, int kind, bool application)
{
    pid_t writer = 0;

    fresh(stage, kind);
    int64_t all = shrink_pragma(&stage->c, "page_count"),
            packed = all - shrink_pragma(&stage->c, "freelist_count");
    if (application)
        writer = writer_start(stage->ledger, stage->path, stage->random);
    met.alone += !application;
    run_and_strike(stage, kind);
    ck_assert_msg(family_gone(writer), "a worker is left behind");
    if (writer)
        writer_stop(writer);
    check_sound(stage);
    note(all, packed, shrink_pragma(&stage->c, "page_count"));
    run_to_the_end(stage);
    check_sound(stage);
    check_alone();
}

/* How long it takes if nobody ends it, so that instants can be chosen; once a kind. */
static void measure(struct stage *stage, int kind)
{
    if (stage->whole_ms[kind] > 0)
        return;
    fresh(stage, kind);
    double begun = clock_monotonic_ms();
    run_to_the_end(stage);
    stage->whole_ms[kind] = clock_monotonic_ms() - begun;
    ck_assert_int_eq(shrink_pragma(&stage->c, "freelist_count"), 0);
    check_sound(stage);
    check_alone();
}

START_TEST(nothing_is_lost)
{
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS;
    uint64_t seed = randomdb_seed("vacuum_crash");
    struct stage stage = {.c = {.name = "crash", .file = "live/t.db"}};

    folder_make();
    char *live = folder_path("live");
    mkdir(live, 0700);
    stage.path = folder_path(stage.c.file);
    stage.ledger = ledger_new();
    shrink_policy(&stage.c);
    family_adopt();
    for (int round = 0; round < rounds; round++) {
        uint64_t random = stage.random = seed + (uint64_t)round;
        int kind = (int)randomdb_number(&stage.random, KINDS);
        bool application = randomdb_number(&stage.random, 2);
        measure(&stage, kind);
        printf("vacuum_crash: SEED=%" PRIu64 " %s %s\n", random, kinds[kind].ledger.journal,
               kinds[kind].kept);
        fflush(stdout);
        round_of(&stage, kind, application);
    }
    printf("vacuum_crash: %d rounds: %d before anything was done, %d amid, %d after all of it; %d "
           "without an application\n",
           rounds, met.before, met.amid, met.after, met.alone);
    folder_remove();
    free(stage.path);
    free(live);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vacuum_crash");
    TCase *cases = tcase_create("vacuum_crash");
    SRunner *runner = srunner_create(suite);
    const char *wanted = getenv("ROUNDS");

    tcase_set_timeout(cases, SECONDS_A_ROUND * (wanted ? atoi(wanted) : ROUNDS));
    tcase_add_test(cases, nothing_is_lost);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
