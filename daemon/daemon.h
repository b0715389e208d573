/*
 * The daemon: one thread, one loop, everything that litekeeper knows while it stays. It starts
 * workers and never opens an application's database itself.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct daemon;

/* Loads the policy at `path` and begins by it. STATUS_INVALID: the policy is not valid, and
 * standard error has said all that is wrong with it; else the error says why not. */
enum status daemon_open(const char *path, struct daemon **daemon, struct error *error) MUST_CHECK;
/* Runs until it is told to stop by SIGTERM or SIGINT and all its workers have ended. */
void daemon_run(struct daemon *daemon);
void daemon_close(struct daemon *daemon);

/* Does now what daemon_run does at SIGTERM. */
void daemon_stop(struct daemon *daemon);

/* For tests with a clock of their own (wakeup_pretend), which turn the loop themselves: whether
 * anything is under way, when the next duty is to be looked at (INT64_MAX: never), and the look. */
uv_loop_t *daemon_loop(struct daemon *daemon);
bool daemon_busy(const struct daemon *daemon);
int64_t daemon_next(const struct daemon *daemon);
void daemon_look(struct daemon *daemon);

#endif
