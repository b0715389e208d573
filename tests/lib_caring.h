/*
 * A file to be compacted, and the care around that, phase by phase (vacuum_care.h), in this
 * process: within opened_set_up() and opened_tear_down().
 */
#ifndef LIB_CARING_H
#define LIB_CARING_H

#include "vacuum_care.h"

#include <stdbool.h>

struct caring {
    struct engine engine;
    struct vacuum_care care;
};

/* What the engine goes by; made anew by each beginning. */
extern struct config_database caring_policy;
extern struct engine_job caring_job;

/* Makes "app.db" with that journal mode, 300 rows of short texts in t, an index on them, and free
 * pages; and opens it. */
void caring_begin(struct caring *stage, const char *mode);
/* With the database as it is. */
void caring_resume(struct caring *stage);
/* The phases, which must not fail: a copy is made; many pages are given back. */
void caring_before(struct caring *stage);
void caring_compact(struct caring *stage);
void caring_end(struct caring *stage);

/* Whether there is a file of the database's name with that ending. */
bool caring_here(const char *ending);

/* Changes "row number 333" in such a file behind SQLite's back, in all places or in the first
 * alone. How many there are: in the table and in the index. */
int caring_damage(const char *path, bool all);

#endif
