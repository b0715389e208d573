/*
 * Requests of the control socket: one JSON object a line. Made by the client's commands, taken
 * apart by the daemon, which trusts none of them. Pure.
 *
 *   {"litekeeper":1,"request":"status","database":null,"task":null,"target":null,...}
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_VERSION = 1, REQUEST_LINE = 4096 };

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
    char *database, *task, *target; /* NULL: any */
    int64_t for_us;                 /* pause: for how long; -1: until it is resumed */
    int64_t since_us;               /* history: from when on; -1: from the beginning */
    int64_t limit;                  /* history: at most so many rows */
};

/* Takes a line apart. STATUS_INVALID says what is wrong with it. */
enum status request_parse(const char *line, size_t length, struct request *request,
                          struct error *error) MUST_CHECK;
void request_free(struct request *request); /* what it holds */

/* The line without its newline, the caller's to free. */
char *request_line(const struct request *request);

const char *request_name(enum request_kind kind);
/* Whether it changes what the daemon does, so that only root and the daemon's own user may. */
bool request_commands(enum request_kind kind);

#endif
