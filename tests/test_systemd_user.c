/* litekeeper without root, under a real systemd: by the drop-in, and as a user's own service. */
#include "lib_systemd.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char user_policy[] =
    "databases:\n"
    "  - name: worklog\n"
    "    path: /srv/worklog/worklog.db\n"
    "    retention:\n"
    "      - { table: logs, column: at, zone: UTC, keep: 90d, schedule: \"*:*:*\" }\n";

/* What a command of that user prints, with XDG_RUNTIME_DIR as a login sets it. */
static char *user_say(int *status, const char *command)
{
    return systemd_say(status,
                       "setpriv --reuid %d --regid %d --clear-groups env HOME=/srv/worklog "
                       "XDG_RUNTIME_DIR=/run/user/%d %s",
                       SYSTEMD_USER, SYSTEMD_USER, SYSTEMD_USER, command);
}

static void user_do(const char *command)
{
    int status;

    char *said = user_say(&status, command);
    ck_assert_msg(status == 0, "%s: status %d: %s", command, status, said);
    free(said);
}

/* The process has no rights but the user's. */
static void user_expect_process(int process)
{
    int status;

    char *said =
        systemd_say(&status, "grep -E ^(Uid|CapEff|CapBnd|NoNewPrivs): /proc/%d/status", process);
    ck_assert_msg(strstr(said, "Uid:\t61001\t61001\t61001\t61001\n") != NULL, "%s", said);
    ck_assert_msg(strstr(said, "CapEff:\t0000000000000000\n") != NULL, "%s", said);
    ck_assert_msg(strstr(said, "NoNewPrivs:\t1\n") != NULL, "%s", said);
    free(said);
}

static void user_expect_owner(const char *files)
{
    int status;

    char *said = systemd_say(&status, "stat -c %%U %s", files);
    ck_assert_str_eq(said, "worklog\nworklog\n");
    free(said);
}

START_TEST(the_drop_in_makes_it_a_user_s)
{
    if (!systemd_or_skip())
        return;
    systemd_clean();
    systemd_database(1000);
    systemd_policy(user_policy);
    systemd_do("install -D -m 644 /usr/share/doc/litekeeper/examples/user.conf "
               "/run/systemd/system/litekeeper.service.d/user.conf");
    systemd_do("systemctl daemon-reload");
    systemd_do("systemctl start litekeeper");
    user_expect_process(systemd_process());
    json_decref(systemd_expect_entry(15, "LITEKEEPER_EVENT=run_done LITEKEEPER_ROWS=550 "
                                         "_UID=61001"));
    systemd_do("systemctl reload litekeeper");
    user_expect_owner("/run/litekeeper/litekeeper.sock /var/lib/litekeeper");
    systemd_do("systemctl stop litekeeper");
    systemd_clean();
}
END_TEST

START_TEST(a_user_s_own_service)
{
    int status;

    if (!systemd_or_skip())
        return;
    systemd_clean();
    systemd_database(1000);
    systemd_do("install -d -o worklog -g worklog /srv/worklog/.config "
               "/srv/worklog/.config/litekeeper");
    systemd_write("/srv/worklog/.config/litekeeper/litekeeper.yaml", user_policy);
    systemd_do("systemctl start user@%d.service", SYSTEMD_USER);
    user_do("systemctl --user start litekeeper");
    char *process = user_say(&status, "systemctl --user show --value -p MainPID litekeeper");
    user_expect_process(atoi(process));
    free(process);
    json_decref(systemd_expect_entry(15, "LITEKEEPER_EVENT=run_done LITEKEEPER_ROWS=550 "
                                         "_SYSTEMD_USER_UNIT=litekeeper.service"));
    user_do("systemctl --user reload litekeeper");
    systemd_write("/srv/worklog/.config/litekeeper/litekeeper.yaml", "databases: 5\n");
    free(user_say(&status, "systemctl --user reload litekeeper"));
    ck_assert_int_ne(status, 0);
    user_expect_owner("/run/user/61001/litekeeper/litekeeper.sock "
                      "/srv/worklog/.local/state/litekeeper/history.db");
    user_do("systemctl --user stop litekeeper");
    systemd_do("systemctl stop user@%d.service", SYSTEMD_USER);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    systemd_enter(argv);

    Suite *suite = suite_create("systemd_user");
    TCase *test = tcase_create("systemd_user");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(test, 90);
    tcase_add_test(test, the_drop_in_makes_it_a_user_s);
    tcase_add_test(test, a_user_s_own_service);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
