/* The control socket: its answers, and who may ask for what. */
#include "lib_control.h"
#include "lib_folder.h"
#include "memory.h"

#include <check.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LATER_MS = 300, MANY = 40, STRANGER = 61001, MEMBER = 61002, GROUP = 61010 };

#define V                  "{\"litekeeper\":1,\"request\":"
#define END(exit, message) "{\"event\":\"end\",\"exit\":" #exit ",\"message\":" message "}\n"
#define ONE(kind, name)    "{\"event\":\"" kind "\",\"database\":" name "}\n"
#define REFUSED(why)       END(1, "\"the daemon doesn't take this request: " why "\"")

static char *path;
static struct control_daemon keeper;

static void set_up(void)
{
    folder_make();
    path = folder_path("litekeeper.sock");
}

static void tear_down(void)
{
    folder_remove();
    free(path);
}

struct later {
    uv_timer_t timer;
    struct control_reply *reply;
};

static void later_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void later_end(uv_timer_t *timer)
{
    struct later *later = timer->data;

    control_say_pack(later->reply, "{s:s}", "event", "later");
    control_end(later->reply, 0, NULL);
    uv_close((uv_handle_t *)timer, later_closed);
}

/* Says what was asked for, at once; a reload takes its time. */
static void take(void *loop, const struct request *request, struct control_reply *reply)
{
    if (request->kind == REQUEST_RELOAD) {
        struct later *later = memory_new(struct later);
        later->reply = reply;
        uv_timer_init(loop, &later->timer);
        later->timer.data = later;
        uv_timer_start(&later->timer, later_end, LATER_MS, 0);
        return;
    }
    control_say_pack(reply, "{s:s, s:s?}", "event", request_name(request->kind), "database",
                     request->database);
    if (request->kind == REQUEST_CANCEL)
        control_end(reply, 1, "nothing \"\xff\" runs");
    else
        control_end(reply, 0, NULL);
}

static void heard(int fd, const char *wanted)
{
    char *all = control_hear(fd);

    ck_assert_str_eq(all, wanted);
    free(all);
}

static void check(const char *line, const char *wanted)
{
    char *all = control_ask(path, line);

    ck_assert_msg(strcmp(all, wanted) == 0, "%s is answered by\n%sbut should be by\n%s", line, all,
                  wanted);
    free(all);
}

static const struct {
    const char *line, *answer;
} answers[] = {
    {V "\"status\"}", ONE("status", "null") END(0, "null")},
    {V "\"history\",\"database\":\"w\"}", ONE("history", "\"w\"") END(0, "null")},
    {V "\"cancel\",\"database\":\"w\"}",
     ONE("cancel", "\"w\"") END(1, "\"nothing \\\"?\\\" runs\"")},
    {V "\"reload\"}", "{\"event\":\"later\"}\n" END(0, "null")},
    {"", REFUSED("no JSON object in UTF-8")},
    {"GET / HTTP/1.1\r", REFUSED("no JSON object in UTF-8")},
    {V "\"stop\"}", REFUSED("no known request")},
    {V "\"status\",\"all\":true}", REFUSED("\\\"all\\\" does not go with status")},
    {V "\"status\"}\n" V "\"status\"}", REFUSED("one is enough for a connection")},
    {V "\"status\",\"database\":\"\xff\"}", REFUSED("no JSON object in UTF-8")},
    {"{\"litekeeper\":3,\"request\":\"status\"}",
     REFUSED("a request of version 3, where this daemon speaks version 1; restart the daemon "
             "after an upgrade")},
};

START_TEST(each_question_has_its_answer)
{
    control_daemon_start(&keeper, path, 0, take);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        check(answers[i].line, answers[i].answer);
    control_daemon_stop(&keeper);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(a_line_may_be_long_but_not_longer)
{
    char *line = memory_format("%*s", REQUEST_LINE, V "\"status\"}"),
         *longer = memory_format(" %s", line);

    control_daemon_start(&keeper, path, 0, take);
    check(line, ONE("status", "null") END(0, "null"));
    check(longer, REFUSED("it is too long"));
    control_daemon_stop(&keeper);
    free(longer);
    free(line);
}
END_TEST

START_TEST(the_end_ends_a_line)
{
    control_daemon_start(&keeper, path, 0, take);
    int whole = control_dial(path), nothing = control_dial(path);
    control_send(whole, V "\"status\"}");
    ck_assert_int_eq(shutdown(whole, SHUT_WR), 0);
    ck_assert_int_eq(shutdown(nothing, SHUT_WR), 0);
    heard(whole, ONE("status", "null") END(0, "null"));
    heard(nothing, "");
    control_daemon_stop(&keeper);
}
END_TEST

/* Many are open at once, each asks in pieces, and each hears what it asked for. */
START_TEST(clients_do_not_mix)
{
    int clients[MANY];

    control_daemon_start(&keeper, path, 0, take);
    int slow = control_dial(path);
    control_send(slow, V "\"reload\"}\n");
    for (int i = 0; i < MANY; i++) {
        clients[i] = control_dial(path);
        control_send(clients[i], V "\"status\",\"database\":\"");
    }
    for (int i = MANY - 1; i >= 0; i--) {
        char *rest = memory_format("%d\"}\n", i);
        control_send(clients[i], rest);
        ck_assert_int_eq(shutdown(clients[i], SHUT_WR), 0); /* as `nc -N` does */
        free(rest);
    }
    for (int i = 0; i < MANY; i++) {
        char *wanted = memory_format(ONE("status", "\"%d\"") END(0, "null"), i);
        heard(clients[i], wanted);
        free(wanted);
    }
    heard(slow, "{\"event\":\"later\"}\n" END(0, "null"));
    control_daemon_stop(&keeper);
}
END_TEST

START_TEST(who_goes_away_does_no_harm)
{
    control_daemon_start(&keeper, path, 0, take);
    for (int i = 0; i < 3 * CONTROL_CLIENTS; i++) {
        int fd = control_dial(path);
        control_send(fd, i % 3 == 0 ? V "\"reload\"}\n" : i % 3 == 1 ? V "\"status\"}\n" : V);
        close(fd);
    }
    check(V "\"reload\"}", "{\"event\":\"later\"}\n" END(0, "null"));
    int waits = control_dial(path), idle = control_dial(path);
    control_send(waits, V "\"reload\"}\n");
    check(V "\"status\"}", ONE("status", "null") END(0, "null"));
    control_daemon_stop(&keeper); /* while one waits for its answer */
    heard(waits, "");
    heard(idle, "");
}
END_TEST

/* Becomes someone else and asks; exits with 0 if the answer is `wanted`, NULL: can't connect. */
static _Noreturn void ask_as(uid_t user, gid_t group, const char *line, const char *wanted)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (setgroups(0, NULL) < 0 || setgid(group) < 0 || setuid(user) < 0)
        _exit(3);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        _exit(wanted ? 4 : 0);
    control_send(fd, line);
    char *all = control_hear(fd);
    fprintf(stderr, "%s", wanted && strcmp(all, wanted) == 0 ? "" : all);
    _exit(wanted && strcmp(all, wanted) == 0 ? 0 : 5);
}

static void check_as(uid_t user, gid_t group, const char *line, const char *wanted)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        ask_as(user, group, line, wanted);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(status == 0, "user %u, group %u: %s ended with %d", user, group, line,
                  WEXITSTATUS(status));
}

static const char forbidden[] = END(1, "\"only root and the daemon's own user may reload; you may "
                                       "ask for status, history and alerts\"");
static const char loaded[] = "{\"event\":\"later\"}\n" END(0, "null");
static const char said[] = ONE("status", "null") END(0, "null");

START_TEST(who_may_ask_and_who_may_command)
{
    char *folder = folder_path(".");

    if (geteuid() != 0) {
        puts("skipped: needs root");
        free(folder);
        return;
    }
    ck_assert_int_eq(chmod(folder, 0755), 0);
    control_daemon_start(&keeper, path, 0, take);
    ck_assert_int_eq(chown(path, 0, GROUP), 0);
    check_as(STRANGER, STRANGER, V "\"status\"}\n", NULL);
    check_as(MEMBER, GROUP, V "\"status\"}\n", said);
    check_as(MEMBER, GROUP, V "\"reload\"}\n", forbidden);
    check_as(0, 0, V "\"reload\"}\n", loaded);
    control_daemon_stop(&keeper);
    /* and one's own daemon takes commands from oneself and from root */
    ck_assert_int_eq(chown(folder, MEMBER, MEMBER), 0);
    char *lock = folder_path("litekeeper.sock.lock");
    unlink(lock);
    free(lock);
    control_daemon_start(&keeper, path, MEMBER, take);
    check_as(MEMBER, MEMBER, V "\"reload\"}\n", loaded);
    check_as(0, 0, V "\"reload\"}\n", loaded);
    check_as(STRANGER, MEMBER, V "\"reload\"}\n", forbidden);
    control_daemon_stop(&keeper);
    free(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *cases = tcase_create("control");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, each_question_has_its_answer);
    tcase_add_test(cases, a_line_may_be_long_but_not_longer);
    tcase_add_test(cases, the_end_ends_a_line);
    tcase_add_test(cases, clients_do_not_mix);
    tcase_add_test(cases, who_goes_away_does_no_harm);
    tcase_add_test(cases, who_may_ask_and_who_may_command);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
