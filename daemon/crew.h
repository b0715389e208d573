/*
 * Workers that stay for another job: starting a process costs more than a look at a small database,
 * and a host may have thousands of these. Only jobs that change nothing share a worker, one after
 * the other, and only those on files of one owner and group, whose rights it has taken on for good.
 * Runs in the daemon.
 */
#ifndef CREW_H
#define CREW_H

#include "identity.h"
#include "launch.h"

#include <stdbool.h>

struct crew;
struct hand; /* one worker, while it has a job */

struct crew *crew_new(uv_loop_t *loop);
/* Ends those that wait for a job; the crew is gone when they are. None may have one. Safe on
 * NULL. */
void crew_free(struct crew *crew);

/* As launch_start, on a file of that identity: `ended` is called when the job is done, whether the
 * worker stays or not, and the hand is gone then. Where `stays` the worker may be one that has done
 * such a job before, and may do others after it. */
enum status crew_start(struct crew *crew, json_t *job, const struct identity *file, bool stays,
                       int64_t time_limit_ms, const struct launch_handlers *handlers,
                       struct hand **hand, struct error *error) MUST_CHECK;
/* As launch_send. */
void crew_send(struct hand *hand, json_t *message);
/* As launch_cancel. */
void crew_cancel(struct hand *hand, int64_t grace_ms);

#endif
