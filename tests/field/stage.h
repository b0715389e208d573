/* What demo and bench share: programs started beside each other, and what these say in JSON. */
#ifndef STAGE_H
#define STAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { STAGE_LINE = 1 << 20, STAGE_ARGUMENTS = 24 };

struct stage_process {
    pid_t pid;
    int out; /* what it prints, one JSON object a line */
    char *line;
    size_t length;
    int64_t memory_bytes; /* that it took at most, or one of its children; once it has ended */
};

/* Starts argv[0]; its standard error is appended to the file `log`. It dies with this process. */
void stage_start(struct stage_process *process, const char *const argv[], const char *log);
/* The next line of what it prints, the caller's; NULL after `timeout_ms` (-1: none) without one.
 * False: it has closed its output. Lines that are no JSON object are passed over. */
bool stage_next(struct stage_process *process, int timeout_ms, json_t **event);
bool stage_is(const json_t *event, const char *kind); /* NULL is of no kind */
/* Waits for its end and returns its exit status, 128 + N after a signal. */
int stage_end(struct stage_process *process);
/* Runs it to its end; returns the last event of that kind (NULL: any), the caller's, or NULL. */
json_t *stage_run(const char *const argv[], const char *log, const char *kind, int *status);

/* The application beside, once all its writers are at work; ends the process if it does not come.
 */
void stage_application(struct stage_process *process, const char *const argv[], const char *log);
/* Stops it and returns its report, the caller's. */
json_t *stage_application_stop(struct stage_process *process);

/* Makes the folder, and the one that it is in, if they are missing; its absolute path, the
 * caller's. */
char *stage_folder(const char *folder);

/* Copies a database's file, on to the disk, and removes the copy's -wal, -shm and -journal. */
void stage_copy(const char *from, const char *to);
void stage_remove(const char *path);                      /* a database with all its files */
int64_t stage_size(const char *path, const char *suffix); /* bytes; 0: not there */

/* A number inside, by the keys on the way ("lock", "p99_ms"); 0 if it is not there. */
double stage_number(const json_t *object, const char *outer, const char *key);
int64_t stage_errors(const json_t *latency); /* the sum of its errors, whatever their codes */

#endif
