/*
 * A restore into the table is killed again and again beside an application that writes to the same
 * table; carried on, it has put back every row once, and taken nothing from the application. A
 * restore into a file that is killed leaves no file. SEED and ROUNDS from the environment.
 */
#include "lib_brought.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CRASH_ROUNDS = 6, CRASH_LONGEST_MS = 200 };

static const struct proof_case crash = {
    .name = "killed",
    .setup =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x, n); CREATE INDEX t_at ON t(at);"
        "CREATE INDEX t_x ON t(x);" PROOF_NUMBERS(
            20000) "INSERT INTO t SELECT i, unixepoch('now') - 86400 * 101 - i * 60, "
                   "hex(randomblob(40)), 0"
                   " FROM n; INSERT INTO t SELECT i + 100000, unixepoch('now'), 'young', 0 FROM"
                   " (SELECT id AS i FROM t ORDER BY id LIMIT 500)",
    .limits = "    max_lock: 5ms\n",
    .options =
        "keep: 100d, archive: { directory: \"@/cold\", partition: none, segment_rows: 2000 }"};

static int rounds(void)
{
    const char *given = getenv("ROUNDS");

    return given ? atoi(given) : CRASH_ROUNDS;
}

/* --- the application ---------------------------------------------------------------------- */

static volatile sig_atomic_t application_told;

static void application_stop(int number)
{
    (void)number;
    application_told = 1;
}

/* Adds rows and changes its own, until it is told to stop; each change is counted in a row. */
static int application_run(const char *path)
{
    sqlite3 *db;
    int64_t id = 200000;

    if (sqlite3_open(path, &db))
        return 1;
    sqlite3_busy_timeout(db, 10000);
    while (!application_told) {
        char *sql = memory_format("BEGIN IMMEDIATE; INSERT INTO t VALUES(%lld, unixepoch('now'),"
                                  " 'app', 1); UPDATE t SET n = n + 1 WHERE id = 100001; COMMIT",
                                  (long long)id++);
        int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        free(sql);
        if (rc)
            return 2;
        usleep(2000);
    }
    return sqlite3_close(db) ? 3 : 0;
}

static pid_t application_start(const char *path)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGTERM, application_stop);
        _exit(application_run(path));
    }
    return pid;
}

static void application_end(pid_t pid)
{
    int status = -1;

    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "the application failed: %d", WEXITSTATUS(status));
}

/* --- kills -------------------------------------------------------------------------------- */

/* Whether it was killed before it had ended. */
static bool kill_one(const char *words, uint64_t *random)
{
    char *real = expect_words(words);
    struct program_result result;
    struct program program;

    program_start(&program, real, false);
    usleep((useconds_t)randomdb_number(random, CRASH_LONGEST_MS) * 1000);
    kill(program.pid, SIGKILL);
    program_finish(&program, &result);
    bool killed = result.status == 128 + SIGKILL;
    program_result_free(&result);
    free(real);
    return killed;
}

/* To its end, once the worker of the one that was killed has gone. */
static void carry_on(const char *words)
{
    char *all = memory_format("restore -c @/policy.yaml --json d t %s", words);
    struct program_result result = {.status = 75};

    for (int tries = 0; tries < 100 && result.status == 75; tries++) {
        usleep(20000);
        expect_run(all, &result);
        ck_assert_msg(result.status == 0 || result.status == 75, "%s%s", result.out, result.err);
        program_result_free(&result);
    }
    ck_assert_int_eq(result.status, 0);
    free(all);
}

START_TEST(into_the_table)
{
    static const char columns[] = "SELECT id, at, x FROM t WHERE id < 200000 ORDER BY id";
    const char *journal = _i ? "delete" : "wal";
    uint64_t random = randomdb_seed(journal);
    sqlite3 *before = brought_archive(&crash, journal);
    char *path = folder_path("t.db");
    int killed = 0;

    brought_query("t.db", "SELECT count(*) FROM t", "500");
    pid_t application = application_start(path);
    for (int round = 0; round < rounds(); round++)
        killed += kill_one("restore -c @/policy.yaml d t --into-table", &random);
    carry_on("--into-table");
    json_t *effect = brought_restore("--into-table", 0);
    application_end(application);
    brought_check(journal, effect, "0 20000 0 0", NULL);
    json_decref(effect);
    sqlite3 *db = brought_open("t.db");
    brought_same(db, before, columns, journal);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM t WHERE id >= 200000"),
                     proof_integer(db, "SELECT n FROM t WHERE id = 100001"));
    char *sound = proof_text(db, "PRAGMA integrity_check");
    ck_assert_str_eq(sound, "ok");
    printf("%s: %d of %d restores killed\n", journal, killed, rounds());
    ck_assert(killed > 0 || rounds() < CRASH_ROUNDS);
    sqlite3_close(db);
    sqlite3_close(before);
    free(sound);
    free(path);
}
END_TEST

START_TEST(into_a_file)
{
    family_adopt();
    uint64_t random = randomdb_seed("into_a_file");
    sqlite3 *before = brought_archive(&crash, "wal");
    char *path = folder_path("out.db");
    int killed = 0;

    for (int round = 0; round < rounds(); round++) {
        killed += kill_one("restore -c @/policy.yaml d t --into @/out.db", &random);
        ck_assert(family_gone(0)); /* which may still give the file its name */
        if (access(path, F_OK) == 0)
            brought_query("out.db", "SELECT count(*) FROM t", "20000");
        unlink(path);
    }
    carry_on("--into @/out.db");
    brought_query("out.db", "SELECT count(*) FROM t", "20000");
    sqlite3_close(before);
    printf("file: %d of %d restores killed\n", killed, rounds());
    free(path);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("restore_crash");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, into_the_table, 0, 2);
    tcase_add_test(cases, into_a_file);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
