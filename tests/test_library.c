/* Which versions of SQLite have the WAL-reset bug. */
#include "library.h"

#include <check.h>
#include <stdlib.h>

static const struct {
    int version;
    bool bug;
    const char *text;
} cases[] = {
    {3006023, false, "3.6.23"},  {3007000, true, "3.7.0"},   {3040001, true, "3.40.1"},
    {3044000, true, "3.44.0"},   {3044005, true, "3.44.5"},  {3044006, false, "3.44.6"},
    {3044009, false, "3.44.9"},  {3045000, true, "3.45.0"},  {3046001, true, "3.46.1"},
    {3050000, true, "3.50.0"},   {3050006, true, "3.50.6"},  {3050007, false, "3.50.7"},
    {3050099, false, "3.50.99"}, {3051000, true, "3.51.0"},  {3051002, true, "3.51.2"},
    {3051003, false, "3.51.3"},  {3052000, false, "3.52.0"}, {3053002, false, "3.53.2"},
    {4000000, false, "4.0.0"},   {0, false, "0.0.0"},
};

START_TEST(test_wal_reset_bug)
{
    char buffer[LIBRARY_VERSION];

    ck_assert_msg(library_has_wal_reset_bug(cases[_i].version) == cases[_i].bug, "%s",
                  cases[_i].text);
    ck_assert_str_eq(library_version(buffer, cases[_i].version), cases[_i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library");
    TCase *all = tcase_create("library");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, test_wal_reset_bug, 0, sizeof cases / sizeof *cases);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
