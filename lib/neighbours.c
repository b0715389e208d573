/*
 * Looks at the locks on the -shm file (walformat.html#locks): byte 128 is held by every process
 * that has the database open, bytes 123 to 127 by readers. It asks with F_GETLK, which sees
 * processes of every pid namespace, and takes /proc only for names and numbers.
 */
#include "neighbours.h"

#include "memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NEIGHBOURS_OPEN_BYTE = 128, /* the "deadman switch": a shared lock of every process */
    NEIGHBOURS_READ_BYTE = 123  /* read mark 0; the others follow */
};

struct neighbours {
    int shm; /* stays open till exit: closing it would drop SQLite's own locks on the file */
    struct stat file;
};

struct neighbours *neighbours_open(const char *name)
{
    struct neighbours *neighbours = memory_new(struct neighbours);
    char *shm = memory_format("%s-shm", name);

    neighbours->shm = open(shm, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fstatat(AT_FDCWD, name, &neighbours->file, AT_SYMLINK_NOFOLLOW) != 0)
        memset(&neighbours->file, 0, sizeof neighbours->file);
    free(shm);
    return neighbours;
}

void neighbours_free(struct neighbours *neighbours)
{
    free(neighbours);
}

/* The process that has a lock on the byte; 0 none, -1 one that can't be named or not known. */
static pid_t neighbours_holder(const struct neighbours *neighbours, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    if (neighbours->shm < 0 || fcntl(neighbours->shm, F_GETLK, &lock) != 0)
        return -1;
    if (lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid > 0 ? lock.l_pid : -1;
}

bool neighbours_none(const struct neighbours *neighbours)
{
    return neighbours_holder(neighbours, NEIGHBOURS_OPEN_BYTE) == 0;
}

/* How often the process has the database file open: once a connection. */
static int neighbours_descriptors(const struct neighbours *neighbours, int process)
{
    int count = 0, fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct stat target;
        if (fstatat(dirfd(folder), entry->d_name, &target, 0) == 0 &&
            target.st_dev == neighbours->file.st_dev && target.st_ino == neighbours->file.st_ino)
            count++;
    }
    closedir(folder);
    return count;
}

/* The same for one entry of /proc, if it is another process of our user. */
static int neighbours_of_process(const struct neighbours *neighbours, int proc, const char *pid)
{
    struct stat owner;
    int count = 0;

    if (pid[0] < '1' || pid[0] > '9' || atoi(pid) == getpid())
        return 0;
    int process = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (process < 0)
        return 0;
    if (fstat(process, &owner) == 0 && owner.st_uid == geteuid())
        count = neighbours_descriptors(neighbours, process);
    close(process);
    return count;
}

int neighbours_connections(const struct neighbours *neighbours)
{
    int connections = 0;

    if (neighbours_none(neighbours))
        return 0;
    if (neighbours->file.st_mode & (S_IWGRP | S_IWOTH))
        return -1; /* other users may write too, and their descriptors can't be seen */
    DIR *proc = opendir("/proc");
    if (!proc)
        return -1;
    for (struct dirent *entry; (entry = readdir(proc));)
        connections += neighbours_of_process(neighbours, dirfd(proc), entry->d_name);
    closedir(proc);
    return connections > 0 ? connections : -1;
}

static void neighbours_describe(pid_t pid, char *who)
{
    char path[64], name[32] = "?";

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *comm = fopen(path, "re");
    if (comm) {
        if (fgets(name, sizeof name, comm))
            name[strcspn(name, "\n")] = '\0';
        fclose(comm);
    }
    snprintf(who, NEIGHBOURS_WHO, "%s (process %d)", name, (int)pid);
}

bool neighbours_pinning(const struct neighbours *neighbours, const struct walindex *index,
                        char *who)
{
    /* Whoever holds mark 0 reads the database file alone, and so nothing may be copied into it. */
    for (int i = 0; i < WALINDEX_MARKS; i++) {
        if (index->marks[i] >= index->max_frame)
            continue;
        pid_t pid = neighbours_holder(neighbours, NEIGHBOURS_READ_BYTE + i);
        if (pid == 0)
            continue;
        if (pid > 0)
            neighbours_describe(pid, who);
        else
            snprintf(who, NEIGHBOURS_WHO, "a process that can't be seen from here");
        return true;
    }
    return false;
}
