/* When tasks are due: the policy's part of it, where lib/schedule has the calendar's. */
#include "due.h"

#include "window.h"

int64_t due_moment(const struct config_database *database, const struct config_task *task,
                   const char *path, const struct schedule_past *past, int64_t now_us)
{
    const struct task_common *common = task->options;
    int64_t jitter_us = schedule_jitter(path, &database->limits.jitter);

    return schedule_due(common->schedule, past, jitter_us, now_us);
}

int64_t due_in_window(const struct config_database *database, int64_t due_us, int64_t now_us,
                      double seconds)
{
    const struct window_list *window = database->limits.window;
    int64_t from_us = due_us > now_us ? due_us : now_us, fits_us = INT64_MAX;

    if (due_us == INT64_MAX)
        return INT64_MAX;
    if (seconds * 1e6 < (double)INT64_MAX)
        fits_us = window_fits(window, from_us, (int64_t)(seconds * 1e6));
    return fits_us < INT64_MAX ? fits_us : window_next(window, from_us);
}
