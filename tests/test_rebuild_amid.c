/*
 * What happens in the middle of a rebuild: the schema changes, litekeeper is told to stop, is held
 * up or killed, the application writes behind its back. Each time the old index stays and works, or
 * the new one does, nothing of ours is left, and there is a reason.
 */
#include "rebuild.h"

#include "clock.h"
#include "lib_opened.h"
#include "lib_rebuild.h"
#include "lib_sql.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rebuild_result result;

/* When it happens: once entries were copied, once the two were compared, or once they have changed
 * places and the old one is about to go. */
enum moment { COPIED, COMPARED, EXCHANGED };

static void stop(void)
{
    opened_stop = true;
}

static void wait_and_write(void)
{
    clock_sleep_ms(2100);
    opened_sql("INSERT INTO t(id, a) VALUES(-1, 'late')");
}

static void only_wait(void)
{
    clock_sleep_ms(2100);
}

/* As an application may that has switched its triggers off. */
static void write_unseen(void)
{
    sqlite3 *db = opened_app();

    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    opened_sql("UPDATE t SET a = 'unseen' WHERE a = (SELECT min(a) FROM t)");
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
}

/* Which fails as long as our triggers name the columns: a limit that the README tells. */
static void drop_column(void)
{
    sqlite3 *db = opened_app();

    ck_assert_int_eq(sqlite3_exec(db, "ALTER TABLE t DROP COLUMN c", NULL, NULL, NULL),
                     SQLITE_ERROR);
}

static void die(void)
{
    _exit(0);
}

static const struct event {
    const char *name;
    enum moment moment;
    const char *sql;   /* what the application does then, or ... */
    void (*act)(void); /* ... what else happens */
    enum status status;
    const char *reason, *found; /* parts of these texts */
    bool gone;                  /* the index is, afterwards */
} events[] = {
    {"a column comes", COPIED, "ALTER TABLE t ADD COLUMN z", NULL, STATUS_CANCELLED,
     "the schema was changed while i was being built", "", false},
    {"another table comes", COMPARED, "CREATE TABLE other(a)", NULL, STATUS_CANCELLED,
     "the old index stays", "", false},
    {"the table gets another name", COPIED, "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t",
     NULL, STATUS_CANCELLED, "the schema was changed", "", false},
    {"the index goes", COPIED, "DROP INDEX i", NULL, STATUS_CANCELLED, "the schema was changed", "",
     true},
    {"the table goes", COMPARED, "DROP TABLE t", NULL, STATUS_CANCELLED, "the schema was changed",
     "", true},
    {"a trigger of ours goes", COPIED, "DROP TRIGGER _litekeeper_before_insert", NULL,
     STATUS_CANCELLED, "the schema was changed", "", false},
    {"everything is vacuumed", COPIED, "VACUUM", NULL, STATUS_CANCELLED, "the schema was changed",
     "", false},
    {"everything is vacuumed later", COMPARED, "VACUUM", NULL, STATUS_CANCELLED,
     "the schema was changed", "", false},
    {"a column gets another name", COPIED, "ALTER TABLE t RENAME COLUMN a TO z", NULL,
     STATUS_CANCELLED, "the schema was changed", "", false},
    {"another index comes", COPIED, "CREATE INDEX k ON t(b)", NULL, STATUS_CANCELLED,
     "the schema was changed", "", false},
    {"another index goes", COMPARED, "DROP INDEX b_and_c", NULL, STATUS_CANCELLED,
     "the schema was changed", "", false},
    {"the index comes anew", COPIED, "DROP INDEX i; CREATE INDEX i ON t(b, a)", NULL,
     STATUS_CANCELLED, "the schema was changed", "", false},
    {"the table comes anew", COMPARED,
     "DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX i ON t(a)", NULL,
     STATUS_CANCELLED, "the schema was changed", "", false},
    {"a trigger of the application's comes", COPIED,
     "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END", NULL, STATUS_CANCELLED,
     "the schema was changed", "", false},
    {"statistics come for the first time", COMPARED, "ANALYZE", NULL, STATUS_CANCELLED,
     "the schema was changed", "", false},
    {"the notes go", COPIED, "DROP TABLE _litekeeper_notes", NULL, STATUS_CANCELLED,
     "the schema was changed", "", false},
    {"a column can't go", COPIED, NULL, drop_column, STATUS_OK, "", "", false},
    {"the index is made anew by REINDEX", COPIED, "REINDEX i", NULL, STATUS_OK, "", "", false},
    {"a change of the schema is rolled back", COMPARED,
     "BEGIN; CREATE INDEX k ON t(b); DROP INDEX i; ROLLBACK", NULL, STATUS_OK, "", "", false},
    {"a temporary table of that name comes", COPIED,
     "CREATE TEMP TABLE _litekeeper_notes(a); CREATE TEMP TABLE _litekeeper_lease(a, alive, until);"
     "CREATE TEMP TABLE t2(a); UPDATE t SET a = 'temp' || id WHERE id < 50",
     NULL, STATUS_OK, "", "", false},
    {"all rows go", COMPARED, "DELETE FROM t", NULL, STATUS_OK, "", "", false},
    {"a column comes afterwards", EXCHANGED, "ALTER TABLE t ADD COLUMN z", NULL, STATUS_OK, "", "",
     false},
    {"everything is vacuumed afterwards", EXCHANGED, "VACUUM", NULL, STATUS_OK, "", "", false},
    {"the index goes afterwards", EXCHANGED, "DROP INDEX i", NULL, STATUS_OK, "", "", true},
    {"the table goes afterwards", EXCHANGED, "DROP TABLE t", NULL, STATUS_OK, "", "", true},
    {"what is to go goes afterwards", EXCHANGED, "DROP TABLE _litekeeper_copy", NULL, STATUS_OK, "",
     "", false},
    {"the application writes afterwards", EXCHANGED, "UPDATE t SET a = 'late' || id WHERE id < 50",
     NULL, STATUS_OK, "", "", false},
    {"told to stop", COPIED, NULL, stop, STATUS_CANCELLED, "stopped", "", false},
    {"told to stop later", COMPARED, NULL, stop, STATUS_CANCELLED, "stopped", "", false},
    {"held up", COPIED, NULL, wait_and_write, STATUS_CANCELLED, "held up for longer than 1 s", "",
     false},
    {"held up, and nobody wrote", COPIED, NULL, only_wait, STATUS_OK, "", "", false},
    {"the application writes", COMPARED, "UPDATE t SET a = 'seen' || id WHERE id < 50", NULL,
     STATUS_OK, "", "", false},
    {"a row is replaced by a generated key", COPIED,
     "UPDATE OR REPLACE t SET b = (SELECT b FROM t ORDER BY a LIMIT 1)"
     " WHERE id = (SELECT id FROM t ORDER BY a DESC LIMIT 1)",
     NULL, STATUS_OK, "", "", false},
    {"written unseen", COPIED, NULL, write_unseen, STATUS_FAILED,
     "the copy of i differs from the index", "", false},
    {"written unseen later", COMPARED, NULL, write_unseen, STATUS_OK, "",
     "entries of the index differ from the rows of the table", false},
};

static bool happened;

static void happen(void *argument, int64_t entries, int64_t total)
{
    const struct event *event = argument;
    bool now = event->moment == COPIED     ? entries > 0
               : event->moment == COMPARED ? result.compare_s > 0
                                           : result.exchanged;

    (void)total;
    if (happened || !now || (result.exchanged && event->moment != EXCHANGED))
        return;
    happened = true;
    if (event->act)
        event->act();
    else
        opened_sql(event->sql);
}

static void make(const char *journal)
{
    char sql[400];

    snprintf(
        sql, sizeof sql,
        "PRAGMA journal_mode = %s; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b,"
        " c DEFAULT 'C', g AS (lower(c)), UNIQUE(g, b)); CREATE INDEX i ON t(a);"
        "CREATE INDEX b_and_c ON t(b, c); WITH RECURSIVE "
        "n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
        " FROM n WHERE i < 6000) INSERT INTO t(id, a, b) SELECT i, hex(randomblob(6)), i FROM n",
        journal);
    opened_make(sql);
    happened = false;
}

static void amid(const struct event *event, const char *journal)
{
    struct error error = {0};

    make(journal);
    opened_app(); /* before litekeeper comes: the connection is not to be made by the callback */
    lib_rebuild_limits.progress = happen;
    lib_rebuild_limits.argument = (void *)(uintptr_t)event;
    lib_rebuild_limits.lease_s = event->act == only_wait || event->act == wait_and_write;
    lib_rebuild_limits.window_open = true;
    enum status status = lib_rebuild("i", &result, &error);
    ck_assert_msg(happened, "%s: it did not happen", event->name);
    ck_assert_msg(status == event->status, "%s: %s", event->name, error.text);
    ck_assert_msg(!status || strstr(error.text, event->reason), "%s: %s", event->name, error.text);
    ck_assert_msg(strstr(result.found, event->found) && !*result.found == !*event->found, "%s: %s",
                  event->name, result.found);
    ck_assert(result.repaired == (*event->found != '\0'));
    ck_assert(!result.left);
    opened_stop = false;
    lib_rebuild_check(event->gone ? NULL : "i");
}

START_TEST(amid_wal)
{
    amid(&events[_i], "WAL");
}
END_TEST

START_TEST(amid_journal)
{
    amid(&events[_i], "DELETE");
}
END_TEST

/* A new unique index that the application violates while it is being built, or whose rows it only
 * lets change places; and what else can happen to it. */
static const struct event creations[] = {
    {"a key twice", COPIED, "UPDATE t SET a = (SELECT min(a) FROM t) WHERE id <= 50", NULL,
     STATUS_REFUSED, "the same key of the unique index j", "", true},
    {"a key twice, later", COMPARED, "INSERT INTO t(id, a) SELECT -1, max(a) FROM t", NULL,
     STATUS_REFUSED, "the same key of the unique index j", "", true},
    {"two change places", COMPARED,
     "UPDATE t SET a = 'aside' WHERE id = 5; UPDATE t SET a = 'five' WHERE id = 6;"
     "UPDATE t SET a = 'six' WHERE id = 5; UPDATE t SET a = 'aside' WHERE id = 6",
     NULL, STATUS_OK, "", "", false},
    {"a column comes", COPIED, "ALTER TABLE t ADD COLUMN z", NULL, STATUS_CANCELLED,
     "there is no new index", "", true},
    {"the index comes by itself", COPIED, "CREATE INDEX j ON t(b)", NULL, STATUS_CANCELLED,
     "the schema was changed while j was being built", "", false},
    {"a table of its name comes", COMPARED, "CREATE TABLE j(a)", NULL, STATUS_CANCELLED,
     "the schema was changed while j was being built", "", true},
    {"the table goes", COMPARED, "DROP TABLE t", NULL, STATUS_CANCELLED, "the schema was changed",
     "", true},
    {"everything is vacuumed", COPIED, "VACUUM", NULL, STATUS_CANCELLED, "the schema was changed",
     "", true},
    {"told to stop", COPIED, NULL, stop, STATUS_CANCELLED, "stopped", "", true},
    {"held up", COPIED, NULL, wait_and_write, STATUS_CANCELLED, "held up for longer than 1 s", "",
     true},
    {"all rows go", COPIED, "DELETE FROM t", NULL, STATUS_OK, "", "", false},
    {"written unseen", COPIED, NULL, write_unseen, STATUS_FAILED,
     "the copy of j differs from the table, so there is no new index", "", true},
    {"written unseen later", COMPARED, NULL, write_unseen, STATUS_OK, "",
     "entries of the index differ from the rows of the table", false},
    {"the table goes afterwards", EXCHANGED, "DROP TABLE t", NULL, STATUS_OK, "", "", true},
    {"the index goes afterwards", EXCHANGED, "DROP INDEX j", NULL, STATUS_OK, "", "", true},
    {"everything is vacuumed afterwards", EXCHANGED, "VACUUM", NULL, STATUS_OK, "", "", false},
};

START_TEST(created)
{
    const struct event *event = &creations[_i];
    struct error error = {0};

    make("WAL");
    opened_app();
    lib_rebuild_limits = (struct rebuild_limits){.max_lock_ms = 2,
                                                 .lease_s = event->act == wait_and_write,
                                                 .progress = happen,
                                                 .argument = (void *)(uintptr_t)event};
    enum status status = lib_rebuild_create("CREATE UNIQUE INDEX j ON t(a)", &result, &error);
    ck_assert_msg(happened, "%s: it did not happen", event->name);
    ck_assert_msg(status == event->status, "%s: %s", event->name, error.text);
    ck_assert_msg(!status || strstr(error.text, event->reason), "%s: %s", event->name, error.text);
    ck_assert_msg(strstr(result.found, event->found) && !*result.found == !*event->found, "%s: %s",
                  event->name, result.found);
    ck_assert(!result.left);
    opened_stop = false;
    lib_rebuild_check(event->gone ? NULL : "j");
}
END_TEST

enum { LEASE_S = 3 }; /* counted in whole ones; a disk may stand still before the first writes */

/* Without a next start the notes stop growing once the lease is over. */
START_TEST(dead_triggers_note_nothing)
{
    static const struct event death = {.moment = COPIED, .act = die};
    struct error error = {0};

    make("WAL");
    pid_t child = fork();
    if (child == 0) {
        lib_rebuild_limits = (struct rebuild_limits){.max_lock_ms = 2,
                                                     .lease_s = LEASE_S,
                                                     .progress = happen,
                                                     .argument = (void *)(uintptr_t)&death};
        if (lib_rebuild("i", &result, &error))
            _exit(1);
        _exit(2);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    opened_sql("UPDATE t SET b = -b WHERE id <= 10");
    ck_assert_int_eq(opened_value("SELECT count(*) FROM _litekeeper_notes"), 10);
    clock_sleep_ms(LEASE_S * 1000 + 1100);
    opened_sql("UPDATE t SET b = 0 WHERE id = 1"); /* marks the lease dead, and is noted itself */
    int64_t notes = opened_value("SELECT count(*) FROM _litekeeper_notes");
    opened_sql("UPDATE _litekeeper_lease SET until = until + 1000"); /* as if the clock jumped */
    opened_sql("UPDATE t SET a = b; DELETE FROM t WHERE id < 9; INSERT INTO t(id, a, b) VALUES(3, "
               "'x', 4)");
    ck_assert_int_eq(opened_value("SELECT count(*) FROM _litekeeper_notes"), notes);
    opened_close();
    lib_rebuild_clean();
    lib_rebuild_check("i");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rebuild_amid");
    TCase *tests = tcase_create("rebuild_amid");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, opened_set_up, opened_tear_down);
    tcase_add_loop_test(tests, amid_wal, 0, sizeof events / sizeof *events);
    tcase_add_loop_test(tests, amid_journal, 0, sizeof events / sizeof *events);
    tcase_add_loop_test(tests, created, 0, sizeof creations / sizeof *creations);
    tcase_add_test(tests, dead_triggers_note_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
