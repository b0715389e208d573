/* Alerts, those that are raised and all that became of them, and pauses. In the history worker. */
#include "history_db.h"

#include <stdio.h>
#include <string.h>

enum { HISTORY_FIGURE = 32 };

/* A figure that tells alerts of one metric apart. In fewer digits than it had, since on its way
 * through JSON the last ones may change. */
static const char *history_figure(const json_t *value, char figure[HISTORY_FIGURE])
{
    double number = json_is_number(value) ? json_number_value(value) : -1;

    if (number < 0)
        return "";
    snprintf(figure, HISTORY_FIGURE, "%.9g", number);
    return figure;
}

/* Below zero is what has no value. */
static const json_t *history_value(const json_t *value)
{
    return json_number_value(value) < 0 ? NULL : value;
}

static enum status history_alarm_changed(struct history *history, const json_t *change,
                                         const json_t *alarm, int64_t at_us, struct error *error)
{
    char figure[HISTORY_FIGURE];

    return history_db_do(
        history, error,
        "INSERT INTO alarm_change(at_us, change, path, metric, subject, severity, threshold,"
        " database, value, text, raised_us)"
        " VALUES(?, ?, ifnull(?, ''), ?, ifnull(?, ''), ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        "ijjjjjtjjjj", at_us, change, json_object_get(alarm, "path"),
        json_object_get(alarm, "metric"), json_object_get(alarm, "subject"),
        json_object_get(alarm, "severity"),
        history_figure(json_object_get(alarm, "threshold"), figure),
        json_object_get(alarm, "database"), history_value(json_object_get(alarm, "value")),
        json_object_get(alarm, "text"), json_object_get(alarm, "raised_us"));
}

static enum status history_alarm_raised(struct history *history, const json_t *alarm,
                                        struct error *error)
{
    char figure[HISTORY_FIGURE];

    return history_db_do(
        history, error,
        "INSERT OR REPLACE INTO alarm(path, metric, subject, severity, threshold, database, value,"
        " text, raised_us, told_us)"
        " VALUES(ifnull(?, ''), ?, ifnull(?, ''), ?, ?, ?, ?, ?, ?, ?)",
        "jjjjtjjjjj", json_object_get(alarm, "path"), json_object_get(alarm, "metric"),
        json_object_get(alarm, "subject"), json_object_get(alarm, "severity"),
        history_figure(json_object_get(alarm, "threshold"), figure),
        json_object_get(alarm, "database"), history_value(json_object_get(alarm, "value")),
        json_object_get(alarm, "text"), json_object_get(alarm, "raised_us"),
        json_object_get(alarm, "told_us"));
}

static enum status history_alarm_cleared(struct history *history, const json_t *alarm,
                                         struct error *error)
{
    char figure[HISTORY_FIGURE];

    return history_db_do(history, error,
                         "DELETE FROM alarm WHERE path = ifnull(?, '') AND metric = ?"
                         " AND subject = ifnull(?, '') AND severity = ? AND threshold = ?",
                         "jjjjt", json_object_get(alarm, "path"), json_object_get(alarm, "metric"),
                         json_object_get(alarm, "subject"), json_object_get(alarm, "severity"),
                         history_figure(json_object_get(alarm, "threshold"), figure));
}

static const struct {
    const char *change;
    enum status (*take)(struct history *history, const json_t *alarm, struct error *error);
} history_changes[] = {
    {"raised", history_alarm_raised},
    {"repeated", history_alarm_raised},
    {"cleared", history_alarm_cleared},
};

static enum status history_alarm_take(struct history *history, const json_t *change,
                                      const json_t *alarm, struct error *error)
{
    const char *name = json_string_value(change);

    for (size_t i = 0; name && i < sizeof history_changes / sizeof *history_changes; i++)
        if (strcmp(history_changes[i].change, name) == 0)
            return history_changes[i].take(history, alarm, error);
    return error_set(error, STATUS_INVALID, "an alert is raised, repeated or cleared");
}

enum status history_alarm(struct history *history, const json_t *change, const json_t *alarm,
                          int64_t at_us, struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_alarm_take(history, change, alarm, error);
    if (!status)
        status = history_alarm_changed(history, change, alarm, at_us, error);
    return history_db_end(history, status, error);
}

enum status history_pause(struct history *history, const json_t *database, const json_t *task,
                          int64_t until_us, struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_db_do(history, error,
                           "INSERT OR REPLACE INTO pause(database, task, until_us)"
                           " VALUES(ifnull(?, ''), ifnull(?, ''), ?)",
                           "jji", database, task, until_us);
    return history_db_end(history, status, error);
}

enum status history_resume(struct history *history, const json_t *database, const json_t *task,
                           struct error *error)
{
    enum status status = history_db_begin(history, error);

    if (status)
        return status;
    status = history_db_do(history, error,
                           "DELETE FROM pause WHERE database = ifnull(?, '')"
                           " AND task = ifnull(?, '')",
                           "jj", database, task);
    return history_db_end(history, status, error);
}
