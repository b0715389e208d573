/*
 * A session: the loop of a command in the foreground, its signals, and its children, which it
 * runs to their end one after the other. The commands themselves stay straight-line code.
 */
#ifndef SESSION_H
#define SESSION_H

#include "error.h"
#include "launch.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SESSION_GRACE_MS = 30000,          /* a step waits for a lock for busy_timeout at most */
    SESSION_STUBBORN_MS = 3600 * 1000, /* TASK_STUBBORN: the user has a second Ctrl-C */
};

struct session;

/* Takes over SIGINT and SIGTERM: the first stops the running child at its next step, the second
 * kills it. */
struct session *session_open(void);
void session_close(struct session *session);
/* From now on a child gets so long from the first signal to its end by force; SESSION_GRACE_MS
 * until then. */
void session_grace(struct session *session, int64_t grace_ms);
/* From now on a child may say as much as it likes, since what it says is what the user wants. */
void session_endless(struct session *session);
/* Ends the child that runs now, since nobody listens to it any more. From its events alone. */
void session_stop(struct session *session);
uv_loop_t *session_loop(struct session *session);
bool session_interrupted(const struct session *session);

/* Runs one child to its end, handing each event to `event` (the reference is the callee's).
 * Returns what became of the child; STATUS_CANCELLED where a signal stopped it. */
enum status session_run(struct session *session, json_t *job, int64_t time_limit_ms,
                        void (*event)(void *argument, json_t *event), void *argument,
                        struct error *error) MUST_CHECK;

/* Runs the loop until `*done`; meanwhile a signal calls `cancel`, with the time that is left to
 * stop in. */
void session_wait(struct session *session, const bool *done,
                  void (*cancel)(void *argument, int64_t grace_ms), void *argument);

/* Runs the loop until `*done`, at most `limit_ms`. */
void session_until(struct session *session, const bool *done, int64_t limit_ms);

#endif
