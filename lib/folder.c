/*
 * Walks a path one part at a time, each relative to the folder before it. Runs in the worker,
 * which alone may hang if a mount does; never opens anything but folders, and those with O_PATH.
 */
#include "folder.h"

#include "filesystem.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_LINKS = 40 }; /* as many as the kernel follows: path_resolution(7) */

struct folder_walk {
    int folder; /* where we are */
    char *rest; /* what is left of the path */
    int links;  /* followed so far */
};

/* Moves the walk to `folder`, which becomes the walk's. */
static void folder_enter(struct folder_walk *walk, int folder)
{
    close(walk->folder);
    walk->folder = folder;
}

/* Takes the next part off the rest, into `part`; false at the end. */
static bool folder_part(struct folder_walk *walk, char part[NAME_MAX + 1], struct error *error)
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(start, "/");

    if (length > NAME_MAX) {
        error_set(error, STATUS_REFUSED, "a part of its path is longer than %d bytes", NAME_MAX);
        return false;
    }
    memcpy(part, start, length);
    part[length] = '\0';
    memmove(walk->rest, start + length, strlen(start + length) + 1);
    return length > 0;
}

/* Whether nobody but root and us could have put the link where it is. A link can't be written,
 * but whoever may write to its folder may rename one into place, and a hard link (nlink > 1) puts
 * somebody's link into another folder. */
static bool folder_trusts(const struct stat *folder, const struct stat *link)
{
    uid_t us = geteuid();
    bool link_ours = link->st_uid == 0 || link->st_uid == us;
    bool folder_ours = folder->st_uid == 0 || folder->st_uid == us;
    bool shared = folder->st_mode & (S_IWGRP | S_IWOTH);

    return link_ours && folder_ours && link->st_nlink == 1 &&
           (!shared || (folder->st_mode & S_ISVTX));
}

/* Puts the target of the link in front of the rest. */
static enum status folder_follow(struct folder_walk *walk, int link, struct error *error)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);

    if (length <= 0 || ++walk->links > FOLDER_LINKS)
        return error_set(error, STATUS_REFUSED, "its path has a symbolic link that leads nowhere");
    target[length] = '\0';
    char *rest = memory_format("%s/%s", target, walk->rest);
    free(walk->rest);
    walk->rest = rest;
    if (target[0] != '/')
        return STATUS_OK;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return error_set(error, STATUS_FAILED, "can't open /: %s", strerror(errno));
    folder_enter(walk, root);
    return STATUS_OK;
}

/* `part` is not a folder: a link that we may follow, or the end of the walk. */
static enum status folder_link(struct folder_walk *walk, const char *part, struct error *error)
{
    struct stat folder, link;
    enum status status;
    int fd = openat(walk->folder, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &link) < 0 || fstat(walk->folder, &folder) < 0)
        status = error_set(error, STATUS_REFUSED, "\"%s\" in its path can't be looked at: %s", part,
                           strerror(errno));
    else if (!S_ISLNK(link.st_mode))
        status = error_set(error, STATUS_REFUSED, "\"%s\" in its path is not a folder", part);
    else if (!folder_trusts(&folder, &link))
        status = error_set(error, STATUS_REFUSED,
                           "\"%s\" in its path is a symbolic link that another user could have "
                           "made; use the path without it",
                           part);
    else
        status = folder_follow(walk, fd, error);
    if (fd >= 0)
        close(fd);
    return status;
}

static enum status folder_step(struct folder_walk *walk, const char *part, struct error *error)
{
    /* O_DIRECTORY, since O_PATH alone doesn't wake an automount: open(2) */
    int fd = openat(walk->folder, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0) {
        folder_enter(walk, fd);
        return STATUS_OK;
    }
    if (errno == ENOTDIR || errno == ELOOP)
        return folder_link(walk, part, error);
    if (errno == ENOENT)
        return error_set(error, STATUS_REFUSED, "there is no folder \"%s\" in its path", part);
    int problem = errno;
    if (filesystem_check(walk->folder, error)) /* FUSE lets nobody in but who mounted it */
        return STATUS_REFUSED;
    return error_set(error, STATUS_REFUSED, "\"%s\" in its path can't be reached: %s", part,
                     strerror(problem));
}

static enum status folder_walk(struct folder_walk *walk, struct error *error)
{
    char part[NAME_MAX + 1];
    struct error wrong = {0};
    enum status status = STATUS_OK;

    while (!status && folder_part(walk, part, &wrong))
        status = folder_step(walk, part, &wrong);
    if (wrong.status)
        *error = wrong;
    return wrong.status;
}

enum status folder_open(const char *path, int *folder, const char **name, struct error *error)
{
    const char *last = strrchr(path, '/');

    if (path[0] != '/')
        return error_set(error, STATUS_REFUSED, "not an absolute path");
    if (!strcmp(last, "/") || !strcmp(last, "/.") || !strcmp(last, "/.."))
        return error_set(error, STATUS_REFUSED, "names a folder, not a file");
    struct folder_walk walk = {.folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (walk.folder < 0)
        return error_set(error, STATUS_FAILED, "can't open /: %s", strerror(errno));
    walk.rest = memory_copy_length(path, (size_t)(last - path));
    enum status status = folder_walk(&walk, error);
    free(walk.rest);
    if (status) {
        close(walk.folder);
        return status;
    }
    *folder = walk.folder;
    *name = last + 1;
    return STATUS_OK;
}
