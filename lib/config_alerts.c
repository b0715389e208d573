/* What the alerts of a database must be together with its tasks and with each other. */
#include "config_load.h"

#include "alert.h"

#include <string.h>

/* One alert of a database, and where it stands. */
struct config_alert {
    const struct config_database *database;
    const struct alert_options *options;
    const struct alert_metric *metric;
    const struct node *node;
    const struct place *place;
};

static bool config_alert_has_task(const struct config_alert *alert, const char *kind)
{
    for (size_t i = 0; i < alert->database->task_count; i++)
        if (strcmp(alert->database->tasks[i].kind->name, kind) == 0)
            return true;
    return false;
}

static void config_alert_error(struct config_loader *loader, const struct config_alert *alert,
                               const char *key, const char *text)
{
    struct place here = {.up = alert->place, .key = key};
    const struct node *at = node_get(alert->node, key);

    config_errors_add(loader->errors, &here, at ? at : alert->node, "%s", text);
}

static void config_alert_check_tasks(struct config_loader *loader, const struct config_alert *alert)
{
    const char *run = alert->options->run;

    if (alert->metric->figure && !config_alert_has_task(alert, "sample"))
        config_alert_error(loader, alert, "metric",
                           "is measured by samples, which this database doesn't have; add sample: "
                           "{}");
    if (run && task_find(run) && !config_alert_has_task(alert, run))
        config_alert_error(loader, alert, "run", "must be a task that this database has");
}

/* Each alert is told from the others by its metric, table and severity; a condition, which is
 * there or not, by its metric alone. */
static void config_alert_check_twin(struct config_loader *loader, const struct config_alert *alert,
                                    const struct node *list)
{
    const struct option_list *alerts = &alert->database->alerts;
    const struct alert_options *first = alert_find(alerts, alert->metric, alert->options->table,
                                                   alert_severity(alert->metric, alert->options));
    size_t earlier = (size_t)(first - (const struct alert_options *)alerts->items);

    if (first != alert->options)
        config_errors_add(loader->errors, alert->place, alert->node,
                          "there is one of this %s already, in line %d",
                          alert->metric->flags & ALERT_CONDITION ? "metric"
                                                                 : "metric, table and severity",
                          list->items[earlier]->line);
}

void config_alerts(struct config_loader *loader, const struct config_database *database,
                   const struct node *node, const struct place *place)
{
    const struct alert_options *options = database->alerts.items;
    struct place here = {.up = place, .key = "alerts"};

    for (size_t i = 0; i < database->alerts.count; i++) {
        bool list = node->kind == NODE_LIST;
        struct place item = {.up = &here, .index = i};
        struct config_alert alert = {database, &options[i], alert_metric(options[i].metric),
                                     list ? node->items[i] : node, list ? &item : &here};
        if (!alert.metric) /* that was told */
            continue;
        config_alert_check_tasks(loader, &alert);
        if (list && !(alert.metric->flags & ALERT_NOT_YET))
            config_alert_check_twin(loader, &alert, node);
    }
}
