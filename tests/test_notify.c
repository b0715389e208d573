/* What the service manager hears, word for word, and that nobody there is nobody's concern. */
#include "notify.h"

#include "clock.h"
#include "lib_folder.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int notify_socket = -1;
static char notify_heard[1024];

static void notify_listen(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", folder_make());
    notify_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(notify_socket, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static const char *notify_hear(void)
{
    ssize_t length = recv(notify_socket, notify_heard, sizeof notify_heard - 1, 0);

    notify_heard[length > 0 ? length : 0] = '\0';
    return notify_heard;
}

static void notify_drop(void)
{
    close(notify_socket);
    folder_remove();
}

static void notify_say_status(void)
{
    notify_status("next: %s at %d:00", "retention", 3);
}

static void notify_say_lines(void)
{
    notify_status("a\nREADY=1");
}

static void notify_say_extend(void)
{
    notify_extend(INT64_C(90000000));
}

static const struct {
    void (*say)(void);
    const char *heard;
} notify_words[] = {
    {notify_stopping, "STOPPING=1"},
    {notify_alive, "WATCHDOG=1"},
    {notify_say_status, "STATUS=next: retention at 3:00"},
    {notify_say_lines, "STATUS=a?READY=1"},
    {notify_say_extend, "EXTEND_TIMEOUT_USEC=90000000"},
};

START_TEST(words_are_heard)
{
    notify_listen();
    notify_words[_i].say();
    ck_assert_str_eq(notify_hear(), notify_words[_i].heard);
    ck_assert_str_eq(notify_hear(), "");
    notify_drop();
}
END_TEST

START_TEST(ready_names_the_process)
{
    char expected[64];

    notify_listen();
    snprintf(expected, sizeof expected, "READY=1\nMAINPID=%d", (int)getpid());
    notify_ready();
    ck_assert_str_eq(notify_hear(), expected);
    notify_drop();
}
END_TEST

/* A whole number of microseconds, between what the same clock says before and after. */
START_TEST(reloading_has_the_monotonic_time)
{
    long long us;
    int end = 0;

    notify_listen();
    double before = clock_monotonic_ms();
    notify_reloading();
    double after = clock_monotonic_ms();
    ck_assert_int_eq(sscanf(notify_hear(), "RELOADING=1\nMONOTONIC_USEC=%lld%n", &us, &end), 1);
    ck_assert_uint_eq(strlen(notify_heard), (size_t)end);
    ck_assert_msg((double)us > before * 1e3 - 2 && (double)us < after * 1e3 + 2, "%lld: %f to %f",
                  us, before * 1e3, after * 1e3);
    notify_drop();
}
END_TEST

START_TEST(nobody_needs_to_listen)
{
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    notify_status("to nobody");
    setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    notify_ready();
    notify_alive();
    notify_stopping();
}
END_TEST

static const struct {
    const char *usec, *pid;
    int64_t us;
} notify_watchdogs[] = {
    {"30000000", NULL, 15000000},
    {"30000000", "1", 0}, /* another process's */
    {NULL, NULL, 0},
    {"0", NULL, 0},
    {"often", NULL, 0},
};

START_TEST(watchdog_is_fed_twice_as_often)
{
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (notify_watchdogs[_i].usec)
        setenv("WATCHDOG_USEC", notify_watchdogs[_i].usec, 1);
    if (notify_watchdogs[_i].pid)
        setenv("WATCHDOG_PID", notify_watchdogs[_i].pid, 1);
    ck_assert_int_eq(notify_watchdog_us(), notify_watchdogs[_i].us);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify");
    TCase *test = tcase_create("notify");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(test, words_are_heard, 0, sizeof notify_words / sizeof *notify_words);
    tcase_add_test(test, ready_names_the_process);
    tcase_add_test(test, reloading_has_the_monotonic_time);
    tcase_add_test(test, nobody_needs_to_listen);
    tcase_add_loop_test(test, watchdog_is_fed_twice_as_often, 0,
                        sizeof notify_watchdogs / sizeof *notify_watchdogs);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
