/*
 * Who commits without a journal is noticed, and nobody else: beside applications of all journal
 * modes that commit thousands of times, with commits of our own between them.
 */
#include "journalwatch.h"

#include "clock.h"
#include "lib_folder.h"
#include "lib_skip.h"
#include "lib_sql.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    BESIDE_MS = 1500,
    BESIDE_MOST_MS = 30000, /* on a busy machine */
    OVERFLOW_FILES = 20000,
    LEAST_COMMITS = 100,
    LEAST_SEEN = 20
};

static void set_up(void)
{
    ck_assert_int_eq(chdir(folder_make()), 0);
    sqlite3 *db = sql_make("app.db");
    sql_do(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    sqlite3_close(db);
}

static void tear_down(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    folder_remove();
}

/* --- an application ----------------------------------------------------------------------- */

static volatile int64_t *commits; /* in shared memory */

static void pause_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

/* Each transaction is one commit, small or of many pages, or is rolled back. */
static void application(const char *mode)
{
    sqlite3 *db = sql_open("app.db");

    sql_do(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = %s", mode);
    for (int i = 0;; i++) {
        sql_do(db, "BEGIN IMMEDIATE; INSERT INTO t(b) VALUES(%s); %s",
               i % 50 ? "1" : "zeroblob(100000)", i % 7 ? "COMMIT" : "ROLLBACK");
        if (i % 100 == 99)
            sql_do(db, "DELETE FROM t");
        if (i % 7)
            ++*commits;
        pause_us(1000 + i % 3 * 1000); /* the other side polls */
    }
}

static pid_t start(const char *mode)
{
    if (!commits)
        commits =
            mmap(NULL, sizeof *commits, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *commits = 0;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        application(mode);
    }
    while (*commits < 5)
        pause_us(1000);
    return child;
}

static void stop(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* --- ourselves ---------------------------------------------------------------------------- */

struct seen {
    int foreign, alarms; /* rounds in which others had committed, and of these without a journal */
};

/* SQLite's own waits so long that it never gets a turn beside a busy writer. */
static int poll(void *argument, int count)
{
    (void)argument;
    pause_us(250);
    return count < 20000;
}

/* As a hold does it. Every third writes nothing, every fifth is rolled back. */
static void round_of(sqlite3 *db, struct journalwatch *watch, int number, int64_t *version,
                     struct seen *seen)
{
    sql_do(db, "BEGIN IMMEDIATE");
    int64_t now = sql_number(db, "PRAGMA data_version");
    bool used = journalwatch_used(watch);
    seen->foreign += now != *version;
    seen->alarms += now != *version && !used;
    *version = now;
    if (number % 3) {
        sql_do(db, "UPDATE t SET b = 2 WHERE a = (SELECT max(a) FROM t)");
        sql_do(db, "PRAGMA user_version = %d", number);
        if (number % 5)
            journalwatch_commit(watch);
    }
    sql_do(db, number % 5 ? "COMMIT" : "ROLLBACK");
}

static bool long_enough(double ms, const struct seen *seen)
{
    return ms >= BESIDE_MOST_MS ||
           (ms >= BESIDE_MS && seen->foreign >= LEAST_SEEN && *commits >= LEAST_COMMITS);
}

static struct seen beside(const char *first, const char *second)
{
    struct journalwatch *watch = NULL;
    struct seen seen = {0};
    struct error error;

    pid_t one = start(first), other = second ? start(second) : 0;
    sqlite3 *db = sql_open("app.db");
    sqlite3_busy_handler(db, poll, NULL);
    sql_do(db, "PRAGMA synchronous = OFF"); /* a slow disk is for others to test */
    ck_assert_msg(!journalwatch_open("app.db", &watch, &error), "%s", error.text);
    int64_t version = sql_number(db, "PRAGMA data_version");
    double begun_ms = clock_monotonic_ms();
    for (int i = 0; !long_enough(clock_monotonic_ms() - begun_ms, &seen); i++) {
        round_of(db, watch, i, &version, &seen);
        pause_us(i % 4 * 1000);
    }
    stop(one);
    if (other)
        stop(other);
    journalwatch_close(watch);
    sqlite3_close(db);
    printf("  %s%s%s: %lld commits, seen in %d rounds, without a journal in %d\n", first,
           second ? " and " : "", second ? second : "", (long long)*commits, seen.foreign,
           seen.alarms);
    return seen;
}

static const struct {
    const char *mode, *other;
    bool alarm;
} cases[] = {
    {"delete", NULL, false},       {"truncate", NULL, false},    {"persist", NULL, false},
    {"truncate", "delete", false}, {"persist", "delete", false}, {"persist", "truncate", false},
    {"memory", NULL, true},        {"off", NULL, true},          {"memory", "delete", true},
};

START_TEST(journals)
{
    struct seen seen = beside(cases[_i].mode, cases[_i].other);

    ck_assert_int_ge(seen.foreign, LEAST_SEEN);
    ck_assert_int_ge(*commits, LEAST_COMMITS);
    if (cases[_i].alarm)
        ck_assert_int_gt(seen.alarms, 0);
    else
        ck_assert_int_eq(seen.alarms, 0);
}
END_TEST

/* Alone, it can't be overlooked: each round that sees a commit is one. */
START_TEST(each_is_seen)
{
    struct journalwatch *watch = NULL;
    struct error error;
    sqlite3 *db = sql_open("app.db"), *other = sql_open("app.db");

    sql_do(other, "PRAGMA journal_mode = memory");
    ck_assert_int_eq(journalwatch_open("app.db", &watch, &error), STATUS_OK);
    int64_t version = sql_number(db, "PRAGMA data_version");
    for (int i = 1; i < 200; i++) {
        struct seen seen = {0};
        sql_do(other, "INSERT INTO t(b) VALUES(1)");
        round_of(db, watch, i * 5 + 1, &version, &seen);
        ck_assert_int_eq(seen.foreign, 1);
        ck_assert_int_eq(seen.alarms, 1);
    }
    journalwatch_close(watch);
    sqlite3_close(other);
    sqlite3_close(db);
}
END_TEST

/* Files of other names are nothing; where the kernel has dropped notices, nobody is accused. */
START_TEST(other_files)
{
    struct journalwatch *watch = NULL;
    struct error error;

    ck_assert_int_eq(journalwatch_open("app.db", &watch, &error), STATUS_OK);
    folder_write("app.db-journal-2", "");
    folder_write("other.db-journal", "");
    ck_assert(!journalwatch_used(watch));
    folder_write("app.db-journal", "");
    ck_assert(journalwatch_used(watch));
    ck_assert(!journalwatch_used(watch));
    for (int i = 0; i < OVERFLOW_FILES; i++) {
        folder_write("x", "");
        unlink("x");
    }
    ck_assert(journalwatch_used(watch));
    ck_assert(!journalwatch_used(watch));
    journalwatch_close(watch);
    journalwatch_close(NULL);
}
END_TEST

/* Where the kernel gives no watch, that is said, with what to do about it. */
START_TEST(no_watch)
{
    struct journalwatch *watch = NULL;
    struct error error = {0};
    enum status status = STATUS_OK;

    for (int i = 0; i < 100000 && !status; i++)
        status = inotify_init1(IN_CLOEXEC) < 0 ? STATUS_FAILED : STATUS_OK;
    if (!status) {
        skip("this host gives any number of inotify instances");
        return;
    }
    ck_assert_int_eq(journalwatch_open("app.db", &watch, &error), STATUS_REFUSED);
    ck_assert_msg(strstr(error.text, "raise fs.inotify.max_user_instances"), "%s", error.text);
    ck_assert_ptr_null(watch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journalwatch");
    TCase *some = tcase_create("journalwatch");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(some, 60);
    tcase_add_checked_fixture(some, set_up, tear_down);
    tcase_add_loop_test(some, journals, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(some, each_is_seen);
    tcase_add_test(some, other_files);
    tcase_add_test(some, no_watch);
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
