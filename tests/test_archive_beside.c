/* `archive verify` and `cat` beside a run that archives, and takes old archives away: whatever they
 * meet, nothing is wrong with it. */
#include "lib_archived.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
}

static bool runs(const struct program *program)
{
    siginfo_t about = {0};

    ck_assert(!waitid(P_PID, (id_t)program->pid, &about, WEXITED | WNOHANG | WNOWAIT));
    return about.si_pid == 0;
}

static int looks(const struct program *program)
{
    struct program_result result;
    int count = 0;

    for (; runs(program); count++) {
        archived_run(count % 2 ? "verify" : "cat app t", 0, &result);
        program_result_free(&result);
    }
    return count;
}

START_TEST(nothing_is_wrong)
{
    sqlite3 *db = archived_prepare();
    char *words = expect_words("run -c @/policy.yaml app");
    struct program_result result;
    struct program program;

    sql_do(db,
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2400)"
           " INSERT INTO t SELECT i + 1000, unixepoch('now', '-' || (i * 6 + 1201) || ' hours'),"
           " 'more', i FROM n");
    sqlite3_close(db);
    archived_policy("keep_archives: 100d, ");
    program_start(&program, words, false);
    int count = looks(&program);
    program_finish(&program, &result);
    ck_assert_msg(result.status == 0, "%.900s%s", result.out, result.err);
    program_result_free(&result);
    json_t *problems = archived_problems(0);
    ck_assert_uint_eq(json_array_size(problems), 0);
    json_decref(problems);
    printf("%d looks beside a run\n", count);
    ck_assert_int_gt(count, 1); /* one of each */
    free(words);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_beside");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 90);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, nothing_is_wrong);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
