/*
 * Watches the folder, since the journal comes and goes, and keeps to the journal's name. Our own
 * commit deletes the journal while we hold the lock, so whatever is seen after that deletion is
 * somebody else's. Never opens or changes a file. Owned by the worker's one thread.
 */
#include "journalwatch.h"

#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    WATCH_EVENTS = IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO,
    WATCH_GONE = IN_DELETE | IN_MOVED_FROM,
    WATCH_BYTES = 1 << 16,
    WATCH_F2FS = 0xF2F52010 /* linux/magic.h */
};

struct journalwatch {
    int notices; /* of inotify */
    char *name;  /* of the journal */
    bool own;    /* the next deletion is that of our commit */
    bool seen;   /* somebody else has used it */
    _Alignas(struct inotify_event) char bytes[WATCH_BYTES];
};

static bool watch_needs_none(void)
{
    struct statfs about;

    return statfs(".", &about) == 0 && (uint32_t)about.f_type == (uint32_t)WATCH_F2FS;
}

enum status journalwatch_open(const char *name, struct journalwatch **result, struct error *error)
{
    if (watch_needs_none()) {
        *result = NULL;
        return STATUS_OK;
    }
    int notices = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (notices < 0 || inotify_add_watch(notices, ".", WATCH_EVENTS | IN_ONLYDIR) < 0) {
        enum status status =
            error_set(error, STATUS_REFUSED,
                      "whether others write without a journal can't be watched: %s%s",
                      strerror(errno),
                      errno == EMFILE || errno == ENOSPC
                          ? "; raise fs.inotify.max_user_instances or fs.inotify.max_user_watches"
                          : "");
        if (notices >= 0)
            close(notices);
        return status;
    }
    struct journalwatch *watch = memory_new(struct journalwatch);
    watch->notices = notices;
    watch->name = memory_format("%s-journal", name);
    *result = watch;
    return STATUS_OK;
}

void journalwatch_close(struct journalwatch *watch)
{
    if (!watch)
        return;
    close(watch->notices);
    free(watch->name);
    free(watch);
}

/* Where the kernel has lost some, or the folder is gone, everything may have been. */
static void watch_take(struct journalwatch *watch, const struct inotify_event *event)
{
    if (event->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT)) {
        watch->seen = true;
    } else if (event->len && strcmp(event->name, watch->name) == 0) {
        watch->seen = watch->seen || !watch->own;
        if (event->mask & WATCH_GONE)
            watch->own = false;
    }
}

static void watch_read(struct journalwatch *watch)
{
    ssize_t length;

    while ((length = read(watch->notices, watch->bytes, sizeof watch->bytes)) > 0)
        for (const char *at = watch->bytes; at < watch->bytes + length;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            watch_take(watch, event);
            at += sizeof *event + event->len;
        }
    if (length < 0 && errno != EAGAIN)
        watch->seen = true;
}

bool journalwatch_used(struct journalwatch *watch)
{
    watch_read(watch);
    bool seen = watch->seen;
    watch->own = watch->seen = false;
    return seen;
}

void journalwatch_commit(struct journalwatch *watch)
{
    watch_read(watch);
    watch->seen = false;
    watch->own = true;
}
