/*
 * What a command shall work on: for each file of each chosen database, each chosen task. Files
 * are found by a child, since looking at a path can hang.
 */
#ifndef SELECTION_H
#define SELECTION_H

#include "command.h"
#include "config.h"
#include "identity.h"
#include "session.h"

#include <stddef.h>

struct selection_file {
    const struct config_database *database;
    char *name; /* the database's, or the path of a glob's match */
    char *path;
    struct identity seen;
    struct error error; /* why it can't be worked on; status OK: it can */
};

struct selection_item {
    size_t file; /* which of the files */
    const struct config_task *task;
};

struct selection {
    struct selection_file *files;
    size_t file_count;
    struct selection_item *items; /* file after file, each with its tasks in their order */
    size_t item_count;
};

/* Takes DB, TASK and TARGET from the command line; `command` stands before messages. Returns -1, or
 * the exit status where a name is unknown (which it has said) or a signal came. */
int selection_make(struct session *session, const struct config *config, const char *command,
                   const struct command_line *line, struct selection *selection);
void selection_free(struct selection *selection); /* what it holds, not the struct */

/* Looks for the files of a path or glob: the one file or refusal after the other is appended,
 * named by its path. */
enum status selection_find(struct session *session, const char *pattern,
                           struct selection *selection, struct error *error) MUST_CHECK;

#endif
