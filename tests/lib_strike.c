/*
 * Asks the kernel who holds the lock: in WAL mode the write lock, a byte of the wal-index
 * (walformat.html#locks); else the reserved lock, a byte beyond 1 GiB of the file
 * (lockingv3.html). This process has no connection to the database meanwhile, since to close any
 * descriptor of a file gives up all its locks.
 */
#include "lib_strike.h"

#include "clock.h"
#include "lib_family.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOCK_WAL = 120,
    LOCK_RESERVED = 0x40000001,
    LOOK_US = 250,
    STOP_TRIES = 4000,
    SLACK = 16 /* of the free pages one in so many may be the application's by the end */
};

const char *const strike_phases[STRIKE_PHASES] = {"before the first change",
                                                  "while pages were put in order",
                                                  "while the end was cut off",
                                                  "after the last change", "not at all"};

void strike_count(const char *path, int64_t *pages, int64_t *free_pages)
{
    sqlite3 *db = sql_open(path);

    sql_do(db, "BEGIN");
    *pages = sql_number(db, "PRAGMA page_count");
    *free_pages = sql_number(db, "PRAGMA freelist_count");
    sqlite3_close(db);
}

void strike_prepare(struct strike *strike, const char *path, bool wal)
{
    *strike = (struct strike){.path = path, .wal = wal, .fd = -1};
    strike_count(path, &strike->pages, &strike->free_pages);
}

/* --- the worker --------------------------------------------------------------------------- */

/* The letter that /proc has for it; 0: it is gone. */
static char strike_state(pid_t process)
{
    char path[64], text[512] = "", state = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    const char *behind = strrchr(text, ')');
    return behind && sscanf(behind, ") %c", &state) == 1 ? state : 0;
}

static bool strike_alive(pid_t process)
{
    char state = process ? strike_state(process) : 0;

    return state && !strchr("ZXx", state);
}

/* --- who holds the lock ------------------------------------------------------------------- */

static void strike_open(struct strike *strike)
{
    char *name = memory_format("%s%s", strike->path, strike->wal ? "-shm" : "");

    if (strike->fd < 0)
        strike->fd = open(name, O_RDWR | O_CLOEXEC);
    free(name);
}

static void strike_close(struct strike *strike)
{
    if (strike->fd >= 0)
        close(strike->fd);
    strike->fd = -1;
}

/* 0: nobody. */
static pid_t strike_holder(struct strike *strike)
{
    struct flock lock = {.l_type = F_WRLCK,
                         .l_whence = SEEK_SET,
                         .l_start = strike->wal ? LOCK_WAL : LOCK_RESERVED,
                         .l_len = 1};

    strike_open(strike);
    return strike->fd >= 0 && fcntl(strike->fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK
               ? lock.l_pid
               : 0;
}

/* Whether it is litekeeper's worker, which is known by that. */
static bool strike_holds(struct strike *strike)
{
    pid_t holder = strike_holder(strike);

    if (holder && holder != strike->worker && family_has(strike->parent, holder))
        strike->worker = holder;
    if (!holder || holder != strike->worker)
        return false;
    strike->last_ms = clock_monotonic_ms();
    strike->first_ms = strike->first_ms > 0 ? strike->first_ms : strike->last_ms;
    return true;
}

bool strike_watch(struct strike *strike, pid_t parent, double ms, bool hold)
{
    double now = clock_monotonic_ms(), until = now + ms;

    if (!strike->begun_ms)
        strike->begun_ms = now;
    strike->parent = parent;
    for (; now < until && !family_ended(parent); now = clock_monotonic_ms()) {
        if (strike_holds(strike) && hold)
            return true;
        usleep(LOOK_US);
    }
    return !family_ended(parent);
}

/* --- the stroke --------------------------------------------------------------------------- */

/* A process that is being killed or waits for the disk is not stopped at once. */
static bool strike_stop(pid_t worker)
{
    char state = 0;

    if (!worker || kill(worker, SIGSTOP) < 0)
        return false;
    for (int i = 0; i < STOP_TRIES && (state = strike_state(worker)) != 'T'; i++) {
        if (!strike_alive(worker))
            return false;
        usleep(LOOK_US);
    }
    return state == 'T';
}

void strike_now(struct strike *strike, int to_parent, int to_worker)
{
    if (!strike->worker) /* it has held no lock; what looks for databases is older */
        strike->worker = family_youngest(strike->parent);
    bool stopped = strike_stop(strike->worker);
    strike->within = stopped && strike_holds(strike);
    strike->killed = stopped && (to_worker == SIGKILL || to_parent == SIGKILL);
    if (stopped && to_worker)
        kill(strike->worker, to_worker);
    if (to_parent)
        kill(strike->parent, to_parent);
    if (stopped)
        kill(strike->worker, SIGCONT);
    strike_close(strike);
}

enum strike_phase strike_phase(struct strike *strike)
{
    int64_t pages, free_pages;

    strike_close(strike);
    if (!strike->killed)
        return STRIKE_NONE;
    if (strike->first_ms <= 0)
        return STRIKE_BEFORE;
    strike_count(strike->path, &pages, &free_pages);
    if (pages >= strike->pages)
        return STRIKE_ORDER;
    bool over = !strike->within && (strike->pages - pages >= strike->free_pages ||
                                    free_pages <= strike->free_pages / SLACK);
    return over ? STRIKE_AFTER : STRIKE_CUT;
}
