/*
 * Retention end to end beside an application that writes, reads, and touches the rows that are to
 * go. What it has committed stays; it never waits so long that it gives up.
 */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_proof.h"
#include "memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* n rows, 34 s apart; between the older half and the younger lie four days more. */
#define LOGS(n, half)                                                                            \
    "CREATE TABLE logs(id INTEGER PRIMARY KEY, timestamp INTEGER, level, endpoint, method,"      \
    " status_code, duration_ms, request_id, message);" PROOF_NUMBERS(                            \
        n) "INSERT INTO logs(id, timestamp) SELECT i, strftime('%s', 'now') - (" #n " - i) * 34" \
           " - (i <= " #half ") * 345600 FROM n; CREATE INDEX logs_timestamp ON logs(timestamp)"

#define PATIENT "    busy_timeout: 5s\n" /* the default */

static const struct {
    struct proof_case proof;
    const char *journal;
    int rows;
} beside[] = {
    {{.name = "half a million of a million",
      .setup = LOGS(1000000, 500000),
      .target = "table: logs, column: timestamp",
      .options = "keep: 198d",
      .limits = PATIENT,
      .model = "DELETE FROM logs WHERE id <= 500000"},
     "wal",
     1000000},
    {{.name = "60,000 of 120,000",
      .setup = LOGS(120000, 60000),
      .target = "table: logs, column: timestamp",
      .options = "keep: 25d",
      .limits = PATIENT,
      .model = "DELETE FROM logs WHERE id <= 60000"},
     "delete",
     120000},
};

/* The ids of the ledger are in the database, and no others beyond `rows`; returns how many. */
static int64_t check_ledger(sqlite3 *db, int rows)
{
    char *path = folder_path("ledger"), *more = memory_format("id > %d", rows);
    char *insert = memory_format("SELECT count(*) FROM logs WHERE %s", more);
    FILE *ledger = fopen(path, "r");
    sqlite3_stmt *find;
    long long id;
    int64_t count = 0;

    ck_assert_ptr_nonnull(ledger);
    sqlite3_prepare_v2(db, "SELECT 1 FROM logs WHERE id = ?", -1, &find, NULL);
    for (; fscanf(ledger, "%lld", &id) == 1; count++) {
        sqlite3_bind_int64(find, 1, id);
        ck_assert_msg(sqlite3_step(find) == SQLITE_ROW, "row %lld, which was committed, is gone",
                      id);
        sqlite3_reset(find);
    }
    ck_assert_int_eq(proof_integer(db, insert), count);
    sqlite3_finalize(find);
    fclose(ledger);
    free(insert);
    free(more);
    free(path);
    return count;
}

/* In many short steps. Ten times what is promised, for the machine may be busy, and but for the
 * longest, for a disk may stand still; one statement would be one hold. */
static void check_holds(const struct proof_run *run)
{
    const json_t *lock = json_object_get(run->outcome, "lock");
    json_int_t count = json_integer_value(json_object_get(lock, "count"));
    double others_ms = json_number_value(json_object_get(lock, "total_ms")) -
                       json_number_value(json_object_get(lock, "max_ms"));

    ck_assert_int_gt(count, 3);
    ck_assert_double_lt(others_ms / (double)(count - 1), 300);
}

/* Takes its rows away, so that what is left can be compared with the model. */
static void check_application(const struct program_result *result, const struct proof_case *c,
                              int rows)
{
    char *path = proof_path(c), *forget = memory_format("DELETE FROM logs WHERE id > %d", rows);
    sqlite3 *db = proof_open(path);
    const char *line = strstr(result->out, "{\"event\":\"report\"");
    json_t *report = json_loads(line ? line : "", 0, NULL);

    ck_assert_int_eq(result->status, 0);
    json_t *writes = json_object_get(report, "writes"), *reads = json_object_get(report, "reads");
    printf("%s: writes: max %.1f ms, p99 %.1f ms\n", c->name,
           json_number_value(json_object_get(writes, "max_ms")),
           json_number_value(json_object_get(writes, "p99_ms")));
    ck_assert_msg(json_object_size(json_object_get(writes, "errors")) == 0, "%s", line);
    ck_assert_msg(json_object_size(json_object_get(reads, "errors")) == 0, "%s", line);
    ck_assert_int_eq(check_ledger(db, rows), json_integer_value(json_object_get(writes, "count")));
    proof_do(db, forget);
    sqlite3_close(db);
    json_decref(report);
    free(forget);
    free(path);
}

START_TEST(an_application_writes_and_reads_beside_it)
{
    const struct proof_case *c = &beside[_i].proof;
    struct program application;
    struct program_result result;
    struct proof_run run;
    sqlite3 *model = proof_make(c, beside[_i].journal);
    char *words = expect_words("--busy-timeout 10000 --interval 5 --ledger @/ledger @/t.db");

    program_start_named(&application, "field/application", words, false);
    ck_assert(program_expect(&application, "\"ready\""));
    proof_run(c, &run);
    kill(application.pid, SIGTERM);
    program_finish(&application, &result);
    proof_check_outcome(c, &run, beside[_i].rows / 2);
    check_holds(&run);
    check_application(&result, c, beside[_i].rows);
    proof_same(c, model);
    sqlite3_close(model);
    proof_free(&run);
    program_result_free(&result);
    free(words);
}
END_TEST

/* --- rows that the application touches meanwhile ------------------------------------------- */

/* Slow enough that there is a meanwhile. */
#define SLOW "    duty: 20%\n    max_lock: 2ms\n    busy_timeout: 20s\n"
#define TOUCHED                                                                                \
    "CREATE TABLE touched(id INTEGER PRIMARY KEY);"                                            \
    "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, note);" PROOF_NUMBERS(                 \
        20000) "INSERT INTO t SELECT i, strftime('%s', 'now', '-' || (i % 200) || ' days') - " \
               "3600, i"                                                                       \
               " FROM n;"

static const struct proof_case touching[] = {
    {.name = "by age",
     .setup = TOUCHED "CREATE INDEX t_at ON t(at)",
     .options = "keep: 100d",
     .limits = SLOW},
    {.name = "by key", .setup = TOUCHED, .options = "keep: 100d", .limits = SLOW},
    {.name = "by age, one by one",
     .setup = TOUCHED "CREATE INDEX t_at ON t(at); CREATE TABLE c(t_id REFERENCES t)",
     .options = "keep: 100d",
     .limits = SLOW},
};

/* Makes old rows young, one after the other, till it is killed; notes those that were there. */
static void touch_rows(const struct proof_case *c)
{
    char *path = proof_path(c);
    sqlite3 *db = proof_open(path);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint64_t random = 7;; random = random * 6364136223846793005u + 1442695040888963407u) {
        char *sql = memory_format(
            "BEGIN IMMEDIATE; UPDATE t SET at = strftime('%%s', 'now') + 0, note = 'touched'"
            " WHERE id = %d; INSERT OR IGNORE INTO touched SELECT %d WHERE changes() = 1; COMMIT",
            (int)(random >> 33) % 20000 + 1, (int)(random >> 33) % 20000 + 1);
        proof_do(db, sql);
        free(sql);
        usleep(300);
    }
}

START_TEST(rows_that_become_young_stay)
{
    const struct proof_case *c = &touching[_i / 2];
    struct proof_run run;
    char *path = proof_path(c);

    sqlite3_close(proof_make(c, _i % 2 ? "delete" : "wal"));
    pid_t application = fork();
    if (application == 0)
        touch_rows(c);
    proof_run(c, &run);
    kill(application, SIGKILL);
    waitpid(application, NULL, 0);
    ck_assert_msg(run.result.status == 0, "%s",
                  json_string_value(json_object_get(run.outcome, "reason")));
    sqlite3 *db = proof_open(path);
    char *integrity = proof_text(db, "PRAGMA integrity_check");
    ck_assert_str_eq(integrity, "ok");
    ck_assert_int_gt(proof_integer(db, "SELECT count(*) FROM touched"), 5);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM touched NATURAL LEFT JOIN t"
                                       " WHERE note IS NOT 'touched'"),
                     0);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM t WHERE note <> 'touched'"
                                       " AND at < strftime('%s', 'now', '-100 days') + 0"),
                     0);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM (SELECT id FROM touched UNION"
                                       " SELECT id FROM t)") +
                         json_integer_value(json_object_get(run.outcome, "rows")),
                     20000);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM t WHERE note <> 'touched'"
                                       " AND note <> id"),
                     0);
    sqlite3_close(db);
    proof_free(&run);
    free(integrity);
    free(path);
}
END_TEST

/* --- many children ------------------------------------------------------------------------ */

static const struct proof_case family = {
    .name = "50,000 children",
    .setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER); CREATE INDEX t_at ON t(at);"
             "INSERT INTO t VALUES (1, strftime('%s', 'now', '-200 days') + 0);"
             "CREATE TABLE c(id INTEGER PRIMARY KEY, t_id REFERENCES t ON DELETE CASCADE, note);"
             "CREATE INDEX c_t ON c(t_id);" PROOF_NUMBERS(
                 50000) "INSERT INTO c SELECT i, 1, hex(randomblob(30)) FROM n",
    .options = "keep: 100d, cascade: delete",
    .model = "DELETE FROM c; DELETE FROM t",
    .effect = "{\"rows_past_cutoff\":0,\"child_rows\":50000}"};

START_TEST(children_go_in_steps)
{
    struct proof_run run;
    sqlite3 *model = proof_make(&family, "wal");

    proof_run(&family, &run);
    proof_check_outcome(&family, &run, 1);
    proof_same(&family, model);
    check_holds(&run);
    proof_free(&run);
    sqlite3_close(model);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("retention_live");
    TCase *cases = tcase_create("retention_live");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 180);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_loop_test(cases, an_application_writes_and_reads_beside_it, 0, 2);
    tcase_add_loop_test(cases, rows_that_become_young_stay, 0, 6);
    tcase_add_test(cases, children_go_in_steps);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
