/* The command line: usage, help, names, and a manual that knows all of it. */
#include "command.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POLICY                                                                                   \
    "databases:\n  - name: worklog\n    path: \"@/worklog.db\"\n    sample: { schedule: hourly " \
    "}\n    retention: [{ table: logs, column: timestamp, keep: 100d }]\n"

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    setenv("TERM", "xterm", 1);
    folder_make();
    expect_policy(POLICY);
}

/* What needs no file at all. */
static const struct {
    const char *words;
    int status;
    const char *out, *err;
} usages[] = {
    {"--version", 0, "litekeeper 0.1.0 (SQLite #)\n", ""},
    {"plam", 2, "",
     "litekeeper: no command \"plam\"; did you mean \"plan\"? There are: check, daemon, plan, "
     "run, inspect, status, history, alerts, reload, cancel, pause, resume, archive list, "
     "archive verify, archive cat, restore\n"},
    {"archive", 2, "",
     "usage: litekeeper archive list [options] [DB [TABLE]]\n"
     "usage: litekeeper archive verify [options] [DB [TABLE]]\n"
     "usage: litekeeper archive cat [options] DB TABLE\n"},
    {"archive -h", 0, "usage: litekeeper archive list ~\n~\n~\n", ""},
    {"help archive", 0, "usage: litekeeper archive list ~\n~\n~\n", ""},
    {"help archive cat", 0, "usage: litekeeper archive cat ~\n&", ""},
    {"archive lits", 2, "",
     "litekeeper archive: no command \"lits\"; did you mean \"list\"? There are: list, verify, "
     "cat\n"},
    {"help archive lits", 2, "", "litekeeper archive: no command \"lits\"; ~\n"},
    {"archive cat worklog", 2, "",
     "litekeeper archive cat: DB TABLE is missing\n"
     "usage: litekeeper archive cat [options] DB TABLE\n"},
    {"run", 2, "",
     "litekeeper run: DB [TASK [TARGET]] is missing\n"
     "usage: litekeeper run [options] DB [TASK [TARGET]]\n"},
    {"run a b c d", 2, "",
     "litekeeper run: \"d\" is one too many\n"
     "usage: litekeeper run [options] DB [TASK [TARGET]]\n"},
    {"run --forse worklog", 2, "",
     "litekeeper run: no option --forse; did you mean --force?\n"
     "usage: litekeeper run [options] DB [TASK [TARGET]]\n"},
    {"plan -x", 2, "",
     "litekeeper plan: no option -x\n"
     "usage: litekeeper plan [options] [DB [TASK [TARGET]]]\n"},
    {"plan --at", 2, "",
     "litekeeper plan: --at needs a value\n"
     "usage: litekeeper plan [options] [DB [TASK [TARGET]]]\n"},
    {"plan --at noon", 2, "",
     "litekeeper: \"noon\" is no time; write 2026-11-23T04:00:00Z, or \"2026-11-23 04:00\" in "
     "UTC\n"},
    {"inspect", 2, "",
     "litekeeper inspect: FILE is missing\n"
     "usage: litekeeper inspect [options] FILE\n"},
    {"inspect --help", 0,
     "usage: litekeeper inspect [options] FILE\n"
     "\n"
     "Print a health report on any SQLite database.\n"
     "\n"
     "Reads about 1% of the pages and needs no policy. Fragmentation is the share of\n"
     "the steps from one leaf page to the next, in key order, that go backwards or far\n"
     "ahead; density is how full the leaf pages are.\n"
     "\n"
     "Options:\n"
     "      --json\n"
     "          print JSON, one object a line\n"
     "  -h, --help\n"
     "          print this help\n",
     ""},
    {"help plam", 2, "", "litekeeper: no command \"plam\"; did you mean \"plan\"? There are: ~\n"},
    {"check x.yaml", 2, "",
     "litekeeper check: \"x.yaml\" is one too many; a policy is named with -c FILE\n"
     "usage: litekeeper check [options]\n"},
    {"inspect @/nothing.db", 1, "", "litekeeper: @/nothing.db: ~\n"},
    {"run -c @/nothing.yaml worklog", 78, "", "@/nothing.yaml~\n"},
};

START_TEST(usage)
{
    expect(usages[_i].words, usages[_i].status, usages[_i].out, usages[_i].err);
}
END_TEST

/* A terminal that systemd has started names its own stream to journald to all that runs in it. */
START_TEST(a_journal_of_someone_else_gets_no_levels)
{
    setenv("JOURNAL_STREAM", "8:12345", 1);
    expect("history --limit 0", 2, "",
           "litekeeper: --limit takes a number from 1 to 10000, not \"0\"\n");
}
END_TEST

START_TEST(help_has_a_command_too)
{
    static const char *const words[][2] = {{"help", "--help"}, {"help run", "run --help"}};
    struct program_result result;

    for (size_t i = 0; i < 2; i++) {
        program_run(words[i][1], &result);
        expect(words[i][0], 0, result.out, "");
        program_result_free(&result);
    }
}
END_TEST

/* Every line fits into a terminal of 80 columns. */
static void check_width(char *text)
{
    for (char *line; (line = strsep(&text, "\n"));)
        ck_assert_msg(strlen(line) <= 80, "%s", line);
}

START_TEST(help_is_there_and_fits)
{
    struct program_result result;

    expect("", 2, "",
           "litekeeper keeps SQLite databases ~\n~\n\nusage: litekeeper COMMAND ~\n\n"
           "  check ~\n  daemon ~\n  plan ~\n  run ~\n  inspect ~\n  status ~\n  history ~\n  "
           "alerts ~\n"
           "  reload ~\n  cancel ~\n  pause ~\n  resume ~\n  archive list ~\n  archive verify ~\n"
           "  archive cat ~\n  restore ~\n\n~\n~\n");
    for (const struct command *command = commands; command->name; command++) {
        char *words = memory_format("%s --help", command->name);
        if (!command->hidden) {
            expect_run(words, &result);
            ck_assert_int_eq(result.status, 0);
            ck_assert_str_eq(result.err, "");
            ck_assert_msg(strncasecmp(result.out, "usage: litekeeper ", 18) == 0, "%s", result.out);
            check_width(result.out);
            program_result_free(&result);
        }
        free(words);
    }
}
END_TEST

/* Names that the policy does not have: each level names the nearest and what there is. */
static const struct {
    const char *words, *err;
} names[] = {
    {"run -c @/policy.yaml worklgo",
     "litekeeper run: no database \"worklgo\"; did you mean \"worklog\"? There are: worklog\n"},
    {"plan -c @/policy.yaml nothing",
     "litekeeper plan: no database \"nothing\"; there are: worklog\n"},
    {"run -c @/policy.yaml worklog retentoin",
     "litekeeper run: no task \"retentoin\"; did you mean \"retention\"? There are: ~\n"},
    {"run -c @/policy.yaml worklog retention lgos",
     "litekeeper run: no target \"lgos\"; did you mean \"logs\"? There are: logs\n"},
    {"run -c @/policy.yaml worklog sample logs",
     "litekeeper run: no target \"logs\"; there is none\n"},
    {"archive list -c @/policy.yaml worklgo",
     "litekeeper archive list: no database \"worklgo\"; did you mean \"worklog\"? There are: ~\n"},
    {"run -c @/policy.yaml @/other.db",
     "litekeeper run: no database \"@/other.db\"; there are: worklog\n"},
};

START_TEST(unknown_names)
{
    expect(names[_i].words, 2, "", names[_i].err);
}
END_TEST

START_TEST(an_invalid_policy_says_all_that_is_wrong)
{
    expect_policy("databases:\n  - nam: worklog\n    path: \"@/worklog.db\"\n    max_lock: 10\n");
    for (int i = 0; i < 2; i++)
        expect(i ? "plan -c @/policy.yaml" : "run -c @/policy.yaml worklog", 78, "",
               "@/policy.yaml:2:5: databases[0].nam: unknown key; did you mean \"name\"?\n"
               "@/policy.yaml:2:5: databases[0].name: is missing; ~\n"
               "@/policy.yaml:4:15: databases[0].max_lock: \"10\" has no unit; ~\n");
}
END_TEST

/* The manual knows every command and every long option of the table. */
START_TEST(the_manual_is_complete)
{
    FILE *file = fopen("docs/litekeeper.8", "r");
    struct text manual = {0};
    char bytes[4096];
    size_t length;

    ck_assert_ptr_nonnull(file);
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0)
        text_add_length(&manual, bytes, length);
    fclose(file);
    for (const struct command *command = commands; command->name; command++) {
        char *heading = memory_format("\n.Ss %s\n", command->name);
        char *start = strstr(manual.bytes, heading),
             *end = start ? strstr(start + 1, "\n.S") : NULL;
        free(heading);
        if (command->hidden)
            continue;
        ck_assert_msg(start && end, "%s is not in the manual", command->name);
        *end = '\0';
        for (const struct command_option *option = command->options; option->name; option++) {
            char *item = memory_format(".It Fl -%s", option->name);
            ck_assert_msg(option->letter || strstr(start, item), "--%s of %s is not in the manual",
                          option->name, command->name);
            free(item);
        }
        *end = '\n';
    }
    text_free(&manual);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("commands");
    TCase *cases = tcase_create("commands");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, usage, 0, (int)(sizeof usages / sizeof *usages));
    tcase_add_test(cases, a_journal_of_someone_else_gets_no_levels);
    tcase_add_test(cases, help_has_a_command_too);
    tcase_add_test(cases, help_is_there_and_fits);
    tcase_add_loop_test(cases, unknown_names, 0, (int)(sizeof names / sizeof *names));
    tcase_add_test(cases, an_invalid_policy_says_all_that_is_wrong);
    tcase_add_test(cases, the_manual_is_complete);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
