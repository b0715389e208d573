/*
 * The control socket among rude clients: they cost the daemon bounded time, memory and descriptors,
 * and whoever asks politely is answered meanwhile.
 */
#include "clock.h"
#include "lib_control.h"
#include "lib_folder.h"
#include "memory.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RUDE = 100,
    QUESTIONS = 200,
    MEDIAN_MS = 20,
    ROW = 4000,       /* bytes, and some */
    DESCRIPTORS = 48, /* the limit, while they are exhausted */
    GREEDY = 8,
    WAIT_MS = 3000,  /* whoever waits is there meanwhile, however slow we are */
    LATE_MS = 10000, /* of what happens by itself */
    GAINED_MS = 1000
};

#define V "{\"litekeeper\":1,\"request\":"
#define REFUSED(why) \
    "{\"event\":\"end\",\"exit\":75,\"message\":\"the daemon has " why "; try later\"}\n"
#define OVER "{\"event\":\"end\",\"exit\":0,\"message\":null}\n"

static char *path;
static struct control_daemon keeper;

static struct control_reply *waiting[CONTROL_CLIENTS];
static size_t waiting_count;
static uv_timer_t waiting_timer;

static void waiting_end(uv_timer_t *timer)
{
    while (waiting_count > 0)
        control_end(waiting[--waiting_count], 0, NULL);
    uv_close((uv_handle_t *)timer, NULL);
}

/* Reloads are answered together, WAIT_MS after the first. */
static void take_reload(uv_loop_t *loop, struct control_reply *reply)
{
    if (waiting_count == 0) {
        uv_timer_init(loop, &waiting_timer);
        uv_timer_start(&waiting_timer, waiting_end, WAIT_MS, 0);
    }
    waiting[waiting_count++] = reply;
}

/* A history has as many rows as it asks for. A pause takes all descriptors there are, and a resume
 * gives them back. */
static void take(void *loop, const struct request *request, struct control_reply *reply)
{
    static char row[ROW];
    static int taken[DESCRIPTORS], count;
    struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};

    if (request->kind == REQUEST_RELOAD) {
        take_reload(loop, reply);
        return;
    }
    memset(row, 'x', sizeof row - 1);
    for (int i = 0; request->kind == REQUEST_HISTORY && i < request->limit; i++)
        control_say_pack(reply, "{s:s, s:i, s:s}", "event", "run", "n", i, "row", row);
    if (request->kind == REQUEST_PAUSE) {
        setrlimit(RLIMIT_NOFILE, &limit);
        while ((taken[count] = open("/dev/null", O_RDONLY)) >= 0)
            count++;
    }
    while (request->kind == REQUEST_RESUME && count > 0)
        close(taken[--count]);
    control_end(reply, 0, NULL);
}

static void set_up(void)
{
    signal(SIGPIPE, SIG_DFL); /* the daemon sees to itself */
    folder_make();
    path = folder_path("litekeeper.sock");
    control_daemon_start(&keeper, path, 0, take);
}

static void tear_down(void)
{
    control_daemon_stop(&keeper);
    folder_remove();
    free(path);
}

static void check_hear(int fd, const char *wanted)
{
    char *heard = control_hear(fd);

    ck_assert_str_eq(heard, wanted);
    free(heard);
}

static int ask(const char *line)
{
    int fd = control_dial(path);

    control_send(fd, line);
    return fd;
}

static void check_polite(void)
{
    check_hear(ask(V "\"status\"}\n"), OVER);
}

/* What each kind of rude client sends in one go, again and again. */
static const char *rude_bytes(int kind)
{
    static char endless[REQUEST_LINE];
    static const char *const bytes[] = {
        "{",                                     /* slow: one byte at a time */
        "",                                      /* silent */
        endless,                                 /* without an end */
        "\xff\xfe garbage\n",                    /* malformed */
        V "\"history\",\"limit\":100}\n",        /* asks for much and reads nothing */
        V "\"reload\",\"database\":\"x\"}\n{}\n" /* wrong, and too much of it */
    };

    memset(endless, 'x', sizeof endless - 1);
    return bytes[(size_t)kind % (sizeof bytes / sizeof *bytes)];
}

/* One client's turn; -1 when it was thrown out. */
static int rude_turn(int fd, int kind)
{
    const char *bytes = rude_bytes(kind);

    if (fd < 0) {
        fd = control_dial(path);
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    struct pollfd gone = {.fd = fd};
    poll(&gone, 1, 0);
    if (!(gone.revents & (POLLHUP | POLLERR)) &&
        (send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) >= 0 || errno == EAGAIN))
        return fd;
    close(fd);
    return -1;
}

/* A crowd of them, for ever; each round takes a few milliseconds. */
static pid_t rude_crowd(void)
{
    pid_t crowd = fork();
    int fds[RUDE];

    if (crowd != 0)
        return crowd;
    memset(fds, -1, sizeof fds);
    for (;;) {
        for (int i = 0; i < RUDE; i++)
            fds[i] = rude_turn(fds[i], i);
        clock_sleep_ms(5);
    }
}

static int ascending(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

START_TEST(a_rude_crowd_keeps_nobody_waiting)
{
    double took[QUESTIONS];
    pid_t crowd = rude_crowd();

    clock_sleep_ms(500);
    for (int i = 0; i < QUESTIONS; i++) {
        double began = clock_monotonic_ms();
        check_polite();
        took[i] = clock_monotonic_ms() - began;
        clock_sleep_ms(5);
    }
    ck_assert_int_eq(waitpid(crowd, NULL, WNOHANG), 0); /* it was there all the time */
    kill(crowd, SIGKILL);
    waitpid(crowd, NULL, 0);
    qsort(took, QUESTIONS, sizeof *took, ascending);
    printf("status beside %d rude clients: median %.2f ms, p99 %.2f ms, max %.2f ms\n", RUDE,
           took[QUESTIONS / 2], took[QUESTIONS * 99 / 100], took[QUESTIONS - 1]);
    ck_assert_double_lt(took[QUESTIONS / 2], MEDIAN_MS);
}
END_TEST

/* Waits until the other end closes, reading nothing before; how long it took. */
static double closed_after_ms(int fd, double began)
{
    struct pollfd gone = {.fd = fd};

    ck_assert_int_eq(poll(&gone, 1, 30000), 1);
    close(fd);
    return clock_monotonic_ms() - began;
}

START_TEST(who_takes_too_long_is_left)
{
    double began = clock_monotonic_ms();
    int silent = control_dial(path), slow = control_dial(path), unread = control_dial(path);

    control_send(unread, V "\"history\",\"limit\":1000}\n");
    for (int i = 0; i < 20; i++) { /* a byte now and then gains no time */
        control_send(slow, "x");
        clock_sleep_ms(100);
    }
    double silent_ms = closed_after_ms(silent, began), slow_ms = closed_after_ms(slow, began),
           unread_ms = closed_after_ms(unread, began);
    ck_assert_double_ge(silent_ms, CONTROL_ASK_MS - 100);
    ck_assert_double_le(silent_ms, CONTROL_ASK_MS + LATE_MS);
    ck_assert_double_le(slow_ms, silent_ms + GAINED_MS);
    ck_assert_double_ge(unread_ms, CONTROL_READ_MS - 100);
    ck_assert_double_le(unread_ms, CONTROL_READ_MS + LATE_MS);
    check_polite();
}
END_TEST

/* Asks for so many rows without reading them. */
static int ask_rows(int rows)
{
    char *line = memory_format(V "\"history\",\"limit\":%d}\n", rows);
    int fd = ask(line);

    free(line);
    return fd;
}

START_TEST(a_long_answer_is_whole_and_a_longer_one_says_so)
{
    int fits = CONTROL_REPLY / (ROW + 100), much = 2 * CONTROL_REPLY / ROW;

    char *whole = control_hear(ask_rows(fits)), *cut = control_hear(ask_rows(much));
    size_t lines = 0;
    for (const char *at = whole; (at = strchr(at, '\n')); at++)
        lines++;
    ck_assert_uint_eq(lines, (size_t)fits + 1);
    ck_assert_str_eq(whole + strlen(whole) - strlen(OVER), OVER);
    ck_assert_uint_le(strlen(cut), CONTROL_REPLY + 1000);
    ck_assert_ptr_nonnull(strstr(cut, "\n{\"event\":\"end\",\"exit\":1,\"message\":\"the answer is "
                                      "too long and was cut; ask for less\"}\n"));
    free(whole);
    free(cut);
}
END_TEST

/* Together they must not take more than all may; the last who asks is answered in full. */
START_TEST(unread_answers_have_a_limit_together)
{
    int greedy[GREEDY], rows = CONTROL_REPLY / (ROW + 100);
    long before = control_daemon_memory(&keeper);

    for (int i = 0; i < GREEDY; i++) {
        greedy[i] = ask_rows(rows);
        check_polite();
    }
    long grown = control_daemon_memory(&keeper) - before;
    printf("%d unread answers of 8 MiB: %ld KiB more\n", GREEDY, grown);
#ifndef __SANITIZE_ADDRESS__
    ck_assert_int_le(grown, 3 * (CONTROL_REPLIES >> 10));
#endif
    char *last = control_hear(ask_rows(100));
    ck_assert_str_eq(last + strlen(last) - strlen(OVER), OVER);
    free(last);
    for (int i = 0; i < GREEDY; i++)
        close(greedy[i]);
    check_polite();
}
END_TEST

/* Whoever waits for us is not sent away for one who comes later. */
START_TEST(who_waits_may_stay)
{
    int waits[CONTROL_CLIENTS];

    for (int i = 0; i < CONTROL_CLIENTS; i++)
        waits[i] = ask(V "\"reload\"}\n");
    clock_sleep_ms(100);
    check_hear(control_dial(path), REFUSED("too many clients"));
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        check_hear(waits[i], OVER);
    check_polite();
}
END_TEST

START_TEST(without_descriptors_it_says_so_and_recovers)
{
    int idle[GREEDY];

    check_hear(ask(V "\"pause\"}\n"), OVER);
    long before = control_daemon_cpu(&keeper);
    check_polite(); /* the place of the last one is free */
    for (int i = 0; i < GREEDY; i++)
        idle[i] = control_dial(path);
    check_polite(); /* in the place of one of those that say nothing */
    int busy = control_daemon_descriptors(&keeper);
    ck_assert_int_le(busy, DESCRIPTORS);
    clock_sleep_ms(1000);
    long spent = control_daemon_cpu(&keeper) - before;
    printf("%d descriptors of %d, %ld ms of CPU\n", busy, DESCRIPTORS, spent);
    ck_assert_int_lt(spent, 500);
    for (int i = 0; i < GREEDY; i++)
        close(idle[i]);
    int waits = ask(V "\"reload\"}\n"); /* it has the last one now, and can't be sent away */
    clock_sleep_ms(100);
    check_hear(control_dial(path), REFUSED("no file descriptor left"));
    check_hear(control_dial(path), REFUSED("no file descriptor left"));
    check_hear(waits, OVER);
    check_hear(ask(V "\"resume\"}\n"), OVER);
    check_polite();
}
END_TEST

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    Suite *suite = suite_create("control_rude");
    TCase *cases = tcase_create("control_rude");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_rude_crowd_keeps_nobody_waiting);
    tcase_add_test(cases, who_takes_too_long_is_left);
    tcase_add_test(cases, a_long_answer_is_whole_and_a_longer_one_says_so);
    tcase_add_test(cases, unread_answers_have_a_limit_together);
    tcase_add_test(cases, who_waits_may_stay);
    tcase_add_test(cases, without_descriptors_it_says_so_and_recovers);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
