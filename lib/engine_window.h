/*
 * Whether a decision may be carried out now: what blocks the application runs in the policy's
 * window alone, and only if it is expected to end in it. Pure.
 */
#ifndef ENGINE_WINDOW_H
#define ENGINE_WINDOW_H

#include "task.h"

#include <stdint.h>

struct window_list;

enum engine_window {
    ENGINE_WINDOW_OPEN,  /* it may */
    ENGINE_WINDOW_WAITS, /* not now: it stays due until a window opens */
    ENGINE_WINDOW_NEVER  /* no window is long enough, or there is none */
};

/* `window` may be NULL. Where it may not, `reason` (of OUTCOME_REASON bytes) gets the decision's
 * own reason and why not. */
enum engine_window engine_window(const struct window_list *window, int64_t now_us,
                                 const struct decision *decision, char *reason);

#endif
