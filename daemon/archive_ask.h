/*
 * What the commands on archives have in common: the tables that the command line and the policy
 * name, a worker that looks through the archive of one, and what the catalogue says of it.
 */
#ifndef ARCHIVE_ASK_H
#define ARCHIVE_ASK_H

#include "command.h"
#include "config.h"
#include "remember.h"
#include "selection.h"
#include "session.h"
#include "task_retention.h"

#include <jansson.h>

struct archive_ask {
    const struct command_line *line;
    struct session *session;
    struct config *config;
    struct remember *remember;
    struct selection selection;
};

/* One table's archive. */
struct archive_table {
    struct archive_ask *ask;
    const struct selection_file *file; /* the database; it may be gone */
    const struct config_task *task;
    const struct retention_options *options;
    char *name;   /* the table's, as its folder has it: rows of one that refers to the policy's may
                     have gone because of that */
    char *prefix; /* its folder in the directory, with a '/' at the end */
};

/* Does `each` for every table that DB and TABLE name and the policy archives, and returns the
 * worst of its exit statuses; `command` ("litekeeper archive list") stands before messages. */
int archive_ask(const struct command_line *line, const char *command,
                int (*each)(const struct archive_table *table));

/* Whose rights are taken where the database is gone (job_request's `owned`), the caller's to free;
 * NULL where it is there. */
char *archive_ask_owned(const struct archive_table *table);
/* Has a worker do what `order` (taken over) says, see archive_job.h. */
enum status archive_ask_worker(const struct archive_table *table, json_t *order,
                               void (*event)(void *argument, json_t *event), void *argument,
                               struct error *error) MUST_CHECK;
/* What the catalogue knows of the table, by file; a new reference, NULL where it can't be read. */
json_t *archive_ask_catalogue(const struct archive_table *table);
/* What is held of the table, an array of events "hold"; a new reference, NULL likewise. */
json_t *archive_ask_holds(const struct archive_table *table);
/* Says on standard error why it could not be done, and returns the exit status. */
int archive_ask_failed(const struct archive_table *table, const struct error *error);

#endif
