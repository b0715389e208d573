/*
 * Records (recorder.h) what litekeeper and an application do to their files, SQLite's calls
 * included. Each call and its entry are one under a lock of all who record, so that the order of
 * the entries is that of the calls. A file is made by the first write to it; that is exact enough,
 * since SQLite syncs a folder only behind the first write to a new file there.
 */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t length, off64_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off64_t offset);
int __real_ftruncate64(int fd, off64_t size);
int __wrap_ftruncate64(int fd, off64_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

static struct {
    pid_t process; /* a child's lock is its own */
    int fd;
    char folder[PATH_MAX];
} recorder;

static bool recorder_open(void)
{
    if (recorder.process == getpid())
        return true;
    int fd = open(RECORDER_FILE, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (!getcwd(recorder.folder, sizeof recorder.folder))
        abort();
    recorder.fd = fd;
    recorder.process = getpid();
    return true;
}

/* Whether a file of that path is one of the folder's that matter; SQLite makes its -shm anew. */
static bool recorder_name(const char *path, struct recorder_entry *entry)
{
    path += strncmp(path, "./", 2) == 0 ? 2 : 0;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t folder = strlen(recorder.folder), length = strlen(name);

    if (slash && ((size_t)(slash - path) != folder || memcmp(path, recorder.folder, folder) != 0))
        return false;
    if (length >= sizeof entry->name || strcmp(name, RECORDER_FILE) == 0 ||
        (length > 4 && strcmp(name + length - 4, "-shm") == 0))
        return false;
    strcpy(entry->name, name);
    return true;
}

/* The lock, if that path is to be recorded; recorder_end() ends it. */
static bool recorder_begin(const char *path, struct recorder_entry *entry)
{
    if (entry->call == RECORDER_SYNC && strcmp(path, recorder.folder) == 0)
        entry->call = RECORDER_SYNC_FOLDER;
    else if (!recorder_name(path, entry))
        return false;
    while (flock(recorder.fd, LOCK_EX) < 0)
        if (errno != EINTR)
            abort();
    return true;
}

static bool recorder_begin_fd(int fd, struct recorder_entry *entry)
{
    int before = errno;
    char link[32], path[PATH_MAX];
    ssize_t length = -1;

    if (recorder_open()) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        length = readlink(link, path, sizeof path - 1);
    }
    errno = before;
    if (length <= 0)
        return false;
    path[length] = '\0';
    return recorder_begin(path, entry);
}

/* `done` is what the call returned; one that failed leaves no entry. */
static void recorder_end(struct recorder_entry *entry, const void *bytes, ssize_t done)
{
    int before = errno;

    if (done >= 0) {
        entry->length = entry->call == RECORDER_WRITE ? (int32_t)done : 0;
        struct iovec parts[] = {{entry, sizeof *entry},
                                {(void *)(uintptr_t)bytes, (size_t)entry->length}};
        if (writev(recorder.fd, parts, 2) != (ssize_t)(parts[0].iov_len + parts[1].iov_len))
            abort();
    }
    flock(recorder.fd, LOCK_UN);
    errno = before;
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    struct recorder_entry entry = {.call = RECORDER_WRITE, .offset = offset};
    bool recorded = recorder_begin_fd(fd, &entry);
    ssize_t done = __real_pwrite64(fd, bytes, length, offset);

    if (recorded)
        recorder_end(&entry, bytes, done);
    return done;
}

int __wrap_ftruncate64(int fd, off64_t size)
{
    struct recorder_entry entry = {.call = RECORDER_TRUNCATE, .offset = size};
    bool recorded = recorder_begin_fd(fd, &entry);
    int done = __real_ftruncate64(fd, size);

    if (recorded)
        recorder_end(&entry, NULL, done);
    return done;
}

int __wrap_ftruncate(int fd, off_t size)
{
    return __wrap_ftruncate64(fd, size);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return __wrap_pwrite64(fd, bytes, length, offset);
}

static int recorder_sync(int fd, int (*sync)(int))
{
    struct recorder_entry entry = {.call = RECORDER_SYNC};
    bool recorded = recorder_begin_fd(fd, &entry);
    int done = sync(fd);

    if (recorded)
        recorder_end(&entry, NULL, done);
    return done;
}

int __wrap_fsync(int fd)
{
    return recorder_sync(fd, __real_fsync);
}

int __wrap_fdatasync(int fd)
{
    return recorder_sync(fd, __real_fdatasync);
}

int __wrap_unlink(const char *path)
{
    struct recorder_entry entry = {.call = RECORDER_UNLINK};
    bool recorded = recorder_open() && recorder_begin(path, &entry);
    int done = __real_unlink(path);

    if (recorded)
        recorder_end(&entry, NULL, done);
    return done;
}
