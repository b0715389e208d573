/*
 * Integrity end to end: what it finds and says, that it changes nothing, that it ends at once when
 * it is told to, and what an application beside it notices.
 */
#include "clock.h"
#include "lib_care.h"
#include "lib_damage.h"
#include "lib_expect.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "readwatch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define QUICK   CARE_WINDOW "    integrity: { level: quick }\n"
#define FULL    CARE_WINDOW "    integrity: { level: full }\n"
#define NO_KEYS CARE_WINDOW "    integrity: { foreign_keys: false }\n"
#define TABLE                                                                             \
    "CREATE TABLE t(a, b); CREATE INDEX t_a ON t(a);" CARE_NUMBERS(2000) "INSERT INTO t " \
                                                                         "SELECT i, hex(" \
                                                                         "randomblob(40)) FROM n;"
/* The schema says another thing of the same pages. */
#define LIE(name, sql) \
    "PRAGMA writable_schema=ON; UPDATE sqlite_master SET sql = '" sql "' WHERE name = '" name "'"

#define ORPHANS                                                              \
    TABLE "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES(1);" \
          "CREATE TABLE c(x REFERENCES p); PRAGMA foreign_keys=OFF;"         \
          "INSERT INTO c VALUES(1), (2), (NULL), (3);"                       \
          "CREATE TABLE w(x PRIMARY KEY REFERENCES p) WITHOUT ROWID; INSERT INTO w VALUES(7);"

#define SOUND      "integrity_check found nothing wrong in # KiB"
#define SOUND_MANY "integrity_check found nothing wrong in # MiB"
#define LACKED                                                                       \
    "it needs an SQL function, collation or module that the application brings and " \
    "litekeeper lacks: "

enum { CHANGERS = 3, CHECKS = 8, SOON_MS = 10000 };

static const struct {
    const char *name, *policy, *setup;
    int status;
    const char *outcome, *reason, *effect; /* patterns */
} cases[] = {
    {"sound", FULL, TABLE, 0, "done", SOUND,
     "{\"level\":\"full\",\"bytes\":#,\"device\":#,\"inode\":#,\"problems\":0,\"messages\":[],"
     "\"foreign_keys\":0,"
     "\"foreign_key_messages\":[],\"unchecked\":[]}"},
    {"sound, quick", QUICK, TABLE, 0, "done", "quick_check found nothing wrong in # KiB", "~"},
    {"what fits into max_lock needs no window", "    integrity: {}\n    max_lock: 100ms\n", TABLE,
     0, "done", "quick_check found nothing wrong in # KiB", "~"},
    {"sound, with keys", FULL,
     TABLE "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES(1);"
           "CREATE TABLE c(x REFERENCES p, y REFERENCES p); INSERT INTO c(x) VALUES(1)",
     0, "done", "~", "~"},
    {"an index that lacks rows", FULL, TABLE LIE("t_a", "CREATE INDEX t_a ON t(b)"), 1, "failed",
     "integrity_check found 100 problems or more, the first: row 1 missing from index t_a; the "
     "tables are sound, and REINDEX mends their indexes",
     "{\"level\":\"full\",\"bytes\":#,\"device\":#,\"inode\":#,\"problems\":100,\"messages\":["
     "\"row 1 missing from index "
     "t_a\"~"},
    {"which quick does not see", QUICK, TABLE LIE("t_a", "CREATE INDEX t_a ON t(b)"), 0, "done",
     "~", "~"},
    {"a NULL that must not be", QUICK,
     TABLE "INSERT INTO t(a) VALUES(5);" LIE("t", "CREATE TABLE t(a, b NOT NULL)"), 1, "failed",
     "quick_check found 1 problem, the first: NULL value in t.b; the file is sound, but~",
     "{\"level\":\"quick\",\"bytes\":#,\"device\":#,\"inode\":#,\"problems\":1,\"messages\":["
     "\"NULL value in t.b\"],~"},
    {"orphans", FULL, ORPHANS, 1, "failed",
     SOUND "; 3 rows have a foreign key without its parent, the first: row 2 of c refers to no row "
           "of p; mend or delete them, or leave them out by `foreign_keys: false`",
     "{\"level\":\"full\",\"bytes\":#,\"device\":#,\"inode\":#,\"problems\":0,\"messages\":[],"
     "\"foreign_keys\":3,"
     "\"foreign_key_messages\":[\"row 2 of c refers to no row of p\",\"row 4 of c refers to no row "
     "of p\",\"a row of w refers to no row of p\"],\"unchecked\":[]}"},
    {"orphans that are meant", NO_KEYS, ORPHANS, 0, "done",
     "quick_check found nothing wrong in # KiB", "~\"foreign_keys\":0~"},
    {"a key to no key", FULL, TABLE "CREATE TABLE c(x REFERENCES t(a))", 0, "done",
     SOUND "; 1 table not checked, c: a foreign key refers to columns that are no unique key~",
     "~\"unchecked\":[{\"name\":\"c\",\"why\":\"a foreign key refers~"},
    {"a collation that we lack", FULL,
     TABLE "CREATE TABLE s(a COLLATE shouting UNIQUE); INSERT INTO s VALUES('x')", 0, "done",
     SOUND "; 1 table not checked, s: " LACKED "no such collation sequence: shouting",
     "~\"problems\":0,~\"unchecked\":[{\"name\":\"s\",\"why\":\"~shouting\"}]}"},
    {"a function that we lack", QUICK, TABLE "CREATE TABLE s(a CHECK(twice(a) > 0))", 0, "done",
     "~; 1 table not checked, s: " LACKED "unknown function: twice()", "~"},
    {"damage beside such a table", FULL,
     TABLE "CREATE TABLE s(a COLLATE shouting UNIQUE);" LIE("t_a", "CREATE INDEX t_a ON t(b)"), 1,
     "failed", "integrity_check found 100 problems or more~; 1 table not checked, s~", "~"},
    {"hostile names", FULL,
     TABLE "CREATE TABLE \"7\"(a COLLATE shouting UNIQUE); CREATE TABLE \"a\"\"); DROP TABLE t"
           "\"(x COLLATE shouting UNIQUE)",
     0, "done", SOUND "; 2 tables not checked, 7: its name is a number~", "~"},
};

enum { CASES = sizeof cases / sizeof *cases };

START_TEST(findings)
{
    struct stat before, after;
    char *path = folder_path("app.db");

    care_policy(cases[_i].policy);
    care_make(_i % 2 ? "delete" : "wal", cases[_i].setup);
    stat(path, &before);
    char *effect = care_whole("d", cases[_i].status, cases[_i].outcome, cases[_i].reason);
    expect_text(cases[_i].name, effect, cases[_i].effect);
    stat(path, &after);
    ck_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
              before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    free(effect);
    free(path);
}
END_TEST

/* --- damaged pages ------------------------------------------------------------------------ */

static void zero_leaf(struct damage_image *image)
{
    memset(damage_page(image, damage_first_leaf(image, image->t)), 0, image->page_size);
}

static void garbage_leaf(struct damage_image *image)
{
    memset(damage_page(image, damage_first_leaf(image, image->t)), 0xA7, image->page_size);
}

static void garbage_root(struct damage_image *image)
{
    memset(damage_page(image, image->u), 0xA7, image->page_size);
}

static void twice(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->t, 0),
                    damage_four(damage_child(image, image->u, 0)));
}

static void cycle(struct damage_image *image)
{
    damage_put_four(damage_child(image, image->t, 0), image->t);
}

static void lost_page(struct damage_image *image)
{
    damage_grow(image, 1);
}

static void (*const damages[])(struct damage_image *image) = {zero_leaf, garbage_leaf, garbage_root,
                                                              twice,     cycle,        lost_page};

START_TEST(damage)
{
    struct damage_image image;
    char *path = folder_path("app.db");

    damage_base(&image, 1024, 0);
    damages[_i](&image);
    damage_write(&image, path);
    damage_free(&image);
    care_policy(FULL);
    char *effect = care_whole("d", 1, "failed",
                              "integrity_check found # problem~, the first: ~; restore the file "
                              "from a backup, or save what can be saved with .recover~");
    json_t *found = json_loads(effect, 0, NULL);
    ck_assert_int_gt(json_integer_value(json_object_get(found, "problems")), 0);
    ck_assert_uint_gt(json_array_size(json_object_get(found, "messages")), 0);
    json_decref(found);
    free(effect);
    free(path);
}
END_TEST

/* --- beside an application ---------------------------------------------------------------- */

/* Some 60 MB, so that a check takes a while. */
#define LARGE                                                                             \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX t_a ON t(a);"             \
    "CREATE TABLE o(x);" CARE_NUMBERS(60000) "INSERT INTO t SELECT i, i * 7919 % 60000, " \
                                             "hex(zeroblob(400)) FROM n;"

START_TEST(writers_go_on)
{
    struct program program;
    struct care_run run;

    care_policy(FULL);
    care_make("wal", LARGE);
    pid_t worker = care_freeze("--outside-window d", &program);
    sqlite3 *db = care_open();
    sqlite3_busy_timeout(db, 0);
    for (int i = 0; i < 100; i++)
        sql_do(db, "INSERT INTO o VALUES(%d)", i);
    sqlite3_close(db);
    kill(worker, SIGCONT);
    care_finish(&program, &run);
    care_check("beside a writer", &run, 0, "done", "integrity_check found nothing wrong in # MiB");
    care_free(&run);
}
END_TEST

/* Hence the window. */
START_TEST(without_wal_they_wait)
{
    struct program program;
    struct care_run run;

    care_policy("    integrity: {}\n");
    care_make("delete", LARGE);
    free(care_whole("d", 0, "skipped",
                    "quick_check of # MiB, during which nobody can write, for want of a WAL; it "
                    "would block the application, and the policy has no window for that"));
    pid_t worker = care_freeze("--outside-window d", &program);
    sqlite3 *db = care_open();
    sqlite3_busy_timeout(db, 0);
    ck_assert_int_eq(sqlite3_exec(db, "INSERT INTO o VALUES(1)", NULL, NULL, NULL), SQLITE_BUSY);
    kill(worker, SIGCONT);
    care_finish(&program, &run);
    sqlite3_close(db);
    care_check("without a WAL", &run, 0, "done", "quick_check found nothing wrong in # MiB");
    care_free(&run);
}
END_TEST

START_TEST(the_log_grows)
{
    struct program program;
    struct care_run run;

    care_policy(QUICK "    max_wal: 1MiB\n");
    care_make("wal", LARGE "PRAGMA wal_checkpoint(TRUNCATE)");
    pid_t worker = care_freeze("--outside-window d", &program);
    sqlite3 *db = care_open();
    for (int i = 0; i < 10; i++)
        sql_do(db, "INSERT INTO o VALUES(zeroblob(300000))");
    kill(worker, SIGCONT);
    care_finish(&program, &run);
    sqlite3_close(db);
    care_check("the log", &run, 75, "skipped",
               "ended before it was through: # MiB of the WAL wait to be checkpointed (max_wal 1.0 "
               "MiB), and the check's snapshot keeps them; it needs a time when less is written, "
               "or a larger max_wal");
    care_free(&run);
}
END_TEST

/* What an interrupted check says of pages that it has not reached is no finding. */
START_TEST(told_to_stop)
{
    struct program program;
    struct care_run run;

    care_policy(QUICK);
    care_make("wal", LARGE);
    pid_t worker = care_freeze("--outside-window d", &program);
    kill(program.pid, SIGINT);
    clock_sleep_ms(100);
    double told = clock_monotonic_ms();
    kill(worker, SIGCONT);
    care_finish(&program, &run);
    ck_assert_double_lt(clock_monotonic_ms() - told, SOON_MS);
    care_check("told to stop", &run, 130, "cancelled", "stopped");
    ck_assert(json_is_null(json_object_get(run.outcome, "effect")));
    care_free(&run);
}
END_TEST

/* --- beside an application that changes its schema ---------------------------------------- */

/* It was there when the tables were listed. */
START_TEST(a_table_goes)
{
    struct program program;
    struct care_run run;

    care_policy(FULL);
    care_make("wal", LARGE "CREATE TABLE s(a COLLATE shouting UNIQUE); CREATE TABLE z(a)");
    pid_t worker = care_freeze("--outside-window d", &program);
    care_sql("DROP TABLE z; CREATE TABLE y(a UNIQUE)");
    kill(worker, SIGCONT);
    care_finish(&program, &run);
    care_check("a table goes", &run, 0, "done", SOUND_MANY "; 1 table not checked, s~");
    care_free(&run);
}
END_TEST

static _Noreturn void change_schema(int number)
{
    sqlite3 *db = care_open();

    sqlite3_busy_timeout(db, 60000);
    sql_do(db, "PRAGMA synchronous=OFF");
    for (;;) {
        sql_do(db, "CREATE TABLE more%d(a UNIQUE, b REFERENCES p)", number);
        sql_do(db, "DROP TABLE more%d", number);
    }
}

static const struct {
    const char *journal, *policy;
} changing[] = {{"wal", FULL}, {"wal", QUICK}, {"delete", FULL}};

/* As fast as three can, with tables that are connected: full-text indexes and R-trees. */
START_TEST(the_schema_changes)
{
    pid_t changers[CHANGERS];
    int status;

    care_policy(changing[_i].policy);
    care_make(changing[_i].journal,
              TABLE "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                    "CREATE VIRTUAL TABLE words USING fts5(text);"
                    "CREATE VIRTUAL TABLE old_words USING fts4(text);"
                    "CREATE VIRTUAL TABLE area USING rtree(id, x0, x1);"
                    "INSERT INTO words SELECT b FROM t; INSERT INTO old_words SELECT b FROM t;"
                    "INSERT INTO area SELECT a, a, a + 1 FROM t;");
    for (int i = 0; i < CHANGERS; i++)
        if ((changers[i] = fork()) == 0)
            change_schema(i);
    for (int i = 0; i < CHECKS; i++) {
        struct care_run run;
        care_run("d", &run);
        const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
        ck_assert_msg(run.result.status == 0, "%s", reason);
        care_free(&run);
    }
    for (int i = 0; i < CHANGERS; i++) {
        kill(changers[i], SIGKILL);
        ck_assert_int_eq(waitpid(changers[i], &status, 0), changers[i]);
        ck_assert(WIFSIGNALED(status));
    }
}
END_TEST

static struct {
    sqlite3 *db;
    int reads, after;
} heard;

static void hear(void *argument, int64_t bytes)
{
    (void)argument;
    ck_assert_int_gt(bytes, 0);
    if (++heard.reads == 500)
        sqlite3_interrupt(heard.db);
    heard.after += heard.reads > 500;
}

/* SQLite's check of all b-trees asks nobody before 3.41, but it looks after each page. */
START_TEST(between_two_pages)
{
    care_make(_i ? "delete" : "wal", LARGE);
    heard.db = care_open();
    sql_number(heard.db, "SELECT count(*) FROM sqlite_master");
    struct readwatch *watch = readwatch_open(heard.db, hear, NULL);
    sqlite3_exec(heard.db, "PRAGMA quick_check", NULL, NULL, NULL);
    ck_assert_int_ge(heard.reads, 500);
    ck_assert_int_lt(heard.after, 20);
    readwatch_close(watch);
    int reads = heard.reads;
    sql_expect(heard.db, "PRAGMA quick_check", "ok");
    ck_assert_int_eq(heard.reads, reads);
    sqlite3_close(heard.db);
}
END_TEST

int main(void)
{
    const struct care_loop loops[] = {
        {findings, CASES},
        {damage, sizeof damages / sizeof *damages},
        {writers_go_on, 1},
        {without_wal_they_wait, 1},
        {the_log_grows, 1},
        {told_to_stop, 1},
        {between_two_pages, 2},
        {a_table_goes, 1},
        {the_schema_changes, sizeof changing / sizeof *changing},
    };

    return care_main("integrity", loops, sizeof loops / sizeof *loops);
}
