/*
 * Which file a database is, and whether litekeeper may touch it at all. Looking at a path never
 * opens the file itself: closing any descriptor of it would drop SQLite's POSIX locks.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "error.h"

#include <stdint.h>
#include <sys/types.h>

struct identity {
    uint64_t device, inode;
    uid_t owner;
    gid_t group;
};

/* Opens the folder of `path` (absolute) without following a link that another user than root or
 * ourselves could have made, and looks at the file in it: regular, one link, not a symbolic link,
 * on a local file system, not root's inside a folder that others can write, and, unless we are
 * root, our own. `*folder` is a descriptor of the folder, the caller's to close; `*name` points
 * into `path`. STATUS_REFUSED names the reason. */
enum status identity_find(const char *path, int *folder, const char **name,
                          struct identity *identity, struct error *error) MUST_CHECK;

/* Whether `name` in `folder` (AT_FDCWD: the current one) is still the file that was seen. */
enum status identity_check(int folder, const char *name, const struct identity *seen,
                           struct error *error) MUST_CHECK;

/* STATUS_REFUSED with the file system's name where `folder` is on a network or FUSE mount. */
enum status identity_local(int folder, struct error *error) MUST_CHECK;

#endif
