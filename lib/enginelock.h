/*
 * One engine a database: a lock on the database file that no SQLite knows of. Steps, the clean-up
 * of leftovers and exchanges happen only under it.
 */
#ifndef ENGINELOCK_H
#define ENGINELOCK_H

#include "error.h"
#include "identity.h"

/* Takes the lock on `name` in the current folder, which must be the file that was `seen`, and
 * holds it until the process ends. Call it once, before SQLite opens the file. STATUS_BUSY says
 * which process has it, STATUS_REFUSED that the file can't be locked or is another one. */
enum status enginelock_take(const char *name, const struct identity *seen,
                            struct error *error) MUST_CHECK;

#endif
