/* The rows of the policy's own mappings; those of tasks are with their kinds. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config.h"
#include "option.h"

/* What the file itself has. */
struct config_file {
    struct option_texts include;
    struct config_daemon daemon;
    struct config_limits defaults;
    const struct node *databases;
};

extern const struct option config_file_options[];     /* struct config_file */
extern const struct option config_included_options[]; /* the same, of an included file */
extern const struct option config_daemon_options[];   /* struct config_daemon */
extern const struct option config_limits_options[];   /* struct config_limits */
extern const struct option config_database_options[]; /* struct config_database */

/* A row for each kind of task, ended by one without a name: the field of tasks[N] is the Nth
 * struct option_list. The rows are the caller's to free. */
struct option *config_task_options(void);

#endif
