/* Written past stdio's buffer, which a forked test could write again. */
#include "lib_skip.h"

#include "pageedit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void skip(const char *why)
{
    dprintf(STDOUT_FILENO, "skipped: %s\n", why);
}

START_TEST(online_left_out)
{
    skip("online compaction: the linked SQLite has no sqlite_dbpage that truncates; see the head "
         "of tests/test_vacuum_online.c");
}
END_TEST

int online_main(const char *name, double seconds, void (*add)(TCase *tests))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    SRunner *runner = srunner_create(suite);
    struct error error;

    tcase_set_timeout(tests, seconds);
    if (pageedit_available(&error) == STATUS_OK)
        add(tests);
    else
        tcase_add_test(tests, online_left_out);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
