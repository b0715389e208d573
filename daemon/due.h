/* When a task of the policy is due, for a certain file. Pure; UTC in microseconds since 1970. */
#ifndef DUE_H
#define DUE_H

#include "config.h"
#include "schedule.h"

/* By its schedule and its database's jitter, for the file at `path`; INT64_MAX: never. `past` is
 * settled; a moment that has gone by means now. */
int64_t due_moment(const struct config_database *database, const struct config_task *task,
                   const char *path, const struct schedule_past *past, int64_t now_us);

/* The same for a task that waits for the policy's window: when that is open, from the moment that
 * it is due (and from now) on. `seconds` is what it is expected to take, -1 where unknown; where no
 * window is that long the next one counts. INT64_MAX: never. */
int64_t due_in_window(const struct config_database *database, int64_t due_us, int64_t now_us,
                      double seconds);

#endif
