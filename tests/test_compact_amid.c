/*
 * What online compaction knows from one hold to the next, and what an application may do between
 * the two: nothing of it may be believed. It needs the own build (see test_vacuum_online.c).
 */
#include "lib_proven.h"

#include "clock.h"
#include "lib_opened.h"
#include "lib_sql.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- what the application does between two holds ------------------------------------------ */

static enum status prove_u(struct compact *compact, void *argument, struct error *error)
{
    (void)argument;
    (void)error;
    ck_assert(proven_is_live(compact, damage_first_leaf(&proven_image, proven_image.u)));
    return STATUS_OK;
}

static enum status expect_u_dead(struct compact *compact, void *argument, struct error *error)
{
    const unsigned char *bytes = NULL;

    (void)argument;
    ck_assert(!proven_is_live(compact, damage_first_leaf(&proven_image, proven_image.u)));
    ck_assert(!pageedit_read(compact->edit, proven_image.u, &bytes, error));
    ck_assert_int_eq(bytes[0], 13); /* a leaf of a table, empty */
    return STATUS_OK;
}

START_TEST(rows_are_deleted)
{
    proven_begin("wal", "");
    ck_assert(proven_hold(prove_u));
    proven_app("DELETE FROM u");
    ck_assert(proven_hold(expect_u_dead));
    proven_finish();
    proven_expect_sound();
}
END_TEST

static enum status expect_no_root(struct compact *compact, void *argument, struct error *error)
{
    (void)argument;
    (void)error;
    ck_assert(!freepages_has(&compact->free_pages, proven_image.u));
    ck_assert(!proven_is_live(compact, proven_image.u));
    return STATUS_OK;
}

/* Its root is an overflow page now. */
START_TEST(a_table_is_dropped)
{
    proven_begin("wal", "");
    ck_assert(proven_hold(prove_u));
    proven_app("DROP TABLE u; INSERT INTO t VALUES('x', zeroblob(500000)); DELETE FROM t WHERE a = "
               "(SELECT min(a) FROM t)");
    ck_assert(proven_hold(expect_no_root));
    proven_finish();
    proven_expect_sound();
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
    proven_begin("wal", "");
    ck_assert(proven_hold(keep_header));
    proven_app("BEGIN; INSERT INTO u VALUES('long', zeroblob(5000));"
               "DELETE FROM u WHERE a = 'long' AND rowid < (SELECT max(rowid) FROM u); COMMIT");
    ck_assert(proven_hold(expect_list));
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* A file that is not of the kind any more. */
START_TEST(it_gets_auto_vacuum)
{
    struct error error = {0};

    proven_begin("delete", "");
    proven_app("PRAGMA auto_vacuum = FULL; VACUUM");
    ck_assert_int_eq(compact_shrink(proven_scene.compact, INT64_MAX, &error), STATUS_REFUSED);
    ck_assert_msg(strstr(error.text, "auto_vacuum"), "%s", error.text);
    proven_finish();
    proven_expect_sound();
}
END_TEST

enum { AUDITS_MS = 1500 };

static _Noreturn void write_on(void)
{
    sqlite3 *db = sql_open("app.db");

    for (int i = 0;; i++) {
        sql_do(db, "INSERT INTO u VALUES('x', zeroblob(%d))", i % 40 * 500);
        sql_do(db, "DELETE FROM u WHERE rowid IN (SELECT rowid FROM u WHERE a = 'x' LIMIT %d)",
               i % 9 ? 0 : 9);
    }
}

enum { AMID_PAGES = 20, AMID_MS = 400 };

/* Amid the walk all of u goes, what was its is free or t's, and more time passes than a scan for
 * hints keeps a snapshot. */
static void change_all(void)
{
    static int asked;

    if (++asked != AMID_PAGES)
        return;
    proven_app("DELETE FROM u; INSERT INTO t(a) SELECT 'new' || a FROM t");
    clock_sleep_ms(AMID_MS);
}

START_TEST(the_audit_sees_no_change)
{
    struct error error = {0};

    proven_begin("wal", "");
    opened_asked = change_all;
    enum status status = compact_audit(proven_scene.compact, NULL, &error);
    opened_asked = NULL;
    ck_assert_msg(status == STATUS_OK, "%s", error.text);
    ck_assert_int_eq(opened_value("SELECT count(*) FROM u"), 0);
    proven_finish();
}
END_TEST

/* Whoever writes meanwhile, it is of one moment. */
START_TEST(the_audit_is_of_one_moment)
{
    struct error error = {0};

    proven_begin("wal", "INSERT INTO u SELECT a, zeroblob(100) FROM t, (SELECT 1 FROM t LIMIT 20)");
    compacting_lock(1000);
    pid_t writer = fork();
    ck_assert_int_ge(writer, 0);
    if (!writer)
        write_on();
    for (double until = clock_monotonic_ms() + AUDITS_MS; clock_monotonic_ms() < until;)
        ck_assert_msg(!compact_audit(proven_scene.compact, NULL, &error), "%s", error.text);
    kill(writer, SIGKILL);
    ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* --- the freelist and the time ------------------------------------------------------------ */

static enum status expect_spared(struct compact *compact, void *argument, struct error *error)
{
    const struct freepages *list = &compact->free_pages;

    (void)argument;
    (void)error;
    ck_assert_uint_ge(list->count, 2);
    for (size_t i = 0; i < list->used; i++) /* fileformat2.html#the_freelist */
        if (list->trunks[i].page)
            ck_assert_uint_le(list->trunks[i].count, PROVEN_PAGE / 4 - 8);
    return STATUS_OK;
}

START_TEST(trunks_have_room)
{
    struct error error = {0};

    proven_begin("delete", "");
    ck_assert_msg(!compact_order(proven_scene.compact, NULL, &error), "%s", error.text);
    ck_assert(proven_hold(expect_spared));
    proven_finish();
    proven_expect_sound();
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

    proven_begin("delete", "");
    for (int i = 0; i < 40 && !status; i++) {
        status = compact_hold(proven_scene.compact, too_long, NULL, &done, &error);
        ck_assert(!done);
    }
    ck_assert_msg(status == STATUS_FAILED && strstr(error.text, "in a row came to nothing"),
                  "%d %s", status, error.text);
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* Beside one who writes, and with a max_lock in which no list can be read. */
START_TEST(the_freelist_takes_too_long)
{
    struct error error = {0};
    enum status status = STATUS_OK;
    bool done = false;

    proven_begin("wal", "");
    compacting_lock(1);
    for (int i = 0; i < 20 && !status; i++) {
        proven_app("INSERT INTO u VALUES('x', 1)");
        status = compact_hold(proven_scene.compact, proven_nothing, NULL, &done, &error);
    }
    ck_assert_msg(status == STATUS_FAILED && strstr(error.text, "reading the freelist of"), "%d %s",
                  status, error.text);
    proven_finish();
    proven_expect_sound();
}
END_TEST

/* --- all of it ---------------------------------------------------------------------------- */

static void add_all(TCase *some)
{
    tcase_add_test(some, rows_are_deleted);
    tcase_add_test(some, a_table_is_dropped);
    tcase_add_test(some, the_freelist_is_another);
    tcase_add_test(some, it_gets_auto_vacuum);
    tcase_add_test(some, the_audit_sees_no_change);
    tcase_add_test(some, the_audit_is_of_one_moment);
    tcase_add_test(some, trunks_have_room);
    tcase_add_test(some, steps_come_to_nothing);
    tcase_add_test(some, the_freelist_takes_too_long);
}

int main(void)
{
    return proven_main("compact_amid", add_all);
}
