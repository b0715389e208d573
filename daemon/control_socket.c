/*
 * Makes the control socket. Two daemons that start at once are told apart by a lock on a file
 * beside it, which the kernel lets go of with its holder; whatever else answers at that path is
 * left alone. Runs in the daemon.
 */
#include "control_socket.h"

#include "folder.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOCKET_BACKLOG = 128, SOCKET_PATH = sizeof((struct sockaddr_un *)NULL)->sun_path - 1 };

static enum status socket_address(const char *path, struct sockaddr_un *address,
                                  struct error *error)
{
    size_t length = strlen(path);

    if (length > SOCKET_PATH)
        return error_set(error, STATUS_INVALID,
                         "the socket's path has %zu bytes, and the kernel takes %d; choose a "
                         "shorter one: %s",
                         length, SOCKET_PATH, path);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length);
    return STATUS_OK;
}

/* Makes the last folder of the path if it is missing. The umask may be any. */
static enum status socket_make_folder(const char *path, struct error *error)
{
    char *folder = memory_copy_length(path, (size_t)(strrchr(path, '/') - path));
    mode_t mask = umask(0022);
    int problem = folder[0] && mkdir(folder, 0755) < 0 ? errno : 0;

    umask(mask);
    if (problem && problem != EEXIST)
        error_set(error, STATUS_FAILED,
                  "can't make the socket's folder %s: %s; name another socket in the policy "
                  "(daemon: socket:)",
                  folder, strerror(problem));
    free(folder);
    return problem && problem != EEXIST ? STATUS_FAILED : STATUS_OK;
}

/* Whoever may write to the folder may put a socket of theirs in the place of ours. */
static enum status socket_folder_ours(int folder, const char *path, struct error *error)
{
    struct stat found;

    if (fstat(folder, &found) < 0)
        return error_set(error, STATUS_FAILED, "can't look at the folder of %s: %s", path,
                         strerror(errno));
    bool ours = found.st_uid == 0 || found.st_uid == geteuid();
    bool shared = found.st_mode & (S_IWGRP | S_IWOTH) && !(found.st_mode & S_ISVTX);
    if (ours && !shared)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED,
                     "others may write to the folder of the socket %s; give it a folder that "
                     "is litekeeper's alone",
                     path);
}

static enum status socket_lock(int folder, const char *name, const char *path, int *lock,
                               struct error *error)
{
    char *beside = memory_format("%s.lock", name);
    int fd = openat(folder, beside, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    int problem = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;

    free(beside);
    if (!problem) {
        *lock = fd;
        return STATUS_OK;
    }
    if (fd >= 0)
        close(fd);
    if (problem == EWOULDBLOCK)
        return error_set(error, STATUS_REFUSED, "another daemon runs already, at %s", path);
    return error_set(error, STATUS_FAILED, "can't lock %s.lock: %s", path, strerror(problem));
}

/* Whether someone accepts there. A full backlog (EAGAIN) is someone's, too. */
static bool socket_answers(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answers = fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                   (errno != ECONNREFUSED && errno != ENOENT);

    if (fd >= 0)
        close(fd);
    return answers;
}

/* Makes room: what a dead daemon left goes, anything else stays. */
static enum status socket_clear(const struct sockaddr_un *address, struct error *error)
{
    const char *path = address->sun_path;
    struct stat found;

    if (lstat(path, &found) < 0)
        return errno == ENOENT
                   ? STATUS_OK
                   : error_set(error, STATUS_FAILED, "can't look at %s: %s", path, strerror(errno));
    if (!S_ISSOCK(found.st_mode))
        return error_set(error, STATUS_REFUSED,
                         "%s is there and is no socket; remove it or choose another path", path);
    if (socket_answers(address))
        return error_set(error, STATUS_REFUSED, "something answers at the socket %s already", path);
    if (unlink(path) < 0)
        return error_set(error, STATUS_FAILED, "can't remove the old socket %s: %s", path,
                         strerror(errno));
    return STATUS_OK;
}

/* The umask gives it its mode at birth: there is no instant in which others could connect. */
static enum status socket_bind(const struct sockaddr_un *address, struct control_socket *made,
                               struct error *error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0117);
    bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    int problem = errno;

    umask(mask);
    if (bound && listen(fd, SOCKET_BACKLOG) == 0 && lstat(address->sun_path, &made->was) == 0) {
        made->fd = fd;
        return STATUS_OK;
    }
    problem = bound ? errno : problem;
    if (bound)
        unlink(address->sun_path);
    if (fd >= 0)
        close(fd);
    return error_set(error, STATUS_FAILED, "can't listen at %s: %s", address->sun_path,
                     strerror(problem));
}

static enum status socket_place(const struct sockaddr_un *address, struct control_socket *made,
                                struct error *error)
{
    struct error wrong = {0};
    const char *name;
    int folder = -1;

    if (folder_open(address->sun_path, &folder, &name, &wrong))
        return error_set(error, wrong.status, "the socket %s: %s", address->sun_path, wrong.text);
    enum status status = socket_folder_ours(folder, address->sun_path, error);
    if (!status)
        status = socket_lock(folder, name, address->sun_path, &made->lock, error);
    close(folder);
    return status;
}

enum status control_socket_open(const char *path, struct control_socket *made, struct error *error)
{
    struct control_socket opened = {.fd = -1, .lock = -1};
    struct sockaddr_un address;
    enum status status = socket_address(path, &address, error);

    if (!status && path[0] == '/')
        status = socket_make_folder(path, error);
    if (!status)
        status = socket_place(&address, &opened, error);
    if (!status)
        status = socket_clear(&address, error);
    if (!status)
        status = socket_bind(&address, &opened, error);
    if (status) {
        if (opened.lock >= 0)
            close(opened.lock);
        return status;
    }
    opened.path = memory_copy(path);
    *made = opened;
    return STATUS_OK;
}

void control_socket_close(struct control_socket *made)
{
    struct stat now;

    if (lstat(made->path, &now) == 0 && now.st_dev == made->was.st_dev &&
        now.st_ino == made->was.st_ino)
        unlink(made->path);
    close(made->fd);
    close(made->lock); /* the file stays: whoever is about to lock it must not lock a ghost */
    free(made->path);
}
