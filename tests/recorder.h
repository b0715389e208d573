/*
 * A recording of what processes do to the files of one folder, in the order in which it happened.
 * A process linked with recorder.o (the linker's --wrap, see the Makefile) records while the folder
 * that it works in has a file "recording": an entry for each call that succeeded, and behind it
 * the bytes that were written. What is written to a file "acknowledged" is an application's word
 * that a commit is done.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <stdint.h>

#define RECORDER_FILE         "recording"
#define RECORDER_ACKNOWLEDGED "acknowledged" /* an int32_t: the number of the commit */

enum recorder_call {
    RECORDER_WRITE,
    RECORDER_TRUNCATE, /* to `offset` bytes */
    RECORDER_SYNC,
    RECORDER_SYNC_FOLDER,
    RECORDER_UNLINK,
    RECORDER_CALLS
};

struct recorder_entry {
    int32_t call;
    int32_t length; /* of the bytes that follow */
    int64_t offset;
    char name[32]; /* of the file; none for the folder */
};

#endif
