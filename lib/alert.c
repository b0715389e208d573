/* The options of `alerts:`, and what each metric needs. Pure. */
#include "alert.h"

#include "schema.h"
#include "task.h"

#include <stdio.h>
#include <string.h>

static const struct alert_metric {
    const char *name;
    enum option_type unit; /* of its thresholds */
    bool of_table;         /* it may name a table */
    bool needs_table;
} metrics[] = {{"database_size", OPTION_SIZE, false, false},
               {"table_size", OPTION_SIZE, true, true},
               {"table_rows", OPTION_COUNT, true, true},
               {"wal_size", OPTION_SIZE, false, false},
               {"free_share", OPTION_SHARE, false, false},
               {"disk_free", OPTION_SHARE, false, false},
               {"index_fragmentation", OPTION_SHARE, true, false},
               {"index_density", OPTION_SHARE, true, false},
               {"query_time", OPTION_SPAN, false, false},
               {"days_until", OPTION_COUNT, true, false}};

static const struct option_choice severities[] = {{"warning", ALERT_WARNING, false},
                                                  {"critical", ALERT_CRITICAL, false},
                                                  {NULL, 0, false}};

#define FIELD(name) offsetof(struct alert_options, name)

static const struct option alert_options[] = {
    {"metric", OPTION_TEXT, OPTION_REQUIRED, FIELD(metric), NULL, NULL, NULL, NULL, NULL,
     "what is watched"},
    {"of", OPTION_TEXT, 0, FIELD(of), NULL, NULL, NULL, NULL, NULL,
     "for days_until: the metric that is forecast"},
    {"table", OPTION_TEXT, 0, FIELD(table), NULL, NULL, NULL, NULL, NULL,
     "the table, where the metric is one of a table"},
    {"above", OPTION_TEXT, 0, FIELD(above), NULL, NULL, NULL, NULL, NULL,
     "raise it beyond this, in the metric's unit"},
    {"below", OPTION_TEXT, 0, FIELD(below), NULL, NULL, NULL, NULL, NULL,
     "raise it under this, in the metric's unit; for days_until a number of days"},
    {"severity", OPTION_CHOICE, 0, FIELD(severity), "warning", NULL, NULL, severities, NULL,
     "how bad it is"},
    {"run", OPTION_TEXT, 0, FIELD(run), NULL, NULL, NULL, NULL, NULL,
     "the task to start when it is raised"},
    {.name = NULL}};

static const struct alert_metric *alert_metric(const char *name)
{
    for (size_t i = 0; name && i < sizeof metrics / sizeof *metrics; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    return NULL;
}

static const char *alert_unknown(const char *option, const char *name, char *why)
{
    int length = snprintf(why, WHY_SIZE, "\"%.40s\": must be one of", name);

    for (size_t i = 0; i < sizeof metrics / sizeof *metrics && length < WHY_SIZE; i++)
        length += snprintf(why + length, (size_t)(WHY_SIZE - length), "%s %s", i ? "," : "",
                           metrics[i].name);
    return option;
}

/* Checks a threshold in its unit. */
static const char *alert_threshold(const char *option, const char *text, enum option_type unit,
                                   char *why)
{
    const struct option row = {.name = option, .type = unit};
    struct error error;
    char room[64] = ""; /* units alone: numbers and spans */

    if (!text || schema_type(unit)->parse(&row, text, room, &error) == STATUS_OK)
        return NULL;
    snprintf(why, WHY_SIZE, "%.*s", WHY_SIZE - 1, error.text);
    return option;
}

static const char *alert_wrong(const char *option, const char *what, char *why)
{
    snprintf(why, WHY_SIZE, "%s", what);
    return option;
}

/* A forecast has the forecast metric's threshold in `above` and a number of days in `below`. */
static const char *alert_check_days(const struct alert_options *alert, char *why)
{
    const struct alert_metric *of = alert_metric(alert->of);

    if (!alert->of)
        return alert_wrong("of", "is missing; days_until needs the metric that is forecast", why);
    if (!of || of == alert_metric("days_until"))
        return alert_unknown("of", alert->of, why);
    if (!alert->above || !alert->below)
        return alert_wrong(alert->above ? "below" : "above",
                           "is missing; days_until needs above, a threshold, and below, days", why);
    if (of->needs_table && !alert->table)
        return alert_wrong("table", "is missing; the metric is one of a table", why);
    const char *name = alert_threshold("above", alert->above, of->unit, why);
    return name ? name : alert_threshold("below", alert->below, OPTION_COUNT, why);
}

static const char *alert_check(const void *values, char *why)
{
    const struct alert_options *alert = values;
    const struct alert_metric *metric = alert_metric(alert->metric);

    if (!metric)
        return alert_unknown("metric", alert->metric, why);
    if (alert->run && !task_find(alert->run))
        return alert_wrong("run", "must be the name of a kind of task", why);
    if (strcmp(metric->name, "days_until") == 0)
        return alert_check_days(alert, why);
    if (alert->of)
        return alert_wrong("of", "goes with days_until alone", why);
    if (alert->table ? !metric->of_table : metric->needs_table)
        return alert_wrong("table",
                           alert->table ? "does not go with this metric"
                                        : "is missing; the metric is one of a table",
                           why);
    if (!alert->above && !alert->below)
        return alert_wrong("above", "is missing; an alert needs above or below", why);
    const char *name = alert_threshold("above", alert->above, metric->unit, why);
    return name ? name : alert_threshold("below", alert->below, metric->unit, why);
}

const struct option_section alert_section = {sizeof(struct alert_options), alert_options,
                                             alert_check};
