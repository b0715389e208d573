/*
 * An application with another SQLite library than the tests': whichever LD_LIBRARY_PATH leads to.
 *     stranger                        prints the library's version
 *     stranger SQL...                 runs each on app.db, prints the values, fails if one does
 *     stranger FD NUMBER SEED         is that process of a restless application; see
 *                                     lib_restless_processes.c
 *     stranger beside ROLE FD PATH MMAP SEED
 *                                     is a process of an application of lib_beside.h
 */
#include "lib_beside.h"
#include "lib_restless.h"

#include <check.h>
#include <ctype.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { STRANGER_PATIENCE_MS = 10000, STRANGER_PAGE = 4096 };

static int stranger_print(void *argument, int count, char **values, char **names)
{
    (void)argument;
    (void)names;
    for (int i = 0; i < count; i++)
        puts(values[i] ? values[i] : "NULL");
    return 0;
}

static int stranger_run(int count, char **sql)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open("app.db", &db);

    sqlite3_busy_timeout(db, STRANGER_PATIENCE_MS);
    for (int i = 0; i < count && rc == SQLITE_OK; i++) {
        rc = sqlite3_exec(db, sql[i], stranger_print, NULL, NULL);
        if (rc != SQLITE_OK)
            printf("%s: %s\n", sql[i], sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    return rc == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What it shares with the tests asserts, which Check allows in a test alone. */
static struct {
    volatile int64_t *commits;
    uint64_t random;
    char **words;
} life;

START_TEST(live)
{
    restless_main(life.commits, false, true, life.random);
}
END_TEST

START_TEST(live_beside)
{
    struct ledger *ledger = ledger_attach(atoi(life.words[1]));

    ck_assert_ptr_nonnull(ledger);
    beside_main((enum beside_role)atoi(life.words[0]), ledger, life.words[2],
                strtoll(life.words[3], NULL, 10), strtoull(life.words[4], NULL, 10));
}
END_TEST

/* It comes back if something has failed. */
static int stranger_run_test(const TTest *test)
{
    Suite *suite = suite_create("stranger");
    TCase *tests = tcase_create("stranger");

    tcase_add_test(tests, test);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    srunner_print(runner, CK_NORMAL);
    return EXIT_FAILURE;
}

static int stranger_live(int fd, int number, uint64_t random)
{
    volatile int64_t *commits =
        mmap(NULL, STRANGER_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (commits == MAP_FAILED)
        return EXIT_FAILURE;
    life.commits = &commits[number];
    life.random = random;
    return stranger_run_test(live);
}

int main(int count, char **arguments)
{
    if (count == 1) {
        puts(sqlite3_libversion());
        return EXIT_SUCCESS;
    }
    if (count == 7 && !strcmp(arguments[1], "beside")) {
        life.words = arguments + 2;
        return stranger_run_test(live_beside);
    }
    if (!isdigit((unsigned char)arguments[1][0]))
        return stranger_run(count - 1, arguments + 1);
    return stranger_live(atoi(arguments[1]), atoi(arguments[2]), strtoull(arguments[3], NULL, 10));
}
