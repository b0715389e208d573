/* The real litekeeper as root on another user's database and archive: what comes back is that
 * user's, made with that user's rights and no more. */
#include "lib_owners.h"
#include "lib_program.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALICE = OWNERS_ALICE, BOB = OWNERS_BOB };

static void make_database(void)
{
    const char *path = owners_path("alice/app.db");
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, at TEXT);"
                     "CREATE INDEX t_at ON t(at);"
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                     " INSERT INTO t SELECT i, datetime('now', '-' || i || ' days') FROM n",
                     NULL, NULL, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    ck_assert_int_eq(chown(path, ALICE, ALICE) | chmod(path, 0640), 0);
}

static void make_scene(void)
{
    owners_folder();
    owners_make_folder("state", 0700, 0, 0);
    owners_make_folder("alice", 0755, ALICE, ALICE);
    owners_make_folder("alice/cold", 0700, ALICE, ALICE);
    owners_make_folder("bob", 0755, BOB, BOB);
    owners_make_folder("root", 0755, 0, 0);
    make_database();
    FILE *file = fopen(owners_path("policy.yaml"), "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "daemon: { state: %s }\n", owners_path("state"));
    fprintf(file, "databases:\n  - name: app\n    path: %s\n    retention:\n",
            owners_path("alice/app.db"));
    fprintf(file,
            "      - { table: t, column: at, zone: UTC, keep: 90d, archive: { directory: %s,"
            " partition: none } }\n",
            owners_path("alice/cold"));
    fclose(file);
}

/* `command`, "-c POLICY", and the other words. */
static void run(const char *command, const char *words, const char *into, int status)
{
    char all[1024];
    struct program_result result;

    snprintf(all, sizeof all, "%s -c %s %s%s%s", command, owners_path("policy.yaml"), words,
             into ? " --into " : "", into ? owners_path(into) : "");
    program_run(all, &result);
    ck_assert_msg(result.status == status, "%s: exit status %d\n%s%s", all, result.status,
                  result.out, result.err);
    program_result_free(&result);
}

static void check_file(const char *name, uid_t user, mode_t mode)
{
    struct stat about;

    ck_assert_int_eq(stat(owners_path(name), &about), 0);
    ck_assert_uint_eq(about.st_uid, user);
    ck_assert_uint_eq(about.st_mode & 0777, mode);
}

static void check_nothing(const char *folder)
{
    char path[512];

    snprintf(path, sizeof path, "%s/out.db", owners_path(folder));
    ck_assert_int_ne(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/.out.db.restoring", owners_path(folder));
    ck_assert_int_ne(access(path, F_OK), 0);
}

START_TEST(as_the_owner)
{
    if (!owners_or_skip())
        return;
    make_scene();
    run("run", "app retention", NULL, 0);
    run("restore", "app t", "alice/out.db", 0);
    check_file("alice/out.db", ALICE, 0640);
    run("restore", "app t", "bob/out.db", 1);
    check_nothing("bob");
    run("restore", "app t", "root/out.db", 1);
    check_nothing("root");
    run("restore", "--into-table app t", NULL, 0);
    check_file("alice/app.db", ALICE, 0640);
}
END_TEST

/* The archive alone is left, and is still its owner's. */
START_TEST(without_a_database)
{
    if (!owners_or_skip())
        return;
    make_scene();
    run("run", "app retention", NULL, 0);
    ck_assert_int_eq(unlink(owners_path("alice/app.db")), 0);
    run("restore", "--into-table app t", NULL, 1);
    run("restore", "app t", "alice/out.db", 0);
    check_file("alice/out.db", ALICE, 0600);
    run("restore", "app t", "root/out.db", 1);
    check_nothing("root");
}
END_TEST

int main(void)
{
    owners_begin();

    Suite *suite = suite_create("restore_owners");
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(cases, as_the_owner);
    tcase_add_test(cases, without_a_database);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
