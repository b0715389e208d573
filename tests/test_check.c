/* `litekeeper check`: what it prints, and with which status it ends. */
#include "policy_check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

int cmd_check(int argc, char **argv);

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static const struct {
    const char *path;
    enum policy_form form;
    int status;
    const char *out, *wrong;
} cases[] = {
    {"tests/policy/good/worklog.yaml", POLICY_TEXT, 0,
     "tests/policy/good/worklog.yaml: ok, 1 database, 8 tasks\n"
     "  worklog: sample, retention logs, retention worklogs, vacuum, reindex, indexes, optimize, "
     "integrity\n",
     ""},
    {"config/demo.yaml", POLICY_TEXT, 0,
     "config/demo.yaml: ok, 1 database, 8 tasks\n"
     "  worklog: sample, retention logs, retention worklogs, vacuum, reindex, indexes, optimize, "
     "integrity\n",
     ""},
    {"tests/policy/good/include.yaml", POLICY_TEXT, 0,
     "tests/policy/good/include.yaml: ok, 2 databases, 2 tasks\n"
     "  crm: sample\n"
     "  /srv/mail/*/index.db: sample\n",
     ""},
    {"tests/policy/good/smallest.yaml", POLICY_DUMP, 0,
     "daemon:\n  workers: 2\n  history: 400d\n"
     "defaults:\n  observe: false\n  max_lock: 10ms\n  duty: 75%\n  busy_timeout: 5s\n"
     "  max_wal: 256MiB\n  time_limit: 6h\n  window: []\n  jitter: 0s\n"
     "databases: []\n",
     ""},
    {"tests/policy/good/crlf.yaml", POLICY_JSON, 0,
     "{\"policy\":\"tests/policy/good/"
     "crlf.yaml\",\"valid\":true,\"databases\":[{\"database\":\"a\","
     "\"path\":\"/srv/a.db\",\"glob\":false,\"tasks\":[]}],\"errors\":[]}\n",
     ""},
    {"tests/policy/bool-yes.yaml", POLICY_TEXT, 78, "",
     "tests/policy/bool-yes.yaml:2:12: defaults.observe: \"yes\": must be true or false\n"},
    {"tests/policy/cascade-archive.yaml", POLICY_DUMP, 78, "",
     "tests/policy/cascade-archive.yaml:8:18: databases[0].retention[0].cascade: must not be "
     "archive without `archive:`, which says where to\n"},
    {"tests/policy/bool-yes.yaml", POLICY_JSON, 78,
     "{\"policy\":\"tests/policy/bool-yes.yaml\",\"valid\":false,\"databases\":[],\"errors\":["
     "\"tests/policy/bool-yes.yaml:2:12: defaults.observe: \\\"yes\\\": must be true or "
     "false\"]}\n",
     ""},
    {"tests/policy/none.yaml", POLICY_TEXT, 78, "",
     "tests/policy/none.yaml: can't be read: No such file or directory; write it, or "
     "name another with -c FILE\n"},
    {"tests/policy", POLICY_TEXT, 78, "", "tests/policy: can't be read: Is a directory\n"},
};

START_TEST(test_cases)
{
    char *out = NULL, *wrong = NULL;
    size_t out_length, wrong_length;
    FILE *out_file = open_memstream(&out, &out_length);
    FILE *wrong_file = open_memstream(&wrong, &wrong_length);
    int status = policy_check(cases[_i].path, cases[_i].form, out_file, wrong_file);

    fclose(out_file);
    fclose(wrong_file);
    ck_assert_str_eq(wrong, cases[_i].wrong);
    ck_assert_str_eq(out, cases[_i].out);
    ck_assert_int_eq(status, cases[_i].status);
    free(out);
    free(wrong);
}
END_TEST

static const struct {
    const char *arguments[6];
    int status;
} command_lines[] = {
    {{"check", "-c", "tests/policy/good/worklog.yaml"}, 0},
    {{"check", "--config=tests/policy/good/worklog.yaml", "--dump"}, 0},
    {{"check", "--json", "--config", "tests/policy/good/worklog.yaml"}, 0},
    {{"check", "--help"}, 0},
    {{"check", "-c", "tests/policy/span-m.yaml"}, 78},
    {{"check", "-c"}, 2},
    {{"check", "--nonsense"}, 2},
    {{"check", "tests/policy/good/worklog.yaml"}, 2},
    {{"check", "--dump", "--json"}, 2},
};

START_TEST(test_command_lines)
{
    char *arguments[6];
    int count = 0;

    memcpy(arguments, command_lines[_i].arguments, sizeof arguments);
    while (arguments[count])
        count++;
    ck_assert_int_eq(cmd_check(count, arguments), command_lines[_i].status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check");
    TCase *tests = tcase_create("check");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_cases, 0, COUNT(cases));
    tcase_add_loop_test(tests, test_command_lines, 0, COUNT(command_lines));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
