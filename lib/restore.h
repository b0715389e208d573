/*
 * Rows of an archive come back: into the table that they left (restore_table.c), or into a new file
 * (restore_file.c). Both are kinds of tasks that no policy has and no schedule begins: the engine
 * runs them like any other when the operator says so. Runs in a worker.
 */
#ifndef RESTORE_H
#define RESTORE_H

#include "archive_filter.h"
#include "task.h"

#include <jansson.h>

enum { RESTORE_SHA256 = 16 }; /* digits: enough for what no one has made on purpose */

struct restore_options {
    struct task_common common;
    const char *directory; /* of the archive */
    const char *table;
    struct archive_wanted wanted;
    const char *into;        /* the new file's path, absolute; NULL: into the table */
    const json_t *catalogue; /* segments that must be there, by name: how the sha256 of each one's
                                manifest begins; NULL: it is not known */
};

extern const struct task_kind restore_into_table, restore_into_file;

#endif
