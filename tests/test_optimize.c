/*
 * Optimize end to end: which statistics are made, that they are true, that no row changes, and
 * that an application beside it does not wait.
 */
#include "clock.h"
#include "lib_care.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_ledger.h"
#include "lib_sql.h"
#include "lib_writer.h"

#include <stdlib.h>
#include <string.h>

#define OPTIMIZE "    optimize: {}\n"

#define LOGS                                                                   \
    "CREATE TABLE logs(id INTEGER PRIMARY KEY, at, level, note);"              \
    "CREATE INDEX logs_at ON logs(at);" CARE_NUMBERS(                          \
        20000) "INSERT INTO logs SELECT i, i / 2, i % 5, hex(randomblob(20)) " \
               "FROM n;"

/* What the statistics say: "name rows" each, a table's own by its name. */
#define NOTED                                                                                    \
    "SELECT ifnull(group_concat(line, ', '), '') FROM (SELECT ifnull(idx, tbl || '.') || ' ' ||" \
    " CAST(stat AS INTEGER) AS line FROM sqlite_stat1 ORDER BY 1)"

static const struct {
    const char *name, *setup, *change; /* `change` comes after a first run */
    const char *outcome, *reason;      /* of the run after it, or of the only one */
    const char *noted;                 /* afterwards; NULL: any */
} cases[] = {
    {"an index", LOGS, NULL, "done", "1 index statistic refreshed", NULL},
    {"nothing", "CREATE TABLE t(a UNIQUE)", NULL, "skipped",
     "there is nothing to make statistics of", NULL},
    {"few rows are exact",
     "CREATE TABLE t(a UNIQUE, b); CREATE INDEX t_b ON t(b) WHERE b > 5;" CARE_NUMBERS(
         10) "INSERT INTO t SELECT i, i FROM n",
     NULL, "done", "2 index statistics refreshed", "sqlite_autoindex_t_1 10, t_b 5"},
    {"nothing has changed", LOGS, "SELECT 1", "skipped",
     "1 index statistic is within 25% of the rows that there are", NULL},
    {"a few rows more", LOGS, CARE_NUMBERS(1000) "INSERT INTO logs(at) SELECT i FROM n", "skipped",
     "1 index statistic is within 25%~", NULL},
    {"many more", LOGS, CARE_NUMBERS(40000) "INSERT INTO logs(at) SELECT i FROM n", "done",
     "1 index statistic refreshed", NULL},
    {"many fewer", LOGS, "DELETE FROM logs WHERE id > 100", "done", "1 index statistic refreshed",
     "logs_at 100"},
    {"emptied", LOGS, "DELETE FROM logs", "done", "1 index statistic refreshed", ""},
    {"another index", LOGS, "CREATE INDEX logs_level ON logs(level)", "done",
     "1 index statistic refreshed", NULL},
    {"tables without indexes",
     "CREATE TABLE one(a); INSERT INTO one VALUES(1); CREATE TABLE some(a, b);"
     "CREATE INDEX some_b ON some(b) WHERE b IS NOT NULL;" CARE_NUMBERS(
         300) "INSERT INTO some SELECT i, iif(i % 3, i, NULL) FROM n",
     NULL, "done", "3 index statistics refreshed", "one. 1, some. 300, some_b 200"},
    {"WITHOUT ROWID",
     "CREATE TABLE k(a PRIMARY KEY, b) WITHOUT ROWID; CREATE INDEX k_b ON k(b);" CARE_NUMBERS(
         300) "INSERT INTO k SELECT i, i % 7 FROM n",
     NULL, "done", "2 index statistics refreshed", "k 300, k_b 300"},
    {"names",
     "CREATE TABLE \"a \"\"table\"\"\"(x); CREATE INDEX \"an 'index'\" ON \"a \"\"table\"\"\"(x);"
     "CREATE TABLE \"without'\"\"\"(x); INSERT INTO \"without'\"\"\" VALUES(1), (2);"
     "INSERT INTO \"a \"\"table\"\"\" VALUES(1), (2), (3)",
     NULL, "done", "2 index statistics refreshed", "an 'index' 3, without'\". 2"},
    {"a collation of the application's own",
     LOGS "CREATE TABLE s(a COLLATE shouting, b); CREATE INDEX s_a ON s(a); CREATE INDEX s_b ON "
          "s(b); INSERT INTO s VALUES(1, 2)",
     NULL, "done",
     "2 index statistics refreshed; 1 not: s_a: it needs an SQL function, collation or module that "
     "the application brings and litekeeper lacks: no such collation sequence: shouting",
     NULL},
    {"nothing but such an index",
     "CREATE TABLE s(a COLLATE shouting); CREATE INDEX s_a ON s(a); INSERT INTO s VALUES(1)", NULL,
     "skipped",
     "there is nothing to make statistics of; 1 left out: it needs an SQL function, collation~",
     NULL},
    {"functions are not needed",
     "CREATE TABLE f(a, CHECK(twice(a) > 0)); CREATE INDEX f_twice ON f(twice(a));"
     "INSERT INTO f VALUES(1), (2)",
     NULL, "done", "1 index statistic refreshed", "f_twice 2"},
    {"samples of the application's",
     LOGS "CREATE TABLE u(a UNIQUE); INSERT INTO u VALUES(1); PRAGMA writable_schema=ON;"
          "CREATE TABLE sqlite_stat4(tbl, idx, neq, nlt, ndlt, sample); ANALYZE u;"
          "INSERT INTO sqlite_stat4 VALUES('logs', 'logs_at', '1', '1', '1', x'00')",
     NULL, "skipped",
     "1 index statistic is within 25% of the rows that there are; 1 left to the application, whose "
     "samples in sqlite_stat4 ANALYZE would drop",
     "sqlite_autoindex_u_1 1"},
    {"garbage in the statistics", LOGS "ANALYZE",
     "DELETE FROM sqlite_stat1; INSERT INTO sqlite_stat1 VALUES('logs', 'logs_at', 'x'),"
     " (NULL, 1, 2), ('logs', 'gone', '-5'), (x'00', x'00', x'00'), ('gone', NULL, "
     "'99999999999999999999')",
     "done", "1 index statistic refreshed", NULL},
};

enum { CASES = sizeof cases / sizeof *cases };

/* By a sample, hence not to the row. */
static void check_true(const char *name)
{
    sqlite3 *db = care_open();
    sqlite3_stmt *off;

    if (sql_number(
            db, "SELECT count(*) FROM sqlite_master WHERE name IN ('logs', 'sqlite_stat1')") == 2) {
        off = sql_prepare(db, "SELECT abs(1.0 * stat / (SELECT count(*) FROM logs) - 1)"
                              " FROM sqlite_stat1 WHERE idx = 'logs_at'");
        if (sqlite3_step(off) == SQLITE_ROW)
            ck_assert_msg(sqlite3_column_double(off, 0) < 0.15, "%s: off by %f", name,
                          sqlite3_column_double(off, 0));
        sqlite3_finalize(off);
    }
    sqlite3_close(db);
}

START_TEST(statistics)
{
    const char *journal = _i % 2 ? "delete" : "wal"; /* a hold is a hold in either */
    struct care_run run;

    care_policy(OPTIMIZE);
    care_make(journal, cases[_i].setup);
    if (cases[_i].change) {
        care_run("d", &run);
        care_free(&run);
        care_sql(cases[_i].change);
    }
    char *before = care_contents();
    care_run("d", &run);
    care_check(cases[_i].name, &run, 0, cases[_i].outcome, cases[_i].reason);
    char *after = care_contents();
    ck_assert_str_eq(before, after);
    if (cases[_i].noted)
        care_expect(NOTED, cases[_i].noted);
    check_true(cases[_i].name);
    care_expect("PRAGMA integrity_check", "ok");
    if (strcmp(cases[_i].outcome, "done") == 0) { /* and then there is nothing left to do */
        ck_assert_int_eq(json_integer_value(
                             json_object_get(json_object_get(run.outcome, "effect"), "stale")),
                         0);
        free(care_whole("d", 0, "skipped", "~"));
    }
    care_free(&run);
    free(before);
    free(after);
}
END_TEST

/* One hold an index, besides the one that makes sqlite_stat1. */
START_TEST(each_is_a_hold)
{
    struct care_run run;

    care_policy(OPTIMIZE);
    care_make("wal", LOGS "CREATE INDEX l1 ON logs(level); CREATE INDEX l2 ON logs(note)");
    care_run("d", &run);
    care_check("holds", &run, 0, "done", "3 index statistics refreshed");
    ck_assert_int_ge(/* one that is held up is done again, with less to look at */
                     json_integer_value(
                         json_object_get(json_object_get(run.outcome, "lock"), "count")),
                     4);
    care_free(&run);
}
END_TEST

START_TEST(effects)
{
    care_policy(OPTIMIZE);
    care_make("wal", "CREATE TABLE t(a UNIQUE, b COLLATE shouting); CREATE INDEX t_b ON t(b);"
                     "INSERT INTO t VALUES(1, 2)");
    char *effect = care_whole("d", 0, "done", "~");
    expect_text("effect", effect,
                "{\"statistics\":1,\"stale\":0,\"changes\":[{\"name\":\"sqlite_autoindex_t_1\","
                "\"rows_before\":null,\"rows\":1}],\"left\":[{\"name\":\"t_b\",\"why\":\"it needs "
                "~: no such collation sequence: shouting\"}]}");
    free(effect);
}
END_TEST

START_TEST(observed)
{
    care_policy(OPTIMIZE "    observe: true\n");
    care_make("wal", LOGS);
    free(care_whole("d", 0, "skipped", "observe: would act on 1 index statistic is missing"));
    care_expect("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'", "0");
}
END_TEST

START_TEST(planned)
{
    care_policy(OPTIMIZE);
    care_make("delete", LOGS);
    expect("plan -c @/policy.yaml d", 0,
           "d  @/app.db\n"
           "  optimize  act   1 index statistic is missing\n"
           "                  due ~; expected: # ms\n",
           "");
    care_expect("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'", "0");
}
END_TEST

START_TEST(forced)
{
    care_policy(OPTIMIZE);
    care_make("wal", LOGS);
    free(care_whole("d", 0, "done", "1 index statistic refreshed"));
    free(care_whole("--force d", 0, "done", "1 index statistic refreshed"));
}
END_TEST

/* ANALYZE of 100,000 entries is more than a hold of 1 ms may be: it is stopped, and less looked at.
 * The number of rows is right all the same. */
START_TEST(overruns)
{
    struct care_run run;

    care_policy("    optimize: { analysis_limit: 100000 }\n    max_lock: 1ms\n");
    care_make("wal", "CREATE TABLE t(a, b, c); CREATE INDEX t_abc ON t(a, b, c);" CARE_NUMBERS(
                         300000) "INSERT INTO t SELECT i, i, i FROM n");
    care_run("d", &run);
    care_check("overruns", &run, 0, "done", "1 index statistic refreshed");
    json_t *lock = json_object_get(run.outcome, "lock");
    ck_assert_int_gt(json_integer_value(json_object_get(lock, "count")), 2);
    care_expect("SELECT abs(stat / 300000.0 - 1) < 0.1 FROM sqlite_stat1 WHERE idx = 't_abc'", "1");
    care_free(&run);
}
END_TEST

/* The application's lock is waited for, and then given up. */
START_TEST(locked)
{
    struct program program;
    struct care_run run;

    care_policy(OPTIMIZE "    busy_timeout: 100ms\n");
    care_make("wal", LOGS);
    sqlite3 *db = care_open();
    sql_do(db, "BEGIN IMMEDIATE");
    care_start("d", &program);
    care_finish(&program, &run);
    care_check("locked", &run, 75, "skipped", "the application kept it locked~");
    sql_do(db, "COMMIT");
    sqlite3_close(db);
    care_free(&run);
}
END_TEST

static void check_plan(sqlite3 *db, const char *index)
{
    sqlite3_stmt *plan =
        sql_prepare(db, "EXPLAIN QUERY PLAN SELECT * FROM logs WHERE level = 1 AND at = 1");

    ck_assert_int_eq(sqlite3_step(plan), SQLITE_ROW);
    const char *said = (const char *)sqlite3_column_text(plan, 3);
    ck_assert_msg(strstr(said, index) != NULL, "%s, not %s", said, index);
    sqlite3_finalize(plan);
}

/* What a connection that is open goes by: old statistics, until the schema changes or it opens the
 * database anew. The manual says so. */
START_TEST(open_connections)
{
    care_policy(OPTIMIZE);
    care_make("wal", LOGS "CREATE INDEX logs_level ON logs(level); ANALYZE;"
                          "UPDATE sqlite_stat1 SET stat = '20000 1' WHERE idx = 'logs_level';"
                          "UPDATE sqlite_stat1 SET stat = '90000 9000' WHERE idx = 'logs_at'");
    sqlite3 *db = care_open();
    check_plan(db, "logs_level");
    free(care_whole("--force d", 0, "done", "2 index statistics refreshed"));
    check_plan(db, "logs_level");
    sql_do(db, "ANALYZE sqlite_schema");
    check_plan(db, "logs_at");
    sqlite3_close(db);
}
END_TEST

/* Beside an application whose every commit is on record. Of five runs one at least has short holds:
 * the disk may stand still during any. */
START_TEST(beside_a_writer)
{
    static const struct ledger_kind kinds[] = {{"wal", true, false, 10},
                                               {"delete", true, false, 10}};
    struct ledger *ledger = ledger_new();
    char *path = folder_path("app.db");
    struct care_run run;
    double best_ms = INFINITY;

    care_policy(OPTIMIZE);
    ledger_make(path, &kinds[_i]);
    ledger_start(ledger, &kinds[_i]);
    pid_t writer = writer_start(ledger, path, 1);
    for (int i = 0; i < 5; i++) {
        care_run("--force d", &run);
        care_check("beside", &run, 0, "done", "# index statistics refreshed");
        json_t *lock = json_object_get(run.outcome, "lock");
        best_ms = fmin(best_ms, json_number_value(json_object_get(lock, "max_ms")));
        care_free(&run);
    }
    writer_stop(writer);
    ck_assert_double_lt(best_ms, 250);
    ledger_check(ledger, path, false);
    free(path);
}
END_TEST

int main(void)
{
    const struct care_loop loops[] = {{statistics, CASES},   {each_is_a_hold, 1},
                                      {effects, 1},          {observed, 1},
                                      {planned, 1},          {forced, 1},
                                      {overruns, 1},         {locked, 1},
                                      {open_connections, 1}, {beside_a_writer, 2}};

    return care_main("optimize", loops, sizeof loops / sizeof *loops);
}
