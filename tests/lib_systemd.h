/*
 * Tests under a real systemd of their own (tests/under-systemd): a test program becomes one inside
 * it, where it is root on a copy of the host that is thrown away, and where litekeeper is
 * installed. What must not fail fails the test.
 */
#ifndef LIB_SYSTEMD_H
#define LIB_SYSTEMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { SYSTEMD_USER = 61001 }; /* "worklog", whose databases are in /srv/worklog */

/* To be called first of all: outside it starts such a systemd and this program again in it, whose
 * exit status is then the program's. Returns inside, or where there can't be one. */
void systemd_enter(char **arguments);
/* Whether this is inside; litekeeper is installed then. Else the test is skipped. */
bool systemd_or_skip(void);

/* Runs a command, its words split at single spaces, and returns what it prints, standard error
 * included: the caller's to free. */
char *systemd_say(int *status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same; it must end with 0, and what it prints does not matter. */
void systemd_do(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Brings all back to how it was after the installation: no service, no policy, no database, no
 * history. From now on entries count. */
void systemd_clean(void);
void systemd_write(const char *path, const char *text);
/* /srv/worklog/worklog.db, the user's: a table `logs` of that many rows, the oldest 200 days old,
 * and an index on their time `at`. */
void systemd_database(int rows);
/* What it answers to a new connection. */
int64_t systemd_ask(const char *sql);
/* /etc/litekeeper/litekeeper.yaml, and a [Service] drop-in of the unit. */
void systemd_policy(const char *yaml);
void systemd_drop_in(const char *lines);

/* A property of litekeeper.service; static until the next call. */
const char *systemd_property(const char *name);
int systemd_process(void); /* the daemon's */
/* Waits up to `seconds` until that property is `value`. */
void systemd_await_property(const char *name, const char *value, int seconds);

/* The first entry of the journal since the last mark that has all of these fields ("NAME=value",
 * split at spaces); waits for it up to `seconds`, 0: takes what is there. NULL if there is none.
 * A new reference. */
json_t *systemd_entry(int seconds, const char *matches);
/* The same, which must come; field by field. */
json_t *systemd_expect_entry(int seconds, const char *matches);
void systemd_mark(void); /* what was said until now does not count */
const char *systemd_field(const json_t *entry, const char *name);

#endif
