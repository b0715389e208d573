/*
 * Compaction of harmed files, without what the task checks first: the audit must refuse each, and
 * where it isn't asked, what the steps do must leave every row that could be read as it was. It
 * needs the own build (see test_vacuum_online.c).
 */
#include "lib_compacting.h"
#include "lib_harm.h"
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

enum { RANDOM_ROUNDS = 100, STALE_ROUNDS = 12 };

static const char name[] = "app.db";

/* --- the file ----------------------------------------------------------------------------- */

/* All that can be read: the tables by themselves, and what an index has. */
static const char *const readings[] = {
    "SELECT rowid, * FROM t NOT INDEXED ORDER BY rowid",
    "SELECT rowid, * FROM u NOT INDEXED ORDER BY rowid",
    "SELECT rowid, a FROM t INDEXED BY t_a ORDER BY a",
    "SELECT rowid, * FROM late NOT INDEXED ORDER BY rowid",
    "SELECT rowid, a FROM late INDEXED BY late_a ORDER BY a",
    "SELECT type, name, sql FROM sqlite_schema ORDER BY rowid",
};

enum { READINGS = sizeof readings / sizeof *readings };

/* Of each: how many rows can be read before it ends, all of their bytes in a number, and whether
 * it ends well. */
struct readable {
    struct {
        int64_t rows;
        uint64_t digest;
        bool ends;
    } of[READINGS];
};

static uint64_t digest_row(uint64_t digest, sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const unsigned char *bytes = sqlite3_column_blob(row, i);
        int length = sqlite3_column_bytes(row, i);
        digest = (digest ^ (unsigned)length) * 0x100000001b3U;
        for (int j = 0; j < length; j++)
            digest = (digest ^ bytes[j]) * 0x100000001b3U;
    }
    return digest;
}

static struct readable readable(void)
{
    struct readable found;
    sqlite3 *db = sql_open(name);

    memset(&found, 0, sizeof found);
    for (int i = 0; i < READINGS; i++) {
        sqlite3_stmt *query = NULL;
        int rc = sqlite3_prepare_v2(db, readings[i], -1, &query, NULL);
        while (rc == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW) {
            found.of[i].rows++;
            found.of[i].digest = digest_row(found.of[i].digest, query);
        }
        found.of[i].ends = sqlite3_finalize(query) == SQLITE_OK && rc == SQLITE_OK;
    }
    sqlite3_close(db);
    return found;
}

static void expect_readable(const char *what, const struct readable *before)
{
    struct readable after = readable();

    for (int i = 0; i < READINGS; i++)
        ck_assert_msg(!memcmp(&before->of[i], &after.of[i], sizeof after.of[i]),
                      "%s: %s: %" PRId64 " rows, before %" PRId64 "%s", what, readings[i],
                      after.of[i].rows, before->of[i].rows,
                      after.of[i].rows == before->of[i].rows ? ", but others" : "");
}

/* --- harm by name --------------------------------------------------------------------------- */

/* A page size for each test of the loop. */
static const int page_sizes[] = {512, 1024, 2048};

/* Nothing is changed where the audit says no. */
START_TEST(the_audit_refuses)
{
    for (size_t i = 0; i < harm_count; i++) {
        struct error error = {0};
        struct damage_image image;
        harm_make(&image, &harms[i], page_sizes[_i], name);
        enum status status = compacting_whole(true, &error);
        printf("  %d %s: %s\n", page_sizes[_i], harms[i].name, status ? error.text : "done");
        fflush(stdout);
        ck_assert_msg(harms[i].sound ? status == STATUS_OK : status && damage_is(&image, name),
                      "%s: status %d, %s", harms[i].name, status, error.text);
        damage_free(&image);
    }
}
END_TEST

/* The steps alone: refused, or as many rows as could be read before. */
START_TEST(the_steps_lose_nothing)
{
    for (size_t i = 0; i < harm_count; i++) {
        struct error error = {0};
        struct damage_image image;
        if (harms[i].steps == STEPS_BLIND)
            continue;
        harm_make(&image, &harms[i], page_sizes[_i], name);
        struct readable before = readable();
        enum status status = compacting_whole(false, &error);
        printf("  %d %s: %s\n", page_sizes[_i], harms[i].name, status ? error.text : "done");
        fflush(stdout);
        ck_assert_msg(harms[i].steps != STEPS_NOTICE || status, "%s: it was not noticed",
                      harms[i].name);
        expect_readable(harms[i].name, &before);
        damage_free(&image);
    }
}
END_TEST

/* As many pages as the header counts, but one of them twice: the first step refuses it before it
 * changes anything, not the one that takes the page for the second time. */
START_TEST(free_twice)
{
    struct damage_image image;
    struct error error = {0};
    size_t i = 0;

    while (strcmp(harms[i].name, "free twice") != 0)
        ck_assert_uint_lt(++i, harm_count);
    harm_make(&image, &harms[i], page_sizes[_i], name);
    ck_assert_int_eq(compacting_whole(false, &error), STATUS_REFUSED);
    ck_assert_msg(strstr(error.text, "the freelist names page") && damage_is(&image, name), "%s",
                  error.text);
    damage_free(&image);
}
END_TEST

/* --- anything ----------------------------------------------------------------------------- */

static bool sound(void)
{
    sqlite3 *db = sql_open(name);
    sqlite3_stmt *check = NULL;
    bool ok = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &check, NULL) == SQLITE_OK &&
              sqlite3_step(check) == SQLITE_ROW &&
              !strcmp((const char *)sqlite3_column_text(check, 0), "ok");

    sqlite3_finalize(check);
    sqlite3_close(db);
    return ok;
}

static int rounds_wanted(int usual)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? atoi(wanted) : usual;
}

/* One to three harms. */
static void damage_some(struct damage_image *image, const struct damage_image *base,
                        uint64_t *random)
{
    damage_copy(image, base);
    for (int64_t i = 1 + randomdb_number(random, 3); i > 0; i--)
        harm_anything(image, random);
    damage_write(image, name);
}

/* What integrity_check finds sound may be refused all the same: by a field of the header. */
static void expect_sound(bool was_sound, enum status status, const char *what,
                         const struct error *error)
{
    ck_assert_msg(!was_sound || status == STATUS_REFUSED || (status == STATUS_OK && sound()),
                  "%s: it was sound; status %d, %s", what, status, error->text);
}

static void expect_harmless(const struct damage_image *image, const char *what,
                            const struct readable *before, enum status status,
                            const struct error *error)
{
    ck_assert_msg(status == STATUS_OK || damage_is(image, name),
                  "%s: status %d (%s), and changed all the same", what, status, error->text);
    expect_readable(what, before);
}

/* With the audit: refused or not even opened, and not a byte is another; or done, and what was
 * sound is sound. */
START_TEST(anything)
{
    int rounds = rounds_wanted(RANDOM_ROUNDS), were_sound = 0, both = 0;
    int ended[STATUS_INVALID + 1] = {0};
    uint64_t seed = randomdb_seed("compact");
    struct damage_image base[3];

    for (int i = 0; i < 3; i++)
        damage_base(&base[i], page_sizes[i], 0);
    for (int round = 0; round < rounds; round++) {
        uint64_t random = seed + (uint64_t)round;
        struct error error = {0};
        struct damage_image image;
        char *what = memory_format("SEED=%" PRIu64, random);
        damage_some(&image, &base[randomdb_number(&random, 3)], &random);
        struct readable before = readable();
        bool was_sound = sound();
        enum status status = compacting_whole(true, &error);
        ended[status]++;
        were_sound += was_sound;
        both += was_sound && status == STATUS_REFUSED;
        expect_harmless(&image, what, &before, status, &error);
        expect_sound(was_sound, status, what, &error);
        damage_free(&image);
        free(what);
    }
    printf(
        "compact: %d damaged files: %d refused, %d failed, %d busy, %d done; integrity_check had "
        "found %d sound, of which %d were refused\n",
        rounds, ended[STATUS_REFUSED], ended[STATUS_FAILED], ended[STATUS_BUSY], ended[STATUS_OK],
        were_sound, both);
    for (int i = 0; i < 3; i++)
        damage_free(&base[i]);
}
END_TEST

/* Nobody asks the steps to do without the audit; but what the application damages after it they
 * must stand: whatever it is, they come to an end. */
START_TEST(anything_for_the_steps)
{
    int rounds = rounds_wanted(RANDOM_ROUNDS) / 3, done = 0, same = 0;
    uint64_t seed = randomdb_seed("compact");
    struct damage_image base;

    damage_base(&base, page_sizes[_i], 0);
    for (int round = 0; round < rounds; round++) {
        uint64_t random = seed + (uint64_t)round;
        struct error error = {0};
        struct damage_image image;
        damage_some(&image, &base, &random);
        char *what = memory_format("SEED=%" PRIu64, seed + (uint64_t)round);
        struct readable before = readable(), after;
        bool was_sound = sound();
        enum status status = compacting_whole(false, &error);
        after = readable();
        done += status == STATUS_OK;
        same += !memcmp(&before, &after, sizeof after);
        expect_sound(was_sound, status, what, &error);
        damage_free(&image);
        free(what);
    }
    printf("compact: %d damaged files for the steps alone: %d done, in %d all can be read that "
           "could be\n",
           rounds, done, same);
    damage_free(&base);
}
END_TEST

/* --- stale hints -------------------------------------------------------------------------- */

/* At the end of the file, in b-trees of several levels; before them pages become free. */
static const char late[] =
    "CREATE TABLE late(a, b); CREATE INDEX late_a ON late(a);"
    "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)"
    " INSERT INTO late SELECT hex(randomblob(12)), zeroblob(i % 40 * (i % 40 = 7) * 20) FROM n;"
    "DELETE FROM t WHERE rowid % 4 < 3; DELETE FROM u WHERE rowid BETWEEN 200 AND 1600";

/* What an application may do between the look without the lock and the steps. */
static void change_all(uint64_t *random)
{
    sqlite3 *db = sql_open(name);

    int64_t most = randomdb_number(random, 2) ? 6 : 0; /* 0: the file does not grow */

    for (int i = 0; i < most; i++) {
        int64_t from = randomdb_number(random, 1500);
        sql_do(db, "DELETE FROM t WHERE rowid BETWEEN %d AND %d", (int)from, (int)from + 200);
        sql_do(db, "INSERT INTO t SELECT a || 'x', zeroblob(%d) FROM u LIMIT %d",
               (int)randomdb_number(random, 900), (int)randomdb_number(random, 300));
        sql_do(db, "UPDATE u SET b = zeroblob(%d) WHERE rowid %% 7 = %d",
               (int)randomdb_number(random, 3000), i);
        sql_do(db, "CREATE TABLE IF NOT EXISTS new_%d(a PRIMARY KEY) WITHOUT ROWID", i % 2);
        sql_do(db, "INSERT OR IGNORE INTO new_%d SELECT a FROM t LIMIT 100", i % 2);
    }
    sql_do(db, "DELETE FROM late WHERE rowid %% 3 = %d", (int)randomdb_number(random, 3));
    for (int i = 0; i < 4; i++)
        sql_do(db, "UPDATE late SET a = hex(randomblob(12)) WHERE rowid %% 12 = %d", i);
    if (most)
        sql_do(db, randomdb_number(random, 2) ? "DROP TABLE new_0" : "DROP INDEX t_a");
    sqlite3_close(db);
}

/* Every hint may be wrong: what is proven moves, the rest is looked for anew. */
START_TEST(hints_are_stale)
{
    uint64_t seed = randomdb_seed("compact");
    const char *journal = _i % 2 ? "wal" : "delete";

    for (int round = 0; round < STALE_ROUNDS; round++) {
        uint64_t random = seed + (uint64_t)round;
        struct error error = {0};
        struct damage_image image;
        struct compacting stage;
        char *what = memory_format("SEED=%" PRIu64, random);
        harm_make(&image, &harms[0], page_sizes[round % 3], name);
        sqlite3 *db = sql_open(name);
        sql_do(db, "PRAGMA journal_mode = %s", journal);
        sql_do(db, "%s", late);
        sqlite3_close(db);
        ck_assert_msg(!compacting_begin(&stage, &error), "%s", error.text);
        ck_assert_msg(!compact_audit(stage.compact, NULL, &error), "%s", error.text);
        change_all(&random);
        struct readable before = readable();
        enum status status = compact_shrink(stage.compact, INT64_MAX, &error);
        ck_assert_msg(!status, "SEED=%" PRIu64 ": %s", seed + (uint64_t)round, error.text);
        if (round % 2)
            ck_assert_msg(!compact_order(stage.compact, NULL, &error), "%s", error.text);
        ck_assert_int_ge(compact_result(stage.compact)->given, 1);
        compacting_end(&stage);
        expect_readable(what, &before);
        free(what);
        ck_assert_msg(sound(), "SEED=%" PRIu64, seed + (uint64_t)round);
        damage_free(&image);
    }
}
END_TEST

/* --- all of it ---------------------------------------------------------------------------- */

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
    tcase_add_loop_test(some, the_audit_refuses, 0, 3);
    tcase_add_loop_test(some, the_steps_lose_nothing, 0, 3);
    tcase_add_loop_test(some, free_twice, 0, 3);
    tcase_add_test(some, anything);
    tcase_add_loop_test(some, anything_for_the_steps, 0, 3);
    tcase_add_loop_test(some, hints_are_stale, 0, 2);
}

int main(void)
{
    return online_main("compact", 60 + rounds_wanted(RANDOM_ROUNDS), add_all);
}
