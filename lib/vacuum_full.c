/*
 * The full VACUUM: SQLite copies the whole database into a temporary file, packed and in order,
 * and back, in one transaction. It holds the write lock from the beginning to the end, in
 * rollback-journal mode against readers too; so the engine has asked the window first, and what
 * measuring refuses (disk, rowids, a replicator) was refused a moment ago. Told to stop, it stops
 * while it copies out, with nothing changed; copying back can't be stopped, and completes. Killed,
 * it leaves what any transaction leaves that was not committed: the next to open the database puts
 * that right. Runs in a worker, as the file's owner, in the file's folder.
 */
#include "vacuum.h"

#include "memory.h"

#include <stdlib.h>

/* What the connection must allow for it, and forbids otherwise (database.c): the temporary file is
 * a database attached to it, and must be a file, since a worker's memory is limited. */
static enum status full_allow(struct engine *engine, bool convert, struct error *error)
{
    const char *temp = engine->job->database->limits.temp;
    enum status status;

    sqlite3_limit(database_sql(engine->database), SQLITE_LIMIT_ATTACHED, 1);
    sqlite3_temp_directory = memory_copy(temp ? temp : ".");
    status = database_exec(engine->database, "PRAGMA temp_store=FILE", error);
    if (status == STATUS_OK && convert) /* takes effect with the VACUUM alone */
        status = database_exec(engine->database, "PRAGMA auto_vacuum=INCREMENTAL", error);
    return status;
}

static void full_forbid(struct engine *engine)
{
    struct error ignored;

    (void)!database_exec(engine->database, "PRAGMA temp_store=MEMORY", &ignored);
    free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
    sqlite3_limit(database_sql(engine->database), SQLITE_LIMIT_ATTACHED, 0);
}

/* In WAL mode all of it is in the log now, or a part that no transaction ended in; the log is to
 * get short again in either case. With synchronous=NORMAL its pages need not have reached the disk
 * yet: a power cut then undoes the VACUUM as a whole, which is no loss, and a commit of the
 * application that must survive brings them along. */
enum status vacuum_full(struct engine *engine, bool convert, struct error *error)
{
    enum status status = full_allow(engine, convert, error);

    engine_progress(engine, 0, -1); /* the last word till it is done */
    if (status == STATUS_OK)
        status = lease_hold_whole(engine->lease, "VACUUM", error);
    full_forbid(engine);
    if (status != STATUS_BUSY)
        lease_drain(engine->lease);
    return status;
}
