/*
 * The story of an application of several processes: a table of the database itself, into which each
 * of them writes what it is about to do and what it saw, in the very transaction. So it has what
 * was committed, in that order, and nothing else; told to a copy of the database as it was at the
 * beginning, it must come to the same.
 */
#include "lib_restless_inside.h"

#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The index that litekeeper builds meanwhile is i: from when on it is there matters, too. */
static const char story_sql_add[] =
    "INSERT INTO story(recursive, there, sql) VALUES(?1,"
    " (SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = 'i'), ?2)";
static const char story_sql_end[] = "UPDATE story SET seen = ?2 WHERE n = ?1";

int story_add(sqlite3 *db, const char *sql, bool recursive, int64_t *n)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, story_sql_add, -1, &statement, NULL);

    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int(statement, 1, recursive);
    sqlite3_bind_text(statement, 2, sql, -1, SQLITE_STATIC);
    sqlite3_step(statement);
    rc = sqlite3_finalize(statement);
    *n = sqlite3_last_insert_rowid(db);
    sqlite3_set_last_insert_rowid(db, 0);
    return rc;
}

int story_end(sqlite3 *db, int64_t n, const char *seen)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, story_sql_end, -1, &statement, NULL);

    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, n);
    sqlite3_bind_text(statement, 2, seen, -1, SQLITE_STATIC);
    sqlite3_step(statement);
    return sqlite3_finalize(statement);
}

/* --- telling it again --------------------------------------------------------------------- */

struct retelling {
    sqlite3 *model;
    const char *create; /* the index that comes, or NULL */
    bool strangers;
};

static void story_check(const struct retelling *retelling, sqlite3_stmt *row, const char *seen)
{
    const char *told = (const char *)sqlite3_column_text(row, 4);

    ck_assert_msg(retelling->strangers || (told && strcmp(told, seen) == 0),
                  "%lld: %s\nthe application saw %s\nthe model       %s",
                  (long long)sqlite3_column_int64(row, 0), sqlite3_column_text(row, 3), told, seen);
}

static void story_tell(struct retelling *retelling, sqlite3_stmt *row)
{
    struct text seen = {0};

    if (retelling->create && sqlite3_column_int(row, 2)) {
        sql_do(retelling->model, "%s", retelling->create);
        retelling->create = NULL;
    }
    sql_do(retelling->model, "PRAGMA recursive_triggers = %d", sqlite3_column_int(row, 1));
    sqlite3_set_last_insert_rowid(retelling->model, 0);
    restless_run_text(retelling->model, (const char *)sqlite3_column_text(row, 3), NULL, &seen);
    story_check(retelling, row, seen.bytes);
    text_free(&seen);
}

int64_t restless_retell(const char *sql)
{
    sqlite3 *app = sql_open("app.db");
    struct retelling retelling = {.model = sql_open("model.db"), .create = sql};
    int64_t told = 0;

    retelling.strangers = sql_number(app, "SELECT strangers FROM setting");
    if (sql)
        sql_do(retelling.model, "DROP INDEX IF EXISTS i");
    sqlite3_stmt *rows =
        sql_prepare(app, "SELECT n, recursive, there, sql, seen FROM story ORDER BY n");
    sql_do(retelling.model, "PRAGMA synchronous=OFF; BEGIN");
    for (; sqlite3_step(rows) == SQLITE_ROW; told++)
        story_tell(&retelling, rows);
    ck_assert_int_eq(sqlite3_finalize(rows), SQLITE_OK);
    sql_do(retelling.model, "COMMIT");
    ck_assert_msg(restless_same(app, retelling.model), "app.db is not what its story tells");
    sqlite3_close(app);
    sqlite3_close(retelling.model);
    return told;
}
