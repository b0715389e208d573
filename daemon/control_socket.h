/*
 * The control socket as a file: where it may be, whose it is, and that there is one daemon to it.
 * Runs in the daemon, before its loop; accepts nobody.
 */
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include "error.h"

#include <sys/stat.h>

struct control_socket {
    int fd;   /* listens, does not block */
    int lock; /* held as long as the socket is ours */
    char *path;
    struct stat was; /* the file as it was made */
};

/* Listens at `path`, of mode 0660; makes its folder, of mode 0755, where that is missing. Replaces
 * what a dead daemon left. STATUS_REFUSED: another daemon has it, or the place is not safe. */
enum status control_socket_open(const char *path, struct control_socket *made,
                                struct error *error) MUST_CHECK;
/* Removes the file, unless another has taken its place. */
void control_socket_close(struct control_socket *made);

#endif
