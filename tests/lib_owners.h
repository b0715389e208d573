/*
 * Other people, for tests that run as root: users of a passwd file of our own, mounted over the
 * host's in a mount namespace of our own, so that the host stays clean; and files of theirs.
 */
#ifndef LIB_OWNERS_H
#define LIB_OWNERS_H

#include <stdbool.h>
#include <sys/types.h>

/* alice and bob have passwd entries, and are both in the group ledger; nobody is called carol. */
enum {
    OWNERS_ALICE = 61001,
    OWNERS_BOB = 61002,
    OWNERS_CAROL = 61003,
    OWNERS_LEDGER = 61010,
    OWNERS_CAROLS_GROUP = 61011
};

/* Makes the namespace and the users; call it once, first of all. */
void owners_begin(void);
/* Whether there are users. False, and the test is skipped, where they could not be made: not root,
 * or in a container without the right. */
bool owners_or_skip(void);

/* A new folder with mode 0755, root's, on a file system in memory that goes with the namespace;
 * the path is static. */
const char *owners_folder(void);

/* In that folder; each dies where it can't. `name` may lie in a folder made before. */
const char *owners_path(const char *name); /* one of four static buffers, in turn */
void owners_make_folder(const char *name, mode_t mode, uid_t user, gid_t group);
void owners_make_file(const char *name, mode_t mode, uid_t user, gid_t group);
/* A FIFO, a socket or a device: `mode` with its S_IF bits. */
void owners_make_node(const char *name, mode_t mode, uid_t user, gid_t group);
void owners_make_link(const char *name, const char *target, uid_t user, gid_t group);

#endif
