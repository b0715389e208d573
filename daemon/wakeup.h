/*
 * The daemon's wall clock: calls at a moment, and at once when the clock was set. Runs on the
 * loop; costs nothing while it waits.
 */
#ifndef WAKEUP_H
#define WAKEUP_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct wakeup;

/* `due` is called after the moment of wakeup_at, or, with `set`, after the clock was set. */
enum status wakeup_open(uv_loop_t *loop, void (*due)(void *argument, bool set), void *argument,
                        struct wakeup **wakeup, struct error *error) MUST_CHECK;
void wakeup_close(struct wakeup *wakeup); /* safe on NULL */

/* The one moment (UTC, microseconds) at which to call; INT64_MAX: none. */
void wakeup_at(struct wakeup *wakeup, int64_t at_us);

/* What the daemon takes for now. */
int64_t wakeup_now(void);

/* For tests: time stands still at that moment, and nobody is called by itself. */
void wakeup_pretend(int64_t now_us);
/* Whether time is pretended: then jobs are told what now is. */
bool wakeup_pretends(void);

#endif
