/*
 * Who else has a database open. In WAL mode that is certain: the kernel's record of the POSIX
 * locks that SQLite keeps on the -shm file shows every process. Runs in a worker.
 */
#ifndef NEIGHBOURS_H
#define NEIGHBOURS_H

#include "walindex.h"

#include <stdbool.h>

struct neighbours;

/* For the open database `name` in the current folder; never fails: what can't be found out is
 * answered on the side of caution. */
struct neighbours *neighbours_open(const char *name);
void neighbours_free(struct neighbours *neighbours);

/* True only if for certain no other process has the database open now; WAL mode alone can tell. */
bool neighbours_none(const struct neighbours *neighbours);

/* How many connections other processes have, by their descriptors of the file in /proc; -1 where
 * that can't be told. In rollback-journal mode, too. */
int neighbours_connections(const struct neighbours *neighbours);

enum { NEIGHBOURS_WHO = 96 };
/* Names the process whose open read transaction keeps the WAL from being checkpointed to its end
 * ("python3 (process 123)"); false where there is none or it can't be seen. */
bool neighbours_pinning(const struct neighbours *neighbours, const struct walindex *index,
                        char *who);

#endif
