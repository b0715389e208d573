/*
 * What an outcome says of its task: that it failed, found damage, or was kept from deleting by the
 * clock. Each is a condition of its own of that task of that database. Runs in the daemon.
 */
#include "alarms_set.h"

#include "alert_judge.h"
#include "memory.h"
#include "outcome.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ALARMS_BUSY = 3 }; /* so often in a row that it is no accident */

/* An outcome, taken apart. */
struct alarms_heard {
    const char *subject, *outcome, *reason, *guard;
    bool busy, waits;
    int64_t problems;   /* -1: it did not look for any */
    int64_t worse;      /* plans of watched queries; -1: it has none */
    const char *repair; /* what an index had to be repaired for; NULL: none had */
    unsigned missed;    /* times in a row that it did not get at the database */
};

enum alarms_verdict { ALARMS_OVER, ALARMS_HOLDS, ALARMS_UNKNOWN };

static const char *alarms_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool alarms_is(const struct alarms_heard *heard, enum outcome_kind kind)
{
    return strcmp(heard->outcome, outcome_name(kind)) == 0;
}

/* Whether the task got as far as its own decision, or beyond. */
static bool alarms_came_through(const struct alarms_heard *heard)
{
    return (alarms_is(heard, OUTCOME_DONE) || alarms_is(heard, OUTCOME_SKIPPED)) && !heard->busy &&
           !heard->waits;
}

/* A check that has found damage has done its work. */
static enum alarms_verdict alarms_failed(const struct alarms_heard *heard, char *text)
{
    if (alarms_is(heard, OUTCOME_FAILED) && heard->problems <= 0) {
        snprintf(text, ALERT_TEXT, "%.200s has failed: %s", heard->subject, heard->reason);
        return ALARMS_HOLDS;
    }
    if (heard->missed >= ALARMS_BUSY) {
        snprintf(text, ALERT_TEXT, "%.200s did not get at the database %u times in a row: %s",
                 heard->subject, heard->missed, heard->reason);
        return ALARMS_HOLDS;
    }
    snprintf(text, ALERT_TEXT, "%.200s is %s: %s", heard->subject, heard->outcome, heard->reason);
    return alarms_came_through(heard) || heard->problems > 0 ? ALARMS_OVER : ALARMS_UNKNOWN;
}

static enum alarms_verdict alarms_damaged(const struct alarms_heard *heard, char *text)
{
    char problems[TEXT_SHORT];

    if (heard->problems < 0)
        return ALARMS_UNKNOWN;
    snprintf(text, ALERT_TEXT, "%.200s has found %s: %s", heard->subject,
             heard->problems ? text_counted(problems, heard->problems, "problem") : "no damage",
             heard->reason);
    return heard->problems ? ALARMS_HOLDS : ALARMS_OVER;
}

static enum alarms_verdict alarms_doubts(const struct alarms_heard *heard, char *text)
{
    bool doubts = heard->guard && strcmp(heard->guard, OUTCOME_GUARD_CLOCK) == 0;

    if (!doubts && !alarms_came_through(heard))
        return ALARMS_UNKNOWN;
    if (doubts)
        snprintf(text, ALERT_TEXT, "%.200s deletes nothing: %s", heard->subject, heard->reason);
    else
        snprintf(text, ALERT_TEXT, "%.200s doubts the clock no longer", heard->subject);
    return doubts ? ALARMS_HOLDS : ALARMS_OVER;
}

static enum alarms_verdict alarms_repaired(const struct alarms_heard *heard, char *text)
{
    if (!heard->repair)
        return ALARMS_UNKNOWN;
    snprintf(text, ALERT_TEXT, "%.200s had to repair %s", heard->subject, heard->repair);
    return ALARMS_HOLDS;
}

static enum alarms_verdict alarms_plans(const struct alarms_heard *heard, char *text)
{
    char plans[TEXT_SHORT];

    if (heard->worse < 0)
        return ALARMS_UNKNOWN;
    snprintf(text, ALERT_TEXT, "%.200s has found %s: %s", heard->subject,
             heard->worse ? text_counted(plans, heard->worse, "worse plan") : "no worse plan",
             heard->reason);
    return heard->worse ? ALARMS_HOLDS : ALARMS_OVER;
}

static const struct {
    const char *metric;
    enum alarms_verdict (*judge)(const struct alarms_heard *heard, char *text);
} alarms_judges[] = {{"task_failed", alarms_failed},
                     {"integrity", alarms_damaged},
                     {"index_repaired", alarms_repaired},
                     {"query_plan", alarms_plans},
                     {"clock", alarms_doubts}};

/* "retention logs", the caller's to free. */
static char *alarms_subject(const char *task, const char *target)
{
    return memory_format("%s%s%s", task, target ? " " : "", target ? target : "");
}

bool alarms_task_exists(const struct config_database *config, const char *subject)
{
    bool found = false;

    for (size_t i = 0; i < config->task_count && !found; i++) {
        char *name = alarms_subject(config->tasks[i].kind->name, config->tasks[i].target);
        found = strcasecmp(name, subject) == 0;
        free(name);
    }
    return found;
}

/* -1: it did not look for any. Rows whose foreign keys lead nowhere count, too. */
static int64_t alarms_problems(const json_t *effect)
{
    const json_t *problems = json_object_get(effect, "problems");
    const json_t *keys = json_object_get(effect, "foreign_keys");

    return json_is_integer(problems) ? json_integer_value(problems) + json_integer_value(keys) : -1;
}

static struct alarms_streak *alarms_streak(const struct alarms *alarms, const char *path,
                                           const char *subject)
{
    for (size_t i = 0; i < alarms->streak_count; i++)
        if (strcmp(alarms->streaks[i].path, path) == 0 &&
            strcasecmp(alarms->streaks[i].subject, subject) == 0)
            return &alarms->streaks[i];
    return NULL;
}

static void alarms_streak_end(struct alarms *alarms, struct alarms_streak *streak)
{
    free(streak->path);
    free(streak->subject);
    *streak = alarms->streaks[--alarms->streak_count];
}

/* A run that was stopped by the database being busy has done a part of its work: it got there. */
static unsigned alarms_missed(struct alarms *alarms, const char *path,
                              const struct alarms_heard *heard)
{
    struct alarms_streak *streak = alarms_streak(alarms, path, heard->subject);
    bool stopped = alarms_is(heard, OUTCOME_CANCELLED) && !heard->busy;

    if (stopped)
        return streak ? streak->count : 0;
    if (!heard->busy || !alarms_is(heard, OUTCOME_SKIPPED)) {
        if (streak)
            alarms_streak_end(alarms, streak);
        return 0;
    }
    if (!streak) {
        size_t count = alarms->streak_count++;
        alarms->streaks = memory_resize(alarms->streaks, count + 1, sizeof *alarms->streaks);
        streak = &alarms->streaks[count];
        *streak = (struct alarms_streak){memory_copy(path), memory_copy(heard->subject), 0};
    }
    return ++streak->count;
}

static void alarms_task_judge(struct alarms *alarms, const struct alarms_database *database,
                              const struct alarms_heard *heard, int64_t now_us)
{
    const struct option_list *alerts = &database->config->alerts;

    for (size_t i = 0; i < sizeof alarms_judges / sizeof *alarms_judges; i++) {
        const struct alert_metric *metric = alert_metric(alarms_judges[i].metric);
        const struct alert_options *alert = alert_find(alerts, metric, NULL, metric->severity);
        char text[ALERT_TEXT] = "";
        enum alarms_verdict verdict = alarms_judges[i].judge(heard, text);
        text_sanitize(text); /* it may have been cut within a letter */
        const struct alarm alarm = {
            .database = database->name,
            .path = database->path,
            .metric = metric->name,
            .subject = heard->subject,
            .severity = alert_severity(metric, alert),
            .value = -1,
            .threshold = -1,
            .text = text,
        };
        if (verdict != ALARMS_UNKNOWN &&
            alarms_update(alarms, &alarm, verdict == ALARMS_HOLDS, now_us))
            alarms_start(alarms, database, alert);
    }
}

void alarms_task(struct alarms *alarms, const struct alarms_database *database,
                 const json_t *outcome, int64_t now_us)
{
    char *subject = alarms_subject(alarms_text(outcome, "task"), alarms_text(outcome, "target"));
    const json_t *effect = json_object_get(outcome, "effect"),
                 *worse = json_object_get(effect, "worse_plans");
    struct alarms_heard heard = {
        .subject = subject,
        .outcome = alarms_text(outcome, "outcome"),
        .reason = alarms_text(outcome, "reason"),
        .guard = alarms_text(outcome, "guard"),
        .busy = json_is_true(json_object_get(outcome, "busy")),
        .waits = json_is_true(json_object_get(outcome, "waits")),
        .problems = alarms_problems(effect),
        .worse = worse ? json_integer_value(worse) : -1,
        .repair = json_string_value(json_array_get(json_object_get(effect, "repairs"), 0)),
    };

    heard.missed = alarms_missed(alarms, database->path, &heard);
    alarms_task_judge(alarms, database, &heard, now_us);
    free(subject);
}

void alarms_task_settle(struct alarms *alarms, const char *path,
                        const struct config_database *config)
{
    for (size_t i = alarms->streak_count; i-- > 0;) {
        struct alarms_streak *streak = &alarms->streaks[i];
        if (strcmp(streak->path, path) == 0 &&
            (!config || !alarms_task_exists(config, streak->subject)))
            alarms_streak_end(alarms, streak);
    }
}

void alarms_task_free(struct alarms *alarms)
{
    while (alarms->streak_count)
        alarms_streak_end(alarms, &alarms->streaks[alarms->streak_count - 1]);
    free(alarms->streaks);
}
