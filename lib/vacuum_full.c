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

#include "engine_whole.h"

/* What the connection must allow for it, and forbids otherwise (database.c): the temporary file is
 * a database attached to it. */
static enum status full_vacuum(struct engine *engine, bool convert, struct error *error)
{
    const struct engine_whole whole = {.sql = "VACUUM", .what = "VACUUM"};
    enum status status = STATUS_OK;

    sqlite3_limit(database_sql(engine->database), SQLITE_LIMIT_ATTACHED, 1);
    if (convert) /* takes effect with the VACUUM alone */
        status = database_exec(engine->database, "PRAGMA auto_vacuum=INCREMENTAL", error);
    if (status == STATUS_OK)
        status = engine_whole(engine, &whole, error);
    sqlite3_limit(database_sql(engine->database), SQLITE_LIMIT_ATTACHED, 0);
    return status;
}

/* In WAL mode all of it is in the log now, or a part that no transaction ended in; the log is to
 * get short again in either case. With synchronous=NORMAL its pages need not have reached the disk
 * yet: a power cut then undoes the VACUUM as a whole, which is no loss, and a commit of the
 * application that must survive brings them along. */
enum status vacuum_full(struct engine *engine, bool convert, struct error *error)
{
    engine_progress(engine, 0, -1); /* the last word till it is done */
    enum status status = full_vacuum(engine, convert, error);
    if (status != STATUS_BUSY)
        lease_drain(engine->lease);
    return status;
}
