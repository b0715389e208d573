/*
 * Starts and ends the processes of a restless application: forks of the test, or programs of their
 * own that another SQLite library is loaded into (stranger.c). They count their commits in memory
 * that all share.
 */
#include "lib_restless_inside.h"

#include "clock.h"
#include "lib_sql.h"
#include "lib_stranger.h"
#include "memory.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESTLESS_MOST = 8 };

struct restless {
    pid_t processes[RESTLESS_MOST];
    int count, shared; /* the memory's descriptor */
    bool model;
    volatile int64_t *commits; /* one for each process */
};

static const size_t restless_bytes = RESTLESS_MOST * sizeof(int64_t);

static _Noreturn void restless_exec(const struct restless *restless, int i, const char *library,
                                    uint64_t random)
{
    char *number = memory_format("%d", i), *fd = memory_format("%d", restless->shared);
    char *seed = memory_format("%llu", (unsigned long long)random);

    stranger_exec(library, (const char *const[]){fd, number, seed, NULL});
}

static void restless_begin(struct restless *restless, const struct restless_way *way, int i,
                           uint64_t random)
{
    pid_t process = restless->processes[i] = fork();

    ck_assert_int_ge(process, 0);
    if (process == 0 && way->libraries)
        restless_exec(restless, i, way->libraries[i], random);
    if (process == 0)
        restless_main(&restless->commits[i], way->model, false, random);
}

static void restless_tell_strangers(void)
{
    sqlite3 *db = sql_open("app.db");

    sql_do(db, "UPDATE setting SET strangers = 1");
    sqlite3_close(db);
}

struct restless *restless_start(const struct restless_way *way, uint64_t random)
{
    struct restless *restless = memory_new(struct restless);
    int status;

    restless->count = way->processes;
    restless->model = way->model;
    restless->shared = memfd_create("commits", 0);
    ck_assert(restless->shared >= 0 && ftruncate(restless->shared, (off_t)restless_bytes) == 0);
    restless->commits =
        mmap(NULL, restless_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, restless->shared, 0);
    ck_assert(restless->commits != MAP_FAILED);
    if (way->libraries)
        restless_tell_strangers();
    for (int i = 0; i < way->processes; i++)
        restless_begin(restless, way, i, random + (uint64_t)i * 1000003);
    for (int i = 0; i < way->processes; i++)
        while (restless->commits[i] == 0) {
            ck_assert_int_eq(waitpid(restless->processes[i], &status, WNOHANG), 0);
            clock_sleep_ms(1);
        }
    return restless;
}

int64_t restless_commits(const struct restless *restless)
{
    int64_t commits = 0;

    for (int i = 0; i < restless->count; i++)
        commits += restless->commits[i];
    return commits;
}

bool restless_wait(const struct restless *restless, int64_t since, int64_t commits, double most_ms)
{
    double end_ms = clock_monotonic_ms() + most_ms;

    while (restless_commits(restless) < since + commits) {
        if (clock_monotonic_ms() >= end_ms)
            return false;
        clock_sleep_ms(0.3);
    }
    return true;
}

bool restless_wait_for(const struct restless *restless, int process, int64_t commits,
                       double most_ms)
{
    double end_ms = clock_monotonic_ms() + most_ms;
    int64_t since = restless->commits[process];

    while (restless->commits[process] < since + commits) {
        if (clock_monotonic_ms() >= end_ms)
            return false;
        clock_sleep_ms(0.3);
    }
    return true;
}

void restless_stop(struct restless *restless, const char *sql)
{
    int status;

    for (int i = 0; i < restless->count; i++)
        kill(restless->processes[i], SIGTERM);
    for (int i = 0; i < restless->count; i++) {
        ck_assert_int_eq(waitpid(restless->processes[i], &status, 0), restless->processes[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "the application failed: status %x", (unsigned)status);
    }
    if (!restless->model)
        restless_retell(sql);
    munmap((void *)(uintptr_t)restless->commits, restless_bytes);
    close(restless->shared);
    free(restless);
}
