/*
 * Whatever SQLite can hold leaves and comes back, into a file and into its table: 10,000 random
 * rows of all kinds of tables, compared with those that were there to the last bit, rowids
 * included. SEED says which.
 */
#include "lib_brought.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_randomdb.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_ROWS = 1250 /* of each of 8 tables */, VALUES_TEXT = 40 };

#define COLUMNS                                                                             \
    " a, b TEXT COLLATE NOCASE, c INTEGER, d DOUBLE PRECISION, \"e f\" NUMERIC, \"select\"" \
    " VARCHAR(10) COLLATE RTRIM, f BLOB, g AS (typeof(a) || length(b)),"                    \
    " h INT AS (ifnull(c, 0) > 5) STORED"
#define NAMES         "a, b, c, d, \"e f\", \"select\", f"
#define ARCHIVE(more) "keep: 100d, archive: { directory: \"@/cold\", segment_rows: 400" more " }"

static const struct values_kind {
    const char *name, *table;
    const char *keys; /* columns of the key, the first of them whole numbers */
    int key_count;
    const char *all; /* how to ask for all of it */
} kinds[] = {
    {"rowids that no column shows", "CREATE TABLE t(at INTEGER," COLUMNS ")", "rowid", 1,
     "SELECT rowid, * FROM t ORDER BY rowid"},
    {"an INTEGER PRIMARY KEY",
     "CREATE TABLE t(at INTEGER, id INTEGER PRIMARY KEY AUTOINCREMENT," COLUMNS
     ", CHECK (at > 0 AND id <> 17))",
     "id", 1, "SELECT * FROM t ORDER BY id"},
    {"WITHOUT ROWID",
     "CREATE TABLE t(at INTEGER, n INTEGER, k," COLUMNS ", PRIMARY KEY(k, n DESC)) WITHOUT ROWID",
     "n, k", 2, "SELECT * FROM t ORDER BY n, k"},
    {"a primary key beside the rowid",
     "CREATE TABLE t(at INTEGER, k INTEGER, u," COLUMNS ", CONSTRAINT p PRIMARY KEY(u, k))",
     "rowid, k, u", 3, "SELECT rowid, * FROM t ORDER BY rowid"},
};

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t random_below(uint64_t limit)
{
    return (random_next() >> 16) % limit;
}

/* --- values ------------------------------------------------------------------------------- */

static void bind_integer(sqlite3_stmt *insert, int at)
{
    static const int64_t edges[] = {
        0, 1, -1, INT64_MAX, INT64_MIN, 9007199254740993, -9007199254740993};
    int64_t value = (int64_t)random_next() >> random_below(64);

    if (random_below(4) == 0)
        value = edges[random_below(sizeof edges / sizeof *edges)];
    sqlite3_bind_int64(insert, at, value);
}

static void bind_real(sqlite3_stmt *insert, int at)
{
    static const double edges[] = {0.0,
                                   -0.0,
                                   INFINITY,
                                   -INFINITY,
                                   NAN,
                                   0.1,
                                   5e-324,
                                   1e-300,
                                   5.0,
                                   9007199254740993.0,
                                   1.7976931348623157e308};
    uint64_t bits = random_next();
    double value;

    memcpy(&value, &bits, sizeof value);
    if (random_below(3) == 0)
        value = edges[random_below(sizeof edges / sizeof *edges)];
    sqlite3_bind_double(insert, at, value);
}

static void bind_text(sqlite3_stmt *insert, int at)
{
    static const char *const edges[] = {"",
                                        "$blob:eA==",
                                        "$text:",
                                        "$real:Infinity",
                                        "12",
                                        "1e9",
                                        "-0",
                                        "\"\\\n",
                                        "\xc3\xa9\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "  trailing  ",
                                        "9223372036854775808"};
    char text[VALUES_TEXT];
    size_t length = random_below(sizeof text);
    bool plain = random_below(2);

    for (size_t i = 0; i < length; i++) /* NULs and what is no UTF-8 */
        text[i] = (char)(plain ? ' ' + random_below(95) : random_below(256));
    if (random_below(3) == 0) {
        const char *edge = edges[random_below(sizeof edges / sizeof *edges)];
        sqlite3_bind_text(insert, at, edge, -1, SQLITE_STATIC);
    } else {
        sqlite3_bind_text(insert, at, text, (int)length, SQLITE_TRANSIENT);
    }
}

static void bind_blob(sqlite3_stmt *insert, int at)
{
    uint8_t bytes[VALUES_TEXT];
    size_t length = random_below(sizeof bytes);

    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random_next();
    sqlite3_bind_blob(insert, at, bytes, (int)length, SQLITE_TRANSIENT);
}

static void bind_null(sqlite3_stmt *insert, int at)
{
    sqlite3_bind_null(insert, at);
}

static void bind_any(sqlite3_stmt *insert, int at)
{
    static void (*const binders[])(sqlite3_stmt * insert, int at) = {bind_integer, bind_real,
                                                                     bind_text, bind_blob,
                                                                     bind_null};

    binders[random_below(sizeof binders / sizeof *binders)](insert, at);
}

/* --- tables ------------------------------------------------------------------------------- */

static void fill_row(sqlite3_stmt *insert, int keys, int row)
{
    int64_t key = (int64_t)row * 7 + (random_below(50) ? 1 : INT64_MAX / 2);

    sqlite3_bind_int64(insert, 1, (int64_t)random_below(86400 * 200));
    for (int i = 2; i <= 8; i++)
        bind_any(insert, i);
    sqlite3_bind_int64(insert, 9, key);
    for (int i = 10; i < 9 + keys; i++)
        (random_below(9) ? bind_text : bind_integer)(insert, i);
    sqlite3_step(insert); /* a key may be there already */
    sqlite3_reset(insert);
}

static void fill(const struct values_kind *kind)
{
    static const char *const further[] = {"", "", ", ?10", ", ?10, ?11"};
    char *path = folder_path("t.db");
    sqlite3 *db = proof_open(path);
    char *sql = memory_format("INSERT OR IGNORE INTO t(at, " NAMES
                              ", %s) VALUES(unixepoch('now') - 86400 * 150 - ?1,"
                              " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9%s)",
                              kind->keys, further[kind->key_count]);

    proof_do(db, kind->table);
    sqlite3_stmt *insert = proof_prepare(db, sql);
    proof_do(db, "BEGIN");
    for (int row = 0; row < VALUES_ROWS; row++)
        fill_row(insert, kind->key_count, row);
    sqlite3_finalize(insert);
    proof_do(db, "COMMIT");
    ck_assert_int_gt(proof_integer(db, "SELECT count(*) FROM t"), VALUES_ROWS * 9 / 10);
    sqlite3_close(db);
    free(sql);
    free(path);
}

/* --- there and back ----------------------------------------------------------------------- */

static void compare_file(const struct values_kind *kind, const char *name, sqlite3 *before,
                         const char *query)
{
    char *path = folder_path(name);
    sqlite3 *file = proof_open(path);

    brought_same(file, before, query, kind->name);
    char *sound = proof_text(file, "PRAGMA integrity_check");
    ck_assert_str_eq(sound, "ok");
    sqlite3_close(file);
    free(sound);
    free(path);
}

static void bring_part(const struct values_kind *kind, sqlite3 *before)
{
    int64_t first = proof_integer(before, "SELECT min(at) + (max(at) - min(at)) / 3 FROM t");
    char *from = proof_text(before, "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', min(at) + (max(at) -"
                                    " min(at)) / 3, 'unixepoch') FROM t");
    char *words = memory_format("--into @/part.db --since %s --where c>5", from);
    char *query =
        memory_format("SELECT * FROM (%s) WHERE at >= %lld AND c > 5", kind->all, (long long)first);
    json_t *effect = brought_restore(words, 0);

    ck_assert_int_gt(brought_count(effect, "rows_put"), 100);
    char *whole = proof_text(before, query);
    ck_assert_ptr_nonnull(whole);
    char *path = folder_path("part.db");
    sqlite3 *file = proof_open(path);
    brought_same(file, before, query, kind->name);
    ck_assert_int_eq(proof_integer(file, "SELECT count(*) FROM t"),
                     brought_count(effect, "rows_put"));
    sqlite3_close(file);
    json_decref(effect);
    free(whole);
    free(path);
    free(query);
    free(words);
    free(from);
}

static void bring(const char *words, int64_t put, int64_t there)
{
    json_t *effect = brought_restore(words, 0);
    char *text = json_dumps(effect, 0);

    ck_assert_msg(brought_count(effect, "rows_put") == put &&
                      brought_count(effect, "rows_there") == there,
                  "%s: %s", words, text);
    json_decref(effect);
    free(text);
}

START_TEST(all_values)
{
    const struct values_kind *kind = &kinds[_i / 2];
    const struct proof_case c = {.name = kind->name,
                                 .setup = "CREATE INDEX t_at ON t(at)",
                                 .options = _i % 2 ? ARCHIVE(", to: database, partition: none")
                                                   : ARCHIVE("")};

    fill(kind);
    sqlite3 *before = brought_archive(&c, _i % 2 ? "delete" : "wal");
    int64_t rows = proof_integer(before, "SELECT count(*) FROM t");
    char *path = folder_path("t.db");
    sqlite3 *db = proof_open(path);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM t"), 0);
    sqlite3_close(db);
    bring("--into @/all.db", rows, 0);
    compare_file(kind, "all.db", before, kind->all);
    bring_part(kind, before);
    bring("--into-table", rows, 0);
    compare_file(kind, "t.db", before, kind->all);
    bring("--into-table", 0, rows);
    compare_file(kind, "t.db", before, kind->all);
    sqlite3_close(before);
    free(path);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("restore_values");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    random_state = randomdb_seed("restore_values") | 1;
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, all_values, 0, 2 * sizeof kinds / sizeof *kinds);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
