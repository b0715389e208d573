/* The VFS through which a worker opens a database: by its bare name in the current folder. */
#ifndef VFS_H
#define VFS_H

#include "error.h"

#define VFS_NAME "litekeeper"

/* Registers it once a process; later calls do nothing. */
enum status vfs_register(struct error *error) MUST_CHECK;

#endif
