/*
 * Kills litekeeper at random instants of an online compaction, beside an application that keeps a
 * record of what it has committed (lib_beside.h): files of all page sizes in both journal modes, an
 * application of any age of SQLite, with mmap or without, with readers that hold snapshots and with
 * one who changes the schema; now and then it is killed as well. Looks whether anything was lost;
 * then the next run completes. SEED and ROUNDS in the environment; each round has a seed of its
 * own, printed, and SEED=THAT ROUNDS=1 is that round again as far as chance allows. With the own
 * build (see test_vacuum_online.c):
 *
 *     ROUNDS=200 build/release-own-sqlite/tests/test_vacuum_online_crash
 *
 * TMPDIR=/dev/shm makes it faster where the disk is slow.
 */
#include "clock.h"
#include "identity.h"
#include "lib_beside.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "lib_stranger.h"
#include "lib_strike.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 6, SECONDS_A_ROUND = 60, TRIES = 40, MMAP_BYTES = 1 << 30 };

/* --- what there is to choose from --------------------------------------------------------- */

static const int page_sizes[] = {512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};

enum { PAGE_SIZES = sizeof page_sizes / sizeof *page_sizes };

static const struct ledger_kind ledgers[] = {{"wal", true, true, 5}, {"delete", true, false, 5}};

static const char *const options[] = {"mode: online, backup: none",
                                      "mode: online, backup: none, order: false", "mode: online",
                                      "mode: online, order: false"};

static const struct deed {
    const char *name;
    int to_parent, to_worker;
} deeds[] = {
    {"the worker", 0, SIGKILL},
    {"litekeeper", SIGKILL, 0}, /* with which its worker dies */
    {"both", SIGKILL, SIGKILL},
    {"both, asked to end", SIGTERM, 0},
};

/* One stroke in so many asks. */
enum { DEEDS = sizeof deeds / sizeof *deeds, ASKED_ONE_IN = 12 };

static const char *libraries[2 * STRANGERS_MOST + 1];
static size_t library_count;

/* A kind of file, and how long a run changes such a file; the guess is mended round by round, so
 * that about one stroke in six comes too late. */
struct kind {
    int page_size;
    bool wal, order, copy;
    double *span_ms;
};

static double span_ms[2][2];

enum {
    SPAN_WAL_MS = 200,
    SPAN_JOURNAL_MS = 500,
    BEFORE_ONE_IN = 12,
    LEAD_MS = 60,
    HOLD_WAIT_MS = 100
};

static const double span_longer = 1.1, span_shorter = 0.6;

/* What the rounds have met, for the lines at the end. */
static struct {
    int phases[STRIKE_PHASES], within, application, strange, mapped, changed, read;
    int64_t snapshots;
} met;

struct stage {
    struct ledger *ledger;
    char *path;
    uint64_t random;
    struct kind kind;
    struct beside_way way;
    struct beside beside;
};

static bool chance(struct stage *stage, int64_t one_in)
{
    return randomdb_number(&stage->random, one_in) == 0;
}

static struct kind choose_kind(struct stage *stage)
{
    int64_t size = randomdb_number(&stage->random, PAGE_SIZES);
    bool wal = !chance(stage, 2), order = !chance(stage, 3), copy = chance(stage, 4);
    double *span = &span_ms[wal][order];

    if (*span <= 0)
        *span = wal ? SPAN_WAL_MS : SPAN_JOURNAL_MS;
    return (struct kind){page_sizes[size], wal, order, copy, span};
}

/* SQLite 3.7.17 and 3.8.5 write through their map (unixWrite), and so into nothing, which is
 * SIGBUS, where another process has made the file shorter since: as after any VACUUM. */
static bool writes_by_map(const char *library)
{
    return library && strstr(library, "/elders/");
}

static struct beside_way choose_way(struct stage *stage)
{
    struct beside_way way = {.changer = chance(stage, 2)};

    if (library_count && !chance(stage, 3))
        way.library = libraries[randomdb_number(&stage->random, (int64_t)library_count)];
    way.mmap = chance(stage, 2) && !writes_by_map(way.library) ? MMAP_BYTES : 0;
    way.readers = stage->kind.wal ? (int)randomdb_number(&stage->random, 3) : 0;
    return way;
}

static const struct deed *choose_deed(struct stage *stage)
{
    bool asked = chance(stage, ASKED_ONE_IN);

    return &deeds[asked ? DEEDS - 1 : randomdb_number(&stage->random, DEEDS - 1)];
}

static struct shrink_case case_of(const struct stage *stage)
{
    return (struct shrink_case){.name = "crash",
                                .file = "live/t.db",
                                .journal = stage->kind.wal ? "wal" : "delete",
                                .options = options[!stage->kind.order + 2 * stage->kind.copy]};
}

/* --- the database ------------------------------------------------------------------------- */

/* A fresh database, a copy of the first of its kind; while nobody has it open. */
static void fresh(struct stage *stage)
{
    const struct kind *kind = &stage->kind;
    const struct ledger_kind *ledger = &ledgers[!kind->wal];
    char *name = memory_format("template-%d-%s", kind->page_size, ledger->journal),
         *template = folder_path(name);
    struct shrink_case c = case_of(stage);

    if (access(template, F_OK) < 0)
        shrink_make_ledger(template, ledger, "none", kind->page_size);
    shrink_renew(template, stage->path);
    ledger_start(stage->ledger, ledger);
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
                                          IDENTITY_KEPT, IDENTITY_MARK};

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *copy = memory_format("%s%s", path, endings[i]);
        ck_assert_msg(access(copy, F_OK) < 0, "%s is left", copy);
        free(copy);
    }
}

/* --- a round ------------------------------------------------------------------------------ */

static void begin_beside(struct stage *stage)
{
    beside_start(&stage->beside, stage->ledger, stage->path, &stage->way, stage->random);
    met.strange += stage->way.library != NULL;
    met.mapped += stage->way.mmap > 0;
    met.changed += stage->way.changer;
    met.read += stage->way.readers > 0;
}

/* A few strokes come before the first change, if it can; of the others each second one
 * when the worker has the lock. */
static void watch(struct stage *stage, struct strike *strike, pid_t parent)
{
    bool early = chance(stage, BEFORE_ONE_IN), within = chance(stage, 2);
    double share = (double)randomdb_number(&stage->random, 1000) / 1000;

    if (!strike_watch(strike, parent, early ? share * LEAD_MS : SECONDS_A_ROUND * 1e3, true) ||
        early || !strike_watch(strike, parent, share * *stage->kind.span_ms, false))
        return;
    if (within)
        (void)strike_watch(strike, parent, HOLD_WAIT_MS, true);
}

/* The application is killed as well, in one round of four: before or after. */
static void strike(struct stage *stage, struct strike *strike, const struct deed *deed)
{
    int64_t too = randomdb_number(&stage->random, 8);

    if (too == 0)
        beside_kill(&stage->beside);
    strike_now(strike, deed->to_parent, deed->to_worker);
    if (too == 1)
        beside_kill(&stage->beside);
    met.application += too < 2;
}

static void mend_span(struct stage *stage, enum strike_phase phase)
{
    if (phase == STRIKE_ORDER || phase == STRIKE_CUT)
        *stage->kind.span_ms *= span_longer;
    else if (phase != STRIKE_BEFORE)
        *stage->kind.span_ms *= span_shorter;
}

static void run_and_strike(struct stage *stage)
{
    const struct deed *deed = choose_deed(stage);
    struct shrink_case c = case_of(stage);
    struct program_result result;
    struct program program;
    struct strike stroke;

    strike_prepare(&stroke, stage->path, stage->kind.wal);
    begin_beside(stage);
    shrink_start(&c, &program);
    watch(stage, &stroke, program.pid);
    strike(stage, &stroke, deed);
    program_finish(&program, &result);
    ck_assert_msg(!strstr(result.out, "\"outcome\":\"failed\"") || strstr(result.out, "the worker"),
                  "%s", result.out);
    program_result_free(&result);
    enum strike_phase phase = strike_phase(&stroke);
    met.phases[phase]++;
    met.within += stroke.killed && stroke.within;
    if (deed->to_parent != SIGTERM)
        mend_span(stage, phase);
    printf(" %s: %s%s\n", deed->name, strike_phases[phase],
           stroke.within ? ", within a transaction" : "");
    fflush(stdout);
}

/* The next run, which completes; busy it may be for a while. */
static void run_to_the_end(struct stage *stage)
{
    struct shrink_case c = case_of(stage);
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

/* In half of the rounds the next run is beside the application, too. */
static void round_of(struct stage *stage)
{
    fresh(stage);
    run_and_strike(stage);
    ck_assert_msg(family_gone_but(stage->beside.processes, stage->beside.count),
                  "a worker is left behind");
    if (!stage->beside.count)
        ledger_settle(stage->ledger, stage->path);
    if (!stage->beside.count && chance(stage, 2)) {
        check_sound(stage);
        stage->way = choose_way(stage);
        begin_beside(stage);
    }
    if (chance(stage, 2))
        run_to_the_end(stage);
    beside_stop(&stage->beside);
    check_sound(stage);
    run_to_the_end(stage);
    check_sound(stage);
    met.snapshots += stage->ledger->snapshots;
    check_no_copy(stage->path);
    shrink_remove_beside(stage->path);
}

/* --- all of them -------------------------------------------------------------------------- */

static void say_round(const struct stage *stage, uint64_t seed)
{
    const struct beside_way *way = &stage->way;

    printf("vacuum_online_crash: SEED=%" PRIu64 " %s, pages of %d%s; the application: SQLite %s%s, "
           "%d readers%s; killed:",
           seed, stage->kind.wal ? "wal" : "delete", stage->kind.page_size,
           stage->kind.order ? "" : ", no order",
           way->library ? strrchr(way->library, '/') + 1 : sqlite3_libversion(),
           way->mmap ? ", mmap" : "", way->readers, way->changer ? ", schema changes" : "");
    fflush(stdout);
}

static void say_all(int rounds)
{
    int killed = rounds - met.phases[STRIKE_NONE];

    printf("vacuum_online_crash: %d rounds, killed in %d:", rounds, killed);
    for (int i = 0; i < STRIKE_NONE; i++)
        printf(" %d %s%s", met.phases[i], strike_phases[i], i + 1 < STRIKE_NONE ? "," : ";");
    printf(" %d of them within a transaction\n", met.within);
    printf("vacuum_online_crash: the application: %d times another SQLite, %d mmap, %d schema "
           "changes, %d readers with %" PRId64 " snapshots read twice, killed %d times\n",
           met.strange, met.mapped, met.changed, met.read, met.snapshots, met.application);
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
        stage.kind = choose_kind(&stage);
        stage.way = choose_way(&stage);
        say_round(&stage, random);
        round_of(&stage);
    }
    say_all(rounds);
    folder_remove();
    free(stage.path);
    free(live);
}
END_TEST

/* Before the test's time begins. Debian's and those of long ago. */
static void find_libraries(void)
{
    library_count = stranger_elders(libraries);
    library_count += stranger_libraries(libraries + library_count);
}

static void add_all(TCase *some)
{
    tcase_add_unchecked_fixture(some, find_libraries, NULL);
    tcase_add_test(some, nothing_is_lost);
}

int main(void)
{
    const char *wanted = getenv("ROUNDS");

    return online_main("vacuum_online_crash", SECONDS_A_ROUND * (wanted ? atoi(wanted) : ROUNDS),
                       add_all);
}
