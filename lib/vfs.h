/* The VFS through which a worker opens a database: by its bare name in the current folder. */
#ifndef VFS_H
#define VFS_H

#include "error.h"

#include <sqlite3.h>
#include <stdbool.h>

/* Registers it once a process; later calls do nothing. */
enum status vfs_register(struct error *error) MUST_CHECK;

/* sqlite3_open_v2() of the file `name` in the current folder, to read and write: that very file,
 * even if it is called ":memory:" or "file:other.db". Returns SQLite's result code; the connection
 * is the caller's, on failure too. */
int vfs_open(const char *name, sqlite3 **sql);

/* How the last call that failed on the connection's file, or on its log or journal, did: an errno;
 * 0: none has. */
int vfs_errno(sqlite3 *sql);
/* Whether a read has failed, so that what SQLite calls damage need not be any. */
bool vfs_read_failed(sqlite3 *sql);

#endif
