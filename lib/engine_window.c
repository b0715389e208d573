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

/* How many seconds the window will be open when it is next; 0: it never is. */
static double engine_window_next(const struct window_list *window, int64_t from_us,
                                 int64_t *opens_us)
{
    *opens_us = window_next(window, from_us);
    return *opens_us < INT64_MAX ? (double)window_left(window, *opens_us) / 1e6 : 0;
}

enum engine_window engine_window(const struct window_list *window, int64_t now_us,
                                 const struct decision *decision, char *reason)
{
    int64_t opens_us, closes_us;
    double left = engine_window_next(window, now_us, &opens_us);
    double needed = decision->part_seconds > 0 ? decision->part_seconds : decision->seconds;
    bool open = opens_us <= now_us;

    if (!decision->needs_window || (open && needed <= left))
        return ENGINE_WINDOW_OPEN;
    if (open) { /* too late for this one; the next may be longer than what is left of it */
        closes_us = now_us + window_left(window, now_us);
        left = engine_window_next(window, closes_us, &opens_us);
    }
    if (opens_us == INT64_MAX)
        return engine_window_say(ENGINE_WINDOW_NEVER, decision, reason,
                                 "it would block the application, and the policy has no window for "
                                 "that",
                                 INT64_MAX);
    if (needed > left)
        return engine_window_say(ENGINE_WINDOW_NEVER, decision, reason,
                                 "it would block the application for longer than the window is "
                                 "open",
                                 INT64_MAX);
    return engine_window_say(ENGINE_WINDOW_WAITS, decision, reason,
                             "it waits for the window that opens at ", opens_us);
}
