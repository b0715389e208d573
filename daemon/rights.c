/* Whose rights a job is done with. Runs in the worker, once, before it reads a byte that somebody
 * else wrote. */
#include "rights.h"

#include "folder.h"
#include "identity.h"
#include "job.h"
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Goes to the folder of the job's file, if that is still the file that was seen. */
static enum status rights_go(const json_t *job, const char **name, struct identity *identity,
                             struct error *error)
{
    struct identity seen, now;
    const char *path;
    int folder = -1;

    enum status status = job_file(job, &path, &seen, error);
    if (status)
        return status;
    status = identity_find(path, &folder, name, &now, error);
    if (!status && !identity_same(&now, &seen))
        status = error_set(error, STATUS_REFUSED,
                           "was replaced by another file since it was found; it is looked for "
                           "again with the next run");
    if (!status && fchdir(folder) < 0)
        status =
            error_set(error, STATUS_FAILED, "its folder can't be entered: %s", strerror(errno));
    if (folder >= 0)
        close(folder);
    if (!status)
        *identity = now;
    return status;
}

/* Once, for good: a further job must be on a file of the same owner and group. */
static enum status rights_drop(const struct identity *identity, struct error *error)
{
    static struct identity dropped;
    struct privileges owner = {.user = identity->owner, .group = identity->group};

    if (!dropped.inode) {
        dropped = *identity;
        return privileges_drop(&owner, error);
    }
    if (dropped.owner != identity->owner || dropped.group != identity->group)
        return error_set(error, STATUS_REFUSED, "the worker has another file's rights");
    return STATUS_OK;
}

static enum status rights_of_file(const json_t *job, struct error *error)
{
    struct identity identity;
    const char *name;

    enum status status = rights_go(job, &name, &identity, error);
    if (status)
        return status;
    status = rights_drop(&identity, error);
    if (!status && access(".", X_OK) < 0)
        status = error_set(error, STATUS_FAILED,
                           "its owner may not enter its folder, and litekeeper works as the owner");
    return status ? status : identity_check(AT_FDCWD, name, &identity, error);
}

/* Where the file is gone, whose it was is known from a folder of its: nothing in it is looked at
 * before its owner's rights are all that is left. */
static enum status rights_of_folder(const char *path, struct error *error)
{
    struct identity identity = {.inode = 1};
    struct stat about;
    const char *name;
    int folder = -1;

    enum status status = folder_open(path, &folder, &name, error);
    if (status)
        return status;
    if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(about.st_mode))
        status = error_set(error, STATUS_REFUSED, "there is no folder %s", path);
    close(folder);
    if (status)
        return status;
    identity.owner = about.st_uid;
    identity.group = about.st_gid;
    return rights_drop(&identity, error);
}

enum status rights_become(const json_t *job, struct error *error)
{
    const char *owned = NULL;
    enum status status = job_owned(job, &owned, error);

    if (status)
        return status;
    return owned ? rights_of_folder(owned, error) : rights_of_file(job, error);
}
