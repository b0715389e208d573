/* Statements that can't be cut into steps, as tasks run them. */
#ifndef ENGINE_WHOLE_H
#define ENGINE_WHOLE_H

#include "task_engine.h"

/* One statement, which is one hold, however long that is. */
struct engine_whole {
    const char *sql;
    const char *what; /* "REINDEX", for messages */
    int64_t bytes;    /* that it sorts, about; 0: none. They need room four times over */
    bool windowed;    /* it is stopped when the policy's window closes */
};

/* Runs it; SQLite sorts in files meanwhile, since a worker's memory is limited. STATUS_REFUSED: the
 * disk has no room for it; else as of lease_hold_whole. */
enum status engine_whole(struct engine *engine, const struct engine_whole *whole,
                         struct error *error) MUST_CHECK;

#endif
