/*
 * Opens an application's database, in a worker, as the file's owner, and configures the
 * connection so that the application is neither harmed nor kept waiting. It never makes a
 * checkpoint and never changes the schema.
 */
#include "database.h"

#include "clock.h"
#include "library.h"
#include "memory.h"
#include "text.h"
#include "vfs.h"
#include "walindex.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct database {
    sqlite3 *sql;
    char *name;
    struct identity seen;
    struct database_facts facts;
    const struct engine_host *host;
    double busy_ms; /* how long each wait may last; 0: `busy_until_ms` stands as it is */
    double busy_until_ms, stop_at_ms;
    bool overran;
};

enum {
    DATABASE_HEADER = 100,      /* bytes; fileformat2.html#the_database_header */
    DATABASE_FORMAT_KNOWN = 4,  /* the newest schema format and file format versions that any */
    DATABASE_VERSION_KNOWN = 2, /* SQLite has written so far */
    DATABASE_PROGRESS_OPS = 2000,
    DATABASE_POLL_US = 1000
};

/* Whoever waits here is litekeeper, never the application: so poll often, for its turn is short. */
static int database_busy(void *argument, int count)
{
    struct database *database = argument;

    if (count == 0 && database->busy_ms > 0) /* a new wait */
        database->busy_until_ms = clock_monotonic_ms() + database->busy_ms;
    if (clock_monotonic_ms() >= database->busy_until_ms ||
        database->host->stopped(database->host->argument))
        return 0;
    sqlite3_sleep(DATABASE_POLL_US / 1000);
    return 1;
}

static int database_progress(void *argument)
{
    struct database *database = argument;

    database->overran = database->stop_at_ms > 0 && clock_monotonic_ms() >= database->stop_at_ms;
    return database->overran || database->host->stopped(database->host->argument);
}

static const struct {
    int option, value;
} database_configs[] = {
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},   {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
};

static const struct {
    int category, value;
} database_limits[] = {
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 500},
};

/* Nothing here reads the file. */
static void database_configure(struct database *database)
{
    for (size_t i = 0; i < sizeof database_configs / sizeof *database_configs; i++)
        sqlite3_db_config(database->sql, database_configs[i].option, database_configs[i].value,
                          NULL);
    for (size_t i = 0; i < sizeof database_limits / sizeof *database_limits; i++)
        sqlite3_limit(database->sql, database_limits[i].category, database_limits[i].value);
    sqlite3_extended_result_codes(database->sql, 1);
    sqlite3_wal_autocheckpoint(database->sql, 0);
    sqlite3_busy_handler(database->sql, database_busy, database);
    sqlite3_progress_handler(database->sql, DATABASE_PROGRESS_OPS, database_progress, database);
}

/* mmap off: a file that someone truncates must be an error, not a SIGBUS. */
static const char database_pragmas[] = "PRAGMA mmap_size=0;"
                                       "PRAGMA cell_size_check=ON;"
                                       "PRAGMA temp_store=MEMORY;"
                                       "PRAGMA cache_size=-16384;";

static uint32_t database_big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The header as the file has it, through SQLite's own handle. Zeroes where it can't be read. */
static void database_header(struct database *database, unsigned char *header)
{
    sqlite3_file *file = NULL;

    memset(header, 0, DATABASE_HEADER);
    sqlite3_file_control(database->sql, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (!file || !file->pMethods ||
        file->pMethods->xRead(file, header, DATABASE_HEADER, 0) != SQLITE_OK)
        memset(header, 0, DATABASE_HEADER);
}

static enum status database_check_header(struct database *database, struct error *error)
{
    static const char magic[] = "SQLite format 3"; /* and its NUL: 16 bytes */
    unsigned char header[DATABASE_HEADER];

    database_header(database, header);
    database->facts.last_writer = (int)(database_big_endian(header + 96) % 1000000000);
    database->facts.reset_bug = library_has_wal_reset_bug(sqlite3_libversion_number()) ||
                                library_has_wal_reset_bug(database->facts.last_writer);
    if (!header[0])
        return STATUS_OK; /* empty, or all of it is still in the WAL */
    if (memcmp(header, magic, sizeof magic) != 0)
        return error_set(error, STATUS_REFUSED,
                         "not a SQLite database, or an encrypted one: its first 16 bytes are not "
                         "SQLite's");
    if (header[18] > DATABASE_VERSION_KNOWN || header[19] > DATABASE_VERSION_KNOWN ||
        database_big_endian(header + 44) > DATABASE_FORMAT_KNOWN)
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

static enum status database_read_schema(struct database *database, struct error *error)
{
    int rc = sqlite3_exec(database->sql, "SELECT 1 FROM sqlite_master LIMIT 1", NULL, NULL, NULL);
    int primary = rc & 0xff;
    bool malformed = (primary == SQLITE_CORRUPT || primary == SQLITE_ERROR) &&
                     strstr(sqlite3_errmsg(database->sql), "malformed database schema");

    if (malformed || primary == SQLITE_ERROR)
        return database_schema_error(database, error);
    return rc == SQLITE_OK ? STATUS_OK : database_error(database, rc, error);
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

static enum status database_learn(struct database *database, struct error *error)
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

/* A WAL commit needs no fsync to be atomic, and a deletion that a power cut undoes is done again;
 * a rollback journal without it can corrupt. */
static enum status database_set_manners(struct database *database, enum database_mode mode,
                                        struct error *error)
{
    enum status status =
        database_exec(database,
                      database->facts.wal ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL",
                      error);

    if (status == STATUS_OK && mode == DATABASE_READ)
        status = database_exec(database, "PRAGMA query_only=ON", error);
    return status;
}

static enum status database_begin_use(struct database *database, enum database_mode mode,
                                      struct error *error)
{
    enum status status;

    if (sqlite3_exec(database->sql, database_pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return database_error(database, sqlite3_extended_errcode(database->sql), error);
    if ((status = database_check_header(database, error)) ||
        (status = database_read_schema(database, error)) ||
        (status = database_check_moved(database, error)) ||
        (status = database_learn(database, error)))
        return status;
    return database_set_manners(database, mode, error);
}

enum status database_open(const char *name, const struct identity *seen, enum database_mode mode,
                          double busy_ms, const struct engine_host *host, struct database **result,
                          struct error *error)
{
    enum status status;

    if ((status = identity_check(AT_FDCWD, name, seen, error)) || (status = vfs_register(error)))
        return status;
    struct database *database = memory_new(struct database);
    database->name = memory_copy(name);
    database->seen = *seen;
    database->host = host;
    database_patience(database, busy_ms);
    int rc = sqlite3_open_v2(name, &database->sql, SQLITE_OPEN_READWRITE, VFS_NAME);
    if (rc != SQLITE_OK) {
        status = database_error(database, rc, error);
    } else {
        database_configure(database);
        status = database_begin_use(database, mode, error);
    }
    if (status)
        database_close(database);
    else
        *result = database;
    return status;
}

void database_close(struct database *database)
{
    if (!database)
        return;
    sqlite3_close_v2(database->sql);
    free(database->name);
    free(database);
}

sqlite3 *database_sql(struct database *database)
{
    return database->sql;
}

const char *database_name(const struct database *database)
{
    return database->name;
}

const struct database_facts *database_facts(const struct database *database)
{
    return &database->facts;
}

const struct engine_host *database_host(const struct database *database)
{
    return database->host;
}

void database_patience(struct database *database, double busy_ms)
{
    database_deadlines(database, 0, 0);
    database->busy_ms = busy_ms;
}

void database_deadlines(struct database *database, double busy_until_ms, double stop_at_ms)
{
    database->busy_ms = 0;
    database->busy_until_ms = busy_until_ms;
    database->stop_at_ms = stop_at_ms;
    database->overran = false;
}

bool database_overran(const struct database *database)
{
    return database->overran;
}

enum status database_check_moved(struct database *database, struct error *error)
{
    int moved = 0;

    sqlite3_file_control(database->sql, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved)
        return error_set(error, STATUS_REFUSED,
                         "the file was moved or replaced while litekeeper had it open");
    return identity_check(AT_FDCWD, database->name, &database->seen, error);
}

uint32_t database_changes(struct database *database)
{
    unsigned char header[DATABASE_HEADER];
    struct walindex index;

    if (database->facts.wal && walindex_read(database->sql, &index, NULL) == STATUS_OK)
        return index.changes;
    database_header(database, header);
    return database_big_endian(header + 24); /* the file change counter */
}
