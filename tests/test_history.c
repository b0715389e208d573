/* The history: what it keeps, what it forgets, and which files and folders it refuses. */
#include "history.h"

#include "history_schema.h"
#include "lib_folder.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const int64_t day_us = INT64_C(86400) * 1000000;

static int64_t now_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

static struct history *history_of(const char *folder)
{
    struct history *history = NULL;
    struct error error = {0};

    ck_assert_msg(history_open(folder, &history, &error) == 0, "%s", error.text);
    return history;
}

static json_t *outcome_of(const char *task, const char *effect)
{
    json_t *outcome =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:{s:i, s:f, s:f, s:f}, s:o}",
                  "event", "outcome", "database", "worklog", "task", task, "target", "logs",
                  "outcome", "done", "reason", "7 rows older than 90 days", "rows", 7,
                  "bytes_freed", 4096, "seconds", 0.25, "lock", "count", 2, "max_ms", 1.5, "p99_ms",
                  1.25, "total_ms", 2.5, "effect",
                  effect ? json_loads(effect, 0, NULL) : json_null());

    ck_assert_ptr_nonnull(outcome);
    return outcome;
}

static void record(struct history *history, json_t *outcome, int64_t started_us)
{
    struct error error = {0};

    ck_assert_msg(history_record(history, outcome, "/srv/w.db", started_us, &error) == 0, "%s",
                  error.text);
    json_decref(outcome);
}

START_TEST(folder_and_file_are_made_for_us_alone)
{
    char *deep = folder_path("a/b/state"), *file = folder_path("a/b/state/history.db");
    struct stat seen;

    umask(0);
    history_close(history_of(deep));
    ck_assert_int_eq(stat(deep, &seen), 0);
    ck_assert_uint_eq(seen.st_mode, S_IFDIR | 0700);
    ck_assert_int_eq(stat(file, &seen), 0);
    ck_assert_uint_eq(seen.st_mode, S_IFREG | 0600);
    free(file);
    free(deep);
}
END_TEST

START_TEST(outcomes_are_kept)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);
    json_t *bare = outcome_of("vacuum", NULL);

    record(history, outcome_of("retention", "{\"rows_past_cutoff\":0}"), 1000);
    worklog_check("history.db",
                  "SELECT started_us, database, path, task, target, outcome, reason, rows,"
                  " bytes_freed, seconds, lock_count, lock_max_ms, lock_p99_ms, lock_total_ms,"
                  " effect FROM run",
                  "1000|worklog|/srv/w.db|retention|logs|done|7 rows older than 90 days|7|4096|"
                  "0.25|2|1.5|1.25|2.5|{\"rows_past_cutoff\":0}");
    json_object_set_new(bare, "target", json_null());
    record(history, bare, 2000);
    worklog_check("history.db", "SELECT target, effect FROM run WHERE started_us = 2000",
                  "NULL|NULL");
    history_close(history);
    history = history_of(folder); /* and again, with what is there */
    history_close(history);
    worklog_check("history.db", "SELECT count(*) FROM run", "2");
    worklog_check("history.db", "PRAGMA journal_mode", "delete");
    free(folder);
}
END_TEST

START_TEST(samples_have_tables_of_their_own)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);

    record(history,
           outcome_of("sample",
                      "{\"pages\":9,\"page_size\":4096,\"free_pages\":1,\"wal_bytes\":32,"
                      "\"btrees\":[{\"name\":\"logs\",\"table\":\"logs\",\"type\":\"table\","
                      "\"bytes\":8192,\"fragmentation\":0.5,\"density\":0.75,\"leaf_pages\":2},"
                      "{\"name\":\"i\",\"density\":\"x\"}]}"),
           1000);
    worklog_check("history.db", "SELECT effect FROM run",
                  "{\"pages\":9,\"page_size\":4096,\"free_pages\":1,\"wal_bytes\":32}");
    worklog_check("history.db", "SELECT run, pages, page_size, free_pages, wal_bytes FROM sample",
                  "1|9|4096|1|32");
    worklog_check("history.db",
                  "SELECT name, \"table\", type, bytes, fragmentation, density, leaf_pages, depth"
                  " FROM sample_btree WHERE position = 0",
                  "logs|logs|table|8192|0.5|0.75|2|NULL");
    worklog_check("history.db", "SELECT count(*) FROM sample_btree", "2");
    history_close(history);
    free(folder);
}
END_TEST

START_TEST(an_outcome_is_kept_whole_or_not_at_all)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);
    json_t *outcome = outcome_of("sample", "{\"btrees\":[]}");
    struct error error = {0};

    json_object_del(outcome, "reason");
    ck_assert_int_eq(history_record(history, outcome, "/srv/w.db", 1, &error), STATUS_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "/history.db: NOT NULL constraint failed"));
    json_decref(outcome);
    record(history, outcome_of("sample", "{\"btrees\":[]}"), 2);
    worklog_check("history.db", "SELECT count(*), (SELECT count(*) FROM sample) FROM run", "1|1");
    history_close(history);
    free(folder);
}
END_TEST

START_TEST(what_is_old_is_forgotten)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);
    struct span keep = {.us = 400 * day_us, .set = true};
    int64_t now = now_us();

    record(history, outcome_of("sample", "{\"btrees\":[{\"name\":\"old\"}]}"), now - 401 * day_us);
    record(history, outcome_of("sample", "{\"btrees\":[{\"name\":\"new\"}]}"), now - 399 * day_us);
    free(worklog_ask(
        "history.db",
        "INSERT INTO clock VALUES('a', 0, 1, 1, 1), ('b', 0, 2, 2, 1), ('c', 0, 3, NULL, 0)"));
    ck_assert_int_eq(history_prune(history, &keep, now, NULL, NULL), STATUS_OK);
    worklog_check("history.db", "SELECT count(*) FROM run", "1");
    worklog_check("history.db", "SELECT count(*) FROM sample", "1");
    worklog_check("history.db", "SELECT group_concat(name) FROM sample_btree", "new");
    worklog_check("history.db", "SELECT group_concat(boot) FROM clock",
                  "b,c"); /* b: the last synchronised */
    history_close(history);
    free(folder);
}
END_TEST

/* Forgetting is a bounded step: what one call leaves, the next takes. */
START_TEST(forgetting_takes_small_steps)
{
    char *folder = folder_path(".");
    struct history *history = history_of(folder);
    struct span keep = {.us = day_us, .set = true};

    free(worklog_ask(
        "history.db",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
        " INSERT INTO run SELECT i, i, i, 'd', 'p', 't', NULL, 'done', 'r', 0, 0, 0, 0, 0,"
        " 0, 0, NULL, 0, 0 FROM n"));
    ck_assert_int_eq(history_prune(history, &keep, now_us(), NULL, NULL), STATUS_OK);
    worklog_check("history.db", "SELECT count(*), min(id) FROM run", "1200|301");
    for (bool more = true; more;)
        ck_assert_int_eq(history_prune(history, &keep, now_us(), &more, NULL), STATUS_OK);
    worklog_check("history.db", "SELECT count(*) FROM run", "0");
    history_close(history);
    free(folder);
}
END_TEST

START_TEST(a_newer_file_is_refused_and_left_alone)
{
    char *folder = folder_path("."), *expected;
    struct history *history = NULL;
    struct error error = {0};

    history_close(history_of(folder));
    free(worklog_ask("history.db", "PRAGMA user_version = 99"));
    ck_assert_int_eq(history_open(folder, &history, &error), STATUS_REFUSED);
    expected = memory_format("%s/history.db is of a newer litekeeper (format 99, this one knows up "
                             "to %d); use that one, or another state folder",
                             folder, history_schema_version);
    ck_assert_str_eq(error.text, expected);
    ck_assert_ptr_null(history);
    worklog_check("history.db", "PRAGMA user_version", "99");
    free(expected);
    free(folder);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_left_alone)
{
    char *folder = folder_path(".");
    struct history *history = NULL;
    struct error error = {0};

    folder_write("history.db", "these are notes of somebody, not a database of SQLite's at all, "
                               "and longer than the header of one would be, so that it is seen");
    ck_assert_int_eq(history_open(folder, &history, &error), STATUS_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "/history.db: file is not a database"));
    free(folder);
}
END_TEST

START_TEST(bad_folders_are_refused)
{
    char *open_to_all = folder_path("shared"), *file = folder_path("file");
    char *below = folder_path("file/state");
    struct history *history = NULL;
    struct error error = {0};

    umask(0);
    ck_assert_int_eq(mkdir(open_to_all, 0777), 0);
    ck_assert_int_eq(history_open(open_to_all, &history, &error), STATUS_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.text, "can be written by everybody"));
    folder_write("file", "");
    ck_assert_int_eq(history_open(file, &history, &error), STATUS_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "is no folder"));
    ck_assert_int_eq(history_open(below, &history, &error), STATUS_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "Not a directory"));
    free(below);
    free(file);
    free(open_to_all);
}
END_TEST

/* A full disk: the process may write no file beyond what the history has. */
START_TEST(a_full_disk_is_an_error_and_nothing_is_lost)
{
    char *folder = folder_path("."), *file = folder_path("history.db");
    struct history *history = history_of(folder);
    struct error error = {0};
    struct stat seen;
    enum status status = STATUS_OK;

    record(history, outcome_of("retention", NULL), 1);
    ck_assert_int_eq(stat(file, &seen), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {(rlim_t)seen.st_size, (rlim_t)seen.st_size};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; !status && i < 1000; i++) {
        json_t *outcome = outcome_of("retention", NULL);
        status = history_record(history, outcome, "/srv/w.db", i, &error);
        json_decref(outcome);
    }
    ck_assert_int_eq(status, STATUS_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "/history.db: "));
    history_close(history);
    worklog_check("history.db", "PRAGMA integrity_check", "ok");
    free(file);
    free(folder);
}
END_TEST

static void set_up(void)
{
    folder_make();
}

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *cases = tcase_create("history");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, folder_and_file_are_made_for_us_alone);
    tcase_add_test(cases, outcomes_are_kept);
    tcase_add_test(cases, samples_have_tables_of_their_own);
    tcase_add_test(cases, an_outcome_is_kept_whole_or_not_at_all);
    tcase_add_test(cases, what_is_old_is_forgotten);
    tcase_add_test(cases, forgetting_takes_small_steps);
    tcase_add_test(cases, a_newer_file_is_refused_and_left_alone);
    tcase_add_test(cases, a_file_that_is_no_database_is_left_alone);
    tcase_add_test(cases, bad_folders_are_refused);
    tcase_add_test(cases, a_full_disk_is_an_error_and_nothing_is_lost);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
