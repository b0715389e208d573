/*
 * Power cuts. Records what litekeeper's worker, and an application beside it, really do to a
 * database and its journal or log during an online compaction (recorder.h), and replays states that
 * a cut could leave (lib_power.h): each must be sound, with the rows of one commit, and none lost
 * that SQLite promises to keep. As a control it is replayed once more with what must be wrong.
 * SEED and ROUNDS, the states of all kinds together, in the environment; with the own build (see
 * test_vacuum_online.c):
 *
 *     ROUNDS=3000 build/release-own-sqlite/tests/test_vacuum_online_power
 */
#include "identity.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_numbered.h"
#include "lib_power.h"
#include "lib_randomdb.h"
#include "lib_shrink.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STATES = 280,
    SECONDS = 60,
    CONTROL = 30, /* states of a control */
    CONTROL_SHARE = 30,
    GO_ON_EVERY = 20, /* states, after one of which litekeeper goes on */
    COMMITS = 10      /* of the application before and after */
};

#define ORDER  "mode: online, backup: none"
#define SHRINK ORDER ", order: false"

static const struct kind {
    const char *journal;
    int page_size;
    const char *options, *synchronous; /* the application's; NULL: there is none */
    const char *kept;                  /* auto_vacuum; NULL: none */
} kinds[] = {
    {"wal", 4096, ORDER, NULL, NULL},
    {"delete", 4096, ORDER, NULL, NULL},
    {"wal", 512, SHRINK, NULL, NULL},
    {"delete", 512, SHRINK, NULL, NULL},
    {"wal", 65536, ORDER, NULL, NULL},
    {"delete", 65536, ORDER, NULL, NULL},
    {"wal", 4096, ORDER, "FULL", NULL},
    {"delete", 4096, ORDER, "FULL", NULL},
    {"wal", 1024, ORDER, "NORMAL", NULL},
    {"delete", 1024, SHRINK, "EXTRA", NULL},
    {"wal", 8192, SHRINK, "NORMAL", NULL},
    {"truncate", 1024, ORDER, "FULL", NULL},
    {"persist", 4096, ORDER, "FULL", NULL},
    {"wal", 512, SHRINK, "FULL", NULL},
    /* what else makes a file shorter */
    {"delete", 1024, "mode: incremental", "FULL", "incremental"},
    {"wal", 4096, "mode: incremental", "NORMAL", "incremental"},
    {"delete", 4096, "mode: full, renumber_rowids: true", NULL, NULL},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

struct stage {
    const struct kind *kind;
    struct numbered_model *model;
    char *live, *before, *cut, *path; /* folders, the file at first, the one after a cut */
    char *mark;                       /* beside that */
    int64_t pages_before, pages_after;
    enum power_flaw flaw;
    uint64_t seed;
};

struct met {
    size_t calls;
    int journal, log; /* states that have one */
    int damaged, lost, gone_on;
};

static struct shrink_case case_of(const struct kind *kind, const char *file)
{
    return (struct shrink_case){.name = kind->journal,
                                .file = file,
                                .journal = kind->journal,
                                .kept = kind->kept,
                                .page_size = kind->page_size,
                                .options = kind->options,
                                .setup = numbered_tables,
                                .scale = 1};
}

static int64_t pages_of(const char *path)
{
    sqlite3 *db = sql_open(path);
    int64_t pages = sql_number(db, "PRAGMA page_count");

    sqlite3_close(db);
    return pages;
}

/* --- recording ---------------------------------------------------------------------------- */

static void record_run(const struct shrink_case *c)
{
    char *words = expect_words("run -c @/policy.yaml --json d vacuum");
    struct program program;
    struct proof_run run;

    program_start_named(&program, "recorder", words, false);
    shrink_finish(c, &program, &run);
    const char *outcome = json_string_value(json_object_get(run.outcome, "outcome"));
    ck_assert_msg(strcmp(outcome, "done") == 0, "%s: %s", outcome,
                  json_string_value(json_object_get(run.outcome, "reason")));
    proof_free(&run);
    free(words);
}

static void record(struct stage *stage)
{
    const struct numbered_way way = {stage->kind->journal, stage->kind->synchronous};
    struct shrink_case c = case_of(stage->kind, "live/t.db");
    char *path = folder_path("live/t.db");
    pid_t application = 0;

    sqlite3 *model = shrink_make(&c);
    shrink_renew(path, stage->before);
    folder_write("live/" RECORDER_FILE, "");
    if (way.synchronous) {
        application = numbered_start(stage->live, "t.db", &way);
        numbered_wait(stage->live, COMMITS);
    }
    record_run(&c);
    if (application) {
        numbered_wait(stage->live, COMMITS);
        numbered_stop(application);
    }
    stage->model = numbered_model(model, numbered_last(stage->live) + 1);
    sqlite3_close(model);
    stage->pages_before = pages_of(stage->before);
    stage->pages_after = pages_of(path);
    free(path);
}

/* --- replaying ---------------------------------------------------------------------------- */

/* The commits that a cut may not take, by what https://sqlite.org/pragma.html#pragma_synchronous
 * says: NORMAL may lose the last ones in WAL mode, FULL the last one where it ends with the
 * unlinking of a journal. */
static int least_of(const struct kind *kind, const struct power_commits *commits)
{
    if (!kind->synchronous)
        return 0;
    if (strcmp(kind->journal, "wal") == 0 && strcmp(kind->synchronous, "NORMAL") == 0)
        return commits->before_log;
    if (strcmp(kind->journal, "delete") == 0 && strcmp(kind->synchronous, "FULL") == 0)
        return commits->before_folder;
    return commits->acknowledged;
}

static bool beside(const struct stage *stage, const char *ending)
{
    char *path = memory_format("%s%s", stage->path, ending);
    struct stat about;
    bool there = stat(path, &about) == 0 && about.st_size > 0;

    free(path);
    return there;
}

/* The next run, on what is left. */
static void go_on(const struct stage *stage, int found)
{
    struct shrink_case c = case_of(stage->kind, "cut/t.db");
    struct proof_run run;
    int same = -1;

    shrink_policy(&c);
    shrink_run(&c, &run);
    const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
    ck_assert_msg(run.result.status == 0, "%s", reason);
    const char *wrong = numbered_check(stage->model, stage->path, found, found, &same);
    ck_assert_msg(!wrong, "after the next run: %s; %s", wrong, reason);
    proof_free(&run);
}

/* With `backup: none` whatever a cut leaves in the middle has the mark, so that the next run checks
 * it first. The file is shorter than it was at first, and longer than it is at last. */
static bool marked(const struct stage *stage, bool mark)
{
    bool online = strncmp(stage->kind->options, ORDER, sizeof ORDER - 1) == 0;
    int64_t pages = pages_of(stage->path);

    return mark || !online || pages >= stage->pages_before || pages <= stage->pages_after;
}

/* What was found wrong is left as the cut left it. */
static void tell(const struct stage *stage, const struct power *power, const char *what,
                 size_t moment, uint64_t random)
{
    char *why = memory_copy(what);

    shrink_remove_beside(stage->path);
    power_cut(power, stage->cut, &random);
    ck_abort_msg("%s, cut behind %zu of %zu calls: %s; what was left is in %s",
                 stage->kind->journal, moment, power_count(power), why, stage->cut);
}

static void replay_state(const struct stage *stage, const struct power *power, size_t moment,
                         uint64_t random, struct met *met)
{
    const uint64_t begun = random;
    struct power_commits commits = power_commits(power);
    int found = 0, least = least_of(stage->kind, &commits),
        most = commits.acknowledged + (stage->kind->synchronous != NULL);

    shrink_remove_beside(stage->path);
    power_cut(power, stage->cut, &random);
    met->journal += beside(stage, "-journal");
    met->log += beside(stage, "-wal");
    bool mark = access(stage->mark, F_OK) == 0;
    const char *wrong = numbered_check(stage->model, stage->path, least, most, &found);
    met->damaged += wrong != NULL;
    met->lost += !wrong && found < commits.acknowledged;
    if (stage->flaw != POWER_SOUND)
        return;
    if (!wrong && !marked(stage, mark))
        wrong = "nothing tells that pages were edited";
    if (wrong)
        tell(stage, power, wrong, moment, begun);
    if (randomdb_number(&random, GO_ON_EVERY) == 0) {
        go_on(stage, found);
        met->gone_on++;
    }
}

static int by_number(const void *a, const void *b)
{
    size_t one = *(const size_t *)a, other = *(const size_t *)b;

    return (one > other) - (one < other);
}

static struct met replay(struct stage *stage, enum power_flaw flaw, int states)
{
    struct power *power = power_open(stage->live, "t.db", stage->before, flaw);
    size_t *moments = memory_zeroed((size_t)states + 1, sizeof *moments);
    uint64_t random = stage->seed;
    struct met met = {.calls = power_count(power)};

    stage->flaw = flaw;
    for (int i = 0; i < states; i++)
        moments[i] = power_choose(power, flaw != POWER_SOUND, &random);
    qsort(moments, (size_t)states, sizeof *moments, by_number);
    for (int i = 0; i < states; i++) {
        power_go(power, moments[i]);
        replay_state(stage, power, moments[i], stage->seed + (uint64_t)i, &met);
    }
    power_go(power, power_count(power));
    if (flaw == POWER_SOUND)
        power_same(power, stage->live);
    power_close(power);
    free(moments);
    return met;
}

/* --- the tests ---------------------------------------------------------------------------- */

/* One state in so many must be damaged where the replay gets something wrong. */
static void control(struct stage *stage, enum power_flaw flaw, const char *what)
{
    struct met met = replay(stage, flaw, CONTROL);

    printf("  control, %s: %d of %d states damaged\n", what, met.damaged, CONTROL);
    fflush(stdout);
    ck_assert_msg(met.damaged * CONTROL_SHARE >= CONTROL, "%s: only %d damaged", what, met.damaged);
}

static int states_of(int kind)
{
    const char *wanted = getenv("ROUNDS");
    int states = wanted ? atoi(wanted) : STATES;

    return states / KINDS + (kind < states % KINDS);
}

static void stage_open(struct stage *stage, int kind)
{
    folder_make();
    stage->kind = &kinds[kind];
    stage->live = folder_path("live");
    stage->cut = folder_path("cut");
    stage->before = folder_path("before.db");
    stage->path = folder_path("cut/t.db");
    stage->mark = folder_path("cut/t.db" IDENTITY_MARK);
    mkdir(stage->live, 0700);
    mkdir(stage->cut, 0700);
    stage->seed = randomdb_seed("vacuum_online_power") + ((uint64_t)kind << 32);
}

static void stage_close(struct stage *stage)
{
    numbered_free(stage->model);
    free(stage->path);
    free(stage->mark);
    free(stage->before);
    free(stage->cut);
    free(stage->live);
    folder_remove();
}

START_TEST(a_cut)
{
    const struct kind *kind = &kinds[_i];
    struct stage stage;
    struct met met;

    stage_open(&stage, _i);
    record(&stage);
    met = replay(&stage, POWER_SOUND, states_of(_i));
    printf("vacuum_online_power: %s, %d, %s, application %s: %zu calls, %d states: %d with a "
           "journal, %d with a log, %d without the last commits, %d damaged; %d went on\n",
           kind->journal, kind->page_size, kind->options,
           kind->synchronous ? kind->synchronous : "none", met.calls, states_of(_i), met.journal,
           met.log, met.lost, met.damaged, met.gone_on);
    fflush(stdout);
    control(&stage, POWER_ALONE, "nothing beside the file");
    control(&stage, POWER_DEAF, "what is beside it not synced");
    stage_close(&stage);
}
END_TEST

static void add_all(TCase *some)
{
    tcase_add_loop_test(some, a_cut, 0, KINDS);
}

int main(void)
{
    return online_main("vacuum_online_power", SECONDS + states_of(0), add_all);
}
