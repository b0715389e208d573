/* What became of a task: the one struct that the journal, the history and `--json` are made of. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { OUTCOME_REASON = 640 };

enum outcome_kind { OUTCOME_DONE, OUTCOME_SKIPPED, OUTCOME_FAILED, OUTCOME_CANCELLED };

/* Guards whose refusals the daemon must know. */
#define OUTCOME_GUARD_CLOCK "clock" /* in doubt: an alert of its own */
#define OUTCOME_GUARD_FILE  "file"  /* it is not there, or another than was found */

/* How the write lock was held: milliseconds. */
struct outcome_lock {
    int64_t count;
    double max_ms, p99_ms, total_ms;
};

struct outcome {
    enum outcome_kind kind;
    bool busy;         /* it ended because the database stayed busy: exit status 75 */
    bool waits;        /* it is still due, and waits for the policy's window */
    const char *guard; /* one of the above that refused it; else NULL */
    char reason[OUTCOME_REASON];
    int64_t rows;        /* removed */
    int64_t bytes_freed; /* pages given to the freelist or to the file system, in bytes; 0: the
                          * engine measures it; -1: none, whatever the pages tell */
    double seconds;
    struct outcome_lock lock;
    json_t *effect; /* what was measured afterwards: an object, or NULL */
};

const char *outcome_name(enum outcome_kind kind); /* "done", "skipped", "failed", "cancelled" */
void outcome_free(struct outcome *outcome);       /* what it holds, not the struct */

#endif
