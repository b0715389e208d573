/*
 * Requests of the control socket: one JSON object a line, one a connection. Made by the client's
 * commands, taken apart by the daemon, which trusts none of them. Pure.
 *
 *   {"litekeeper":1,"request":"status","database":"worklog","task":"retention","target":"logs"}
 *
 * The answer is one JSON object a line, each with an "event" that says what it is, and at last
 * {"event":"end","exit":0,"message":null}: the exit status for the client's command, and what went
 * wrong. Times are RFC 3339 in UTC, and where there is nothing to say a key is null. Before the end
 * come, in this order:
 *
 *   status   {"event":"daemon","version","pid","since","policy","loaded","databases","workers",
 *             "running","ready","waiting","alerts","next":{"database","task","target","due"},
 *             "history":"ok" or why it can't be written,
 *             "paused":[{"database","task","until"}]}
 *            {"event":"running","database","task","target","since","rows","total","rate","eta_s",
 *             "lock_share","doing"}, the figures those of its last progress event
 *            {"event":"waiting","database","task","target","due","at","why"}, by "at", when it is
 *            looked at next
 *            {"event":"alert",...}, as below
 *   history  {"event":"run","started","path"} with the keys of an outcome, the newest first
 *   alerts   {"event":"alert","database","path","metric","subject","severity","value",
 *             "threshold","text","advice","raised"}, the oldest first
 *   reload   {"event":"error","text":"FILE:LINE:COLUMN: ..."}, or
 *            {"event":"reloaded","databases","tasks"}
 *   cancel   {"event":"cancelled","database","task","target"}
 *   pause    {"event":"paused","database","task","until"}
 *   resume   {"event":"resumed","database","task"}
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_VERSION = 1,
    REQUEST_LINE = 8192,          /* bytes of a request: a path of 4096 and what else there is */
    REQUEST_REPLY_LINE = 1 << 20, /* bytes of a line of the answer */
    REQUEST_ROWS = 50,            /* history: how many, unless it is said */
    REQUEST_ROWS_MOST = 10000
};

enum request_kind {
    REQUEST_STATUS,
    REQUEST_HISTORY,
    REQUEST_ALERTS,
    REQUEST_RELOAD,
    REQUEST_CANCEL,
    REQUEST_PAUSE,
    REQUEST_RESUME,
    REQUEST_KINDS
};

struct request {
    enum request_kind kind;
    char *database, *task, *target; /* NULL: any; a task has a database, a target a task */
    int64_t for_us;                 /* pause: for how long; -1: until it is resumed */
    int64_t since_us;               /* history: from when on; -1: from the beginning */
    int64_t limit;                  /* history: at most so many rows */
};

/* A request of that kind which says nothing else. */
void request_init(struct request *request, enum request_kind kind);

/* Takes a line apart. STATUS_INVALID says what is wrong with it. Its names are fit for a
 * terminal. */
enum status request_parse(const char *line, size_t length, struct request *request,
                          struct error *error) MUST_CHECK;
void request_free(struct request *request); /* what it holds */

/* The line without its newline, the caller's to free; NULL where a name is not UTF-8. */
char *request_line(const struct request *request);

const char *request_name(enum request_kind kind);
/* Whether it changes what the daemon does, so that only root and the daemon's own user may. */
bool request_commands(enum request_kind kind);

#endif
