/*
 * The other end of the control socket: one question to the daemon and all of its answer. Runs in
 * the foreground, in commands; waits, but never for ever.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "answer.h"
#include "command.h"
#include "error.h"
#include "request.h"

#include <jansson.h>

/* Asks the daemon whose socket the command line names, or its policy, or else the standard place.
 * STATUS_INVALID: there can't be such a request. STATUS_FAILED: there is no daemon, or no answer.
 */
enum status client_ask(const struct command_line *line, const struct request *request,
                       struct answer *answer, struct error *error) MUST_CHECK;

/* A whole command: asks, prints the lines as JSON or by `print`, says what went wrong. Returns the
 * exit status that the daemon gave; where that is 0, `verdict`'s on the lines, unless it is NULL.
 * `print` gets no lines only where there are none, not where the daemon could not answer. */
int client_command(const struct command_line *line, const struct request *request,
                   void (*print)(const json_t *lines), int (*verdict)(const json_t *lines));

/* The request that the command line's names make: borrowed from it, not to be freed. */
void client_request(const struct command_line *line, enum request_kind kind,
                    struct request *request);

#endif
