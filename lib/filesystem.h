/*
 * On what kind of file system a folder lies. SQLite's locks and its shared memory work between
 * the processes of one kernel alone (sqlite.org/wal.html, "All processes using a database must be
 * on the same host computer"), so litekeeper stays away from every other kind.
 */
#ifndef FILESYSTEM_H
#define FILESYSTEM_H

#include "error.h"

#include <stdint.h>

/* The name of the network file system of that magic number (statfs(2)); NULL: it is none. */
const char *filesystem_network(uint32_t magic);

/* STATUS_REFUSED where `folder` (O_PATH will do) is on a network or FUSE file system; the error
 * begins with that system's name. */
enum status filesystem_check(int folder, struct error *error) MUST_CHECK;

#endif
