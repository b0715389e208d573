/*
 * Kills litekeeper at random instants of reindex and optimize, beside an application that writes,
 * and looks whether anything was lost. SEED and ROUNDS in the environment.
 */
#include "clock.h"
#include "lib_care.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_ledger.h"
#include "lib_randomdb.h"
#include "lib_sql.h"
#include "lib_writer.h"
#include "memory.h"

#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 10 };

#define POLICY CARE_WINDOW "    reindex: { min_size: 0 }\n    optimize: {}\n    max_lock: 5ms\n"

static const struct ledger_kind kinds[] = {{"wal", true, false, 20}, {"delete", true, false, 20}};

static struct {
    int amid, after;
} met;

static void make(struct ledger *ledger, const struct ledger_kind *kind)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char *path = folder_path("app.db");

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *file = memory_format("%s%s", path, endings[i]);
        unlink(file);
        free(file);
    }
    ledger_make(path, kind);
    ledger_start(ledger, kind);
    free(path);
}

/* The worker, mostly; or who has started it; or both. */
static void strike(pid_t parent, uint64_t *random)
{
    int64_t whom = randomdb_number(random, 4);
    pid_t worker = family_youngest(parent);

    if (whom != 1 && worker)
        kill(worker, SIGKILL);
    if (whom == 1 || whom == 2)
        kill(parent, SIGKILL);
}

static void crash(double whole_ms, uint64_t *random)
{
    struct program program;
    struct care_run run;
    int64_t at = randomdb_number(random, 1000);

    care_start("--force d", &program);
    clock_sleep_ms(whole_ms * (double)at / 1000);
    strike(program.pid, random);
    care_finish(&program, &run);
    ck_assert_msg(run.result.status == 0 || run.result.status == 1 ||
                      run.result.status == 128 + SIGKILL,
                  "exit status %d: %s", run.result.status, run.result.out);
    met.amid += run.result.status != 0;
    met.after += run.result.status == 0;
    care_free(&run);
}

/* Nothing beside the database but what the test and the history have there. */
static void check_files(void)
{
    static const char *const known[] = {"app.db", "policy.yaml", "state"};
    char *path = folder_path("");
    DIR *folder = opendir(path);
    struct dirent *entry;

    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder))) {
        bool expected = entry->d_name[0] == '.';
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            expected = expected || strcmp(entry->d_name, known[i]) == 0;
        ck_assert_msg(expected, "%s is left behind", entry->d_name);
    }
    closedir(folder);
    free(path);
}

/* The next run completes. */
static double recover(void)
{
    double begun = clock_monotonic_ms();
    struct care_run run;

    care_run("--force d", &run);
    double took = clock_monotonic_ms() - begun;
    care_check("the next run", &run, 0, "done", "# index statistics refreshed");
    ck_assert_msg(strstr(run.result.out, "\"reason\":\"4 indexes rebuilt;") != NULL, "%s",
                  run.result.out);
    care_free(&run);
    return took;
}

static void round_of(struct ledger *ledger, const struct ledger_kind *kind, double *whole_ms,
                     uint64_t random)
{
    char *path = folder_path("app.db");
    bool application = randomdb_number(&random, 4) > 0;
    pid_t writer = 0;

    make(ledger, kind);
    if (*whole_ms == 0) {
        *whole_ms = recover();
        make(ledger, kind);
    }
    if (application)
        writer = writer_start(ledger, path, random);
    crash(*whole_ms, &random);
    ck_assert_msg(family_gone(writer), "a worker is still there");
    recover();
    if (application)
        writer_stop(writer);
    ledger_check(ledger, path, false);
    check_files();
    free(path);
}

START_TEST(nothing_is_lost)
{
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS;
    uint64_t seed = randomdb_seed("care_crash");
    struct ledger *ledger = ledger_new();
    double whole_ms[2] = {0, 0};

    family_adopt();
    care_policy(POLICY);
    for (int round = 0; randomdb_another(round, rounds, ROUNDS, met.amid > 0); round++) {
        printf("care_crash: SEED=%" PRIu64 "\n", seed + (uint64_t)round);
        fflush(stdout);
        int kind = (int)((seed + (uint64_t)round) % 2);
        round_of(ledger, &kinds[kind], &whole_ms[kind], seed + (uint64_t)round);
    }
    printf("care_crash: %d rounds: %d amid, %d after the end\n", rounds, met.amid, met.after);
    ck_assert(met.amid > 0 || rounds < ROUNDS);
}
END_TEST

int main(void)
{
    const struct care_loop loops[] = {{nothing_is_lost, 1}};

    return care_main("care_crash", loops, 1);
}
