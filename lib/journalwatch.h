/*
 * Whether those who commit in rollback-journal mode do have a journal. An application with
 * journal_mode=OFF or MEMORY leaves a damaged file when it is killed in a commit; nothing in the
 * file tells that mode, but the journal's name in the folder does: inotify(7) tells of each use of
 * it, in the order of the calls.
 *
 *     hold the write lock
 *     used = journalwatch_used();       and if others have committed meanwhile, it must be
 *     ... write ...
 *     journalwatch_commit();            only if something was written
 *     commit
 */
#ifndef JOURNALWATCH_H
#define JOURNALWATCH_H

#include "error.h"

#include <stdbool.h>

struct journalwatch;

/* Watches the journal of the database `name` in the current folder, from now on. `*watch` is NULL
 * where commits need none: SQLite may do without on F2FS, which writes several pages as one
 * (fileio.html#atomic). STATUS_REFUSED: the kernel can't watch it, and why. */
enum status journalwatch_open(const char *name, struct journalwatch **watch,
                              struct error *error) MUST_CHECK;
void journalwatch_close(struct journalwatch *watch); /* NULL is none */

/* Whether anybody but us has used the journal since the last call; true where that can't be told.
 * Call it under the write lock, when nobody can be in the middle of a commit. */
bool journalwatch_used(struct journalwatch *watch);

/* The journal that is there is ours, and goes with our commit (journal_mode=DELETE), or when that
 * is rolled back; what is seen until then is not others' use. */
void journalwatch_commit(struct journalwatch *watch);

#endif
