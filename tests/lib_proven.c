/* The file is one of lib_harm.h that is sound. */
#include "lib_proven.h"

#include "lib_harm.h"
#include "lib_opened.h"
#include "lib_randomdb.h"
#include "lib_skip.h"
#include "lib_sql.h"
#include "pageedit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct compacting proven_scene;
struct damage_image proven_image;

/* A sound file, in WAL mode if `journal` says so, after `sql`; and the hints of the audit. */
void proven_begin(const char *journal, const char *sql)
{
    struct error error = {0};

    harm_make(&proven_image, &harms[0], PROVEN_PAGE, "app.db");
    sqlite3 *db = sql_open("app.db");
    sql_do(db, "PRAGMA journal_mode = %s; PRAGMA synchronous = OFF", journal);
    sql_do(db, "%s", sql);
    sqlite3_close(db);
    ck_assert_msg(!compacting_begin(&proven_scene, &error), "%s", error.text);
    ck_assert_msg(!compact_audit(proven_scene.compact, NULL, &error), "%s", error.text);
}

void proven_finish(void)
{
    compacting_end(&proven_scene);
    damage_free(&proven_image);
}

void proven_expect_sound(void)
{
    sqlite3 *db = sql_open("app.db");

    sql_expect(db, "PRAGMA integrity_check", "ok");
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM t"), 1601);
    sqlite3_close(db);
}

/* One hold; whether it was committed. */
bool proven_hold(compact_work *work)
{
    struct error error = {0};
    bool done = false;

    ck_assert_msg(!compact_hold(proven_scene.compact, work, NULL, &done, &error), "%s", error.text);
    return done;
}

void proven_app(const char *sql)
{
    sqlite3 *db = sql_open("app.db");

    sql_do(db, "%s", sql);
    sqlite3_close(db);
}

bool proven_is_live(struct compact *compact, uint32_t page)
{
    struct error error = {0};
    bool live = false;

    ck_assert_msg(!compact_prove(compact, page, &live, &error), "%s", error.text);
    return live;
}

void proven_forget(struct compact *compact)
{
    memset(compact->live.bits, 0, compact->live.pages / 8 + 1);
}

/* The highest page of the freelist before `limit`, which is on it no more then. */
uint32_t proven_take(struct compact *compact, uint32_t limit)
{
    struct error error = {0};
    uint32_t end = pageedit_header(compact->edit)->pages, page = limit <= end ? limit - 1 : end;

    while (page && !freepages_has(&compact->free_pages, page))
        page--;
    ck_assert_uint_ne(page, 0);
    ck_assert_msg(!compact_take(compact, page, &error), "%s", error.text);
    return page;
}

/* Into a page of the freelist before `limit`, to which the old one is given; the new place. */
uint32_t proven_move(struct compact *compact, uint32_t from, uint32_t limit)
{
    uint32_t to = proven_take(compact, limit);
    struct error error = {0};

    ck_assert(proven_is_live(compact, from));
    ck_assert_msg(!compact_move(compact, from, to, &error), "%s", error.text);
    freepages_give(&compact->free_pages, from);
    return to;
}

enum status proven_nothing(struct compact *compact, void *argument, struct error *error)
{
    (void)compact;
    (void)argument;
    (void)error;
    return STATUS_OK;
}

/* --- the suite ---------------------------------------------------------------------------- */

static void proven_set_up(void)
{
    opened_set_up();
    randomdb_folder();
}

static void proven_tear_down(void)
{
    randomdb_clean();
    opened_tear_down();
}

static void (*proven_add)(TCase *tests);

static void proven_add_all(TCase *tests)
{
    tcase_add_checked_fixture(tests, proven_set_up, proven_tear_down);
    proven_add(tests);
}

int proven_main(const char *name, void (*add)(TCase *tests))
{
    proven_add = add;
    return online_main(name, 30, proven_add_all);
}
