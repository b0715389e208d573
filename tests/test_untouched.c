/*
 * `plan` and `inspect` look and don't touch: afterwards each file has its bytes, owner and mode,
 * and no file is there that was not, whatever the journal mode and whoever has the database open.
 */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_proof.h"
#include "memory.h"
#include "text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct proof_case data = {
    .name = "untouched",
    .file = "d/t.db",
    .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, note); CREATE INDEX t_at ON "
             "t(at);" PROOF_NUMBERS(5000) "INSERT INTO t SELECT i, strftime('%s', " PROOF_AGO(
                 "i") ") + 0, hex(randomblob(20)) FROM n; DELETE FROM t WHERE id % 3 = 0",
    .options = "keep: 100d, max_rows: 1000"};

static const char *const commands[] = {"plan -c @/policy.yaml", "plan -c @/policy.yaml --json d",
                                       "inspect @/d/t.db", "inspect --json @/d/t.db"};

/* How the database stands when litekeeper comes. */
static const struct {
    const char *name, *journal;
    bool frames; /* commits that are in the log alone */
    bool open;   /* by an application */
} states[] = {
    {"rollback journal", "delete", false, false},
    {"rollback journal, open", "delete", false, true},
    {"truncated journal", "truncate", false, false},
    {"WAL, nobody there", "wal", false, false},
    {"WAL, frames left behind", "wal", true, false},
    {"WAL, open", "wal", true, true},
};

static uint64_t file_sum(int folder, const char *name)
{
    unsigned char bytes[65536];
    uint64_t sum = 0xcbf29ce484222325;
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(file, 0);
    for (ssize_t got; (got = read(file, bytes, sizeof bytes)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            sum = (sum ^ bytes[i]) * 0x100000001b3;
    close(file);
    return sum;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A line for each file: its name, mode, owner, length and sum. The wal-index is shared memory,
 * whose locks and marks may change, so of it the name and the owner count. */
static char *folder_state(void)
{
    char *path = folder_path("d");
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent **entries;
    struct text text = {0};
    struct stat about;
    int count = scandir(path, &entries, NULL, by_name);

    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        ck_assert_int_eq(fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW), 0);
        text_addf(&text, "%s %o %d:%d", name, about.st_mode, (int)about.st_uid, (int)about.st_gid);
        if (S_ISREG(about.st_mode) && !strstr(name, "-shm"))
            text_addf(&text, " %lld %llu", (long long)about.st_size,
                      (unsigned long long)file_sum(folder, name));
        text_add(&text, "\n");
        free(entries[i]);
    }
    free(entries);
    close(folder);
    free(path);
    return text_take(&text);
}

/* Leaves frames in the log; the connection, unless it is to stay. */
static sqlite3 *leave(const char *path, int state)
{
    sqlite3 *db = proof_open(path);

    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, (int)states[state].frames, NULL);
    proof_integer(db, "SELECT count(*) FROM t");
    if (states[state].frames)
        proof_do(db, "UPDATE t SET note = 'changed' WHERE id % 100 = 1");
    if (states[state].open)
        return db;
    sqlite3_close(db);
    return NULL;
}

/* As root, a file of somebody else's: the worker looks at it as its owner. */
static void give_away(void)
{
    static const char *const names[] = {"d/t.db", "d/t.db-wal", "d/t.db-shm", "d"};
    char *top = folder_path("");

    if (geteuid() != 0)
        return;
    ck_assert_int_eq(chmod(top, 0755), 0);
    for (int i = 0; i < LENGTH(names); i++) {
        char *path = folder_path(names[i]);
        if (chown(path, 61001, 61002) != 0)
            ck_assert_msg(strchr(names[i], '-') != NULL, "%s", path);
        free(path);
    }
    free(top);
}

START_TEST(a_look_changes_nothing)
{
    int state = _i / LENGTH(commands), command = _i % LENGTH(commands);
    char *folder = folder_path("d"), *path = proof_path(&data);
    struct program_result result;

    ck_assert_int_eq(mkdir(folder, 0750), 0);
    sqlite3_close(proof_make(&data, states[state].journal));
    ck_assert_int_eq(chmod(path, 0640), 0);
    sqlite3 *application = leave(path, state);
    give_away();
    char *before = folder_state();
    expect_run(commands[command], &result);
    ck_assert_msg(result.status == 0, "%s: %s: status %d: %s", states[state].name,
                  commands[command], result.status, result.err);
    char *after = folder_state();
    ck_assert_msg(strcmp(before, after) == 0, "%s: %s: before\n%sand after\n%s", states[state].name,
                  commands[command], before, after);
    sqlite3_close(application);
    program_result_free(&result);
    free(before);
    free(after);
    free(folder);
    free(path);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("untouched");
    TCase *cases = tcase_create("untouched");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, a_look_changes_nothing, 0, LENGTH(states) * LENGTH(commands));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
