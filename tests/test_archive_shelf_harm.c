/* The shelf, when one segment of three is not what it was: the others are there all the same. */
#include "lib_folder.h"
#include "lib_shelved.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void cut_manifest(char *file, char *manifest)
{
    (void)file;
    ck_assert(!truncate(manifest, 100));
}

static void empty_manifest(char *file, char *manifest)
{
    (void)file;
    shelved_put(manifest, "{}");
}

static void no_manifest(char *file, char *manifest)
{
    (void)file;
    ck_assert(!unlink(manifest));
}

static void no_file(char *file, char *manifest)
{
    (void)manifest;
    ck_assert(!unlink(file));
}

static void other_manifest(char *file, char *manifest)
{
    char *other = shelved_path(shelved_manifest(&shelved_first));

    (void)file;
    ck_assert(!unlink(manifest));
    ck_assert(!link(other, manifest));
    free(other);
}

static void other_file(char *file, char *manifest)
{
    char *other = shelved_path(shelved_file(&shelved_first));

    (void)manifest;
    ck_assert(!unlink(file));
    ck_assert(!link(other, file));
    free(other);
}

static void link_for_file(char *file, char *manifest)
{
    char *other = shelved_path(shelved_file(&shelved_first));

    (void)manifest;
    ck_assert(!unlink(file));
    ck_assert(!symlink(other, file));
    free(other);
}

static void link_for_manifest(char *file, char *manifest)
{
    (void)file;
    ck_assert(!unlink(manifest));
    ck_assert(!symlink("/etc/passwd", manifest));
}

static void pipe_for_file(char *file, char *manifest)
{
    (void)manifest;
    ck_assert(!unlink(file));
    ck_assert(!mkfifo(file, 0600));
}

static void pipe_for_manifest(char *file, char *manifest)
{
    (void)file;
    ck_assert(!unlink(manifest));
    ck_assert(!mkfifo(manifest, 0600));
}

static void change(char *manifest, const char *from, const char *to)
{
    char bytes[8192] = "";
    FILE *file = fopen(manifest, "r");

    ck_assert_ptr_nonnull(file);
    size_t length = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    char *at = strstr(bytes, from);
    ck_assert(length && at);
    *at = '\0';
    char *text = memory_format("%s%s%s", bytes, to, at + strlen(from));
    shelved_put(manifest, text);
    free(text);
}

static void huge_numbers(char *file, char *manifest)
{
    (void)file;
    change(manifest, "\"rows\": 20", "\"rows\": 9223372036854775807");
}

static void huge_time(char *file, char *manifest)
{
    (void)file;
    change(manifest, "\"first_time_us\": 1", "\"first_time_us\": 2001");
}

static void part_elsewhere(char *file, char *manifest)
{
    (void)file;
    change(manifest, "\"part\": \"year=2025\"", "\"part\": \"../../../x\"");
}

static void no_columns(char *file, char *manifest)
{
    (void)file;
    change(manifest, "\"columns\"", "\"pillars\"");
}

static void more_rows(char *file, char *manifest)
{
    (void)file;
    change(manifest, "\"rows\": 20", "\"rows\": 21");
}

static void less_text(char *file, char *manifest)
{
    (void)file;
    change(manifest, "\"line_bytes\": ", "\"line_bytes\": 0.1e1, \"lines\": ");
}

static const struct {
    void (*harm)(char *file, char *manifest); /* to the second of three */
    const char *state, *says;
} harms[] = {
    {cut_manifest, "- 0", "the manifest is no JSON"},
    {empty_manifest, "- 0", "the manifest is not valid"},
    {no_manifest, "- 0", "no manifest tells of it"},
    {no_file, "done 20", "No such file"},
    {other_manifest, "done 10", "the manifest is that of another file"},
    {other_file, "done 20", "it has 10 rows instead of 20"},
    {link_for_file, "done 20", "can't open"},
    {link_for_manifest, "- 0", "can't open"},
    {pipe_for_file, "done 20", "is not a regular file"},
    {pipe_for_manifest, "- 0", "is no small regular file"},
    {huge_numbers, "- 0", "the manifest is not valid"},
    {huge_time, "- 0", "the manifest is not valid"},
    {part_elsewhere, "- 0", "the manifest is not valid"},
    {no_columns, "done 20", "the manifest does not tell its columns"},
    {more_rows, "done 21", "it has 20 rows instead of 21"},
    {less_text, "- 0", "the manifest is not valid"},
};

/* The others come all the same, and it is one segment, under its name. */
START_TEST(harmed)
{
    char *file = shelved_path(shelved_file(&shelved_second));
    char *manifest = shelved_path(shelved_manifest(&shelved_second));
    char *expected = memory_format(SHELVED_SECOND " %s: ", harms[_i].state);

    shelved_make(&shelved_first);
    shelved_make(&shelved_second);
    shelved_make(&shelved_third);
    harms[_i].harm(file, manifest);
    shelved_has(SHELVED_FIRST " done 10\n");
    shelved_has(SHELVED_THIRD " done 30\n");
    shelved_has(expected);
    shelved_has(harms[_i].says);
    char *all = shelved_shown();
    ck_assert_msg(strchr(strchr(strchr(all, '\n') + 1, '\n') + 1, '\n')[1] == '\0', "%s", all);
    free(all);
    free(expected);
    free(file);
    free(manifest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_shelf_harm");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, shelved_set_up, folder_remove);
    tcase_add_loop_test(cases, harmed, 0, (int)(sizeof harms / sizeof *harms));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
