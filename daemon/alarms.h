/*
 * The alerts that are raised now, over all databases: fed with outcomes and conditions, it raises
 * each once, repeats it daily while it lasts, and clears it. Runs in the daemon; decides by
 * alert.h's pure functions, reads no clock and opens nothing.
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
    const char *subject;         /* the table, the index or the task that it is about; NULL: none */
    enum alert_severity severity;
    double value, threshold; /* in the metric's unit; -1 where it has none */
    const char *text;        /* "logs has 2.1 GB, above 2 GB" */
    int64_t raised_us, told_us;
};

enum alarm_change { ALARM_RAISED, ALARM_REPEATED, ALARM_CLEARED };

struct alarms_host {
    /* The alarm lives until the call returns. */
    void (*changed)(void *argument, enum alarm_change change, const struct alarm *alarm);
    /* An alert that was raised asks for a task of that database; `target` NULL: all of the kind. */
    void (*start)(void *argument, const char *path, const char *kind, const char *target);
    void *argument;
};

/* A database as alarms see it. */
struct alarms_database {
    const struct config_database *config;
    const char *name, *path;
};

/* Conditions that are no figures: they are there or not. */
enum alarm_condition {
    ALARM_DATABASE_MISSING,
    ALARM_DATABASE_REPLACED,
    ALARM_HISTORY_LOST, /* litekeeper's own; the database is NULL */
    ALARM_CONDITIONS
};

struct alarms *alarms_new(const struct alarms_host *host);
void alarms_free(struct alarms *alarms);

/* What the history says was raised when litekeeper ended: a row of history_job.h's "alerts". */
void alarms_recall(struct alarms *alarms, const json_t *row);

/* A task's outcome (event.h): its figures are held against the database's alerts, its failure is
 * an alert by itself. */
void alarms_outcome(struct alarms *alarms, const struct alarms_database *database,
                    const json_t *outcome, int64_t now_us);
void alarms_condition(struct alarms *alarms, const struct alarms_database *database,
                      enum alarm_condition condition, bool holds, const char *text, int64_t now_us);

/* To be called now and then: repeats what has lasted for a day. */
void alarms_tick(struct alarms *alarms, int64_t now_us);
/* A database has left the policy, or alerts of it have: those that are no longer watched clear.
 * `config` NULL: all of that path. */
void alarms_settle(struct alarms *alarms, const char *path, const struct config_database *config,
                   int64_t now_us);

json_t *alarms_json(const struct alarm *alarm); /* one as alarms_list has it */

size_t alarms_count(const struct alarms *alarms);
/* One JSON object an alarm, in a new array, the oldest first; of one database where `path` is not
 * NULL. */
json_t *alarms_list(const struct alarms *alarms, const char *path);

#endif
