/* The daemon is a child whose standard output and error are the file "log". */
#include "lib_daemon.h"

#include "clock.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_program.h"
#include "lib_sql.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAEMONS_POLL_MS = 40, DAEMONS_TEST_S = 90, DAEMONS_WORDS = 3000, DAEMONS_PATIENCE_S = 30 };

static const double daemons_end_ms = 15000;     /* of 5 s, beside disks and others that are slow */
static const double daemons_complete_ms = 3000; /* what the history gets at the end */

static pid_t daemons_pid;
static size_t daemons_read;  /* of its log */
static char *daemons_adrift; /* the program whose clock can be set; NULL: litekeeper itself */

static int daemons_patience_s = DAEMONS_PATIENCE_S;

void daemons_patience(int seconds)
{
    daemons_patience_s = seconds;
}

double daemons_patience_ms(void)
{
    const char *times = getenv("CK_TIMEOUT_MULTIPLIER");

    return daemons_patience_s * 1000.0 * (times && atoi(times) > 1 ? atoi(times) : 1);
}

void daemons_policy(const char *daemon, const char *yaml)
{
    char *all = memory_format("daemon: { %s state: \"@/state\", socket: \"@/socket\" }\n"
                              "databases:\n%s",
                              daemon, yaml);

    expect_policy(all);
    free(all);
}

/* A copy of it in the test's folder, where its clock is. */
static void daemons_copy_adrift(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);

    ck_assert_int_gt(length, 0);
    path[length] = '\0';
    strcpy(strstr(path, "/tests/test_"), "/adrift");
    int in = open(path, O_RDONLY | O_CLOEXEC);
    daemons_adrift = folder_path("adrift");
    int out = open(daemons_adrift, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    ck_assert(in >= 0 && out >= 0);
    while ((length = sendfile(out, in, NULL, INT_MAX)) > 0)
        ;
    ck_assert_int_eq(length, 0);
    close(in);
    close(out);
}

void daemons_clock(const struct adrift *clock)
{
    char *path = folder_path("clock");
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (!daemons_adrift)
        daemons_copy_adrift();
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(pwrite(file, clock, sizeof *clock, 0), sizeof *clock);
    close(file);
    free(path);
}

/* --- its life ----------------------------------------------------------------------------- */

void daemons_spawn(void)
{
    char *words = expect_words("daemon -c @/policy.yaml"), *path = folder_path("log");
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    ck_assert_int_ge(log, 0);
    daemons_read = (size_t)lseek(log, 0, SEEK_END); /* what one before has said is not its word */
    daemons_pid = program_spawn(daemons_adrift ? daemons_adrift : "litekeeper", words, log);
    close(log);
    free(path);
    free(words);
}

void daemons_start(void)
{
    daemons_spawn();
    daemons_await_log("is ready, by the policy");
    daemons_await_log("\nlitekeeper: found ");
}

pid_t daemons_process(void)
{
    return daemons_pid;
}

int daemons_wait(void)
{
    int status;

    ck_assert_int_eq(waitpid(daemons_pid, &status, 0), daemons_pid);
    daemons_pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void daemons_kill(void)
{
    kill(daemons_pid, SIGKILL);
    ck_assert_int_eq(daemons_wait(), 128 + SIGKILL);
}

double daemons_stop(void)
{
    double begun = clock_monotonic_ms(), took;

    kill(daemons_pid, SIGTERM);
    while (!family_ended(daemons_pid) && clock_monotonic_ms() - begun < daemons_patience_ms())
        clock_sleep_ms(1);
    took = clock_monotonic_ms() - begun;
    ck_assert_msg(took < daemons_end_ms, "SIGTERM: not ended after %.0f ms", took);
    ck_assert_int_eq(daemons_wait(), 0);
    return took;
}

bool daemons_stop_complete(void)
{
    return daemons_stop() < daemons_complete_ms;
}

bool daemons_has_open(pid_t process, const char *file)
{
    char *path = memory_format("/proc/%d/fd", process);
    DIR *folder = opendir(path);
    struct dirent *entry;
    bool found = false;

    while (folder && !found && (entry = readdir(folder))) {
        char target[PATH_MAX] = "", *slash;
        (void)!readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        slash = strrchr(target, '/');
        found = slash && strcmp(slash + 1, file) == 0;
    }
    if (folder)
        closedir(folder);
    free(path);
    return found;
}

pid_t daemons_child(const char *file)
{
    double begun = clock_monotonic_ms();
    pid_t children[FAMILY_MOST];

    do {
        size_t count = family_children(daemons_pid, children);
        for (size_t i = 0; i < count; i++)
            if (daemons_has_open(children[i], file))
                return children[i];
        clock_sleep_ms(1);
    } while (clock_monotonic_ms() - begun < daemons_patience_ms());
    ck_abort_msg("no child has %s open\n%s", file, daemons_last_words());
}

/* --- its log ------------------------------------------------------------------------------ */

static char *daemons_log(void)
{
    char *path = folder_path("log");
    FILE *file = fopen(path, "re");
    struct text text = {0};
    char bytes[4096];
    size_t length;

    text_add(&text, "");
    while (file && (length = fread(bytes, 1, sizeof bytes, file)) > 0)
        text_add_length(&text, bytes, length);
    if (file)
        fclose(file);
    free(path);
    return text_take(&text);
}

const char *daemons_last_words(void)
{
    char *log = daemons_log();
    size_t length = strlen(log);

    return length > DAEMONS_WORDS ? log + length - DAEMONS_WORDS : log;
}

int daemons_logged(const char *text)
{
    char *log = daemons_log();
    int times = 0;

    for (const char *at = log; (at = strstr(at, text)); at += strlen(text))
        times++;
    free(log);
    return times;
}

void daemons_await_log(const char *text)
{
    double begun = clock_monotonic_ms();

    while (true) {
        char *log = daemons_log(), *found = strstr(log + daemons_read, text);
        if (found)
            daemons_read = (size_t)(found - log) + strlen(text);
        else if (clock_monotonic_ms() - begun > daemons_patience_ms())
            ck_abort_msg("not logged: %s\n%s", text, daemons_last_words());
        free(log);
        if (found)
            return;
        clock_sleep_ms(DAEMONS_POLL_MS);
    }
}

/* --- what it remembers -------------------------------------------------------------------- */

static sqlite3 *daemons_history(void)
{
    char *path = folder_path("state/history.db");
    sqlite3 *db = sql_open(path);

    free(path);
    return db;
}

int64_t daemons_count(const char *format, ...)
{
    sqlite3 *db = daemons_history();
    va_list arguments;
    char sql[1024];

    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    int64_t count = sql_number(db, sql);
    sqlite3_close(db);
    return count;
}

void daemons_await_count(int64_t least, const char *sql)
{
    double begun = clock_monotonic_ms();
    int64_t count;

    while ((count = daemons_count("%s", sql)) < least) {
        if (clock_monotonic_ms() - begun > daemons_patience_ms())
            ck_abort_msg("%s: %d\n%s", sql, (int)count, daemons_last_words());
        clock_sleep_ms(DAEMONS_POLL_MS);
    }
}

void daemons_remember(const char *sql)
{
    sqlite3 *db = daemons_history();

    sql_do(db, "%s", sql);
    sqlite3_close(db);
}

/* --- the program -------------------------------------------------------------------------- */

static int daemons_test_s = DAEMONS_TEST_S;

void daemons_limit(int seconds)
{
    daemons_test_s = seconds;
}

static void daemons_set_up(void)
{
    folder_make();
}

int daemons_main(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, daemons_test_s);
    tcase_add_checked_fixture(cases, daemons_set_up, folder_remove);
    for (; *tests; tests++)
        tcase_add_test(cases, *tests);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
