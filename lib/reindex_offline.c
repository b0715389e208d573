/*
 * REINDEX, one index in one hold, stopped with nothing changed where it would outlast the window.
 * SQLite sorts all entries into a temporary file first, and then fills the index anew. Runs in a
 * worker, as the file's owner, in the file's folder.
 */
#include "reindex.h"

#include "clock.h"
#include "memory.h"
#include "task_engine.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <sys/statvfs.h>

enum {
    REINDEX_SPACE = 4, /* times the index: sorted entries, log or journal, and as much again */
    REINDEX_SPARE = 16 << 20
};

/* Entries are sorted in a file, since a worker's memory is limited. */
static enum status reindex_allow(struct engine *engine, struct error *error)
{
    const char *temp = engine->job->database->limits.temp;

    sqlite3_temp_directory = memory_copy(temp ? temp : ".");
    return database_exec(engine->database, "PRAGMA temp_store=FILE", error);
}

static void reindex_forbid(struct engine *engine)
{
    struct error ignored;

    (void)!database_exec(engine->database, "PRAGMA temp_store=MEMORY", &ignored);
    free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
}

static enum status reindex_space(const struct reindex_index *index, struct error *error)
{
    struct statvfs about;
    char wanted[TEXT_SHORT], there[TEXT_SHORT];
    int64_t needed = index->bytes * REINDEX_SPACE + REINDEX_SPARE;

    if (statvfs(".", &about) < 0)
        return STATUS_OK; /* a full disk is noticed when it is full: the statement is undone */
    int64_t free_bytes = (int64_t)about.f_bavail * (int64_t)about.f_frsize;
    if (free_bytes >= needed)
        return STATUS_OK;
    return error_set(error, STATUS_REFUSED, "%s are free on its disk, and REINDEX may need %s",
                     text_bytes(there, free_bytes), text_bytes(wanted, needed));
}

static enum status reindex_statement(struct engine *engine, const struct reindex_index *index,
                                     bool windowed, struct error *error)
{
    struct text sql = {0};
    double left = engine_window_left(engine);

    text_add(&sql, "REINDEX main.");
    text_add_identifier(&sql, index->name);
    lease_whole_until(engine->lease,
                      windowed && isfinite(left) ? clock_monotonic_ms() + left * 1e3 : 0);
    enum status status = lease_hold_whole(engine->lease, sql.bytes, error);
    text_free(&sql);
    return status;
}

enum status reindex_offline(struct engine *engine, const struct reindex_index *index, bool windowed,
                            struct error *error)
{
    enum status status;

    if ((status = reindex_space(index, error)) == STATUS_OK &&
        (status = reindex_allow(engine, error)) == STATUS_OK)
        status = reindex_statement(engine, index, windowed, error);
    reindex_forbid(engine);
    return status;
}
