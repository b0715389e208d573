/* Random databases: the same seed gives the same file. */
#include "lib_randomdb.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char randomdb_root[256];

uint64_t randomdb_seed(const char *test)
{
    const char *given = getenv("SEED");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed =
        given ? strtoull(given, NULL, 10) : (uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec;
    printf("%s: SEED=%" PRIu64 "\n", test, seed);
    fflush(stdout);
    return seed;
}

int64_t randomdb_number(uint64_t *random, int64_t below)
{
    *random += 0x9E3779B97F4A7C15U; /* splitmix64 */
    uint64_t z = *random;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return (int64_t)((z ^ (z >> 31)) >> 1) % below;
}

bool randomdb_another(int done, int wanted, int usual, bool met)
{
    return done < wanted || (wanted >= usual && !met && done < wanted + RANDOMDB_PATIENCE);
}

const char *randomdb_folder(void)
{
    const char *temp = getenv("TMPDIR");

    if (!*randomdb_root) {
        snprintf(randomdb_root, sizeof randomdb_root, "%s/litekeeper-pages-XXXXXX",
                 temp ? temp : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(randomdb_root));
    }
    return randomdb_root;
}

const char *randomdb_path(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", randomdb_folder(), name);
    return path;
}

static void randomdb_remove(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};

    for (size_t i = 0; i < 4; i++) {
        char name[600];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
}

void randomdb_clean(void)
{
    static const char *const names[] = {"db", "damaged", "live"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        randomdb_remove(randomdb_path(names[i]));
    rmdir(randomdb_root);
    *randomdb_root = '\0';
}

void randomdb_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        ck_abort_msg("%s: %s", sql, message);
}

int64_t randomdb_value(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *query = NULL;

    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    ck_assert_msg(sqlite3_step(query) == SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(db));
    int64_t value = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return value;
}

sqlite3 *randomdb_open(const char *path)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
                     SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_exec(db, "PRAGMA mmap_size = 0; PRAGMA wal_autocheckpoint = 0", NULL, NULL, NULL);
    return db;
}

static void randomdb_header(sqlite3 *db, const struct randomdb_kind *kind)
{
    char sql[256];
    int reserved = kind->reserved;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    snprintf(sql, sizeof sql,
             "PRAGMA page_size = %d; PRAGMA auto_vacuum = %d; PRAGMA journal_mode = %s;"
             "PRAGMA synchronous = OFF",
             kind->page_size, kind->auto_vacuum, kind->journal);
    randomdb_sql(db, sql);
}

static const char *const randomdb_schema =
    "CREATE TABLE plain(id INTEGER PRIMARY KEY, a, b);"
    "CREATE INDEX plain_a ON plain(a);"
    "CREATE INDEX plain_ab ON plain(b, a DESC);"
    "CREATE TABLE keyed(k TEXT PRIMARY KEY, v) WITHOUT ROWID;"
    "CREATE INDEX keyed_v ON keyed(v);"
    "CREATE TABLE \"od\"\"d \xff name\"(x UNIQUE, y);"
    "CREATE TABLE empty(n);"
    "CREATE VIEW seen AS SELECT a FROM plain";

/* Mostly short values; every tenth is long enough to overflow. */
static int randomdb_length(uint64_t *random, int page_size)
{
    return (int)(randomdb_number(random, 10) ? randomdb_number(random, 80)
                                             : randomdb_number(random, page_size * 3));
}

static void randomdb_insert(sqlite3 *db, int rows, uint64_t *random)
{
    static const char *const sql[] = {
        "INSERT INTO plain(a, b) VALUES(printf('%016x', ?2), zeroblob(?1))",
        "INSERT INTO keyed VALUES(printf('%016x', ?2), hex(zeroblob(?1 / 2)))",
        "INSERT INTO \"od\"\"d \xff name\" VALUES(printf('%012x', ?2) || ?1, zeroblob(?1))",
    };
    int page_size = (int)randomdb_value(db, "PRAGMA page_size");

    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        sqlite3_stmt *insert = NULL;
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql[i], -1, &insert, NULL), SQLITE_OK);
        for (int k = 0; k < rows; k++) {
            sqlite3_bind_int(insert, 1, randomdb_length(random, page_size));
            sqlite3_bind_int64(insert, 2, randomdb_number(random, INT64_MAX));
            ck_assert_msg(sqlite3_step(insert) == SQLITE_DONE, "%s", sqlite3_errmsg(db));
            sqlite3_reset(insert);
        }
        sqlite3_finalize(insert);
    }
}

void randomdb_change(sqlite3 *db, int rows, uint64_t *random)
{
    char sql[512];

    randomdb_sql(db, "BEGIN IMMEDIATE");
    randomdb_insert(db, rows, random);
    snprintf(sql, sizeof sql,
             "DELETE FROM plain WHERE id %% 7 = %d; DELETE FROM keyed WHERE k LIKE '%d%%';"
             "UPDATE plain SET b = zeroblob(%d) WHERE id %% 11 = %d",
             (int)randomdb_number(random, 7), (int)randomdb_number(random, 10),
             randomdb_length(random, 512), (int)randomdb_number(random, 11));
    randomdb_sql(db, sql);
    randomdb_sql(db, "COMMIT");
}

sqlite3 *randomdb_make(const char *path, const struct randomdb_kind *kind, uint64_t *random)
{
    randomdb_remove(path);
    sqlite3 *db = randomdb_open(path);
    randomdb_header(db, kind);
    randomdb_sql(db, randomdb_schema);
    for (int i = 0; i < 3; i++)
        randomdb_change(db, kind->rows / 4, random);
    if (!strcmp(kind->journal, "wal") && randomdb_number(random, 2))
        randomdb_sql(db, "PRAGMA wal_checkpoint(PASSIVE)");
    randomdb_change(db, kind->rows / 4, random);
    return db;
}
