/* The entries of an index are read through an imposter, in the order in which they lie. */
#include "lib_rebuild.h"

#include "lease.h"
#include "lib_opened.h"
#include "lib_sql.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { REBUILD_INDEXES = 20 };

struct rebuild_limits lib_rebuild_limits = {.max_lock_ms = 2};

static struct lease *rebuild_lease(struct database *database)
{
    struct lease_limits limits = {.max_lock_ms = lib_rebuild_limits.max_lock_ms,
                                  .duty = 1,
                                  .busy_ms = 5000,
                                  .max_wal_bytes = 1 << 30};

    return lease_new(database, &limits);
}

enum status lib_rebuild(const char *index, struct rebuild_result *result, struct error *error)
{
    struct database *database = opened_database(DATABASE_WRITE);
    struct lease *lease = rebuild_lease(database);
    enum status status = rebuild_index(database, lease, index, &lib_rebuild_limits, result, error);

    lease_free(lease);
    opened_close();
    return status;
}

enum status lib_rebuild_create(const char *sql, struct rebuild_result *result, struct error *error)
{
    struct database *database = opened_database(DATABASE_WRITE);
    struct lease *lease = rebuild_lease(database);
    enum status status = rebuild_create(database, lease, sql, &lib_rebuild_limits, result, error);

    lease_free(lease);
    opened_close();
    return status;
}

enum status lib_rebuild_retire(const char *index, struct rebuild_result *result,
                               struct error *error)
{
    struct database *database = opened_database(DATABASE_WRITE);
    struct lease *lease = rebuild_lease(database);
    enum status status = rebuild_retire(database, lease, index, &lib_rebuild_limits, result, error);

    lease_free(lease);
    opened_close();
    return status;
}

void lib_rebuild_clean(void)
{
    struct database *database = opened_database(DATABASE_WRITE);
    struct lease *lease = rebuild_lease(database);
    struct error error = {0};

    ck_assert_msg(rebuild_clean(database, lease, &lib_rebuild_limits, &error) == STATUS_OK, "%s",
                  error.text);
    lease_free(lease);
    opened_close();
}

/* --- entries ------------------------------------------------------------------------------ */

static char *rebuild_layout(sqlite3 *db, const char *index)
{
    sqlite3_stmt *columns =
        sql_prepare(db, "SELECT coll, \"desc\" FROM pragma_index_xinfo(?1) ORDER BY seqno");
    struct text names = {0}, key = {0};
    int count = 0;

    sqlite3_bind_text(columns, 1, index, -1, SQLITE_STATIC);
    while (sqlite3_step(columns) == SQLITE_ROW) {
        count++;
        text_addf(&names, "k%d COLLATE %s, ", count, (const char *)sqlite3_column_text(columns, 0));
        text_addf(&key, "%sk%d%s", count > 1 ? ", " : "", count,
                  sqlite3_column_int(columns, 1) ? " DESC" : "");
    }
    sqlite3_finalize(columns);
    ck_assert_int_gt(count, 0);
    char *layout = memory_format("CREATE TABLE imposter(%sPRIMARY KEY(%s)) WITHOUT ROWID",
                                 names.bytes, key.bytes);
    text_free(&names);
    text_free(&key);
    return layout;
}

static void rebuild_add_entry(sqlite3_stmt *row, struct text *text)
{
    for (int i = 0; i < sqlite3_column_count(row); i++)
        text_addf(text, "%d:%s|", sqlite3_column_type(row, i),
                  (const char *)sqlite3_column_text(row, i));
    text_add(text, "\n");
}

/* All entries, a line each. */
static char *rebuild_entries(const char *index)
{
    sqlite3 *db = sql_open("app.db");
    char *layout = rebuild_layout(db, index);
    char *query = memory_format("SELECT rootpage FROM sqlite_master WHERE name = '%s'", index);
    int root = (int)sql_number(db, query);
    struct text text = {0};

    sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, db, "main", 1, root);
    sql_do(db, "%s", layout);
    sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, db, "main", 0, 0);
    sqlite3_stmt *rows = sql_prepare(db, "SELECT * FROM imposter");
    while (sqlite3_step(rows) == SQLITE_ROW)
        rebuild_add_entry(rows, &text);
    ck_assert_int_eq(sqlite3_finalize(rows), SQLITE_OK);
    sqlite3_close(db);
    free(layout);
    free(query);
    return text_take(&text);
}

int64_t lib_rebuild_ours(void)
{
    sqlite3 *db = sql_open("app.db");
    int64_t ours =
        sql_number(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%litekeeper%'");

    sqlite3_close(db);
    return ours;
}

void lib_rebuild_check(const char *index)
{
    sqlite3 *db = sql_open("app.db");

    sql_expect(db, "PRAGMA integrity_check", "ok");
    sqlite3_close(db);
    ck_assert_int_eq(lib_rebuild_ours(), 0);
    if (!index)
        return;
    char *ours = rebuild_entries(index);
    db = sql_open("app.db");
    sql_do(db, "REINDEX %s", index);
    sqlite3_close(db);
    char *theirs = rebuild_entries(index);
    if (strcmp(ours, theirs) != 0) {
        size_t at = 0;
        while (ours[at] && ours[at] == theirs[at])
            at++;
        while (at && ours[at - 1] != '\n')
            at--;
        ck_abort_msg("index %s has %.200s\ninstead of %.200s", index, ours + at, theirs + at);
    }
    free(ours);
    free(theirs);
}

void lib_rebuild_check_all(void)
{
    sqlite3 *db = sql_open("app.db");
    sqlite3_stmt *indexes = sql_prepare(db, "SELECT name FROM sqlite_master WHERE type = 'index'");
    char *names[REBUILD_INDEXES];
    int count = 0;

    while (count < REBUILD_INDEXES && sqlite3_step(indexes) == SQLITE_ROW)
        names[count++] = memory_copy((const char *)sqlite3_column_text(indexes, 0));
    sqlite3_finalize(indexes);
    sqlite3_close(db);
    lib_rebuild_check(NULL);
    for (int i = 0; i < count; i++) {
        lib_rebuild_check(names[i]);
        free(names[i]);
    }
}

bool lib_rebuild_sound_line(const char *line)
{
    static const char nulls[] = "NULL value in _litekeeper_copy.";

    return strcmp(line, "ok") == 0 || strncmp(line, nulls, strlen(nulls)) == 0;
}

void lib_rebuild_sound(void)
{
    sqlite3 *db = sql_open("app.db");
    sqlite3_stmt *lines = sql_prepare(db, "PRAGMA integrity_check");

    while (sqlite3_step(lines) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(lines, 0);
        ck_assert_msg(lib_rebuild_sound_line(line), "%s", line);
    }
    ck_assert_int_eq(sqlite3_finalize(lines), SQLITE_OK);
    sqlite3_close(db);
}
