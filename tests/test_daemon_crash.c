/*
 * Kills the daemon, its workers or both at random instants, while retention, vacuum, reindex and
 * optimize are all due each second beside an application that writes. After each kill the database
 * is what the record says; the next life completes the work and leaves nothing behind. SEED and
 * ROUNDS in the environment; SEED=THAT ROUNDS=1 is a round again as far as chance allows.
 */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "lib_shrink.h"
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
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 4, KILLS_MOST = 3, INSTANT_MS = 1500, SECONDS_A_ROUND = 200 };

/* A task that was busy is tried again after a minute. */
enum { PATIENCE_S = 75 };

#define SECONDLY "schedule: \"*:*:*\""
#define POLICY                                                                                     \
    "  - name: w\n"                                                                                \
    "    path: \"@/live/t.db\"\n"                                                                  \
    "    max_lock: 5ms\n"                                                                          \
    "    busy_timeout: 10s\n" DAEMONS_WINDOW "    sample: { " SECONDLY " }\n"                      \
    "    retention:\n"                                                                             \
    "      - { table: logs, column: timestamp, format: datetime, zone: UTC, keep: 100d, " SECONDLY \
    " }\n"                                                                                         \
    "      - { table: orders, column: created, format: unix, keep: 100d, cascade: "                \
    "delete, " SECONDLY " }\n"                                                                     \
    "    vacuum: { free_above: 0%, free_bytes_above: 0, " SECONDLY " }\n"                          \
    "    reindex: { min_size: 0, fragmentation_above: 0%, density_below: 99%, " SECONDLY " }\n"    \
    "    optimize: { " SECONDLY " }\n"

enum { TASKS = 6 };

static const struct kind {
    struct ledger_kind ledger;
    const char *kept;
} kinds[] = {
    {{"wal", true, false, 10}, "none"},
    {{"delete", true, true, 10}, "incremental"},
    {{"wal", false, true, 10}, "incremental"},
    {{"delete", false, false, 10}, "none"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

enum victim { WORKER, DAEMON, DAEMON_THEN_WORKER, WORKER_THEN_DAEMON, HISTORIAN, VICTIMS };

static const char *const victims[] = {"a worker", "the daemon", "the daemon, then a worker",
                                      "a worker, then the daemon", "the history's keeper"};

/* What the rounds have met, for the line at the end: kills, those that hit somebody at work on the
 * database, and lives that ended by them. */
static struct {
    int kills, working, lives;
} met;

struct stage {
    struct ledger *ledger;
    char *path;
    uint64_t random;
    pid_t application; /* 0: none */
};

static void remove_files(const char *folder)
{
    char *path = folder_path(folder);
    DIR *entries = opendir(path);
    struct dirent *entry;

    while (entries && (entry = readdir(entries)))
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        closedir(entries);
    free(path);
}

static void application(struct stage *stage, bool wanted)
{
    uint64_t random = (uint64_t)randomdb_number(&stage->random, INT64_MAX);

    if (wanted && !stage->application)
        stage->application = writer_start(stage->ledger, stage->path, random);
    else if (!wanted && stage->application)
        writer_stop(stage->application);
    if (!wanted)
        stage->application = 0;
}

/* --- a kill ------------------------------------------------------------------------------- */

/* The daemon's child that has that file open, 0: none has. */
static pid_t child(const char *file)
{
    pid_t children[FAMILY_MOST];
    size_t count = family_children(daemons_process(), children);

    for (size_t i = 0; i < count; i++)
        if (daemons_has_open(children[i], file))
            return children[i];
    return 0;
}

/* At half of the instants somebody is at work; at the others it is as it comes. */
static pid_t choose_worker(struct stage *stage)
{
    bool at_work = randomdb_number(&stage->random, 2);
    pid_t worker = child("t.db");

    for (int i = 0; at_work && !worker && i < INSTANT_MS; i++) {
        clock_sleep_ms(1);
        worker = child("t.db");
    }
    if (worker && at_work)
        clock_sleep_ms((double)randomdb_number(&stage->random, 50));
    met.working += worker != 0;
    return worker ? worker : family_youngest(daemons_process());
}

/* Returns whether the daemon has died. */
static bool strike(struct stage *stage)
{
    enum victim victim = (enum victim)randomdb_number(&stage->random, VICTIMS);
    pid_t daemon = daemons_process(),
          other = victim == HISTORIAN ? child("history.db") : choose_worker(stage);

    printf("daemon_crash:   kills %s\n", victims[victim]);
    met.kills++;
    if (victim == DAEMON || victim == DAEMON_THEN_WORKER)
        kill(daemon, SIGKILL);
    if (victim != DAEMON && other)
        kill(other, SIGKILL);
    if (victim == WORKER_THEN_DAEMON)
        kill(daemon, SIGKILL);
    return victim != WORKER && victim != HISTORIAN;
}

static void check_sound(struct stage *stage, bool complete)
{
    bool there = stage->application;

    application(stage, false);
    ledger_check(stage->ledger, stage->path, complete);
    shrink_check_ballast(stage->path);
    application(stage, there);
}

static void live_and_be_killed(struct stage *stage)
{
    clock_sleep_ms((double)randomdb_number(&stage->random, INSTANT_MS));
    if (!strike(stage)) {
        check_sound(stage, false);
        return;
    }
    ck_assert_int_eq(daemons_wait(), 128 + SIGKILL);
    ck_assert_msg(family_gone(stage->application), "a worker outlives its daemon");
    check_sound(stage, false);
    daemons_start();
    met.lives++;
}

/* --- the recovery ------------------------------------------------------------------------- */

/* Each task has run to its end since then. */
static void await_all(int64_t since_us)
{
    char *sql = memory_format("SELECT count(*) FROM (SELECT DISTINCT task, target FROM run"
                              " WHERE started_us > %" PRId64 " AND NOT busy AND NOT waits"
                              " AND outcome IN ('done', 'skipped'))",
                              since_us);

    daemons_await_count(TASKS, sql);
    free(sql);
}

/* In the folder there is that file and no other. */
static void check_alone(const char *folder, const char *file)
{
    char *path = folder_path(folder);
    DIR *entries = opendir(path);
    struct dirent *entry;

    ck_assert_ptr_nonnull(entries);
    while ((entry = readdir(entries)))
        ck_assert_msg(entry->d_name[0] == '.' || strcmp(entry->d_name, file) == 0,
                      "%s/%s is left behind", path, entry->d_name);
    closedir(entries);
    free(path);
}

static void check_history(void)
{
    char *path = folder_path("state/history.db");
    sqlite3 *db = sql_open(path);

    sql_expect(db, "PRAGMA integrity_check", "ok");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    sqlite3_close(db);
    free(path);
}

/* What was cut into is carried on, first beside the application, in the end alone. */
static void recover(struct stage *stage)
{
    await_all(clock_now_us());
    application(stage, false);
    await_all(clock_now_us());
    daemons_await_none("alerts", "alert");
    daemons_stop();
    ck_assert_msg(family_gone(0), "a worker outlives its daemon");
    check_sound(stage, true);
    check_alone("live", "t.db");
    check_alone("state", "history.db");
    check_history();
}

static void round_of(struct stage *stage, const struct kind *kind)
{
    int64_t kills = 1 + randomdb_number(&stage->random, KILLS_MOST);

    remove_files("live");
    remove_files("state");
    shrink_make_ledger(stage->path, &kind->ledger, kind->kept, 0);
    ledger_start(stage->ledger, &kind->ledger);
    application(stage, randomdb_number(&stage->random, 4) > 0);
    daemons_start();
    for (int64_t i = 0; i < kills; i++)
        live_and_be_killed(stage);
    recover(stage);
}

START_TEST(nothing_is_lost)
{
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS;
    uint64_t seed = randomdb_seed("daemon_crash");
    char *live = folder_path("live");
    struct stage stage = {.ledger = ledger_new(), .path = folder_path("live/t.db")};

    mkdir(live, 0700);
    family_adopt();
    daemons_policy("", POLICY);
    for (int round = 0; round < rounds; round++) {
        stage.random = seed + (uint64_t)round;
        const struct kind *kind = &kinds[randomdb_number(&stage.random, KINDS)];
        printf("daemon_crash: SEED=%" PRIu64 " %s %s\n", seed + (uint64_t)round,
               kind->ledger.journal, kind->kept);
        fflush(stdout);
        round_of(&stage, kind);
    }
    printf("daemon_crash: %d rounds: %d kills, %d while somebody worked, %d lives ended\n", rounds,
           met.kills, met.working, met.lives);
    free(stage.path);
    free(live);
}
END_TEST

int main(void)
{
    const char *wanted = getenv("ROUNDS");
    const TTest *const tests[] = {nothing_is_lost, NULL};

    daemons_patience(PATIENCE_S);
    daemons_limit(SECONDS_A_ROUND * (wanted ? atoi(wanted) : ROUNDS));
    return daemons_main("daemon_crash", tests);
}
