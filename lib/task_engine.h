/* What a running task sees of the engine. */
#ifndef TASK_ENGINE_H
#define TASK_ENGINE_H

#include "database.h"
#include "engine.h"
#include "lease.h"

#include <stdint.h>

struct engine {
    const struct engine_job *job;
    struct database *database;
    struct lease *lease; /* NULL while planning */
    int64_t now_us;      /* of the decision: the job's `at`, or the clock */
    double told_ms;      /* when progress was last told */
    double begun_ms;
    double counted_ms; /* since when progress counts; 0: since it began */
};

/* Tells the progress, at most a few times a second. `total` is -1 where unknown. */
void engine_progress(struct engine *engine, int64_t rows, int64_t total);
/* From now on progress counts from zero again, and so do rate and ETA: the next part of a task. */
void engine_progress_anew(struct engine *engine);
/* Tells the operator something that is worth a line. */
void engine_notice(struct engine *engine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Has the catalogue note a segment of an archive (event_segment's `about`, taken over): once it is
 * OK, that is on the disk. STATUS_FAILED: it can't be written; STATUS_CANCELLED: told to stop. */
enum status engine_record(struct engine *engine, json_t *about, struct error *error) MUST_CHECK;

/* Likewise a hold: rows of the task's target with such times were put back, and retention leaves
 * them alone until it is lifted. */
enum status engine_hold(struct engine *engine, int64_t first_us, int64_t last_us,
                        struct error *error) MUST_CHECK;

/* Has the history remember which SQLite the application writes with, if that is news. That it can't
 * be is said, and no more. */
void engine_record_writer(struct engine *engine);

/* Whether the policy says that this task, or all of this database's, decide and never act. */
bool engine_observes(const struct engine *engine);
/* Makes the lease of the write lock, unless it is there. */
void engine_take_lease(struct engine *engine);

/* What one step may hold the write lock, and how long to wait for the application's. */
double engine_max_lock_ms(const struct engine *engine);
double engine_busy_ms(const struct engine *engine);
/* The folder for temporary files: the policy's, or the database's. */
const char *engine_temp(const struct engine *engine);
/* How many seconds the policy's window stays open from now on; INFINITY where the operator has said
 * that the window does not matter, 0 where none is open. */
double engine_window_left(const struct engine *engine);

/* How long one read transaction may last: in rollback-journal mode a read is a hold. */
double engine_slice_ms(const struct engine *engine);
/* To be called between two such reads. */
void engine_slice_gap(const struct engine *engine, double slice_ms);

#endif
