/*
 * A daemon of the tests' own: the real control socket on a loop in a child process, with a host
 * of the test's making; and clients that speak to it byte by byte.
 */
#ifndef LIB_CONTROL_H
#define LIB_CONTROL_H

#include "control.h"

#include <sys/types.h>

struct control_daemon {
    pid_t pid;
};

/* Starts it, listening at `path`; `user` 0 is us. The host's functions run in the child, with the
 * loop as their argument. Fails the test where it can't listen. */
void control_daemon_start(struct control_daemon *daemon, const char *path, uid_t user,
                          void (*take)(void *loop, const struct request *request,
                                       struct control_reply *reply));
/* Tells it to close and waits; fails the test where it doesn't exit with 0. */
void control_daemon_stop(struct control_daemon *daemon);
void control_daemon_kill(struct control_daemon *daemon);
/* Of that process: its memory in KiB, its CPU time in ms, its open descriptors. */
long control_daemon_memory(const struct control_daemon *daemon);
long control_daemon_cpu(const struct control_daemon *daemon);
int control_daemon_descriptors(const struct control_daemon *daemon);

/* A connection; fails the test where there is none. */
int control_dial(const char *path);
void control_send(int fd, const char *bytes);
/* All that comes until the other end closes, closed then; the caller's to free. */
char *control_hear(int fd);
/* Dials, sends the line with a newline, hears. */
char *control_ask(const char *path, const char *line);

/* {"event":"..."} made by json_pack, said at once. */
void control_say_pack(struct control_reply *reply, const char *format, ...);

#endif
