/* A history in the test's folder, and what it lists. */
#ifndef LIB_HISTORY_H
#define LIB_HISTORY_H

#include "history.h"

/* These fail the test where they fail. */
struct history *histories_open(void);
void histories_record(struct history *history, const char *path, const char *task,
                      const char *target, const char *outcome, int64_t started_us);

/* One JSON object a line, the caller's to free. */
char *histories_list(struct history *history, enum history_list list);
char *histories_runs(struct history *history, const char *path, const char *task,
                     const char *target, int64_t since_us, int64_t limit);

#endif
