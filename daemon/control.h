/*
 * The control socket: takes requests from local clients, one JSON line each, and answers in lines.
 * Runs in the daemon, on its loop. A client may be slow, silent, endless or hostile: each has its
 * limits of time and bytes, and none slows another.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "error.h"
#include "request.h"

#include <jansson.h>
#include <uv.h>

struct control;
struct control_reply;

struct control_host {
    /* Answers by control_say and control_end, now or later. The request is borrowed. */
    void (*take)(void *argument, const struct request *request, struct control_reply *reply);
    void *argument;
};

/* Listens at `path`, of mode 0660. A socket that a dead daemon left is replaced; one that answers
 * is another daemon's: STATUS_REFUSED. */
enum status control_open(uv_loop_t *loop, const char *path, const struct control_host *host,
                         struct control **control, struct error *error) MUST_CHECK;
/* Closes all connections, and removes the socket. Replies that are not ended stay valid until
 * they are. Safe on NULL. */
void control_close(struct control *control);

/* Adds a line to the reply; takes over the reference. Does nothing once the client has gone. */
void control_say(struct control_reply *reply, json_t *line);
/* Ends the reply, which is gone then: with the exit status that the client shall have, and an
 * error message for it or NULL. */
void control_end(struct control_reply *reply, int exit_status, const char *message);

#endif
