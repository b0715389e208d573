/*
 * The room that a full VACUUM finds: on the file system of the database, on that of its temporary
 * file, and in memory. Asked as the file's owner, in the file's folder, so that quotas of a
 * project and root's reserve are left out; a quota that shows nowhere ends as a full disk does.
 */
#include "vacuum.h"

#include "folder.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* `folder` may be O_PATH. */
static enum status space_of(int folder, dev_t *device, int64_t *bytes, struct error *error)
{
    struct statvfs about;
    struct stat inode;

    if (fstat(folder, &inode) < 0 || fstatvfs(folder, &about) < 0)
        return error_set(error, STATUS_REFUSED, "can't be asked: %s", strerror(errno));
    if (faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return error_set(error, STATUS_REFUSED, "its owner can't write there: %s", strerror(errno));
    *device = inode.st_dev;
    *bytes = (int64_t)about.f_bavail * (int64_t)about.f_frsize;
    return STATUS_OK;
}

/* `path` NULL: where we stand. */
static enum status space_open(const char *path, int *folder, struct error *error)
{
    const char *name;

    if (!path) {
        *folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return *folder >= 0
                   ? STATUS_OK
                   : error_set(error, STATUS_REFUSED, "can't be opened: %s", strerror(errno));
    }
    char *inside = memory_format("%s/file", path); /* folder_open leaves the last part alone */
    enum status status = folder_open(inside, folder, &name, error);
    free(inside);
    return status;
}

/* Half of the worker's limit: libraries and caches have the rest. */
static int64_t space_memory(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return -1;
    return (int64_t)(limit.rlim_cur / 2);
}

static void space_look(const char *path, dev_t *device, int64_t *bytes, struct vacuum_space *space)
{
    int folder = -1;
    struct error error;
    enum status status = space_open(path, &folder, &error);

    if (status == STATUS_OK)
        status = space_of(folder, device, bytes, &error);
    if (folder >= 0)
        close(folder);
    if (status && path)
        snprintf(space->wrong, sizeof space->wrong,
                 "the folder for the temporary file (temp), %.100s: %.120s", path, error.text);
    else if (status)
        snprintf(space->wrong, sizeof space->wrong, "the folder of the database: %.120s",
                 error.text);
}

void vacuum_space_measure(const char *temp, struct vacuum_space *space)
{
    dev_t beside = 0, other = 0;

    *space = (struct vacuum_space){.memory = space_memory()};
    if (sqlite3_compileoption_used("TEMP_STORE=3"))
        snprintf(space->wrong, sizeof space->wrong,
                 "this SQLite library was built to keep temporary files in memory, where a full "
                 "VACUUM's has no place");
    else
        space_look(NULL, &beside, &space->beside, space);
    if (!space->wrong[0])
        space_look(temp, &other, &space->temp, space);
    space->same = beside == other;
}

void vacuum_space_measure_copy(struct vacuum_space *space)
{
    dev_t device = 0;

    *space = (struct vacuum_space){.memory = space_memory()};
    space_look(NULL, &device, &space->beside, space);
}
