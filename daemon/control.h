/*
 * The control socket: takes requests from local clients, one JSON line each, and answers in lines.
 * Runs in the daemon, on its loop. A client may be slow, silent, endless or hostile: each has its
 * limits of time and bytes, and none slows another. Whoever the socket's mode lets in may ask; only
 * root and the daemon's own user may command (request_commands).
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "error.h"
#include "request.h"

#include <jansson.h>
#include <sys/types.h>
#include <uv.h>

struct control;
struct control_reply;

enum {
    CONTROL_CLIENTS = 64,      /* at once */
    CONTROL_ASK_MS = 5000,     /* until a request is whole */
    CONTROL_READ_MS = 10000,   /* until some more of an answer is read */
    CONTROL_REPLY = 8 << 20,   /* bytes of one answer not yet read */
    CONTROL_REPLIES = 16 << 20 /* ... and of all of them */
};

struct control_host {
    /* Answers by control_say and control_end, now or later. The request is borrowed. */
    void (*take)(void *argument, const struct request *request, struct control_reply *reply);
    void *argument;
};

/* Listens at `path`, of mode 0660. A socket that a dead daemon left is replaced; one that answers
 * is another daemon's: STATUS_REFUSED. The path has at most 107 bytes. The folder is made if it is
 * missing. Ignores SIGPIPE from now on. */
enum status control_open(uv_loop_t *loop, const char *path, const struct control_host *host,
                         struct control **control, struct error *error) MUST_CHECK;
/* Closes all connections, and removes the socket; done when the loop has run once more. Replies
 * that are not ended stay valid until they are. Safe on NULL. */
void control_close(struct control *control);

/* Adds a line to the reply; takes over the reference. Does nothing once the client has gone. An
 * answer that grows beyond its limit is cut, which its end then says. */
void control_say(struct control_reply *reply, json_t *line);
/* Ends the reply, which is gone then: with the exit status that the client shall have, and an
 * error message for it or NULL. */
void control_end(struct control_reply *reply, int exit_status, const char *message);
/* Who asks. */
uid_t control_asker(const struct control_reply *reply);

#endif
