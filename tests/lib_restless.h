/*
 * A restless application beside litekeeper: processes that insert, update, replace, ignore, delete,
 * cascade, roll back and read in every way that SQL has, by a random that is given. One alone keeps
 * a model: a second database in which it does the same, and compares what each statement returned.
 */
#ifndef LIB_RESTLESS_H
#define LIB_RESTLESS_H

#include <stdbool.h>
#include <stdint.h>

struct restless;

/* Makes "app.db" of the current folder anew: a random schema with a table t, filled, and an index
 * on it, `*index`. Returns its statement, NULL of an automatic one. */
const char *restless_make(uint64_t *random, int rows, const char *journal, const char **index);

/* A statement of the application's (lib_restless_sql.c), the caller's to free. */
char *restless_sql(uint64_t *random);

/* Starts so many processes; one keeps a model if wanted. Returns once each has committed. */
struct restless *restless_start(int processes, bool model, uint64_t random);
/* Ends them between two transactions; fails the test if anything was not as it must be. */
void restless_stop(struct restless *restless);
int64_t restless_commits(const struct restless *restless);

#endif
