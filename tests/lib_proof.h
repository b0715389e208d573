/*
 * Proofs of retention: a database made by SQL, a copy in memory that SQL turns into what must be
 * left (the model, which knows nothing of litekeeper), a run of the real program, and the
 * comparison of every table, row and column of the two.
 */
#ifndef LIB_PROOF_H
#define LIB_PROOF_H

#include "lib_program.h"

#include <check.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdint.h>

/* Zero and NULL mean the ordinary: table t, column at, done, exit status 0, nothing left over. */
struct proof_case {
    const char *name;
    const char *setup;   /* SQL that makes the database */
    const char *options; /* of the retention, behind its table and column */
    const char *model;   /* SQL that makes of the copy what must be left; NULL: nothing changes */
    const char *target;  /* "table: t, column: at" */
    const char *limits;  /* lines of the database's policy; a busy_timeout of 300ms */
    const char *file;    /* its name, with neither ' nor @ in it; "t.db" */
    const char *words;   /* more arguments of `run`, with a blank before */
    int status;
    const char *outcome; /* "done" */
    const char *reason;  /* a pattern of lib_expect.h; NULL: any */
    const char *effect;  /* compact JSON; NULL: {"rows_past_cutoff":0} if it is done */
};

/* The first n whole numbers as n(i), before a SELECT or INSERT. */
#define PROOF_NUMBERS(n) \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #n ") "
/* SQL for a moment that lies `hours` (SQL) in the past. */
#define PROOF_AGO(hours) "'now', '-' || (" hours ") || ' hours'"

/* What a run printed last, and its exit status. */
struct proof_run {
    struct program_result result;
    json_t *outcome;
};

/* The file's name in the folder of the test (lib_folder.h); the caller's. */
char *proof_path(const struct proof_case *c);
/* Opens a database; collation "shouting" and function twice() are there, as litekeeper has not. */
sqlite3 *proof_open(const char *path);
/* Runs SQL that must not fail. */
void proof_do(sqlite3 *db, const char *sql);
int64_t proof_integer(sqlite3 *db, const char *sql);
/* All that the query gives, columns by '|', rows by blanks, and how it failed; the caller's. */
char *proof_text(sqlite3 *db, const char *sql);
sqlite3_stmt *proof_prepare(sqlite3 *db, const char *sql); /* the caller's to finalize */

/* Writes the policy alone. */
void proof_policy(const struct proof_case *c);
/* Makes the database and the policy; returns the model, already as it must be in the end. */
sqlite3 *proof_make(const struct proof_case *c, const char *journal);
/* The rows that the model lacks. */
int64_t proof_gone(const struct proof_case *c, sqlite3 *model);
/* Compares everything; fails the test where it differs. */
void proof_same(const struct proof_case *c, sqlite3 *model);

/* Runs retention to its end, or starts it, waits for what is printed (program_expect), and so on.
 */
void proof_run(const struct proof_case *c, struct proof_run *run);
void proof_start(const struct proof_case *c, struct program *program);
void proof_finish(const struct proof_case *c, struct program *program, struct proof_run *run);
void proof_free(struct proof_run *run);
/* Whether outcome, reason, effect, rows and exit status are the expected ones; without an outcome
 * the reason stands on standard error. */
void proof_check_outcome(const struct proof_case *c, const struct proof_run *run, int64_t rows);

/* All of it. */
void proof_whole(const struct proof_case *c, const char *journal);

/* A Check program of such cases, each in WAL and in rollback-journal mode, and of `more` tests, a
 * list that ends in NULL, each in a folder of its own. */
int proof_main(const char *name, const struct proof_case *cases, int count,
               const TTest *const *more);

/* Runs it: the run ends as the case says with nothing done; then compares with `model`, if any. */
void proof_refused(const struct proof_case *c, sqlite3 *model);

#endif
