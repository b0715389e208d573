/*
 * The real daemon in the test's folder: its policy, its log, what it answers to litekeeper's
 * commands, what its history remembers. One at a time; it dies with the test.
 */
#ifndef LIB_DAEMON_H
#define LIB_DAEMON_H

#include "adrift.h"

#include <check.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DAEMONS_WINDOW "    window: 00:00-24:00\n" /* always open */

/* When nothing is due for as long as a test takes. */
#define DAEMONS_NEVER "\"2099-01-01\""

/* What is waited for may take so long; 30 s unless said. */
double daemons_patience_ms(void);
void daemons_patience(int seconds);

/* Writes policy.yaml, each @ as the folder: `daemon` are further keys of that part, each with a
 * comma behind it, or ""; `yaml` the rest. */
void daemons_policy(const char *daemon, const char *yaml);
/* From now on the daemon is one whose clock is this; may be called while it runs. */
void daemons_clock(const struct adrift *clock);

/* Starts it; waits until it is ready and has looked for its databases. */
void daemons_start(void);
/* Starts it and no more. */
void daemons_spawn(void);
pid_t daemons_process(void);
/* Whether a process has a file of that name open. */
bool daemons_has_open(pid_t process, const char *file);
/* Its child that has a file of that name open; waits for one. "history.db": who keeps the history.
 */
pid_t daemons_child(const char *file);
/* Ends it by SIGTERM, and fails the test unless it ends with 0, in the end. Returns the ms. */
double daemons_stop(void);
/* The same. Returns whether its history has had all the time that it gets at the end: what it
 * remembers is complete then, and may lack the last outcomes if not, since the disk is slow. */
bool daemons_stop_complete(void);
/* Ends it by SIGKILL. */
void daemons_kill(void);
/* Waits for its end; its exit status, or 128 and the signal. */
int daemons_wait(void);

/* Waits for `text` in what it has logged since the last text that was waited for. */
void daemons_await_log(const char *text);
/* How often that is in what it has logged since the test began. */
int daemons_logged(const char *text);
/* The end of all that, for the message of a test that fails, which it may outlive. */
const char *daemons_last_words(void);

/* What litekeeper answers to "status w", a JSON array of its lines; it must end with `status` (-1:
 * any). */
json_t *daemons_ask(const char *words, int status);
/* The first line of that answer with all of these: its event first, then "key=value" of texts,
 * split at spaces, _ for any character of a value. A new reference; NULL: there is none. */
json_t *daemons_line(const char *words, const char *matches);
/* Waits for such a line, or for there being none. */
json_t *daemons_await(const char *words, const char *matches);
void daemons_await_none(const char *words, const char *matches);
/* The same, whose line does not matter, of `status`. */
void daemons_await_status(const char *matches);

/* Asks its history; it need not run. As printf makes it. */
int64_t daemons_count(const char *sql, ...) __attribute__((format(printf, 1, 2)));
/* Waits until the answer is at least that. */
void daemons_await_count(int64_t least, const char *sql);
/* Changes its history; it must not run. */
void daemons_remember(const char *sql);

/* The seconds that a test may take; 90 unless said. */
void daemons_limit(int seconds);
/* A Check program of these tests, up to a NULL, each in a folder of its own. */
int daemons_main(const char *name, const TTest *const *tests);

#endif
