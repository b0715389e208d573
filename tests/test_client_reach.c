/*
 * How the commands reach the daemon: which socket they ask, what they say when nobody is there, and
 * what they make of a daemon that does not keep to the rules.
 */
#include "lib_control.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_owners.h"
#include "memory.h"
#include "paths.h"

#include <check.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USER = 61002 };

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
}

static void take(void *loop, const struct request *request, struct control_reply *reply)
{
    (void)loop;
    (void)request;
    control_say_pack(reply, "{s:s, s:i, s:i}", "event", "reloaded", "databases", 1, "tasks",
                     (int)control_asker(reply));
    control_end(reply, 0, NULL);
}

/* Daemons that don't keep to it: what they do, and what the client makes of it. */
static const struct {
    const char *bytes, *err;
} hostile[] = {
    {"", "litekeeper: the daemon broke off before the end of its answer; its log says why: "
         "journalctl -u litekeeper\n"},
    {"{\"event\":\"daemon\"}\n{\"event\":",
     "litekeeper: the daemon broke off before the end of its answer; its log says why: journalctl "
     "-u litekeeper\n"},
    {"{\"event\":\"end\",\"exit\":256,\"message\":null}\n",
     "litekeeper: the daemon answers what is ~\n"},
    {"{\"event\":\"end\",\"exit\":0,\"message\":7}\n",
     "litekeeper: the daemon answers what is ~\n"},
    {"{\"event\":7}\n", "litekeeper: the daemon answers what is no answer; ~\n"},
    {"[]\n", "litekeeper: the daemon answers what is no answer; ~\n"},
    {"\033[2J\n", "litekeeper: the daemon answers what is no answer; ~\n"},
    {"\xff\n", "litekeeper: the daemon answers what is no answer; ~\n"},
    {NULL, "litekeeper: the daemon answers a line of more than 1048576 bytes\n"},
};

/* Takes one client at `listener`, says the bytes (NULL: without end), and is gone. */
static _Noreturn void hostile_daemon(int listener, const char *bytes)
{
    static char much[REQUEST_REPLY_LINE + 2];
    char request[REQUEST_LINE];
    int fd = accept(listener, NULL, NULL);

    memset(much, 'x', sizeof much - 1);
    (void)!recv(fd, request, sizeof request, 0);
    control_send(fd, bytes ? bytes : much);
    _exit(0);
}

START_TEST(a_daemon_that_breaks_the_rules)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *where = folder_path("hostile.sock");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, where, sizeof address.sun_path - 1);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    pid_t child = fork();
    if (child == 0)
        hostile_daemon(listener, hostile[_i].bytes);
    close(listener);
    expect("status --socket @/hostile.sock", 69, "", hostile[_i].err);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    free(where);
}
END_TEST

/* A listener that lets nobody in: the door is full. */
START_TEST(a_daemon_that_is_stuck)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *where = folder_path("stuck.sock");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, where, sizeof address.sun_path - 1);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    int first = control_dial(where);
    expect("status --socket @/stuck.sock", 69, "",
           "litekeeper: can't reach the daemon at @/stuck.sock: it is too busy; is the daemon "
           "running? systemctl status litekeeper\n");
    close(first);
    close(listener);
    free(where);
}
END_TEST

START_TEST(a_path_that_is_too_long)
{
    char *words = memory_format("status --socket /%0120d", 0);

    expect(words, 69, "", "litekeeper: can't reach the daemon at ~: File name too long; ~\n");
    free(words);
}
END_TEST

/* In a child that is the user. */
static void check_as(const char *words, int status, const char *out, const char *err)
{
    int ended = -1;
    pid_t child = fork();

    if (child == 0) {
        if (setgroups(0, NULL) < 0 || setgid(USER) < 0 || setuid(USER) < 0)
            _exit(3);
        expect(words, status, out, err);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert_msg(ended == 0, "%s", words);
}

/* A user has a socket of their own, asks the host's daemon where they have no daemon, and is told
 * where they may not ask. */
START_TEST(a_user_without_root)
{
    struct control_daemon host, own;
    char *folder = folder_path("."), *runtime = folder_path("runtime"),
         *mine = folder_path("runtime/litekeeper/litekeeper.sock"),
         *theirs = folder_path("theirs.sock");

    if (!owners_or_skip())
        return;
    program_hold();
    chmod(folder, 0755);
    ck_assert_int_eq(mkdir(runtime, 0700), 0);
    ck_assert_int_eq(chown(runtime, USER, USER), 0);
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    setenv("HOME", "/nonexistent", 1);
    unsetenv("XDG_CONFIG_HOME");
    control_daemon_start(&host, theirs, 0, take);
    check_as("reload --socket @/theirs.sock", 69, "",
             "litekeeper: may not ask the daemon at @/theirs.sock: ask as root, or as a member of "
             "the socket's group\n");
    check_as("reload", 69, "",
             "litekeeper: can't reach the daemon at /run/litekeeper/litekeeper.sock: No such file "
             "or directory; is the daemon running? systemctl status litekeeper\n");
    control_daemon_start(&own, mine, USER, take);
    check_as("reload", 0, "reloaded: 1 database, 61,002 tasks\n", "");
    control_daemon_stop(&own);
    control_daemon_stop(&host);
    free(theirs);
    free(mine);
    free(runtime);
    free(folder);
}
END_TEST

START_TEST(the_standard_place)
{
    char *root = paths_socket();

    if (geteuid() == 0) {
        ck_assert_str_eq(root, "/run/litekeeper/litekeeper.sock");
        ck_assert_int_eq(seteuid(USER), 0);
    }
    static const struct {
        const char *runtime, *path;
    } places[] = {
        {"/run/user/7", "/run/user/7/litekeeper/litekeeper.sock"},
        {"relative", "/run/user/%u/litekeeper/litekeeper.sock"},
        {NULL, "/run/user/%u/litekeeper/litekeeper.sock"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char wanted[100];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(wanted, sizeof wanted, places[i].path, geteuid());
#pragma GCC diagnostic pop
        if (places[i].runtime)
            setenv("XDG_RUNTIME_DIR", places[i].runtime, 1);
        else
            unsetenv("XDG_RUNTIME_DIR");
        char *user = paths_socket();
        ck_assert_str_eq(user, wanted);
        free(user);
    }
    if (getuid() == 0) { /* for the leak checker, which must look at us */
        ck_assert_int_eq(seteuid(0), 0);
        prctl(PR_SET_DUMPABLE, 1);
    }
    free(root);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_reach");
    TCase *cases = tcase_create("client_reach");
    SRunner *runner = srunner_create(suite);

    owners_begin();
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, a_daemon_that_breaks_the_rules, 0,
                        (int)(sizeof hostile / sizeof *hostile));
    tcase_add_test(cases, a_daemon_that_is_stuck);
    tcase_add_test(cases, a_path_that_is_too_long);
    tcase_add_test(cases, a_user_without_root);
    tcase_add_test(cases, the_standard_place);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
