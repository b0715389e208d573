/*
 * Statements that can't be cut into steps, as tasks run them: with room to sort, and in the
 * policy's window where they take long.
 */
#ifndef ENGINE_WHOLE_H
#define ENGINE_WHOLE_H

#include "task_engine.h"

/* From now on SQLite sorts in files, since a worker's memory is limited; and no more. */
enum status engine_whole_allow(struct engine *engine, struct error *error) MUST_CHECK;
void engine_whole_forbid(struct engine *engine);

/* Runs one statement, in between these two. `seconds` is what it may take: where that is more than
 * max_lock, it must end inside the window, and is stopped when that closes. `*late`: it would not,
 * and was not begun. STATUS_BUSY: as of lease_hold_whole. */
enum status engine_whole(struct engine *engine, const char *sql, double seconds, bool *late,
                         struct error *error) MUST_CHECK;

#endif
