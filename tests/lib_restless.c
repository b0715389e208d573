/*
 * The processes of a restless application. Each has two connections that take turns, which keep
 * statements prepared for long, and one that reads for long.
 */
#include "lib_restless_inside.h"

#include "clock.h"
#include "lib_randomdb.h"
#include "lib_sql.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { RESTLESS_PAUSE_US = 1200, RESTLESS_KEPT = 8 };

/* One process. */
struct restless_life {
    sqlite3 *app[2], *reader;
    sqlite3 *model; /* NULL: it writes a story */
    sqlite3_stmt *kept[2][RESTLESS_KEPT];
    uint64_t random;
    int turn;
    bool recursive;
    int64_t seen; /* rows that the reader has seen in its snapshot */
    volatile int64_t *commits;
};

static volatile sig_atomic_t restless_told;

static void restless_tell(int number)
{
    (void)number;
    restless_told = 1;
}

_Noreturn void restless_fail(sqlite3 *db, const char *sql, const char *what)
{
    fprintf(stderr, "the application (SQLite %s): %s: %s: %s (%d)\n", sqlite3_libversion(), sql,
            what, sqlite3_errmsg(db), sqlite3_extended_errcode(db));
    _exit(1);
}

/* --- statements --------------------------------------------------------------------------- */

/* ASCII, so that it is the same in a database of any encoding. */
static void restless_row(sqlite3_stmt *row, struct text *seen)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const char *value = (const char *)sqlite3_column_text(row, i);
        for (const char *c = value ? value : "NULL"; *c; c++)
            text_addf(seen, *c > 0 ? "%c" : "\\x%02x", *c & 0xff);
        text_add(seen, "|");
    }
}

/* What changes() tells after one that changes nothing is another one's. And a statement that
 * fails for a foreign key may have set last_insert_rowid() before, where the table has triggers,
 * whosever they are; so that is set back. */
static int restless_end_of(sqlite3 *db, sqlite3_stmt *statement, int rc, struct text *seen)
{
    bool ran = rc == SQLITE_OK || rc == SQLITE_CONSTRAINT;

    ran = ran && statement && !sqlite3_stmt_readonly(statement);
    text_addf(seen, "rc %d %s, changes %d, rowid %lld, autocommit %d", rc,
              rc ? sqlite3_errmsg(db) : "", ran ? sqlite3_changes(db) : -1,
              rc ? -1 : sqlite3_last_insert_rowid(db), sqlite3_get_autocommit(db));
    if (rc)
        sqlite3_set_last_insert_rowid(db, 0);
    return rc;
}

int restless_run(sqlite3 *db, sqlite3_stmt *statement, struct text *seen)
{
    while (sqlite3_step(statement) == SQLITE_ROW)
        restless_row(statement, seen);
    return restless_end_of(db, statement, sqlite3_reset(statement), seen);
}

int restless_run_text(sqlite3 *db, const char *sql, sqlite3_stmt **kept, struct text *seen)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

    rc = rc == SQLITE_OK ? restless_run(db, statement, seen) : restless_end_of(db, NULL, rc, seen);
    if (kept)
        *kept = statement;
    else
        sqlite3_finalize(statement);
    return rc;
}

/* Some statements fit some schemas alone. */
static bool restless_tolerated(sqlite3 *db, int rc)
{
    const char *message = sqlite3_errmsg(db);

    return rc == SQLITE_OK || rc == SQLITE_CONSTRAINT ||
           strstr(message, "ON CONFLICT clause does not match") ||
           strstr(message, "too many levels of trigger recursion");
}

static void restless_model(struct restless_life *life, const char *sql, const char *ours)
{
    struct text theirs = {0};

    if (!life->model)
        return;
    restless_run_text(life->model, sql, NULL, &theirs);
    if (strcmp(ours, theirs.bytes) != 0) {
        fprintf(stderr, "%s\nthe model: %s\n", sql, theirs.bytes);
        restless_fail(life->app[life->turn], ours, "differs from the model");
    }
    text_free(&theirs);
}

/* Runs it in both, which must come to the same; false: someone else was in the way. */
static bool restless_both(struct restless_life *life, const char *sql)
{
    sqlite3 *db = life->app[life->turn];
    struct text seen = {0};
    int rc = restless_run_text(db, sql, NULL, &seen);
    bool busy = rc == SQLITE_BUSY && !life->model;

    if (!busy && !restless_tolerated(db, rc))
        restless_fail(db, sql, "failed");
    restless_model(life, sql, seen.bytes);
    text_free(&seen);
    return !busy;
}

/* One of the statements that this connection has prepared before, or a new one. */
static int restless_either(struct restless_life *life, char **sql, struct text *seen, bool story,
                           int64_t *n)
{
    sqlite3 *db = life->app[life->turn];
    sqlite3_stmt **slot = &life->kept[life->turn][randomdb_number(&life->random, RESTLESS_KEPT)];
    bool again = *slot && randomdb_number(&life->random, 3) == 0;

    *sql = again ? strdup(sqlite3_sql(*slot)) : restless_sql(&life->random);
    int rc = story ? story_add(db, *sql, life->recursive, n) : SQLITE_OK;
    if (rc != SQLITE_OK)
        return rc;
    if (again)
        return restless_run(db, *slot, seen);
    sqlite3_finalize(*slot);
    return restless_run_text(db, *sql, slot, seen);
}

static bool restless_statement(struct restless_life *life)
{
    sqlite3 *db = life->app[life->turn];
    struct text seen = {0};
    int64_t n = 0;
    char *sql = NULL;
    int rc = restless_either(life, &sql, &seen, !life->model, &n);
    bool busy = rc == SQLITE_BUSY && !life->model;

    if (!busy && !restless_tolerated(db, rc))
        restless_fail(db, sql, "failed");
    restless_model(life, sql, seen.bytes);
    if (!life->model && !busy && !sqlite3_get_autocommit(db) &&
        (rc = story_end(db, n, seen.bytes)) != SQLITE_OK)
        restless_fail(db, sql, "can't be written down");
    text_free(&seen);
    free(sql);
    return !busy;
}

/* --- transactions ------------------------------------------------------------------------- */

static bool restless_savepoint(struct restless_life *life, int depth)
{
    bool back = randomdb_number(&life->random, 2);

    if (!restless_both(life, "SAVEPOINT s") || !restless_statement(life))
        return false;
    if (!sqlite3_get_autocommit(life->app[life->turn]) &&
        !(depth > 0 ? restless_savepoint(life, depth - 1) : restless_statement(life)))
        return false;
    if (sqlite3_get_autocommit(life->app[life->turn]))
        return true; /* OR ROLLBACK has ended it */
    if (back && !restless_both(life, "ROLLBACK TO s"))
        return false;
    return restless_both(life, "RELEASE s");
}

/* A COMMIT may fail for a deferred foreign key. */
static void restless_end(struct restless_life *life, bool went, const char *commit)
{
    sqlite3 *db = life->app[life->turn];
    bool back = !went || randomdb_number(&life->random, 5) == 0;

    if (sqlite3_get_autocommit(db))
        return;
    if (!back)
        restless_both(life, commit);
    if (!sqlite3_get_autocommit(db))
        restless_both(life, "ROLLBACK");
    else
        ++*life->commits;
}

/* The model has one connection only: what it last inserted and changed must be the same one's. */
static void restless_take_turn(struct restless_life *life)
{
    life->recursive = randomdb_number(&life->random, 2);
    if (!life->model)
        life->turn = (int)randomdb_number(&life->random, 2);
    restless_both(life, life->recursive ? "PRAGMA recursive_triggers = ON"
                                        : "PRAGMA recursive_triggers = OFF");
}

static void restless_transaction(struct restless_life *life)
{
    static const char *const begins[][2] = {{"BEGIN IMMEDIATE", "COMMIT"},
                                            {"BEGIN IMMEDIATE", "COMMIT"},
                                            {"BEGIN", "END"},
                                            {"SAVEPOINT o", "RELEASE o"}};
    int64_t statements = 1 + randomdb_number(&life->random, 6);
    const char *const *begin = begins[life->model ? 0 : randomdb_number(&life->random, 4)];
    bool went = restless_both(life, begin[0]);

    for (int64_t i = 0; went && i < statements; i++) {
        if (sqlite3_get_autocommit(life->app[life->turn]))
            return;
        went = randomdb_number(&life->random, 6) ? restless_statement(life)
                                                 : restless_savepoint(life, 1);
    }
    restless_end(life, went, begin[1]);
}

/* --- reading ------------------------------------------------------------------------------ */

/* By an index, where SQLite finds one that has all rows, and by the table itself. */
static void restless_count(struct restless_life *life)
{
    int64_t rows = sql_number(life->reader, "SELECT count(*) FROM t");
    int64_t same = sql_number(life->reader, "SELECT count(*) FROM t NOT INDEXED");

    if (rows != same || (life->seen >= 0 && rows != life->seen))
        restless_fail(life->reader, "SELECT count(*) FROM t", "has other rows than the table");
    life->seen = rows;
}

/* Holds a snapshot, or ends it. In rollback-journal mode it would hold up everybody. */
static void restless_read(struct restless_life *life)
{
    if (!life->reader)
        return;
    bool begun = !sqlite3_get_autocommit(life->reader);
    if (!begun)
        sql_do(life->reader, "BEGIN");
    restless_count(life);
    if (!begun)
        return;
    sql_do(life->reader, "COMMIT");
    life->seen = -1;
}

/* --- the model ---------------------------------------------------------------------------- */

static char *restless_all(sqlite3 *db, const char *query)
{
    sqlite3_stmt *rows = NULL;
    struct text all = {0};

    if (sqlite3_prepare_v2(db, query, -1, &rows, NULL) != SQLITE_OK)
        restless_fail(db, query, "failed");
    while (sqlite3_step(rows) == SQLITE_ROW) {
        restless_row(rows, &all);
        text_add(&all, "\n");
    }
    if (sqlite3_finalize(rows) != SQLITE_OK)
        restless_fail(db, query, "failed");
    return text_take(&all);
}

/* The first lines that differ. */
static void restless_show(const char *query, const char *ours, const char *theirs)
{
    size_t at = 0;

    while (ours[at] && ours[at] == theirs[at])
        at++;
    while (at && ours[at - 1] != '\n')
        at--;
    fprintf(stderr, "%s\nthe application has %.300s\nthe model has       %.300s\n", query,
            ours + at, theirs + at);
}

bool restless_same(sqlite3 *one, sqlite3 *two)
{
    static const char *const queries[] = {
        "SELECT %s, *, typeof(a), typeof(b), typeof(c), typeof(u) FROM t NOT INDEXED"
        " ORDER BY 1, id, e, u, a, b, c",
        "SELECT id, %s, x FROM p ORDER BY id",
        "SELECT what, id, count(*), max(%s) NOT NULL FROM log GROUP BY 1, 2 ORDER BY 1, 2"};
    bool same = true;

    restless_know_table(two);
    for (size_t i = 0; same && i < sizeof queries / sizeof *queries; i++) {
        uint64_t random = 1;
        struct text query = {0};
        const char *at = strstr(queries[i], "%s");
        char *rowid = restless_expand("%r", &random);
        text_add_length(&query, queries[i], (size_t)(at - queries[i]));
        text_addf(&query, "%s%s", rowid, at + 2);
        char *ours = restless_all(one, query.bytes), *theirs = restless_all(two, query.bytes);
        same = strcmp(ours, theirs) == 0;
        if (!same)
            restless_show(query.bytes, ours, theirs);
        text_free(&query);
        free(rowid);
        free(ours);
        free(theirs);
    }
    return same;
}

/* --- a process ---------------------------------------------------------------------------- */

static void restless_open(struct restless_life *life, bool model, bool strangers)
{
    life->app[0] = sql_open("app.db");
    life->app[1] = sql_open("app.db");
    sqlite3 *asked = sql_open("app.db");
    restless_know((int)sql_number(asked, "SELECT range FROM setting"), strangers);
    restless_know_table(asked);
    life->seen = -1;
    if (sql_number(asked, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"))
        life->reader = asked;
    else
        sqlite3_close(asked);
    if (!model)
        return;
    life->model = sql_open("model.db");
    sql_do(life->model, "PRAGMA synchronous=OFF");
}

static void restless_close(struct restless_life *life)
{
    if (life->model && !restless_same(life->app[0], life->model))
        restless_fail(life->app[0], "at the end", "the rows differ from the model's");
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < RESTLESS_KEPT; j++)
            sqlite3_finalize(life->kept[i][j]);
        sqlite3_close(life->app[i]);
    }
    sqlite3_close(life->reader);
    sqlite3_close(life->model);
}

_Noreturn void restless_main(volatile int64_t *commits, bool model, bool strangers, uint64_t random)
{
    struct restless_life life = {.random = random, .commits = commits};
    struct sigaction tell = {.sa_handler = restless_tell};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGTERM, &tell, NULL);
    restless_open(&life, model, strangers);
    while (!restless_told) {
        restless_take_turn(&life);
        if (life.model && randomdb_number(&life.random, 3) == 0)
            restless_statement(&life);
        else
            restless_transaction(&life);
        if (randomdb_number(&life.random, 10) == 0)
            restless_read(&life);
        usleep((useconds_t)randomdb_number(&life.random, RESTLESS_PAUSE_US));
    }
    restless_close(&life);
    _exit(0);
}
