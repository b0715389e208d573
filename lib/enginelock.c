/*
 * The lock is an open file description's (F_OFD_SETLK in fcntl(2)), so SQLite's own POSIX locks
 * and its opening and closing of the file can't touch it. Runs in the worker, as the file's owner.
 * The descriptor is never closed: closing it would drop the POSIX locks that SQLite holds on the
 * same file in this process (sqlite.org/howtocorrupt.html, section 2.2); exit closes it.
 */
#include "enginelock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Beyond any database: SQLite's largest is 2^48 bytes (limits.html), its own lock bytes are 510 at
 * 2^30. Locks don't need bytes to be there. The first byte is the lock. An OFD lock doesn't tell
 * who has it, so the holder locks a second byte, whose place does: its process number behind the
 * first.
 */
static const off_t enginelock_byte = (off_t)1 << 50;

static int enginelock_set(int file, off_t byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(file, F_OFD_SETLK, &lock);
}

/* The process that holds the lock; 0 if it can't be told, since it is gone or was just starting. */
static long enginelock_holder(int file)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = enginelock_byte + 1};

    if (fcntl(file, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    return (long)(lock.l_start - enginelock_byte);
}

static enum status enginelock_busy(int file, struct error *error)
{
    long holder = enginelock_holder(file);

    if (holder > 0)
        return error_set(error, STATUS_BUSY,
                         "is being worked on by another litekeeper (process %ld); try later",
                         holder);
    return error_set(error, STATUS_BUSY, "is being worked on by another litekeeper; try later");
}

/* Locks an open file; a file that nobody can write needs no more than a read lock. */
static enum status enginelock_lock(int file, short type, struct error *error)
{
    if (enginelock_set(file, enginelock_byte, type) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            return enginelock_busy(file, error);
        return error_set(error, STATUS_REFUSED, "can't be locked on its file system: %s",
                         strerror(errno));
    }
    if (enginelock_set(file, enginelock_byte + getpid(), type) < 0)
        return error_set(error, STATUS_FAILED, "can't be locked: %s", strerror(errno));
    return STATUS_OK;
}

static enum status enginelock_same(int file, const struct identity *seen, struct error *error)
{
    struct stat about;

    if (fstat(file, &about) < 0)
        return error_set(error, STATUS_REFUSED, "can't be looked at: %s", strerror(errno));
    struct identity now = {about.st_dev, about.st_ino, about.st_uid, about.st_gid};
    if (!identity_same(&now, seen) || !S_ISREG(about.st_mode) || about.st_nlink != 1)
        return error_set(error, STATUS_REFUSED,
                         "was replaced by another file since it was found; it is looked for again "
                         "with the next run");
    return STATUS_OK;
}

enum status enginelock_take(const char *name, const struct identity *seen, struct error *error)
{
    /* O_NONBLOCK: should a FIFO have taken its place, opening must not wait */
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    short type = F_WRLCK;
    int file = open(name, O_RDWR | flags);

    if (file < 0 && (errno == EACCES || errno == EROFS)) {
        type = F_RDLCK;
        file = open(name, O_RDONLY | flags);
    }
    if (file < 0)
        return error_set(error, STATUS_REFUSED, "can't be opened by its owner: %s",
                         strerror(errno));
    enum status status = enginelock_same(file, seen, error);
    if (!status)
        status = enginelock_lock(file, type, error);
    if (status)
        close(file); /* SQLite has not opened it yet */
    return status;
}
