/*
 * Opens an application's database, in a worker, as the file's owner, and configures the
 * connection so that the application is neither harmed nor kept waiting. It never makes a
 * checkpoint and never changes the schema.
 */
#include "database_inside.h"

#include "clock.h"
#include "library.h"
#include "memory.h"
#include "outcome.h"
#include "vfs.h"
#include "walindex.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DATABASE_PROGRESS_OPS = 2000,
    DATABASE_ASK_MS = 10 /* between two questions to the host whether to stop */
};

static const double database_poll_ms = 0.25;

/* Whoever waits here is litekeeper, never the application: so poll often, for its turn is short,
 * and between two commits of a busy writer there is not much time. */
static int database_busy(void *argument, int count)
{
    struct database *database = argument;
    double now = clock_monotonic_ms();

    if (count == 0)
        database->busy_since_ms = now;
    if (now - database->busy_since_ms >= database->busy_ms || database_stopped(database))
        return 0;
    clock_sleep_ms(database_poll_ms);
    database->waited_ms += clock_monotonic_ms() - now;
    return 1;
}

static int database_progress(void *argument)
{
    struct database *database = argument;
    double now = clock_monotonic_ms();

    database->overran = database->stop_at_ms > 0 && now >= database->stop_at_ms;
    if (database->overran || now - database->asked_ms < DATABASE_ASK_MS)
        return database->overran;
    database->asked_ms = now;
    return database_stopped(database);
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

/* mmap off: a file that someone truncates must be an error, not a SIGBUS. None of these reads the
 * schema, which may turn out not to be readable. */
static const char database_pragmas[] = "PRAGMA mmap_size=0;"
                                       "PRAGMA cell_size_check=ON;"
                                       "PRAGMA temp_store=MEMORY;";

/* A WAL commit needs no fsync to be atomic, and a deletion that a power cut undoes is done again;
 * a rollback journal without it can corrupt. With auto_vacuum FULL each commit may cut the file. */
static enum status database_set_manners(struct database *database, enum database_mode mode,
                                        struct error *error)
{
    enum status status =
        database_exec(database,
                      database->facts.wal ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL",
                      error);

    if (status == STATUS_OK && database->facts.auto_vacuum == DATABASE_AUTO_VACUUM_FULL)
        status = database_sync_folder(database, error);
    if (status == STATUS_OK && mode == DATABASE_READ)
        status = database_exec(database, "PRAGMA query_only=ON", error);
    return status;
}

static enum status database_begin_use(struct database *database, enum database_mode mode,
                                      struct error *error)
{
    enum status status;

    if ((status = database_check_header(database, error)) ||
        (status = database_exec(database, database_pragmas, error)) ||
        (status = database_read_schema(database, error)) ||
        (status = database_check_moved(database, error)) ||
        (status = database_learn(database, error)) ||
        (status = database_exec(database, "PRAGMA cache_size=-16384", error)))
        return status;
    return database_set_manners(database, mode, error);
}

static bool database_has_log(const char *name)
{
    char *log = memory_format("%s-wal", name);
    struct stat about;
    bool has = fstatat(AT_FDCWD, log, &about, AT_SYMLINK_NOFOLLOW) == 0;

    free(log);
    return has;
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
    database->mode = mode;
    database->host = host;
    database->had_log = database_has_log(name);
    database_deadlines(database, busy_ms, 0);
    int rc = vfs_open(name, &database->sql);
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

/* Whoever closes last removes the log and its index, and SQLite does so only together with a
 * checkpoint. It takes the exclusive lock for that, so nobody can be in the middle of a commit;
 * and there must be nothing left to copy. A log that we found when we came to look stays. */
static void database_tidy(struct database *database)
{
    struct walindex index;

    if (!database->facts.wal || database->facts.replicator ||
        (database->mode == DATABASE_READ && database->had_log) ||
        walindex_read(database->sql, &index, NULL) != STATUS_OK ||
        index.backfilled < index.max_frame)
        return;
    sqlite3_db_config(database->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

void database_close(struct database *database)
{
    if (!database)
        return;
    if (database->sql)
        database_tidy(database);
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

void database_same_writer(struct database *database, const struct database *before)
{
    if (!library_has_wal_reset_bug(before->facts.writer))
        return;
    database->facts.writer = before->facts.writer;
    database->facts.reset_bug = true;
}

const struct engine_host *database_host(const struct database *database)
{
    return database->host;
}

void database_deadlines(struct database *database, double busy_ms, double stop_at_ms)
{
    database->busy_ms = busy_ms;
    database->stop_at_ms = stop_at_ms;
    database->waited_ms = 0;
    database->overran = false;
}

double database_waited_ms(const struct database *database)
{
    return database->waited_ms;
}

bool database_overran(const struct database *database)
{
    return database->overran;
}

bool database_stopped(const struct database *database)
{
    return !database->persists && database->host->stopped(database->host->argument);
}

void database_persist(struct database *database, bool persist)
{
    database->persists = persist;
}

/* A failure is no matter: the commit syncs anew, and says so. */
void database_sync_log(struct database *database)
{
    sqlite3_file *log = NULL;

    if (database->facts.wal &&
        sqlite3_file_control(database->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) ==
            SQLITE_OK &&
        log && log->pMethods)
        (void)log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

enum status database_sync_folder(struct database *database, struct error *error)
{
    if (database->facts.wal)
        return STATUS_OK;
    return database_exec(database, "PRAGMA synchronous=EXTRA", error);
}

void database_temp(const char *folder)
{
    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = folder ? sqlite3_mprintf("%s", folder) : NULL;
}

enum status database_check_moved(struct database *database, struct error *error)
{
    int moved = 0;

    sqlite3_file_control(database->sql, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved)
        return error_refuse(error, OUTCOME_GUARD_FILE,
                            "the file was moved or replaced while litekeeper had it open");
    return identity_check(AT_FDCWD, database->name, &database->seen, error);
}
