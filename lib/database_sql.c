/* Running SQL on an application's database: statements, and result codes in words. */
#include "database.h"

#include "vfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- result codes ------------------------------------------------------------------------- */

/* What a primary result code means to an operator. "%s" is SQLite's own message. */
static const struct database_meaning {
    int code;
    enum status status;
    const char *words;
} database_meanings[] = {
    {SQLITE_BUSY, STATUS_BUSY, "the application kept it locked (%s)"},
    {SQLITE_LOCKED, STATUS_BUSY, "the application kept it locked (%s)"},
    {SQLITE_INTERRUPT, STATUS_CANCELLED, "stopped"},
    {SQLITE_READONLY, STATUS_FAILED,
     "it can't be written: %s; check the permissions of the file "
     "and its folder, and whether the mount is read-only"},
    {SQLITE_CANTOPEN, STATUS_FAILED,
     "it can't be opened: %s; its owner must be able to write the file and its folder, and the "
     "mount must not be read-only"},
    {SQLITE_PERM, STATUS_REFUSED, "no permission: %s"},
    {SQLITE_AUTH, STATUS_REFUSED, "no permission: %s"},
    {SQLITE_NOTADB, STATUS_REFUSED, "not a SQLite database, or an encrypted one: %s"},
    {SQLITE_CORRUPT, STATUS_FAILED,
     "it is damaged: %s; run PRAGMA integrity_check, and restore "
     "from a backup if that confirms it"},
    {SQLITE_FULL, STATUS_FAILED, "the disk is full: %s; nothing was changed by this step"},
    {SQLITE_IOERR, STATUS_FAILED, "the disk fails: %s; nothing was changed by this step"},
    {SQLITE_NOMEM, STATUS_FAILED, "out of the memory that a worker may use: %s"},
    {SQLITE_SCHEMA, STATUS_BUSY, "the application changes the schema all the time (%s)"},
};

static const char database_brought[] = "it needs an SQL function, collation or module that the "
                                       "application brings and litekeeper lacks";

/* What SQLite's general error means, by a part of its message. */
static const struct {
    const char *part, *words;
} database_refusals[] = {
    {"no such function", database_brought},
    {"unknown function", database_brought},
    {"no such collation", database_brought},
    {"no such module", database_brought},
    {"unsafe use of", "it needs what a schema must be trusted for, and litekeeper trusts none"},
    {"foreign key mismatch", "a foreign key refers to columns that are no unique key, so no row "
                             "can go while foreign keys are enforced"},
};

static enum status database_refusal(const char *message, struct error *error)
{
    for (size_t i = 0; i < sizeof database_refusals / sizeof *database_refusals; i++)
        if (strstr(message, database_refusals[i].part))
            return error_set(error, STATUS_REFUSED, "%s: %s", database_refusals[i].words, message);
    return error_set(error, STATUS_FAILED, "%s", message);
}

bool database_lacks(const struct error *error)
{
    return strncmp(error->text, database_brought, sizeof database_brought - 1) == 0;
}

bool database_read_failed(struct database *database)
{
    return database_sql(database) && vfs_read_failed(database_sql(database));
}

/* pager_end_transaction in SQLite's pager.c; our journals are of the mode DELETE. */
bool database_failed_behind(struct database *database)
{
    int code = sqlite3_extended_errcode(database_sql(database));

    return !database_facts(database)->wal &&
           (code == SQLITE_IOERR_TRUNCATE || code == SQLITE_IOERR_DIR_FSYNC);
}

enum status database_behind(struct database *database, const char *what, struct error *error)
{
    return error_set(error, STATUS_FAILED,
                     "the disk fails after the commit: %s; %s was made, but where it was to make "
                     "the file shorter, the file is as long as before",
                     sqlite3_errmsg(database_sql(database)), what);
}

enum status database_error(struct database *database, int rc, struct error *error)
{
    sqlite3 *sql = database_sql(database);
    const char *message = sql ? sqlite3_errmsg(sql) : sqlite3_errstr(rc);
    char text[400];

    if ((rc & 0xff) == SQLITE_CORRUPT && database_read_failed(database)) {
        rc = SQLITE_IOERR;
        message = strerror(vfs_errno(sql));
    }
    if ((rc & 0xff) == SQLITE_IOERR && sql && sqlite3_system_errno(sql) == ENOMEM)
        rc = SQLITE_NOMEM; /* to map the wal-index, for one */

    if ((rc & 0xff) == SQLITE_BUSY && database_stopped(database)) /* see database_busy */
        return error_set(error, STATUS_CANCELLED, "stopped");
    for (size_t i = 0; i < sizeof database_meanings / sizeof *database_meanings; i++) {
        const struct database_meaning *meaning = &database_meanings[i];
        if ((rc & 0xff) != meaning->code)
            continue;
        const char *rest = strstr(meaning->words, "%s");
        int head = rest ? (int)(rest - meaning->words) : (int)strlen(meaning->words);
        snprintf(text, sizeof text, "%.*s%.200s%s", head, meaning->words, rest ? message : "",
                 rest ? rest + 2 : "");
        return error_set(error, meaning->status, "%s", text);
    }
    return database_refusal(message, error);
}

/* --- statements --------------------------------------------------------------------------- */

/* A statement that was prepared by another schema than the one that it meets gives SQLITE_SCHEMA.
 * SQLite then prepares it anew, but 50 times at most, and only once where a virtual table has to be
 * connected for it. Beside an application that creates and drops tables all the time that is not
 * enough. So once more with the schema held still: by a statement that has a snapshot, needs no
 * schema for it, and lasts until the other one has its own. In rollback-journal mode that keeps
 * writers out no longer than the other one's first step does. */
static sqlite3_stmt *sql_hold_still(struct database *database)
{
    sqlite3_stmt *still = NULL;

    if (sqlite3_prepare_v2(database_sql(database), "PRAGMA main.user_version", -1, &still, NULL) ==
        SQLITE_OK)
        sqlite3_step(still);
    return still;
}

static int sql_prepare(struct database *database, const char *sql, sqlite3_stmt **statement,
                       const char **rest)
{
    return sqlite3_prepare_v3(database_sql(database), sql, -1, SQLITE_PREPARE_PERSISTENT, statement,
                              rest);
}

/* `*rest` is what follows the first statement. */
static enum status sql_compile(struct database *database, const char *sql, sqlite3_stmt **statement,
                               const char **rest, struct error *error)
{
    int rc = sql_prepare(database, sql, statement, rest);

    if (rc == SQLITE_OK)
        return STATUS_OK;
    if ((rc & 0xff) != SQLITE_SCHEMA)
        return database_error(database, rc, error);
    sqlite3_stmt *still = sql_hold_still(database);
    rc = sql_prepare(database, sql, statement, rest);
    enum status status = rc == SQLITE_OK ? STATUS_OK : database_error(database, rc, error);
    sqlite3_finalize(still);
    return status;
}

static enum status sql_run(struct database *database, sqlite3_stmt *statement, struct error *error)
{
    enum status status = STATUS_OK;
    bool row = statement != NULL; /* else there was but a comment */

    while (status == STATUS_OK && row)
        status = database_step(database, statement, &row, error);
    sqlite3_finalize(statement);
    return status;
}

enum status database_exec(struct database *database, const char *sql, struct error *error)
{
    enum status status = STATUS_OK;

    for (const char *rest = sql; status == STATUS_OK && *rest;) {
        sqlite3_stmt *statement = NULL;
        status = sql_compile(database, rest, &statement, &rest, error);
        if (status == STATUS_OK)
            status = sql_run(database, statement, error);
    }
    return status;
}

enum status database_prepare(struct database *database, const char *sql, sqlite3_stmt **statement,
                             struct error *error)
{
    return sql_compile(database, sql, statement, NULL, error);
}

/* The last reset has the connection know what was wrong, which the other statement's end has had it
 * forget. */
static int sql_step_still(struct database *database, sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_stmt *still = sql_hold_still(database);
    int rc = sqlite3_step(statement);
    sqlite3_finalize(still);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        sqlite3_reset(statement);
    return rc;
}

enum status database_step(struct database *database, sqlite3_stmt *statement, bool *row,
                          struct error *error)
{
    bool begun = sqlite3_stmt_busy(statement);
    int rc = sqlite3_step(statement);

    if ((rc & 0xff) == SQLITE_SCHEMA && !begun)
        rc = sql_step_still(database, statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return database_error(database, rc, error);
    *row = rc == SQLITE_ROW;
    return STATUS_OK;
}

enum status database_begin_read(struct database *database, struct error *error)
{
    enum status status = database_exec(database, "BEGIN; PRAGMA main.user_version", error);

    if (status)
        database_end_read(database);
    return status;
}

void database_end_read(struct database *database)
{
    if (!sqlite3_get_autocommit(database_sql(database)))
        sqlite3_exec(database_sql(database), "ROLLBACK", NULL, NULL, NULL);
}

enum status database_integer(struct database *database, const char *sql, int64_t otherwise,
                             int64_t *value, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status;

    if ((status = database_prepare(database, sql, &statement, error)) == STATUS_OK &&
        (status = database_step(database, statement, &row, error)) == STATUS_OK)
        *value = row ? sqlite3_column_int64(statement, 0) : otherwise;
    sqlite3_finalize(statement);
    return status;
}
