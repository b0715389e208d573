/*
 * The history's file: its folder, its opening, its migrations, and statements on it. Runs in the
 * history worker; knows nothing of what the tables mean.
 */
#include "history_db.h"

#include "history_schema.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_BUSY_MS = 10000 };

static enum status history_failed(const struct history *history, struct error *error)
{
    return error_set(error, STATUS_FAILED, "%s: %s", history->file, sqlite3_errmsg(history->db));
}

static void history_bind(sqlite3_stmt *statement, const char *types, va_list values)
{
    for (int i = 1; *types; types++, i++) {
        const json_t *value = *types == 'j' ? va_arg(values, const json_t *) : NULL;

        if (*types == 'i')
            sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
        else if (*types == 't')
            sqlite3_bind_text(statement, i, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        else if (json_is_integer(value))
            sqlite3_bind_int64(statement, i, json_integer_value(value));
        else if (json_is_real(value))
            sqlite3_bind_double(statement, i, json_real_value(value));
        else if (json_is_string(value))
            sqlite3_bind_text(statement, i, json_string_value(value), -1, SQLITE_TRANSIENT);
    }
}

enum status history_db_do(struct history *history, struct error *error, const char *sql,
                          const char *types, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list values;

    if (sqlite3_prepare_v2(history->db, sql, -1, &statement, NULL))
        return history_failed(history, error);
    va_start(values, types);
    history_bind(statement, types, values);
    va_end(values);
    sqlite3_step(statement);
    if (sqlite3_finalize(statement))
        return history_failed(history, error);
    return STATUS_OK;
}

enum status history_db_number(struct history *history, struct error *error, const char *sql,
                              const char *text, int64_t *number)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(history->db, sql, -1, &statement, NULL))
        return history_failed(history, error);
    if (text)
        sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
        *number = sqlite3_column_int64(statement, 0);
    if (sqlite3_finalize(statement))
        return history_failed(history, error);
    return STATUS_OK;
}

enum status history_db_begin(struct history *history, struct error *error)
{
    return history_db_do(history, error, "BEGIN IMMEDIATE", "");
}

enum status history_db_end(struct history *history, enum status status, struct error *error)
{
    if (!status)
        status = history_db_do(history, error, "COMMIT", "");
    if (status && !sqlite3_get_autocommit(history->db))
        sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

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

    free(path);
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

/* Made by hand, since SQLite would let everybody read it. */
static enum status history_file(const char *file, struct error *error)
{
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return error_set(error, STATUS_FAILED, "can't open %s: %s", file, strerror(errno));
    close(fd);
    return STATUS_OK;
}

static enum status history_migrate(struct history *history, struct error *error)
{
    int64_t version = 0;
    enum status status = history_db_begin(history, error);

    if (!status)
        status = history_db_number(history, error, "PRAGMA user_version", NULL, &version);
    if (!status && version > history_schema_version)
        status = error_set(error, STATUS_REFUSED,
                           "%s is of a newer litekeeper (format %" PRId64 ", this one knows up "
                           "to %d); use that one, or another state folder",
                           history->file, version, history_schema_version);
    for (int64_t step = version; !status && step < history_schema_version; step++)
        if (sqlite3_exec(history->db, history_schema[step], NULL, NULL, NULL))
            status = history_failed(history, error);
    return history_db_end(history, status, error);
}

static enum status history_start(struct history *history, struct error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE;

    if (sqlite3_open_v2(history->file, &history->db, flags, NULL))
        return history_failed(history, error);
    sqlite3_busy_timeout(history->db, HISTORY_BUSY_MS);
    if (sqlite3_exec(history->db,
                     "PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL",
                     NULL, NULL, NULL))
        return history_failed(history, error);
    return history_migrate(history, error);
}

enum status history_open(const char *folder, struct history **history, struct error *error)
{
    struct history *opened = memory_new(struct history);
    enum status status = history_folder(folder, error);

    opened->file = memory_format("%s/history.db", folder);
    if (!status)
        status = history_file(opened->file, error);
    if (!status)
        status = history_start(opened, error);
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
    sqlite3_close(history->db);
    free(history->file);
    free(history);
}
