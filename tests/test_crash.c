/*
 * Kills litekeeper at random instants of a run, beside an application that writes, and looks
 * whether anything was lost. SEED and ROUNDS in the environment; each round has a seed of its own,
 * printed where it fails, and SEED=THAT ROUNDS=1 is that round again as far as chance allows.
 */
#include "clock.h"
#include "lib_crash.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 40, STATUSES = 4, SECONDS_A_ROUND = 30, MOMENTS = 1000 };

static const struct ledger_kind kinds[] = {
    {"wal", true, false, 10},
    {"delete", true, true, 10},
    {"wal", false, true, 10},
    {"delete", false, false, 10},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

enum victim { PARENT, WORKER, BOTH };

static const struct deed {
    const char *name;
    int signal;
    enum victim victim;
    int statuses[STATUSES]; /* that the run may end with; -1: no more */
} deeds[] = {
    {"kill -9 of the worker", SIGKILL, WORKER, {0, 1, -1}},
    {"kill -9 of the parent", SIGKILL, PARENT, {0, 128 + SIGKILL, -1}},
    {"kill -9 of both", SIGKILL, BOTH, {0, 1, 128 + SIGKILL, -1}},
    {"SIGTERM to the parent", SIGTERM, PARENT, {0, 130, 128 + SIGTERM, -1}},
    {"SIGINT to the parent", SIGINT, PARENT, {0, 130, -1}},
    {"SIGTERM to the worker", SIGTERM, WORKER, {0, 1, -1}},
};

enum { DEEDS = sizeof deeds / sizeof *deeds };

/* When it happens: so long after the start, or at a worker's so many-th call that writes. */
struct instant {
    bool at_write;
    double ms;
    int64_t writes;
};

/* How far a run goes that nobody ends. */
struct whole {
    double ms;
    int64_t writes; /* of its busiest worker */
};

/* What the rounds have met, for the line at the end. */
static struct {
    int before, amid, after, cancelled, failed, alone;
} met;

/* The most that one of the workers has written so far. */
static int64_t writes_of(pid_t parent)
{
    pid_t children[FAMILY_MOST];
    size_t count = family_children(parent, children);
    int64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t writes = family_writes(children[i]);
        most = writes > most ? writes : most;
    }
    return most;
}

static void await(const struct instant *instant, pid_t parent)
{
    if (!instant->at_write)
        clock_sleep_ms(instant->ms);
    else
        while (!family_ended(parent) && writes_of(parent) < instant->writes)
            ;
}

/* Mostly the one that was started last, since the other is the history's. */
static pid_t choose_worker(pid_t parent, uint64_t *random)
{
    pid_t children[FAMILY_MOST];
    size_t count = family_children(parent, children);

    if (!count || randomdb_number(random, 4) > 0)
        return family_youngest(parent);
    return children[randomdb_number(random, (int64_t)count)];
}

static void strike(const struct deed *deed, pid_t parent, uint64_t *random)
{
    pid_t worker = deed->victim == PARENT ? 0 : choose_worker(parent, random);
    bool parent_first = randomdb_number(random, 2);

    if (deed->victim == PARENT || (deed->victim == BOTH && parent_first))
        kill(parent, deed->signal);
    if (worker)
        kill(worker, deed->signal);
    if (deed->victim == BOTH && !parent_first)
        kill(parent, deed->signal);
}

static void check_end(const struct deed *deed, const struct program_result *result)
{
    struct crash_outcomes outcomes;
    bool allowed = false;

    crash_outcomes(result->out, &outcomes);
    for (int i = 0; i < STATUSES && deed->statuses[i] >= 0; i++)
        allowed = allowed || result->status == deed->statuses[i];
    ck_assert_msg(allowed, "%s: exit status %d: %s\n%s", deed->name, result->status,
                  outcomes.reason, result->err);
    if (result->status == 130)
        ck_assert_msg(!outcomes.failed, "interrupted: %s", outcomes.reason);
    if (result->status == 1)
        ck_assert_int_gt(outcomes.failed + outcomes.cancelled, 0);
    met.cancelled += outcomes.cancelled > 0;
    met.failed += outcomes.failed > 0;
}

static void crash_once(struct crash *crash, const struct deed *deed, const struct instant *instant)
{
    char *words = expect_words(CRASH_RUN);
    struct program_result result;
    struct program program;

    program_start(&program, words, false);
    await(instant, program.pid);
    strike(deed, program.pid, &crash->random);
    program_finish(&program, &result);
    check_end(deed, &result);
    program_result_free(&result);
    free(words);
}

static void measure(struct crash *crash, const struct ledger_kind *kind, bool application,
                    struct whole *whole)
{
    char *words = expect_words(CRASH_RUN);
    double begun = clock_monotonic_ms();
    struct program_result result;
    struct program program;

    crash_reset(crash, kind);
    crash_application(crash, application);
    program_start(&program, words, false);
    while (!family_ended(program.pid)) {
        int64_t writes = writes_of(program.pid);
        whole->writes = writes > whole->writes ? writes : whole->writes;
    }
    whole->ms = clock_monotonic_ms() - begun;
    program_finish(&program, &result);
    ck_assert_msg(result.status == 0, "%.2000s\n%s", result.out, result.err);
    crash_recover(crash);
    program_result_free(&result);
    free(words);
}

/* Looks at what the crash has left, at times before anyone else has opened it. */
static void look(struct crash *crash)
{
    bool application = crash->application;

    crash_application(crash, false);
    int64_t gone = ledger_check(crash->ledger, crash->path, false);
    int64_t old = 0;
    for (int table = 0; table < LEDGER_TABLES; table++)
        for (int64_t id = 1; id < crash->ledger->next[table]; id++)
            old += crash->ledger->rows[table][id].state == LEDGER_OLD;
    met.before += gone == 0;
    met.amid += gone > 0 && gone < old;
    met.after += gone == old;
    crash_application(crash, application);
}

static void round_of(struct crash *crash, const struct ledger_kind *kind, const struct whole *whole,
                     bool application)
{
    int64_t times = 1 + (randomdb_number(&crash->random, 4) == 0);

    crash_reset(crash, kind);
    crash_application(crash, application);
    met.alone += !application;
    for (int64_t i = 0; i < times; i++) {
        const struct deed *deed = &deeds[randomdb_number(&crash->random, DEEDS)];
        struct instant instant = {
            .at_write = randomdb_number(&crash->random, 2),
            .ms = whole->ms * (double)randomdb_number(&crash->random, 1000) / 1000,
            .writes = 1 + whole->writes * randomdb_number(&crash->random, MOMENTS) / MOMENTS};
        crash_once(crash, deed, &instant);
        ck_assert_msg(family_gone(crash->application), "%s leaves a worker behind", deed->name);
    }
    look(crash);
    crash_recover(crash);
}

START_TEST(nothing_is_lost)
{
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS;
    uint64_t seed = randomdb_seed("crash");
    struct whole wholes[KINDS][2] = {{{0}}};
    struct crash crash;

    crash_open(&crash, seed);
    for (int round = 0; randomdb_another(round, rounds, ROUNDS, met.amid > 0); round++) {
        uint64_t random = crash.random = seed + (uint64_t)round;
        int64_t kind = randomdb_number(&crash.random, KINDS);
        bool application = randomdb_number(&crash.random, 4) > 0;
        struct whole *whole = &wholes[kind][application];
        if (whole->ms == 0)
            measure(&crash, &kinds[kind], application, whole);
        printf("crash: SEED=%" PRIu64 " %s\n", random, kinds[kind].journal);
        fflush(stdout);
        round_of(&crash, &kinds[kind], whole, application);
    }
    crash_close(&crash);
    printf("crash: %d rounds: %d before the first commit, %d amid, %d after the last; %d with an "
           "outcome cancelled, %d failed; %d without an application\n",
           rounds, met.before, met.amid, met.after, met.cancelled, met.failed, met.alone);
    ck_assert(met.amid > 0 || rounds < ROUNDS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crash");
    TCase *cases = tcase_create("crash");
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
