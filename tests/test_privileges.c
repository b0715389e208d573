/* After the drop nothing is left, and nothing comes back. Each test is a process of its own. */
#include "privileges.h"

#include "lib_owners.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The lines that say what a process may do; all of them end up so in every worker. */
static const char *const privileges_none[] = {
    "CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
    "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n",
};

static const struct {
    uid_t user;
    gid_t group;
    const char *ids; /* the lines as in /proc/PID/status */
    const char *groups;
} privileges_cases[] = {
    {OWNERS_ALICE, 1, "Uid:\t61001\t61001\t61001\t61001\nGid:\t61001\t61001\t61001\t61001\n",
     "Groups:\t61001 61010 \n"},
    {OWNERS_ALICE, OWNERS_LEDGER,
     "Uid:\t61001\t61001\t61001\t61001\nGid:\t61010\t61010\t61010\t61010\n",
     "Groups:\t61001 61010 \n"},
    {OWNERS_BOB, 0, "Uid:\t61002\t61002\t61002\t61002\nGid:\t61002\t61002\t61002\t61002\n",
     "Groups:\t61002 61010 \n"},
    {OWNERS_CAROL, OWNERS_CAROLS_GROUP,
     "Uid:\t61003\t61003\t61003\t61003\nGid:\t61011\t61011\t61011\t61011\n", "Groups:\t61011 \n"},
    {OWNERS_CAROL, 0, "Uid:\t61003\t61003\t61003\t61003\nGid:\t65534\t65534\t65534\t65534\n",
     "Groups:\t65534 \n"},
    {0, 0, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n", "Groups:\t0 \n"},
};

enum { PRIVILEGES_CASES = sizeof privileges_cases / sizeof *privileges_cases };

static void privileges_read(int fd, char *text, size_t size)
{
    size_t length = 0;
    ssize_t more;

    while ((more = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)more;
    text[length] = '\0';
}

static void privileges_drop_to(int which)
{
    struct privileges to = {.user = privileges_cases[which].user,
                            .group = privileges_cases[which].group};
    struct error error = {0};

    ck_assert_msg(!privileges_drop(&to, &error), "%s", error.text);
}

static void privileges_expect(const char *text, int which)
{
    ck_assert_msg(strstr(text, privileges_cases[which].ids) != NULL, "%s", text);
    ck_assert_msg(strstr(text, privileges_cases[which].groups) != NULL, "%s", text);
    for (size_t i = 0; i < sizeof privileges_none / sizeof *privileges_none; i++)
        ck_assert_msg(strstr(text, privileges_none[i]) != NULL, "no %s in %s", privileges_none[i],
                      text);
}

START_TEST(privileges_are_the_owners)
{
    char text[8192];

    if (!owners_or_skip())
        return;
    int status = open("/proc/self/status", O_RDONLY);
    privileges_drop_to(_i);
    privileges_read(status, text, sizeof text);
    privileges_expect(text, _i);
}
END_TEST

/* What a program has that the worker could start: no root by exec, not even where it stays root. */
START_TEST(privileges_stay_away_through_exec)
{
    char text[8192];
    int pipes[2];

    if (!owners_or_skip())
        return;
    ck_assert_int_eq(pipe(pipes), 0);
    if (fork() == 0) {
        privileges_drop_to(_i);
        struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit(RLIMIT_AS, &none);
        dup2(pipes[1], STDOUT_FILENO);
        execl("/bin/cat", "cat", "/proc/self/status", NULL);
        _exit(1);
    }
    close(pipes[1]);
    privileges_read(pipes[0], text, sizeof text);
    wait(NULL);
    privileges_expect(text, _i);
}
END_TEST

START_TEST(privileges_do_not_come_back)
{
    gid_t groups[] = {0};
    char text[64];

    if (!owners_or_skip())
        return;
    owners_folder();
    owners_make_file("secret", 0600, 61999, 61999);
    snprintf(text, sizeof text, "%s", owners_path("secret"));
    privileges_drop_to(_i);
    uid_t other = privileges_cases[_i].user ? 0 : OWNERS_ALICE;
    ck_assert_int_eq(setuid(other), -1);
    ck_assert_int_eq(seteuid(other), -1);
    ck_assert_int_eq(setresuid(other, other, other), -1);
    ck_assert_int_eq(setgroups(1, groups), -1);
    ck_assert_int_eq(setresgid(12345, 12345, 12345), -1);
    ck_assert_int_eq(chroot("/"), -1);
    ck_assert_int_eq(open(text, O_RDONLY), -1); /* no CAP_DAC_OVERRIDE, root's uid or not */
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(chown(text, 0, 0), -1);
    ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), -1);
}
END_TEST

static void privileges_limits_expect(__rlimit_resource_t resource, rlim_t expected)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(resource, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, expected);
    ck_assert_uint_eq(limit.rlim_max, expected);
}

START_TEST(privileges_limit_and_bind)
{
    struct privileges same = {.user = geteuid(), .group = getegid()};
    struct error error = {0};
    int signal = 0;

    ck_assert_msg(!privileges_drop(&same, &error), "%s", error.text);
    ck_assert_int_eq(prctl(PR_GET_PDEATHSIG, &signal), 0);
    ck_assert_int_eq(signal, SIGKILL);
    privileges_limits_expect(RLIMIT_CORE, 0);
    privileges_limits_expect(RLIMIT_NOFILE, 64);
#ifndef __SANITIZE_ADDRESS__
    privileges_limits_expect(RLIMIT_AS, 256 << 20);
    privileges_limits_expect(RLIMIT_NPROC, 0);
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 0);
#endif
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
START_TEST(privileges_fork_nothing)
{
    if (!owners_or_skip())
        return;
    privileges_drop_to(0);
    ck_assert_int_eq(fork(), -1);
}
END_TEST
#endif

/* A lower limit of whoever started us stays. */
START_TEST(privileges_raise_no_limit)
{
    struct privileges same = {.user = geteuid(), .group = getegid()};
    struct rlimit low = {32, 32};
    struct error error = {0};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    ck_assert_msg(!privileges_drop(&same, &error), "%s", error.text);
    privileges_limits_expect(RLIMIT_NOFILE, 32);
}
END_TEST

/* Discovery keeps one right, and uses it: it searches a folder that is closed to root's uid. */
START_TEST(privileges_keep_the_search)
{
    struct privileges search = {.keep = (uint64_t)1 << CAP_DAC_READ_SEARCH};
    struct error error = {0};
    struct stat about;
    char path[64];

    if (!owners_or_skip())
        return;
    owners_folder();
    owners_make_folder("alice", 0700, OWNERS_ALICE, OWNERS_ALICE);
    owners_make_file("alice/app.db", 0600, OWNERS_ALICE, OWNERS_ALICE);
    snprintf(path, sizeof path, "%s", owners_path("alice/app.db"));
    ck_assert_msg(!privileges_drop(&search, &error), "%s", error.text);
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_int_eq(open(path, O_RDWR), -1);
    ck_assert_int_eq(chown(path, 0, 0), -1);
    ck_assert_int_eq(setuid(OWNERS_ALICE), -1);
}
END_TEST

/* Root as systemd's unit gives it: a bounding set without CAP_SETPCAP. */
START_TEST(privileges_without_setpcap)
{
    static const uint64_t unit = (uint64_t)1 << CAP_SETUID | (uint64_t)1 << CAP_SETGID |
                                 (uint64_t)1 << CAP_KILL | (uint64_t)1 << CAP_DAC_READ_SEARCH;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)unit, .permitted = (uint32_t)unit}, {0}};
    struct privileges to = {.user = privileges_cases[_i].user, .group = privileges_cases[_i].group};
    struct error error = {0};
    char text[8192];
    int pipes[2];

    if (!owners_or_skip())
        return;
    for (unsigned long capability = 0; capability < 64; capability++)
        if (!(unit >> capability & 1))
            prctl(PR_CAPBSET_DROP, capability);
    ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
    ck_assert_int_eq(pipe(pipes), 0);
    if (fork() == 0) {
        if (privileges_drop(&to, &error))
            _exit(1);
        dup2(pipes[1], STDOUT_FILENO);
        execl("/bin/cat", "cat", "/proc/self/status", NULL);
        _exit(1);
    }
    close(pipes[1]);
    privileges_read(pipes[0], text, sizeof text);
    wait(NULL);
    ck_assert_msg(strstr(text, privileges_cases[_i].ids) != NULL, "%s", text);
    ck_assert_msg(strstr(text, privileges_none[1]) != NULL, "%s", text);
    ck_assert_msg(strstr(text, privileges_none[2]) != NULL, "%s", text);
}
END_TEST

START_TEST(privileges_refuse_another_user)
{
    struct privileges bob = {.user = OWNERS_BOB, .group = OWNERS_BOB};
    struct error error = {0};

    if (!owners_or_skip())
        return;
    ck_assert_int_eq(setresuid(OWNERS_ALICE, OWNERS_ALICE, OWNERS_ALICE), 0);
    ck_assert_int_eq(privileges_drop(&bob, &error), STATUS_FAILED);
    ck_assert_str_eq(error.text, "the worker can't become its owner: Operation not permitted");
}
END_TEST

START_TEST(privileges_yield_to_all)
{
    privileges_yield();
    ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), 19);
    ck_assert_int_eq(syscall(SYS_ioprio_get, 1, 0) >> 13, 3); /* the idle class */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("privileges");
    TCase *test = tcase_create("privileges");
    SRunner *runner = srunner_create(suite);

    owners_begin();
    tcase_add_loop_test(test, privileges_are_the_owners, 0, PRIVILEGES_CASES);
    tcase_add_loop_test(test, privileges_stay_away_through_exec, 0, PRIVILEGES_CASES);
    tcase_add_loop_test(test, privileges_do_not_come_back, 0, PRIVILEGES_CASES);
    tcase_add_test(test, privileges_limit_and_bind);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(test, privileges_fork_nothing);
#endif
    tcase_add_test(test, privileges_raise_no_limit);
    tcase_add_test(test, privileges_keep_the_search);
    tcase_add_loop_test(test, privileges_without_setpcap, 0, PRIVILEGES_CASES);
    tcase_add_test(test, privileges_refuse_another_user);
    tcase_add_test(test, privileges_yield_to_all);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
