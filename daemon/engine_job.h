/*
 * The engine's jobs in a worker: "run", "plan", "inspect", "restore". Each is called as the file's
 * owner, in the file's folder.
 */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "error.h"

#include <jansson.h>

/* Takes the one-engine lock, then runs the task. */
enum status engine_job_run(json_t *job, struct error *error) MUST_CHECK;
/* The same with a task that no policy has: what the job's retention has archived comes back. */
enum status engine_job_restore(json_t *job, struct error *error) MUST_CHECK;
enum status engine_job_plan(json_t *job, struct error *error) MUST_CHECK;
enum status engine_job_inspect(json_t *job, struct error *error) MUST_CHECK;

#endif
