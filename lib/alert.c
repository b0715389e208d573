/* The options of `alerts:`: their rows, and what they must be by themselves. Pure. */
#include "alert.h"

#include "nearest.h"
#include "schema.h"
#include "task.h"
#include "units.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct option_choice severities[] = {{"warning", ALERT_WARNING, false},
                                                  {"critical", ALERT_CRITICAL, false},
                                                  {NULL, 0, false}};

#define FIELD(name) offsetof(struct alert_options, name)

static const struct option alert_options[] = {
    {"metric", OPTION_TEXT, OPTION_REQUIRED, FIELD(metric), NULL, NULL, NULL, NULL, NULL,
     "what is watched, see ALERTS"},
    {"of", OPTION_TEXT, OPTION_NOT_YET, FIELD(of), NULL, NULL, NULL, NULL, NULL,
     "for days_until: the metric that is forecast"},
    {"table", OPTION_TEXT, 0, FIELD(table), NULL, NULL, NULL, NULL, NULL,
     "the table, where the metric is one of a table"},
    {"above", OPTION_TEXT, 0, FIELD(above), NULL, NULL, NULL, NULL, NULL,
     "raise it beyond this, in the metric's unit"},
    {"below", OPTION_TEXT, 0, FIELD(below), NULL, NULL, NULL, NULL, NULL, "or raise it under this"},
    {"severity", OPTION_CHOICE, 0, FIELD(severity), NULL, NULL, NULL, severities, NULL,
     "how bad it is; without it as bad as the metric is by itself"},
    {"run", OPTION_TEXT, 0, FIELD(run), NULL, NULL, NULL, NULL, NULL,
     "the task of this database to start when it is raised"},
    {.name = NULL}};

const char *alert_severity_name(enum alert_severity severity)
{
    return severities[severity].name;
}

bool alert_severity_read(const char *name, enum alert_severity *severity)
{
    for (const struct option_choice *choice = severities; name && choice->name; choice++)
        if (strcmp(choice->name, name) == 0) {
            *severity = (enum alert_severity)choice->value;
            return true;
        }
    return false;
}

enum alert_severity alert_severity(const struct alert_metric *metric,
                                   const struct alert_options *alert)
{
    return alert && alert->severity >= 0 ? (enum alert_severity)alert->severity : metric->severity;
}

static bool alert_same_table(const char *one, const char *other)
{
    return one && other ? strcasecmp(one, other) == 0 : one == other;
}

const struct alert_options *alert_find(const struct option_list *alerts,
                                       const struct alert_metric *metric, const char *table,
                                       enum alert_severity severity)
{
    const struct alert_options *alert = alerts->items;

    for (size_t i = 0; i < alerts->count; i++, alert++)
        if (alert_metric(alert->metric) == metric &&
            (metric->flags & ALERT_CONDITION ||
             (alert_same_table(alert->table, table) && alert_severity(metric, alert) == severity)))
            return alert;
    return NULL;
}

static const char *alert_wrong(const char *option, const char *what, char *why)
{
    snprintf(why, WHY_SIZE, "%s", what);
    return option;
}

/* What may stand there: of a forecast what has values. */
static bool alert_allowed(const struct alert_metric *metric, const char *option)
{
    return strcmp(option, "of") == 0 ? metric->figure != NULL : !(metric->flags & ALERT_OF_DAEMON);
}

static const char *alert_unknown(const char *option, const char *name, char *why)
{
    struct nearest nearest = {0};
    int length = snprintf(why, WHY_SIZE, "\"%.24s\": must be one of", name);

    for (const struct alert_metric *metric = alert_metrics; metric->name; metric++)
        if (alert_allowed(metric, option) && length < WHY_SIZE) {
            length += snprintf(why + length, (size_t)(WHY_SIZE - length), "%s %s",
                               metric == alert_metrics ? "" : ",", metric->name);
            nearest_offer(&nearest, name, metric->name);
        }
    if (nearest.word)
        snprintf(why, WHY_SIZE, "\"%.24s\" is no metric; did you mean \"%s\"?", name, nearest.word);
    return option;
}

/* Checks a threshold in its unit, and that there are values on both sides of it. */
static const char *alert_check_threshold(const char *option, const char *text,
                                         enum option_type unit, char *why)
{
    const struct option row = {.name = option, .type = unit};
    bool above = strcmp(option, "above") == 0;
    struct error error;
    union {
        int64_t count;
        double share;
        struct span span;
    } value = {0}; /* units alone: numbers and spans */

    if (schema_type(unit)->parse(&row, text, &value, &error) != STATUS_OK) {
        snprintf(why, WHY_SIZE, "%.*s", WHY_SIZE - 1, error.text);
        return option;
    }
    double number = schema_type(unit)->number(&value);
    if (!above && number <= 0)
        return alert_wrong(option, "must be more than 0, which nothing is below", why);
    if (unit == OPTION_SHARE && (above ? number >= 1 : number > 1))
        return alert_wrong(option,
                           above ? "must be less than 100%, which nothing is above"
                                 : "must be at most 100%",
                           why);
    return NULL;
}

/* A forecast has the forecast metric's threshold in `above` and a number of days in `below`. */
static const char *alert_check_days(const struct alert_options *alert, char *why)
{
    const struct alert_metric *of = alert_metric(alert->of);

    if (!alert->of)
        return alert_wrong("of", "is missing; days_until needs the metric that is forecast", why);
    if (!of || !of->figure)
        return alert_unknown("of", alert->of, why);
    if (!alert->above || !alert->below)
        return alert_wrong(alert->above ? "below" : "above",
                           "is missing; days_until needs above, a threshold, and below, days", why);
    if (of->flags & ALERT_NEEDS_TABLE && !alert->table)
        return alert_wrong("table", "is missing; the metric is one of a table", why);
    const char *name = alert_check_threshold("above", alert->above, of->unit, why);
    return name ? name : alert_check_threshold("below", alert->below, OPTION_COUNT, why);
}

static const char *alert_check_condition(const struct alert_metric *metric,
                                         const struct alert_options *alert, char *why)
{
    if (metric->flags & ALERT_OF_DAEMON)
        return alert_wrong("metric",
                           "is watched without being asked for, and of no single database; leave "
                           "it out",
                           why);
    if (alert->above || alert->below)
        return alert_wrong(alert->above ? "above" : "below",
                           "does not go with this metric: it is there or not, and always watched",
                           why);
    if (alert->run && metric->flags & ALERT_UNREACHABLE)
        return alert_wrong("run", "does not go with this metric: no task can run then", why);
    return NULL;
}

static const char *alert_check_value(const struct alert_metric *metric,
                                     const struct alert_options *alert, char *why)
{
    if (metric->flags & ALERT_NEEDS_TABLE && !alert->table)
        return alert_wrong("table", "is missing; the metric is one of a table", why);
    if (!alert->above && !alert->below)
        return alert_wrong("above", "is missing; an alert needs above or below", why);
    if (alert->above && alert->below)
        return alert_wrong("below",
                           "does not go with above; write another alert, of the other severity",
                           why);
    return alert_check_threshold(alert->above ? "above" : "below",
                                 alert->above ? alert->above : alert->below, metric->unit, why);
}

static const char *alert_check_metric(const struct alert_metric *metric,
                                      const struct alert_options *alert, char *why)
{
    if (strcmp(metric->name, "days_until") == 0)
        return alert_check_days(alert, why);
    if (alert->of)
        return alert_wrong("of", "goes with days_until alone", why);
    if (alert->table && !(metric->flags & ALERT_OF_TABLE))
        return alert_wrong("table", "does not go with this metric", why);
    return metric->flags & ALERT_CONDITION ? alert_check_condition(metric, alert, why)
                                           : alert_check_value(metric, alert, why);
}

static const char *alert_check(const void *values, char *why)
{
    const struct alert_options *alert = values;
    const struct alert_metric *metric = alert_metric(alert->metric);

    if (!metric)
        return alert_unknown("metric", alert->metric, why);
    if (alert->run && !task_find(alert->run))
        return alert_wrong("run", "must be the name of a kind of task", why);
    const char *name = alert_check_metric(metric, alert, why);
    if (name || !(metric->flags & ALERT_NOT_YET))
        return name;
    snprintf(why, WHY_SIZE, "\"%s\" is not supported yet; leave it out", metric->name);
    return "metric";
}

const struct option_section alert_section = {sizeof(struct alert_options), alert_options,
                                             alert_check};
