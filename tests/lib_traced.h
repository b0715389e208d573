/* Runs litekeeper under strace(1), which can make its calls on a database fail. */
#ifndef LIB_TRACED_H
#define LIB_TRACED_H

#include "lib_program.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether strace is here and may trace. */
bool traced_can(void);
/* From now on that database is watched, a path within the test's folder ("live/x.db"), and the
 * files beside it, by whatever name: the worker uses bare ones. */
void traced_watch(const char *path);
/* From now on all files are. */
void traced_watch_all(void);
/* Runs litekeeper with `words`, as expect_run(); `inject` are further arguments of strace's. */
void traced_run(const char *words, const char *inject, struct program_result *result);
/* Lines of the trace that have that text: of the process that has most of them. */
int traced_count(const char *text);

/* In the words of strace: one of `calls` such calls fails with that error ("EIO"; or brings a
 * signal, "SIGKILL"), or all from one on, or one in so many. The caller's to free. */
char *traced_choose(const char *call, const char *error, int calls, uint64_t *random);
/* Fails the test unless there is one outcome, with a reason, and the exit status that goes with it;
 * prints it. Whether it was done. */
bool traced_outcome(const struct program_result *result);

#endif
