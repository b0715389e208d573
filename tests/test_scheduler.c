/*
 * The scheduler with a host of the test's own: what begins when, what comes after each way to end,
 * and fairness between owners. No worker, no clock.
 */
#include "scheduler.h"

#include "agenda.h"
#include "config.h"
#include "file.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOON   (INT64_C(20780) * DAY + 12 * HOUR) /* 2026-11-23 12:00 UTC, a Monday */

static const char policy[] = "databases:\n"
                             "  - name: a\n"
                             "    path: /srv/a.db\n"
                             "    window: Sun 02:00-05:00 UTC\n"
                             "    sample: { schedule: \"hourly UTC\" }\n"
                             "    retention:\n"
                             "      - { table: logs, column: t, keep: 90d, "
                             "schedule: \"daily UTC\" }\n";

enum { FILES = 6 };

static struct config *config;
static struct scheduler *scheduler;
static struct file files[FILES];
static char begun[512];          /* what was started, in its order: "0 sample, " */
static int64_t paused_until = 0; /* for every duty */
static struct run *const somebody = (struct run *)&begun;

static void host_start(void *argument, struct duty *duty)
{
    char one[64];

    (void)argument;
    snprintf(one, sizeof one, "%d %s, ", (int)(duty->file - files), duty->task->kind->name);
    strncat(begun, one, sizeof begun - strlen(begun) - 1);
    duty->file->run = somebody;
}

static int64_t host_paused(void *argument, const struct duty *duty, int64_t now_us)
{
    (void)argument;
    (void)duty;
    return paused_until > now_us ? paused_until : 0;
}

static void scheduler_setup(void)
{
    const struct scheduler_host host = {host_start, host_paused, NULL};
    struct config_errors errors = {0};

    ck_assert_msg(config_parse("policy", policy, sizeof policy - 1, &config, &errors) == STATUS_OK,
                  "%s", errors.count ? errors.lines[0] : "");
    scheduler = scheduler_new(&host);
    scheduler_workers(scheduler, 2);
    begun[0] = '\0';
    paused_until = 0;
    for (int i = 0; i < FILES; i++) {
        files[i] = (struct file){.path = memory_format("/srv/%d.db", i),
                                 .database = &config->databases[0],
                                 .seen = {.owner = i < 4 ? 1000 : 1001}};
        file_make_duties(&files[i]);
    }
}

static void scheduler_teardown(void)
{
    scheduler_free(scheduler);
    for (int i = 0; i < FILES; i++) {
        free(files[i].path);
        file_drop_duties(&files[i]);
    }
    config_free(config);
}

static struct duty *duty_of(int file, const char *kind)
{
    return file_duty(&files[file], kind, strcmp(kind, "retention") == 0 ? "logs" : NULL);
}

/* Seen at `seen_us`, never run. */
static struct duty *add(int file, const char *kind, int64_t seen_us)
{
    struct duty *duty = duty_of(file, kind);

    duty->past.seen_us = seen_us;
    scheduler_add(scheduler, duty, seen_us);
    return duty;
}

static void end(struct duty *duty, enum scheduler_end how, int64_t started_us, int64_t now_us)
{
    duty->file->run = NULL;
    scheduler_freed(scheduler);
    scheduler_again(scheduler, duty, how, started_us, now_us);
}

static void expect_begun(const char *expected)
{
    ck_assert_str_eq(begun, expected);
    begun[0] = '\0';
}

START_TEST(nothing_begins_before_it_is_due)
{
    struct duty *sample = add(0, "sample", NOON + MINUTE);

    ck_assert_int_eq(sample->due_us, NOON + HOUR);
    ck_assert_ptr_eq(scheduler_next(scheduler), sample);
    scheduler_pass(scheduler, NOON + HOUR - 1);
    expect_begun("");
    scheduler_pass(scheduler, NOON + HOUR);
    expect_begun("0 sample, ");
    ck_assert_int_eq(sample->state, DUTY_RUNNING);
}
END_TEST

START_TEST(a_file_is_worked_on_by_one_worker)
{
    add(0, "sample", NOON - MINUTE);
    add(0, "retention", NOON - DAY);
    scheduler_pass(scheduler, NOON);
    expect_begun("0 retention, "); /* it was due first, at midnight */
    ck_assert_uint_eq(scheduler_ready(scheduler), 1);
    end(duty_of(0, "retention"), SCHEDULER_DONE, NOON, NOON + SECOND);
    scheduler_pass(scheduler, NOON + SECOND);
    expect_begun("0 sample, ");
}
END_TEST

START_TEST(owners_take_turns)
{
    for (int i = 0; i < FILES; i++)
        add(i, "sample", NOON - DAY);
    scheduler_workers(scheduler, 1);
    for (int i = 0; i < FILES; i++) {
        scheduler_pass(scheduler, NOON);
        for (int j = 0; j < FILES; j++)
            if (files[j].run)
                end(duty_of(j, "sample"), SCHEDULER_DONE, NOON, NOON);
    }
    char owners[FILES + 1] = "";
    for (int i = 0; i < FILES; i++) /* "0 sample, 4 sample, ..." */
        owners[i] = begun[i * 10] < '4' ? 'a' : 'b';
    ck_assert_str_eq(owners, "ababaa");
}
END_TEST

START_TEST(there_are_no_more_than_workers)
{
    for (int i = 0; i < FILES; i++)
        add(i, "sample", NOON - DAY);
    scheduler_pass(scheduler, NOON);
    scheduler_pass(scheduler, NOON);
    ck_assert_uint_eq(strlen(begun), 2 * strlen("0 sample, "));
    scheduler_workers(scheduler, 3);
    scheduler_pass(scheduler, NOON);
    ck_assert_uint_eq(strlen(begun), 3 * strlen("0 sample, "));
    scheduler_workers(scheduler, 0);
    end(duty_of(begun[0] - '0', "sample"), SCHEDULER_DONE, NOON, NOON);
    begun[0] = '\0';
    scheduler_pass(scheduler, NOON);
    expect_begun("");
}
END_TEST

/* How a run of retention, due at midnight and begun at noon, goes on. */
static const struct {
    const char *name;
    enum scheduler_end end;
    enum duty_state state;
    unsigned failures; /* after it */
    int64_t look_us;   /* -1: after schedule_retry */
    int64_t due_us;
} ends[] = {
    {"done", SCHEDULER_DONE, DUTY_SCHEDULED, 0, NOON + 12 * HOUR, NOON + 12 * HOUR},
    {"failed", SCHEDULER_FAILED, DUTY_RETRY, 1, -1, NOON - 12 * HOUR},
    {"busy", SCHEDULER_BUSY, DUTY_RETRY, 1, -1, NOON - 12 * HOUR},
    {"waits", SCHEDULER_WAITS, DUTY_WINDOW, 0, NOON + 5 * DAY + 14 * HOUR, NOON - 12 * HOUR},
    {"replan", SCHEDULER_REPLAN, DUTY_SCHEDULED, 0, NOON + SECOND, NOON + SECOND},
};

START_TEST(each_end_has_its_sequel)
{
    struct duty *duty = add(0, "retention", NOON - DAY);

    scheduler_pass(scheduler, NOON);
    expect_begun("0 retention, ");
    end(duty, ends[_i].end, NOON, NOON + SECOND);
    int64_t look_us = ends[_i].look_us < 0 ? NOON + SECOND + schedule_retry(1) : ends[_i].look_us;
    ck_assert_msg(duty->state == ends[_i].state, "%s: state %d", ends[_i].name, duty->state);
    ck_assert_msg(duty->failures == ends[_i].failures, "%s: %u failures", ends[_i].name,
                  duty->failures);
    ck_assert_msg(duty->look_us == look_us, "%s: looked at %.1f s later", ends[_i].name,
                  (double)(duty->look_us - look_us) / 1e6);
    ck_assert_msg(duty->due_us == ends[_i].due_us, "%s: due %.1f s later", ends[_i].name,
                  (double)(duty->due_us - ends[_i].due_us) / 1e6);
    scheduler_pass(scheduler, look_us - 1);
    expect_begun("");
    scheduler_pass(scheduler, look_us);
    expect_begun("0 retention, ");
}
END_TEST

START_TEST(failures_are_remembered_and_forgotten)
{
    struct duty *duty = duty_of(0, "retention");
    int64_t now = NOON;

    duty->past = (struct schedule_past){NOON - 30 * DAY, NOON - MINUTE};
    duty->failures = 3;
    scheduler_add(scheduler, duty, now); /* as after a restart */
    ck_assert_int_eq(duty->state, DUTY_RETRY);
    ck_assert_int_eq(duty->look_us, NOON - MINUTE + schedule_retry(3));
    scheduler_pass(scheduler, now = duty->look_us);
    end(duty, SCHEDULER_FAILED, now, now);
    ck_assert_uint_eq(duty->failures, 4);
    scheduler_pass(scheduler, now = duty->look_us);
    end(duty, SCHEDULER_DONE, now, now);
    ck_assert_uint_eq(duty->failures, 0);
    ck_assert_int_eq(duty->state, DUTY_SCHEDULED);
}
END_TEST

START_TEST(a_pause_holds_it_back)
{
    struct duty *duty = add(0, "sample", NOON - DAY);

    paused_until = NOON + 3 * MINUTE;
    scheduler_pass(scheduler, NOON);
    expect_begun("");
    ck_assert_int_eq(duty->state, DUTY_PAUSED);
    ck_assert_int_eq(duty->look_us, NOON + 3 * MINUTE);
    paused_until = 0; /* it was resumed */
    scheduler_renew(scheduler, duty, NOON + MINUTE);
    scheduler_pass(scheduler, NOON + MINUTE);
    expect_begun("0 sample, ");
}
END_TEST

START_TEST(a_pause_takes_it_out_of_the_queue)
{
    struct duty *duty = add(0, "sample", NOON - DAY);

    scheduler_workers(scheduler, 0);
    scheduler_pass(scheduler, NOON);
    ck_assert_int_eq(duty->state, DUTY_READY);
    paused_until = INT64_MAX;
    scheduler_renew(scheduler, duty, NOON);
    scheduler_workers(scheduler, 2);
    scheduler_pass(scheduler, NOON);
    expect_begun("");
    ck_assert_int_eq(duty->state, DUTY_PAUSED);
}
END_TEST

START_TEST(what_was_asked_for_is_due_now)
{
    struct duty *duty = add(0, "retention", NOON);

    scheduler_ask(scheduler, duty, NOON + MINUTE);
    scheduler_pass(scheduler, NOON + MINUTE);
    expect_begun("0 retention, ");
    scheduler_ask(scheduler, duty, NOON + MINUTE); /* it is running */
    end(duty, SCHEDULER_DONE, NOON + MINUTE, NOON + 2 * MINUTE);
    ck_assert_int_eq(duty->due_us, NOON + 12 * HOUR);
}
END_TEST

/* It is due already, and no more before its window than it was. */
START_TEST(what_was_asked_for_waits_for_its_window)
{
    struct duty *duty = add(0, "retention", NOON - DAY);
    int64_t opens_us = NOON + 5 * DAY + 14 * HOUR;

    scheduler_pass(scheduler, NOON);
    expect_begun("0 retention, ");
    end(duty, SCHEDULER_WAITS, NOON, NOON + SECOND);
    scheduler_ask(scheduler, duty, NOON + MINUTE);
    scheduler_pass(scheduler, NOON + MINUTE);
    expect_begun("");
    ck_assert_int_eq(duty->state, DUTY_WINDOW);
    scheduler_pass(scheduler, opens_us);
    expect_begun("0 retention, ");
}
END_TEST

START_TEST(a_clock_that_is_set_moves_what_is_due)
{
    struct duty *duty = add(0, "retention", NOON);

    ck_assert_int_eq(duty->due_us, NOON + 12 * HOUR);
    schedule_settle(&duty->past, NOON - 2 * DAY);
    scheduler_renew(scheduler, duty, NOON - 2 * DAY); /* set back: it is not 2 days more */
    ck_assert_int_eq(duty->due_us, NOON - 2 * DAY + 12 * HOUR);
    scheduler_renew(scheduler, duty, NOON + DAY);
    scheduler_pass(scheduler, NOON + DAY);
    expect_begun("0 retention, ");
}
END_TEST

START_TEST(a_reload_in_the_middle_of_a_run)
{
    struct duty *duty = add(0, "retention", NOON - DAY);

    scheduler_pass(scheduler, NOON);
    scheduler_remove(scheduler, duty);
    file_make_duties(&files[0]);
    duty = duty_of(0, "retention");
    ck_assert_int_eq(duty->past.seen_us, NOON - DAY);
    scheduler_add(scheduler, duty, NOON);
    scheduler_pass(scheduler, NOON);
    expect_begun("0 retention, "); /* once: its file is being worked on */
    end(duty, SCHEDULER_DONE, NOON, NOON + SECOND);
    scheduler_pass(scheduler, NOON + SECOND);
    expect_begun("");
    ck_assert_uint_eq(scheduler_ready(scheduler), 0);
}
END_TEST

/* Random moves in the agenda against a plain search for the least. */
START_TEST(the_agenda_is_in_order)
{
    enum { DUTIES = 200, MOVES = 20000 };
    static struct duty duties[DUTIES];
    struct agenda agenda = {0};
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : 20261125;

    printf("agenda: SEED=%u\n", seed);
    srand(seed);
    memset(duties, 0, sizeof duties);
    for (int move = 0; move < MOVES; move++) {
        struct duty *duty = &duties[rand() % DUTIES];
        if (rand() % 3) {
            duty->look_us = rand() % 1000;
            agenda_put(&agenda, duty);
        } else {
            agenda_remove(&agenda, duty);
        }
        const struct duty *least = NULL;
        size_t count = 0;
        for (int i = 0; i < DUTIES; i++)
            if (duties[i].place) {
                count++;
                if (!least || duties[i].look_us < least->look_us)
                    least = &duties[i];
            }
        ck_assert_uint_eq(agenda.count, count);
        const struct duty *first = agenda_first(&agenda);
        ck_assert(!first == !least && (!first || first->look_us == least->look_us));
    }
    agenda_free(&agenda);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scheduler");
    TCase *tests = tcase_create("scheduler");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tests, scheduler_setup, scheduler_teardown);
    tcase_add_test(tests, nothing_begins_before_it_is_due);
    tcase_add_test(tests, a_file_is_worked_on_by_one_worker);
    tcase_add_test(tests, owners_take_turns);
    tcase_add_test(tests, there_are_no_more_than_workers);
    tcase_add_loop_test(tests, each_end_has_its_sequel, 0, (int)(sizeof ends / sizeof *ends));
    tcase_add_test(tests, failures_are_remembered_and_forgotten);
    tcase_add_test(tests, a_pause_holds_it_back);
    tcase_add_test(tests, a_pause_takes_it_out_of_the_queue);
    tcase_add_test(tests, what_was_asked_for_is_due_now);
    tcase_add_test(tests, what_was_asked_for_waits_for_its_window);
    tcase_add_test(tests, a_clock_that_is_set_moves_what_is_due);
    tcase_add_test(tests, a_reload_in_the_middle_of_a_run);
    tcase_add_test(tests, the_agenda_is_in_order);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
