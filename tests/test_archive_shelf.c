/* The shelf: what lies in a table's folder, in order, with what is wrong with it. */
#include "archive_shelf.h"

#include "archive_tables.h"
#include "lib_folder.h"
#include "lib_shelved.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(nothing)
{
    shelved_shows("");
    char *path = folder_path("cold/app/t");
    rmdir(path);
    free(path);
    shelved_shows("");
}
END_TEST

/* By the time of the rows, whatever the names say. */
START_TEST(in_order)
{
    shelved_make(&shelved_third);
    shelved_make(&shelved_first);
    shelved_make(&shelved_second);
    shelved_shows(SHELVED_FIRST " done 10\n" SHELVED_SECOND " done 20\n" SHELVED_THIRD
                                " done 30\n");
}
END_TEST

START_TEST(no_directory)
{
    char *directory = folder_path("warm");
    struct error error = {0};
    struct shelf shelf = {0};

    ck_assert_int_eq(shelf_open(directory, "app", "t", &shelf, &error), STATUS_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, directory));
    free(directory);
}
END_TEST

/* --- what may be there besides ------------------------------------------------------------ */

START_TEST(a_stray_file)
{
    char *path = shelved_path(memory_copy("part-x.jsonl.zst"));

    shelved_make(&shelved_first);
    shelved_put(path, "nothing");
    shelved_has(SHELVED_FIRST " done 10\n");
    shelved_has("part-x.jsonl.zst - 0: no manifest tells of it");
    free(path);
}
END_TEST

/* Hidden files, other names, and folders that are no partitions are none of ours. */
START_TEST(other_things)
{
    static const char *const names[] = {".part-x.jsonl.zst.writing", "README", "_SUCCESS",
                                        "part-x.jsonl", "_part-x.manifest.json~"};

    shelved_make(&shelved_first);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = shelved_path(memory_copy(names[i]));
        shelved_put(path, "nothing");
        free(path);
    }
    char *folder = shelved_path(memory_copy("old")),
         *inner = memory_format("%s/part-1.jsonl.zst", folder);
    ck_assert(!mkdir(folder, 0700));
    shelved_put(inner, "nothing");
    free(folder);
    free(inner);
    shelved_shows(SHELVED_FIRST " done 10\n");
    char *all = shelved_shown();
    ck_assert_str_eq(all, SHELVED_FIRST " done 10\n");
    free(all);
}
END_TEST

/* Deeper than a day nobody looks. */
START_TEST(deep_folders)
{
    struct text path = {0};
    char *folder = shelved_folder();

    shelved_make(&shelved_first);
    text_add(&path, folder);
    for (int i = 0; i < 40; i++) {
        text_addf(&path, "/deep=%d", i);
        ck_assert(!mkdir(path.bytes, 0700));
    }
    text_add(&path, "/part-deep.jsonl.zst");
    shelved_put(path.bytes, "nothing");
    shelved_shows(SHELVED_FIRST " done 10\n");
    text_free(&path);
    free(folder);
}
END_TEST

/* A folder that leads elsewhere is named, and what is behind it is not read. */
START_TEST(a_link_for_a_folder)
{
    char *folder = shelved_path(memory_copy("year=2025")), *away = folder_path("away");

    shelved_make(&shelved_first);
    ck_assert(!rename(folder, away));
    ck_assert(!symlink(away, folder));
    shelved_shows("year=2025 - 0: can't enter the archive's folder year=2025: ");
    free(folder);
    free(away);
}
END_TEST

START_TEST(a_folder_of_somebody_else)
{
    char *folder = shelved_path(memory_copy("year=2026"));

    if (geteuid() != 0)
        return;
    shelved_make(&shelved_first);
    ck_assert(!mkdir(folder, 0777));
    ck_assert(!chown(folder, 12345, 12345));
    shelved_has(SHELVED_FIRST " done 10\n");
    shelved_has("year=2026 - 0: the archive's folder year=2026 is not its own");
    free(folder);
}
END_TEST

/* --- unfinished, removed ------------------------------------------------------------------ */

START_TEST(unfinished)
{
    static const enum manifest_state states[] = {MANIFEST_WRITTEN, MANIFEST_DELETING,
                                                 MANIFEST_SETTLED};
    struct shelved amid = shelved_second;
    char *expected = memory_format(SHELVED_SECOND " %s 20\n", archive_manifest_state(states[_i]));

    amid.state = states[_i];
    shelved_make(&shelved_first);
    shelved_make(&amid);
    shelved_has(SHELVED_FIRST " done 10\n");
    shelved_has(expected);
    free(expected);
}
END_TEST

/* Once it is settled its manifest is of the file that is to replace the other. */
START_TEST(settled_is_read_from_the_new_file)
{
    struct shelved amid = shelved_second, before = shelved_first;
    char *file = shelved_path(shelved_file(&shelved_second));
    char *fresh = shelved_path(memory_copy("year=2025/." SHELVED_SECOND ".settled"));
    char *old = shelved_path(shelved_file(&shelved_first));

    amid.state = MANIFEST_SETTLED;
    shelved_make(&amid);
    shelved_make(&before);
    ck_assert(!rename(file, fresh));
    ck_assert(!link(old, file));
    shelved_has(SHELVED_SECOND " settled 20\n");
    ck_assert(!unlink(fresh));
    shelved_has(SHELVED_SECOND " settled 20: it has 10 rows instead of 20");
    free(file);
    free(fresh);
    free(old);
}
END_TEST

/* The manifest of a segment that is done is put before _unfinished.json goes. */
START_TEST(done_and_still_unfinished)
{
    struct shelved amid = shelved_second;

    amid.state = MANIFEST_SETTLED;
    shelved_make(&amid);
    char *file = shelved_path(shelved_file(&shelved_second));
    ck_assert(!unlink(file));
    free(file);
    shelved_make(&shelved_second);
    char *all = shelved_shown();
    ck_assert_str_eq(all, SHELVED_SECOND " done 20\n");
    free(all);
}
END_TEST

START_TEST(removed)
{
    struct shelved gone = shelved_second;
    char *file = shelved_path(shelved_file(&shelved_second));

    gone.state = MANIFEST_REMOVED;
    shelved_make(&gone);
    shelved_has(SHELVED_SECOND " removed 20\n");
    ck_assert(!unlink(file));
    char *all = shelved_shown();
    ck_assert_str_eq(all, SHELVED_SECOND " removed 20\n");
    free(all);
    free(file);
}
END_TEST

/* --- tables ------------------------------------------------------------------------------- */

START_TEST(folders_as_tables)
{
    static const char *const names[] = {"t", "Logs", "%2E.%2Fx", "%2Ehidden", "caf%C3%A9"};
    static const char *const found[] = {"../x", ".hidden", "Logs", "caf\xc3\xa9", "t"};
    char *directory = folder_path("cold");
    struct archive_tables tables;
    struct error error = {0};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = memory_format("%s/app/%s", directory, names[i]);
        mkdir(path, 0700);
        free(path);
    }
    char *other = memory_format("%s/app/no%%2dname", directory); /* we write it in no such way */
    mkdir(other, 0700);
    ck_assert(!archive_tables_find(directory, "app", &tables, &error));
    ck_assert_uint_eq(tables.count, sizeof found / sizeof *found);
    for (size_t i = 0; i < tables.count; i++)
        ck_assert_str_eq(tables.names[i], found[i]);
    archive_tables_free(&tables);
    ck_assert(!archive_tables_find(directory, "nobody", &tables, &error));
    ck_assert_uint_eq(tables.count, 0);
    free(other);
    free(directory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_shelf");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, shelved_set_up, folder_remove);
    tcase_add_test(cases, nothing);
    tcase_add_test(cases, in_order);
    tcase_add_test(cases, no_directory);
    tcase_add_test(cases, a_stray_file);
    tcase_add_test(cases, other_things);
    tcase_add_test(cases, deep_folders);
    tcase_add_test(cases, a_link_for_a_folder);
    tcase_add_test(cases, a_folder_of_somebody_else);
    tcase_add_test(cases, settled_is_read_from_the_new_file);
    tcase_add_test(cases, done_and_still_unfinished);
    tcase_add_test(cases, removed);
    tcase_add_test(cases, folders_as_tables);
    tcase_add_loop_test(cases, unfinished, 0, 3);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
