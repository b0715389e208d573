/* One alarm: its copies and its JSON. Values alone. */
#include "alarms_set.h"

#include "memory.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *alarm_change_name(enum alarm_change change)
{
    static const char *const names[] = {"raised", "repeated", "cleared"};

    return names[change];
}

struct alarm *alarm_copy(const struct alarm *alarm)
{
    struct alarm *copy = memory_new(struct alarm);

    *copy = *alarm;
    copy->database = memory_copy(alarm->database);
    copy->path = memory_copy(alarm->path);
    copy->metric = alert_metric(alarm->metric)->name;
    copy->subject = memory_copy(alarm->subject);
    copy->text = memory_copy(alarm->text);
    return copy;
}

void alarm_free(struct alarm *alarm)
{
    free((void *)alarm->database);
    free((void *)alarm->path);
    free((void *)alarm->subject);
    free((void *)alarm->text);
    free(alarm);
}

void alarm_say(struct alarm *alarm, const char *text)
{
    char *copy = memory_copy(text); /* which may be the alarm's own */

    free((void *)alarm->text);
    alarm->text = copy;
}

static json_t *alarm_text(const char *text)
{
    json_t *string = text ? json_string(text) : NULL;

    return string ? string : json_null();
}

static json_t *alarm_number(double number)
{
    if (number < 0)
        return json_null();
    return number < 1e15 && number == floor(number) ? json_integer((json_int_t)number)
                                                    : json_real(number);
}

json_t *alarm_json(const struct alarm *alarm)
{
    json_t *object = json_object();
    char time[TEXT_SHORT];

    json_object_set_new(object, "database", alarm_text(alarm->database));
    json_object_set_new(object, "path", alarm_text(alarm->path));
    json_object_set_new(object, "metric", alarm_text(alarm->metric));
    json_object_set_new(object, "subject", alarm_text(alarm->subject));
    json_object_set_new(object, "severity", alarm_text(alert_severity_name(alarm->severity)));
    json_object_set_new(object, "value", alarm_number(alarm->value));
    json_object_set_new(object, "threshold", alarm_number(alarm->threshold));
    json_object_set_new(object, "text", alarm_text(alarm->text));
    json_object_set_new(object, "raised", json_string(text_time(time, alarm->raised_us)));
    json_object_set_new(object, "advice", alarm_text(alert_advice(alarm->metric)));
    json_object_set_new(object, "raised_us", json_integer(alarm->raised_us));
    json_object_set_new(object, "told_us", json_integer(alarm->told_us));
    return object;
}

static const char *alarm_get(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static double alarm_get_number(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);

    return json_is_number(number) ? json_number_value(number) : -1;
}

bool alarm_read(const json_t *object, struct alarm *alarm)
{
    struct alarm made = {
        .database = alarm_get(object, "database"),
        .path = alarm_get(object, "path"),
        .metric = alarm_get(object, "metric"),
        .subject = alarm_get(object, "subject"),
        .value = alarm_get_number(object, "value"),
        .threshold = alarm_get_number(object, "threshold"),
        .text = alarm_get(object, "text"),
    };
    const struct alert_metric *metric = alert_metric(made.metric);
    const json_t *raised = json_object_get(object, "raised_us");
    const json_t *last = json_object_get(object, "told_us");

    if (!metric || !made.text || !json_is_integer(raised) || !json_is_integer(last) ||
        !alert_severity_read(alarm_get(object, "severity"), &made.severity))
        return false;
    if (!made.path != !!(metric->flags & ALERT_OF_DAEMON) || !made.path != !made.database)
        return false;
    made.raised_us = json_integer_value(raised);
    made.told_us = json_integer_value(last);
    *alarm = made;
    return true;
}
