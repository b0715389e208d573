/*
 * The history's file: its folder, its opening, its migrations. Somebody may remove it or put
 * another in its place at any time, so it is looked for before each transaction. Runs in the
 * history worker.
 */
#include "history_file.h"

#include "history_schema.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HISTORY_BUSY_MS = 10000,
    HISTORY_REBUILD = 64 * 1024 * 1024 /* bytes of a file that is rebuilt, for auto_vacuum */
};

static enum status history_folder_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = mkdir(path, 0700);
        *slash = '/';
        if (result && errno != EEXIST)
            return STATUS_FAILED;
    }
    return mkdir(path, 0700) && errno != EEXIST ? STATUS_FAILED : STATUS_OK;
}

/* The folder must be there and be ours: who can write in it could put another file in its place. */
static enum status history_folder(const char *folder, struct error *error)
{
    char *path = memory_copy(folder);
    enum status status = history_folder_parents(path);
    struct stat seen;

    int problem = errno;

    free(path);
    errno = problem;
    if (status || stat(folder, &seen))
        return error_set(error, STATUS_FAILED, "can't make the folder %s: %s", folder,
                         strerror(errno));
    if (!S_ISDIR(seen.st_mode))
        return error_set(error, STATUS_FAILED, "%s is no folder", folder);
    if ((seen.st_uid != geteuid() && seen.st_uid != 0) || (seen.st_mode & S_IWOTH))
        return error_set(error, STATUS_REFUSED,
                         "%s belongs to another user or can be written by everybody; make it "
                         "yours alone (chmod 700)",
                         folder);
    return STATUS_OK;
}

/* Made by hand, since SQLite would let everybody read it. Only while there is no connection: a
 * close would drop its locks. */
static enum status history_touch(struct history *history, struct error *error)
{
    int fd = open(history->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat seen;

    if (fd < 0 || fstat(fd, &seen)) {
        error_set(error, STATUS_FAILED, "can't open %s: %s", history->file, strerror(errno));
        if (fd >= 0)
            close(fd);
        return STATUS_FAILED;
    }
    close(fd);
    history->device = seen.st_dev;
    history->inode = seen.st_ino;
    return STATUS_OK;
}

static enum status history_migrate(struct history *history, int64_t *version, struct error *error)
{
    enum status status = STATUS_OK;

    if (sqlite3_exec(history->db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
        return history_db_failed(history, error);
    status = history_db_number(history, error, version, "PRAGMA user_version", "");
    if (!status && *version > history_schema_version)
        status = error_set(error, STATUS_REFUSED,
                           "%s is of a newer litekeeper (format %" PRId64 ", this one knows up "
                           "to %d); use that one, or another state folder",
                           history->file, *version, history_schema_version);
    for (int64_t step = *version; !status && step < history_schema_version; step++)
        if (sqlite3_exec(history->db, history_schema[step], NULL, NULL, NULL))
            status = history_db_failed(history, error);
    return history_db_end(history, status, error);
}

/* Files of the first format can't give pages back. To rebuild one is worth a try, and no more. */
static void history_rebuild(struct history *history)
{
    int64_t mode = 2, bytes = INT64_MAX;

    if (history_db_number(history, NULL, &mode, "PRAGMA auto_vacuum", "") || mode == 2)
        return;
    if (history_db_number(history, NULL, &bytes,
                          "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                          "") ||
        bytes > HISTORY_REBUILD)
        return;
    history_db_forget(history);
    sqlite3_exec(history->db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM", NULL, NULL, NULL);
}

static enum status history_connect(struct history *history, struct error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;

    if (sqlite3_open_v2(history->file, &history->db, flags, NULL))
        return history_db_failed(history, error);
    sqlite3_busy_timeout(history->db, HISTORY_BUSY_MS);
    if (sqlite3_exec(history->db,
                     "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;"
                     "PRAGMA synchronous = FULL; PRAGMA auto_vacuum = INCREMENTAL",
                     NULL, NULL, NULL))
        return history_db_failed(history, error);
    return STATUS_OK;
}

static void history_disconnect(struct history *history)
{
    history_db_forget(history);
    sqlite3_close(history->db);
    history->db = NULL;
}

static enum status history_start(struct history *history, struct error *error)
{
    int64_t version = 0;
    enum status status = history_folder(history->folder, error);

    if (!status)
        status = history_touch(history, error);
    if (!status)
        status = history_connect(history, error);
    if (!status)
        status = history_migrate(history, &version, error);
    if (status) {
        history_disconnect(history);
        return status;
    }
    if (version > 0)
        history_rebuild(history);
    history->found = version == 0 ? HISTORY_MADE : history->ever ? HISTORY_REPLACED : HISTORY_FOUND;
    history->opened = history->ever = true;
    return STATUS_OK;
}

enum status history_file_ready(struct history *history, struct error *error)
{
    struct stat seen;

    if (history->db && stat(history->file, &seen) == 0 && seen.st_dev == history->device &&
        seen.st_ino == history->inode)
        return STATUS_OK;
    history_disconnect(history);
    return history_start(history, error);
}

enum status history_open(const char *folder, struct history **history, struct error *error)
{
    struct history *opened = memory_new(struct history);

    opened->folder = memory_copy(folder);
    opened->file = memory_format("%s/history.db", folder);
    enum status status = history_start(opened, error);
    if (status)
        history_close(opened);
    else
        *history = opened;
    return status;
}

void history_close(struct history *history)
{
    if (!history)
        return;
    history_disconnect(history);
    free(history->folder);
    free(history->file);
    free(history);
}

bool history_opened(struct history *history, enum history_found *found)
{
    bool opened = history->opened;

    *found = history->found;
    history->opened = false;
    return opened;
}
