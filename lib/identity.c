/*
 * Looks at a database's file from outside, by stat alone, and says whether it may be touched.
 * Runs in the worker, with the rights that it was started with, and again after they are gone;
 * never opens the file.
 */
#include "identity.h"

#include "filesystem.h"
#include "folder.h"
#include "outcome.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const identity_suffixes[] = {"-wal", "-shm", "-journal", NULL};

static const struct {
    mode_t type;
    const char *name;
} identity_types[] = {
    {S_IFDIR, "a folder"},           {S_IFIFO, "a FIFO"},         {S_IFLNK, "a symbolic link"},
    {S_IFCHR, "a character device"}, {S_IFBLK, "a block device"}, {S_IFSOCK, "a socket"},
};

static const char *identity_type(mode_t mode)
{
    for (size_t i = 0; i < sizeof identity_types / sizeof *identity_types; i++)
        if (identity_types[i].type == (mode & S_IFMT))
            return identity_types[i].name;
    return "of an unknown type";
}

enum { IDENTITY_USER = 64 };

/* Who that is, for people: "alice", or "user 1234" where no name is known. Writes into a buffer of
 * IDENTITY_USER bytes and returns it. May ask the network (nsswitch.conf(5)), and so hang. */
static const char *identity_user(char *buffer, uid_t user)
{
    struct passwd entry, *found = NULL;
    char names[4096];

    if (getpwuid_r(user, &entry, names, sizeof names, &found) == 0 && found)
        snprintf(buffer, IDENTITY_USER, "%s", entry.pw_name);
    else
        snprintf(buffer, IDENTITY_USER, "user %lu", (unsigned long)user);
    return buffer;
}

static bool identity_ends(const char *name, const char *const *suffixes)
{
    size_t length = strlen(name);

    for (; *suffixes; suffixes++) {
        size_t tail = strlen(*suffixes);
        if (length >= tail && strcmp(name + length - tail, *suffixes) == 0)
            return true;
    }
    return false;
}

bool identity_beside(const char *name)
{
    static const char *const copies[] = {IDENTITY_COPY, IDENTITY_PART, IDENTITY_KEPT, IDENTITY_MARK,
                                         NULL};

    return identity_ends(name, identity_suffixes) || identity_ends(name, copies);
}

static void identity_of(const struct stat *about, struct identity *identity)
{
    *identity = (struct identity){.device = about->st_dev,
                                  .inode = about->st_ino,
                                  .owner = about->st_uid,
                                  .group = about->st_gid};
}

bool identity_same(const struct identity *one, const struct identity *other)
{
    return one->device == other->device && one->inode == other->inode && one->owner == other->owner;
}

/* A regular file that has no other name: another name may be in another user's folder, and have
 * a -wal of its own (sqlite.org/howtocorrupt.html, section 2.5). */
static enum status identity_plain(const struct stat *about, struct error *error)
{
    if (S_ISLNK(about->st_mode))
        return error_set(error, STATUS_REFUSED,
                         "is a symbolic link; use the path of the file that it points to");
    if (!S_ISREG(about->st_mode))
        return error_set(error, STATUS_REFUSED, "is %s, not a file", identity_type(about->st_mode));
    if (about->st_nlink != 1)
        return error_set(error, STATUS_REFUSED,
                         "has %lu hard links, so that it may be opened under another name; remove "
                         "all but one",
                         (unsigned long)about->st_nlink);
    return STATUS_OK;
}

/* Where the file is being removed in that very moment, it may still be found and have no link any
 * more: then it is not there. So go the journals of rollback-journal mode, with each commit. */
static int identity_lstat(int folder, const char *name, struct stat *about)
{
    int found = fstatat(folder, name, about, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);

    if (found < 0 || about->st_nlink > 0)
        return found;
    errno = ENOENT;
    return -1;
}

static enum status identity_stat(int folder, const char *name, struct stat *about,
                                 struct error *error)
{
    if (identity_lstat(folder, name, about) == 0)
        return STATUS_OK;
    if (errno == ENOENT)
        return error_refuse(error, OUTCOME_GUARD_FILE, "there is no such file");
    return error_set(error, STATUS_REFUSED, "can't be looked at: %s", strerror(errno));
}

/* A file that is mounted by itself has another folder on the other side of the mount, with a -wal
 * of its own (howtocorrupt.html again). Kernels before 5.8 don't say. */
static enum status identity_unmounted(int folder, const char *name, struct error *error)
{
    const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    struct statx about;

    if (statx(folder, name, flags, 0, &about) == 0 && about.stx_attributes & STATX_ATTR_MOUNT_ROOT)
        return error_set(error, STATUS_REFUSED,
                         "is mounted there as a single file, apart from its -wal; mount its "
                         "folder instead");
    return STATUS_OK;
}

/* SQLite would follow a link there, or wait for ever at a FIFO. */
static enum status identity_besides(int folder, const char *name, struct error *error)
{
    for (const char *const *suffix = identity_suffixes; *suffix; suffix++) {
        char beside[512];
        struct error wrong;
        struct stat about;

        snprintf(beside, sizeof beside, "%s%s", name, *suffix);
        if (identity_lstat(folder, beside, &about) < 0)
            continue;
        if (identity_plain(&about, &wrong))
            return error_set(error, wrong.status, "its %s %.400s", *suffix, wrong.text);
    }
    return STATUS_OK;
}

/* Root's file in a folder of others: they could put a journal beside it, and root would play it
 * back. The group's bits count ACLs too (acl(5): the mask is shown there). */
static enum status identity_root(int folder, struct error *error)
{
    struct stat about;

    if (fstat(folder, &about) < 0)
        return error_set(error, STATUS_REFUSED, "its folder can't be looked at: %s",
                         strerror(errno));
    if (about.st_uid != 0 || about.st_mode & (S_IWGRP | S_IWOTH))
        return error_set(error, STATUS_REFUSED,
                         "belongs to root in a folder that others can write to; give the file to "
                         "the application's user, or the folder to root alone");
    return STATUS_OK;
}

static enum status identity_owner(int folder, uid_t owner, struct error *error)
{
    char name[IDENTITY_USER];

    if (geteuid() != 0 && owner != geteuid())
        return error_set(error, STATUS_REFUSED, "belongs to %s; run litekeeper as root%s%s",
                         identity_user(name, owner), owner ? " or as " : "", owner ? name : "");
    return owner == 0 && geteuid() == 0 ? identity_root(folder, error) : STATUS_OK;
}

/* STATUS_REFUSED with the file system's name where `folder` is on a network or FUSE mount. */
static enum status identity_local(int folder, struct error *error)
{
    return filesystem_check(folder, error);
}

static enum status identity_look(int folder, const char *name, struct identity *identity,
                                 struct error *error)
{
    struct stat about;

    enum status status = identity_local(folder, error);
    if (!status)
        status = identity_stat(folder, name, &about, error);
    if (!status)
        status = identity_plain(&about, error);
    if (!status)
        status = identity_unmounted(folder, name, error);
    if (!status)
        status = identity_owner(folder, about.st_uid, error);
    if (!status)
        status = identity_besides(folder, name, error);
    if (!status)
        identity_of(&about, identity);
    return status;
}

enum status identity_find_in(int folder, const char *name, struct identity *identity,
                             struct error *error)
{
    enum status status =
        identity_beside(name)
            ? error_set(error, STATUS_REFUSED,
                        "is a file that SQLite or litekeeper keeps beside a database; name the "
                        "database")
            : identity_look(folder, name, identity, error);

    if (status)
        text_sanitize(error->text);
    return status;
}

enum status identity_find(const char *path, int *folder, const char **name,
                          struct identity *identity, struct error *error)
{
    const char *bare;
    int opened = -1;
    enum status status = folder_open(path, &opened, &bare, error);

    if (status) {
        text_sanitize(error->text);
        return status;
    }
    status = identity_find_in(opened, bare, identity, error);
    if (status) {
        close(opened);
        return status;
    }
    *folder = opened;
    *name = bare;
    return STATUS_OK;
}

enum status identity_check(int folder, const char *name, const struct identity *seen,
                           struct error *error)
{
    struct identity now;
    struct stat about;

    enum status status = identity_stat(folder, name, &about, error);
    if (!status)
        status = identity_plain(&about, error);
    if (status)
        return status;
    identity_of(&about, &now);
    if (!identity_same(&now, seen))
        return error_refuse(error, OUTCOME_GUARD_FILE,
                            "was replaced by another file since it was found; it is looked for "
                            "again with the next run");
    return STATUS_OK;
}
