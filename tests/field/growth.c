/* One process and one page of shared memory. */
#include "growth.h"

#include "latency.h"
#include "log.h"
#include "sql.h"
#include "stamp.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GROWTH_BATCH = 10, GROWTH_BUSY_MS = 1000, GROWTH_PATIENCE_S = 120 };

static const int64_t growth_day_us = INT64_C(86400) * 1000000;

#define SEE(field)        __atomic_load_n(&(field), __ATOMIC_SEQ_CST)
#define SAY(field, value) __atomic_store_n(&(field), (value), __ATOMIC_SEQ_CST)

static void growth_nap(void)
{
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

/* One transaction; what it takes and how it ends goes to the account. */
static void growth_write(struct growth *growth, sqlite3 *db, sqlite3_stmt *log, int64_t at_us,
                         int rows)
{
    double began = latency_clock_ms();
    bool window = SEE(growth->window_open);
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    for (int i = 0; rc == SQLITE_OK && i < rows; i++) {
        stamp_bind(log, 1, stamp_find("iso"), at_us);
        sqlite3_bind_int(log, 2, rand() % 100000);
        rc = sqlite3_step(log) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(db);
        sqlite3_reset(log);
    }
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    double took = latency_clock_ms() - began;
    double *max = window ? &growth->write_max_in_window_ms : &growth->write_max_ms;
    *max = took > *max ? took : *max;
    growth->transactions++;
    if (rc == SQLITE_OK) {
        growth->rows += rows;
        return;
    }
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if ((rc & 0xff) != SQLITE_BUSY)
        growth->errors++;
    else if (window)
        growth->busy_in_window++;
    else
        growth->busy++;
}

static void growth_read(struct growth *growth, sqlite3 *db)
{
    if (sqlite3_exec(db, "SELECT count(*) FROM worklogs WHERE company_id = 1", NULL, NULL, NULL))
        growth->errors++;
}

static void growth_work(struct growth *growth, const char *path, int64_t logs_a_day)
{
    sqlite3 *db = sql_open(path, SQLITE_OPEN_READWRITE);
    sqlite3_stmt *log = sql_prepare(
        db, "INSERT INTO logs(timestamp, level, endpoint, method, status_code, duration_ms,"
            " user_email, company_id, request_id, message) VALUES(?1, 'INFO', '/api/v1/worklogs',"
            " 'GET', 200, 12.5, 'user' || (?2 % 400) || '@company1.example', ?2 % 5 + 1,"
            " printf('%016x', ?2), 'listed the worklogs of a user in 12.5 ms')");
    int64_t at_us = growth->reached_us, step_us = growth_day_us / logs_a_day;

    sqlite3_busy_timeout(db, GROWTH_BUSY_MS);
    while (!SEE(growth->stop)) {
        int64_t now_us = SEE(growth->now_us), rows = (now_us - at_us) / step_us;
        if (rows < 1) {
            SAY(growth->reached_us, now_us);
            growth_write(growth, db, log, now_us, 0); /* it comes and goes all the time */
            growth_nap();
            continue;
        }
        growth_write(growth, db, log, at_us, (int)(rows < GROWTH_BATCH ? rows : GROWTH_BATCH));
        at_us += (rows < GROWTH_BATCH ? rows : GROWTH_BATCH) * step_us;
        if (growth->transactions % 100 == 0)
            growth_read(growth, db);
    }
    sqlite3_finalize(log);
    sqlite3_close(db);
    _exit(0);
}

struct growth *growth_start(const char *path, int64_t logs_a_day, int64_t now_us)
{
    struct growth *growth =
        mmap(NULL, sizeof *growth, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (growth == MAP_FAILED)
        log_fatal("no shared memory: %s", strerror(errno));
    growth->now_us = growth->reached_us = now_us;
    growth->process = fork();
    if (growth->process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        growth_work(growth, path, logs_a_day);
    }
    return growth;
}

void growth_advance(struct growth *growth, int64_t now_us, bool window_open)
{
    double until = latency_clock_ms() + GROWTH_PATIENCE_S * 1e3;

    SAY(growth->window_open, window_open);
    SAY(growth->now_us, now_us);
    while (SEE(growth->reached_us) < now_us) {
        if (latency_clock_ms() > until || waitpid(growth->process, NULL, WNOHANG))
            log_fatal("the application does not get on");
        growth_nap();
    }
}

void growth_stop(struct growth *growth)
{
    SAY(growth->stop, true);
    waitpid(growth->process, NULL, 0);
}
