/*
 * An application beside litekeeper: a process that adds rows, changes them, makes old ones young
 * again or holds them, deletes its own, and enters each commit into the ledger once it has it.
 */
#ifndef LIB_WRITER_H
#define LIB_WRITER_H

#include "lib_ledger.h"

#include <sqlite3.h>
#include <sys/types.h>

/* Returns once it has committed for the first time. It ends with the test. */
pid_t writer_start(struct ledger *ledger, const char *path, uint64_t random);
/* What that process does, until it gets a SIGTERM; `db` is its own to close. */
_Noreturn void writer_main(struct ledger *ledger, sqlite3 *db, uint64_t random);
/* Ends it between two transactions, and fails the test if any of its statements has failed. */
void writer_stop(pid_t writer);

#endif
