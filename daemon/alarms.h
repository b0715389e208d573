/*
 * The alerts that are raised now, over all databases: fed with outcomes and conditions, it raises
 * each once, repeats it daily while it lasts, and clears it. Runs in the daemon; decides by
 * alert_judge.h's pure functions, reads no clock and opens nothing.
 */
#ifndef ALARMS_H
#define ALARMS_H

#include "alert.h"
#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct alarms;

struct alarm {
    const char *database, *path; /* of litekeeper itself: NULL */
    const char *metric;          /* "table_size", "task_failed", "database_missing", ... */
    const char *subject;         /* the table or the task ("retention logs") that it is about, as
                                    the policy names it; NULL: none */
    enum alert_severity severity;
    double value, threshold; /* in the metric's unit; -1 where it has none */
    const char *text;        /* "logs has 2.1 GB, above 2 GB" */
    int64_t raised_us, told_us;
};

enum alarm_change { ALARM_RAISED, ALARM_REPEATED, ALARM_CLEARED };
const char *alarm_change_name(enum alarm_change change); /* "raised", "repeated", "cleared" */

/* The alarm as a JSON object, a new reference: database, path, metric, subject, severity, value,
 * threshold, text, raised (RFC 3339, UTC) and advice; raised_us and told_us for the history, which
 * keeps it for alarms_recall. While it is raised its severity and threshold don't change. */
json_t *alarm_json(const struct alarm *alarm);

/* Neither call may come back into the alarms. */
struct alarms_host {
    /* The alarm lives until the call returns. */
    void (*changed)(void *argument, enum alarm_change change, const struct alarm *alarm);
    /* An alert that was raised asks for a task of that database; `target` NULL: all of the kind.
     * So does one whose task has been done, for a sample to see what has come of it. */
    void (*start)(void *argument, const char *path, const char *kind, const char *target);
    void *argument;
};

/* A database as alarms see it. */
struct alarms_database {
    const struct config_database *config;
    const char *name, *path;
};

/* Conditions that come from no outcome: they are there or not. */
enum alarm_condition {
    ALARM_DATABASE_MISSING,
    ALARM_DATABASE_REPLACED,
    ALARM_HISTORY_LOST, /* litekeeper's own; the database is NULL */
    ALARM_CONDITIONS
};

struct alarms *alarms_new(const struct alarms_host *host);
void alarms_free(struct alarms *alarms); /* safe on NULL; tells nobody */

/* What the history says was raised when litekeeper ended: an object of alarm_json, whose further
 * keys don't matter. Tells nobody. One that makes no sense, as of a newer litekeeper, is left. */
void alarms_recall(struct alarms *alarms, const json_t *row);

/* A task's outcome (event.h), a sample's with its b-trees: its figures are held against the
 * database's alerts, and what befell the task is an alert by itself. */
void alarms_outcome(struct alarms *alarms, const struct alarms_database *database,
                    const json_t *outcome, int64_t now_us);
/* `text` says what is there, or that it is over; NULL: the metric's own words. */
void alarms_condition(struct alarms *alarms, const struct alarms_database *database,
                      enum alarm_condition condition, bool holds, const char *text, int64_t now_us);

/* To be called now and then: repeats what has lasted for a day, or ends what is over then. */
void alarms_tick(struct alarms *alarms, int64_t now_us);
/* The policy of the database at `path` may have changed: alarms that it no longer watches clear;
 * where it has another severity or threshold, they clear and are raised anew by that, without
 * starting a task again. `config` NULL: it has left the policy. */
void alarms_settle(struct alarms *alarms, const char *path, const struct config_database *config,
                   int64_t now_us);
/* The same for every path that has alarms, by what `find` says of it: after start and reload. */
void alarms_settle_all(struct alarms *alarms,
                       const struct config_database *(*find)(void *argument, const char *path),
                       void *argument, int64_t now_us);

size_t alarms_count(const struct alarms *alarms);
/* One JSON object an alarm, in a new array, the oldest first; of one database where `path` is not
 * NULL. */
json_t *alarms_list(const struct alarms *alarms, const char *path);

#endif
