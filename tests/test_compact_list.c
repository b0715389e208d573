/*
 * The freelist that is kept in memory from hold to hold, beside an application that takes and gives
 * pages, checkpoints and vacuums: in each hold it must be what a reading of the whole list finds.
 */
#include "bytes.h"
#include "lib_proven.h"
#include "lib_randomdb.h"
#include "lib_sql.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 2,
    HOLDS = 120,
    TRUNKS_LONG = 64 /* of lists that count */
};

static uint64_t random_state;
static int64_t pages_seen; /* by the editing connection, when it got the lock */
static bool sorted;        /* all trunks are others, by the last hold or by VACUUM */
static bool interrupt;     /* somebody commits just after the hold */
static double whole_ms;    /* what reading the whole list is said to take */
static int holds_whole, holds_spared;

/* --- the application ---------------------------------------------------------------------- */

#define NUMBERS(n) "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #n ") "

static const char many[] = "CREATE TABLE big(b); " NUMBERS(
    5000) "INSERT INTO big SELECT zeroblob(300 + i * 7919 % 3000) FROM n; "
          "DELETE FROM big WHERE rowid % 16";

static const char *const deeds[] = {
    "SELECT 1",
    "INSERT INTO big SELECT zeroblob(abs(random() % 3000)) FROM u LIMIT 9",
    "INSERT INTO big SELECT zeroblob(abs(random() % 3000)) FROM t LIMIT 400",
    "DELETE FROM big WHERE rowid IN (SELECT rowid FROM big ORDER BY random() LIMIT 9)",
    "DELETE FROM big WHERE rowid IN (SELECT rowid FROM big ORDER BY random() LIMIT 300)",
    "INSERT INTO big VALUES(zeroblob(900000))",
    "DROP TABLE IF EXISTS v; CREATE TABLE v AS SELECT * FROM t",
    "DROP TABLE IF EXISTS v",
    "PRAGMA wal_checkpoint(PASSIVE)",
    "PRAGMA wal_checkpoint(RESTART)",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "INSERT INTO big SELECT zeroblob(2000) FROM t; DELETE FROM big WHERE length(b) = 2000",
};

static void do_something(bool vacuum)
{
    for (int64_t i = randomdb_number(&random_state, 3); i > 0; i--)
        proven_app(deeds[randomdb_number(&random_state, sizeof deeds / sizeof *deeds)]);
    if (vacuum)
        proven_app("VACUUM; DELETE FROM big WHERE rowid % 2");
    sorted = sorted || vacuum;
}

/* --- comparing ---------------------------------------------------------------------------- */

/* An assertion of each page would take longer than all the rest. */
static bool same_trunk(const struct freepages_trunk *is, const struct freepages_trunk *expected)
{
    return is->page == expected->page && is->next == expected->next &&
           is->count == expected->count &&
           memcmp(is->leaves, expected->leaves, is->count * sizeof *is->leaves) == 0;
}

/* 0: in both it is the same. */
static uint32_t other_page(const struct freepages *is, const struct freepages *expected,
                           uint32_t pages)
{
    for (uint32_t page = 1; page <= pages; page++) {
        if (freepages_has(is, page) != freepages_has(expected, page))
            return page;
        if (freepages_has(is, page) &&
            is->trunks[is->trunk_of[page]].page != expected->trunks[expected->trunk_of[page]].page)
            return page;
    }
    return 0;
}

static void expect_same(const struct freepages *is, const struct freepages *expected,
                        uint32_t pages)
{
    size_t here = is->first, there = expected->first;

    ck_assert_uint_eq(is->head, expected->head);
    ck_assert_uint_eq(is->total, expected->total);
    ck_assert_uint_eq(is->count, expected->count);
    while (here != FREEPAGES_NONE && there != FREEPAGES_NONE &&
           same_trunk(&is->trunks[here], &expected->trunks[there])) {
        here = is->trunks[here].after;
        there = expected->trunks[there].after;
    }
    ck_assert(here == FREEPAGES_NONE && there == FREEPAGES_NONE);
    ck_assert_uint_eq(other_page(is, expected, pages), 0);
}

/* --- the hold ----------------------------------------------------------------------------- */

/* How many pages SQLite has been asked for. */
static int64_t pages_now(struct compact *compact)
{
    int hits = 0, misses = 0, most;
    sqlite3 *db = database_sql(compact->engine->database);

    sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_HIT, &hits, &most, 0);
    sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_MISS, &misses, &most, 0);
    return (int64_t)hits + misses;
}

/* Tells when the lock is there, and commits between the hold's own commit and what follows it. */
static int on_statement(unsigned event, void *context, void *statement, void *text)
{
    struct compact *compact = context;

    (void)event;
    (void)statement;
    if (strcmp(text, "BEGIN IMMEDIATE") == 0)
        pages_seen = pages_now(compact);
    if (!interrupt || strcmp(text, "PRAGMA main.journal_mode") != 0 ||
        !sqlite3_get_autocommit(database_sql(compact->engine->database)))
        return 0;
    interrupt = false;
    proven_app("DELETE FROM big WHERE rowid IN (SELECT rowid FROM big ORDER BY random() LIMIT 30)");
    return 0;
}

/* Where the first trunk has a leaf beyond the limit, no other trunk has one within it. */
static void expect_low(const struct freepages *list, uint32_t limit)
{
    uint32_t high = 0, low = 0;

    for (size_t i = list->first; i != FREEPAGES_NONE; i = list->trunks[i].after)
        for (uint32_t leaf = 0; leaf < list->trunks[i].count; leaf++) {
            bool within = list->trunks[i].leaves[leaf] <= limit;
            high += !within && i == list->first;
            low += within && i != list->first;
        }
    ck_assert_msg(!high || !low, "%" PRIu32 " are high, and %" PRIu32 " low ones are elsewhere",
                  high, low);
}

static void lower_first(struct freepages *list, uint32_t limit)
{
    freepages_lower_first(list, limit, UINT32_MAX);
    expect_low(list, limit);
}

/* What the list is turned into must be what is read the next time. */
static enum status change_list(struct compact *compact, struct error *error)
{
    struct freepages *list = &compact->free_pages;
    uint32_t taken[50], count = 0, most = (uint32_t)randomdb_number(&random_state, 50);
    enum status status = STATUS_OK;

    for (; count < most && !status; count++) {
        uint32_t limit = (uint32_t)randomdb_number(&random_state, compact->end);
        if (!(taken[count] = freepages_any(list, limit)))
            break;
        status = freepages_take(list, taken[count], error);
    }
    while (count > 0)
        freepages_give(list, taken[--count]);
    if (randomdb_number(&random_state, 4) == 0)
        lower_first(list, compact->end / 2);
    sorted = randomdb_number(&random_state, 20) == 0;
    if (sorted)
        freepages_sort(list);
    interrupt = randomdb_number(&random_state, 3) == 0;
    compact->changed = true;
    return status;
}

static enum status look(struct compact *compact, void *argument, struct error *error)
{
    const bool *fails = argument;
    int64_t asked = pages_now(compact) - pages_seen;
    struct freepages anew = {0};

    ck_assert_msg(!freepages_load(&anew, compact->edit, error), "%s", error->text);
    expect_same(&compact->free_pages, &anew, pageedit_header(compact->edit)->pages);
    if (whole_ms > 0 && anew.total / (PROVEN_PAGE / 4) > TRUNKS_LONG)
        *(sorted || asked < (int64_t)anew.count / 2 ? &holds_spared : &holds_whole) += 1;
    freepages_free(&anew);
    sorted = false;
    enum status status =
        randomdb_number(&random_state, 3) ? change_list(compact, error) : STATUS_OK;
    return *fails && !status ? error_set(error, STATUS_FAILED, "it fails") : status;
}

static void hold_once(void)
{
    struct error error = {0};
    bool done = false, fails = randomdb_number(&random_state, 10) == 0;
    enum status status = STATUS_OK;

    while (!done && !status) {
        proven_scene.compact->known.whole_ms = whole_ms;
        status = compact_hold(proven_scene.compact, look, &fails, &done, &error);
    }
    ck_assert_msg(status == (fails ? STATUS_FAILED : STATUS_OK), "%d: %s", status, error.text);
}

static void one_round(const char *journal)
{
    proven_begin(journal, many);
    compacting_lock(10000000); /* time is not what is tested */
    sorted = interrupt = false;
    sqlite3_trace_v2(database_sql(proven_scene.engine.database), SQLITE_TRACE_STMT, on_statement,
                     proven_scene.compact);
    for (int i = 0; i < HOLDS; i++) {
        hold_once();
        do_something(i == HOLDS / 2);
    }
    proven_finish();
    proven_expect_sound();
}

static const char *const journals[] = {"wal", "delete"};

START_TEST(it_is_what_the_file_has)
{
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS;

    random_state = randomdb_seed("compact_list");
    for (int i = 0; i < rounds; i++) {
        whole_ms = i % 2 ? 0 : INFINITY; /* whether it may be read within a hold */
        one_round(journals[_i]);
    }
    printf("compact_list: %s: %d holds with a long list, %d of them without reading it within\n",
           journals[_i], holds_whole + holds_spared, holds_spared);
    ck_assert_int_gt(holds_whole + holds_spared, 0);
    if (_i == 0)
        ck_assert_int_lt(holds_whole * 20, holds_spared); /* the application renews much of it */
}
END_TEST

/* --- lists that are wrong ----------------------------------------------------------------- */

static const struct harm_of_list {
    const char *name;
    uint32_t at;     /* in the first trunk: the next one, the count, leaves */
    int64_t number;  /* that comes there, or which, less than 0, by harm_number */
    const char *why; /* in what it is refused for */
} harms_of_list[] = {
    {"leaf 0", 12, 0, "names page 0,"},
    {"leaf 1", 12, 1, "names page 1,"},
    {"leaf beyond", 12, -1, "or can't be free"},
    {"leaf far beyond", 12, UINT32_MAX, "names page 4294967295,"},
    {"leaf twice", 12, -2, "is there already"},
    {"leaf is the trunk", 12, -3, "is there already"},
    {"trunk 1", 0, 1, "names page 1,"},
    {"trunk far beyond", 0, UINT32_MAX, "names page 4294967295,"},
    {"a loop", 0, -3, "is there already"},
    {"too short", 0, 0, "but the header counts"},
    {"a leaf fewer", 4, -4, "but the header counts"},
    {"too many leaves", 4, UINT32_MAX, "more than it can name"},
};

static uint32_t harm_number(const struct compact *compact, const struct harm_of_list *harm)
{
    const struct freepages_trunk *first = &compact->free_pages.trunks[compact->free_pages.first];
    const uint32_t numbers[] = {pageedit_header(compact->edit)->pages + 1, first->leaves[0],
                                first->page, first->count - 1};

    return harm->number < 0 ? numbers[-harm->number - 1] : (uint32_t)harm->number;
}

/* Read whole, and read again where a sound one is known. */
static enum status read_harmed(struct compact *compact, void *argument, struct error *error)
{
    const struct harm_of_list *harm = argument;
    struct freepages anew = {0}, *known = &compact->free_pages;
    unsigned char *bytes = NULL;

    ck_assert(!pageedit_change(compact->edit, known->head, &bytes, error));
    bytes_put_four(bytes + harm->at, harm_number(compact, harm));
    ck_assert_int_eq(freepages_load(&anew, compact->edit, error), STATUS_REFUSED);
    ck_assert_msg(strstr(error->text, harm->why), "%s: %s", harm->name, error->text);
    freepages_doubt(known, known->head);
    ck_assert_int_eq(freepages_load(known, compact->edit, error), STATUS_REFUSED);
    ck_assert_msg(strstr(error->text, harm->why), "%s: %s", harm->name, error->text);
    freepages_free(&anew);
    return error_set(error, STATUS_FAILED, "enough");
}

START_TEST(it_does_not_add_up)
{
    struct harm_of_list harm = harms_of_list[_i];
    struct error error = {0};
    bool done = false;

    proven_begin("wal", many);
    compacting_lock(10000000);
    ck_assert_int_eq(compact_hold(proven_scene.compact, read_harmed, &harm, &done, &error),
                     STATUS_FAILED);
    ck_assert_str_eq(error.text, "enough");
    proven_finish();
    proven_expect_sound();
}
END_TEST

static void add_all(TCase *some)
{
    tcase_add_loop_test(some, it_does_not_add_up, 0, sizeof harms_of_list / sizeof *harms_of_list);
    tcase_add_loop_test(some, it_is_what_the_file_has, 0, 2);
}

int main(void)
{
    return proven_main("compact_list", add_all);
}
