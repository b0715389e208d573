/* What the answers to requests have in common, for the files that make them. */
#ifndef DAEMON_REPLY_H
#define DAEMON_REPLY_H

#include "daemon_inside.h"

#include <stdbool.h>

/* A request, and what it is answered with. */
struct reply {
    struct daemon *daemon;
    const struct request *request;
    struct control_reply *reply;
    size_t matched;
};

json_t *reply_time(int64_t time_us); /* RFC 3339; null where there is none */
json_t *reply_subject(const char *event, const char *database, const char *task,
                      const char *target);
/* Whether a request is about that run. */
bool reply_is_run(const struct request *request, const struct run *run);

/* daemon_orders.c: what an operator may tell the daemon. */
void reply_reload(struct reply *asked);
void reply_cancel(struct reply *asked);
void reply_pause(struct reply *asked);
void reply_resume(struct reply *asked);

#endif
