/* The SQLite files of an archive: opening them, and what they say of themselves. */
#include "archive_db_inside.h"

#include "archive_place.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DB_BUSY_MS = 5000 };

static const char db_manners[] = "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;"
                                 "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384";
/* Who reads changes nothing, not even the journal's mode. Who writes has a rollback journal, so
 * that whoever ATTACHes the file may do so from a read-only folder. */
static const char db_reading[] = "PRAGMA query_only=ON";
static const char db_writing[] =
    "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA";

enum status db_failed(const struct archive_db *db, struct error *error)
{
    int rc = sqlite3_errcode(db->sql) & 0xff;

    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        return error_set(error, STATUS_BUSY,
                         "somebody else is using the archive's %s; the next run goes on", db->name);
    return error_set(error, STATUS_FAILED, "the archive's %s: %s", db->name,
                     sqlite3_errmsg(db->sql));
}

enum status db_do(const struct archive_db *db, const char *sql, struct error *error)
{
    return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                     : db_failed(db, error);
}

enum status db_prepare(const struct archive_db *db, const char *sql, sqlite3_stmt **statement,
                       struct error *error)
{
    return sqlite3_prepare_v2(db->sql, sql, -1, statement, NULL) == SQLITE_OK
               ? STATUS_OK
               : db_failed(db, error);
}

enum status db_step(const struct archive_db *db, sqlite3_stmt *statement, bool *row,
                    struct error *error)
{
    int rc = sqlite3_step(statement);

    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK : db_failed(db, error);
}

/* --- opening ------------------------------------------------------------------------------ */

/* Makes the file where it is missing, so that it has our mode, and looks that it is one. */
static enum status db_make(int folder, bool write, mode_t mode, const struct archive_db *db,
                           struct error *error)
{
    struct stat about;

    if (write) {
        int fd = openat(folder, db->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd < 0 && errno != EEXIST)
            return error_set(error, STATUS_FAILED, "can't make %s: %s", db->name, strerror(errno));
        if (fd >= 0) {
            fchmod(fd, mode); /* whatever the umask is */
            close(fd);
        }
    }
    if (fstatat(folder, db->name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(error, STATUS_INVALID, "%s is not there", db->name);
    return S_ISREG(about.st_mode)
               ? STATUS_OK
               : error_set(error, STATUS_INVALID, "%s is not a regular file", db->name);
}

/* Nothing in the file is trusted to run: it may have been written by somebody else. */
static enum status db_begin_use(struct archive_db *db, bool write, struct error *error)
{
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_limit(db->sql, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_busy_timeout(db->sql, DB_BUSY_MS);
    enum status status = db_do(db, db_manners, error);
    return status ? status : db_do(db, write ? db_writing : db_reading, error);
}

char *archive_db_name(const char *table)
{
    struct text name = {0};

    archive_place_name(table, &name);
    text_add(&name, ".db");
    return text_take(&name);
}

enum status db_open(int folder, const struct archive_manifest *manifest, bool write, mode_t mode,
                    struct archive_db *result, struct error *error)
{
    const char *table = json_string_value(json_object_get(manifest->about, "table"));
    struct archive_db db = {0};

    if (!table)
        return error_set(error, STATUS_INVALID, "the manifest does not tell its table");
    db.name = memory_copy(manifest->store);
    db.table = memory_copy(table);
    enum status status = db_make(folder, write, mode, &db, error);
    if (status == STATUS_OK) {
        char *path = memory_format("/proc/self/fd/%d/%s", folder, db.name);
        status = sqlite3_open_v2(path, &db.sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                 "unix") == SQLITE_OK
                     ? db_begin_use(&db, write, error)
                     : db_failed(&db, error);
        free(path);
    }
    if (status)
        db_close(&db);
    else
        *result = db;
    return status;
}

void db_close(struct archive_db *db)
{
    sqlite3_close(db->sql);
    free(db->name);
    free(db->table);
    *db = (struct archive_db){0};
}

/* --- what is in it ------------------------------------------------------------------------ */

enum status db_find_rowid(struct archive_db *db, struct error *error)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    sqlite3_stmt *column = NULL;
    enum status status =
        db_prepare(db, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2 COLLATE NOCASE",
                   &column, error);

    for (size_t i = 0; !status && !db->rowid && i < sizeof names / sizeof *names; i++) {
        bool taken = false;
        sqlite3_bind_text(column, 1, db->table, -1, SQLITE_STATIC);
        sqlite3_bind_text(column, 2, names[i], -1, SQLITE_STATIC);
        status = db_step(db, column, &taken, error);
        sqlite3_reset(column);
        db->rowid = status || taken ? NULL : names[i];
    }
    sqlite3_finalize(column);
    return status || db->rowid
               ? status
               : error_set(error, STATUS_FAILED,
                           "%s has columns rowid, _rowid_ and oid, and can't be archived to a "
                           "database; to lines it can",
                           db->table);
}

enum status db_find_segment(const struct archive_db *db, const char *name,
                            struct db_segment *segment, struct error *error)
{
    sqlite3_stmt *row = NULL;
    enum status status =
        db_prepare(db, "SELECT first, last, sha256_rows FROM _litekeeper_segment WHERE name = ?1",
                   &row, error);

    *segment = (struct db_segment){0};
    if (status)
        return status;
    sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    status = db_step(db, row, &segment->found, error);
    if (status == STATUS_OK && segment->found) {
        const char *sha256 = (const char *)sqlite3_column_text(row, 2);
        segment->first = sqlite3_column_int64(row, 0);
        segment->last = sqlite3_column_int64(row, 1);
        if (sha256 && strlen(sha256) < sizeof segment->sha256_rows)
            memcpy(segment->sha256_rows, sha256, strlen(sha256));
    }
    sqlite3_finalize(row);
    return status;
}

bool archive_db_has(int folder, const struct archive_manifest *manifest)
{
    struct db_segment segment = {0};
    struct error ignored;
    struct archive_db db;

    if (db_open(folder, manifest, false, 0, &db, &ignored))
        return false;
    bool has =
        db_find_segment(&db, manifest->name, &segment, &ignored) == STATUS_OK && segment.found;
    db_close(&db);
    return has;
}

enum status db_select(const struct archive_db *db, const struct archive_columns *columns,
                      const struct db_segment *segment, sqlite3_stmt **select, struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "SELECT ");
    archive_columns_sql(columns, &sql);
    text_add(&sql, " FROM ");
    text_add_identifier(&sql, db->table);
    text_addf(&sql, " WHERE %s BETWEEN ?1 AND ?2 ORDER BY %s", db->rowid, db->rowid);
    enum status status = db_prepare(db, sql.bytes, select, error);
    text_free(&sql);
    if (status)
        return status;
    sqlite3_bind_int64(*select, 1, segment->first);
    sqlite3_bind_int64(*select, 2, segment->last);
    return STATUS_OK;
}
