/*
 * An application whose SQLite has the WAL-reset bug, beside a litekeeper whose hasn't: its header
 * names it, till litekeeper's own commits have put their own there. Checkpoints are left to it all
 * the same. Needs the own build (see test_vacuum_online.c).
 */
#include "lib_brought.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_shrink.h"
#include "lib_skip.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct shrink_case one = {.name = "writer",
                                       .options = "mode: online, backup: none",
                                       .scale = 1};

/* Bytes 96 to 99 (fileformat2.html#the_database_header): 3.40.1, 3.52.0. */
static const unsigned char bad[] = {0x00, 0x2e, 0x63, 0x01}, good[] = {0x00, 0x2e, 0x91, 0xe0};

#define VACUUM "run -c @/policy.yaml d vacuum"

static void name_writer(const char *path, const unsigned char *version)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_int_eq(pwrite(file, version, sizeof bad, 96), sizeof bad);
    close(file);
}

/* Beside a connection, which keeps the log from being emptied at the end; what `command` says of
 * it. */
static void expect_left(sqlite3 *idle, const char *command, bool left)
{
    struct program_result result;
    char *words = expect_words(command);

    proof_do(idle, "CREATE TABLE more(v); INSERT INTO more VALUES(zeroblob(9000000));"
                   "DROP TABLE more");
    program_run(words, &result);
    ck_assert_msg(result.status == 0, "%s%s", result.out, result.err);
    ck_assert_msg(!strstr(result.out, "checkpoints were left to the application, since its SQLite "
                                      "3.40.1 can lose commits") == !left,
                  "%s", result.out);
    program_result_free(&result);
    free(words);
}

/* The connection is of our own version; so is what the header names after its first commit. */
static void one_after_the_other(const char *path, const unsigned char *version, bool left)
{
    sqlite3 *idle = proof_open(path);

    ck_assert_int_eq(proof_integer(idle, "PRAGMA wal_autocheckpoint = 0"), 0);
    name_writer(path, version);
    expect_left(idle, VACUUM, left);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(proof_integer(idle, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
        expect_left(idle, VACUUM, left);
    }
    sqlite3_close(idle);
}

START_TEST(its_writer_is_remembered)
{
    char *path = folder_path("t.db");

    sqlite3_close(shrink_make(&one));
    one_after_the_other(path, good, false);
    one_after_the_other(path, bad, true);
    one_after_the_other(path, good, false); /* it was renewed */
    free(path);
}
END_TEST

/* Restoring is no task of the policy, and asks the history by itself. */
START_TEST(its_writer_is_remembered_where_rows_come_back)
{
    static const struct proof_case c = {
        .name = "writer",
        .limits = SHRINK_OPEN,
        .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER);" PROOF_NUMBERS(
            400) "INSERT INTO t SELECT i, strftime('%s', " PROOF_AGO("i * 12 + 1") ") + 0 FROM n",
        .options = "keep: 100d, archive: { directory: \"@/cold\", partition: none }"};
    char *path = folder_path("t.db");

    sqlite3_close(brought_archive(&c, "wal"));
    sqlite3 *idle = proof_open(path);
    ck_assert_int_eq(proof_integer(idle, "PRAGMA wal_autocheckpoint = 0"), 0);
    name_writer(path, bad);
    proof_do(idle, "INSERT INTO t SELECT id + 1000, at - 31536000 FROM t");
    expect_left(idle, "run -c @/policy.yaml --force d retention t", true);
    ck_assert_int_eq(proof_integer(idle, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    expect_left(idle, "restore -c @/policy.yaml d t --into-table", true);
    sqlite3_close(idle);
    free(path);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

static void add_all(TCase *some)
{
    tcase_add_checked_fixture(some, set_up, folder_remove);
    tcase_add_test(some, its_writer_is_remembered);
    tcase_add_test(some, its_writer_is_remembered_where_rows_come_back);
}

int main(void)
{
    return online_main("vacuum_online_writer", 60, add_all);
}
