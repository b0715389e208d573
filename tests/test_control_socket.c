/* The control socket as a file: its place, its mode, and whose it is. */
#include "control_socket.h"
#include "lib_control.h"
#include "lib_folder.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

static void take(void *loop, const struct request *request, struct control_reply *reply)
{
    (void)loop;
    (void)request;
    control_end(reply, 0, NULL);
}

static void check_answers(void)
{
    char *all = control_ask(path, "{\"litekeeper\":1,\"request\":\"status\"}");

    ck_assert_str_eq(all, "{\"event\":\"end\",\"exit\":0,\"message\":null}\n");
    free(all);
}

static void check_open(const char *where, enum status wanted, const char *why)
{
    struct control_socket made = {0};
    struct error error = {0};
    enum status status = control_socket_open(where, &made, &error);

    ck_assert_msg(status == wanted && strstr(error.text, why), "%s: %d, %s", where, status,
                  error.text);
    if (!status)
        control_socket_close(&made);
}

START_TEST(a_dead_daemons_socket_is_replaced)
{
    control_daemon_start(&keeper, path, 0, take);
    control_daemon_kill(&keeper);
    ck_assert_int_eq(access(path, F_OK), 0);
    control_daemon_start(&keeper, path, 0, take);
    check_answers();
    control_daemon_stop(&keeper);
}
END_TEST

START_TEST(a_live_daemons_socket_is_left_alone)
{
    control_daemon_start(&keeper, path, 0, take);
    check_open(path, STATUS_REFUSED, "another daemon runs already");
    check_answers();
    control_daemon_stop(&keeper);
}
END_TEST

/* What is at the path and is not ours stays. */
START_TEST(what_is_not_ours_is_left_alone)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat before, after;

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    ck_assert_int_eq(bind(other, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(other, 0), 0);
    ck_assert_int_eq(stat(path, &before), 0);
    check_open(path, STATUS_REFUSED, "something answers");
    check_open(path, STATUS_REFUSED, "something answers"); /* now its backlog is full */
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    close(other);
    unlink(path);
    folder_write("litekeeper.sock", "a file");
    check_open(path, STATUS_REFUSED, "is no socket");
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_int_eq((int)after.st_size, 6);
}
END_TEST

/* Another's socket that has taken the place of ours is not removed at the end. */
START_TEST(a_socket_that_was_replaced_stays)
{
    struct control_socket made = {0};
    struct error error = {0};
    char *moved = folder_path("moved");

    ck_assert_int_eq(control_socket_open(path, &made, &error), STATUS_OK);
    ck_assert_int_eq(rename(path, moved), 0);
    folder_write("litekeeper.sock", "");
    control_socket_close(&made);
    ck_assert_int_eq(access(path, F_OK), 0);
    free(moved);
}
END_TEST

static mode_t mode_of(const char *of)
{
    struct stat found;

    ck_assert_int_eq(stat(of, &found), 0);
    return found.st_mode & 07777;
}

START_TEST(folder_and_modes)
{
    char *folder = folder_path("new"), *inside = folder_path("new/litekeeper.sock"),
         *deep = folder_path("no/such/litekeeper.sock");
    struct control_socket made = {0};
    struct error error = {0};

    for (int i = 0; i < 2; i++) {
        umask(i ? 0 : 077);
        ck_assert_int_eq(control_socket_open(inside, &made, &error), STATUS_OK);
        ck_assert_int_eq(mode_of(folder), 0755);
        ck_assert_int_eq(mode_of(inside), 0660);
        control_socket_close(&made);
        ck_assert_int_eq(umask(022), i ? 0 : 077); /* as it was */
    }
    ck_assert_int_eq(chmod(folder, 0777), 0);
    check_open(inside, STATUS_REFUSED, "others may write to the folder");
    ck_assert_int_eq(chmod(folder, 0775), 0);
    check_open(inside, STATUS_REFUSED, "others may write to the folder");
    ck_assert_int_eq(chmod(folder, 01777), 0); /* they may, but not touch ours */
    check_open(inside, STATUS_OK, "");
    check_open(deep, STATUS_FAILED, "can't make the socket's folder");
    check_open(deep, STATUS_FAILED, "; name another socket in the policy");
    check_open("litekeeper.sock", STATUS_REFUSED, "not an absolute path");
    free(deep);
    free(inside);
    free(folder);
}
END_TEST

START_TEST(the_path_has_a_limit)
{
    char *start = folder_path(""), *longest, *longer;

    longest = memory_format("%s%0*d", start, 107 - (int)strlen(start), 0);
    longer = memory_format("%s0", longest);
    check_open(longest, STATUS_OK, "");
    check_open(longer, STATUS_INVALID, "has 108 bytes, and the kernel takes 107");
    free(longer);
    free(longest);
    free(start);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control_socket");
    TCase *cases = tcase_create("control_socket");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_dead_daemons_socket_is_replaced);
    tcase_add_test(cases, a_live_daemons_socket_is_left_alone);
    tcase_add_test(cases, what_is_not_ours_is_left_alone);
    tcase_add_test(cases, a_socket_that_was_replaced_stays);
    tcase_add_test(cases, folder_and_modes);
    tcase_add_test(cases, the_path_has_a_limit);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
