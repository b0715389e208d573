/* The VFS through which a worker opens a database: by its bare name in the current folder. */
#ifndef VFS_H
#define VFS_H

#include "error.h"

#include <sqlite3.h>

/* Registers it once a process; later calls do nothing. */
enum status vfs_register(struct error *error) MUST_CHECK;

/* sqlite3_open_v2() of the file `name` in the current folder, to read and write: that very file,
 * even if it is called ":memory:" or "file:other.db". Returns SQLite's result code; the connection
 * is the caller's, on failure too. */
int vfs_open(const char *name, sqlite3 **sql);

#endif
