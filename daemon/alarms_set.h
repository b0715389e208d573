/* What the files of alarms share: the alarms themselves, in their order. */
#ifndef ALARMS_SET_H
#define ALARMS_SET_H

#include "alarms.h"

#include <stddef.h>

/* A task that did not get at its database, so many times in a row. */
struct alarms_streak {
    char *path, *subject;
    unsigned count;
};

struct alarms {
    struct alarms_host host;
    struct alarm **items; /* by path, metric, subject and, but for conditions, severity */
    size_t count;
    struct alarms_streak *streaks;
    size_t streak_count;
};

struct alarm *alarm_copy(const struct alarm *alarm);
void alarm_free(struct alarm *alarm);
void alarm_say(struct alarm *alarm, const char *text); /* sets its text to a copy */
/* What alarm_json has made; the texts are the object's. False: it makes no sense. */
bool alarm_read(const json_t *object, struct alarm *alarm);

/* The first of that path, or where it would be; NULL: of litekeeper itself. */
size_t alarms_first(const struct alarms *alarms, const char *path);
/* Whether the one at `at` is there and of that path. */
bool alarms_of(const struct alarms *alarms, size_t at, const char *path);
/* The alarm that is about the same as `key`; NULL: it is not raised. */
struct alarm *alarms_find(const struct alarms *alarms, const struct alarm *key);

void alarms_tell(struct alarms *alarms, enum alarm_change change, const struct alarm *alarm);
/* Adds a copy. */
void alarms_add(struct alarms *alarms, const struct alarm *alarm);
/* Clears the one at `at`, for the reason `text`. */
void alarms_clear(struct alarms *alarms, size_t at, const char *text);
/* What is known of `alarm` now: raises it, brings it up to date, or clears it. Whether it was
 * raised by that. */
bool alarms_update(struct alarms *alarms, const struct alarm *alarm, bool holds, int64_t now_us);

/* Starts the task that the alert, which may be NULL, asks for. */
void alarms_start(struct alarms *alarms, const struct alarms_database *database,
                  const struct alert_options *alert);

/* What an outcome says of its task: alarms_task.c. */
void alarms_task(struct alarms *alarms, const struct alarms_database *database,
                 const json_t *outcome, int64_t now_us);
/* Forgets the streaks of tasks that `config` doesn't have; NULL: all of that path. */
void alarms_task_settle(struct alarms *alarms, const char *path,
                        const struct config_database *config);
/* Whether it has the task that is so called: "retention logs". */
bool alarms_task_exists(const struct config_database *config, const char *subject);
void alarms_task_free(struct alarms *alarms);

#endif
