/*
 * What the restless application says is made of templates: %i an id, %u a unique number, %e a
 * unique text, %a, %b, %c values, %p a parent, %n a small number, %k a conflict clause. All of
 * these come from small sets, so that they meet.
 */
#include "lib_restless.h"

#include "lib_randomdb.h"
#include "lib_sql.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int restless_range = 1000; /* of ids, about the number of rows */

/* --- schemas ------------------------------------------------------------------------------ */

#define RESTLESS_PARENT "parent REFERENCES p(id) ON DELETE CASCADE ON UPDATE CASCADE"

static const char *const restless_tables[] = {
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b REAL, c, u INT UNIQUE,"
    " e TEXT NOT NULL DEFAULT 'e5' UNIQUE, " RESTLESS_PARENT ")",
    "CREATE TABLE t(id INT, a TEXT COLLATE NOCASE, b REAL, c, u INT UNIQUE ON CONFLICT REPLACE,"
    " e TEXT, " RESTLESS_PARENT ", g AS (lower(e)), UNIQUE(g, id))",
    "CREATE TABLE t(id INT, a, b NUMERIC, c BLOB, u INT UNIQUE, e TEXT COLLATE NOCASE NOT NULL"
    " DEFAULT 'E9', " RESTLESS_PARENT ", PRIMARY KEY(e, id DESC)) WITHOUT ROWID",
    "CREATE TABLE t(id INT PRIMARY KEY, a TEXT, b REAL, c, u INT,"
    " e TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'e7', " RESTLESS_PARENT ", UNIQUE(e, u))",
};

/* NULL: an automatic one. */
static const struct {
    const char *sql, *index;
} restless_indexes[] = {
    {"CREATE INDEX i ON t(a)", "i"},
    {"CREATE INDEX i ON t(a COLLATE NOCASE DESC, b)", "i"},
    {"CREATE INDEX i ON t(b, c DESC, a)", "i"},
    {"CREATE INDEX i ON t(c, id) WHERE b > 20", "i"},
    {"CREATE INDEX i ON t(lower(a), b * 2, length(c)) WHERE c IS NOT NULL", "i"},
    {"CREATE UNIQUE INDEX i ON t(e COLLATE NOCASE, u)", "i"},
    {"CREATE UNIQUE INDEX i ON t(lower(e), id % 50, u)", "i"},
    {"CREATE UNIQUE INDEX i ON t(u, a) WHERE a < 'm'", "i"},
    {"CREATE INDEX i ON t(parent, u DESC)", "i"},
    {NULL, "sqlite_autoindex_t_1"},
};

static const char *const restless_triggers[] = {
    "",
    "CREATE TRIGGER x AFTER INSERT ON t WHEN NEW.id % 5 = 0 BEGIN"
    " UPDATE t SET c = NEW.id WHERE u = NEW.u + 1; END;"
    "CREATE TRIGGER y AFTER DELETE ON t BEGIN INSERT INTO log VALUES('gone', OLD.id); END",
    "CREATE TRIGGER x BEFORE INSERT ON t BEGIN UPDATE t SET u = NULL WHERE u = NEW.u AND id % 2;"
    " UPDATE OR REPLACE t SET e = NEW.e WHERE id = NEW.id + 1; END",
    "CREATE TRIGGER x BEFORE UPDATE ON t WHEN OLD.id % 11 = 0 BEGIN"
    " DELETE FROM t WHERE id = OLD.id + 3; UPDATE t SET a = 'up' WHERE id = OLD.id + 4; END;"
    "CREATE TRIGGER z BEFORE INSERT ON t WHEN NEW.id % 13 = 0 BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER x AFTER UPDATE OF u ON t WHEN NEW.u % 9 = 0 BEGIN"
    " INSERT OR REPLACE INTO t(id, a, u, e) VALUES(NEW.id + 2, 'again', NEW.u + 1, 'x' || NEW.u);"
    " END",
};

static const char restless_others[] = "CREATE TABLE p(id INTEGER PRIMARY KEY, x);"
                                      "CREATE TABLE log(what, id);"
                                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                                      " FROM n WHERE i < 40) INSERT INTO p SELECT i, i FROM n;";

static const char *const restless_statements[] = {
    "INSERT %k INTO t(id, a, b, c, u, e, parent) VALUES(%i, %a, %b, %c, %u, %e, %p)",
    "INSERT %k INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e), (%i, %a, %b, %c, %u, %e),"
    " (%i, %a, %b, %c, %u, %e)",
    "INSERT %k INTO t(id, a, b, c, u) VALUES(%i, %a, %b, %c, %u)",
    "INSERT %k INTO t(id, a, u, e) VALUES(%i, %a, %u, NULL)",
    "INSERT INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e)"
    " ON CONFLICT DO UPDATE SET a = excluded.a, c = excluded.c",
    "INSERT INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e) ON CONFLICT DO NOTHING",
    "INSERT %k INTO t(id, a, b, c, u, e) SELECT id + %n, a, c, b, u + %n, e || %n FROM t"
    " WHERE id BETWEEN %i AND %i + 4 LIMIT 6",
    "INSERT %k INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e) RETURNING id, u, a",
    "UPDATE %k t SET a = %a WHERE id = %i",
    "UPDATE %k t SET a = upper(a), b = b + 1 WHERE id BETWEEN %i AND %i + 3",
    "UPDATE %k t SET u = %u WHERE id = %i",
    "UPDATE %k t SET e = %e, c = %c WHERE u = %u",
    "UPDATE %k t SET e = NULL WHERE id = %i",
    "UPDATE %k t SET id = id + %n WHERE id BETWEEN %i AND %i + 3",
    "UPDATE %k t SET id = %i, u = %u WHERE id = %i RETURNING id, b",
    "UPDATE %k t SET (a, c) = (c, a) WHERE id BETWEEN %i AND %i + 2",
    "UPDATE %k t SET parent = %p, b = %b WHERE id = %i",
    "DELETE FROM t WHERE id = %i",
    "DELETE FROM t WHERE u BETWEEN %u AND %u + 2",
    "DELETE FROM t WHERE id = %i RETURNING a, b, c",
    "DELETE FROM p WHERE id = %p",
    "UPDATE OR IGNORE p SET id = id + %n WHERE id = %p",
    "INSERT OR REPLACE INTO p VALUES(%p, %n)",
    "SELECT count(*), sum(u) FROM t WHERE id > %i",
    "SELECT a, u FROM t WHERE a >= %a ORDER BY a, u LIMIT 5",
};

static const char *const restless_conflicts[] = {"",           "",           "OR REPLACE",
                                                 "OR REPLACE", "OR IGNORE",  "OR ABORT",
                                                 "OR FAIL",    "OR ROLLBACK"};

#define RESTLESS_COUNT(table) ((int64_t)(sizeof(table) / sizeof *(table)))

/* --- values ------------------------------------------------------------------------------- */

static void restless_value(char code, uint64_t *random, struct text *sql)
{
    long long any = randomdb_number(random, restless_range);
    int way = (int)randomdb_number(random, 8);

    if (code == 'i' || (code == 'u' && way))
        text_addf(sql, "%lld", any);
    else if (code == 'e')
        text_addf(sql, "'%c%lld'", way % 2 ? 'e' : 'E', any);
    else if (code == 'p')
        text_addf(sql, "%lld", 1 + any % 40);
    else if (code == 'n')
        text_addf(sql, "%lld", 1 + any % 5);
    else if (code == 'k')
        text_add(sql, restless_conflicts[way]);
    else if (way == 0 || code == 'u')
        text_add(sql, "NULL");
    else if (code == 'a')
        text_addf(sql, "'%c%llx'", way % 2 ? 'a' : 'Q', any * 7919 % 4096);
    else if (code == 'b')
        text_addf(sql, way % 2 ? "%lld" : "%lld.5", any % 60 - 5);
    else
        text_addf(sql, way < 3 ? "%lld" : way < 5 ? "x'%04llx'" : "'c%lld'", any);
}

static char *restless_expand(const char *template, uint64_t *random)
{
    struct text sql = {0};

    for (; *template; template ++) {
        if (*template == '%' && strchr("iuepnkabc", template[1]) && template[1])
            restless_value(*++template, random, &sql);
        else
            text_add_length(&sql, template, 1);
    }
    return text_take(&sql);
}

/* --- making it ---------------------------------------------------------------------------- */

static int64_t restless_any(uint64_t *random, int64_t count)
{
    return randomdb_number(random, count);
}

static void restless_fill(sqlite3 *db, uint64_t *random, int rows)
{
    sql_do(db, "BEGIN");
    for (int i = 0; i < rows; i++) {
        char *sql = restless_expand("INSERT OR IGNORE INTO t(id, a, b, c, u, e, parent)"
                                    " VALUES(%i, %a, %b, %c, %u, %e, %p)",
                                    random);
        sql_do(db, "%s", sql);
        free(sql);
    }
    sql_do(db, "COMMIT");
}

static void restless_remove(void)
{
    static const char *const names[] = {"app.db", "app.db-wal", "app.db-shm", "app.db-journal",
                                        "model.db"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(names[i]);
}

const char *restless_make(uint64_t *random, int rows, const char *journal, const char **index)
{
    int64_t table = restless_any(random, RESTLESS_COUNT(restless_tables));
    int64_t kind = restless_any(random, RESTLESS_COUNT(restless_indexes));
    int64_t trigger = restless_any(random, RESTLESS_COUNT(restless_triggers));
    int64_t vacuum = restless_any(random, 6);

    restless_remove();
    restless_range = rows;
    sqlite3 *db = sql_make("app.db");
    sql_do(db, "PRAGMA auto_vacuum=%lld", vacuum < 3 ? (long long)vacuum : 0);
    sql_do(db, "PRAGMA journal_mode=%s", journal);
    sql_do(db, "%s%s", restless_others, restless_tables[table]);
    if (restless_indexes[kind].sql)
        sql_do(db, "%s", restless_indexes[kind].sql);
    restless_fill(db, random, rows);
    sql_do(db, "%s", restless_triggers[trigger]);
    sqlite3_close(db);
    *index = restless_indexes[kind].index;
    return restless_indexes[kind].sql;
}

char *restless_sql(uint64_t *random)
{
    return restless_expand(
        restless_statements[randomdb_number(random, RESTLESS_COUNT(restless_statements))], random);
}
