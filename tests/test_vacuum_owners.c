/*
 * A full VACUUM by root of another user's database: it is that user who needs a place for the
 * temporary file, and the database stays that user's.
 */
#include "lib_folder.h"
#include "lib_owners.h"
#include "lib_shrink.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define REFUSED "the folder for the temporary file (temp), @/temp: "

static const struct {
    mode_t parent; /* of the test's folder, in which are d and temp: root's */
    mode_t temp;   /* 0: beside the database */
    uid_t temp_owner;
    const char *reason; /* of the refusal */
} rows[] = {
    {0700, 0, 0, NULL}, /* alice can't reach her own folder by its path */
    {0755, 0, 0, NULL},
    {0755, 01777, 0, NULL},
    {0755, 0700, OWNERS_ALICE, NULL},
    {0755, 0755, 0, REFUSED "its owner can't write there: Permission denied"},
    {0755, 0700, OWNERS_BOB, REFUSED "its owner can't write there: Permission denied"},
    {0700, 01777, 0, REFUSED "\"~\" in its path can't be reached: Permission denied"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static char *give(const char *name, mode_t mode, uid_t user)
{
    char *path = folder_path(name);

    ck_assert_int_eq(chown(path, user, user) | chmod(path, mode), 0);
    return path;
}

START_TEST(the_owner_needs_the_place)
{
    char *folder = folder_path(""), *temp = folder_path("temp"), *d = folder_path("d"),
         *limits = memory_format(SHRINK_OPEN "%s%s\n", rows[_i].temp ? "    temp: " : "",
                                 rows[_i].temp ? temp : "");
    struct shrink_case c = {.name = "owner",
                            .file = "d/t.db",
                            .journal = _i % 2 ? "delete" : "wal",
                            .limits = limits,
                            .outcome = rows[_i].reason ? "skipped" : "done",
                            .reason = rows[_i].reason,
                            .mode = rows[_i].reason ? NULL : "full"};
    struct proof_run run;
    struct stat about;

    if (!owners_or_skip())
        return;
    mkdir(temp, 0700);
    mkdir(d, 0700);
    sqlite3 *model = shrink_make(&c);
    free(give("d", 0755, OWNERS_ALICE));
    free(give("temp", rows[_i].temp, rows[_i].temp_owner));
    char *file = give("d/t.db", 0640, OWNERS_ALICE);
    ck_assert_int_eq(chmod(folder, rows[_i].parent), 0);
    shrink_run(&c, &run);
    ck_assert_int_eq(stat(file, &about), 0);
    ck_assert_int_eq(about.st_uid, OWNERS_ALICE);
    ck_assert_int_eq(about.st_mode & 07777, 0640);
    shrink_check(&c, &run);
    shrink_same(&c, model);
    ck_assert_int_eq(rmdir(temp), 0);
    proof_free(&run);
    sqlite3_close(model);
    free(limits);
    free(folder);
    free(file);
    free(temp);
    free(d);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("vacuum_owners");
    TCase *cases = tcase_create("vacuum_owners");
    SRunner *runner = srunner_create(suite);

    owners_begin();
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, the_owner_needs_the_place, 0, ROWS);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
