/* Starts and ends the processes: forks of the test, or programs of their own (stranger.c). */
#include "lib_beside.h"

#include "clock.h"
#include "lib_sql.h"
#include "lib_stranger.h"
#include "lib_writer.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- who changes the schema --------------------------------------------------------------- */

enum { CHANGER_TABLES = 7, CHANGER_PAUSE_MS = 15 };

static volatile bool beside_told;

static void beside_tell(int number)
{
    (void)number;
    beside_told = true;
}

/* The first of a table's statements tidies up after one that was killed. */
static void beside_change(sqlite3 *db)
{
    for (int i = 0; !beside_told; i++) {
        int n = i % CHANGER_TABLES;
        sql_do(db, "DROP TABLE IF EXISTS extra_%d", n);
        sql_do(db, "CREATE TABLE extra_%d(a INTEGER PRIMARY KEY, b UNIQUE)", n);
        sql_do(db,
               "INSERT INTO extra_%d(b) SELECT i || 'x' || %d FROM ballast ORDER BY random() "
               "LIMIT 40",
               n, i);
        sql_do(db, "CREATE INDEX extra_of_%d ON extra_%d(b, a)", n, n);
        clock_sleep_ms(CHANGER_PAUSE_MS);
        sql_do(db, "DROP TABLE extra_%d", n);
        clock_sleep_ms(CHANGER_PAUSE_MS);
    }
}

/* --- a process ---------------------------------------------------------------------------- */

static sqlite3 *beside_open(const char *path, int64_t mmap)
{
    sqlite3 *db = sql_open(path);

    if (mmap)
        sql_do(db, "PRAGMA mmap_size = %" PRId64, mmap);
    return db;
}

void beside_main(enum beside_role role, struct ledger *ledger, const char *path, int64_t mmap,
                 uint64_t random)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (role == BESIDE_WRITER)
        writer_main(ledger, beside_open(path, mmap), random);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = beside_tell}, NULL);
    sqlite3 *db = beside_open(path, mmap);
    __atomic_add_fetch(&ledger->ready, 1, __ATOMIC_SEQ_CST);
    if (role == BESIDE_CHANGER)
        beside_change(db);
    else
        beside_read(&beside_told, ledger, db, random);
    sqlite3_close(db);
    _exit(0);
}

static _Noreturn void beside_exec(const struct beside *beside, enum beside_role role,
                                  const struct beside_way *way, uint64_t random)
{
    char *number = memory_format("%d", (int)role), *fd = memory_format("%d", beside->ledger->fd),
         *mmap = memory_format("%" PRId64, way->mmap), *seed = memory_format("%" PRIu64, random);

    fcntl(beside->ledger->fd, F_SETFD, 0);
    stranger_exec(way->library,
                  (const char *const[]){"beside", number, fd, beside->path, mmap, seed, NULL});
}

static void beside_begin(struct beside *beside, enum beside_role role, const struct beside_way *way,
                         uint64_t random)
{
    pid_t process = fork();

    ck_assert_int_ge(process, 0);
    if (process == 0 && way->library)
        beside_exec(beside, role, way, random);
    if (process == 0)
        beside_main(role, beside->ledger, beside->path, way->mmap, random);
    beside->processes[beside->count++] = process;
}

/* --- all of them -------------------------------------------------------------------------- */

/* One that is told to end before it has a handler for that ends as the signal has it; and in a
 * program of its own Check's handler would take this whole process group along. */
static bool beside_ready(const struct beside *beside, int64_t commits, int64_t ready)
{
    const volatile struct ledger *ledger = beside->ledger;

    for (size_t i = 0; i < beside->count; i++)
        ck_assert_int_eq(waitpid(beside->processes[i], NULL, WNOHANG), 0);
    return ledger->commits > commits && ledger->ready == ready + (int64_t)beside->count - 1;
}

void beside_start(struct beside *beside, struct ledger *ledger, const char *path,
                  const struct beside_way *way, uint64_t random)
{
    int64_t commits = ledger->commits, ready = ledger->ready;

    *beside = (struct beside){.ledger = ledger, .path = path};
    beside_begin(beside, BESIDE_WRITER, way, random);
    for (int i = 0; i < way->readers; i++)
        beside_begin(beside, BESIDE_READER, way, random + 1 + (uint64_t)i);
    if (way->changer)
        beside_begin(beside, BESIDE_CHANGER, way, random);
    while (!beside_ready(beside, commits, ready))
        clock_sleep_ms(1);
}

void beside_kill(struct beside *beside)
{
    for (size_t i = 0; i < beside->count; i++)
        kill(beside->processes[i], SIGKILL);
    for (size_t i = 0; i < beside->count; i++)
        ck_assert_int_eq(waitpid(beside->processes[i], NULL, 0), beside->processes[i]);
    beside->count = 0;
}

void beside_stop(struct beside *beside)
{
    int status = -1;

    for (size_t i = 0; i < beside->count; i++)
        kill(beside->processes[i], SIGTERM);
    for (size_t i = 0; i < beside->count; i++) {
        ck_assert_int_eq(waitpid(beside->processes[i], &status, 0), beside->processes[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "a process of the application, number %zu, has failed: status %x", i,
                      (unsigned)status);
    }
    beside->count = 0;
}
