/*
 * The proofs of online compaction one by one, within holds of the test's own: hints that lie, pages
 * that move, and holds that are rolled back. It needs the own build (see test_vacuum_online.c).
 */
#include "lib_proven.h"

#include "lib_sql.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

enum { MEMORY = 1 << 30 };

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
    proven_forget(compact);
    ck_assert_msg(!proven_is_live(compact, page), "%s: page %" PRIu32 " is live", what, page);
}

static enum status lie(struct compact *compact, void *argument, struct error *error)
{
    uint32_t leaf = damage_first_leaf(&proven_image, proven_image.t),
             above = compact_parent(compact, leaf);
    uint32_t dead = proven_take(compact, UINT32_MAX), other = proven_take(compact, UINT32_MAX);

    (void)argument;
    ck_assert(proven_is_live(compact, leaf));
    expect_dead(compact, "another page", leaf, PAGELINK_CHILD, proven_image.u);
    expect_dead(compact, "no root", leaf, PAGELINK_CHILD, 0);
    expect_dead(compact, "no overflow page", leaf, PAGELINK_FIRST, above);
    expect_dead(compact, "no further one", leaf, PAGELINK_NEXT, above);
    expect_dead(compact, "beyond the file", leaf, PAGELINK_CHILD, compact->end + 5);
    memcpy(bytes_of(compact, dead), bytes_of(compact, above), PROVEN_PAGE);
    expect_dead(compact, "a page that nobody names", leaf, PAGELINK_CHILD, dead);
    compact_set_hint(compact, other, PAGELINK_NEXT, dead);
    damage_put_four(bytes_of(compact, dead), other);
    damage_put_four(bytes_of(compact, other), dead);
    expect_dead(compact, "a ring", dead, PAGELINK_NEXT, other);
    compact_set_hint(compact, leaf, PAGELINK_CHILD, above);
    ck_assert(proven_is_live(compact, leaf));
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
    proven_begin("delete", "");
    ck_assert_int_eq(compact_hold(proven_scene.compact, lie, NULL, &done, &error), STATUS_FAILED);
    ck_assert_str_eq(error.text, "so far");
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* --- hints that are old ------------------------------------------------------------------- */

/* A table at the end of the file, whose b-tree has three levels, behind pages that are free. */
static const char late[] = "CREATE TABLE late(a);"
                           "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                           " INSERT INTO late(rowid, a) SELECT i * 2, 'some forty bytes, which are "
                           "the same for all' FROM n;"
                           "DELETE FROM late WHERE rowid < 16000";
/* Its interior pages split, so that leaves have other parents. */
static const char between[] = "INSERT INTO late(rowid, a) SELECT rowid + 1, a FROM late WHERE "
                              "rowid > 36000 AND rowid % 6 = 0";

/* The application has changed what names the leaves: the whole file need not be read for that. */
START_TEST(leaves_have_other_parents)
{
    struct compact *compact;
    struct error error = {0};

    proven_begin(_i ? "wal" : "delete", late);
    compact = proven_scene.compact;
    proven_app(between);
    int64_t before = compact_result(compact)->scans;
    ck_assert_msg(!compact_shrink(compact, INT64_MAX, &error), "%s", error.text);
    ck_assert_int_eq(compact_result(compact)->scans, before);
    ck_assert_int_ge(compact_result(compact)->interior_scans, 1);
    ck_assert_int_ge(compact_result(compact)->given, 100);
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* --- what moves --------------------------------------------------------------------------- */

/* A leaf and the page above it, which has other children. */
static enum status move_two(struct compact *compact, void *argument, struct error *error)
{
    uint32_t leaf = damage_first_leaf(&proven_image, proven_image.t),
             above = compact_parent(compact, leaf);

    (void)argument;
    (void)error;
    ck_assert_uint_ne(above, proven_image.t);
    uint32_t place = proven_move(compact, leaf, UINT32_MAX);
    ck_assert(!proven_is_live(compact, leaf) && proven_is_live(compact, place));
    uint32_t place_above = proven_move(compact, above, UINT32_MAX);
    ck_assert_uint_eq(compact_parent(compact, place), place_above);
    uint32_t child = find(compact, PAGELINK_CHILD, place_above);
    proven_forget(compact);
    ck_assert(proven_is_live(compact, child) && proven_is_live(compact, place));
    return STATUS_OK;
}

/* A leaf and the overflow page that it names change places, and again, the other one first. */
static enum status swap_two(struct compact *compact, void *argument, struct error *error)
{
    uint32_t overflow = find(compact, PAGELINK_FIRST, 0), leaf = compact_parent(compact, overflow);

    (void)argument;
    for (int i = 0; i < 3; i++) {
        proven_forget(compact);
        ck_assert(proven_is_live(compact, overflow) && proven_is_live(compact, leaf));
        ck_assert_msg(!compact_swap(compact, i % 2 ? overflow : leaf, i % 2 ? leaf : overflow,
                                    error),
                      "%s", error->text);
        uint32_t was = leaf;
        leaf = overflow;
        overflow = was;
        ck_assert_uint_eq(compact_parent(compact, overflow), leaf);
    }
    proven_forget(compact);
    ck_assert(proven_is_live(compact, overflow) && proven_is_live(compact, leaf));
    return STATUS_OK;
}

START_TEST(pages_move)
{
    proven_begin(_i ? "wal" : "delete", "");
    ck_assert(proven_hold(move_two) && proven_hold(swap_two));
    proven_finish();
    proven_expect_sound();
}
END_TEST

static enum status move_leaf(struct compact *compact, void *argument, struct error *error)
{
    uint32_t leaf = damage_first_leaf(&proven_image, proven_image.t);

    (void)argument;
    uint32_t to = proven_take(compact, UINT32_MAX);
    ck_assert(proven_is_live(compact, leaf));
    return compact_move(compact, leaf, to, error);
}

/* A live page that can't be read is not copied. */
START_TEST(a_page_is_damaged)
{
    struct error error = {0};
    bool done;

    proven_begin("delete", "");
    damage_put_two(damage_page(&proven_image, damage_first_leaf(&proven_image, proven_image.t)) + 8,
                   3);
    damage_write(&proven_image, "app.db");
    enum status status = compact_hold(proven_scene.compact, move_leaf, NULL, &done, &error);
    ck_assert_msg(status == STATUS_FAILED && strstr(error.text, "a live page is damaged"), "%d %s",
                  status, error.text);
    damage_expect(&proven_image, "app.db");
    proven_finish();
}
END_TEST

/* --- a hold that is rolled back ----------------------------------------------------------- */

static uint32_t first, second; /* where the leaf went */

static enum status move_twice(struct compact *compact, void *argument, struct error *error)
{
    uint32_t leaf = damage_first_leaf(&proven_image, proven_image.t);

    (void)argument;
    first = proven_take(compact, UINT32_MAX);
    second = proven_take(compact, UINT32_MAX);
    ck_assert(proven_is_live(compact, leaf));
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
    ck_assert(proven_is_live(compact, damage_first_leaf(&proven_image, proven_image.t)));
    return STATUS_OK;
}

/* A reader keeps it from being committed. */
START_TEST(nothing_has_happened)
{
    uint32_t leaf = 0, above = 0;

    proven_begin("delete", "");
    leaf = damage_first_leaf(&proven_image, proven_image.t);
    above = compact_parent(proven_scene.compact, leaf);
    ck_assert(proven_hold(proven_nothing));
    sqlite3 *db = sql_open("app.db");
    sqlite3_stmt *reader = sql_prepare(db, "SELECT * FROM t");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert(!proven_hold(move_twice));
    ck_assert_int_eq(compact_kind(proven_scene.compact, leaf), PAGELINK_CHILD);
    ck_assert_uint_eq(compact_parent(proven_scene.compact, leaf), above);
    ck_assert_int_eq(compact_kind(proven_scene.compact, first), PAGELINK_NONE);
    ck_assert_int_eq(compact_kind(proven_scene.compact, second), PAGELINK_NONE);
    ck_assert_int_eq(compact_result(proven_scene.compact)->moved, 0);
    sqlite3_finalize(reader);
    sqlite3_close(db);
    ck_assert(proven_hold(look_again));
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* --- all of it ---------------------------------------------------------------------------- */

static void add_all(TCase *some)
{
    tcase_add_test(some, hints_lie);
    tcase_add_loop_test(some, leaves_have_other_parents, 0, 2);
    tcase_add_loop_test(some, pages_move, 0, 2);
    tcase_add_test(some, a_page_is_damaged);
    tcase_add_test(some, nothing_has_happened);
}

int main(void)
{
    return proven_main("compact_proof", add_all);
}
