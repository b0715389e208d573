/* A service manager's end of sd_notify(3): takes what a daemon says, by a thread of its own. */
#ifndef NOTIFIED_H
#define NOTIFIED_H

struct notified {
    int fd;
};

/* Listens at FOLDER/notify, and names it in the environment (NOTIFY_SOCKET). */
void notified_open(struct notified *notified, const char *folder);
/* Waits until that was said; ends the process if it isn't within `patience_ms`. */
void notified_await(struct notified *notified, const char *text, int patience_ms);
/* The longest time without WATCHDOG=1 since the last call. */
double notified_silence_ms(struct notified *notified);

#endif
