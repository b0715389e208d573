/*
 * Roots and the schema's own pages that move, beside an application that has parsed the schema
 * before. It needs the own build (see test_vacuum_online.c).
 */
#include "lib_proven.h"

#include "lib_sql.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* --- the schema --------------------------------------------------------------------------- */

/* So many tables that their rows are on several pages; each has a row that tells its number. The
 * roots are at the end, and what is free lies before them. */
static char many_tables[16384];

static void make_many_tables(void)
{
    size_t length = (size_t)snprintf(many_tables, sizeof many_tables,
                                     "CREATE TABLE filler(x); INSERT INTO filler SELECT "
                                     "zeroblob(300) FROM t LIMIT 800;");

    for (int i = 0; i < 60; i++)
        length += (size_t)snprintf(many_tables + length, sizeof many_tables - length,
                                   "CREATE TABLE table_of_the_number_%d(x); INSERT INTO "
                                   "table_of_the_number_%d VALUES(%d);",
                                   i, i, i);
    snprintf(many_tables + length, sizeof many_tables - length,
             "DROP TABLE filler; DROP TABLE table_of_the_number_59");
}

static void expect_tables(sqlite3 *db)
{
    char sql[64];

    for (int i = 0; i < 59; i++) {
        snprintf(sql, sizeof sql, "SELECT x FROM table_of_the_number_%d", i);
        ck_assert_int_eq(sql_number(db, sql), i);
    }
}

/* The last page that has rows of the schema, and one of the roots there. */
static const struct schemaroot *last_root(struct compact *compact)
{
    const struct schemaroots *roots = &compact->roots;
    const struct schemaroot *found = NULL;

    for (size_t i = 0; i < roots->count; i++)
        if (roots->items[i].page > 1 && (!found || roots->items[i].page >= found->page))
            found = &roots->items[i];
    ck_assert_ptr_nonnull(found);
    return found;
}

/* The page with its row, and then the root itself, whose number is to be mended in the new place.
 */
static enum status move_schema(struct compact *compact, void *argument, struct error *error)
{
    uint32_t root = last_root(compact)->root, page = last_root(compact)->page;

    (void)argument;
    (void)error;
    ck_assert_int_eq(compact_kind(compact, root), PAGELINK_CHILD);
    proven_move(compact, page, UINT32_MAX);
    proven_move(compact, root, root);
    return STATUS_OK;
}

/* The application has parsed the schema before, and so has the connection that edits. */
START_TEST(roots_move)
{
    struct error error = {0};
    int64_t count = 0;

    make_many_tables();
    proven_begin(_i ? "wal" : "delete", many_tables);
    sqlite3 *db = sql_open("app.db");
    expect_tables(db);
    for (int i = 0; i < 12; i++) {
        ck_assert(proven_hold(move_schema));
        expect_tables(db);
        ck_assert_msg(!database_integer(proven_scene.engine.database,
                                        "SELECT count(*) FROM sqlite_schema WHERE sql NOT NULL", -1,
                                        &count, &error),
                      "%s", error.text);
        ck_assert_int_eq(count, 3 + 59);
    }
    sql_expect(db, "PRAGMA integrity_check", "ok");
    sqlite3_close(db);
    proven_finish();
    proven_expect_sound();
}
END_TEST

static uint32_t left;       /* the place of a page of the schema, which is free now */
static uint32_t last_moved; /* where that went */

/* The first time to anywhere; then another page of the schema into that place. */
static enum status move_into_left(struct compact *compact, void *argument, struct error *error)
{
    const struct schemaroots *roots = &compact->roots;
    uint32_t page = last_root(compact)->page, root = last_root(compact)->root;

    (void)argument;
    for (size_t i = 0; left && i < roots->count; i++)
        if (roots->items[i].page > 1 && roots->items[i].page != last_moved)
            page = roots->items[i].page;
    uint32_t to = left ? left : proven_take(compact, UINT32_MAX);
    if (left)
        ck_assert_msg(!compact_take(compact, left, error), "%s", error->text);
    ck_assert(proven_is_live(compact, page));
    ck_assert_msg(!compact_move(compact, page, to, error), "%s", error->text);
    left = page;
    last_moved = to;
    proven_move(compact, root, root); /* so that all read the schema anew */
    freepages_give(&compact->free_pages, page);
    return STATUS_OK;
}

/* The connection that edits has read a page of the schema where another one is now. */
START_TEST(the_schema_is_read_anew)
{
    struct error error = {0};
    int64_t count = 0;

    make_many_tables();
    proven_begin(_i ? "wal" : "delete", many_tables);
    for (int i = 0; i < 8; i++) {
        ck_assert(proven_hold(move_into_left));
        ck_assert_msg(!database_integer(proven_scene.engine.database,
                                        "SELECT sum(length(sql)) FROM sqlite_schema", -1, &count,
                                        &error),
                      "%s", error.text);
        sqlite3 *db = sql_open("app.db");
        ck_assert_int_eq(count, sql_number(db, "SELECT sum(length(sql)) FROM sqlite_schema"));
        expect_tables(db);
        sqlite3_close(db);
    }
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* The end of the file is roots, and free pages: no hold both moves a root and cuts. */
START_TEST(roots_at_the_end)
{
    struct error error = {0};
    struct stat file;

    make_many_tables();
    proven_begin(_i ? "wal" : "delete", many_tables);
    sqlite3 *db = sql_open("app.db");
    expect_tables(db);
    ck_assert_msg(!compact_shrink(proven_scene.compact, INT64_MAX, &error), "%s", error.text);
    ck_assert_int_gt(compact_result(proven_scene.compact)->given, 300);
    expect_tables(db);
    sql_expect(db, "PRAGMA integrity_check", "ok");
    ck_assert_int_eq(sql_number(db, "PRAGMA freelist_count"), 0);
    int64_t pages = sql_number(db, "PRAGMA page_count");
    sqlite3_close(db);
    proven_finish();
    ck_assert_int_eq(stat("app.db", &file), 0);
    ck_assert_int_eq(file.st_size, pages * PROVEN_PAGE); /* not by its header alone */
    proven_expect_sound();
}
END_TEST

/* --- a schema that is wrong --------------------------------------------------------------- */

enum { ROOT_BEYOND, ROOT_FIRST, ROOT_TWICE, ROOT_HARMS };

static const char *const root_reasons[ROOT_HARMS] = {[ROOT_BEYOND] = "a root page that can't be",
                                                     [ROOT_FIRST] = "a root page that can't be",
                                                     [ROOT_TWICE] = "two b-trees have their root"};

/* Two rows of the last pages, whose numbers take as many bytes. */
static enum status read_harmed(struct compact *compact, void *argument, struct error *error)
{
    const struct schemaroot *one = last_root(compact), *other = one - 1;
    const uint32_t numbers[ROOT_HARMS] = {[ROOT_BEYOND] = pageedit_header(compact->edit)->pages + 1,
                                          [ROOT_FIRST] = 1,
                                          [ROOT_TWICE] = other->root};
    const int *harm = argument;
    struct schemaroots anew = {0};
    unsigned char *bytes = NULL;

    ck_assert_uint_eq(one->length, 2);
    ck_assert(!pageedit_change(compact->edit, one->page, &bytes, error));
    bytes[one->at] = (unsigned char)(numbers[*harm] >> 8);
    bytes[one->at + 1] = (unsigned char)numbers[*harm];
    ck_assert_int_eq(schemaroots_load(&anew, compact->edit, error), STATUS_REFUSED);
    ck_assert_msg(strstr(error->text, root_reasons[*harm]), "%s", error->text);
    schemaroots_free(&anew);
    return error_set(error, STATUS_FAILED, "enough");
}

START_TEST(roots_that_can_not_be)
{
    struct error error = {0};
    bool done = false;
    int harm = _i;

    make_many_tables();
    proven_begin("wal", many_tables);
    ck_assert_int_eq(compact_hold(proven_scene.compact, read_harmed, &harm, &done, &error),
                     STATUS_FAILED);
    ck_assert_str_eq(error.text, "enough");
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* Of a row with an overflow page as much is on its own page as fills the last one of these, at
 * least 39 bytes here (fileformat2.html#cell_payload_overflow_pages). So there is a length of its
 * SQL with which the row is cut within the root's number, and one for each byte before and behind.
 */
START_TEST(rows_that_go_on)
{
    struct error error = {0};
    char sql[PROVEN_PAGE * 2];
    int refused = 0;

    proven_begin("wal", "");
    for (int length = PROVEN_PAGE - 100; length < PROVEN_PAGE + 100; length++) {
        bool done = false;
        snprintf(
            sql, sizeof sql,
            "DROP TABLE IF EXISTS a_name_of_some_length; CREATE TABLE a_name_of_some_length(x%*s)",
            length, "");
        proven_app(sql);
        enum status status =
            compact_hold(proven_scene.compact, proven_nothing, NULL, &done, &error);
        refused += status != STATUS_OK;
        ck_assert_msg(!status || strstr(error.text, "does not stand on page"), "%s", error.text);
    }
    ck_assert_int_gt(refused, 0);
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* --- all of it ---------------------------------------------------------------------------- */

static void add_all(TCase *some)
{
    tcase_add_loop_test(some, roots_move, 0, 2);
    tcase_add_loop_test(some, the_schema_is_read_anew, 0, 2);
    tcase_add_loop_test(some, roots_at_the_end, 0, 2);
    tcase_add_loop_test(some, roots_that_can_not_be, 0, ROOT_HARMS);
    tcase_add_test(some, rows_that_go_on);
}

int main(void)
{
    return proven_main("compact_roots", add_all);
}
