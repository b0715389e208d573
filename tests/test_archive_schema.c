/*
 * The schema is changed while rows that are in a segment already are being deleted. What the
 * application then writes into a new column is in no segment, so no such row may go.
 */
#include "clock.h"
#include "lib_family.h"
#include "lib_folder.h"
#include "lib_proof.h"
#include "memory.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATIENCE_MS = 20000 };

static const struct proof_case amid = {
    .name = "amid",
    .setup =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, at INTEGER, x);"
        "CREATE INDEX t_at ON t(at); CREATE INDEX t_x ON t(x);" PROOF_NUMBERS(
            30000) "INSERT INTO t SELECT i, strftime('%s', " PROOF_AGO("i % 900 + 2500") ") + 0,"
                                                                                         " hex("
                                                                                         "randomblo"
                                                                                         "b(40)) "
                                                                                         "FROM n;",
    .options = "keep: 100d, archive: { directory: \"@/cold\", partition: none }",
    .limits = "    max_lock: 2ms\n",
    .status = 75,
    .outcome = "cancelled",
};

static bool is_deleting(void)
{
    char *path = folder_path("cold/d/t/_unfinished.json");
    json_t *manifest = json_load_file(path, 0, NULL);
    const char *state = json_string_value(json_object_get(manifest, "state"));
    bool deleting = state && strcmp(state, "deleting") == 0;

    json_decref(manifest);
    free(path);
    return deleting;
}

/* With the worker at a halt, so that it does not end before. False: it is in the middle of a hold,
 * which lasts as long as the halt: no use in waiting. */
static bool change_schema(sqlite3 *db, pid_t worker)
{
    if (!worker)
        return false;
    kill(worker, SIGSTOP);
    sqlite3_busy_timeout(db, 0);
    bool changed = sqlite3_exec(db,
                                "BEGIN IMMEDIATE; ALTER TABLE t ADD COLUMN more;"
                                "UPDATE t SET more = 'more'; COMMIT",
                                NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_busy_timeout(db, PATIENCE_MS);
    kill(worker, SIGCONT);
    return changed;
}

START_TEST(a_new_column_is_not_lost)
{
    char *cold = folder_path("cold"), *path = proof_path(&amid);
    double until_ms = clock_monotonic_ms() + PATIENCE_MS;
    struct program program;
    struct proof_run run;
    bool changed = false;

    ck_assert_int_eq(mkdir(cold, 0750), 0);
    sqlite3_close(proof_make(&amid, "wal"));
    sqlite3 *db = proof_open(path);
    proof_start(&amid, &program);
    while (!changed && clock_monotonic_ms() < until_ms) {
        if (is_deleting() && proof_integer(db, "SELECT count(*) FROM t") < 30000)
            changed = change_schema(db, family_youngest(program.pid));
        clock_sleep_ms(0.3);
    }
    ck_assert_msg(changed, "there was no instant for it");
    int64_t rows = proof_integer(db, "SELECT count(*) FROM t");
    ck_assert_msg(rows > 0 && rows < 30000, "%lld rows were left", (long long)rows);
    proof_finish(&amid, &program, &run);
    const char *reason = json_string_value(json_object_get(run.outcome, "reason"));
    ck_assert_msg(reason && strstr(reason, "the schema was changed"), "%s%s", run.result.out,
                  run.result.err);
    ck_assert_int_eq(run.result.status, 75);
    ck_assert_int_eq(proof_integer(db, "SELECT count(*) FROM t WHERE more = 'more'"), rows);
    sqlite3_close(db);
    proof_free(&run);
    free(cold);
    free(path);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_new_column_is_not_lost, NULL};

    return proof_main("archive_schema", NULL, 0, tests);
}
