/*
 * The merging of leaves: b-trees of all kinds in pages of all sizes, from which rows go at random,
 * also between the audit and the steps. Every row and every entry of an index must be as it was,
 * and no two neighbours may be left that fit on a page. It needs the own build (see
 * test_vacuum_online.c). SEED and ROUNDS as everywhere.
 */
#include "lib_compacting.h"
#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 24 };

static const int page_sizes[] = {512, 1024, 4096, 16384, 65536};

enum { PAGE_SIZES = sizeof page_sizes / sizeof *page_sizes };

/* Rowids far apart, keys from one byte to more than a page, entries that are all alike. */
static const char tables[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, v BLOB);"
    "CREATE INDEX t_k ON t(k); CREATE INDEX t_kv ON t(v, k); CREATE INDEX t_1 ON t(id %% 3);"
    "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE tiny(a);"
    "CREATE INDEX tiny_a ON tiny(a);"
    "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
    " INSERT INTO t SELECT abs(random() >> (i %% 40)), hex(randomblob(i %% 17)),"
    " randomblob(CASE WHEN i %% 61 = 0 THEN 9000 WHEN i %% 7 = 0 THEN 600 ELSE i %% 50 END) FROM n"
    " WHERE true ON CONFLICT DO NOTHING;"
    "INSERT INTO w SELECT hex(randomblob(20)) || k, v FROM t;"
    "INSERT INTO tiny SELECT id %% 2 FROM t";

/* Every row by way of the table and by way of each index. */
static const char *const readings[] = {
    "SELECT id, k, v FROM t NOT INDEXED ORDER BY id",
    "SELECT k, id FROM t INDEXED BY t_k ORDER BY k, id",
    "SELECT v, k, id FROM t INDEXED BY t_kv ORDER BY v, k, id",
    "SELECT id %% 3, id FROM t INDEXED BY t_1 ORDER BY id %% 3, id",
    "SELECT k, v FROM w ORDER BY k",
    "SELECT rowid, a FROM tiny NOT INDEXED ORDER BY rowid",
    "SELECT a, rowid FROM tiny INDEXED BY tiny_a ORDER BY a, rowid"};

enum { READINGS = sizeof readings / sizeof *readings };

static void read_all(sqlite3 *db, uint64_t digests[READINGS])
{
    for (int i = 0; i < READINGS; i++) {
        char *sql = sqlite3_mprintf(readings[i]);
        sqlite3_stmt *query = NULL;
        digests[i] = 1469598103934665603U;
        ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK, "%s: %s", sql,
                      sqlite3_errmsg(db));
        while (sqlite3_step(query) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(query); c++) {
                const unsigned char *bytes = sqlite3_column_blob(query, c);
                int length = sqlite3_column_bytes(query, c);
                digests[i] = (digests[i] ^ (unsigned)length) * 1099511628211U;
                for (int b = 0; b < length; b++)
                    digests[i] = (digests[i] ^ bytes[b]) * 1099511628211U;
            }
        ck_assert_int_eq(sqlite3_finalize(query), SQLITE_OK);
        sqlite3_free(sql);
    }
}

/* Whole stretches, single rows, or nearly all. */
static void lose_rows(sqlite3 *db, uint64_t *random)
{
    static const char *const ways[] = {"rowid / 7 % 5 < 3", "rowid % 5 > 1", "random() % 4",
                                       "random() % 100"};
    int64_t way = randomdb_number(random, 4);

    sql_do(db, "DELETE FROM t WHERE %s; DELETE FROM tiny WHERE %s", ways[way], ways[way]);
    sql_do(db, way % 2 ? "DELETE FROM w WHERE random() %% 3" : "DELETE FROM w WHERE k > 'A'");
}

/* What an application may do between the look and the steps. */
static void change(sqlite3 *db, uint64_t *random)
{
    sql_do(db, "INSERT INTO t SELECT NULL, hex(randomblob(9)), randomblob(%d) FROM t LIMIT 300",
           (int)randomdb_number(random, 400));
    sql_do(db, "DELETE FROM t WHERE random() %% 3 = 0");
    sql_do(db, "UPDATE w SET v = randomblob(30) WHERE random() %% 5 = 0");
    sql_do(db, "DROP TABLE IF EXISTS later; CREATE TABLE later(a);"
               "INSERT INTO later SELECT k FROM w; DROP TABLE tiny;"
               "CREATE TABLE tiny(a); CREATE INDEX tiny_a ON tiny(a);"
               "INSERT INTO tiny SELECT a FROM later");
}

static int64_t merge(bool order)
{
    struct compacting compacting;
    struct error error = {0};

    ck_assert_msg(!compacting_begin(&compacting, &error), "%s", error.text);
    ck_assert_msg(!compact_audit(compacting.compact, NULL, &error), "%s", error.text);
    ck_assert_msg(!compact_merge(compacting.compact, 1, &error), "%s", error.text);
    int64_t merged = compact_result(compacting.compact)->merged;
    if (order)
        ck_assert_msg(!compact_order(compacting.compact, NULL, &error), "%s", error.text);
    ck_assert_msg(!compact_shrink(compacting.compact, INT64_MAX, &error), "%s", error.text);
    compacting_end(&compacting);
    return merged;
}

static int64_t merge_amid(uint64_t *random, uint64_t digests[READINGS])
{
    struct compacting compacting;
    struct error error = {0};

    ck_assert_msg(!compacting_begin(&compacting, &error), "%s", error.text);
    ck_assert_msg(!compact_audit(compacting.compact, NULL, &error), "%s", error.text);
    sqlite3 *db = sql_open("app.db");
    change(db, random);
    read_all(db, digests);
    sqlite3_close(db);
    ck_assert_msg(!compact_merge(compacting.compact, 1, &error), "%s", error.text);
    int64_t merged = compact_result(compacting.compact)->merged;
    compacting_end(&compacting);
    return merged;
}

static void check(uint64_t seed, const uint64_t before[READINGS])
{
    uint64_t after[READINGS];
    sqlite3 *db = sql_open("app.db");
    sqlite3_stmt *query = NULL;

    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &query, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    const char *said = (const char *)sqlite3_column_text(query, 0);
    ck_assert_msg(!strcmp(said, "ok"), "SEED=%" PRIu64 ": %s", seed, said);
    sqlite3_finalize(query);
    read_all(db, after);
    sqlite3_close(db);
    for (int i = 0; i < READINGS; i++)
        ck_assert_msg(before[i] == after[i], "SEED=%" PRIu64 ": %s", seed, readings[i]);
}

/* It goes on as an application would: what was merged is a page as any other. */
static void use(uint64_t seed)
{
    sqlite3 *db = sql_open("app.db");
    uint64_t random = seed;

    change(db, &random);
    lose_rows(db, &random);
    ck_assert_int_eq(sql_number(db, "SELECT integrity_check <> 'ok' FROM pragma_integrity_check"),
                     0);
    sqlite3_close(db);
}

START_TEST(nothing_is_lost)
{
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS;
    uint64_t seed = randomdb_seed("compact_merge");
    int64_t all = 0, amid = 0;

    for (int round = 0; round < rounds; round++) {
        uint64_t random = seed + (uint64_t)round, digests[READINGS];
        sqlite3 *db = NULL;
        remove("app.db");
        ck_assert_int_eq(sqlite3_open("app.db", &db), SQLITE_OK);
        sql_do(db, "PRAGMA page_size = %d; PRAGMA journal_mode = %s",
               page_sizes[randomdb_number(&random, PAGE_SIZES)], round % 2 ? "wal" : "delete");
        sql_do(db, tables, 500 + (int)randomdb_number(&random, 6000));
        lose_rows(db, &random);
        read_all(db, digests);
        sqlite3_close(db);
        if (round % 3 == 2)
            amid += merge_amid(&random, digests);
        else
            all += merge(round % 3);
        check(seed + (uint64_t)round, digests);
        if (round % 3 < 2)
            ck_assert_int_eq(merge(false), 0);
        use(seed + (uint64_t)round);
    }
    printf("compact_merge: %d rounds: %" PRId64 " merged, and %" PRId64 " beside changes\n", rounds,
           all, amid);
    ck_assert_int_gt(all, rounds);
    ck_assert_int_gt(amid, 0);
}
END_TEST

static void set_up(void)
{
    opened_set_up();
    randomdb_folder();
}

static void tear_down(void)
{
    randomdb_clean();
    opened_tear_down();
}

static void add_all(TCase *some)
{
    tcase_add_checked_fixture(some, set_up, tear_down);
    tcase_add_test(some, nothing_is_lost);
}

int main(void)
{
    return online_main("compact_merge", 600, add_all);
}
