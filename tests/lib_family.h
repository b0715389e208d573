/* The processes below a test: who they are, what they do, and whether all are gone. */
#ifndef LIB_FAMILY_H
#define LIB_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* FAMILY_ORPHAN_MS: how long a process may take to go when its parent has died or it was killed. It
 * goes at once, but not while it waits for a disk, which may stand still for seconds. */
enum { FAMILY_MOST = 64, FAMILY_ORPHAN_MS = 20000 };

/* From now on a process whose parent dies becomes ours, so that none gets out of sight. */
void family_adopt(void);
/* Fills in the living children of a process, at most FAMILY_MOST; returns how many. */
size_t family_children(pid_t parent, pid_t *children);
bool family_has(pid_t parent, pid_t child);
/* The child that was started last, by its time, for process numbers begin anew; 0 if there is none.
 */
pid_t family_youngest(pid_t parent);
/* The system calls that write, so far; -1 where /proc doesn't tell. */
int64_t family_writes(pid_t process);
/* Whether a process runs, whosever child it is; and waits until it doesn't: false if that takes
 * longer. */
bool family_lives(pid_t process);
bool family_dies(pid_t process, double limit_ms);
/* Whether it has ended; it stays to be waited for. */
bool family_ended(pid_t child);
/* Waits until all our children but `except` (0: none) are gone; false if that takes longer than
 * FAMILY_ORPHAN_MS. */
bool family_gone(pid_t except);
bool family_gone_but(const pid_t *except, size_t count);

#endif
