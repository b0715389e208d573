/*
 * A litekeeper for whom no write to a file is ever complete: each takes a part of what it is given,
 * as POSIX allows, of our own files and of SQLite's. And where the folder that a process works in
 * has a file "stingy" with "read 7" or "write 7", the seventh such call of our own on a file fails
 * with EIO. Linked with --wrap=write and --wrap=read.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
ssize_t __real_read(int fd, void *bytes, size_t length);
ssize_t __wrap_read(int fd, void *bytes, size_t length);

/* Pipes and sockets are not what is tested. */
static bool stingy_is_file(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

static size_t stingy_part(int fd, size_t length)
{
    return length < 2 || !stingy_is_file(fd) ? length : 1 + (size_t)random() % (length - 1);
}

/* Whether it is the call that fails; each call of that kind counts. */
static bool stingy_fails(int fd, const char *call)
{
    static char what[16];
    static int left = -1;
    int number = 0;

    if (!stingy_is_file(fd))
        return false;
    if (left < 0) {
        FILE *order = fopen("stingy", "re");
        left = order && fscanf(order, "%15s %d", what, &number) == 2 ? number : 0;
        if (order)
            fclose(order);
    }
    return left > 0 && strcmp(call, what) == 0 && --left == 0;
}

static ssize_t stingy_failed(void)
{
    errno = EIO;
    return -1;
}

ssize_t __wrap_read(int fd, void *bytes, size_t length)
{
    return stingy_fails(fd, "read") ? stingy_failed() : __real_read(fd, bytes, length);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    if (stingy_fails(fd, "write"))
        return stingy_failed();
    return __real_write(fd, bytes, stingy_part(fd, length));
}

static ssize_t stingy_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return pwrite(fd, bytes, stingy_part(fd, length), offset);
}

/* SQLite's system calls stay as they are set when it is initialised anew. */
__attribute__((constructor)) static void stingy_begin(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");

    srandom((unsigned)getpid());
    vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)__wrap_write);
    vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)stingy_pwrite);
    vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)stingy_pwrite);
    sqlite3_shutdown();
}
