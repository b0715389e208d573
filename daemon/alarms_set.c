/*
 * The set of raised alarms, sorted, so that those of one database are found among those of ten
 * thousand; and its changes, each told once. Runs in the daemon.
 */
#include "alarms_set.h"

#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const int64_t alarms_day_us = INT64_C(86400) * 1000000;

struct alarms *alarms_new(const struct alarms_host *host)
{
    struct alarms *alarms = memory_new(struct alarms);

    alarms->host = *host;
    return alarms;
}

void alarms_free(struct alarms *alarms)
{
    if (!alarms)
        return;
    for (size_t i = 0; i < alarms->count; i++)
        alarm_free(alarms->items[i]);
    free(alarms->items);
    alarms_task_free(alarms);
    free(alarms);
}

static const char *alarms_or_none(const char *text)
{
    return text ? text : "";
}

static int alarms_compare(const struct alarm *one, const struct alarm *other)
{
    int order = strcmp(alarms_or_none(one->path), alarms_or_none(other->path));

    if (!order)
        order = strcmp(one->metric, other->metric);
    if (!order)
        order = strcasecmp(alarms_or_none(one->subject), alarms_or_none(other->subject));
    if (!order && !(alert_metric(one->metric)->flags & ALERT_CONDITION))
        order = (int)one->severity - (int)other->severity;
    return order;
}

/* Where the key is, or would be. */
static size_t alarms_place(const struct alarms *alarms, const struct alarm *key)
{
    size_t low = 0, high = alarms->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (alarms_compare(alarms->items[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t alarms_first(const struct alarms *alarms, const char *path)
{
    const struct alarm key = {.path = path, .metric = ""}; /* before every metric */

    return alarms_place(alarms, &key);
}

bool alarms_of(const struct alarms *alarms, size_t at, const char *path)
{
    return at < alarms->count &&
           strcmp(alarms_or_none(alarms->items[at]->path), alarms_or_none(path)) == 0;
}

struct alarm *alarms_find(const struct alarms *alarms, const struct alarm *key)
{
    size_t at = alarms_place(alarms, key);

    return at < alarms->count && alarms_compare(alarms->items[at], key) == 0 ? alarms->items[at]
                                                                             : NULL;
}

void alarms_tell(struct alarms *alarms, enum alarm_change change, const struct alarm *alarm)
{
    alarms->host.changed(alarms->host.argument, change, alarm);
}

void alarms_add(struct alarms *alarms, const struct alarm *alarm)
{
    size_t at = alarms_place(alarms, alarm), behind = alarms->count - at;

    alarms->items = memory_resize(alarms->items, alarms->count + 1, sizeof(struct alarm *));
    memmove(alarms->items + at + 1, alarms->items + at, behind * sizeof(struct alarm *));
    alarms->items[at] = alarm_copy(alarm);
    alarms->count++;
}

void alarms_clear(struct alarms *alarms, size_t at, const char *text)
{
    struct alarm *alarm = alarms->items[at];
    size_t behind = --alarms->count - at;

    memmove(alarms->items + at, alarms->items + at + 1, behind * sizeof(struct alarm *));
    alarm_say(alarm, text);
    alarms_tell(alarms, ALARM_CLEARED, alarm);
    alarm_free(alarm);
}

bool alarms_update(struct alarms *alarms, const struct alarm *alarm, bool holds, int64_t now_us)
{
    struct alarm *known = alarms_find(alarms, alarm), made = *alarm;

    if (known) {
        known->value = alarm->value;
        known->threshold = alarm->threshold;
        if (holds)
            alarm_say(known, alarm->text);
        else
            alarms_clear(alarms, alarms_place(alarms, alarm), alarm->text);
        return false;
    }
    if (!holds)
        return false;
    made.raised_us = made.told_us = now_us;
    alarms_add(alarms, &made);
    alarms_tell(alarms, ALARM_RAISED, alarms_find(alarms, &made));
    return true;
}

void alarms_recall(struct alarms *alarms, const json_t *row)
{
    struct alarm alarm;

    if (alarm_read(row, &alarm) && !alarms_find(alarms, &alarm))
        alarms_add(alarms, &alarm);
}

/* Tells of what has lasted for a day; true if it is over by that. */
static bool alarms_last(struct alarms *alarms, size_t at, int64_t now_us)
{
    struct alarm *alarm = alarms->items[at];

    if (alarm->told_us > now_us) /* the clock was set back */
        alarm->told_us = now_us;
    if (now_us - alarm->told_us < alarms_day_us)
        return false;
    alarm->told_us = now_us;
    if (alert_metric(alarm->metric)->flags & ALERT_PASSING) {
        alarms_clear(alarms, at, "it was a day ago");
        return true;
    }
    alarms_tell(alarms, ALARM_REPEATED, alarm);
    return false;
}

void alarms_tick(struct alarms *alarms, int64_t now_us)
{
    for (size_t i = 0; i < alarms->count;)
        i += !alarms_last(alarms, i, now_us);
}

size_t alarms_count(const struct alarms *alarms)
{
    return alarms->count;
}

static int alarms_older(const void *one, const void *other)
{
    const struct alarm *a = *(struct alarm *const *)one, *b = *(struct alarm *const *)other;

    if (a->raised_us != b->raised_us)
        return a->raised_us < b->raised_us ? -1 : 1;
    return alarms_compare(a, b);
}

json_t *alarms_list(const struct alarms *alarms, const char *path)
{
    size_t first = path ? alarms_first(alarms, path) : 0, count = 0;
    struct alarm **sorted = memory_zeroed(alarms->count + 1, sizeof *sorted);
    json_t *list = json_array();

    while (path ? alarms_of(alarms, first + count, path) : count < alarms->count) {
        sorted[count] = alarms->items[first + count];
        count++;
    }
    qsort(sorted, count, sizeof *sorted, alarms_older);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, alarm_json(sorted[i]));
    free(sorted);
    return list;
}
