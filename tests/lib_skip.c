/* Written past stdio's buffer, which a forked test could write again. */
#include "lib_skip.h"

#include <stdio.h>
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

void skip_online(TCase *tests)
{
    tcase_add_test(tests, online_left_out);
}
