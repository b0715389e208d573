/*
 * Which file a database is, and whether litekeeper may touch it at all. Looking at a path never
 * opens the file itself: closing any descriptor of it would drop SQLite's POSIX locks.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
    uint64_t device, inode;
    uid_t owner;
    gid_t group;
};

/* Opens the folder of `path` (absolute) without following a link that another user than root or
 * ourselves could have made, and looks at the file in it: regular, one link, not a symbolic link,
 * on a local file system and not mounted there by itself, not root's inside a folder that others
 * can write, and, unless we are root, our own; its -wal, -shm and -journal, where there are any,
 * are plain files too. `*folder` is an O_PATH descriptor of the folder, the caller's to close;
 * `*name` points into `path`. STATUS_REFUSED names the reason, fit for a terminal. */
enum status identity_find(const char *path, int *folder, const char **name,
                          struct identity *identity, struct error *error) MUST_CHECK;

/* The same of another file in a folder that identity_find has opened. */
enum status identity_find_in(int folder, const char *name, struct identity *identity,
                             struct error *error) MUST_CHECK;

/* Whether `name` in `folder` (AT_FDCWD: the current one) is still the file that was seen: the
 * same device, inode and owner, and a regular file with one link. */
enum status identity_check(int folder, const char *name, const struct identity *seen,
                           struct error *error) MUST_CHECK;

/* The same file, of the same owner? */
bool identity_same(const struct identity *one, const struct identity *other);

/* What litekeeper's copies of a database are called, behind its name (vacuum_care.h). */
#define IDENTITY_COPY "-litekeeper-copy" /* sound and complete */
#define IDENTITY_PART "-litekeeper-part" /* being written */
#define IDENTITY_KEPT "-litekeeper-kept" /* after a doubt: it is for people to remove */
#define IDENTITY_MARK \
    "-litekeeper-mark" /* an empty file instead of one: not checked since edited */

/* Whether `name` ends like one of the files that SQLite or litekeeper keeps beside a database. */
bool identity_beside(const char *name);

#endif
