/*
 * Workers that stay for another job, as root with files of several owners: who shares one, whose
 * rights it has, and what becomes of it when it is idle, killed or can't come to its next file.
 */
#include "crew.h"

#include "lib_launched.h"
#include "lib_owners.h"
#include "memory.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ALICE = OWNERS_ALICE,
    BOB = OWNERS_BOB,
    IDLE_MS = 1000,
    PATIENCE_MS = 20000,
    MANY = 8,
    STAY = 4,
    TRIES = 10
};

/* Says who it is; "die" in the path kills it, "wait" has it work until it is told to stop. */
static enum status say(json_t *job, struct error *error)
{
    const char *path = json_string_value(json_object_get(job, "path"));

    launched_say("%d uid %d gid %d", (int)getpid(), (int)geteuid(), (int)getegid());
    if (strstr(path, "die"))
        raise(SIGKILL);
    while (strstr(path, "wait") && !worker_stopped(NULL))
        usleep(1000);
    if (strstr(path, "fail"))
        return error_set(error, STATUS_FAILED, "it failed");
    return STATUS_OK;
}

static const struct worker_kind kinds[] = {{.name = "say", .serve = say, .as_owner = true}, {0}};

/* A job, from its start to its end. */
struct told {
    struct hand *hand;
    char said[128];
    int process, events;
    bool ended;
    struct error error;
};

static uv_loop_t loop;
static struct crew *crew;

static void told_event(void *argument, json_t *event)
{
    struct told *told = argument;

    told->events++;
    snprintf(told->said, sizeof told->said, "%s",
             json_string_value(json_object_get(event, "text")));
    told->process = atoi(told->said);
    json_decref(event);
}

static void told_ended(void *argument, const struct error *error)
{
    struct told *told = argument;

    ck_assert(!told->ended);
    told->ended = true;
    told->error = *error;
}

static void begin(struct told *told, const char *name, bool stays)
{
    const char *path = owners_path(name);
    struct launch_handlers handlers = {told_event, told_ended, told};
    struct stat about;
    struct error error = {0};

    ck_assert_int_eq(stat(path, &about), 0);
    struct identity file = {about.st_dev, about.st_ino, about.st_uid, about.st_gid};
    json_t *job =
        json_pack("{s:s, s:s, s:{s:I, s:I, s:I, s:I}}", "job", "say", "path", path, "seen",
                  "device", (json_int_t)file.device, "inode", (json_int_t)file.inode, "owner",
                  (json_int_t)file.owner, "group", (json_int_t)file.group);
    memset(told, 0, sizeof *told);
    enum status status = crew_start(crew, job, &file, stays, 20000, &handlers, &told->hand, &error);
    ck_assert_msg(!status, "%s", error.text);
    json_decref(job);
}

static void finish(struct told *told)
{
    while (!told->ended)
        uv_run(&loop, UV_RUN_ONCE);
}

static void job(struct told *told, const char *name, bool stays)
{
    begin(told, name, stays);
    finish(told);
}

static void expect_said(const struct told *told, const char *who)
{
    char expected[128];

    ck_assert_msg(!told->error.status, "%s", told->error.text);
    snprintf(expected, sizeof expected, "%d %s", told->process, who);
    ck_assert_str_eq(told->said, expected);
    ck_assert_int_eq(told->events, 1);
}

static void wait_ms(int ms)
{
    uint64_t until = uv_hrtime() + (uint64_t)ms * 1000000;

    while (uv_hrtime() < until) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(2000);
    }
}

static int count_alive(const struct told *told, int count)
{
    int alive = 0;

    for (int i = 0; i < count; i++)
        alive += kill(told[i].process, 0) == 0;
    return alive;
}

/* Waits until no more than `most` of their workers are there. */
static void await_few(const struct told *told, int count, int most)
{
    for (int ms = 0; ms < PATIENCE_MS && count_alive(told, count) > most; ms += 10)
        wait_ms(10);
    ck_assert_int_le(count_alive(told, count), most);
}

static const char *const many[MANY] = {"carol0.db", "carol1.db", "carol2.db", "carol3.db",
                                       "carol4.db", "carol5.db", "carol6.db", "carol7.db"};

static void crew_setup(void)
{
    owners_folder();
    owners_make_folder("alice", 0755, ALICE, ALICE);
    owners_make_file("alice/one.db", 0640, ALICE, ALICE);
    owners_make_file("alice/two.db", 0640, ALICE, ALICE);
    owners_make_file("alice/shared.db", 0640, ALICE, OWNERS_LEDGER);
    owners_make_file("alice/die.db", 0640, ALICE, ALICE);
    owners_make_file("alice/fail.db", 0640, ALICE, ALICE);
    owners_make_file("alice/wait.db", 0640, ALICE, ALICE);
    owners_make_folder("bob", 0755, BOB, BOB);
    owners_make_file("bob/one.db", 0640, BOB, BOB);
    owners_make_folder("closed", 0700, 0, 0); /* its owner can't come here alone */
    owners_make_folder("closed/alice", 0755, ALICE, ALICE);
    owners_make_file("closed/alice/one.db", 0640, ALICE, ALICE);
    for (int i = 0; i < MANY; i++)
        owners_make_file(many[i], 0640, (uid_t)(62000 + i), (gid_t)(62000 + i));
    uv_loop_init(&loop);
    crew = crew_new(&loop);
}

static void crew_teardown(void)
{
    crew_free(crew);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

#define AS_ALICE "uid 61001 gid 61001"

START_TEST(files_of_one_owner_share_a_worker)
{
    struct told one, two, other, again;

    if (!owners_or_skip())
        return;
    job(&one, "alice/one.db", true);
    job(&two, "alice/two.db", true);
    job(&other, "bob/one.db", true);
    job(&again, "alice/one.db", true);
    expect_said(&one, AS_ALICE);
    expect_said(&two, AS_ALICE);
    expect_said(&other, "uid 61002 gid 61002");
    expect_said(&again, AS_ALICE);
    ck_assert_int_eq(one.process, two.process);
    ck_assert_int_eq(one.process, again.process);
    ck_assert_int_ne(one.process, other.process);
}
END_TEST

/* What a worker makes beside a file has its process's group. */
START_TEST(another_group_is_another_worker)
{
    struct told one, shared;

    if (!owners_or_skip())
        return;
    job(&one, "alice/one.db", true);
    job(&shared, "alice/shared.db", true);
    expect_said(&shared, "uid 61001 gid 61010");
    ck_assert_int_ne(one.process, shared.process);
}
END_TEST

START_TEST(what_does_not_stay_has_its_own)
{
    struct told one, two, three;

    if (!owners_or_skip())
        return;
    job(&one, "alice/one.db", false);
    job(&two, "alice/two.db", true);
    job(&three, "alice/one.db", false);
    expect_said(&three, AS_ALICE);
    ck_assert_int_ne(one.process, two.process);
    ck_assert_int_ne(two.process, three.process);
}
END_TEST

START_TEST(two_at_once_are_two)
{
    struct told one, two;

    if (!owners_or_skip())
        return;
    begin(&one, "alice/one.db", true);
    begin(&two, "alice/two.db", true);
    finish(&one);
    finish(&two);
    expect_said(&one, AS_ALICE);
    expect_said(&two, AS_ALICE);
    ck_assert_int_ne(one.process, two.process);
}
END_TEST

START_TEST(an_idle_one_ends)
{
    struct told one, two;

    if (!owners_or_skip())
        return;
    job(&one, "alice/one.db", true);
    ck_assert_int_eq(kill(one.process, 0), 0);
    await_few(&one, 1, 0);
    job(&two, "alice/two.db", true);
    expect_said(&two, AS_ALICE);
}
END_TEST

/* False if that took so long that some may have ended for having been idle for long. */
static bool many_end(void)
{
    struct told told[MANY];
    uint64_t idle = 0; /* since when the last of those that must end is that */

    for (int i = 0; i < MANY; i++) {
        job(&told[i], many[i], true);
        ck_assert_msg(!told[i].error.status, "%s", told[i].error.text);
        idle = i == MANY - STAY - 1 ? uv_hrtime() : idle;
    }
    await_few(told, MANY, STAY);
    wait_ms(100);
    int there = count_alive(told, MANY), youngest = count_alive(told + MANY - STAY, STAY);
    bool soon = uv_hrtime() - idle < IDLE_MS * UINT64_C(1000000);
    ck_assert(!soon || (there == STAY && youngest == STAY));
    if (!soon)
        await_few(told, MANY, 0);
    return soon;
}

/* Each owner's worker stays for a while, but there are never many; the youngest are left. */
START_TEST(too_many_idle_ones_end)
{
    bool soon = false;

    if (!owners_or_skip())
        return;
    for (int i = 0; i < TRIES && !soon; i++)
        soon = many_end();
    ck_assert(soon);
}
END_TEST

/* A folder that only root may search: a worker that has given that right up can't come there. */
START_TEST(one_that_lost_its_way_is_replaced)
{
    struct told one, closed, again;

    if (!owners_or_skip())
        return;
    job(&one, "alice/one.db", true);
    job(&closed, "closed/alice/one.db", true);
    expect_said(&closed, AS_ALICE);
    ck_assert_int_ne(one.process, closed.process);
    job(&again, "closed/alice/one.db", true);
    expect_said(&again, AS_ALICE);
}
END_TEST

START_TEST(one_that_dies_is_told_of)
{
    struct told one, dies, after;

    if (!owners_or_skip())
        return;
    job(&one, "alice/one.db", true);
    job(&dies, "alice/die.db", true);
    ck_assert_int_eq(dies.process, one.process);
    ck_assert_int_eq(dies.error.status, STATUS_FAILED);
    ck_assert_ptr_nonnull(strstr(dies.error.text, "killed by signal 9"));
    job(&after, "alice/two.db", true);
    expect_said(&after, AS_ALICE);
    ck_assert_int_ne(after.process, one.process);
}
END_TEST

START_TEST(one_that_is_killed_while_idle_is_nobodys_loss)
{
    struct told one, two;

    if (!owners_or_skip())
        return;
    job(&one, "alice/one.db", true);
    kill(one.process, SIGKILL);
    job(&two, "alice/two.db", true);
    expect_said(&two, AS_ALICE);
    ck_assert_int_ne(one.process, two.process);
}
END_TEST

START_TEST(one_that_fails_ends)
{
    struct told fails, after;

    if (!owners_or_skip())
        return;
    job(&fails, "alice/fail.db", true);
    ck_assert_int_eq(fails.error.status, STATUS_FAILED);
    ck_assert_str_eq(fails.error.text, "it failed");
    job(&after, "alice/two.db", true);
    expect_said(&after, AS_ALICE);
    ck_assert_int_ne(fails.process, after.process);
}
END_TEST

START_TEST(one_that_is_cancelled_ends)
{
    struct told one, waits, after;

    if (!owners_or_skip())
        return;
    job(&one, "alice/one.db", true);
    begin(&waits, "alice/wait.db", true);
    while (!waits.events)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(waits.process, one.process);
    crew_cancel(waits.hand, 5000);
    finish(&waits);
    job(&after, "alice/two.db", true);
    expect_said(&after, AS_ALICE);
    ck_assert_int_ne(one.process, after.process);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("crew");
    TCase *tests = tcase_create("crew");

    launched_main(argc, argv, kinds);
    SRunner *runner = srunner_create(suite);
    owners_begin();
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, crew_setup, crew_teardown);
    tcase_add_test(tests, files_of_one_owner_share_a_worker);
    tcase_add_test(tests, another_group_is_another_worker);
    tcase_add_test(tests, what_does_not_stay_has_its_own);
    tcase_add_test(tests, two_at_once_are_two);
    tcase_add_test(tests, an_idle_one_ends);
    tcase_add_test(tests, too_many_idle_ones_end);
    tcase_add_test(tests, one_that_lost_its_way_is_replaced);
    tcase_add_test(tests, one_that_dies_is_told_of);
    tcase_add_test(tests, one_that_is_killed_while_idle_is_nobodys_loss);
    tcase_add_test(tests, one_that_fails_ends);
    tcase_add_test(tests, one_that_is_cancelled_ends);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
