/*
 * An application whose transactions are numbered: what the database holds after number n follows
 * from n alone. So any state of the file that somebody finds can be told to be that of one commit,
 * and of which; what is not the application's own must never change.
 */
#ifndef LIB_NUMBERED_H
#define LIB_NUMBERED_H

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

/* SQL that makes its tables, which begin with numbered_. */
extern const char numbered_tables[];

struct numbered_way {
    const char *journal, *synchronous; /* "wal", "FULL" */
};

/* Starts it on the database `name` of a folder, in which it works from then on; it enters each
 * commit into the file RECORDER_ACKNOWLEDGED there. It ends with the test. */
pid_t numbered_start(const char *folder, const char *name, const struct numbered_way *way);
/* Waits until there are so many more commits than now. */
void numbered_wait(const char *folder, int commits);
/* Ends it between two transactions, and fails the test if one has failed. */
void numbered_stop(pid_t application);
/* The last commit that it has entered; 0: none. */
int numbered_last(const char *folder);

struct numbered_model;

/* What the database holds after 0, 1, ... and `commits` transactions. `db` is a copy of it as it
 * was at first, and is changed. */
struct numbered_model *numbered_model(sqlite3 *db, int commits);
void numbered_free(struct numbered_model *model);

/* Opens a database, as whoever comes first after a crash does; it must be sound and hold what it
 * held after `least` to `most` transactions, `*found` of them. NULL, or what is wrong: static until
 * the next call. */
const char *numbered_check(const struct numbered_model *model, const char *path, int least,
                           int most, int *found);

#endif
