/*
 * Gives up rights, for good: a worker has those of the file's owner and no more. Runs in the
 * worker alone, before it looks at anything that the owner could have written.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include "error.h"

#include <stdint.h>
#include <sys/types.h>

struct privileges {
    uid_t user;    /* whom to become; only root can become another */
    gid_t group;   /* the file's: taken if the user is in it, or has no passwd entry */
    uint64_t keep; /* capabilities that stay, a bit each (1 << CAP_...) */
};

/* Becomes the user with its groups, without any capability but `keep`, unable to regain one by
 * any exec, within the worker's limits of memory and files, and bound to die with its parent.
 * Then tries to get the rights back, and fails if that works. After a failure the process is in
 * between and must end. */
enum status privileges_drop(const struct privileges *privileges, struct error *error) MUST_CHECK;

/* The kernel kills this process when its parent ends. Undone by any change of user. */
int privileges_die_with_parent(void);

/* Yields the processor and the disk to everyone else. Only for work that takes no lock: whoever
 * waits for a lock waits for its holder, and an idle one is slow to let go. */
void privileges_yield(void);

#endif
