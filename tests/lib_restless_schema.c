/*
 * Random schemas: a table t with its keys, its generated column, its parent, other indexes and
 * triggers. Its columns always have the same names, so that the statements of lib_restless_sql.c
 * fit any of them; those that make no sense somewhere fail there as they fail in the model.
 */
#include "lib_restless_inside.h"

#include "lib_randomdb.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCHEMA_OTHERS = 3, SCHEMA_TERMS = 3, SCHEMA_TRIES = 50 };

/* --- columns ------------------------------------------------------------------------------ */

static const struct schema_key {
    const char *id, *primary, *options;
    bool unique; /* the id alone is */
} schema_keys[] = {
    {"id INTEGER PRIMARY KEY", "", "", true},
    {"id INTEGER PRIMARY KEY AUTOINCREMENT", "", "", true},
    {"id INT", "", "", false},
    {"id INT PRIMARY KEY", "", "", true},
    {"id INTEGER PRIMARY KEY DESC", "", "", true}, /* which is another thing than the first */
    {"id INT", ", PRIMARY KEY(e, id DESC)", "", false},
    {"id INT", ", PRIMARY KEY(e, id DESC)", "WITHOUT ROWID", false},
    {"id INT PRIMARY KEY", "", "WITHOUT ROWID", true},
    {"id INT", ", PRIMARY KEY(a COLLATE NOCASE, id)", "WITHOUT ROWID", false},
};

/* The first three of each fit a STRICT table. */
enum { SCHEMA_STRICT = 3 };
static const char *const schema_a[] = {"TEXT", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "",
                                       "VARCHAR(9) COLLATE NOCASE"};
static const char *const schema_b[] = {"REAL", "INT", "ANY", "NUMERIC", "", "FLOAT"};
static const char *const schema_c[] = {"ANY", "BLOB", "TEXT", "", "COLLATE NOCASE"};
static const char *const schema_u[] = {"INT UNIQUE", "REAL UNIQUE",
                                       "INT UNIQUE ON CONFLICT REPLACE", "INT",
                                       "UNIQUE ON CONFLICT IGNORE"};
static const char *const schema_e[] = {"TEXT NOT NULL DEFAULT 'e5' UNIQUE", "TEXT",
                                       "TEXT COLLATE NOCASE NOT NULL DEFAULT 'E9'",
                                       "TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'e7'",
                                       "COLLATE NOCASE UNIQUE ON CONFLICT REPLACE"};
static const char *const schema_g[] = {"",
                                       "",
                                       ", g TEXT AS (lower(e))",
                                       ", g INT AS (u % 50)",
                                       ", g TEXT AS (a || b) STORED",
                                       ", g TEXT COLLATE NOCASE AS (substr(e, 2))"};
static const char *const schema_parents[] = {
    "REFERENCES p(id) ON DELETE CASCADE ON UPDATE CASCADE",
    "REFERENCES p(id) ON DELETE SET NULL ON UPDATE SET NULL",
    "DEFAULT 50 REFERENCES p(id) ON DELETE SET DEFAULT ON UPDATE CASCADE",
    "REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED",
};
static const char schema_self[] = "REFERENCES t(id) ON DELETE CASCADE ON UPDATE CASCADE";
/* The last one is for a table with the column g. */
static const char *const schema_constraints[] = {"",
                                                 "",
                                                 ", UNIQUE(e, u)",
                                                 ", UNIQUE(a COLLATE NOCASE, u) ON CONFLICT IGNORE",
                                                 ", CHECK(b IS NULL OR b < 50)",
                                                 ", UNIQUE(g, id)"};

static const char *schema_any(uint64_t *random, const char *const *choices, int64_t count)
{
    return choices[randomdb_number(random, count)];
}

#define SCHEMA_COUNT(table)       ((int64_t)(sizeof(table) / sizeof *(table)))
#define SCHEMA_ANY(random, table) schema_any(random, table, SCHEMA_COUNT(table))

static void schema_add_column(struct text *sql, const char *name, const char *const *types,
                              int64_t count, bool strict, uint64_t *random)
{
    text_addf(sql, ", %s %s", name, schema_any(random, types, strict ? SCHEMA_STRICT : count));
}

static bool schema_add_table(uint64_t *random, struct text *sql, bool *plain)
{
    const struct schema_key *key = &schema_keys[randomdb_number(random, SCHEMA_COUNT(schema_keys))];
    bool strict = randomdb_number(random, 6) == 0 && sqlite3_libversion_number() >= 3037000;
    const char *generated = SCHEMA_ANY(random, schema_g);
    bool keyed = *generated && randomdb_number(random, 3) == 0; /* which not all can be told of */
    int64_t constraints = SCHEMA_COUNT(schema_constraints) - !keyed;
    bool self = key->unique && randomdb_number(random, 5) == 0;

    text_addf(sql, "CREATE TABLE t(%s", key->id);
    schema_add_column(sql, "a", schema_a, SCHEMA_COUNT(schema_a), strict, random);
    schema_add_column(sql, "b", schema_b, SCHEMA_COUNT(schema_b), strict, random);
    schema_add_column(sql, "c", schema_c, SCHEMA_COUNT(schema_c), strict, random);
    schema_add_column(sql, "u", schema_u, SCHEMA_COUNT(schema_u), strict, random);
    schema_add_column(sql, "e", schema_e, SCHEMA_COUNT(schema_e), strict, random);
    text_addf(sql, ", parent%s %s%s%s%s)%s%s%s;\n", strict ? " INT" : "",
              self ? schema_self : SCHEMA_ANY(random, schema_parents), generated, key->primary,
              schema_any(random, schema_constraints, constraints), key->options,
              strict && *key->options ? ", " : "", strict ? "STRICT" : "");
    *plain = key->unique && !strict;
    return *generated != '\0';
}

/* --- indexes ------------------------------------------------------------------------------ */

/* The last one is for a table with the column g. */
static const char *const schema_terms[] = {"a",
                                           "b",
                                           "c",
                                           "u",
                                           "e",
                                           "id",
                                           "parent",
                                           "a",
                                           "lower(e)",
                                           "b * 2",
                                           "length(c)",
                                           "u % 50",
                                           "a || e",
                                           "abs(b)",
                                           "typeof(c)",
                                           "coalesce(c, a)",
                                           "CASE WHEN b > 0 THEN a ELSE c END",
                                           "CAST(c AS TEXT)",
                                           "g"};
static const char *const schema_conditions[] = {"b > 20",
                                                "c IS NOT NULL",
                                                "a < 'm'",
                                                "u % 3 = 0",
                                                "length(a) > 2 AND u IS NOT NULL",
                                                "parent IN (1, 2, 3, 5, 8, 13, 21)",
                                                "typeof(c) = 'blob' OR b IS NULL",
                                                "e LIKE 'e%'",
                                                "g IS NOT NULL"};
static const char *const schema_collations[] = {
    "", "", "", " COLLATE NOCASE", " COLLATE RTRIM", " COLLATE BINARY"};

static void schema_add_index(uint64_t *random, const char *name, bool unique, bool generated,
                             struct text *sql)
{
    int64_t terms = 1 + randomdb_number(random, SCHEMA_TERMS);

    text_addf(sql, "CREATE %sINDEX %s ON t(", unique ? "UNIQUE " : "", name);
    for (int64_t i = 0; i < terms; i++)
        text_addf(sql, "%s%s%s%s", i ? ", " : "",
                  schema_any(random, schema_terms, SCHEMA_COUNT(schema_terms) - !generated),
                  SCHEMA_ANY(random, schema_collations), randomdb_number(random, 3) ? "" : " DESC");
    text_add(sql, ")");
    if (randomdb_number(random, 3) == 0)
        text_addf(sql, " WHERE %s",
                  schema_any(random, schema_conditions,
                             SCHEMA_COUNT(schema_conditions) - !generated));
}

/* --- triggers ----------------------------------------------------------------------------- */

/* The last one visits several rows. */
static const char *const schema_triggers[] = {
    "",
    "CREATE TRIGGER x AFTER INSERT ON t WHEN NEW.id % 5 = 0 BEGIN"
    " UPDATE t SET c = NEW.id WHERE u = NEW.u + 1; END;"
    "CREATE TRIGGER y AFTER DELETE ON t BEGIN INSERT INTO log VALUES('gone', OLD.id); END;",
    "CREATE TRIGGER x BEFORE INSERT ON t BEGIN UPDATE t SET u = NULL WHERE u = NEW.u AND id % 2;"
    " UPDATE OR REPLACE t SET e = NEW.e WHERE id = NEW.id + 1; END;",
    "CREATE TRIGGER x BEFORE UPDATE ON t WHEN OLD.id % 11 = 0 BEGIN"
    " DELETE FROM t WHERE id = OLD.id + 3; UPDATE t SET a = 'up' WHERE id = OLD.id + 4; END;"
    "CREATE TRIGGER z BEFORE INSERT ON t WHEN NEW.id % 13 = 0 BEGIN SELECT RAISE(IGNORE); END;",
    "CREATE TRIGGER x AFTER UPDATE OF u ON t WHEN NEW.u % 9 = 0 BEGIN"
    " INSERT OR REPLACE INTO t(id, a, u, e) VALUES(NEW.id + 2, 'again', NEW.u + 1, 'x' || NEW.u);"
    " END;",
    "CREATE TRIGGER x BEFORE UPDATE ON t WHEN NEW.id % 17 = 0 BEGIN SELECT RAISE(FAIL, 'f'); END;"
    "CREATE TRIGGER y AFTER INSERT ON t WHEN NEW.u % 19 = 0 BEGIN SELECT RAISE(ROLLBACK, 'r'); END;"
    "CREATE TRIGGER z AFTER DELETE ON t WHEN OLD.id % 23 = 0 BEGIN SELECT RAISE(ABORT, 'a'); END;",
    "CREATE TRIGGER x AFTER UPDATE ON p BEGIN UPDATE OR IGNORE t SET b = NEW.x, u = u + 1"
    " WHERE parent = NEW.id AND id % 3 = 0; END;",
};

/* SQLite visits the rows of an UPDATE in another order where the table has triggers, whosever they
 * are, and UPDATE OR IGNORE or OR FAIL may take others of them. And it undoes what OR FAIL has done
 * before a value did not fit a STRICT table only if a trigger could have failed otherwise. So there
 * are some all the time. */
static const char schema_always[] =
    "CREATE TRIGGER own1 BEFORE UPDATE ON t BEGIN SELECT RAISE(ABORT, 'never') WHERE 0; END;"
    "CREATE TRIGGER own2 AFTER UPDATE ON t BEGIN SELECT 1; END;"
    "CREATE TRIGGER own3 BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'never') WHERE 0; END;"
    "CREATE TRIGGER own4 AFTER INSERT ON t BEGIN SELECT 1; END;"
    "CREATE TRIGGER own5 AFTER DELETE ON t BEGIN SELECT 1; END;"
    "CREATE VIEW v AS SELECT id, a, u, e FROM t;"
    "CREATE TRIGGER v1 INSTEAD OF INSERT ON v BEGIN INSERT OR REPLACE INTO t(id, a, u, e)"
    " VALUES(NEW.id, NEW.a, NEW.u, NEW.e); END;"
    "CREATE TRIGGER v2 INSTEAD OF UPDATE ON v BEGIN UPDATE OR REPLACE t SET id = NEW.id, u = NEW.u"
    " WHERE id = OLD.id; END;"
    "CREATE TRIGGER v3 INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE id = OLD.id; END;";

static const char schema_others[] =
    "CREATE TABLE p(id INTEGER PRIMARY KEY, x);"
    "CREATE TABLE log(what, id);"
    "CREATE TABLE setting(range, strangers);"
    "CREATE TABLE story(n INTEGER PRIMARY KEY, recursive, there, sql, seen);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
    " FROM n WHERE i < 50) INSERT INTO p SELECT i, i FROM n;";

/* --- making it ---------------------------------------------------------------------------- */

static void schema_remove(void)
{
    static const char *const names[] = {"app.db",   "app.db-wal",   "app.db-shm",  "app.db-journal",
                                        "model.db", "model.db-wal", "model.db-shm"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(names[i]);
}

static void schema_copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat file;

    ck_assert(in >= 0 && out >= 0 && fstat(in, &file) == 0);
    while (file.st_size > 0) {
        ssize_t sent = sendfile(out, in, NULL, (size_t)file.st_size);
        ck_assert_int_gt(sent, 0);
        file.st_size -= sent;
    }
    close(in);
    close(out);
}

/* What a new row lacks for this schema it lacks: not all of them come in. */
static void schema_fill(sqlite3 *db, uint64_t *random, int rows)
{
    sql_do(db, "BEGIN");
    for (int i = 0; i < rows; i++) {
        char *sql = restless_expand("INSERT OR IGNORE INTO t(id, a, b, c, u, e, parent)"
                                    " VALUES(%i, %a, %b, %c, %u, %e, %p)",
                                    random);
        int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        ck_assert_msg(rc == SQLITE_OK || rc == SQLITE_CONSTRAINT, "%s: %s", sql,
                      sqlite3_errmsg(db));
        free(sql);
    }
    while (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) /* deferred */
        sql_do(db, "UPDATE t SET parent = NULL WHERE parent NOT IN (SELECT id FROM p)");
}

/* One of those that SQLite has made by itself, if there is any. */
static bool schema_choose_automatic(sqlite3 *db, uint64_t *random, struct restless_made *made)
{
    char *query =
        memory_format("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NULL"
                      " ORDER BY (rowid * %lld) %% 17",
                      (long long)randomdb_number(random, 17));
    sqlite3_stmt *row = sql_prepare(db, query);
    bool found = sqlite3_step(row) == SQLITE_ROW;

    if (found)
        snprintf(made->index, sizeof made->index, "%s", (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    free(query);
    return found;
}

static void schema_make_indexes(sqlite3 *db, uint64_t *random, bool generated,
                                struct restless_made *made)
{
    int64_t others = randomdb_number(random, SCHEMA_OTHERS + 1);
    struct text sql = {0};
    char name[8];

    for (int64_t i = 0; i < others; i++) {
        snprintf(name, sizeof name, "j%d", (int)i);
        schema_add_index(random, name, randomdb_number(random, 3) == 0, generated, &sql);
        text_add(&sql, ";\n");
    }
    if (sql.bytes)
        sql_do(db, "%s", sql.bytes);
    text_clear(&sql);
    if (randomdb_number(random, 4) == 0 && schema_choose_automatic(db, random, made))
        return;
    snprintf(made->index, sizeof made->index, "i");
    schema_add_index(random, "i", randomdb_number(random, 3) == 0, generated, &sql);
    snprintf(made->sql, sizeof made->sql, "%s", sql.bytes);
    sql_do(db, "%s", sql.bytes);
    text_free(&sql);
}

void restless_make(uint64_t *random, int rows, const char *journal, struct restless_made *made)
{
    static const int page_sizes[] = {4096, 4096, 1024, 512, 65536};
    int page_size = page_sizes[randomdb_number(random, SCHEMA_COUNT(page_sizes))];
    int64_t vacuum = randomdb_number(random, 6);
    struct text table = {0};

    *made = (struct restless_made){0};
    schema_remove();
    restless_know(rows, false);
    sqlite3 *db = sql_make("app.db");
    sql_do(db, "PRAGMA page_size=%d; PRAGMA encoding='%s'; PRAGMA auto_vacuum=%d", page_size,
           randomdb_number(random, 5) ? "UTF-8" : "UTF-16le", vacuum < 3 ? (int)vacuum : 0);
    sql_do(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF", journal);
    bool generated = schema_add_table(random, &table, &made->plain);
    sql_do(db, "%s", schema_others);
    sql_do(db, "%s", table.bytes);
    sql_do(db, "INSERT INTO setting VALUES(%d, 0)", rows);
    text_free(&table);
    schema_make_indexes(db, random, generated, made);
    schema_fill(db, random, rows);
    sql_do(db, "%s", schema_always);
    int64_t trigger = randomdb_number(random, SCHEMA_COUNT(schema_triggers));
    made->plain = made->plain && trigger != SCHEMA_COUNT(schema_triggers) - 1;
    sql_do(db, "%s", schema_triggers[trigger]);
    made->rows = sql_number(db, "SELECT count(*) FROM t");
    sqlite3_close(db);
    schema_copy("app.db", "model.db");
}
