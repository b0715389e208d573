/*
 * The parent's side of the history: asks the history worker and waits for its answer, but not for
 * long. What fails here is told once, on standard error, and never stops a task.
 */
#ifndef REMEMBER_H
#define REMEMBER_H

#include "history.h"
#include "session.h"
#include "units.h"

#include <stdbool.h>

struct chronicle;
struct remember;

/* Starts the history worker for the folder `state`. */
struct remember *remember_open(struct session *session, const char *state);
void remember_close(struct remember *remember); /* safe on NULL */

/* What it asks; NULL once it has found that the history can't be used. */
struct chronicle *remember_chronicle(struct remember *remember);

/* What is known of the clock, all unknown where the history can't say. Once a session, so that no
 * task takes for known what another has just noted. `sure`: the operator vouches for the clock. */
void remember_clock(struct remember *remember, bool sure, struct engine_memory *memory);
/* The last run of that task that was done, and what is held of its table: the rest of `memory`
 * stays as it is, and what these point to is there until the next question. And what its schedule
 * goes by. */
void remember_past(struct remember *remember, const struct history_subject *subject,
                   struct engine_memory *memory, struct schedule_past *counted);
/* Records an outcome, and forgets what is older than `keep`. */
void remember_outcome(struct remember *remember, json_t *outcome, const char *path,
                      int64_t started_us, const struct span *keep);

/* The catalogue of archives: an array of its rows (event_table.c, "segment"), a new reference; NULL
 * where the history can't say. */
json_t *remember_segments(struct remember *remember);
/* Enters a segment (history_job_segment; borrowed), of the database at `path`. Returns whether that
 * is on the disk. */
bool remember_segment(struct remember *remember, json_t *segment, const char *path);

/* What was put back and is held: an array of events "hold" with their paths, a new reference; NULL
 * where the history can't say. */
json_t *remember_holds(struct remember *remember);
/* Lifts all holds of a table. Returns whether that is on the disk. */
bool remember_lift(struct remember *remember, const char *path, const char *target);

#endif
