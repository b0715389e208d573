/* The ledger in the application's database. SQL of SQLite 3.8 alone. Runs in a worker. */
#include "archive_ledger.h"

#include "memory.h"

#include <stdlib.h>

#define LEDGER "_litekeeper_archive"

/* Row -1 has the number of rows that are dealt with; each other is one that stayed. */
static const char archive_ledger_sql_make[] =
    "CREATE TABLE IF NOT EXISTS " LEDGER
    "(segment TEXT NOT NULL, row INTEGER NOT NULL, dealt INTEGER, PRIMARY KEY(segment, row))";

static enum status archive_ledger_prepare(struct archive_ledger *ledger, const char *sql,
                                          sqlite3_stmt **statement, struct error *error)
{
    enum status status = database_prepare(ledger->engine->database, sql, statement, error);

    if (status == STATUS_OK && ledger->segment)
        sqlite3_bind_text(*statement, 1, ledger->segment, -1, SQLITE_STATIC);
    return status;
}

static enum status archive_ledger_run(struct archive_ledger *ledger, const char *sql,
                                      struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool row;
    enum status status = archive_ledger_prepare(ledger, sql, &statement, error);

    if (status == STATUS_OK)
        status = database_step(ledger->engine->database, statement, &row, error);
    sqlite3_finalize(statement);
    return status;
}

/* One statement in a hold of its own, again until it is committed or given up. */
static enum status archive_ledger_hold(struct archive_ledger *ledger, const char *sql,
                                       struct error *error)
{
    struct lease *lease = ledger->engine->lease;
    enum status status;

    do {
        if ((status = lease_begin(lease, error)))
            return status;
        status = archive_ledger_run(ledger, sql, error);
        if (status == STATUS_OK)
            status = lease_end(lease, error);
        else if ((status = lease_failed(lease, status, false, error)) == STATUS_OK)
            status = STATUS_BUSY; /* it has overrun, and is done again */
    } while (status == STATUS_BUSY);
    return status;
}

/* The same, and it is on the disk afterwards; what was committed before is, too. */
static enum status archive_ledger_hold_durably(struct archive_ledger *ledger, const char *sql,
                                               struct error *error)
{
    struct database *database = ledger->engine->database;
    enum status status = database_exec(database, "PRAGMA synchronous=FULL", error);

    database_sync_log(database);
    if (status == STATUS_OK)
        status = archive_ledger_hold(ledger, sql, error);
    if (database_facts(database)->wal) /* back to what database.c has set */
        sqlite3_exec(database_sql(database), "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
    return status;
}

static enum status archive_ledger_there(struct engine *engine, bool *there, struct error *error)
{
    int64_t found = 0;
    enum status status =
        database_integer(engine->database,
                         "SELECT 1 FROM sqlite_master WHERE name = '" LEDGER "' AND type = 'table'",
                         0, &found, error);

    *there = found != 0;
    return status;
}

enum status archive_ledger_make(struct engine *engine, struct error *error)
{
    struct archive_ledger ledger = {.engine = engine};
    bool there = false;
    enum status status = archive_ledger_there(engine, &there, error);

    return status || there ? status : archive_ledger_hold(&ledger, archive_ledger_sql_make, error);
}

enum status archive_ledger_enter(struct archive_ledger *ledger, struct error *error)
{
    enum status status = archive_ledger_hold_durably(
        ledger, "INSERT OR REPLACE INTO " LEDGER "(segment, row, dealt) VALUES(?1, -1, 0)", error);

    if (status == STATUS_OK)
        status =
            archive_ledger_prepare(ledger, "INSERT INTO " LEDGER "(segment, row) VALUES(?1, ?2)",
                                   &ledger->keep, error);
    if (status == STATUS_OK)
        status = archive_ledger_prepare(ledger,
                                        "UPDATE " LEDGER
                                        " SET dealt = ?2 WHERE segment = ?1 AND row = -1",
                                        &ledger->deal, error);
    return status;
}

static enum status archive_ledger_note(struct archive_ledger *ledger, sqlite3_stmt *statement,
                                       int64_t number, struct error *error)
{
    bool row;

    sqlite3_bind_int64(statement, 2, number);
    enum status status = database_step(ledger->engine->database, statement, &row, error);
    int changes = sqlite3_changes(database_sql(ledger->engine->database));
    sqlite3_reset(statement);
    if (status == STATUS_OK && changes != 1)
        status = error_set(error, STATUS_FAILED,
                           "the table " LEDGER " was changed by somebody else; leave it alone");
    return status;
}

enum status archive_ledger_keep(struct archive_ledger *ledger, int64_t row, struct error *error)
{
    return archive_ledger_note(ledger, ledger->keep, row, error);
}

enum status archive_ledger_deal(struct archive_ledger *ledger, int64_t rows, struct error *error)
{
    return archive_ledger_note(ledger, ledger->deal, rows, error);
}

enum status archive_ledger_seal(struct archive_ledger *ledger, struct error *error)
{
    return archive_ledger_hold_durably(
        ledger, "UPDATE " LEDGER " SET dealt = dealt WHERE segment = ?1 AND row = -1", error);
}

static void archive_ledger_take(sqlite3_stmt *statement, struct archive_ledger_state *state)
{
    int64_t row = sqlite3_column_int64(statement, 0);

    if (row < 0) {
        state->found = true;
        state->dealt = sqlite3_column_int64(statement, 1);
        return;
    }
    if ((state->kept_count & (state->kept_count - 1)) == 0) /* it is full at each power of two */
        state->kept = memory_resize(state->kept, state->kept_count ? state->kept_count * 2 : 1,
                                    sizeof *state->kept);
    state->kept[state->kept_count++] = row;
}

enum status archive_ledger_read(struct archive_ledger *ledger, struct archive_ledger_state *state,
                                struct error *error)
{
    struct archive_ledger_state found = {0};
    sqlite3_stmt *statement = NULL;
    bool there = false, row = false;
    enum status status = archive_ledger_there(ledger->engine, &there, error);

    if (status == STATUS_OK && there)
        status = archive_ledger_prepare(ledger,
                                        "SELECT row, dealt FROM " LEDGER
                                        " WHERE segment = ?1 ORDER BY row",
                                        &statement, error);
    while (status == STATUS_OK && statement &&
           (status = database_step(ledger->engine->database, statement, &row, error)) ==
               STATUS_OK &&
           row)
        archive_ledger_take(statement, &found);
    sqlite3_finalize(statement);
    if (status)
        free(found.kept);
    else
        *state = found;
    return status;
}

/* Some rows at a time, since many may have stayed; the segment's own row goes last. */
enum status archive_ledger_strike(struct archive_ledger *ledger, struct error *error)
{
    static const char some[] = "DELETE FROM " LEDGER " WHERE rowid IN (SELECT rowid FROM " LEDGER
                               " WHERE segment = ?1 ORDER BY row DESC LIMIT 200)";
    sqlite3 *sql = database_sql(ledger->engine->database);
    bool there = false;
    enum status status = archive_ledger_there(ledger->engine, &there, error);

    if (status || !there)
        return status;
    do
        status = archive_ledger_hold_durably(ledger, some, error);
    while (status == STATUS_OK && sqlite3_changes(sql) > 0);
    return status;
}

enum status archive_ledger_count(struct engine *engine, int64_t *count, struct error *error)
{
    bool there = false;
    enum status status = archive_ledger_there(engine, &there, error);

    if (status == STATUS_OK && there)
        status =
            database_integer(engine->database, "SELECT count(*) FROM " LEDGER " WHERE row = -1", 0,
                             count, error);
    return status;
}

enum status archive_ledger_drop(struct engine *engine, struct error *error)
{
    struct archive_ledger ledger = {.engine = engine};
    int64_t used = 0;
    bool there = false;
    enum status status = archive_ledger_there(engine, &there, error);

    if (status == STATUS_OK)
        status = archive_ledger_count(engine, &used, error);
    return status || !there || used ? status
                                    : archive_ledger_hold(&ledger, "DROP TABLE " LEDGER, error);
}

void archive_ledger_free(struct archive_ledger *ledger)
{
    sqlite3_finalize(ledger->keep);
    sqlite3_finalize(ledger->deal);
    ledger->keep = ledger->deal = NULL;
}
