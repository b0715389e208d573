/*
 * The proofs of online compaction one by one, within holds of the test's own: hints that lie, what
 * an application may do between two holds, holds that are rolled back, roots and pages of the
 * schema that move. It needs the own build (see test_vacuum_online.c).
 */
#include "compact_inside.h"

#include "lib_compacting.h"
#include "lib_harm.h"
#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_skip.h"
#include "lib_sql.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 512, MEMORY = 1 << 30 };

/* --- the scene ---------------------------------------------------------------------------- */

static struct compacting scene;
static struct damage_image image; /* of the file as it was made */

/* A sound file, in WAL mode if `journal` says so, after `sql`; and the hints of the audit. */
static void begin(const char *journal, const char *sql)
{
    struct error error = {0};

    harm_make(&image, &harms[0], PAGE, "app.db");
    sqlite3 *db = sql_open("app.db");
    sql_do(db, "PRAGMA journal_mode = %s; PRAGMA synchronous = OFF", journal);
    sql_do(db, "%s", sql);
    sqlite3_close(db);
    ck_assert_msg(!compacting_begin(&scene, &error), "%s", error.text);
    ck_assert_msg(!compact_audit(scene.compact, NULL, &error), "%s", error.text);
}

static void finish(void)
{
    compacting_end(&scene);
    damage_free(&image);
}

static void expect_sound(void)
{
    sqlite3 *db = sql_open("app.db");

    sql_expect(db, "PRAGMA integrity_check", "ok");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM t"), 1601);
    sqlite3_close(db);
}

/* One hold; whether it was committed. */
static bool hold(compact_work *work)
{
    struct error error = {0};
    bool done = false;

    ck_assert_msg(!compact_hold(scene.compact, work, NULL, &done, &error), "%s", error.text);
    return done;
}

static void app_does(const char *sql)
{
    sqlite3 *db = sql_open("app.db");

    sql_do(db, "%s", sql);
    sqlite3_close(db);
}

static bool is_live(struct compact *compact, uint32_t page)
{
    struct error error = {0};
    bool live = false;

    ck_assert_msg(!compact_prove(compact, page, &live, &error), "%s", error.text);
    return live;
}

static void forget_live(struct compact *compact)
{
    memset(compact->live.bits, 0, compact->live.pages / 8 + 1);
}

/* A page of the freelist before `limit`, which is on it no more then. */
static uint32_t take(struct compact *compact, uint32_t limit)
{
    struct error error = {0};
    uint32_t page = freepages_any(&compact->free_pages, limit - 1);

    ck_assert_uint_ne(page, 0);
    ck_assert_msg(!compact_take(compact, page, &error), "%s", error.text);
    return page;
}

/* Into a page of the freelist before `limit`, to which the old one is given; the new place. */
static uint32_t move(struct compact *compact, uint32_t from, uint32_t limit)
{
    uint32_t to = take(compact, limit);
    struct error error = {0};

    ck_assert(is_live(compact, from));
    ck_assert_msg(!compact_move(compact, from, to, &error), "%s", error.text);
    freepages_give(&compact->free_pages, from);
    return to;
}

/* The first page of that kind; with `parent` one that this names. */
static uint32_t find(struct compact *compact, enum pagelink_kind kind, uint32_t parent)
{
    for (uint32_t page = 2; page <= compact->end; page++)
        if (compact_kind(compact, page) == kind &&
            (!parent || compact_parent(compact, page) == parent))
            return page;
    ck_abort_msg("no page of kind %d", (int)kind);
}

/* --- hints that lie ----------------------------------------------------------------------- */

static unsigned char *bytes_of(struct compact *compact, uint32_t page)
{
    unsigned char *bytes = NULL;
    struct error error = {0};

    ck_assert_msg(!pageedit_change(compact->edit, page, &bytes, &error), "%s", error.text);
    return bytes;
}

static void expect_dead(struct compact *compact, const char *what, uint32_t page,
                        enum pagelink_kind kind, uint32_t parent)
{
    compact_set_hint(compact, page, kind, parent);
    forget_live(compact);
    ck_assert_msg(!is_live(compact, page), "%s: page %" PRIu32 " is live", what, page);
}

static enum status lie(struct compact *compact, void *argument, struct error *error)
{
    uint32_t leaf = damage_first_leaf(&image, image.t), above = compact_parent(compact, leaf);
    uint32_t dead = take(compact, UINT32_MAX), other = take(compact, UINT32_MAX);

    (void)argument;
    ck_assert(is_live(compact, leaf));
    expect_dead(compact, "another page", leaf, PAGELINK_CHILD, image.u);
    expect_dead(compact, "no root", leaf, PAGELINK_CHILD, 0);
    expect_dead(compact, "no overflow page", leaf, PAGELINK_FIRST, above);
    expect_dead(compact, "no further one", leaf, PAGELINK_NEXT, above);
    expect_dead(compact, "beyond the file", leaf, PAGELINK_CHILD, compact->end + 5);
    memcpy(bytes_of(compact, dead), bytes_of(compact, above), PAGE);
    expect_dead(compact, "a page that nobody names", leaf, PAGELINK_CHILD, dead);
    compact_set_hint(compact, other, PAGELINK_NEXT, dead);
    damage_put_four(bytes_of(compact, dead), other);
    damage_put_four(bytes_of(compact, other), dead);
    expect_dead(compact, "a ring", dead, PAGELINK_NEXT, other);
    compact_set_hint(compact, leaf, PAGELINK_CHILD, above);
    ck_assert(is_live(compact, leaf));
    return error_set(error, STATUS_FAILED, "so far");
}

START_TEST(hints_lie)
{
    const struct rlimit memory = {MEMORY, MEMORY};
    struct error error = {0};
    bool done;

#ifndef __SANITIZE_ADDRESS__
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &memory), 0); /* a way without an end */
#else
    (void)memory;
#endif
    begin("delete", "");
    ck_assert_int_eq(compact_hold(scene.compact, lie, NULL, &done, &error), STATUS_FAILED);
    ck_assert_str_eq(error.text, "so far");
    finish();
    expect_sound();
}
END_TEST

/* --- what moves --------------------------------------------------------------------------- */

/* A leaf and the page above it, which has other children. */
static enum status move_two(struct compact *compact, void *argument, struct error *error)
{
    uint32_t leaf = damage_first_leaf(&image, image.t), above = compact_parent(compact, leaf);

    (void)argument;
    (void)error;
    ck_assert_uint_ne(above, image.t);
    uint32_t place = move(compact, leaf, UINT32_MAX);
    ck_assert(!is_live(compact, leaf) && is_live(compact, place));
    uint32_t place_above = move(compact, above, UINT32_MAX);
    ck_assert_uint_eq(compact_parent(compact, place), place_above);
    uint32_t child = find(compact, PAGELINK_CHILD, place_above);
    forget_live(compact);
    ck_assert(is_live(compact, child) && is_live(compact, place));
    return STATUS_OK;
}

/* A leaf and the overflow page that it names change places. */
static enum status swap_two(struct compact *compact, void *argument, struct error *error)
{
    uint32_t overflow = find(compact, PAGELINK_FIRST, 0), leaf = compact_parent(compact, overflow);

    (void)argument;
    ck_assert(is_live(compact, overflow) && is_live(compact, leaf));
    ck_assert_msg(!compact_swap(compact, leaf, overflow, error), "%s", error->text);
    forget_live(compact);
    ck_assert(is_live(compact, overflow) && is_live(compact, leaf));
    return STATUS_OK;
}

START_TEST(pages_move)
{
    begin(_i ? "wal" : "delete", "");
    ck_assert(hold(move_two) && hold(swap_two));
    finish();
    expect_sound();
}
END_TEST

static enum status move_leaf(struct compact *compact, void *argument, struct error *error)
{
    uint32_t leaf = damage_first_leaf(&image, image.t);

    (void)argument;
    uint32_t to = take(compact, UINT32_MAX);
    ck_assert(is_live(compact, leaf));
    return compact_move(compact, leaf, to, error);
}

/* A live page that can't be read is not copied. */
START_TEST(a_page_is_damaged)
{
    struct error error = {0};
    bool done;

    begin("delete", "");
    damage_put_two(damage_page(&image, damage_first_leaf(&image, image.t)) + 8, 3);
    damage_write(&image, "app.db");
    enum status status = compact_hold(scene.compact, move_leaf, NULL, &done, &error);
    ck_assert_msg(status == STATUS_FAILED && strstr(error.text, "a live page is damaged"), "%d %s",
                  status, error.text);
    damage_expect(&image, "app.db");
    finish();
}
END_TEST

/* --- a hold that is rolled back ----------------------------------------------------------- */

static uint32_t first, second; /* where the leaf went */

static enum status nothing(struct compact *compact, void *argument, struct error *error)
{
    (void)compact;
    (void)argument;
    (void)error;
    return STATUS_OK;
}

static enum status move_twice(struct compact *compact, void *argument, struct error *error)
{
    uint32_t leaf = damage_first_leaf(&image, image.t);

    (void)argument;
    first = take(compact, UINT32_MAX);
    second = take(compact, UINT32_MAX);
    ck_assert(is_live(compact, leaf));
    ck_assert(!compact_move(compact, leaf, first, error));
    ck_assert(!compact_move(compact, first, second, error));
    freepages_give(&compact->free_pages, leaf);
    freepages_give(&compact->free_pages, first);
    return STATUS_OK;
}

static enum status look_again(struct compact *compact, void *argument, struct error *error)
{
    (void)argument;
    (void)error;
    ck_assert(freepages_has(&compact->free_pages, first));
    ck_assert(freepages_has(&compact->free_pages, second));
    ck_assert(is_live(compact, damage_first_leaf(&image, image.t)));
    return STATUS_OK;
}

/* A reader keeps it from being committed. */
START_TEST(nothing_has_happened)
{
    uint32_t leaf = 0, above = 0;

    begin("delete", "");
    leaf = damage_first_leaf(&image, image.t);
    above = compact_parent(scene.compact, leaf);
    ck_assert(hold(nothing));
    sqlite3 *db = sql_open("app.db");
    sqlite3_stmt *reader = sql_prepare(db, "SELECT * FROM t");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert(!hold(move_twice));
    ck_assert_int_eq(compact_kind(scene.compact, leaf), PAGELINK_CHILD);
    ck_assert_uint_eq(compact_parent(scene.compact, leaf), above);
    ck_assert_int_eq(compact_kind(scene.compact, first), PAGELINK_NONE);
    ck_assert_int_eq(compact_kind(scene.compact, second), PAGELINK_NONE);
    ck_assert_int_eq(compact_result(scene.compact)->moved, 0);
    sqlite3_finalize(reader);
    sqlite3_close(db);
    ck_assert(hold(look_again));
    finish();
    expect_sound();
}
END_TEST

/* --- what the application does between two holds ------------------------------------------ */

static enum status prove_u(struct compact *compact, void *argument, struct error *error)
{
    (void)argument;
    (void)error;
    ck_assert(is_live(compact, damage_first_leaf(&image, image.u)));
    return STATUS_OK;
}

static enum status expect_u_dead(struct compact *compact, void *argument, struct error *error)
{
    const unsigned char *bytes = NULL;

    (void)argument;
    ck_assert(!is_live(compact, damage_first_leaf(&image, image.u)));
    ck_assert(!pageedit_read(compact->edit, image.u, &bytes, error));
    ck_assert_int_eq(bytes[0], 13); /* a leaf of a table, empty */
    return STATUS_OK;
}

START_TEST(rows_are_deleted)
{
    begin("wal", "");
    ck_assert(hold(prove_u));
    app_does("DELETE FROM u");
    ck_assert(hold(expect_u_dead));
    finish();
    expect_sound();
}
END_TEST

static enum status expect_no_root(struct compact *compact, void *argument, struct error *error)
{
    (void)argument;
    (void)error;
    ck_assert(!freepages_has(&compact->free_pages, image.u));
    ck_assert(!is_live(compact, image.u));
    return STATUS_OK;
}

/* Its root is an overflow page now. */
START_TEST(a_table_is_dropped)
{
    begin("wal", "");
    ck_assert(hold(prove_u));
    app_does("DROP TABLE u; INSERT INTO t VALUES('x', zeroblob(500000)); DELETE FROM t WHERE a = "
             "(SELECT min(a) FROM t)");
    ck_assert(hold(expect_no_root));
    finish();
    expect_sound();
}
END_TEST

static struct fileheader header_before;

static enum status keep_header(struct compact *compact, void *argument, struct error *error)
{
    (void)argument;
    (void)error;
    header_before = *pageedit_header(compact->edit);
    return STATUS_OK;
}

static enum status expect_list(struct compact *compact, void *argument, struct error *error)
{
    const struct fileheader *header = pageedit_header(compact->edit);
    struct freepages anew = {0};

    (void)argument;
    ck_assert_uint_eq(header->freelist, header_before.freelist);
    ck_assert_uint_eq(header->free_pages, header_before.free_pages);
    ck_assert(!freepages_load(&anew, compact->edit, error));
    for (uint32_t page = 1; page <= header->pages; page++)
        ck_assert_int_eq(freepages_has(&anew, page), freepages_has(&compact->free_pages, page));
    freepages_free(&anew);
    return STATUS_OK;
}

/* As long as before, and with the same first trunk, and yet another list. */
START_TEST(the_freelist_is_another)
{
    begin("wal", "");
    ck_assert(hold(keep_header));
    app_does("BEGIN; INSERT INTO u VALUES('long', zeroblob(5000));"
             "DELETE FROM u WHERE a = 'long' AND rowid < (SELECT max(rowid) FROM u); COMMIT");
    ck_assert(hold(expect_list));
    finish();
    expect_sound();
}
END_TEST

/* A file that is not of the kind any more. */
START_TEST(it_gets_auto_vacuum)
{
    struct error error = {0};

    begin("delete", "");
    app_does("PRAGMA auto_vacuum = FULL; VACUUM");
    ck_assert_int_eq(compact_shrink(scene.compact, INT64_MAX, &error), STATUS_REFUSED);
    ck_assert_msg(strstr(error.text, "auto_vacuum"), "%s", error.text);
    finish();
    expect_sound();
}
END_TEST

static _Noreturn void write_on(void)
{
    sqlite3 *db = sql_open("app.db");

    for (int i = 0;; i++) {
        sql_do(db, "INSERT INTO u VALUES('x', zeroblob(%d))", i % 40 * 500);
        sql_do(db, "DELETE FROM u WHERE rowid IN (SELECT rowid FROM u WHERE a = 'x' LIMIT %d)",
               i % 9 ? 0 : 9);
    }
}

/* Whoever writes meanwhile, it is of one moment. */
START_TEST(the_audit_is_of_one_moment)
{
    struct error error = {0};

    begin("wal", "PRAGMA synchronous = OFF");
    compacting_lock(1000);
    pid_t writer = fork();
    ck_assert_int_ge(writer, 0);
    if (!writer)
        write_on();
    for (int i = 0; i < 10; i++)
        ck_assert_msg(!compact_audit(scene.compact, NULL, &error), "%s", error.text);
    kill(writer, SIGKILL);
    ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
    finish();
    expect_sound();
}
END_TEST

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
    move(compact, page, UINT32_MAX);
    move(compact, root, root);
    return STATUS_OK;
}

/* The application has parsed the schema before, and so has the connection that edits. */
START_TEST(roots_move)
{
    struct error error = {0};
    int64_t count = 0;

    make_many_tables();
    begin(_i ? "wal" : "delete", many_tables);
    sqlite3 *db = sql_open("app.db");
    expect_tables(db);
    for (int i = 0; i < 12; i++) {
        ck_assert(hold(move_schema));
        expect_tables(db);
        ck_assert_msg(!database_integer(scene.engine.database,
                                        "SELECT count(*) FROM sqlite_schema WHERE sql NOT NULL", -1,
                                        &count, &error),
                      "%s", error.text);
        ck_assert_int_eq(count, 3 + 59);
    }
    sql_expect(db, "PRAGMA integrity_check", "ok");
    sqlite3_close(db);
    finish();
    expect_sound();
}
END_TEST

/* The end of the file is roots, and free pages: no hold both moves a root and cuts. */
START_TEST(roots_at_the_end)
{
    struct error error = {0};

    make_many_tables();
    begin(_i ? "wal" : "delete", many_tables);
    sqlite3 *db = sql_open("app.db");
    expect_tables(db);
    ck_assert_msg(!compact_shrink(scene.compact, INT64_MAX, &error), "%s", error.text);
    ck_assert_int_gt(compact_result(scene.compact)->given, 300);
    expect_tables(db);
    sql_expect(db, "PRAGMA integrity_check", "ok");
    ck_assert_int_eq(sql_number(db, "PRAGMA freelist_count"), 0);
    sqlite3_close(db);
    finish();
    expect_sound();
}
END_TEST

/* --- the freelist and the time ------------------------------------------------------------ */

static enum status expect_spared(struct compact *compact, void *argument, struct error *error)
{
    const struct freepages *list = &compact->free_pages;

    (void)argument;
    (void)error;
    ck_assert_uint_ge(list->count, 2);
    for (size_t i = 0; i < list->count; i++) /* fileformat2.html#the_freelist */
        ck_assert_uint_le(list->trunks[i].count, PAGE / 4 - 8);
    return STATUS_OK;
}

START_TEST(trunks_have_room)
{
    struct error error = {0};

    begin("delete", "");
    ck_assert_msg(!compact_order(scene.compact, &error), "%s", error.text);
    ck_assert(hold(expect_spared));
    finish();
    expect_sound();
}
END_TEST

static enum status too_long(struct compact *compact, void *argument, struct error *error)
{
    int64_t count = 0;

    (void)argument;
    return database_integer(compact->engine->database,
                            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e9)"
                            " SELECT count(*) FROM n",
                            -1, &count, error);
}

/* What never comes to an end is given up. */
START_TEST(steps_come_to_nothing)
{
    struct error error = {0};
    enum status status = STATUS_OK;
    bool done = false;

    begin("delete", "");
    for (int i = 0; i < 40 && !status; i++) {
        status = compact_hold(scene.compact, too_long, NULL, &done, &error);
        ck_assert(!done);
    }
    ck_assert_msg(status == STATUS_FAILED && strstr(error.text, "in a row came to nothing"),
                  "%d %s", status, error.text);
    finish();
    expect_sound();
}
END_TEST

/* Beside one who writes, and with a max_lock in which no list can be read. */
START_TEST(the_freelist_takes_too_long)
{
    struct error error = {0};
    enum status status = STATUS_OK;
    bool done = false;

    begin("wal", "");
    compacting_lock(1);
    for (int i = 0; i < 20 && !status; i++) {
        app_does("INSERT INTO u VALUES('x', 1)");
        status = compact_hold(scene.compact, nothing, NULL, &done, &error);
    }
    ck_assert_msg(status == STATUS_FAILED && strstr(error.text, "reading the freelist of"), "%d %s",
                  status, error.text);
    finish();
    expect_sound();
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

START_TEST(left_out)
{
    skip("compaction: the linked SQLite has no sqlite_dbpage that truncates; see the head of "
         "tests/test_vacuum_online.c");
}
END_TEST

static void add_all(TCase *some)
{
    tcase_add_test(some, hints_lie);
    tcase_add_loop_test(some, pages_move, 0, 2);
    tcase_add_test(some, a_page_is_damaged);
    tcase_add_test(some, nothing_has_happened);
    tcase_add_test(some, rows_are_deleted);
    tcase_add_test(some, a_table_is_dropped);
    tcase_add_test(some, the_freelist_is_another);
    tcase_add_test(some, it_gets_auto_vacuum);
    tcase_add_test(some, the_audit_is_of_one_moment);
    tcase_add_loop_test(some, roots_move, 0, 2);
    tcase_add_loop_test(some, roots_at_the_end, 0, 2);
    tcase_add_test(some, trunks_have_room);
    tcase_add_test(some, steps_come_to_nothing);
    tcase_add_test(some, the_freelist_takes_too_long);
}

int main(void)
{
    Suite *suite = suite_create("compact_proof");
    TCase *some = tcase_create("compact_proof");
    SRunner *runner = srunner_create(suite);
    struct error error;

    tcase_add_checked_fixture(some, set_up, tear_down);
    tcase_set_timeout(some, 30);
    if (pageedit_available(&error) == STATUS_OK)
        add_all(some);
    else
        tcase_add_test(some, left_out);
    suite_add_tcase(suite, some);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
