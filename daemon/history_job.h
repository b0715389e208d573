/*
 * What the history worker is asked, one JSON object a line, and answers with one event each:
 *   {"request":"clock","sure"}                           {"event":"clock",...}, see engine_memory
 *   {"request":"recall","sure","path","task","target"}   the same, and with the task's last run
 *   {"request":"record","outcome","path","started_us"}   {"event":"recorded"}
 *   {"request":"seen","at_us","tasks"}                   {"event":"recorded"}
 *   {"request":"file","path","device","inode"}           {"event":"recorded"}
 *   {"request":"alarm","change","alarm"}                 {"event":"recorded"}
 *   {"request":"pause","database","task","until_us"}     {"event":"recorded"}
 *   {"request":"resume","database","task"}               {"event":"recorded"}
 *   {"request":"prune","months","us"}                    {"event":"recorded"}
 * or, where the answer has rows, with an event a row and {"event":"listed"} at the end:
 *   {"request":"states"}     {"event":"state","path","task","target","seen_us","started_us",
 *                             "failures"}
 *   {"request":"files"}      {"event":"file","path","device","inode"}
 *   {"request":"runs","path","task","target","since_us","limit"}   {"event":"run",...}, the newest
 *                             first: an outcome (event_table.c) with "path" and "started"
 *   {"request":"alarms"}     {"event":"alarm",...}: those that are raised
 *   {"request":"pauses"}     {"event":"pause","database","task","until_us"}
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

/* A task of a database. */
struct history_subject {
    const char *path, *task, *target; /* the target may be NULL */
};

/* In the parent: requests (new references), and the answer to "clock" and "recall". */
json_t *history_job_clock(bool sure);
/* What a run of that task needs to know. */
json_t *history_job_recall(bool sure, const struct history_subject *subject);
/* Tasks that are known from now on: an array of [path, task, target], taken over. Those that were
 * known before keep their time. */
json_t *history_job_seen(int64_t at_us, json_t *tasks);
json_t *history_job_states(void);
json_t *history_job_file(const char *path, uint64_t device, uint64_t inode);
json_t *history_job_files(void);
/* Runs since then; what is NULL may be anything. */
json_t *history_job_runs(const struct history_subject *subject, int64_t since_us, int64_t limit);
/* `change` is "raised", "repeated" or "cleared"; `alarm` as alarms_list has it, taken over. */
json_t *history_job_alarm(const char *change, json_t *alarm);
json_t *history_job_alarms(void);
/* NULL: all databases, all tasks. `until_us` -1: until it is resumed. */
json_t *history_job_pause(const char *database, const char *task, int64_t until_us);
json_t *history_job_resume(const char *database, const char *task);
json_t *history_job_pauses(void);
json_t *history_job_record(json_t *outcome, const char *path, int64_t started_us);
json_t *history_job_prune(const struct span *keep);
/* `memory->last.effect` stays the answer's. */
void history_job_memory(const json_t *answer, struct engine_memory *memory);

#endif
