/* It is filled by a file of its own, "ballast". */
#include "lib_small.h"

#include "lib_folder.h"
#include "lib_skip.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

bool small_mount(const char *name, const char *options)
{
    char *folder = folder_path(name);

    mkdir(folder, 0755);
    bool mounted = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
                   mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                   mount("small", folder, "tmpfs", MS_NOSUID, options) == 0;
    if (!mounted)
        skip("needs root and a mount namespace");
    free(folder);
    return mounted;
}

void small_unmount(const char *name)
{
    char *folder = folder_path(name);

    umount2(folder, MNT_DETACH);
    free(folder);
}

void small_writable(const char *name, bool writable)
{
    char *folder = folder_path(name);
    unsigned long flags = MS_REMOUNT | MS_NOSUID | (writable ? 0 : MS_RDONLY);

    ck_assert_int_eq(mount(NULL, folder, NULL, flags, NULL), 0);
    free(folder);
}

int64_t small_room(const char *name)
{
    char *folder = folder_path(name);
    struct statvfs about;

    ck_assert_int_eq(statvfs(folder, &about), 0);
    free(folder);
    return (int64_t)about.f_bavail * (int64_t)about.f_frsize;
}

static char *small_ballast(const char *name)
{
    char *ballast = memory_format("%s/ballast", name), *path = folder_path(ballast);

    free(ballast);
    return path;
}

void small_fill(const char *name, int64_t leave)
{
    char *path = small_ballast(name);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct stat about;

    ck_assert_int_ge(file, 0);
    for (int64_t room; (room = small_room(name) - leave) > 0;)
        if (fstat(file, &about) || fallocate(file, 0, about.st_size, room))
            break;
    close(file);
    free(path);
}

void small_empty(const char *name)
{
    char *path = small_ballast(name);

    unlink(path);
    free(path);
}
