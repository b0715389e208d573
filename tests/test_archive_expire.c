/* `keep_archives`: what is beyond it goes, in an order that a kill -9 may interrupt anywhere. */
#include "clock.h"
#include "lib_archived.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_skip.h"
#include "lib_traced.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KEEP_DAYS = 75 };

#define KEEP "keep_archives: 75d, "
#define RUN  "run -c @/policy.yaml --json app"

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
    sqlite3_close(archived_make());
}

struct counts {
    int64_t done, removed, missing, problems, due; /* done and beyond keep_archives */
};

static int64_t days_ago(const char *time)
{
    struct tm parts = {0};

    ck_assert_ptr_nonnull(strptime(time, "%Y-%m-%dT%H:%M:%SZ", &parts));
    return (int64_t)(time_t)(clock_now_us() / 1000000 - timegm(&parts)) / 86400;
}

static bool is(const json_t *line, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(line, key));

    return found && strcmp(found, text) == 0;
}

static bool there(const json_t *line)
{
    char *name = memory_format("cold/%s", json_string_value(json_object_get(line, "file")));
    char *path = folder_path(name);
    bool found = access(path, F_OK) == 0;

    free(name);
    free(path);
    return found;
}

/* Of all segments; verify must find nothing wrong. */
static struct counts count(bool ended)
{
    json_t *lines = archived_lines("verify --json", 0), *line;
    struct counts counts = {0};
    size_t i;

    json_array_foreach (lines, i, line) {
        if (!is(line, "event", "segment"))
            continue;
        bool removed = is(line, "state", "removed");
        counts.removed += removed;
        counts.done += is(line, "state", "done");
        counts.due += is(line, "state", "done") &&
                      days_ago(json_string_value(json_object_get(line, "last"))) >= KEEP_DAYS;
        ck_assert_int_eq(json_is_string(json_object_get(line, "removed")), removed);
        if (ended || !removed)
            ck_assert_int_eq(there(line), !removed);
    }
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(lines, i - 1), "problems")),
                     0);
    json_decref(lines);
    return counts;
}

/* The outcome, the last line, and how many notices were before it. */
static json_t *run(int *notices)
{
    struct program_result result;
    json_t *last = NULL;

    *notices = 0;
    expect_run(RUN, &result);
    ck_assert_msg(result.status == 0, "%s%s", result.out, result.err);
    for (char *rest = result.out, *line; (line = strsep(&rest, "\n")) && *line;) {
        json_decref(last);
        last = json_loads(line, 0, NULL);
        *notices += is(last, "event", "notice") &&
                    strstr(json_string_value(json_object_get(last, "text")), " was removed: ");
    }
    program_result_free(&result);
    return last;
}

START_TEST(they_go)
{
    struct counts before = count(true), after;
    int notices;

    ck_assert_int_gt(before.due, 3);
    ck_assert_int_gt(before.done, before.due + 3);
    archived_policy(KEEP "observe: true, ");
    expect(
        "plan -c @/policy.yaml app", 0,
        "app  ~\n  retention t  act   no row is older than 50d; ~; # segments of the archive, of "
        "# KiB, are older than keep_archives 75d\n&",
        "");
    expect("run -c @/policy.yaml app", 0,
           "app retention t: skipped: observe: would act on ~; # segments of the archive, ~\n", "");
    ck_assert_int_eq(count(true).due, before.due);
    archived_policy(KEEP);
    json_t *outcome = run(&notices), *effect = json_object_get(outcome, "effect");
    ck_assert(is(outcome, "outcome", "done"));
    ck_assert_int_eq(json_integer_value(json_object_get(effect, "archives_removed")), before.due);
    ck_assert_int_gt(json_integer_value(json_object_get(effect, "archives_removed_bytes")), 1000);
    ck_assert_int_eq(notices, before.due);
    after = count(true);
    ck_assert_int_eq(after.due, 0);
    ck_assert_int_eq(after.removed, before.due);
    ck_assert_int_eq(after.done, before.done - before.due);
    json_decref(outcome);
    outcome = run(&notices);
    ck_assert(is(outcome, "outcome", "skipped"));
    json_decref(outcome);
    expect("archive cat -c @/policy.yaml app t --until 2020-01-01", 0, "", "");
}
END_TEST

/* Without the catalogue's word no file goes. */
START_TEST(not_without_the_catalogue)
{
    char *history = folder_path("state/history.db"), *away = folder_path("state/away");
    struct counts before = count(true);
    struct program_result result;

    archived_policy(KEEP);
    ck_assert(!rename(history, away));
    ck_assert(!mkdir(history, 0700));
    expect_run(RUN, &result);
    ck_assert_int_eq(result.status, 1);
    ck_assert_ptr_nonnull(strstr(result.out, "the history can't be used"));
    program_result_free(&result);
    ck_assert(!rmdir(history));
    ck_assert(!rename(away, history));
    ck_assert_int_eq(count(true).due, before.due);
    free(history);
    free(away);
}
END_TEST

/* Every call that makes a step last, and that takes a file's name away. */
static const char *const calls[] = {"renameat", "unlinkat", "fsync", "fdatasync"};

enum { CALLS = sizeof calls / sizeof *calls, WHEN = 4 };

/* Kills the first process that makes that call for the `when`th time, the worker or the history's.
 * Returns whether one did. (With --seccomp-bpf strace injects no signals.) */
static bool run_killed(const char *call, int when)
{
    char *command = memory_format("strace -f -qq -o @/trace -e trace=%s"
                                  " -e inject=%s:signal=KILL:when=%d",
                                  call, call, when);
    char *real = expect_words(command);
    struct program_result result;

    program_through(real);
    expect_run(RUN, &result);
    program_through(NULL);
    bool killed = result.status != 0;
    program_result_free(&result);
    free(command);
    free(real);
    return killed;
}

/* A run that is killed before or behind such a call leaves what verify finds right, and what is to
 * go is gone when the next one ends. */
START_TEST(killed_at_each_step)
{
    struct counts before = count(true), now = before;
    int killed = 0, notices;

    if (!traced_can()) {
        skip("strace can't trace here");
        return;
    }
    archived_policy(KEEP);
    for (int i = 0; i < CALLS * WHEN && now.due > 1; i++) {
        killed += run_killed(calls[i % CALLS], 1 + i / CALLS);
        ck_assert_msg(family_gone(0), "a worker is left");
        now = count(false);
        ck_assert_int_eq(now.done + now.removed, before.done);
    }
    json_decref(run(&notices));
    now = count(true);
    printf("%d runs killed; %lld of %lld segments removed\n", killed, (long long)now.removed,
           (long long)before.done);
    ck_assert_int_eq(now.due, 0);
    ck_assert_int_eq(now.removed, before.due);
    ck_assert_int_ge(killed, CALLS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_expire");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 180);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, they_go);
    tcase_add_test(cases, not_without_the_catalogue);
    tcase_add_test(cases, killed_at_each_step);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
