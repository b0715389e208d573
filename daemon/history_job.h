/*
 * What the history worker is asked, one JSON object a line, and answers with one event each:
 *   {"request":"clock","sure"}                           {"event":"clock",...}, see engine_memory
 *   {"request":"record","outcome","path","started_us"}   {"event":"recorded"}
 *   {"request":"prune","months","us"}                    {"event":"recorded"}
 * or to any of them {"event":"unwritten","reason"}.
 */
#ifndef HISTORY_JOB_H
#define HISTORY_JOB_H

#include "engine_host.h"
#include "units.h"

#include <jansson.h>
#include <stdio.h>

/* In the worker: opens the history in the folder `state`, then answers the requests in `input`
 * until it ends. A history that can't be opened answers each with the reason. */
void history_job(const char *state, FILE *input, void (*emit)(void *argument, json_t *event),
                 void *argument);

/* In the parent: requests (new references), and the answer to "clock". */
json_t *history_job_clock(bool sure);
json_t *history_job_record(json_t *outcome, const char *path, int64_t started_us);
json_t *history_job_prune(const struct span *keep);
void history_job_memory(const json_t *answer, struct engine_memory *memory);

#endif
