/*
 * The one place where litekeeper writes to sqlite_master, and where SQLite's DEFENSIVE mode is off,
 * for as long as that takes. Runs in a worker, inside a step.
 */
#include "rebuild_inside.h"

#include "memory.h"

#include <stdlib.h>

/* Everybody, and we too, must read the schema again. */
static enum status schema_write(struct rebuild *rebuild, rebuild_work *work, void *argument,
                                struct error *error)
{
    int64_t schema = 0;
    enum status status;

    if ((status = database_exec(rebuild->database, "PRAGMA writable_schema = ON", error)) ||
        (status = work(rebuild, argument, error)) ||
        (status = database_integer(rebuild->database, "PRAGMA schema_version", 0, &schema, error)))
        return status;
    char *sql = memory_format("PRAGMA schema_version = %d", (int)(schema + 1));
    status = database_exec(rebuild->database, sql, error);
    free(sql);
    return status;
}

enum status rebuild_write_schema(struct rebuild *rebuild, rebuild_work *work, void *argument,
                                 struct error *error)
{
    sqlite3 *sql = database_sql(rebuild->database);
    struct error ignored;

    sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    enum status status = schema_write(rebuild, work, argument, error);
    if (database_exec(rebuild->database, "PRAGMA writable_schema = OFF", &ignored) &&
        status == STATUS_OK)
        status = error_set(error, STATUS_FAILED, "%s", ignored.text);
    sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return status;
}
