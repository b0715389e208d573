/*
 * Reindex, stopped in the middle: by a word, by kill -9, by a change of the schema. Every index is
 * as it was or rebuilt, and what a killed one has left goes.
 */
#include "clock.h"
#include "lib_care.h"
#include "lib_family.h"
#include "lib_sql.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define OPEN CARE_WINDOW "    reindex: { mode: offline, min_size: 100kB }\n"
#define AUTO "    reindex: { min_size: 100kB }\n"

#define LARGE                                                                                 \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX t_a ON t(a); CREATE INDEX "   \
    "t_b ON t(b);" CARE_NUMBERS(300000) "INSERT INTO t SELECT i, i * 7919 % 1000003, i FROM " \
                                        "n; DELETE FROM t WHERE a % 10 < 5"

enum { WRITES = 30, SOON_MS = 3000, TRIES = 3 }; /* after so many, it has megabytes to roll back */

/* How long it takes from the word to its end. */
static double tell_to_stop(struct care_run *run)
{
    struct program program;

    care_start("d", &program);
    while (!family_ended(program.pid) && family_writes(family_youngest(program.pid)) < WRITES)
        ;
    double told = clock_monotonic_ms();
    kill(program.pid, SIGINT);
    care_finish(&program, run);
    return clock_monotonic_ms() - told;
}

/* It ends soon, one time of three at least, for the disk may stand still; and with every index as
 * it was or rebuilt. */
START_TEST(told_to_stop)
{
    struct care_run run;

    care_policy(OPEN);
    care_make(_i ? "delete" : "wal", LARGE);
    char *before = care_contents();
    double took = tell_to_stop(&run);
    for (int i = 1; i < TRIES && took >= SOON_MS; i++) {
        care_free(&run);
        took = tell_to_stop(&run);
    }
    ck_assert_double_lt(took, SOON_MS);
    /* it may have been done in the very moment in which it was told */
    bool done = run.outcome &&
                strcmp(json_string_value(json_object_get(run.outcome, "outcome")), "done") == 0;
    if (run.outcome && !done && run.result.status == 130)
        care_check("told to stop", &run, 130, "cancelled", "~stopped~");
    care_expect("PRAGMA integrity_check", "ok");
    char *after = care_contents();
    ck_assert_str_eq(before, after);
    care_free(&run);
    free(care_whole("d", 0, done ? "skipped" : "done", "~"));
    free(after);
    free(before);
}
END_TEST

#define OURS "SELECT count(*) FROM sqlite_master WHERE name LIKE '\\_litekeeper%' ESCAPE '\\'"

/* Until an online rebuild has begun. */
static void await_copy(sqlite3 *db)
{
    while (sql_number(db, OURS) == 0)
        clock_sleep_ms(1);
}

/* Killed in the middle of an online rebuild: nothing is lost, the next task of any kind cleans up,
 * and the next reindex carries on. */
START_TEST(killed)
{
    struct program program;
    struct care_run run;

    family_adopt();
    care_policy(AUTO "    optimize: {}\n");
    care_make(_i ? "delete" : "wal", LARGE);
    char *before = care_contents();
    sqlite3 *db = care_open();
    sqlite3_busy_timeout(db, 5000);
    care_start("d reindex", &program);
    await_copy(db);
    pid_t worker = family_youngest(program.pid);
    ck_assert(worker > 0 && !kill(program.pid, SIGKILL) && !kill(worker, SIGKILL));
    care_finish(&program, &run);
    care_free(&run);
    ck_assert(family_gone(0)); /* and so is its lock */
    ck_assert_int_gt(sql_number(db, OURS), 0);
    sqlite3_close(db);
    care_run("d optimize", &run);
    ck_assert_ptr_nonnull(
        strstr(run.result.out, "removed what a rebuild that was killed had left"));
    care_free(&run);
    care_expect(OURS, "0");
    care_expect("PRAGMA integrity_check", "ok");
    char *after = care_contents();
    ck_assert_str_eq(before, after);
    free(care_whole("d reindex", 0, "done", "~rebuilt~"));
    free(after);
    free(before);
}
END_TEST

/* A change of the schema goes through; the rebuild makes way and says so. */
START_TEST(schema_changes)
{
    struct program program;
    struct care_run run;

    care_policy(AUTO);
    care_make(_i ? "delete" : "wal", LARGE);
    sqlite3 *db = care_open();
    sqlite3_busy_timeout(db, 5000);
    care_start("d", &program);
    await_copy(db);
    sql_do(db, "ALTER TABLE t ADD COLUMN c");
    care_finish(&program, &run);
    care_check("a change of the schema", &run, 75, "cancelled", "~schema~");
    care_free(&run);
    sqlite3_close(db);
    care_expect(OURS, "0");
    care_expect("PRAGMA integrity_check", "ok");
}
END_TEST

int main(void)
{
    const struct care_loop loops[] = {{told_to_stop, 2}, {killed, 2}, {schema_changes, 2}};

    return care_main("reindex_stopped", loops, sizeof loops / sizeof *loops);
}
