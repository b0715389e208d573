/*
 * The real litekeeper as root on databases of other users: what its worker may do, whose the files
 * beside a database are, whom it refuses, and that it is alone.
 */
#include "lib_family.h"
#include "lib_owners.h"
#include "lib_program.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = OWNERS_ALICE, BOB = OWNERS_BOB, CAROL = OWNERS_CAROL, PATIENCE = 6000 };

/* A database of 20,000 rows, one a day, so that most are too old. */
static void owners_make_database(const char *name, mode_t mode, uid_t user, gid_t group)
{
    char path[256], beside[300];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s", owners_path(name));
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; CREATE TABLE logs(id INTEGER PRIMARY KEY, at TEXT);"
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                     "WHERE i < 20000) INSERT INTO logs SELECT i, datetime('now', "
                     "'-' || i || ' days') FROM n; CREATE INDEX logs_at ON logs(at)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    ck_assert_int_eq(chown(path, user, group) | chmod(path, mode), 0);
    snprintf(beside, sizeof beside, "%s-wal", path);
    ck_assert_int_eq(access(beside, F_OK), -1);
}

static const char *const owners_databases[] = {
    "alice", "bob", "ledger", "carol", "root", "link", "two", "fifo", "none", "sub", NULL,
};

static const char *owners_policy(void)
{
    FILE *file = fopen(owners_path("policy.yaml"), "w");

    ck_assert_ptr_nonnull(file);
    fprintf(file, "daemon: { state: %s }\ndatabases:\n", owners_path("state"));
    for (const char *const *name = owners_databases; *name; name++)
        fprintf(file,
                "  - name: %s\n    path: %s/app.db\n    busy_timeout: 60s\n    retention:\n"
                "      - { table: logs, column: at, zone: UTC, keep: 90d }\n",
                *name, owners_path(*name));
    fclose(file);
    return owners_path("policy.yaml");
}

static void owners_scene(void)
{
    owners_folder();
    owners_make_folder("state", 0700, 0, 0);
    owners_make_folder("alice", 0755, ALICE, ALICE);
    owners_make_database("alice/app.db", 0640, ALICE, ALICE);
    owners_make_folder("closed", 0700, 0, 0);
    owners_make_folder("closed/bob", 0755, BOB, BOB);
    owners_make_database("closed/bob/app.db", 0600, BOB, BOB);
    owners_make_link("bob", "closed/bob", 0, 0); /* root's own link may be followed */
    owners_make_folder("ledger", 0770, 0, OWNERS_LEDGER);
    owners_make_database("ledger/app.db", 0660, ALICE, OWNERS_LEDGER);
    owners_make_folder("carol", 0700, CAROL, OWNERS_CAROLS_GROUP);
    owners_make_database("carol/app.db", 0600, CAROL, OWNERS_CAROLS_GROUP);
    owners_make_folder("root", 0700, 0, 0);
    owners_make_database("root/app.db", 0600, 0, 0);
    owners_make_folder("link", 0755, ALICE, ALICE);
    owners_make_link("link/app.db", "../alice/app.db", ALICE, ALICE);
    owners_make_folder("two", 0755, ALICE, ALICE);
    owners_make_database("two/app.db", 0640, ALICE, ALICE);
    ck_assert_int_eq(link(owners_path("two/app.db"), owners_path("two/zwei.db")), 0);
    owners_make_folder("fifo", 0755, ALICE, ALICE);
    owners_make_node("fifo/app.db", S_IFIFO | 0600, ALICE, ALICE);
    owners_make_folder("none", 0755, ALICE, ALICE);
    owners_make_link("sub", "root", ALICE, ALICE);
}

/* The application: it opens the database, and holds the write lock while `locked`. */
static sqlite3 *owners_application(const char *name)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(owners_path(name), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void owners_words(char *words, size_t size, const char *command, const char *database)
{
    snprintf(words, size, "%s %s retention --json -c %s", command, database, owners_policy());
}

static bool owners_status(int process, char *text, size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/status", process);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return true;
}

/* Waits until `parent` has a child that has become who `ids` says and given up the rest. Discovery
 * and the history's worker stay root. */
static int owners_await_worker(pid_t parent, const char *ids, char *text, size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    for (int i = 0; i < PATIENCE; i++, usleep(10000)) {
        int child, found = 0;
        FILE *file = fopen(path, "r");
        while (file && !found && fscanf(file, "%d", &child) == 1)
            if (owners_status(child, text, size) && strstr(text, ids) &&
                strstr(text, "NoNewPrivs:\t1\n"))
                found = child;
        if (file)
            fclose(file);
        if (found)
            return found;
    }
    ck_abort_msg("no worker with %s", ids);
    return 0;
}

/* Everything beside the database, itself included, has its owner, group and mode. */
static void owners_expect_theirs(const char *name, const struct stat *before)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    struct stat about;
    char path[300];

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(path, sizeof path, "%s%s", owners_path(name), suffixes[i]);
        if (i > 0 && lstat(path, &about) < 0)
            continue;
        ck_assert_int_eq(lstat(path, &about), 0);
        ck_assert_msg(about.st_uid == before->st_uid && about.st_gid == before->st_gid &&
                          about.st_mode == before->st_mode,
                      "%s: %u:%u %o", path, about.st_uid, about.st_gid, about.st_mode);
    }
}

static const struct {
    const char *database, *file, *ids;
} owners_cases[] = {
    {"alice", "alice/app.db",
     "Uid:\t61001\t61001\t61001\t61001\nGid:\t61001\t61001\t61001\t61001\n"},
    {"bob", "closed/bob/app.db",
     "Uid:\t61002\t61002\t61002\t61002\nGid:\t61002\t61002\t61002\t61002\n"},
    {"ledger", "ledger/app.db",
     "Uid:\t61001\t61001\t61001\t61001\nGid:\t61010\t61010\t61010\t61010\n"},
    {"carol", "carol/app.db",
     "Uid:\t61003\t61003\t61003\t61003\nGid:\t61011\t61011\t61011\t61011\n"},
};

static const char owners_no_capabilities[] =
    "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
    "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n";

static void owners_expect_done(const struct program_result *result)
{
    ck_assert_msg(result->status == 0 && strstr(result->out, "\"outcome\":\"done\""),
                  "status %d: %s %s", result->status, result->out, result->err);
    ck_assert_msg(strstr(result->out, "\"rows_past_cutoff\":0") != NULL, "%s", result->out);
}

START_TEST(owners_work_is_done_as_them)
{
    struct program_result result;
    struct program program;
    struct stat before;
    char words[600], status[8192];

    if (!owners_or_skip())
        return;
    owners_scene();
    ck_assert_int_eq(lstat(owners_path(owners_cases[_i].file), &before), 0);
    sqlite3 *application = owners_application(owners_cases[_i].file);
    owners_words(words, sizeof words, "run", owners_cases[_i].database);
    program_start(&program, words, false);
    owners_await_worker(program.pid, owners_cases[_i].ids, status, sizeof status);
    ck_assert_msg(strstr(status, owners_no_capabilities) != NULL, "%s", status);
    ck_assert_int_eq(sqlite3_exec(application, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    program_finish(&program, &result);
    owners_expect_done(&result);
    program_result_free(&result);
    owners_expect_theirs(owners_cases[_i].file, &before);
    sqlite3_close(application);
}
END_TEST

/* Nobody else has it open, and an application comes after us. */
START_TEST(owners_keep_their_files)
{
    struct program_result result;
    struct stat before;
    char words[600];

    if (!owners_or_skip())
        return;
    owners_scene();
    ck_assert_int_eq(lstat(owners_path(owners_cases[_i].file), &before), 0);
    owners_words(words, sizeof words, "run", owners_cases[_i].database);
    program_run(words, &result);
    owners_expect_done(&result);
    program_result_free(&result);
    owners_expect_theirs(owners_cases[_i].file, &before);
}
END_TEST

static const struct {
    const char *database, *reason;
} owners_refusals[] = {
    {"link", "is a symbolic link; use the path of the file that it points to"},
    {"two", "has 2 hard links, so that it may be opened under another name"},
    {"fifo", "is a FIFO, not a file"},
    {"none", "there is no such file"},
    {"sub", "\\\"sub\\\" in its path is a symbolic link that another user could have made"},
};

START_TEST(owners_files_are_refused)
{
    struct program_result result;
    char words[600];

    if (!owners_or_skip())
        return;
    owners_scene();
    owners_words(words, sizeof words, "run", owners_refusals[_i].database);
    program_run(words, &result);
    ck_assert_msg(result.status == 0 && strstr(result.out, "\"outcome\":\"skipped\"") &&
                      strstr(result.out, owners_refusals[_i].reason),
                  "status %d: %s %s", result.status, result.out, result.err);
    program_result_free(&result);
}
END_TEST

/* How many locks a process has of the kind that is not SQLite's; see proc(5), fdinfo. */
static int owners_locks(int process)
{
    char path[64], line[256];
    struct dirent *entry;
    int count = 0;

    snprintf(path, sizeof path, "/proc/%d/fdinfo", process);
    DIR *all = opendir(path);
    ck_assert_ptr_nonnull(all);
    while ((entry = readdir(all))) {
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%.20s", process, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (file && fgets(line, sizeof line, file))
            count += strstr(line, "OFDLCK") != NULL;
        if (file)
            fclose(file);
    }
    closedir(all);
    return count;
}

/* Till then the lock is anybody's, and a moment longer nobody can tell whose. */
static void owners_await_engine(int worker)
{
    for (int i = 0; i < PATIENCE && owners_locks(worker) < 2; i++)
        usleep(10000);
}

START_TEST(owners_have_one_engine)
{
    struct program_result result;
    struct program program;
    char words[600], status[8192], busy[128];

    if (!owners_or_skip())
        return;
    owners_scene();
    sqlite3 *application = owners_application("alice/app.db");
    owners_words(words, sizeof words, "run", "alice");
    program_start(&program, words, false);
    int worker = owners_await_worker(program.pid, owners_cases[0].ids, status, sizeof status);
    snprintf(busy, sizeof busy, "is being worked on by another litekeeper (process %d)", worker);
    owners_await_engine(worker);
    program_run(words, &result);
    ck_assert_int_eq(result.status, 75);
    ck_assert_msg(strstr(result.out, busy) != NULL, "%s", result.out);
    program_result_free(&result);
    ck_assert_int_eq(sqlite3_exec(application, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    program_finish(&program, &result);
    owners_expect_done(&result);
    program_result_free(&result);
    sqlite3_close(application);
}
END_TEST

/* kill -9 of the parent: the worker goes while it waits for the lock, and the next run does its
 * work. */
START_TEST(owners_workers_die_with_their_parent)
{
    struct program_result result;
    struct program program;
    char words[600], status[8192];

    if (!owners_or_skip())
        return;
    owners_scene();
    sqlite3 *application = owners_application("alice/app.db");
    owners_words(words, sizeof words, "run", "alice");
    program_start(&program, words, false);
    int worker = owners_await_worker(program.pid, owners_cases[0].ids, status, sizeof status);
    kill(program.pid, SIGKILL);
    program_finish(&program, &result);
    ck_assert_int_eq(result.status, 128 + SIGKILL);
    program_result_free(&result);
    ck_assert(family_dies(worker, FAMILY_ORPHAN_MS));
    ck_assert_int_eq(sqlite3_exec(application, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    program_run(words, &result);
    owners_expect_done(&result);
    program_result_free(&result);
    sqlite3_close(application);
}
END_TEST

START_TEST(owners_see_nobody_elses)
{
    struct program_result result;
    char words[600];

    if (!owners_or_skip())
        return;
    owners_scene();
    snprintf(words, sizeof words, "inspect %s", owners_path("alice/app.db"));
    program_hold();
    ck_assert_int_eq(setgid(BOB), 0);
    ck_assert_int_eq(setuid(BOB), 0);
    program_run(words, &result);
    ck_assert_int_eq(result.status, 1);
    ck_assert_msg(strstr(result.err, "belongs to alice; run litekeeper as root or as alice"), "%s",
                  result.err);
    program_result_free(&result);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owners");
    TCase *test = tcase_create("owners");
    SRunner *runner = srunner_create(suite);
    int cases = sizeof owners_cases / sizeof *owners_cases;

    owners_begin();
    tcase_set_timeout(test, 180);
    tcase_add_loop_test(test, owners_work_is_done_as_them, 0, cases);
    tcase_add_loop_test(test, owners_keep_their_files, 0, cases);
    tcase_add_loop_test(test, owners_files_are_refused, 0,
                        sizeof owners_refusals / sizeof *owners_refusals);
    tcase_add_test(test, owners_have_one_engine);
    tcase_add_test(test, owners_workers_die_with_their_parent);
    tcase_add_test(test, owners_see_nobody_elses);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
