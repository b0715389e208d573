/*
 * The daemon from inside, for the files that make it up: daemon.c has its life, daemon_files.c what
 * becomes of files, daemon_runs.c of runs, daemon_reload.c of policies, daemon_replies.c of
 * questions, and daemon_orders.c of what it is told to do.
 */
#ifndef DAEMON_INSIDE_H
#define DAEMON_INSIDE_H

#include "alarms.h"
#include "chronicle.h"
#include "control.h"
#include "daemon.h"
#include "pauses.h"
#include "policy.h"
#include "registry.h"
#include "runs.h"
#include "scheduler.h"
#include "wakeup.h"

/* Files whose duties wait for what the history knows of them. The first `asked` are being asked
 * about; a file that went away meanwhile leaves NULL. */
struct arrivals {
    struct file **files;
    size_t count, asked;
};

struct daemon {
    uv_loop_t loop;
    char *path; /* of the policy */
    struct policy *policy;
    struct chronicle *chronicle;
    struct control *control;
    struct registry *registry;
    struct scheduler *scheduler;
    struct runs *runs;
    struct alarms *alarms;
    struct pauses *pauses;
    struct wakeup *wakeup;
    struct arrivals arrivals;
    uv_signal_t hangup, terminate, interrupt;
    uv_timer_t search, watchdog, tell_trouble;
    int64_t started_us, loaded_us;
    char *trouble;        /* with the history; NULL: none */
    char *untold;         /* the last one, until it has been told, even if it is over by then */
    bool ready;           /* its service manager was told so */
    bool searched;        /* all files have been looked for once */
    bool stopping;        /* told to stop ... */
    uint64_t stopped_ms;  /* ... then (uv_now) */
    bool closing;         /* nothing runs any more */
    uint64_t status_hash; /* of what was last told as the state */
};

/* Begins what is due and sets the clock for what will be. After everything that may change that. */
void daemon_pass(struct daemon *daemon);
/* Once told to stop: ends the loop as soon as nothing is left to wait for. */
void daemon_end_if_done(struct daemon *daemon);

/* daemon_files.c */
extern const struct registry_host daemon_registry_host; /* without its argument */
/* A file whose duties, or some, have no known past. */
void daemon_arrive(struct daemon *daemon, struct file *file);
/* Asks the history about the files that have arrived, unless it is being asked. */
void daemon_receive(struct daemon *daemon);
struct alarms_database daemon_alarms_database(const struct file *file);

/* daemon_runs.c */
extern const struct scheduler_host daemon_scheduler_host; /* without its argument */
extern const struct runs_host daemon_runs_host;           /* without its argument */
extern const struct alarms_host daemon_alarms_host;       /* without its argument */
void daemon_trouble(void *argument, const char *why);     /* a chronicle's */
void daemon_history_lost(void *argument);                 /* likewise */
void daemon_tell_trouble(uv_timer_t *timer);

/* daemon_reload.c: loads the policy anew, and takes it if it is valid: `errors` says what isn't. */
enum status daemon_reload(struct daemon *daemon, struct config_errors *errors);

/* daemon_replies.c: a control_host's. */
void daemon_answer(void *argument, const struct request *request, struct control_reply *reply);

#endif
