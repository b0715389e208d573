/*
 * Kills litekeeper's worker at an instant of an online compaction, and tells which one it was. The
 * lock that the worker takes for each step tells when it has begun to change the file; the worker
 * is stopped first, looked at, and killed then, so that what is told is so.
 */
#ifndef LIB_STRIKE_H
#define LIB_STRIKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum strike_phase {
    STRIKE_BEFORE, /* it has never held the lock: nothing is changed */
    STRIKE_ORDER,  /* it has, and the file is as long as it was */
    STRIKE_CUT,    /* the file is shorter */
    STRIKE_AFTER,  /* and as short as it gets; what comes then are checks */
    STRIKE_NONE,   /* the worker had ended, or was not killed */
    STRIKE_PHASES
};

extern const char *const strike_phases[STRIKE_PHASES];

struct strike {
    const char *path;
    bool wal;
    int64_t pages, free_pages;          /* of the file, before */
    pid_t parent, worker;               /* worker 0: none was seen yet */
    int fd;                             /* of the file that has the lock, -1: not open */
    double begun_ms, first_ms, last_ms; /* when it was started; when the worker held the lock */
    bool within;                        /* a transaction of the worker's, when it was stopped */
    bool killed;
};

/* The database as it is now, before litekeeper is started. */
void strike_prepare(struct strike *strike, const char *path, bool wal);
/* `parent` is litekeeper's process. Watches who holds the lock for so long; with `hold` only till
 * the worker does. False: litekeeper has ended. */
bool strike_watch(struct strike *strike, pid_t parent, double ms, bool hold);
/* Stops the worker, and sends the signals, SIGKILL or one that asks; 0: none. */
void strike_now(struct strike *strike, int to_parent, int to_worker);
/* After litekeeper's end: where it was, by the file. */
enum strike_phase strike_phase(struct strike *strike);
/* Pages of the file as SQLite counts them, and those of them that are free. */
void strike_count(const char *path, int64_t *pages, int64_t *free_pages);

#endif
