/*
 * Brings together what happens and what the policy watches: samples and their figures, conditions,
 * a policy that changes. Runs in the daemon, on its one thread; what it decides is told through
 * the host's calls. It reads no clock, opens nothing, and waits for nothing.
 */
#include "alarms_set.h"

#include "alert_judge.h"
#include "memory.h"
#include "outcome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const alarms_conditions[] = {
    [ALARM_DATABASE_MISSING] = "database_missing",
    [ALARM_DATABASE_REPLACED] = "database_replaced",
    [ALARM_HISTORY_LOST] = "history_lost",
};

/* Of several tasks of the kind the one on the alert's table, where there is one. */
static const char *alarms_target(const struct config_database *config,
                                 const struct alert_options *alert)
{
    for (size_t i = 0; alert->table && i < config->task_count; i++) {
        const struct config_task *task = &config->tasks[i];
        if (strcmp(task->kind->name, alert->run) == 0 && task->target &&
            strcasecmp(task->target, alert->table) == 0)
            return task->target;
    }
    return NULL;
}

void alarms_start(struct alarms *alarms, const struct alarms_database *database,
                  const struct alert_options *alert)
{
    if (alert && alert->run)
        alarms->host.start(alarms->host.argument, database->path, alert->run,
                           alarms_target(database->config, alert));
}

/* The alarm of an alert on a value, without the value. */
static struct alarm alarms_of_alert(const struct alarms_database *database,
                                    const struct alert_options *alert)
{
    const struct alert_metric *metric = alert_metric(alert->metric);

    return (struct alarm){
        .database = database->name,
        .path = database->path,
        .metric = metric->name,
        .subject = alert->table,
        .severity = alert_severity(metric, alert),
    };
}

static void alarms_judge(struct alarms *alarms, const struct alarms_database *database,
                         const struct alert_options *alert, const json_t *effect, int64_t now_us)
{
    struct alarm alarm = alarms_of_alert(database, alert);
    bool raised = alarms_find(alarms, &alarm) != NULL;
    struct alert_judgement judgement;

    if (!alert_judge(database->config, alert, effect, raised, &judgement))
        return;
    alarm.value = judgement.value;
    alarm.threshold = judgement.threshold;
    alarm.text = judgement.text;
    if (alarms_update(alarms, &alarm, judgement.raised, now_us))
        alarms_start(alarms, database, alert);
}

static void alarms_sample(struct alarms *alarms, const struct alarms_database *database,
                          const json_t *effect, int64_t now_us)
{
    const struct option_list *alerts = &database->config->alerts;
    const struct alert_options *alert = alerts->items;

    for (size_t i = 0; i < alerts->count; i++)
        if (alert_metric(alert[i].metric)->figure)
            alarms_judge(alarms, database, &alert[i], effect, now_us);
}

/* Whether an alert that is raised has asked for such a task. */
static bool alarms_wait_for(const struct alarms *alarms, const struct alarms_database *database,
                            const char *kind)
{
    const struct option_list *alerts = &database->config->alerts;
    const struct alert_options *alert = alerts->items;

    for (size_t i = 0; i < alerts->count; i++) {
        struct alarm alarm = alarms_of_alert(database, &alert[i]);
        if (alert_metric(alert[i].metric)->figure && alert[i].run &&
            strcmp(alert[i].run, kind) == 0 && alarms_find(alarms, &alarm))
            return true;
    }
    return false;
}

void alarms_outcome(struct alarms *alarms, const struct alarms_database *database,
                    const json_t *outcome, int64_t now_us)
{
    const char *kind = json_string_value(json_object_get(outcome, "task"));
    const char *became = json_string_value(json_object_get(outcome, "outcome"));
    bool done = strcmp(became, outcome_name(OUTCOME_DONE)) == 0;

    alarms_task(alarms, database, outcome, now_us);
    if (done && strcmp(kind, "sample") == 0)
        alarms_sample(alarms, database, json_object_get(outcome, "effect"), now_us);
    else if (done && alarms_wait_for(alarms, database, kind))
        alarms->host.start(alarms->host.argument, database->path, "sample", NULL);
}

void alarms_condition(struct alarms *alarms, const struct alarms_database *database,
                      enum alarm_condition condition, bool holds, const char *text, int64_t now_us)
{
    const struct alert_metric *metric = alert_metric(alarms_conditions[condition]);
    const struct alert_options *alert =
        database ? alert_find(&database->config->alerts, metric, NULL, metric->severity) : NULL;
    const struct alarm alarm = {
        .database = database ? database->name : NULL,
        .path = database ? database->path : NULL,
        .metric = metric->name,
        .severity = alert_severity(metric, alert),
        .value = -1,
        .threshold = -1,
        .text = text    ? text
                : holds ? metric->help
                        : "it is over",
    };

    if (alarms_update(alarms, &alarm, holds, now_us) && database)
        alarms_start(alarms, database, alert);
}

/* What becomes of an alarm under another policy. */
struct alarms_settled {
    const char *over; /* why it clears; NULL: it stays as it is */
    bool again;       /* it is raised anew, with these: */
    enum alert_severity severity;
    double threshold;
};

static void alarms_settle_condition(const struct alarm *alarm, const struct config_database *config,
                                    struct alarms_settled *settled)
{
    const struct alert_metric *metric = alert_metric(alarm->metric);

    settled->severity =
        alert_severity(metric, alert_find(&config->alerts, metric, NULL, metric->severity));
    if (metric->flags & ALERT_OF_TASK && !alarms_task_exists(config, alarm->subject)) {
        settled->over = "the policy no longer has the task";
    } else if (settled->severity != alarm->severity) {
        settled->over = "the policy has another severity for it now";
        settled->again = true;
    }
}

/* The same threshold, after it has been through the history. */
static bool alarms_same(double one, double other)
{
    return fabs(one - other) <= 1e-6 * fabs(one);
}

static void alarms_settle_value(const struct alarm *alarm, const struct config_database *config,
                                struct alarms_settled *settled)
{
    const struct alert_options *alert =
        alert_find(&config->alerts, alert_metric(alarm->metric), alarm->subject, alarm->severity);

    if (!alert) {
        settled->over = "the policy no longer has the alert";
        return;
    }
    settled->threshold = alert_threshold(alert);
    if (alarms_same(settled->threshold, alarm->threshold))
        return;
    settled->over = "the policy has another threshold now";
    settled->again = alert_beyond(alert, alarm->value, false);
}

/* Settles the one at `at`; false if it is gone. */
static bool alarms_settle_one(struct alarms *alarms, size_t at,
                              const struct config_database *config, int64_t now_us)
{
    struct alarm *alarm = alarms->items[at];
    struct alarms_settled settled = {.severity = alarm->severity, .threshold = alarm->threshold};

    if (!config)
        settled.over = "the database has left the policy";
    else if (alert_metric(alarm->metric)->flags & ALERT_CONDITION)
        alarms_settle_condition(alarm, config, &settled);
    else
        alarms_settle_value(alarm, config, &settled);
    if (!settled.over)
        return true;
    struct alarm *copy = alarm_copy(alarm);
    copy->severity = settled.severity;
    copy->threshold = settled.threshold;
    alarms_clear(alarms, at, settled.over);
    if (settled.again)
        alarms_update(alarms, copy, true, now_us);
    alarm_free(copy);
    return settled.again;
}

void alarms_settle(struct alarms *alarms, const char *path, const struct config_database *config,
                   int64_t now_us)
{
    size_t at = alarms_first(alarms, path);

    alarms_task_settle(alarms, path, config);
    while (alarms_of(alarms, at, path))
        at += alarms_settle_one(alarms, at, config, now_us);
}

void alarms_settle_all(struct alarms *alarms,
                       const struct config_database *(*find)(void *argument, const char *path),
                       void *argument, int64_t now_us)
{
    size_t at = alarms_first(alarms, NULL);

    while (alarms_of(alarms, at, NULL)) /* litekeeper's own have no policy */
        at++;
    while (at < alarms->count) {
        char *path = memory_copy(alarms->items[at]->path);
        alarms_settle(alarms, path, find(argument, path), now_us);
        while (alarms_of(alarms, at, path))
            at++;
        free(path);
    }
}
