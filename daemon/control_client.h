/*
 * One connection of the control socket, from its request to the end of its answer. Runs in the
 * daemon, on its loop; control.c holds all of them.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include "control.h"

#include <stddef.h>

struct control_client;

enum control_phase {
    CONTROL_ASKING,  /* its request is not whole yet */
    CONTROL_WAITING, /* the host has not answered yet */
    CONTROL_READING, /* the answer is complete and on its way */
    CONTROL_CLOSED
};

/* What the connections share. */
struct control_desk {
    struct control_host host;
    size_t queued; /* bytes of all answers not yet read */
    /* There are more than CONTROL_REPLIES of them; `client` has more to say. */
    void (*full)(void *argument, const struct control_client *client);
    void (*gone)(void *argument, struct control_client *client); /* closed; its last moment */
    void *argument;
    char piece[4096]; /* what is just being read */
};

/* Takes over the descriptor. */
struct control_client *control_client_new(uv_loop_t *loop, int fd, struct control_desk *desk);
/* Breaks it off. It is gone a moment later. */
void control_client_close(struct control_client *client);

enum control_phase control_client_phase(const struct control_client *client);
size_t control_client_queued(const struct control_client *client);

/* The line, with its newline, that ends an answer; the caller's to free. */
char *control_client_end(int exit_status, const char *message);

#endif
