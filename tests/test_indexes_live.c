/*
 * The indexes of config/demo.yaml, on the database that it is for, by the real program, beside the
 * real application and one more that changes the very rows: afterwards its five queries use them,
 * nobody has failed, and every row is there.
 */
#include "field/latency.h"
#include "field/queries.h"
#include "field/sql.h"
#include "field/stage.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char *build, *database, *policy, *said, *ledger;

static void setup(void)
{
    folder_make();
    build = realpath("/proc/self/exe", NULL);
    *strstr(build, "/tests/test_indexes_live") = '\0';
    database = folder_path("worklog.db");
    policy = folder_path("policy.yaml");
    said = folder_path("said");
    ledger = folder_path("ledger");
}

static void teardown(void)
{
    folder_remove();
    free(build);
    free(database);
    free(policy);
    free(said);
    free(ledger);
}

static void make_database(const char *journal, const char *worklogs)
{
    char *program = memory_format("%s/field/seed-database", build);
    const char *const argv[] = {program,     "--logs", "10000",  "--worklogs", worklogs,
                                "--journal", journal,  database, NULL};
    int status;

    json_decref(stage_run(argv, said, NULL, &status));
    ck_assert_int_eq(status, 0);
    free(program);
}

/* config/demo.yaml with the test's own places. */
static void make_policy(void)
{
    static const char *const places[][2] = {{"/srv/worklog/worklog.db", "worklog.db"},
                                            {"/var/lib/litekeeper", "state"},
                                            {"/run/litekeeper/litekeeper.sock", "socket"}};
    FILE *in = fopen("config/demo.yaml", "r"), *out = fopen(policy, "w");
    char line[512];

    ck_assert(in && out);
    while (fgets(line, sizeof line, in)) {
        char *found = NULL, *path = NULL;
        size_t i = 0;
        for (; i < 3 && !(found = strstr(line, places[i][0])); i++)
            continue;
        path = found ? folder_path(places[i][1]) : NULL;
        if (found)
            fprintf(out, "%.*s\"%s\"%s", (int)(found - line), line, path,
                    found + strlen(places[i][0]));
        else
            fputs(line, out);
        free(path);
    }
    fclose(in);
    fclose(out);
}

/* --- whoever changes worklogs meanwhile --------------------------------------------------- */

struct changes {
    volatile bool stop;
    volatile int64_t commits;
};

static void change(sqlite3 *db, int64_t n)
{
    static const char *const statements[] = {
        "INSERT INTO worklogs(id, issue_key, author_email, started, jira_instance, data, "
        "company_id)"
        " VALUES('new-%lld', 'PROJ-1', 'user91@company2.example', datetime('now', '-40 days'),"
        " 'instance-2', '{}', 2)",
        "UPDATE worklogs SET started = datetime(started, '+1 minute'), author_email = 'moved%lld'"
        " WHERE rowid = (%lld * 7919) %% 10000",
        "DELETE FROM worklogs WHERE id = 'new-%lld'",
        "INSERT OR REPLACE INTO worklogs SELECT * FROM worklogs WHERE rowid = (%lld * 31) %% 10000",
        "UPDATE factorial_leaves SET status = 'rejected' WHERE id = %lld %% 5000",
    };
    char *sql = sqlite3_mprintf(statements[n % 5], n % 5 == 2 ? (long long)n - 7 : (long long)n, n);

    sql_run(db, "%s", sql);
    sqlite3_free(sql);
}

static pid_t change_start(struct changes *changes, useconds_t pause)
{
    pid_t child = fork();

    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sqlite3 *db = sql_open(database, SQLITE_OPEN_READWRITE);
    for (int64_t n = 0; !changes->stop; n++) {
        change(db, n); /* ends the process where it fails */
        changes->commits++;
        usleep(pause);
    }
    sqlite3_close(db);
    _exit(0);
}

/* --- what came of it ---------------------------------------------------------------------- */

static void check_ledger(sqlite3 *db)
{
    sqlite3_stmt *find = sql_prepare(db, "SELECT 1 FROM logs WHERE id = ?1");
    FILE *ids = fopen(ledger, "r");
    long long id, count = 0;

    ck_assert_ptr_nonnull(ids);
    for (; fscanf(ids, "%lld", &id) == 1; count++) {
        sqlite3_bind_int64(find, 1, id);
        ck_assert_msg(sqlite3_step(find) == SQLITE_ROW, "row %lld is gone", id);
        sqlite3_reset(find);
    }
    ck_assert_int_gt(count, 0);
    sqlite3_finalize(find);
    fclose(ids);
}

static void check_database(void)
{
    sqlite3 *db = sql_open(database, SQLITE_OPEN_READWRITE);

    ck_assert_int_eq(
        sql_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        0);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM sqlite_master WHERE name LIKE "
                                    "'%litekeeper%' OR name = 'idx_worklogs_started_date'"),
                     0);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM worklogs NOT INDEXED"),
                     sql_number(db, "SELECT count(*) FROM worklogs INDEXED BY "
                                    "idx_worklogs_user_range WHERE company_id > -1"));
    check_ledger(db);
    sqlite3_close(db);
}

static void check_run(const struct program_result *run)
{
    const char *line = strstr(run->out, "{\"event\":\"outcome\"");
    json_t *outcome = json_loads(line ? line : "", JSON_DISABLE_EOF_CHECK, NULL),
           *effect = json_object_get(outcome, "effect");

    ck_assert_msg(run->status == 0 && outcome, "%s%s", run->out, run->err);
    ck_assert_str_eq(json_string_value(json_object_get(outcome, "outcome")), "done");
    ck_assert_uint_eq(json_array_size(json_object_get(effect, "built")), 4);
    ck_assert_uint_eq(json_array_size(json_object_get(effect, "dropped")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(effect, "worse_plans")), 0);
    printf("  %s; longest hold %.1f ms of %g, %.1f s\n",
           json_string_value(json_object_get(outcome, "reason")),
           stage_number(outcome, "lock", "max_ms"), stage_number(outcome, "lock", "count"),
           stage_number(outcome, NULL, "seconds"));
    json_decref(outcome);
}

static void check_application(json_t *report)
{
    ck_assert_int_eq(stage_errors(json_object_get(report, "writes")) +
                         stage_errors(json_object_get(report, "reads")),
                     0);
    printf("  the application's writes: p99 %.1f ms, max %.1f ms\n",
           stage_number(report, "writes", "p99_ms"), stage_number(report, "writes", "max_ms"));
    json_decref(report);
}

/* With a rollback journal two that write all the time would starve a third. */
static void run_beside(const char *interval, struct program_result *run)
{
    char *program = memory_format("%s/field/application", build);
    const char *const argv[] = {program, "--interval", interval, "--ledger",
                                ledger,  database,     NULL};
    struct changes *changes =
        mmap(NULL, sizeof *changes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct stage_process application;
    int status;

    stage_application(&application, argv, said);
    pid_t child = change_start(changes, (useconds_t)atoi(interval) * 1000);
    expect_run("run -c @/policy.yaml --json worklog indexes", run);
    changes->stop = true;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the other one has failed");
    ck_assert_int_gt(changes->commits, 50);
    check_application(stage_application_stop(&application));
    munmap(changes, sizeof *changes);
    free(program);
}

START_TEST(five_queries)
{
    struct query_figures before[QUERIES], after[QUERIES];
    struct program_result run;
    const struct option_texts *queries;

    make_database(_i ? "delete" : "wal", _i ? "15000" : "40000");
    make_policy();
    queries = queries_load("config/demo.yaml");
    queries_measure(database, queries, before);
    ck_assert(!queries_kept(before));
    run_beside(_i ? "50" : "5", &run);
    check_run(&run);
    check_database();
    queries_measure(database, queries, after);
    queries_print(before, after);
    ck_assert(queries_kept(after));
    for (int i = 0; i < QUERIES; i++) {
        free(before[i].plan);
        free(after[i].plan);
    }
    program_result_free(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("indexes_live");
    TCase *cases = tcase_create("indexes_live");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 180);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, five_queries, 0, 2);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
