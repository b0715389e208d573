/*
 * Care of a database end to end: one file made by SQL, a policy with the tasks of the test, a run
 * of the real program, its outcome. Everything is in the test's folder.
 */
#ifndef LIB_CARE_H
#define LIB_CARE_H

#include "lib_program.h"

#include <check.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stddef.h>

/* The first n whole numbers as n(i), before a SELECT or INSERT. */
#define CARE_NUMBERS(n) \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #n ") "

#define CARE_WINDOW "    window: 00:00-24:00\n" /* always open */

struct care_run {
    struct program_result result;
    json_t *outcome; /* of the last task; NULL: it printed none */
};

/* Writes policy.yaml: database "d" is app.db, with these further lines of YAML. */
void care_policy(const char *lines);
/* Opens app.db as an application would, with collation "shouting" and function twice(); makes it
 * if need be. */
sqlite3 *care_open(void);
/* A new app.db by `sql`, and then in that journal mode. */
void care_make(const char *journal, const char *sql);
/* Runs SQL on it, or asks for its first value as text (the caller's). */
void care_sql(const char *sql);
void care_expect(const char *sql, const char *expected);
/* A checksum over all rows of all tables but SQLite's own; the caller's. */
char *care_contents(void);

/* `words` are further arguments: "--force d reindex". */
void care_start(const char *words, struct program *program);
/* The same, and halts its worker amid its work, by SIGSTOP; starts it anew where that has ended too
 * soon. The worker. */
pid_t care_freeze(const char *words, struct program *program);
void care_finish(struct program *program, struct care_run *run);
void care_run(const char *words, struct care_run *run);
void care_free(struct care_run *run);
/* Runs it until it is not busy any more; it must end well. */
void care_run_patiently(const char *words);
/* Fails the test unless exit status, outcome and reason (a pattern of lib_expect.h) are these. */
void care_check(const char *what, const struct care_run *run, int status, const char *outcome,
                const char *reason);
/* care_run, care_check; the outcome's effect as compact text, the caller's. */
char *care_whole(const char *words, int status, const char *outcome, const char *reason);

/* A Check program: each test in a folder of its own. */
struct care_loop {
    const TTest *test;
    int count;
};
int care_main(const char *name, const struct care_loop *loops, size_t count);

#endif
