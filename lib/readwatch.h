/*
 * Tells what a connection reads from its files, as it reads. SQLite checks the b-trees of a whole
 * database in one instruction of its machine, during which versions before 3.41 ask no progress
 * handler; but it has to read the pages, and looks whether it was interrupted.
 */
#ifndef READWATCH_H
#define READWATCH_H

#include <sqlite3.h>
#include <stdint.h>

struct readwatch;

/* `heard` is called after each read, in the middle of the statement: it may call
 * sqlite3_interrupt(), and nothing else that uses `db` but for walindex_read(). */
struct readwatch *readwatch_open(sqlite3 *db, void (*heard)(void *argument, int64_t bytes),
                                 void *argument);
/* Before the connection is closed. NULL is none. */
void readwatch_close(struct readwatch *watch);

#endif
