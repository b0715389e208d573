/*
 * A litekeeper for whom no write to a file is ever complete: each takes a part of what it is given,
 * as POSIX allows, of our own files and of SQLite's. Linked with --wrap=write.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);

/* Of a file; pipes and sockets are not what is tested. */
static size_t stingy_part(int fd, size_t length)
{
    struct stat about;

    if (length < 2 || fstat(fd, &about) < 0 || !S_ISREG(about.st_mode))
        return length;
    return 1 + (size_t)random() % (length - 1);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
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
