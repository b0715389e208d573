/*
 * Makes the copy and verifies it. SQLite writes it (VACUUM INTO), out of one snapshot, in which
 * another connection reads all rows of all tables; then the copy is read from the disk: it must be
 * sound, and have the same tables with the same rows, rowids included. Only reads the database.
 */
#include "vacuum_care.h"

#include "memory.h"

#include <stdlib.h>

#define COPY_WHAT "the copy of the database"

struct copy {
    struct vacuum_care *care;
    struct database *counting; /* of the same snapshot */
    sqlite3_stmt *vacuum;
    char *path; /* with a folder, so that no name is taken for a URI */
    struct vacuum_check copied;
    bool held; /* the lease is, until VACUUM INTO has its snapshot */
};

/* --- one moment --------------------------------------------------------------------------- */

/* VACUUM INTO begins its own transaction, and nothing can be asked within it. So nobody commits,
 * since we hold the lock, from before the other connection has its snapshot until this one reads
 * its first page. That is a millisecond or two. */
static void copy_begun(void *argument)
{
    struct copy *copy = argument;

    if (copy->held)
        lease_leave(copy->care->engine->lease);
    copy->held = false;
}

static enum status copy_begin(struct copy *copy, struct error *error)
{
    struct vacuum_care *care = copy->care;
    enum status status = lease_begin(care->engine->lease, error);

    if (status)
        return status;
    copy->held = true;
    if ((status = database_integer(care->engine->database, "PRAGMA data_version", -1,
                                   &care->version, error)) ||
        (status = database_exec(copy->counting, "BEGIN", error)))
        return status;
    int64_t schema;
    return database_integer(copy->counting, "SELECT count(*) FROM main.sqlite_schema", 0, &schema,
                            error);
}

/* --- writing ------------------------------------------------------------------------------ */

static enum status copy_prepare(struct copy *copy, struct error *error)
{
    struct vacuum_care *care = copy->care;
    enum status status =
        database_prepare(care->reading, "VACUUM main INTO ?1", &copy->vacuum, error);

    if (status)
        return status;
    sqlite3_bind_text(copy->vacuum, 1, copy->path, -1, SQLITE_STATIC);
    return STATUS_OK;
}

static int64_t copy_live_bytes(struct database *database)
{
    struct vacuum_facts facts = {.page_size = database_facts(database)->page_size};
    struct error ignored;

    return vacuum_measure_pages(database, &facts, &ignored) ? 0 : vacuum_new_bytes(&facts);
}

/* What the connection must allow for it, and forbids otherwise (database.c): the copy is a database
 * attached to it. */
static enum status copy_write(struct copy *copy, struct error *error)
{
    struct vacuum_care *care = copy->care;
    struct vacuum_listen listen = {.care = care,
                                   .database = care->reading,
                                   .begun = copy_begun,
                                   .argument = copy,
                                   .total = copy_live_bytes(care->reading)};
    bool row;
    enum status status = copy_prepare(copy, error);

    if (status == STATUS_OK)
        status = copy_begin(copy, error);
    if (status == STATUS_OK) {
        sqlite3_limit(database_sql(care->reading), SQLITE_LIMIT_ATTACHED, 1);
        vacuum_listen_open(&listen); /* it reads page 1 anew, and that is heard */
        status = database_step(care->reading, copy->vacuum, &row, error);
        vacuum_listen_close(&listen);
        sqlite3_limit(database_sql(care->reading), SQLITE_LIMIT_ATTACHED, 0);
    }
    copy_begun(copy);
    sqlite3_finalize(copy->vacuum);
    copy->vacuum = NULL;
    return vacuum_listen_ended(care, COPY_WHAT, status, error);
}

/* The rows of the snapshot that was copied. */
static enum status copy_count(struct copy *copy, struct error *error)
{
    struct vacuum_care *care = copy->care;
    struct vacuum_listen listen = {.care = care,
                                   .database = copy->counting,
                                   .total = copy_live_bytes(copy->counting)};

    vacuum_listen_open(&listen);
    enum status status = vacuum_check_rows(copy->counting, &care->before, error);
    vacuum_listen_close(&listen);
    return vacuum_listen_ended(care, COPY_WHAT, status, error);
}

static enum status copy_take(struct copy *copy, struct error *error)
{
    const struct engine_job *job = copy->care->engine->job;
    enum status status =
        database_open(job->file, &job->seen, DATABASE_READ, engine_busy_ms(copy->care->engine),
                      &job->host, &copy->counting, error);

    if (status == STATUS_OK)
        status = copy_write(copy, error);
    if (status == STATUS_OK)
        status = copy_count(copy, error);
    database_close(copy->counting);
    return status;
}

/* --- verifying ---------------------------------------------------------------------------- */

/* Nobody waits for this: it may take as long as it takes. */
static enum status copy_check(struct copy *copy, struct database *opened, struct error *error)
{
    struct vacuum_listen listen = {.care = copy->care, .database = opened, .harmless = true};

    vacuum_listen_open(&listen);
    enum status status = vacuum_check_integrity(opened, error);
    if (status == STATUS_OK)
        status = vacuum_check_rows(opened, &copy->copied, error);
    vacuum_listen_close(&listen);
    return status;
}

static enum status copy_read(struct copy *copy, struct error *error)
{
    const struct engine *engine = copy->care->engine;
    struct database *opened = NULL;
    struct identity seen;
    enum status status = vacuum_copy_identity(engine, &seen, error);

    if (status == STATUS_OK)
        status = database_open(copy->path + 2, &seen, DATABASE_READ, engine_busy_ms(engine),
                               &engine->job->host, &opened, error);
    if (status == STATUS_OK)
        status = copy_check(copy, opened, error);
    database_close(opened);
    return status;
}

/* Whatever else is wrong with the copy, too: nothing was changed, and it is not a busy database. */
static enum status copy_verify(struct copy *copy, struct error *error)
{
    struct vacuum_care *care = copy->care;
    struct text why = {0};
    struct error wrong;
    enum status status = copy_read(copy, &wrong);

    if (status == STATUS_CANCELLED)
        return error_set(error, status, "%s", wrong.text);
    if (status == STATUS_OK && vacuum_check_same(&care->before, &copy->copied, &why))
        return STATUS_OK;
    status = error_set(error, STATUS_FAILED,
                       COPY_WHAT " is not what it must be: %.300s; nothing was changed",
                       status ? wrong.text : why.bytes);
    text_free(&why);
    return status;
}

/* --- all of it ---------------------------------------------------------------------------- */

enum status vacuum_copy_make(struct vacuum_care *care, struct error *error)
{
    struct copy copy = {.care = care,
                        .path = memory_format("./%s%s", care->engine->job->file, IDENTITY_PART)};
    enum status status = vacuum_copy_create(care->engine, error);
    bool created = status == STATUS_OK;

    if (created)
        status = copy_take(&copy, error);
    if (status == STATUS_OK)
        status = copy_verify(&copy, error);
    if (status == STATUS_OK)
        status = vacuum_copy_name(care->engine, &care->copy_bytes, error);
    if (status == STATUS_OK)
        care->copy = COPY_MADE;
    else if (created)
        vacuum_copy_remove_part(care->engine);
    vacuum_check_free(&copy.copied);
    free(copy.path);
    return status;
}
