/*
 * What the history worker is asked, one JSON object a line, and answers with one event each, in
 * the order of the requests:
 *   {"request":"clock","sure"}                           {"event":"clock",...}, see engine_memory
 *   {"request":"recall","sure","path","task","target"}   the same, and with the task's last run,
 *                                                        and of a retention what is held
 *   {"request":"record","outcome","path","started_us"}   {"event":"recorded"}
 *   {"request":"btrees","path","task","target","started_us","position","btrees"}
 *                                                        {"event":"recorded"}
 *   {"request":"seen","at_us","tasks"}                   {"event":"recorded"}
 *   {"request":"file","path","device","inode"}           {"event":"recorded"}
 *   {"request":"alarm","change","at_us","alarm"}         {"event":"recorded"}
 *   {"request":"pause","database","task","until_us"}     {"event":"recorded"}
 *   {"request":"resume","database","task"}               {"event":"recorded"}
 *   {"request":"prune","months","us"}                    {"event":"recorded"}
 *   {"request":"segment","path","segment"}               {"event":"recorded"}
 *   {"request":"hold","path","hold"}                     {"event":"recorded"}
 *   {"request":"lift","path","target"}                   {"event":"recorded"}
 *   {"request":"writer","path","writer"}                 {"event":"recorded"}
 * or, where the answer has rows, with an event a row and {"event":"listed"} at the end:
 *   {"request":"states"}     {"event":"state","path","task","target","seen_us","started_us",
 *                             "failures","outcome"}, "started_us" null where no run counts yet;
 *                             "listed" has "fresh": whether no task was ever known
 *   {"request":"files"}      {"event":"file","path","device","inode"}
 *   {"request":"runs","path","task","target","since_us","limit"}   {"event":"run",...}, the newest
 *                             first: an outcome (event_table.c) with "path" and "started_us"
 *   {"request":"alarms"}     {"event":"alarm",...}: those that are raised, the oldest first
 *   {"request":"pauses"}     {"event":"pause","database","task","until_us"}
 *   {"request":"segments"}   {"event":"segment",...}, the catalogue of archives
 *   {"request":"holds"}      {"event":"hold",...}, what was put back and is held
 * or to any of them {"event":"unwritten","reason"}, with "later": true where the same may succeed
 * at another time: the disk is full, the file is busy, ... Unasked, before the next answer, it says
 * that it has opened the file: {"event":"opened","found"}, "found", "made" or "replaced".
 *
 * What is recorded is answered when it is committed, and not before. What comes while a commit is
 * under way is committed together.
 */
#ifndef HISTORY_JOB_H
#define HISTORY_JOB_H

#include "history.h"

#include <jansson.h>
#include <stdbool.h>

/* What the worker has of its parent. */
struct history_host {
    /* The next line, see worker_line. */
    char *(*line)(void *argument, int wait_ms, bool *ended);
    void (*emit)(void *argument, json_t *event); /* takes over the reference */
    void *argument;
};

/* In the worker: answers requests on the history in the folder `state` until there are no more.
 * Where it can't be opened each is answered with the reason, and the next tries again. */
void history_job(const char *state, const struct history_host *host);

/*
 * In the parent, history_request.c: requests, new references; NULL where a path or name is not
 * UTF-8.
 */
json_t *history_job_clock(bool sure);
/* What a run of that task needs to know. */
json_t *history_job_recall(bool sure, const struct history_subject *subject);
/* `outcome` is borrowed. */
json_t *history_job_record(json_t *outcome, const char *path, int64_t started_us);
/* Tasks that are known from now on: an array of [path, task, target], taken over; a thousand or two
 * at once, since as JSON they need a lot of memory. Those that were
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
/* A segment of the archive of the database at `path`; borrowed. It is not among those that are told
 * again: whoever asks waits for the answer. */
json_t *history_job_segment(json_t *segment, const char *path);
json_t *history_job_segments(void);
/* Which SQLite others write the database at `path` with, likewise. */
json_t *history_job_writer(json_t *writer, const char *path);
/* A hold on rows of the database at `path`, likewise; the end of all of a table's; their list. */
json_t *history_job_hold(json_t *hold, const char *path);
json_t *history_job_lift(const char *path, const char *target);
json_t *history_job_holds(void);
/* May be asked as often as one likes: a step is made every few minutes, more often only where
 * there is much to forget. */
json_t *history_job_prune(const struct span *keep);

/* The requests, an array, that say the same in lines that a worker takes; each is "recorded". All
 * but the longest are one. Takes over `request`. */
json_t *history_job_parts(json_t *request);
/* Whether it tells something that must not be missed, and may be told again. */
bool history_job_tells(const json_t *request);
/* Whether there are many of it, and one less does the least harm. */
bool history_job_spare(const json_t *request);

/* The answer to "clock" and "recall". `memory->last.effect` and `memory->holds` stay the
 * answer's. */
/* Where a file was found sound, as an event and a job have it: {"at_us","device","inode"}; and
 * back, from anything: what is not that is nothing. */
json_t *history_sound_json(const struct engine_sound *sound);
struct engine_sound history_sound_of(const json_t *object);
/* The same of which SQLite others write with: {"version","ours","at_us","inode"}. */
json_t *history_writer_json(const struct engine_writer *writer);
struct engine_writer history_writer_of(const json_t *object);
void history_job_memory(const json_t *answer, struct engine_memory *memory);
/* What an answer to "recall" has for the schedule. */
void history_job_counted(const json_t *answer, struct schedule_past *past);

#endif
