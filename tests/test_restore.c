/* Rows come back into a table, or out of one, that has changed since they left. */
#include "lib_brought.h"
#include "lib_folder.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBERS PROOF_NUMBERS(400)
#define AT      "strftime('%s', " PROOF_AGO("i * 12 + 1") ") + 0"
#define ARCHIVE "keep: 100d, archive: { directory: \"@/cold\", partition: none, segment_rows: 101 }"
#define TABLE                                                       \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x UNIQUE);" \
    "CREATE INDEX t_at ON t(at);" NUMBERS "INSERT INTO t SELECT i, " AT ", 'x' || i FROM n;"

/* --- what changed meanwhile --------------------------------------------------------------- */

/* The archive is that of `plain` with `more` in its setup; then `change` is done, and `words`
 * restore it. */
static const struct meanwhile {
    const char *name, *more, *change, *words;
    int status;
    const char *effect;         /* of the counts: put, there, conflicting, refused */
    const char *named;          /* part of the effect as JSON; NULL: any */
    const char *query, *answer; /* of t.db, or of out.db if `words` have it */
} meanwhiles[] = {
    {"nothing", "", "", "--into-table", 0, "201 0 0 0", NULL,
     "SELECT count(*), count(DISTINCT x), min(id), max(id) FROM t", "400|400|1|400"},
    {"a row is there with other values", "",
     "INSERT INTO t SELECT 300, unixepoch('now'), 'newer'; INSERT INTO t VALUES(301, 7, 'x301')",
     "--into-table", 0, "199 0 2 0", "\"conflicting\": [\"301\", \"300\"]",
     "SELECT x, count(*) FROM t WHERE id = 300", "newer|1"},
    {"another row has its unique value", "", "INSERT INTO t SELECT 1000, unixepoch('now'), 'x300'",
     "--into-table", 0, "200 0 0 1", "\"refused\": [\"300: UNIQUE constraint failed: t.x\"]",
     "SELECT id FROM t WHERE x = 'x300'", "1000"},
    {"a unique value that would replace", "",
     "ALTER TABLE t RENAME TO o; CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x UNIQUE ON"
     " CONFLICT REPLACE); INSERT INTO t SELECT * FROM o; DROP TABLE o; INSERT INTO t SELECT 1000,"
     " unixepoch('now'), 'x300'",
     "--into-table", 0, "200 0 0 1", NULL, "SELECT id FROM t WHERE x = 'x300'", "1000"},
    {"a CHECK", "",
     "ALTER TABLE t RENAME TO o; CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x, CHECK (id <>"
     " 300)); INSERT INTO t SELECT * FROM o; DROP TABLE o",
     "--into-table", 0, "200 0 0 1", "300: CHECK constraint failed: id <> 300",
     "SELECT count(*) FROM t", "399"},
    {"a trigger that says no", "",
     "CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = 300 BEGIN SELECT RAISE(ABORT, 'no'); END;"
     "CREATE TRIGGER pass BEFORE INSERT ON t WHEN new.id = 301 BEGIN SELECT RAISE(IGNORE); END",
     "--into-table", 0, "199 0 0 2", "301: a trigger passes over it\", \"300: no\"",
     "SELECT count(*) FROM t", "398"},
    {"a trigger of the application's", "",
     "CREATE TABLE seen(id INTEGER PRIMARY KEY, n); INSERT INTO seen VALUES(300, 5);"
     "CREATE TRIGGER s AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO seen VALUES(new.id, 1); END",
     "--into-table", 0, "201 0 0 0", NULL, "SELECT count(*), max(n) FROM seen", "201|1"},
    {"a trigger that takes too long", "",
     "CREATE TRIGGER slow AFTER INSERT ON t BEGIN SELECT count(*) FROM t a, t b, t c, t d; END",
     "--into-table", 1, "0 0 0 0", NULL, "SELECT count(*) FROM t", "199"},
    {"a column was dropped", "",
     "DROP INDEX t_at; ALTER TABLE t ADD COLUMN at2; UPDATE t SET at2 = at;"
     " ALTER TABLE t DROP COLUMN at",
     "--into-table", 0, "201 0 0 0", "\"columns_left_out\": [\"at\"]",
     "SELECT count(*), count(at2) FROM t", "400|199"},
    {"a column was added", "", "ALTER TABLE t ADD COLUMN y NOT NULL DEFAULT 'new'", "--into-table",
     0, "201 0 0 0", "\"columns_missing\": [\"y\"]", "SELECT count(*) FROM t WHERE y = 'new'",
     "400"},
    {"a column is computed now", "",
     "ALTER TABLE t RENAME TO o; CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x AS ('c' || "
     "id))"
     "; INSERT INTO t(id, at) SELECT id, at FROM o; DROP TABLE o",
     "--into-table", 0, "201 0 0 0", NULL, "SELECT count(*), max(x) FROM t WHERE id > 300",
     "100|c400"},
    {"the table is gone", "", "DROP TABLE t", "--into-table", 1, "0 0 0 0", NULL,
     "SELECT count(*) FROM sqlite_master WHERE name = 't'", "0"},
    {"the table is gone, into a file", "", "DROP TABLE t", "--into @/out.db", 0, "201 0 0 0", NULL,
     "SELECT count(*), min(id), max(x) FROM t", "201|200|x400"},
    {"some times", "", "", "--into @/out.db --where id%2=0", 0, "101 0 0 0", NULL,
     "SELECT min(id), max(id), count(*) FROM t", "200|400|101"},
    {"no rows", "", "", "--into @/out.db --where id=7", 0, "0 0 0 0", NULL, NULL, NULL},
    {"no such column", "", "", "--into @/out.db --where nothing=7", 2, "0 0 0 0", NULL, NULL, NULL},
    {"foreign keys",
     "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p SELECT id FROM t;"
     " ALTER TABLE t ADD COLUMN p REFERENCES p; UPDATE t SET p = id;",
     "DELETE FROM p WHERE id IN (300, 301)", "--into-table", 0, "199 0 0 2",
     "300: FOREIGN KEY constraint failed", "SELECT count(*) FROM t", "398"},
    {"deferred foreign keys",
     "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p SELECT id FROM t;"
     " ALTER TABLE t ADD COLUMN p REFERENCES p DEFERRABLE INITIALLY DEFERRED; UPDATE t SET p = id;",
     "DELETE FROM p WHERE id IN (300, 301)", "--into-table", 0, "199 0 0 2",
     "300: FOREIGN KEY constraint failed (deferred)", "SELECT count(*) FROM t", "398"},
};

START_TEST(changed_meanwhile)
{
    const struct meanwhile *m = &meanwhiles[_i];
    char *setup = memory_format("%s%s", TABLE, m->more);
    const struct proof_case c = {.name = m->name, .setup = setup, .options = ARCHIVE};

    sqlite3_close(brought_archive(&c, "wal"));
    brought_change(m->change);
    json_t *effect = brought_restore(m->words, m->status);
    brought_check(m->name, effect, m->effect, m->named);
    bool file = strstr(m->words, "out.db") != NULL;
    char *out = folder_path("out.db"), *hidden = folder_path(".out.db.restoring");
    ck_assert_msg((access(out, F_OK) == 0) == (file && m->query), "%s", m->name);
    ck_assert_int_ne(access(hidden, F_OK), 0);
    if (m->query) {
        brought_query(file ? "out.db" : "t.db", m->query, m->answer);
        brought_query(file ? "out.db" : "t.db", "PRAGMA integrity_check", "ok");
    }
    json_decref(effect);
    free(setup);
    free(out);
    free(hidden);
}
END_TEST

/* Rows that refer to others of their table come back, whichever order they have. */
START_TEST(refers_to_itself)
{
    static const struct proof_case c = {
        .name = "refers to itself",
        .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, up REFERENCES t);"
                 "CREATE INDEX t_at ON t(at);" NUMBERS "INSERT INTO t SELECT i, " AT
                 ", nullif(i - 1, 0) FROM n ORDER BY i; CREATE INDEX t_up ON t(up);"
                 "UPDATE t SET up = NULL WHERE id = 200 OR id % 7 = 0",
        .options = ARCHIVE};

    sqlite3_close(brought_archive(&c, "wal"));
    brought_change("UPDATE t SET up = NULL");
    json_t *effect = brought_restore("--into-table", 0);
    brought_check(c.name, effect, "201 0 0 0", NULL);
    brought_query("t.db", "PRAGMA foreign_key_check", "");
    json_decref(effect);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("restore");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, changed_meanwhile, 0, sizeof meanwhiles / sizeof *meanwhiles);
    tcase_add_test(cases, refers_to_itself);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
