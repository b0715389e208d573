/*
 * What the restless application says is made of templates: %i an id, %r the rowid's name, %u a
 * unique number, %e a unique text, %a, %b, %c values, %p a parent, %n a small number, %k a conflict
 * clause. All of these come from small sets, so that they meet.
 */
#include "lib_restless_inside.h"

#include "lib_randomdb.h"

#include <stdlib.h>
#include <string.h>

static int restless_range = 1000; /* of ids, about the number of rows */
static bool restless_strangers;
static const char *restless_rowid = "id";

enum { RETURNING = 3035000, ANY = 0 };
enum { RESTLESS_LONG = 40 /* one text in so many */ };

static const struct restless_template {
    const char *sql;
    int since;    /* the SQLite that has it */
    bool depends; /* on the order of the rows that it visits, even where an id has only one */
} restless_statements[] = {
    {"INSERT %k INTO t(id, a, b, c, u, e, parent) VALUES(%i, %a, %b, %c, %u, %e, %p)", ANY, false},
    {"INSERT %k INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e),"
     " (%i, %a, %b, %c, %u, %e), (%i, %a, %b, %c, %u, %e)",
     ANY, false},
    {"INSERT %k INTO t(id, a, b, c, u) VALUES(%i, %a, %b, %c, %u)", ANY, false},
    {"INSERT %k INTO t(id, a, u, e) VALUES(%i, %a, %u, NULL)", ANY, false},
    {"INSERT %k INTO t(a, b, c, u, e) VALUES(%a, %b, %c, %u, %e)", ANY, false},
    {"INSERT %k INTO t(%r, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e)", ANY, false},
    {"INSERT INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e)"
     " ON CONFLICT DO UPDATE SET a = excluded.a, c = excluded.c",
     RETURNING, false},
    {"INSERT INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e) ON CONFLICT DO NOTHING", ANY,
     false},
    {"INSERT INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e) ON CONFLICT(u) DO UPDATE SET"
     " u = %u, e = excluded.e, id = id + %n WHERE b < 40",
     ANY, false},
    {"INSERT INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e), (%i, %a, %b, %c, %u, %e)"
     " ON CONFLICT(e) DO UPDATE SET e = %e, a = t.a || excluded.a"
     " ON CONFLICT DO NOTHING",
     RETURNING, false},
    {"INSERT OR REPLACE INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e)"
     " ON CONFLICT(id) DO UPDATE SET u = excluded.u RETURNING id, u",
     RETURNING, false},
    {"INSERT %k INTO t(id, a, b, c, u, e) SELECT id + %n, a, c, b, u + %n, e || %n FROM t"
     " WHERE id BETWEEN %i AND %i + 4 LIMIT 6",
     ANY, true},
    {"INSERT %k INTO t(id, a, b, c, u, e) WITH RECURSIVE n(i) AS (SELECT %i UNION ALL SELECT i + 1"
     " FROM n LIMIT 12) SELECT i, 'm' || i % 7, i % 60, NULL, i, 'e' || i FROM n",
     ANY, false},
    {"INSERT %k INTO t(id, a, b, c, u, e) VALUES(%i, %a, %b, %c, %u, %e) RETURNING id, u, a",
     RETURNING, false},
    {"INSERT INTO v(id, a, u, e) VALUES(%i, %a, %u, %e)", ANY, false},
    {"UPDATE v SET id = %i, u = %u WHERE id = %i", ANY, false},
    {"DELETE FROM v WHERE id = %i", ANY, false},
    {"UPDATE %k t SET a = %a WHERE id = %i", ANY, false},
    {"UPDATE %k t SET a = upper(a), b = b + 1 WHERE id BETWEEN %i AND %i + 3", ANY, true},
    {"UPDATE %k t SET u = %u WHERE id = %i", ANY, false},
    {"UPDATE %k t SET e = %e, c = %c WHERE u = %u", ANY, true},
    {"UPDATE %k t SET e = NULL WHERE id = %i", ANY, false},
    {"UPDATE %k t SET id = id + %n WHERE id BETWEEN %i AND %i + 3", ANY, true},
    {"UPDATE %k t SET %r = %i WHERE u = %u", ANY, true},
    {"UPDATE %k t SET %r = %r + %n, a = %a WHERE %r BETWEEN %i AND %i + 3", ANY, true},
    {"UPDATE %k t SET id = %i, u = %u WHERE id = %i RETURNING id, b", RETURNING, false},
    {"UPDATE %k t SET (a, c) = (c, a) WHERE id BETWEEN %i AND %i + 2", ANY, true},
    {"UPDATE %k t SET parent = %p, b = %b WHERE id = %i", ANY, false},
    {"UPDATE %k t SET a = p.x, u = t.u + p.x FROM p WHERE p.id = t.parent AND t.id BETWEEN %i"
     " AND %i + 5",
     ANY, true},
    {"UPDATE t SET b = b + 1, c = %c WHERE id % 300 = %n", ANY, false},
    {"DELETE FROM t WHERE id = %i", ANY, false},
    {"DELETE FROM t WHERE %r = %i", ANY, false},
    {"DELETE FROM t WHERE u BETWEEN %u AND %u + 2", ANY, false},
    {"DELETE FROM t WHERE id = %i RETURNING a, b, c", RETURNING, false},
    {"DELETE FROM t WHERE id % 200 = %n AND b > 30", ANY, false},
    {"DELETE FROM p WHERE id = %p", ANY, false},
    {"UPDATE OR IGNORE p SET id = id + %n WHERE id = %p", ANY, false},
    {"INSERT OR REPLACE INTO p VALUES(%p, %n)", ANY, false},
    {"SELECT count(*), sum(u) FROM t WHERE id > %i", ANY, false},
    {"SELECT a, u FROM t WHERE a >= %a ORDER BY a, u LIMIT 5", ANY, false},
    {"SELECT count(*) FROM t WHERE e = %e OR u = %u OR lower(e) = %e OR b * 2 > %n", ANY, false},
};

static const char *const restless_conflicts[] = {"",           "",           "OR REPLACE",
                                                 "OR REPLACE", "OR IGNORE",  "OR ABORT",
                                                 "OR FAIL",    "OR ROLLBACK"};

#define RESTLESS_COUNT(table) ((int64_t)(sizeof(table) / sizeof *(table)))

void restless_know(int range, bool strangers)
{
    restless_range = range;
    restless_strangers = strangers;
}

void restless_know_table(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;

    restless_rowid =
        sqlite3_prepare_v2(db, "SELECT rowid FROM t", -1, &statement, NULL) == SQLITE_OK ? "rowid"
                                                                                         : "id";
    sqlite3_finalize(statement);
}

/* --- values ------------------------------------------------------------------------------- */

static void restless_text(uint64_t *random, struct text *sql)
{
    long long any = randomdb_number(random, restless_range);
    bool upper = randomdb_number(random, 2);

    if (randomdb_number(random, RESTLESS_LONG) == 0)
        text_addf(sql, "'a%lld' || hex(zeroblob(%lld))", any, 200 + any % 3000);
    else
        text_addf(sql, "'%c%llx%s'", upper ? 'Q' : 'a', any * 7919 % 4096, any % 9 ? "" : " ");
}

static void restless_value(char code, uint64_t *random, struct text *sql)
{
    long long any = randomdb_number(random, restless_range);
    int way = (int)randomdb_number(random, 8);

    if (code == 'i' || (code == 'u' && way))
        text_addf(sql, "%lld", any);
    else if (code == 'r')
        text_add(sql, restless_rowid);
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
        restless_text(random, sql);
    else if (code == 'b')
        text_addf(sql, way % 2 ? "%lld" : "%lld.5", any % 60 - 5);
    else
        text_addf(sql, way < 3 ? "%lld" : way < 5 ? "x'%04llx'" : "'c%lld'", any);
}

char *restless_expand(const char *template, uint64_t *random)
{
    struct text sql = {0};

    for (; *template; template ++) {
        if (*template == '%' && template[1] && strchr("iruepnkabc", template[1]))
            restless_value(*++template, random, &sql);
        else
            text_add_length(&sql, template, 1);
    }
    return text_take(&sql);
}

static bool restless_can_say(const struct restless_template *template)
{
    return template->since <= sqlite3_libversion_number() &&
           !(template->depends && restless_strangers);
}

char *restless_sql(uint64_t *random)
{
    const struct restless_template *template;

    do
        template =
            &restless_statements[randomdb_number(random, RESTLESS_COUNT(restless_statements))];
    while (!restless_can_say(template));
    return restless_expand(template->sql, random);
}
