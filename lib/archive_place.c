/* Folders and small files of an archive. Runs in a worker, which is the database's owner. */
#include "archive_place.h"

#include "digest.h"
#include "folder.h"
#include "memory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLACE_NAME = 180, PLACE_DIGEST = 16, PLACE_SMALL = 16 * 1024 * 1024 };

void archive_place_name(const char *name, struct text *path)
{
    struct text safe = {0};
    char hex[DIGEST_HEX];

    for (const char *at = name; *at; at++) {
        bool hides = at == name && (*at == '.' || *at == '_'); /* '_' does in Spark and Hive */
        if (!hides && (isalnum((unsigned char)*at) || strchr("-_.", *at)))
            text_add_length(&safe, at, 1);
        else
            text_addf(&safe, "%%%02X", (unsigned char)*at);
    }
    if (safe.length > PLACE_NAME || !safe.length) {
        digest_of(name, strlen(name), hex);
        text_add_length(path, safe.length ? safe.bytes : "", safe.length ? PLACE_NAME : 0);
        text_addf(path, "%%-%.*s", PLACE_DIGEST, hex);
    } else {
        text_add(path, safe.bytes);
    }
    text_free(&safe);
}

static enum status place_failed(enum status status, const char *what, const char *name,
                                struct error *error)
{
    return error_set(error, status, "can't %s %s: %s", what, name, strerror(errno));
}

enum status archive_place_sync(int folder, const char *shown, struct error *error)
{
    return fsync(folder) < 0 ? place_failed(STATUS_FAILED, "write", shown, error) : STATUS_OK;
}

/* --- folders ------------------------------------------------------------------------------ */

/* Whoever else owns a folder could put other files in the place of ours. */
static enum status place_check(int folder, const char *name, struct error *error)
{
    struct stat about;

    if (fstat(folder, &about) < 0)
        return place_failed(STATUS_FAILED, "look at", name, error);
    if (about.st_uid != geteuid())
        return error_set(error, STATUS_FAILED,
                         "the archive's folder %s is not its own (it belongs to user %u): chown it "
                         "to the database's owner",
                         name, (unsigned)about.st_uid);
    return STATUS_OK;
}

static enum status place_make(int parent, const char *name, mode_t mode, bool *made,
                              struct error *error)
{
    if (mkdirat(parent, name, mode) < 0) {
        if (errno == EEXIST)
            return STATUS_OK;
        return place_failed(STATUS_FAILED, "make the archive's folder", name, error);
    }
    *made = true;
    return archive_place_sync(parent, "the archive's folder", error);
}

/* Enters `name` in `*folder`, which becomes that folder, or -1 where it is not there. */
static enum status place_enter(int *folder, const char *name, mode_t mode, bool make,
                               struct error *error)
{
    bool made = false;
    enum status status = make ? place_make(*folder, name, mode, &made, error) : STATUS_OK;

    if (status)
        return status;
    int inner = openat(*folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0 && errno != ENOENT)
        return place_failed(STATUS_FAILED, "enter the archive's folder", name, error);
    if (made && inner >= 0 && fchmod(inner, mode) < 0) /* whatever the umask is */
        status = place_failed(STATUS_FAILED, "make the archive's folder", name, error);
    close(*folder);
    *folder = inner;
    return status || inner < 0 ? status : place_check(inner, name, error);
}

static enum status place_directory(const char *directory, int *folder, mode_t *mode,
                                   struct error *error)
{
    char *inside = memory_format("%s/x", directory); /* so that its folder is what is opened */
    struct error why = {0};
    const char *name;
    struct stat about;
    int found = -1;

    enum status status = folder_open(inside, &found, &name, &why);
    free(inside);
    if (status)
        return error_set(error, STATUS_FAILED,
                         "the archive's directory %s can't be used: %s; make it, and chown it to "
                         "the database's owner",
                         directory, why.text);
    *folder = openat(found, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(found);
    if (*folder < 0 || fstat(*folder, &about) < 0)
        return place_failed(STATUS_FAILED, "open the archive's directory", directory, error);
    *mode = about.st_mode & 0777;
    return STATUS_OK;
}

enum status archive_place_open(const char *directory, const char *database, const char *table,
                               bool make, struct archive_place *place, struct error *error)
{
    struct text first = {0}, second = {0};
    struct archive_place found = {.folder = -1};
    enum status status = place_directory(directory, &found.folder, &found.mode, error);

    archive_place_name(database, &first);
    if (table)
        archive_place_name(table, &second);
    if (!status && make && !archive_place_has(found.folder, first.bytes) &&
        faccessat(found.folder, ".", W_OK, AT_EACCESS) < 0)
        status = place_failed(STATUS_FAILED, "write to the archive's directory", directory, error);
    if (!status)
        status = place_enter(&found.folder, first.bytes, found.mode, make, error);
    if (!status && found.folder >= 0 && table)
        status = place_enter(&found.folder, second.bytes, found.mode, make, error);
    found.shown = memory_format("%s/%s%s%s", directory, first.bytes, table ? "/" : "",
                                table ? second.bytes : "");
    text_free(&first);
    text_free(&second);
    if (status)
        archive_place_close(&found);
    else
        *place = found;
    return status;
}

void archive_place_close(struct archive_place *place)
{
    if (place->shown && place->folder >= 0)
        close(place->folder);
    free(place->shown);
    *place = (struct archive_place){.folder = -1};
}

enum status archive_place_part(const struct archive_place *place, const char *part, bool make,
                               int *folder, struct error *error)
{
    int found = openat(place->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *rest = memory_copy(part), *next = rest, *name;
    enum status status = STATUS_OK;

    if (found < 0)
        status = place_failed(STATUS_FAILED, "open", place->shown, error);
    while (!status && found >= 0 && (name = strsep(&next, "/")) && *name)
        status = place_enter(&found, name, place->mode, make, error);
    if (!status && found < 0)
        status = error_set(error, STATUS_FAILED, "there is no folder %s/%s", place->shown, part);
    free(rest);
    if (status && found >= 0)
        close(found);
    if (!status)
        *folder = found;
    return status;
}

/* --- files -------------------------------------------------------------------------------- */

bool archive_place_has(int folder, const char *name)
{
    struct stat about;

    return fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum status place_write(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return STATUS_FAILED;
        bytes += written;
        length -= (size_t)written;
    }
    return fsync(fd) < 0 ? STATUS_FAILED : STATUS_OK;
}

enum status archive_place_rename(int folder, const char *from, const char *to, struct error *error)
{
    if (renameat(folder, from, folder, to) < 0)
        return place_failed(STATUS_FAILED, "rename to", to, error);
    return archive_place_sync(folder, to, error);
}

enum status archive_place_put(int folder, const char *name, mode_t mode, const char *bytes,
                              size_t length, struct error *error)
{
    char *fresh = memory_format(".%s.new", name);
    enum status status = STATUS_OK;

    unlinkat(folder, fresh, 0); /* what a kill has left */
    int fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0 || place_write(fd, bytes, length))
        status = place_failed(STATUS_FAILED, "write", name, error);
    if (fd >= 0) {
        fchmod(fd, mode);
        if (close(fd) < 0 && !status)
            status = place_failed(STATUS_FAILED, "write", name, error);
    }
    if (!status)
        status = archive_place_rename(folder, fresh, name, error);
    else
        unlinkat(folder, fresh, 0);
    free(fresh);
    return status;
}

/* All of a file, or less where it gets shorter meanwhile. */
static enum status place_read(int fd, char *bytes, size_t *length)
{
    size_t done = 0;
    ssize_t more;

    while (done < *length && (more = read(fd, bytes + done, *length - done)) != 0) {
        if (more < 0 && errno != EINTR)
            return STATUS_FAILED;
        done += more > 0 ? (size_t)more : 0;
    }
    *length = done;
    return STATUS_OK;
}

enum status archive_place_get(int folder, const char *name, char **bytes, size_t *length,
                              struct error *error)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    enum status status = STATUS_OK;
    struct stat about;
    char *found = NULL;
    size_t size = 0;

    if (fd < 0 && errno != ENOENT)
        return place_failed(STATUS_FAILED, "open", name, error);
    if (fd >= 0 &&
        (fstat(fd, &about) < 0 || !S_ISREG(about.st_mode) || about.st_size > PLACE_SMALL))
        status = error_set(error, STATUS_INVALID, "%s is no small regular file", name);
    if (fd >= 0 && !status) {
        size = (size_t)about.st_size;
        found = memory_zeroed(size + 1, 1);
        if (place_read(fd, found, &size))
            status = place_failed(STATUS_FAILED, "read", name, error);
    }
    if (fd >= 0)
        close(fd);
    if (status) {
        free(found);
        return status;
    }
    *bytes = found;
    *length = size;
    return STATUS_OK;
}

enum status archive_place_remove(int folder, const char *name, struct error *error)
{
    if (unlinkat(folder, name, 0) < 0) {
        if (errno == ENOENT)
            return STATUS_OK;
        return place_failed(STATUS_FAILED, "remove", name, error);
    }
    return archive_place_sync(folder, name, error);
}
