/*
 * Whether the linked SQLite can edit pages and truncate. sqlite_dbpage is an option of SQLite's
 * build; it truncates soundly from 3.49.1 on (before that a page written later did not cancel the
 * truncation); and with the WAL-reset bug the many checkpoints could lose commits. So what counts
 * is the version, and what a scratch file does that lives in memory and is written as a real one.
 */
#include "pageedit.h"

#include "bytes.h"
#include "library.h"
#include "pagefile.h"

#include <string.h>

enum { PROBE_PAGE = 512, PROBE_LEAST = 3049001 };

/* Page 1 as it is to be: no page behind it, none free. */
static const char probe_make[] = "PRAGMA page_size=512; CREATE TABLE t(v);"
                                 "INSERT INTO t VALUES(zeroblob(20000)); DROP TABLE t";

static int probe_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static bool probe_first(sqlite3 *db, unsigned char *bytes)
{
    sqlite3_stmt *query = NULL;
    const void *found = NULL;

    if (sqlite3_prepare_v2(db, "SELECT data FROM sqlite_dbpage WHERE pgno = 1", -1, &query, NULL) ==
            SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW && sqlite3_column_bytes(query, 0) == PROBE_PAGE)
        found = sqlite3_column_blob(query, 0);
    if (found)
        memcpy(bytes, found, PROBE_PAGE);
    sqlite3_finalize(query);
    return found != NULL;
}

static bool probe_write(sqlite3 *db, const unsigned char *bytes)
{
    sqlite3_stmt *update = NULL;
    bool done = false;

    if (sqlite3_prepare_v2(db, "UPDATE sqlite_dbpage SET data = ?1 WHERE pgno = 1", -1, &update,
                           NULL) == SQLITE_OK &&
        sqlite3_bind_blob(update, 1, bytes, PROBE_PAGE, SQLITE_STATIC) == SQLITE_OK)
        done = sqlite3_step(update) == SQLITE_DONE;
    sqlite3_finalize(update);
    return done;
}

static bool probe_works(sqlite3 *db)
{
    unsigned char bytes[PROBE_PAGE];

    if (probe_exec(db, probe_make) || pagefile_number(db, "PRAGMA page_count") < 2 ||
        probe_exec(db, "BEGIN IMMEDIATE") || !probe_first(db, bytes))
        return false;
    bytes_put_four(bytes + 28, 1); /* pages; freelist; free pages */
    bytes_put_four(bytes + 32, 0);
    bytes_put_four(bytes + 36, 0);
    return probe_write(db, bytes) &&
           !probe_exec(db, "INSERT INTO sqlite_dbpage(pgno, data) VALUES(2, NULL)") &&
           !probe_exec(db, "COMMIT; CREATE TABLE u(v); DROP TABLE u") &&
           pagefile_number(db, "PRAGMA page_count") == 2 &&
           pagefile_number(db, "PRAGMA freelist_count") == 1 &&
           pagefile_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE "
                               "integrity_check = 'ok'") == 1;
}

static bool probe_scratch(void)
{
    sqlite3 *db = NULL;
    bool works = sqlite3_open_v2("file:scratch?vfs=memdb", &db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI,
                                 NULL) == SQLITE_OK &&
                 probe_works(db);

    sqlite3_close(db);
    return works;
}

enum status pageedit_available(struct error *error)
{
    int version = sqlite3_libversion_number();

    if (version < PROBE_LEAST || library_has_wal_reset_bug(version))
        return error_set(
            error, STATUS_REFUSED,
            "mode: online needs SQLite 3.50.7, or 3.51.3 or later, with sqlite_dbpage, "
            "and litekeeper is linked with %s: build it with make SQLITE=FOLDER, or "
            "take mode: full",
            sqlite3_libversion());
    if (!probe_scratch())
        return error_set(error, STATUS_REFUSED,
                         "mode: online needs sqlite_dbpage (SQLITE_ENABLE_DBPAGE_VTAB), which the "
                         "linked SQLite %s lacks or can't truncate with: build litekeeper with "
                         "make SQLITE=FOLDER, or take mode: full",
                         sqlite3_libversion());
    return STATUS_OK;
}
