/* Holds a decision against the policy's window. Runs in the worker, just before it acts. */
#include "engine_window.h"

#include "text.h"
#include "window.h"

#include <stdio.h>

/* "19 rows; WHAT", and a moment where there is one. */
static enum engine_window engine_window_say(enum engine_window verdict,
                                            const struct decision *decision, char *reason,
                                            const char *what, int64_t opens_us)
{
    char time[TEXT_SHORT];

    snprintf(reason, OUTCOME_REASON, "%.400s; %s%s", decision->reason, what,
             opens_us < INT64_MAX ? text_time(time, opens_us) : "");
    return verdict;
}

enum engine_window engine_window(const struct window_list *window, int64_t now_us,
                                 const struct decision *decision, char *reason)
{
    double needed = decision->part_seconds > 0 ? decision->part_seconds : decision->seconds;
    double needed_us = needed > 0 ? needed * 1e6 : 0;
    int64_t fits_us = INT64_MAX;

    if (!decision->needs_window)
        return ENGINE_WINDOW_OPEN;
    if (window_next(window, now_us) == INT64_MAX)
        return engine_window_say(ENGINE_WINDOW_NEVER, decision, reason,
                                 "it would block the application, and the policy has no window for "
                                 "that",
                                 INT64_MAX);
    if (needed_us < (double)INT64_MAX)
        fits_us = window_fits(window, now_us, (int64_t)needed_us);
    if (fits_us == INT64_MAX)
        return engine_window_say(ENGINE_WINDOW_NEVER, decision, reason,
                                 "it would block the application for longer than the window is "
                                 "open",
                                 INT64_MAX);
    if (fits_us > now_us)
        return engine_window_say(ENGINE_WINDOW_WAITS, decision, reason,
                                 "it waits for the window that opens at ", fits_us);
    return ENGINE_WINDOW_OPEN;
}
