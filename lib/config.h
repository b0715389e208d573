/*
 * The policy, loaded: immutable once made. One file with a list of databases, each with its
 * limits and its tasks. Everything in it was checked, so nobody checks again.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "config_errors.h"
#include "error.h"
#include "query_log.h"
#include "task.h"
#include "units.h"

#include <stdbool.h>
#include <stdint.h>

struct window_list;

/* `daemon:` */
struct config_daemon {
    int64_t workers;
    char *state;  /* NULL: where the user's state is kept */
    char *socket; /* NULL: where the user's sockets are */
    char *metrics;
    struct span history;
};

/* What `defaults:` and each database say of the manners of every task. */
struct config_limits {
    bool observe;
    struct span max_lock;     /* what one step may hold the write lock */
    double duty;              /* at most this share of the time */
    struct span busy_timeout; /* how long a step waits for the application's lock */
    int64_t max_wal;          /* bytes of the WAL not yet checkpointed */
    struct span time_limit;   /* what one task may take */
    char *temp;
    struct window_list *window;
    struct span jitter;
};

struct config_task {
    const struct task_kind *kind;
    void *options;      /* the kind's struct */
    const char *target; /* in the options; NULL for a task on the whole database */
};

struct config_database {
    char *name; /* NULL: a glob without one */
    char *path; /* of a file, or a glob */
    struct config_limits limits;
    struct query_log_options query_log;
    struct option_list alerts; /* struct alert_options */
    struct config_task *tasks; /* in the order of the table of kinds, then of the file */
    size_t task_count;
};

struct config {
    struct config_daemon daemon;
    struct config_limits defaults;
    struct config_database *databases;
    size_t database_count;
};

/* Loads the policy in `path` ("-" is not special). On STATUS_INVALID `errors` says everything
 * that is wrong. The config is the caller's, for config_free. */
enum status config_load(const char *path, struct config **config,
                        struct config_errors *errors) MUST_CHECK;
/* The same from memory; `path` is for the messages. A worker gets its policy so. */
enum status config_parse(const char *path, const char *yaml, size_t length, struct config **config,
                         struct config_errors *errors) MUST_CHECK;
void config_free(struct config *config);
/* The control socket that the policy in `path` names, whatever else may be wrong with it; the
 * caller's. NULL where it names none, or is no YAML. */
char *config_socket(const char *path);

/* The whole policy with every default, as YAML that loads to the same policy. `only`, if not
 * NULL, is the one database that it shall have. The text is the caller's. */
char *config_dump(const struct config *config, const struct config_database *only);

/* The database of that name or path, or NULL. */
const struct config_database *config_database(const struct config *config, const char *name);
/* Of all databases. */
size_t config_task_count(const struct config *config);
/* Whether its path is a glob, whose matches are the databases. */
bool config_is_glob(const struct config_database *database);

#endif
