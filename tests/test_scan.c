/*
 * Scans in slices of random lengths, with rows deleted and inserted between any two of them: what
 * was there all the time is seen, whatever the table, its index and the ties in it.
 */
#include "scan.h"

#include "lib_opened.h"
#include "lib_randomdb.h"
#include "rowlist.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Every table has a time "at", a number "x", and "id" as its key's last column. */
static const struct {
    const char *schema;
    bool by_age;
    int times; /* different values: few make ties */
} scan_rows[] = {
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at, x)", false, 10},
    {"CREATE TABLE t(x, at, id, PRIMARY KEY(x, id)) WITHOUT ROWID", false, 10},
    {"CREATE TABLE t(x, at, id, PRIMARY KEY(x DESC, id)) WITHOUT ROWID", false, 10},
    {"CREATE TABLE t(x TEXT COLLATE NOCASE, at, id, PRIMARY KEY(x, id)) WITHOUT ROWID", false, 10},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at, x); CREATE INDEX i ON t(at)", true, 1000000},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at, x); CREATE INDEX i ON t(at)", true, 12},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at, x); CREATE INDEX i ON t(at)", true, 1},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at, x); CREATE INDEX i ON t(at DESC)", true, 12},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at, x); CREATE INDEX i ON t(at, x)", true, 12},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at TEXT, x); CREATE INDEX i ON t(at, x DESC, id)",
     true, 12},
    {"CREATE TABLE t(id INTEGER PRIMARY KEY, at REAL, x); CREATE INDEX i ON t(at, x)", true, 12},
    {"CREATE TABLE t(x, at, id, PRIMARY KEY(x, id)) WITHOUT ROWID; CREATE INDEX i ON t(at)", true,
     12},
    {"CREATE TABLE t(at, id, x, PRIMARY KEY(at, id)) WITHOUT ROWID", true, 12},
    {"CREATE TABLE t(at, id, x, PRIMARY KEY(at DESC, id)) WITHOUT ROWID", true, 12},
};

static const struct scan_range all = {"0", "x''"};

enum { SCAN_ROUNDS = 12, SCAN_ROWS = 300, SCAN_IDS = 4096 };

struct model {
    uint64_t random;
    int row; /* of scan_rows */
    bool stayed[SCAN_IDS];
    int seen[SCAN_IDS], next_id;
    /* one slice */
    const struct scan *scan;
    int columns, left;
    int64_t newest[SCAN_IDS], fresh; /* ids that this slice has given */
};

static void insert(struct model *model, int count)
{
    for (int i = 0; i < count && model->next_id < SCAN_IDS; i++) {
        int64_t at = 1 + randomdb_number(&model->random, scan_rows[model->row].times);
        struct text sql = {0};
        text_addf(&sql, "INSERT INTO t(id, x, at) VALUES(%d, %d, ", model->next_id,
                  (int)randomdb_number(&model->random, 5));
        text_addf(&sql, model->next_id % 7 ? "%d)" : "'text %d')", (int)at);
        opened_sql(sql.bytes);
        text_free(&sql);
        model->stayed[model->next_id++] = true;
    }
}

static void delete_row(struct model *model, int64_t id)
{
    char sql[64];

    snprintf(sql, sizeof sql, "DELETE FROM t WHERE id = %d", (int)id);
    opened_sql(sql);
    model->stayed[id] = false;
}

static bool see(void *argument, sqlite3_stmt *row)
{
    struct model *model = argument;
    int64_t id = sqlite3_column_int64(row, model->columns);

    model->seen[id]++;
    model->newest[model->fresh++] = id;
    return --model->left > 0;
}

/* Whether the row's time is where the scan stands: other people's deletions there may hide rows,
 * which the next scan finds; those that scan_forget is told of may not. */
static bool at_position(struct model *model, int64_t id)
{
    sqlite3_stmt *row = NULL;
    char sql[64];

    snprintf(sql, sizeof sql, "SELECT at FROM t WHERE id = %d", (int)id);
    ck_assert_int_eq(sqlite3_prepare_v2(opened_app(), sql, -1, &row, NULL), SQLITE_OK);
    bool at = sqlite3_step(row) == SQLITE_ROW &&
              scan_at_position(model->scan, sqlite3_column_value(row, 0));
    sqlite3_finalize(row);
    return at;
}

/* As retention does: some of the rows that the slice gave go, and the scan is told. */
static void delete_own(struct model *model, struct scan *scan)
{
    int64_t there = 0;

    for (int64_t i = 0; i < model->fresh; i++)
        if (model->stayed[model->newest[i]] && randomdb_number(&model->random, 2)) {
            there += at_position(model, model->newest[i]);
            delete_row(model, model->newest[i]);
        }
    scan_forget(scan, there);
}

static void delete_others(struct model *model)
{
    for (int i = 0; i < 4; i++) {
        int64_t id = randomdb_number(&model->random, model->next_id);
        if (model->stayed[id] && !at_position(model, id))
            delete_row(model, id);
    }
}

static void scan_all(struct model *model, struct scan *scan, bool *stayed)
{
    bool more = true;

    model->scan = scan;
    while (more) {
        model->fresh = 0;
        model->left = (int)randomdb_number(&model->random, 25) + 1;
        ck_assert_int_eq(scan_slice(scan, see, model, &more, NULL), STATUS_OK);
        opened_sql("BEGIN");
        delete_own(model, scan);
        delete_others(model);
        if (more)
            insert(model, (int)randomdb_number(&model->random, 6));
        opened_sql("COMMIT");
    }
    for (int id = 0; id < SCAN_IDS; id++)
        stayed[id] = stayed[id] && model->stayed[id];
}

static void check_round(int row, uint64_t seed)
{
    struct model *model = calloc(1, sizeof *model);
    bool stayed[SCAN_IDS];
    struct table table = {.name = NULL};
    struct error error = {0};
    struct scan *scan = NULL;
    bool ties = scan_rows[row].by_age && scan_rows[row].times < 1000;

    model->random = seed;
    model->row = row;
    opened_sql("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
    opened_sql(scan_rows[row].schema);
    opened_sql("BEGIN");
    insert(model, SCAN_ROWS);
    opened_sql("COMMIT");
    memcpy(stayed, model->stayed, sizeof stayed);
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_msg(table_load(database, "t", "at", &table, &error) == STATUS_OK, "%s", error.text);
    ck_assert(!scan_rows[row].by_age || table.index || table.key_is_time);
    model->columns = (int)table.key.count;
    ck_assert_msg(scan_open(database, &table, scan_rows[row].by_age ? &all : NULL, &scan, &error) ==
                      STATUS_OK,
                  "%s", error.text);
    scan_all(model, scan, stayed);
    for (int id = 0; id < SCAN_IDS; id++) {
        ck_assert_msg(!stayed[id] || model->seen[id] > 0, "row %d of %d was missed", id,
                      model->next_id);
        ck_assert_msg(ties || model->seen[id] <= 1, "row %d was seen %d times", id,
                      model->seen[id]);
    }
    scan_close(scan);
    table_free(&table);
    free(model);
}

START_TEST(nothing_is_missed)
{
    uint64_t seed = randomdb_seed("nothing_is_missed");

    for (int round = 0; round < SCAN_ROUNDS; round++) {
        check_round(_i, seed + (uint64_t)round);
        opened_close();
        ck_assert_int_eq(remove("app.db"), 0);
        remove("app.db-wal");
        remove("app.db-shm");
    }
}
END_TEST

static bool collect(void *argument, sqlite3_stmt *row)
{
    int64_t *ids = argument;

    ids[++ids[0]] = sqlite3_column_int64(row, 1);
    return true;
}

/* Undisturbed: the order is that of age, the condition holds, and a scan ends once. */
START_TEST(order_and_condition)
{
    int64_t ids[16] = {0};
    struct table table = {.name = NULL};
    struct scan *scan = NULL;
    bool more = true;

    opened_sql("CREATE TABLE t(id INTEGER PRIMARY KEY, at, x); CREATE INDEX i ON t(at);"
               "INSERT INTO t VALUES(1,30,0),(2,10,0),(3,20,0),(4,5,0),(5,20,0),(6,NULL,0)");
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_int_eq(table_load(database, "t", "at", &table, NULL), STATUS_OK);
    ck_assert_int_eq(scan_open(database, &table, &(struct scan_range){"10", "30"}, &scan, NULL),
                     STATUS_OK);
    ck_assert(!scan_at_position(scan, NULL));
    ck_assert_int_eq(scan_slice(scan, collect, ids, &more, NULL), STATUS_OK);
    ck_assert(!more);
    ck_assert_int_eq(scan_slice(scan, collect, ids, &more, NULL), STATUS_OK);
    ck_assert(!more);
    ck_assert_int_eq(ids[0], 3);
    ck_assert(ids[1] == 2 && ids[2] == 3 && ids[3] == 5);
    scan_close(scan);
    scan_close(NULL);
    table_free(&table);
}
END_TEST

START_TEST(an_empty_table)
{
    int64_t ids[16] = {0};
    struct table table = {.name = NULL};
    struct scan *scan = NULL;
    bool more = true;

    opened_sql("CREATE TABLE t(at)");
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_int_eq(table_load(database, "t", "at", &table, NULL), STATUS_OK);
    ck_assert_int_eq(scan_open(database, &table, NULL, &scan, NULL), STATUS_OK);
    ck_assert_int_eq(scan_slice(scan, collect, ids, &more, NULL), STATUS_OK);
    ck_assert(!more && ids[0] == 0);
    scan_close(scan);
    table_free(&table);
}
END_TEST

/* An application that renames the column between two slices makes an error, not a scan of texts. */
START_TEST(a_column_that_goes)
{
    int64_t ids[16] = {0};
    struct table table = {.name = NULL};
    struct error error = {0};
    struct scan *scan = NULL;
    bool more = true;

    opened_sql("CREATE TABLE t(at, x); INSERT INTO t VALUES(1, 1)");
    struct database *database = opened_database(DATABASE_READ);
    ck_assert_int_eq(table_load(database, "t", "at", &table, NULL), STATUS_OK);
    ck_assert_int_eq(scan_open(database, &table, NULL, &scan, NULL), STATUS_OK);
    opened_sql("ALTER TABLE t RENAME COLUMN at TO since");
    ck_assert_int_eq(scan_slice(scan, collect, ids, &more, &error), STATUS_FAILED);
    ck_assert_msg(strstr(error.text, "no such column") != NULL, "%s", error.text);
    scan_close(scan);
    table_free(&table);
}
END_TEST

/* --- lists of rows ------------------------------------------------------------------------ */

/* Whatever goes in comes out with the same type and bytes, from any column on. */
START_TEST(rows_come_back)
{
    static const char values[] = "VALUES(1, NULL, 2.5, 'text'), (-9223372036854775808, '', x'', 'a'"
                                 " || char(0) || 'b'), (0, zeroblob(70000), 9e999, x'0001')";
    struct rowlist list = {0};
    sqlite3_stmt *rows = NULL, *same = NULL;
    int row = 0;

    ck_assert_int_eq(sqlite3_prepare_v2(opened_app(), values, -1, &rows, NULL), SQLITE_OK);
    for (int round = 0; round < 2; round++) {
        while (sqlite3_step(rows) == SQLITE_ROW)
            rowlist_add(&list, rows, 4);
        sqlite3_reset(rows);
        if (!round)
            rowlist_clear(&list);
    }
    ck_assert_uint_eq(list.count, 3);
    ck_assert_int_eq(sqlite3_prepare_v2(opened_app(),
                                        "SELECT ?1 IS ?4 AND typeof(?1) = typeof(?4)"
                                        " AND ?2 IS ?5 AND typeof(?2) = typeof(?5)",
                                        -1, &same, NULL),
                     SQLITE_OK);
    for (; sqlite3_step(rows) == SQLITE_ROW; row++)
        for (int from = 0; from <= 2; from++) {
            rowlist_bind(&list, (size_t)row, from, 2, same);
            sqlite3_bind_value(same, 4, sqlite3_column_value(rows, from));
            sqlite3_bind_value(same, 5, sqlite3_column_value(rows, from + 1));
            ck_assert_int_eq(sqlite3_step(same), SQLITE_ROW);
            ck_assert_msg(sqlite3_column_int(same, 0) == 1, "row %d from column %d", row, from);
            sqlite3_reset(same);
        }
    ck_assert_int_eq(row, 3);
    sqlite3_finalize(rows);
    sqlite3_finalize(same);
    rowlist_free(&list);
    rowlist_free(&list);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("scan");
    TCase *cases = tcase_create("scan");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, opened_set_up, opened_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, nothing_is_missed, 0, COUNT(scan_rows));
    tcase_add_test(cases, order_and_condition);
    tcase_add_test(cases, an_empty_table);
    tcase_add_test(cases, a_column_that_goes);
    tcase_add_test(cases, rows_come_back);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
