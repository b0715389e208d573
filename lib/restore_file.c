/*
 * Rows go into a new SQLite file of their own. It is made under a hidden name, checked and on the
 * disk before it gets its own, so that a restore that was killed leaves nothing that looks whole;
 * the next one begins anew. The application's database is not opened.
 */
#include "restore_inside.h"

#include "memory.h"
#include "restore_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beyond all of SQLite's locks, as in enginelock.c. */
static const off_t file_lock_byte = (off_t)1 << 50;

struct restore_file {
    struct engine *engine;
    struct restore_result *result;
    struct restore_target target;
    char *folder_path, *hidden; /* "/srv", ".cold.db.restoring" */
    const char *name;           /* "cold.db" */
    int folder;
    int file; /* of the hidden one; open until we end, since closing it drops SQLite's locks */
    bool made;
    sqlite3 *sql;
};

static enum status file_failed(const struct restore_file *file, const char *what,
                               struct error *error)
{
    return error_set(error, STATUS_FAILED, "can't %s %s/%s: %s", what, file->folder_path,
                     file->name, strerror(errno));
}

/* --- the file ----------------------------------------------------------------------------- */

static enum status file_find(struct restore_file *file, const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    struct stat about;

    file->name = slash + 1;
    file->folder_path = memory_copy_length(path, slash == path ? 1 : (size_t)(slash - path));
    file->hidden = memory_format(".%s.restoring", file->name);
    if (!*file->name)
        return error_set(error, STATUS_FAILED, "%s is a folder; name a file in it", path);
    file->folder = open(file->folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->folder < 0)
        return error_set(error, STATUS_FAILED, "can't open %s as the database's owner: %s",
                         file->folder_path, strerror(errno));
    if (fstatat(file->folder, file->name, &about, AT_SYMLINK_NOFOLLOW) == 0)
        return error_set(error, STATUS_FAILED, "%s is there already; name a new file", path);
    return errno == ENOENT ? STATUS_OK : file_failed(file, "look at", error);
}

/* What a restore that was killed has left is taken over; one that still runs has it locked. */
static enum status file_take(struct restore_file *file, struct error *error)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = file_lock_byte, .l_len = 1};
    struct stat about, database;

    file->file =
        openat(file->folder, file->hidden, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->file < 0)
        return file_failed(file, "make", error);
    if (fcntl(file->file, F_OFD_SETLK, &lock) < 0)
        return error_set(error, STATUS_BUSY, "another restore is making %s/%s", file->folder_path,
                         file->name);
    if (fstat(file->file, &about) < 0 || !S_ISREG(about.st_mode) || about.st_uid != geteuid() ||
        about.st_nlink != 1)
        return error_set(error, STATUS_FAILED, "%s/%s, which is in the way, is not ours",
                         file->folder_path, file->hidden);
    file->made = true;
    if (ftruncate(file->file, 0) < 0)
        return file_failed(file, "empty", error);
    if (stat(file->engine->job->file, &database) == 0)
        (void)!fchmod(file->file, database.st_mode & 0666);
    return STATUS_OK;
}

static int file_stop(void *argument)
{
    const struct engine_host *host = argument;

    return host->stopped && host->stopped(host->argument);
}

/* Nobody else reads it yet, and it is synced as a whole. What CHECK says counted when the rows
 * were written, and there is nothing that a foreign key could refer to. */
static enum status file_open(struct restore_file *file, struct error *error)
{
    char *path = memory_format("%s/%s", file->folder_path, file->hidden);
    const struct engine_host *host = &file->engine->job->host;
    int rc = sqlite3_open_v2(path, &file->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);

    free(path);
    file->target.sql = file->sql;
    if (!rc)
        rc = sqlite3_exec(file->sql,
                          "PRAGMA trusted_schema = OFF; PRAGMA locking_mode = EXCLUSIVE;"
                          "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"
                          "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;"
                          "PRAGMA ignore_check_constraints = ON",
                          NULL, NULL, NULL);
    if (rc)
        return restore_target_failed(&file->target, error);
    sqlite3_progress_handler(file->sql, 10000, file_stop, (void *)host);
    return STATUS_OK;
}

static void file_close(struct restore_file *file)
{
    restore_target_free(&file->target);
    sqlite3_close(file->sql);
    file->sql = NULL;
}

/* --- rows --------------------------------------------------------------------------------- */

static enum status file_exec(struct restore_file *file, const char *sql, struct error *error)
{
    file->target.sql = file->sql;
    return sqlite3_exec(file->sql, sql, NULL, NULL, NULL)
               ? restore_target_failed(&file->target, error)
               : STATUS_OK;
}

static enum status file_check_row(struct restore_file *file, struct restore_put *put,
                                  const struct rowlist *batch, struct error *error)
{
    size_t row = file->result->counts.done - 1;
    bool same = true, computed = true;
    enum status status = restore_put_check(put, batch, row, &same, &computed, error);

    if (status)
        return status;
    if (!same) {
        char *key = restore_put_name(put, batch, row);
        error_set(error, STATUS_FAILED, "row %.100s is not the same in the file", key);
        free(key);
        return STATUS_FAILED;
    }
    return computed
               ? STATUS_OK
               : error_set(error, STATUS_REFUSED, "a generated column has another value by now");
}

static enum status file_put(void *argument, struct restore_put *put, const struct rowlist *batch,
                            struct error *error)
{
    struct restore_file *file = argument;
    enum restore_fate fate;
    enum status status = file_exec(file, "BEGIN", error);

    while (!status && file->result->counts.done < batch->count) {
        status = restore_row(put, batch, file->result, &fate, error);
        if (!status && fate == RESTORE_PUT)
            status = file_check_row(file, put, batch, error);
    }
    return status ? status : file_exec(file, "COMMIT", error);
}

static enum status file_fill(struct restore_file *file, const struct restore_options *options,
                             const struct restore_facts *facts, bool plain, struct error *error)
{
    struct restore_sink sink = {file_put, file};
    enum status status = file_open(file, error);

    if (status ||
        (status = restore_schema_make(file->sql, options, facts, plain, file->result, error)))
        return status;
    status = restore_target_load(file->sql, NULL, options->table, &file->target, error);
    if (!status)
        status =
            restore_rows(file->engine, options, facts, &file->target, &sink, file->result, error);
    return status;
}

/* Begins anew with a table of the columns alone. */
static enum status file_fill_plain(struct restore_file *file, const struct restore_options *options,
                                   const struct restore_facts *facts, struct error *error)
{
    struct restore_result *result = file->result;

    file_close(file);
    if (ftruncate(file->file, 0) < 0)
        return file_failed(file, "empty", error);
    result->counts = (struct restore_counts){0};
    result->read = result->to_read / 2;
    for (int fate = 0; fate < RESTORE_FATES; fate++)
        json_array_clear(result->names[fate]);
    json_array_clear(result->left_out);
    json_array_clear(result->missing);
    json_array_clear(result->plain);
    return file_fill(file, options, facts, true, error);
}

/* Whether what went wrong may be the schema's doing. */
static bool file_schema_fails(const struct restore_file *file, enum status status)
{
    return status == STATUS_INVALID || status == STATUS_REFUSED ||
           (status == STATUS_FAILED && file->sql &&
            (sqlite3_errcode(file->sql) & 0xff) == SQLITE_ERROR);
}

static enum status file_rows(struct restore_file *file, const struct restore_options *options,
                             const struct restore_facts *facts, struct error *error)
{
    struct error why;
    enum status status = file_fill(file, options, facts, false, &why);

    if (!status)
        return STATUS_OK;
    if (!file_schema_fails(file, status)) {
        *error = why;
        return status;
    }
    engine_notice(file->engine,
                  "the table can't be made as it was, so it has its columns and its key alone: %s",
                  why.text);
    return file_fill_plain(file, options, facts, error);
}

/* --- the end ------------------------------------------------------------------------------ */

static enum status file_check(struct restore_file *file, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    const char *text = NULL;
    enum status status = STATUS_OK;

    if (sqlite3_prepare_v2(file->sql, "PRAGMA integrity_check(1)", -1, &statement, NULL) ||
        sqlite3_step(statement) != SQLITE_ROW)
        status = restore_target_failed(&file->target, error);
    else
        text = (const char *)sqlite3_column_text(statement, 0);
    if (!status && (!text || strcmp(text, "ok") != 0))
        status = error_set(error, STATUS_FAILED, "the file is not sound: %.300s", text ? text : "");
    sqlite3_finalize(statement);
    return status;
}

/* Never over another file; not every file system can say so in one call. */
static int file_rename(const struct restore_file *file)
{
    int folder = file->folder;

    if (renameat2(folder, file->hidden, folder, file->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    return linkat(folder, file->hidden, folder, file->name, 0) < 0
               ? -1
               : unlinkat(folder, file->hidden, 0);
}

static enum status file_show(struct restore_file *file, struct error *error)
{
    if (fsync(file->file) < 0)
        return file_failed(file, "write", error);
    if (file_rename(file) < 0)
        return file_failed(file, "give its name to", error);
    file->made = false;
    return fsync(file->folder) < 0 ? file_failed(file, "keep", error) : STATUS_OK;
}

static enum status file_make(struct restore_file *file, const struct restore_options *options,
                             struct restore_facts *facts, struct error *error)
{
    enum status status;

    if ((status = file_find(file, options->into, error)) ||
        (status = restore_survey(file->engine, options, facts, file->result, error)))
        return status;
    if (!file->result->rows)
        return STATUS_OK;
    if ((status = file_take(file, error)) || (status = file_rows(file, options, facts, error)) ||
        (status = file_check(file, error)))
        return status;
    file_close(file);
    return file_show(file, error);
}

static enum status file_run(struct engine *engine, const void *argument, void *facts,
                            struct outcome *outcome, struct error *error)
{
    const struct restore_options *options = argument;
    struct restore_result result;
    struct restore_file file = {.engine = engine, .result = &result, .folder = -1, .file = -1};

    restore_result_begin(&result);
    enum status status = file_make(&file, options, facts, error);
    file_close(&file);
    if (file.made)
        unlinkat(file.folder, file.hidden, 0);
    if (!status)
        restore_report(options, &result, outcome);
    restore_result_free(&result);
    if (file.folder >= 0)
        close(file.folder);
    free(file.folder_path);
    free(file.hidden);
    return status;
}

const struct task_kind restore_into_file = {
    .name = "restore",
    .help = "rows of the archive go into a file of their own",
    .flags = TASK_READ_ONLY | TASK_APART,
    .measure = restore_measure,
    .decide = restore_decide,
    .run = file_run,
    .free_facts = restore_free_facts,
};
