/* What kind of database it is that was opened: its header, its schema, its mode. Only reads. */
#include "database_inside.h"

#include "bytes.h"
#include "enginewriter.h"
#include "fileheader.h"
#include "library.h"
#include "memory.h"
#include "walindex.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DATABASE_FORMAT_KNOWN = 4, /* the newest schema format and file format versions that any */
    DATABASE_VERSION_KNOWN = 2 /* SQLite has written so far */
};

/* The header as the file has it, through SQLite's own handle. Zeroes where it can't be read. */
static void database_header(struct database *database, unsigned char *header)
{
    sqlite3_file *file = NULL;

    memset(header, 0, FILEHEADER_SIZE);
    sqlite3_file_control(database->sql, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (!file || !file->pMethods ||
        file->pMethods->xRead(file, header, FILEHEADER_SIZE, 0) != SQLITE_OK)
        memset(header, 0, FILEHEADER_SIZE);
}

enum status database_check_header(struct database *database, struct error *error)
{
    static const char magic[] = "SQLite format 3"; /* and its NUL: 16 bytes */
    unsigned char header[FILEHEADER_SIZE];

    database_header(database, header);
    database->facts.last_writer = (int)(bytes_four(header + 96) % 1000000000);
    database->facts.writer =
        enginewriter_believed(&database->host->writer, database->facts.last_writer,
                              sqlite3_libversion_number());
    database->facts.reset_bug = library_has_wal_reset_bug(sqlite3_libversion_number()) ||
                                library_has_wal_reset_bug(database->facts.writer);
    if (!header[0])
        return STATUS_OK; /* empty, or all of it is still in the WAL */
    if (memcmp(header, magic, sizeof magic) != 0)
        return error_set(error, STATUS_REFUSED,
                         "not a SQLite database, or an encrypted one: its first 16 bytes are not "
                         "SQLite's");
    if (header[18] > DATABASE_VERSION_KNOWN || header[19] > DATABASE_VERSION_KNOWN ||
        bytes_four(header + 44) > DATABASE_FORMAT_KNOWN)
        return error_set(error, STATUS_REFUSED,
                         "its file format is newer than SQLite %s, which litekeeper runs with: "
                         "link a newer library",
                         sqlite3_libversion());
    return STATUS_OK;
}

/* A schema that can't be parsed was either written by a newer SQLite or damaged. */
static enum status database_schema_error(struct database *database, struct error *error)
{
    char why[256];

    snprintf(why, sizeof why, "%s", sqlite3_errmsg(database->sql));
    if (database->facts.last_writer > sqlite3_libversion_number())
        return error_set(error, STATUS_REFUSED,
                         "SQLite %s, which litekeeper runs with, can't read the schema, which "
                         "version %d.%d.%d has written last: %s; link a newer library",
                         sqlite3_libversion(), database->facts.last_writer / 1000000,
                         database->facts.last_writer / 1000 % 1000,
                         database->facts.last_writer % 1000, why);
    return error_set(error, STATUS_REFUSED, "the schema can't be read: %s", why);
}

enum status database_read_schema(struct database *database, struct error *error)
{
    enum status status = database_exec(database, "SELECT 1 FROM sqlite_master LIMIT 1", error);
    int primary = status ? sqlite3_errcode(database->sql) & 0xff : SQLITE_OK;
    bool malformed = (primary == SQLITE_CORRUPT || primary == SQLITE_ERROR) &&
                     strstr(sqlite3_errmsg(database->sql), "malformed database schema");

    if (malformed || primary == SQLITE_ERROR)
        return database_schema_error(database, error);
    return status;
}

/* Litestream keeps its state in a table or in a folder beside the file. */
static enum status database_find_replicator(struct database *database, struct error *error)
{
    int64_t tables = 0;
    struct stat folder;
    char *path = memory_format(".%s-litestream", database->name);

    enum status status =
        database_integer(database,
                         "SELECT count(*) FROM sqlite_master WHERE name IN ('_litestream_seq')", 0,
                         &tables, error);
    if (tables || fstatat(AT_FDCWD, path, &folder, AT_SYMLINK_NOFOLLOW) == 0)
        database->facts.replicator = "Litestream";
    free(path);
    return status;
}

enum status database_learn(struct database *database, struct error *error)
{
    int64_t page_size = 0, auto_vacuum = 0;
    sqlite3_stmt *mode = NULL;
    bool row = false;
    enum status status;

    if ((status = database_integer(database, "PRAGMA page_size", 0, &page_size, error)) ||
        (status = database_integer(database, "PRAGMA auto_vacuum", 0, &auto_vacuum, error)) ||
        (status = database_prepare(database, "PRAGMA journal_mode", &mode, error)) ||
        (status = database_step(database, mode, &row, error)))
        goto out;
    database->facts.page_size = (uint32_t)page_size;
    database->facts.auto_vacuum = (int)auto_vacuum;
    database->facts.wal = row && strcmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0;
    status = database_find_replicator(database, error);
out:
    sqlite3_finalize(mode);
    return status;
}

uint32_t database_changes(struct database *database)
{
    unsigned char header[FILEHEADER_SIZE];
    struct walindex index;

    if (database->facts.wal && walindex_read(database->sql, &index, NULL) == STATUS_OK)
        return index.changes;
    database_header(database, header);
    return bytes_four(header + 24); /* the file change counter */
}
