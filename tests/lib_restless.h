/*
 * A restless application beside litekeeper: processes that insert, update, replace, ignore, delete,
 * cascade, roll back and read in every way that SQL has, by a random that is given. Nothing of it
 * goes unproven: one alone does the same in a model and compares what each statement returned;
 * several write each statement into a story, in the same transaction, which is then told again to a
 * model, in the order of their commits.
 */
#ifndef LIB_RESTLESS_H
#define LIB_RESTLESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct restless;

/* A database as it was made. */
struct restless_made {
    char index[64]; /* an index of t */
    char sql[400];  /* its statement; "" of an automatic one */
    int64_t rows;
    bool plain; /* any SQLite since 3.34 understands it, and visits its rows in the same order */
};

/* Makes "app.db" of the current folder anew: a random schema with a table t, filled, and an index
 * on it; and "model.db", which is the same. */
void restless_make(uint64_t *random, int rows, const char *journal, struct restless_made *made);

/* How it lives. */
struct restless_way {
    int processes;
    bool model; /* one process, which has the model beside it; else they write a story */
    /* Folders of other SQLite libraries (lib_stranger.h): a process with each of them. NULL: forks
     * of this one. */
    const char *const *libraries;
};

/* Starts its processes. Returns once each has committed. */
struct restless *restless_start(const struct restless_way *way, uint64_t random);
/* Ends them between two transactions, and compares with the model; fails the test if anything is
 * not as it must be. `sql` creates the index that came in the middle, or NULL. */
void restless_stop(struct restless *restless, const char *sql);
int64_t restless_commits(const struct restless *restless);
/* Returns once it has committed so often since; false if that takes too long. */
bool restless_wait(const struct restless *restless, int64_t since, int64_t commits, double most_ms);
/* The same of one of its processes, from now on. */
bool restless_wait_for(const struct restless *restless, int process, int64_t commits,
                       double most_ms);

/* What a process does, till SIGTERM. */
_Noreturn void restless_main(volatile int64_t *commits, bool model, bool strangers,
                             uint64_t random);

/* A statement of the application's, the caller's to free. */
char *restless_sql(uint64_t *random);

/* Tells the story of "app.db" to "model.db", and fails the test unless both are then the same;
 * returns how many statements it had. */
int64_t restless_retell(const char *sql);

#endif
