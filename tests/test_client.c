/* The commands that ask the daemon, end to end against a daemon of the test's own: what they send,
 * print, and exit with. */
#include "lib_control.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 14 };

/* What the daemon says to each request, which it finds by the line that it was asked with. */
static const struct {
    const char *request;
    const char *lines[LINES];
    int exit_status;
    const char *message;
} script[] = {
    {"{\"litekeeper\":1,\"request\":\"status\"}",
     {"{'event':'daemon','version':'0.1.0','pid':4711,'since':'2026-11-22T02:00:00Z','policy':"
      "'/etc/litekeeper/litekeeper.yaml','loaded':'2026-11-22T02:00:00Z','databases':2,'workers':2,"
      "'running':1,'ready':2,'waiting':44,'alerts':2,'next':{'database':'worklog','task':"
      "'retention','target':'logs','due':'2999-01-01T04:00:00Z'},'history':'ok','paused':[{"
      "'database':'shop','task':null,'until':null},{'database':null,'task':null,'until':"
      "'2999-01-01T00:00:00Z'}]}",
      "{'event':'running','database':'worklog','task':'retention','target':'logs','since':"
      "'2026-11-22T02:00:00Z','rows':812344,'unit':null,'total':1200000,'rate':57000.4,'eta_s':7,'"
      "lock_share':"
      "0.401,'doing':'waits for a checkpoint of the application'}",
      "{'event':'running','database':'shop','task':'sample','target':null,'since':"
      "'2026-11-22T02:00:00Z','rows':null,'unit':null,'total':null,'rate':null,'eta_s':null,'lock_"
      "share':null,"
      "'doing':null}",
      "{'event':'waiting','database':'worklog','task':'vacuum','target':null,'due':"
      "'2026-11-22T02:00:00Z','at':'2026-11-22T02:00:00Z','why':'waits for a worker'}",
      "{'event':'waiting','database':'/srv/a/very/long/path/to/the/database.db','task':'sample',"
      "'target':null,'due':'2999-01-01T00:00:00Z','at':'2999-01-01T00:00:00Z','why':'scheduled'}",
      "{'event':'waiting','database':'shop','task':'integrity','target':null,'due':"
      "'2026-11-22T02:00:00Z','at':'2999-01-01T02:00:00Z','why':'waits for its window'}",
      "{'event':'waiting','database':'shop','task':'vacuum','target':null,'due':"
      "'2026-11-22T02:00:00Z','at':null,'why':'waits for its window'}",
      "{'event':'waiting','database':'shop','task':'optimize','target':null,'due':null,'at':null,"
      "'why':'scheduled'}",
      "{'event':'alert','database':'worklog','path':'/srv/worklog.db','metric':'table_size',"
      "'subject':'logs','severity':'critical','value':2.1e9,'threshold':2e9,'text':'logs has 2.1 "
      "GB, above 2 GB','advice':'Let retention remove old rows.','raised':'2026-11-22T02:00:00Z'}",
      "{'event':'alert','database':null,'path':null,'metric':'history_lost','subject':null,"
      "'severity':'warning','value':-1,'threshold':-1,'text':'the history can\\u0027t be written: "
      "\\u001b[31mdisk full','advice':null,'raised':'2026-11-22T02:00:00Z'}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"status\",\"database\":\"idle\"}",
     {"{'event':'daemon','version':'0.1.0','pid':4711,'since':'2026-11-22T02:00:00Z','policy':"
      "'/etc/litekeeper/litekeeper.yaml','loaded':'2026-11-22T02:00:00Z','databases':1,'workers':1,"
      "'running':0,'ready':0,'waiting':3,'alerts':0,'next':null,'history':'the disk is full',"
      "'paused':[]}",
      "{'event':'waiting','database':'idle','task':'sample','target':null,'due':'2999-01-01T00:00:"
      "00Z',"
      "'at':'2999-01-01T00:00:00Z','why':'scheduled'}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"status\",\"database\":\"worklog\",\"task\":\"hostile\"}",
     {"{'event':'run','reason':'\\u001b]0;title\\u0007 "
      "\\u202e','\\u001b[2J':1,'effect':{'ok':[1,2.5,"
      "true,null,'\\u009b'],'Not ok':1}}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"status\",\"database\":\"nobody\"}",
     {NULL},
     2,
     "no database \"nobody\"; there are: worklog, shop"},
    {"{\"litekeeper\":1,\"request\":\"history\",\"database\":\"worklog\",\"task\":\"retention\","
     "\"target\":\"logs\",\"since_us\":1795406400000000,\"limit\":2}",
     {"{'event':'run','started':'2026-11-23T02:00:00Z','path':'/srv/worklog.db','database':"
      "'worklog','task':'retention','target':'logs','outcome':'done','reason':'812,344 rows older "
      "than "
      "90d','rows':812344,'bytes_freed':301989888,'seconds':14.2,'lock':{'count':1604,'max_ms':"
      "14.9,'p99_ms':12.1,'total_ms':7012.4},'effect':{'rows_past_cutoff':0}}",
      "{'event':'run','started':'2026-11-22T02:00:00Z','path':'/srv/worklog.db','database':"
      "'worklog','task':'retention','target':'logs','outcome':'skipped','reason':'no row is older "
      "than 90d','rows':0,'bytes_freed':0,'seconds':0.1,'lock':{'count':0,'max_ms':0,'p99_ms':0,"
      "'total_ms':0},'effect':null}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"history\",\"limit\":50}", {NULL}, 0, NULL},
    {"{\"litekeeper\":1,\"request\":\"alerts\"}",
     {"{'event':'alert','database':'worklog','path':'/srv/worklog.db','metric':'table_size',"
      "'subject':'logs','severity':'critical','value':2.1e9,'threshold':2e9,'text':'logs has 2.1 "
      "GB, above 2 GB','advice':'Let retention remove old rows.','raised':"
      "'2026-11-22T02:00:00Z'}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"alerts\",\"database\":\"shop\"}", {NULL}, 0, NULL},
    {"{\"litekeeper\":1,\"request\":\"reload\"}",
     {"{'event':'reloaded','databases':1,'tasks':7}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"cancel\",\"database\":\"worklog\"}",
     {"{'event':'cancelled','database':'worklog','task':'retention','target':'logs'}",
      "{'event':'cancelled','database':'worklog','task':'sample','target':null}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"cancel\",\"database\":\"shop\"}",
     {NULL},
     1,
     "nothing of shop is running"},
    {"{\"litekeeper\":1,\"request\":\"cancel\",\"database\":\"broken\"}",
     {"{'event':'error','text':'/etc/litekeeper/litekeeper.yaml:2:5: databases[0].nam: unknown "
      "key'}",
      "{'event':'error','text':'/etc/litekeeper/litekeeper.yaml:4:15: databases[0].max_lock: no "
      "unit'}"},
     78,
     "the policy is not valid; the old one stays in force"},
    {"{\"litekeeper\":1,\"request\":\"pause\",\"for_us\":7200000000}",
     {"{'event':'paused','database':null,'task':null,'until':'2026-11-23T06:00:00Z'}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"pause\",\"database\":\"worklog\",\"task\":\"vacuum\"}",
     {"{'event':'paused','database':'worklog','task':'vacuum','until':null}"},
     0,
     NULL},
    {"{\"litekeeper\":1,\"request\":\"resume\"}",
     {"{'event':'resumed','database':null,'task':null}"},
     0,
     NULL},
};
enum { SCRIPT = sizeof script / sizeof *script };

/* The script is easier to read with ' for ". */
static json_t *line_of(const char *text)
{
    char *copy = memory_copy(text);

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *line = json_loads(copy, 0, NULL);
    free(copy);
    return line;
}

static void take(void *loop, const struct request *request, struct control_reply *reply)
{
    char *line = request_line(request);
    size_t i = 0;

    (void)loop;
    while (i < SCRIPT && strcmp(script[i].request, line) != 0)
        i++;
    if (i == SCRIPT) {
        control_end(reply, 99, line);
    } else {
        for (const char *const *text = script[i].lines; *text; text++)
            control_say(reply, line_of(*text));
        control_end(reply, script[i].exit_status, script[i].message);
    }
    free(line);
}

static char *path;
static struct control_daemon keeper;

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
    path = folder_path("run/litekeeper.sock");
    control_daemon_start(&keeper, path, 0, take);
    expect_policy("daemon: { socket: \"@/run/litekeeper.sock\" }\n"
                  "databases:\n  - name: worklog\n    path: \"@/worklog.db\"\n");
}

static void tear_down(void)
{
    control_daemon_stop(&keeper);
    folder_remove();
    free(path);
}

static const struct {
    const char *words;
    int status;
    const char *out, *err;
} cases[] = {
    {"history -c @/policy.yaml", 0, "no such run is remembered\n", ""},
    {"status -c @/policy.yaml idle", 0,
     "litekeeper 0.1.0: no task runs; no alert is raised\n"
     "\n"
     "  next      nothing is scheduled\n"
     "  policy    /etc/litekeeper/litekeeper.yaml: 1 database, 1 worker; loaded ~\n"
     "  history   the disk is full\n"
     "  process   4711, since 2026-11-22T02:00:00Z (~)\n"
     "\n"
     "Waiting\n"
     "  2999-01-01T00:00:00Z  idle sample  scheduled\n",
     ""},
    {"status -c @/policy.yaml nobody", 2, "",
     "litekeeper: no database \"nobody\"; there are: worklog, shop\n"},
    {"history -c @/policy.yaml --since 2026-11-23T04:00:00+00:00 --limit 2 worklog retention logs",
     0,
     "2026-11-23T02:00:00Z  worklog retention logs: done in 14.2 s: 812,344 rows older than 90d; "
     "288.0 MiB given back; lock held 1,604 times, longest 14.9 ms, p99 12.1 ms; no row left past "
     "the cutoff\n"
     "2026-11-22T02:00:00Z  worklog retention logs: skipped: no row is older than 90d\n",
     ""},
    {"alerts -c @/policy.yaml", 1,
     "critical  worklog table_size logs: logs has 2.1 GB, above 2 GB\n"
     "          since 2026-11-22T02:00:00Z\n"
     "          Let retention remove old rows.\n",
     ""},
    {"alerts -c @/policy.yaml --json", 1,
     "{\"event\":\"alert\",\"database\":\"worklog\",\"path\":\"/srv/worklog.db\",\"metric\":"
     "\"table_size\",\"subject\":\"logs\",\"severity\":\"critical\",\"value\":2100000000.0,"
     "\"threshold\":2000000000.0,\"text\":\"logs has 2.1 GB, above 2 GB\",\"advice\":\"Let "
     "retention remove old rows.\",\"raised\":\"2026-11-22T02:00:00Z\"}\n",
     ""},
    {"alerts -c @/policy.yaml shop", 0, "no alert is raised\n", ""},
    {"reload -c @/policy.yaml", 0, "reloaded: 1 database, 7 tasks\n", ""},
    {"cancel -c @/policy.yaml worklog", 0,
     "worklog retention logs: told to stop\nworklog sample: told to stop\n", ""},
    {"cancel -c @/policy.yaml shop", 1, "", "litekeeper: nothing of shop is running\n"},
    {"cancel -c @/policy.yaml broken", 78, "",
     "/etc/litekeeper/litekeeper.yaml:2:5: databases[0].nam: unknown key\n"
     "/etc/litekeeper/litekeeper.yaml:4:15: databases[0].max_lock: no unit\n"
     "litekeeper: the policy is not valid; the old one stays in force\n"},
    {"pause -c @/policy.yaml --for 2h", 0, "all tasks: paused until 2026-11-23T06:00:00Z\n", ""},
    {"pause -c @/policy.yaml worklog vacuum", 0, "worklog vacuum: paused until resumed\n", ""},
    {"resume -c @/policy.yaml", 0, "all tasks: resumed\n", ""},
    {"resume -c @/policy.yaml --json", 0,
     "{\"event\":\"resumed\",\"database\":null,\"task\":null}\n", ""},
    {"resume --socket @/run/litekeeper.sock", 0, "all tasks: resumed\n", ""},
    {"resume -c @/none.yaml --socket @/run/litekeeper.sock", 0, "all tasks: resumed\n", ""},
    /* what is wrong before anybody is asked */
    {"history --since yesterday", 2, "",
     "litekeeper: \"yesterday\" is no time; write 2026-11-23T04:00:00Z, \"2026-11-23 04:00\" in "
     "UTC, or 7d for the last seven days\n"},
    {"history --limit 0", 2, "", "litekeeper: --limit takes a number from 1 to 10000, not \"0\"\n"},
    {"history --limit 10001", 2, "",
     "litekeeper: --limit takes a number from 1 to 10000, not \"10001\"\n"},
    {"history --limit many", 2, "",
     "litekeeper: --limit takes a number from 1 to 10000, not \"many\"\n"},
    {"pause --for 5m", 2, "", "litekeeper: --for: ~\n"},
    {"pause --for 5ms", 2, "", "litekeeper: --for takes a time of at least 1s, not \"5ms\"\n"},
    {"pause worklog vacuum x", 2, "",
     "litekeeper pause: \"x\" is one too many\n"
     "usage: litekeeper pause [options] [DB [TASK]]\n"},
    {"cancel", 2, "",
     "litekeeper cancel: DB [TASK [TARGET]] is missing\n"
     "usage: litekeeper cancel [options] DB [TASK [TARGET]]\n"},
    {"status a\xff", 2, "", "litekeeper: there can't be such a name: it is not UTF-8\n"},
    /* who can't be reached */
    {"status --socket @/nothing.sock", 69, "",
     "litekeeper: can't reach the daemon at @/nothing.sock: No such file or directory; is the "
     "daemon running? systemctl status litekeeper\n"},
    {"status --socket @/policy.yaml", 69, "",
     "litekeeper: can't reach the daemon at @/policy.yaml: Connection refused; is the daemon "
     "running? systemctl status litekeeper\n"},
    {"status -c @/none.yaml", 69, "",
     "litekeeper: can't load the policy (@/none.yaml: can't be read: No such file or directory; "
     "write it, or name another with -c FILE), so the standard socket is asked; name another with "
     "--socket PATH\n"
     "litekeeper: can't reach the daemon at ~\n"},
};

START_TEST(commands_say_what_the_daemon_says)
{
    expect(cases[_i].words, cases[_i].status, cases[_i].out, cases[_i].err);
}
END_TEST

#define RUNNING                                                                       \
    "litekeeper 0.1.0: 1 task runs, 2 tasks wait for a worker; 2 alerts are raised\n" \
    "\n"                                                                              \
    "  next      worklog retention logs, 2999-01-01T04:00:00Z (in # days)\n"          \
    "  paused    shop, until resumed\n"                                               \
    "  paused    all tasks, until 2999-01-01T00:00:00Z (in # days)\n"

/* The policy has become wrong since the daemon took it; where its socket is can be read. */
START_TEST(a_broken_policy_still_leads_to_the_daemon)
{
    expect_policy("daemon: { socket: \"@/run/litekeeper.sock\" }\n"
                  "databases:\n  - nam: worklog\n    path: \"@/worklog.db\"\n");
    expect("reload -c @/policy.yaml", 0, "reloaded: 1 database, 7 tasks\n", "");
}
END_TEST

START_TEST(the_status_at_a_glance)
{
    expect("status -c @/policy.yaml", 0,
           RUNNING
           "  policy    /etc/litekeeper/litekeeper.yaml: 2 databases, 2 workers; loaded ~\n"
           "  history   ok\n"
           "  process   4711, since 2026-11-22T02:00:00Z (~)\n"
           "\n"
           "Running\n"
           "  worklog retention logs, since 2026-11-22T02:00:00Z (~)\n"
           "    812,344 of 1,200,000 rows (67%), 57,000/s, 7.0 s left, lock 40%, waits for a "
           "checkpoint of the application\n"
           "  shop sample, since 2026-11-22T02:00:00Z (~)\n"
           "\n"
           "Waiting\n"
           "  2026-11-22T02:00:00Z  worklog vacuum  waits for a worker\n"
           "  2999-01-01T00:00:00Z  /srv/a/very/long/path/to/the/database.db sample\n"
           "                                        scheduled\n"
           "  2999-01-01T02:00:00Z  shop integrity  waits for its window, due since "
           "2026-11-22T02:00:00Z\n"
           "  never                 shop vacuum     waits for its window, due since "
           "2026-11-22T02:00:00Z\n"
           "  never                 shop optimize   scheduled\n"
           "  39 more; `litekeeper status DB` shows all of a database\n"
           "\n"
           "Alerts\n"
           "  critical  worklog table_size logs: logs has 2.1 GB, above 2 GB\n"
           "            since 2026-11-22T02:00:00Z\n"
           "  warning   litekeeper history_lost: the history can't be written: ?[31mdisk full\n"
           "            since 2026-11-22T02:00:00Z\n",
           "");
}
END_TEST

START_TEST(a_terminal_gets_80_columns)
{
    struct program program;
    struct program_result result;
    char *words = expect_words("status -c @/policy.yaml"), *rest;

    program_start(&program, words, true);
    program_finish(&program, &result);
    rest = result.out;
    for (char *line; (line = strsep(&rest, "\r\n"));)
        ck_assert_msg(strlen(line) <= 80, "%s", line);
    program_result_free(&result);
    free(words);
}
END_TEST

/* What is told may be anything; what is printed is fit for a terminal. */
START_TEST(json_is_made_harmless)
{
    expect("status -c @/policy.yaml --json worklog hostile", 0,
           "{\"event\":\"run\",\"reason\":\"?]0;title? "
           "???\",\"effect\":{\"ok\":[1,2.5,true,null,\"??\"]}}\n",
           "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *all = tcase_create("client");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_loop_test(all, commands_say_what_the_daemon_says, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(all, the_status_at_a_glance);
    tcase_add_test(all, a_broken_policy_still_leads_to_the_daemon);
    tcase_add_test(all, a_terminal_gets_80_columns);
    tcase_add_test(all, json_is_made_harmless);
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
