/*
 * Proofs of vacuum: a database with free pages, a copy of it in memory (the model), a run of the
 * real program, and the comparison of every table, row, column and rowid.
 */
#ifndef LIB_SHRINK_H
#define LIB_SHRINK_H

#include "lib_ledger.h"
#include "lib_program.h"
#include "lib_proof.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define SHRINK_OPEN "    window: 00:00-24:00\n"

/* Zero and NULL mean the ordinary: WAL, auto_vacuum NONE, an open window, done, exit status 0. */
struct shrink_case {
    const char *name;
    const char *journal; /* "wal" */
    const char *kept;    /* auto_vacuum: "none", "full", "incremental" */
    const char *setup;   /* SQL behind the tables that each has */
    const char *task;    /* "vacuum", or "defragment" */
    const char *options; /* of the task; low thresholds */
    const char *limits;  /* lines of the database's policy; SHRINK_OPEN */
    const char *file;    /* "t.db" */
    const char *words;   /* more arguments of `run`, with a blank before */
    int page_size;       /* 4096 */
    int scale;           /* thousands of rows; 4 */
    bool dense;          /* nothing is free */
    int status;
    const char *outcome; /* "done" */
    const char *reason;  /* a pattern of lib_expect.h; NULL: any */
    const char *mode;    /* of the effect, "full", "incremental"; NULL: nothing changes */
    bool waits;
};

/* A window that opens so many minutes from now, as a line of the policy; static. */
const char *shrink_window(int from_now, int minutes);

void shrink_policy(const struct shrink_case *c);
/* Makes the database and the policy; returns the model. */
sqlite3 *shrink_make(const struct shrink_case *c);
/* Fails the test unless the database is sound and has what the model has. */
void shrink_same(const struct shrink_case *c, sqlite3 *model);

/* Makes a database that an application of lib_writer works on, with a further table, `ballast`, of
 * which two rows in three are free pages now. `page_size` 0: the usual one. */
void shrink_make_ledger(const char *path, const struct ledger_kind *kind, const char *kept,
                        int page_size);
/* Fails the test unless `ballast` has what it must have. */
void shrink_check_ballast(const char *path);
/* The same of a row, all columns of it. */
void shrink_check_ballast_row(sqlite3_stmt *row);

void shrink_start(const struct shrink_case *c, struct program *program);
void shrink_finish(const struct shrink_case *c, struct program *program, struct proof_run *run);
void shrink_run(const struct shrink_case *c, struct proof_run *run);
/* Whether outcome, reason, exit status and effect are the expected ones. */
void shrink_check(const struct shrink_case *c, const struct proof_run *run);
/* All of it, and that nothing is left in the folder. */
void shrink_whole(const struct shrink_case *c);

/* A PRAGMA of the file: "page_count". */
int64_t shrink_pragma(const struct shrink_case *c, const char *name);
int64_t shrink_number(const json_t *outcome, const char *key); /* of the effect */

/* Copies a database over another one, of whose log or journal nothing is left; nobody has either
 * open. */
void shrink_renew(const char *from, const char *to);
/* Removes what lies beside a database that nobody has open. */
void shrink_remove_beside(const char *path);

#endif
