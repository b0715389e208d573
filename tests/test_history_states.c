/* How each task stands: what counts as a run, what is recalled, and what a file of the first
 * format knew of it. */
#include "history.h"
#include "history_schema.h"

#include "lib_chronicle.h"
#include "lib_folder.h"
#include "lib_history.h"
#include "lib_sql.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct history *history;

static void check_list(enum history_list list, const char *expected)
{
    char *got = histories_list(history, list);

    ck_assert_str_eq(got, expected);
    free(got);
}

/* Runs at 1, 2, ...: d done, s skipped, f failed, c cancelled; with b busy, with w waiting. */
static const struct {
    const char *runs;
    const char *started, *failures, *outcome, *done;
} sequences[] = {
    {"d", "1", "0", "done", "1"},           {"s", "1", "0", "skipped", "NULL"},
    {"f", "1", "1", "failed", "NULL"},      {"c", "NULL", "0", "cancelled", "NULL"},
    {"sb", "NULL", "0", "skipped", "NULL"}, {"sw", "NULL", "0", "skipped", "NULL"},
    {"dsw", "1", "0", "skipped", "1"},      {"fff", "3", "3", "failed", "NULL"},
    {"fffs", "4", "0", "skipped", "NULL"},  {"dffd", "4", "0", "done", "4"},
    {"dff", "3", "2", "failed", "1"},       {"ffsbf", "4", "3", "failed", "NULL"},
    {"ffcf", "4", "3", "failed", "NULL"},   {"ffb", "1", "1", "failed", "NULL"},
    {"ds", "2", "0", "skipped", "1"},
};

static const char *kind_of(char letter)
{
    return letter == 'd'   ? "done"
           : letter == 's' ? "skipped"
           : letter == 'f' ? "failed"
                           : "cancelled";
}

START_TEST(some_outcomes_count_as_runs)
{
    const char *run = sequences[_i].runs;
    char *expected = memory_format("%s|%s|%s|%s", sequences[_i].started, sequences[_i].failures,
                                   sequences[_i].outcome, sequences[_i].done);
    int64_t at = 0;

    for (; *run; run++) {
        json_t *outcome = chronicled_outcome("vacuum", kind_of(*run), 0);
        if (run[1] == 'b')
            json_object_set_new(outcome, "busy", json_true());
        if (run[1] == 'w')
            json_object_set_new(outcome, "waits", json_true());
        run += run[1] == 'b' || run[1] == 'w';
        ck_assert_int_eq(history_record(history, outcome, "/a.db", ++at, NULL), STATUS_OK);
        json_decref(outcome);
    }
    worklog_check("history.db", "SELECT started_us, failures, outcome, done_us FROM state",
                  expected);
    worklog_check("history.db", "SELECT seen_us FROM state", "1");
    free(expected);
}
END_TEST

START_TEST(a_run_that_is_told_twice_is_one)
{
    for (int i = 0; i < 2; i++) {
        histories_record(history, "/a.db", "vacuum", NULL, "failed", 5);
        histories_record(history, "/a.db", "retention", "logs", "failed", 5);
        histories_record(history, "/b.db", "vacuum", NULL, "failed", 5);
    }
    worklog_check("history.db", "SELECT count(*), (SELECT count(*) FROM sample_btree) FROM run",
                  "3|3");
    worklog_check("history.db", "SELECT count(*), max(failures) FROM state", "3|1");
}
END_TEST

START_TEST(tasks_are_seen_once)
{
    json_t *tasks =
        json_pack("[[s, s, n], [s, s, s]]", "/a.db", "vacuum", "/a.db", "retention", "logs");
    bool fresh = false;

    ck_assert_int_eq(history_fresh(history, &fresh, NULL), STATUS_OK);
    ck_assert(fresh);
    ck_assert_int_eq(history_seen(history, 100, tasks, NULL), STATUS_OK);
    ck_assert_int_eq(history_seen(history, 200, tasks, NULL), STATUS_OK);
    histories_record(history, "/a.db", "retention", "logs", "failed", 150);
    check_list(HISTORY_STATES,
               "{\"event\":\"state\",\"path\":\"/a.db\",\"task\":\"retention\",\"target\":\"logs\","
               "\"seen_us\":100,\"started_us\":150,\"failures\":1,\"outcome\":\"failed\"}\n"
               "{\"event\":\"state\",\"path\":\"/a.db\",\"task\":\"vacuum\",\"target\":null,"
               "\"seen_us\":100,\"started_us\":null,\"failures\":0,\"outcome\":null}\n");
    ck_assert_int_eq(history_fresh(history, &fresh, NULL), STATUS_OK);
    ck_assert(!fresh);
    json_decref(tasks);
    tasks = json_pack("[[i]]", 7);
    ck_assert_int_eq(history_seen(history, 300, tasks, NULL), STATUS_INVALID);
    json_decref(tasks);
}
END_TEST

START_TEST(files_are_known_by_their_paths)
{
    json_t *one = json_pack("{s:s, s:I, s:I}", "path", "/a.db", "device", (json_int_t)7, "inode",
                            (json_int_t)-2);

    ck_assert_int_eq(history_file(history, one, NULL), STATUS_OK);
    json_object_set_new(one, "device", json_integer(8));
    ck_assert_int_eq(history_file(history, one, NULL), STATUS_OK);
    check_list(HISTORY_FILES,
               "{\"event\":\"file\",\"path\":\"/a.db\",\"device\":8,\"inode\":-2}\n");
    json_decref(one);
}
END_TEST

static void note_writer(int version, int64_t at_us)
{
    json_t *writer = json_pack("{s:i, s:i, s:I, s:I}", "version", version, "ours", 7, "at_us",
                               (json_int_t)at_us, "inode", (json_int_t)-2);

    ck_assert_int_eq(history_writer(history, writer, "/a.db", NULL), STATUS_OK);
    json_decref(writer);
}

/* Whichever task it is. */
START_TEST(the_last_writer_is_known_by_the_path)
{
    struct history_subject subject = {"/a.db", "vacuum", NULL}, other = {"/b.db", "vacuum", NULL};
    struct history_past past;

    note_writer(3040001, 5);
    note_writer(3046001, 6);
    ck_assert_int_eq(history_past(history, &subject, &past, NULL), STATUS_OK);
    ck_assert_int_eq(past.last.writer.version, 3046001);
    ck_assert_int_eq(past.last.writer.at_us, 6);
    ck_assert_int_eq(past.last.writer.ours, 7);
    ck_assert_uint_eq(past.last.writer.inode, (uint64_t)-2);
    ck_assert_int_eq(history_past(history, &other, &past, NULL), STATUS_OK);
    ck_assert_int_eq(past.last.writer.version, 0);
}
END_TEST

START_TEST(the_last_done_run_is_the_past)
{
    struct history_subject subject = {"/a.db", "vacuum", NULL};
    struct history_past past;

    ck_assert_int_eq(history_past(history, &subject, &past, NULL), STATUS_OK);
    ck_assert_int_eq(past.last.started_us, 0);
    ck_assert_ptr_null(past.last.effect);
    histories_record(history, "/a.db", "vacuum", NULL, "done", 1);
    histories_record(history, "/a.db", "vacuum", NULL, "skipped", 2);
    histories_record(history, "/a.db", "vacuum", "logs", "done", 3);
    ck_assert_int_eq(history_past(history, &subject, &past, NULL), STATUS_OK);
    ck_assert_int_eq(past.last.started_us, 1);
    ck_assert_double_eq(past.last.seconds, 0.5);
    ck_assert_int_eq(json_integer_value(json_object_get(past.last.effect, "pages")), 10);
    ck_assert_ptr_null(json_object_get(past.last.effect, "btrees"));
    ck_assert_int_eq(past.counted.seen_us, 1);
    ck_assert_int_eq(past.counted.started_us, 2);
    json_decref(past.last.effect);
}
END_TEST

#define FIRST(ID, AT, TASK, TARGET, OUTCOME)                                            \
    "INSERT INTO run VALUES(" #ID "," #AT "," #AT ", 'd', '/a.db', '" TASK "', " TARGET \
    ", '" OUTCOME "', 'r', 0, 0, 0.25, 0, 0, 0, 0, '{\"x\":" #ID "}');"

/* A file of the first format, with runs of which one is there twice. */
START_TEST(a_first_format_becomes_this_one)
{
    char *path = folder_path("history.db");

    history_close(history);
    ck_assert_int_eq(remove(path), 0);
    sqlite3 *db = sql_make(path);
    sql_do(db, "%s", history_schema[0]);
    sql_do(db, "%s",
           FIRST(1, 10, "vacuum", "NULL", "done") FIRST(2, 20, "vacuum", "NULL", "failed")
               FIRST(3, 30, "vacuum", "NULL", "failed") FIRST(4, 30, "vacuum", "NULL", "failed")
                   FIRST(5, 40, "vacuum", "NULL", "cancelled")
                       FIRST(6, 50, "retention", "'logs'", "done")
                           FIRST(7, 60, "retention", "'logs'", "skipped")
                               FIRST(8, 50, "retention", "'other'", "failed"));
    sql_do(db, "INSERT INTO sample VALUES(1, 4096, 5, 0, 0), (4, 4096, 5, 0, 0);"
               "INSERT INTO sample_btree(sample, position, name) VALUES(1, 0, 'kept'),"
               " (4, 0, 'twice'); INSERT INTO clock VALUES('b', 1, 2, 3, 1)");
    sqlite3_close(db);
    history = histories_open();
    enum history_found found;
    ck_assert(history_opened(history, &found));
    ck_assert_int_eq(found, HISTORY_FOUND);
    ck_assert(!history_opened(history, &found));
    check_list(HISTORY_STATES,
               "{\"event\":\"state\",\"path\":\"/a.db\",\"task\":\"retention\",\"target\":\"logs\","
               "\"seen_us\":50,\"started_us\":60,\"failures\":0,\"outcome\":\"skipped\"}\n"
               "{\"event\":\"state\",\"path\":\"/a.db\",\"task\":\"retention\",\"target\":"
               "\"other\",\"seen_us\":50,\"started_us\":50,\"failures\":1,"
               "\"outcome\":\"failed\"}\n"
               "{\"event\":\"state\",\"path\":\"/a.db\",\"task\":\"vacuum\",\"target\":null,"
               "\"seen_us\":10,\"started_us\":30,\"failures\":2,\"outcome\":\"cancelled\"}\n");
    worklog_check("history.db",
                  "SELECT task, target, done_us, done_seconds, done_effect FROM state",
                  "retention|logs|50|0.25|{\"x\":6}|retention|other|NULL|NULL|NULL"
                  "|vacuum||10|0.25|{\"x\":1}");
    worklog_check("history.db", "SELECT count(*), sum(id) FROM run", "7|32");
    worklog_check("history.db", "SELECT group_concat(name) FROM sample_btree", "kept");
    worklog_check("history.db", "SELECT count(*) FROM clock", "1");
    worklog_check("history.db", "PRAGMA auto_vacuum", "2");
    worklog_check("history.db", "PRAGMA integrity_check", "ok");
    histories_record(history, "/a.db", "vacuum", NULL, "done", 70);
    free(path);
}
END_TEST

static void set_up(void)
{
    folder_make();
    history = histories_open();
}

static void tear_down(void)
{
    history_close(history);
    folder_remove();
}

int main(void)
{
    Suite *suite = suite_create("history_states");
    TCase *cases = tcase_create("history_states");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, some_outcomes_count_as_runs, 0,
                        sizeof sequences / sizeof *sequences);
    tcase_add_test(cases, a_run_that_is_told_twice_is_one);
    tcase_add_test(cases, tasks_are_seen_once);
    tcase_add_test(cases, files_are_known_by_their_paths);
    tcase_add_test(cases, the_last_writer_is_known_by_the_path);
    tcase_add_test(cases, the_last_done_run_is_the_past);
    tcase_add_test(cases, a_first_format_becomes_this_one);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
