/* What the daemon tells its service manager: sd_notify(3). Does nothing where there is none. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void); /* with the monotonic time that Type=notify-reload needs */
void notify_stopping(void);
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
void notify_alive(void); /* feeds the watchdog */
/* More time to stop in: EXTEND_TIMEOUT_USEC. */
void notify_extend(int64_t us);

/* How often notify_alive must be called, half of WatchdogSec; 0: nobody waits for it. */
int64_t notify_watchdog_us(void);

#endif
