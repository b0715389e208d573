/* `run`, `plan` and `inspect` end to end: the real binary on real files. */
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_worklog.h"

#include <check.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    setenv("TERM", "xterm", 1);
    folder_make();
    expect_policy(POLICY);
}

START_TEST(a_run_removes_what_is_old_and_remembers_it)
{
    worklog_make("worklog.db", 2000);
    expect("run -c @/policy.yaml worklog retention logs", 0,
           "worklog retention logs: done in # ~s: ~; lock held # ~, longest # ms~; "
           "no row left past the cutoff\n",
           "");
    worklog_check("worklog.db", "SELECT count(*) FROM logs", "1000");
    expect("run -c @/policy.yaml worklog retention", 0, "worklog retention logs: skipped: ~\n", "");
    worklog_check("state/history.db",
                  "SELECT group_concat(database || ' ' || task || ' ' || target || ' ' || outcome"
                  " || ' ' || rows, '; ') FROM (SELECT * FROM run ORDER BY id)",
                  "worklog retention logs done 1000; worklog retention logs skipped 0");
    worklog_check("state/history.db", "SELECT count(*) FROM clock", "1");
}
END_TEST

START_TEST(a_run_without_a_task_runs_all)
{
    worklog_make("worklog.db", 200);
    expect("run -c @/policy.yaml worklog", 0,
           "worklog sample: done in # ~s: ~\nworklog retention logs: done in # ~s: ~\n", "");
    worklog_check("state/history.db", "SELECT count(*) FROM sample", "1");
    worklog_check("state/history.db",
                  "SELECT group_concat(name) FROM (SELECT name FROM sample_btree ORDER BY name)",
                  "logs,logs_timestamp,sqlite_schema");
}
END_TEST

/* The last line of each task is its outcome, and every line is one object. */
START_TEST(json_is_an_object_a_line)
{
    struct program_result result;
    char *rest, *line;
    json_t *event = NULL;

    worklog_make("worklog.db", 2000);
    expect_run("run -c @/policy.yaml --json worklog retention", &result);
    ck_assert_str_eq(result.err, "");
    for (rest = result.out; (line = strsep(&rest, "\n")) && *line;) {
        json_decref(event);
        event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(json_is_object(event), "%s", line);
    }
    ck_assert_str_eq(json_string_value(json_object_get(event, "event")), "outcome");
    ck_assert_str_eq(json_string_value(json_object_get(event, "outcome")), "done");
    ck_assert_int_eq(json_integer_value(json_object_get(event, "rows")), 1000);
    ck_assert(json_is_object(json_object_get(event, "lock")));
    ck_assert(json_is_object(json_object_get(event, "effect")));
    json_decref(event);
    program_result_free(&result);
}
END_TEST

START_TEST(a_plan_says_and_changes_nothing)
{
    struct program_result result;

    worklog_make("worklog.db", 2000);
    char *before = worklog_ask("worklog.db", "SELECT sum(id), max(timestamp) FROM logs");
    expect("plan -c @/policy.yaml worklog retention", 0,
           "worklog  @/worklog.db\n"
           "  retention logs  act   ~\n"
           "                        due ~; expected: ~\n",
           "");
    expect("plan -c @/policy.yaml --at 2001-01-01 worklog retention", 0,
           "worklog  @/worklog.db\n  retention logs  skip  ~\n"
           "                        due 2001-01-02 00:00:00Z\n",
           "");
    expect_run("plan -c @/policy.yaml --json", &result);
    ck_assert_int_eq(result.status, 0);
    expect_text("plan --json", result.out,
                "{\"event\":\"plan\",\"database\":\"worklog\",\"task\":\"sample\",\"target\":null,"
                "\"due\":\"~\",\"decision\":\"act\",\"reason\":\"~\",\"rows\":~,\"bytes\":~,"
                "\"seconds\":~}\n"
                "{\"event\":\"plan\",\"database\":\"worklog\",\"task\":\"retention\","
                "\"target\":\"logs\",\"due\":\"~\",\"decision\":\"act\",\"reason\":\"~\","
                "\"rows\":#,\"bytes\":~,\"seconds\":~}\n");
    program_result_free(&result);
    worklog_check("worklog.db", "SELECT sum(id), max(timestamp) FROM logs", before);
    free(before);
}
END_TEST

START_TEST(an_inspection_needs_no_policy)
{
    struct program_result result;

    worklog_make("worklog.db", 2000);
    expect("inspect @/worklog.db", 0,
           "@/worklog.db\n"
           "\n"
           "  size         # KiB, # pages of 4,096 bytes\n"
           "  free pages   0 bytes, 0 pages (0.0%)\n"
           "  journal      wal, the WAL has 0 bytes\n"
           "  auto_vacuum  none\n"
           "  SQLite       # here, the last writer's #\n"
           "  looked at    # pages (#%)\n"
           "\n"
           "  b-tree          kind         size  of file    fragm.   density\n"
           "  logs            table ~%  ~%  ~%\n"
           "  logs_timestamp  index ~%  ~%  ~%\n"
           "  sqlite_schema   table ~%  ~%  ~%\n"
           "\n"
           "&",
           "");
    expect_run("inspect --json @/worklog.db", &result);
    ck_assert_int_eq(result.status, 0);
    json_t *report = json_loads(result.out, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(report);
    static const char *const keys[] = {"path",       "page_size",    "pages",       "free_pages",
                                       "wal_bytes",  "journal_mode", "auto_vacuum", "sqlite",
                                       "pages_read", "btrees"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        ck_assert_msg(json_object_get(report, keys[i]) != NULL, "%s", keys[i]);
    ck_assert_uint_eq(json_array_size(json_object_get(report, "btrees")), 3);
    json_decref(report);
    program_result_free(&result);
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
    folder_write("notes*.txt", "not a database, but long enough to be taken for the beginning "
                               "of one by something that only looks at how much there is");
    expect("inspect @/notes*.txt", 1, "", "litekeeper: @/notes*.txt: ~\n");
    expect("inspect @/note?.txt", 1, "", "litekeeper: @/note?.txt: ~\n");
}
END_TEST

START_TEST(a_refused_file_is_skipped_with_the_reason)
{
    char *real = folder_path("real.db"), *link_ = folder_path("worklog.db");

    expect("run -c @/policy.yaml worklog retention", 0, "worklog retention logs: skipped: ~\n", "");
    worklog_make("real.db", 200);
    ck_assert_int_eq(symlink(real, link_), 0);
    expect("run -c @/policy.yaml worklog retention", 0, "worklog retention logs: skipped: ~link~\n",
           "");
    worklog_check("real.db", "SELECT count(*) FROM logs", "200");
    worklog_check("state/history.db", "SELECT group_concat(outcome) FROM run", "skipped,skipped");
    free(link_);
    free(real);
}
END_TEST

START_TEST(a_locked_database_is_for_later)
{
    worklog_make("worklog.db", 200);
    sqlite3 *db = worklog_open("worklog.db");
    worklog_do(db, "BEGIN IMMEDIATE");
    expect("run -c @/policy.yaml worklog retention", 75, "worklog retention logs: ~\n", "");
    worklog_do(db, "ROLLBACK");
    sqlite3_close(db);
    worklog_check("worklog.db", "SELECT count(*) FROM logs", "200");
}
END_TEST

START_TEST(a_history_that_cant_be_written_stops_nothing)
{
    worklog_make("worklog.db", 200);
    folder_write("state", "");
    expect("run -c @/policy.yaml worklog retention", 0, "worklog retention logs: done in # ~s: ~\n",
           "litekeeper: the history can't be used: @/state is no folder\n");
    worklog_check("worklog.db", "SELECT count(*) FROM logs", "100");
}
END_TEST

START_TEST(nothing_to_do_is_said)
{
    worklog_make("worklog.db", 10);
    expect_policy("daemon: { state: \"@/state\" }\n"
                  "databases:\n  - { name: worklog, path: \"@/worklog.db\" }\n");
    expect("run -c @/policy.yaml worklog", 0, "", "litekeeper: the policy has no task for that\n");
    expect_policy("daemon: { state: \"@/state\" }\n"
                  "databases: [{ path: \"@/*.nothing\", sample: {} }]\n");
    expect("plan -c @/policy.yaml", 0, "", "litekeeper: no file matches @/*.nothing\n");
}
END_TEST

START_TEST(a_globs_files_are_named_by_their_paths)
{
    struct program_result result;

    worklog_make("a.db", 200);
    worklog_make("b.db", 200);
    expect_policy("daemon: { state: \"@/state\" }\n"
                  "databases:\n"
                  "  - name: all\n"
                  "    path: \"@/*.db\"\n"
                  "    retention: { table: logs, column: timestamp, zone: UTC, keep: 100d }\n");
    expect("run -c @/policy.yaml @/b.db", 0, "@/b.db retention logs: done in # ~s: ~\n", "");
    worklog_check("a.db", "SELECT count(*) FROM logs", "200");
    expect("run -c @/policy.yaml all retention", 0,
           "@/a.db retention logs: done in # ~s: ~\n@/b.db retention logs: skipped: ~\n", "");
    expect_run("plan -c @/policy.yaml", &result);
    expect_text("plan", result.out,
                "@/a.db\n  retention logs  skip  ~\n                        due ~\n\n"
                "@/b.db\n  retention logs  skip  ~\n                        due ~\n");
    program_result_free(&result);
    expect("run -c @/policy.yaml @/c.db", 2, "", "litekeeper: there is no file @/c.db\n");
}
END_TEST

START_TEST(a_plan_says_when_it_is_due)
{
    worklog_make("worklog.db", 200);
    expect_policy("daemon: { state: \"@/state\" }\n"
                  "databases:\n"
                  "  - name: worklog\n"
                  "    path: \"@/worklog.db\"\n"
                  "    sample: { schedule: '*-02-30' }\n"
                  "    retention: { table: logs, column: timestamp, zone: UTC, keep: 100y,\n"
                  "      schedule: 'Sun 02:30 Europe/Berlin' }\n");
    expect("plan -c @/policy.yaml --at 2026-10-19 worklog", 0,
           "worklog  @/worklog.db\n"
           "  sample          act   ~\n"
           "                        due never\n"
           "  retention logs  skip  ~\n"
           "                        due 2026-10-25 00:30:00Z\n",
           "");
    expect("plan -c @/policy.yaml --at 2026-03-22T01:30:00Z worklog retention --json", 0,
           "{~\"due\":\"2026-04-05T00:30:00Z\",~}\n", "");
    expect("plan -c @/policy.yaml worklog sample --json", 0, "{~\"due\":null,~}\n", "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run");
    TCase *cases = tcase_create("run");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, a_run_removes_what_is_old_and_remembers_it);
    tcase_add_test(cases, a_run_without_a_task_runs_all);
    tcase_add_test(cases, json_is_an_object_a_line);
    tcase_add_test(cases, a_plan_says_and_changes_nothing);
    tcase_add_test(cases, a_plan_says_when_it_is_due);
    tcase_add_test(cases, an_inspection_needs_no_policy);
    tcase_add_test(cases, what_is_no_database_is_refused);
    tcase_add_test(cases, a_refused_file_is_skipped_with_the_reason);
    tcase_add_test(cases, a_locked_database_is_for_later);
    tcase_add_test(cases, a_history_that_cant_be_written_stops_nothing);
    tcase_add_test(cases, nothing_to_do_is_said);
    tcase_add_test(cases, a_globs_files_are_named_by_their_paths);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
