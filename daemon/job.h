/*
 * Jobs: what a parent asks of a worker, one JSON object a line on the worker's standard input.
 * `job` is its kind: "run", "plan", "inspect", "archive" (the engine, as the file's owner),
 * "discover" and "history". An engine's job carries its database's policy as YAML, so that the
 * worker loads it with the one loader there is.
 */
#ifndef JOB_H
#define JOB_H

#include "config.h"
#include "engine.h"
#include "error.h"

#include <jansson.h>

/* What a parent says of a job for the engine. `policy` and `database` are NULL for "inspect". */
struct job_request {
    const char *kind;                       /* "run", "plan", "inspect", "archive", "restore" */
    const struct config *policy;            /* the whole; only `database`'s part travels */
    const struct config_database *database; /* with the glob's match as the path, see `path` */
    const struct config_task *task;
    const char *name; /* the database's name for events: its own, or a glob's match */
    const char *path; /* absolute, of the one file */
    struct identity seen;
    bool force, outside_window, trust_clock;
    int64_t at_us; /* -1: now */
    struct engine_memory memory;
    json_t *order;     /* an object, by the kind; borrowed; NULL: there is none */
    const char *owned; /* an absolute path, whose owner's rights are taken where there is no file
                          any more; NULL: the file is there */
};

/* These return a new job, or NULL where a path or name is not UTF-8, so that JSON can't say it;
 * launch_start then refuses. */
json_t *job_engine(const struct job_request *request);

/* Looks for the files of a path or glob: one "found" event a file ({"event":"found","path",
 * "device","inode","owner","group"}) or "refused" ({"event":"refused","path","reason"}). */
json_t *job_discover(const char *pattern);

/* The same for several, with {"event":"searched","digest","same"} at the end. `known` is an earlier
 * digest or "": where it is still true, there are no other events. Takes over the patterns. */
json_t *job_search(json_t *patterns, const char *known);

/* Opens litekeeper's own history in the folder `state`, makes it if missing; then takes one
 * request a line (see history_job.h) and answers each, till its input ends. */
json_t *job_history(const char *state);

/* The job with its time limit (0: none) as one line, without its newline and of at most `limit`
 * bytes, the caller's to free. A job that is NULL is one that could not be made. */
enum status job_line(json_t *job, int64_t time_limit_ms, size_t limit, char **line,
                     struct error *error) MUST_CHECK;

/*
 * The worker's side. A job comes from our own parent, and is checked all the same: a worker may
 * be started by anyone. STATUS_INVALID says what is wrong.
 */

/* Which file a job for the engine is about. `*path` is the job's. */
enum status job_file(const json_t *job, const char **path, struct identity *seen,
                     struct error *error) MUST_CHECK;

/* The path whose owner's rights a job for the engine takes, where its file is gone; the job's.
 * NULL: those of the file's owner. */
enum status job_owned(const json_t *job, const char **path, struct error *error) MUST_CHECK;

/* The whole job for the engine, but for the host and the bare name of the file. What it points to
 * belongs to `*policy`, the caller's to free; NULL for "inspect", as are database and task. */
enum status job_decode(json_t *job, struct engine_job *engine, struct config **policy,
                       struct error *error) MUST_CHECK;
/* What to discover; the folder of the history. Both are the job's. */
enum status job_pattern(json_t *job, const char **pattern, struct error *error) MUST_CHECK;
enum status job_patterns(json_t *job, json_t **patterns, const char **known,
                         struct error *error) MUST_CHECK;
enum status job_state(json_t *job, const char **state, struct error *error) MUST_CHECK;

/* Whether the worker is asked to stay for another job of this kind, on a file of the same owner and
 * group. It says "ready" then, and takes the next line. */
bool job_stays(const json_t *job);

/* What every job may say besides: after how many milliseconds it has taken too long; 0: never. */
int64_t job_time_limit(const json_t *job);

#endif
