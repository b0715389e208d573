/*
 * A journald of a test's own: what is sent to it can be read, it can be full, and it can be gone.
 * Standard error becomes a pipe that passes for its stream.
 */
#ifndef LIB_JOURNALD_H
#define LIB_JOURNALD_H

#include <stdbool.h>

/* Covers /run in a mount namespace of this process and listens there. False, with errno, where
 * that can't be done. */
bool journald_begin(void);

/* Standard error into a pipe, which $JOURNAL_STREAM names if `native`. */
void journald_catch_stderr(bool native);
/* What has come there since; static until the next call. */
const char *journald_stderr(void);

/* The next entry, its fields one a line as they came; "" if there is none. Static. */
const char *journald_entry(void);
/* Sends to itself until it takes no more. */
void journald_fill(void);
void journald_end(void); /* from now on there is none */

#endif
