/* The field itself: that the database and the application, on which all else is proven, are what
 * they say. */
#include "field/latency.h"
#include "field/sql.h"
#include "field/stage.h"
#include "memory.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW "1790000000"

enum { PATIENCE_MS = 30000 };

static char folder[] = "/tmp/test_field.XXXXXX";
static char *build, *one, *two, *log_file, *ledger;

static void setup(void)
{
    build = realpath("/proc/self/exe", NULL);
    *strstr(build, "/tests/test_field") = '\0';
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    one = memory_format("%s/one.db", folder);
    two = memory_format("%s/two.db", folder);
    log_file = memory_format("%s/log", folder);
    ledger = memory_format("%s/ledger", folder);
}

static void teardown(void)
{
    stage_remove(one);
    stage_remove(two);
    unlink(log_file);
    unlink(ledger);
    rmdir(folder);
    free(build);
    free(one);
    free(two);
    free(log_file);
    free(ledger);
}

static int seed(const char *path, const char *option, const char *value)
{
    char *program = memory_format("%s/field/seed-database", build);
    const char *const argv[] = {program, "--logs", "9000", "--worklogs", "3000", "--now",
                                NOW,     option,   value,  path,         NULL};
    int status;

    json_decref(stage_run(argv, log_file, NULL, &status));
    free(program);
    return status;
}

static bool same_bytes(const char *left, const char *right)
{
    FILE *a = fopen(left, "rb"), *b = fopen(right, "rb");
    int x, y;

    ck_assert(a && b);
    do {
        x = getc(a);
        y = getc(b);
    } while (x == y && x != EOF);
    fclose(a);
    fclose(b);
    return x == y;
}

START_TEST(same_seed_same_file)
{
    ck_assert_int_eq(seed(one, "--seed", "5"), 0);
    ck_assert_int_eq(seed(two, "--seed", "5"), 0);
    ck_assert(same_bytes(one, two));
    stage_remove(two);
    ck_assert_int_eq(seed(two, "--seed", "6"), 0);
    ck_assert(!same_bytes(one, two));
}
END_TEST

static const struct {
    const char *sql;
    int64_t least, most;
} facts[] = {
    {"SELECT count(*) FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite%'", 32, 32},
    {"SELECT count(*) FROM sqlite_schema WHERE type='index' AND name LIKE 'idx%'", 40, 40},
    {"SELECT count(*) FROM logs", 9000, 9000},
    {"SELECT count(*) FROM worklogs", 3000, 3000},
    {"SELECT count(*) FROM billing_worklog_classifications", 400, 800},
    {"SELECT count(*) FROM logs WHERE length(timestamp) = 24 AND timestamp GLOB '*T*Z'", 9000,
     9000},
    /* 400 days up to now, ordered neither as they came nor by time */
    {"SELECT strftime('%s', max(timestamp)) - " NOW " FROM logs", -86400, 0},
    {"SELECT (" NOW " - strftime('%s', min(timestamp))) / 86400 FROM logs", 390, 400},
    {"SELECT count(*) FROM (SELECT timestamp < lag(timestamp) OVER (ORDER BY id) AS back FROM logs)"
     " WHERE back",
     400, 4500},
    /* what life left behind */
    {"SELECT freelist_count * 100 / page_count FROM pragma_freelist_count, pragma_page_count", 5,
     33},
    {"SELECT count(*) FROM pragma_foreign_key_check", 0, 0},
    {"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", 0, 0},
};

START_TEST(database_is_as_promised)
{
    ck_assert_int_eq(seed(one, "--journal", "wal"), 0);
    sqlite3 *db = sql_open(one, SQLITE_OPEN_READWRITE);

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        int64_t found = sql_number(db, facts[i].sql);
        ck_assert_msg(found >= facts[i].least && found <= facts[i].most, "%lld: %s",
                      (long long)found, facts[i].sql);
    }
    sqlite3_close(db);
}
END_TEST

static const struct {
    const char *format, *type;
    const char *shape; /* of the text */
} formats[] = {
    {"iso", "text", "[12]*-*-*T*:*:*.*Z"},
    {"datetime", "text", "[12]*-*-* *:*:[0-9][0-9]"},
    {"unix", "integer", "1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]"},
    {"unix_ms", "integer", "1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]"},
};

/* The application writes what it finds, so that a column has one format. */
START_TEST(one_column_one_format)
{
    char *program = memory_format("%s/field/application", build);
    const char *const argv[] = {program, "--seconds", "1", one, NULL};
    int status;

    ck_assert_int_eq(seed(one, "--timestamps", formats[_i].format), 0);
    json_t *report = stage_run(argv, log_file, "report", &status);
    ck_assert_int_eq(status, 0);
    sqlite3 *db = sql_open(one, SQLITE_OPEN_READWRITE);
    char *other = memory_format("SELECT count(*) FROM logs WHERE typeof(timestamp) <> '%s' OR "
                                "timestamp NOT GLOB '%s'",
                                formats[_i].type, formats[_i].shape);
    ck_assert_int_eq(sql_number(db, other), 0);
    ck_assert_int_gt(sql_number(db, "SELECT count(*) FROM logs"), 9000);
    sqlite3_close(db);
    json_decref(report);
    free(other);
    free(program);
}
END_TEST

static int64_t ledger_bytes(void)
{
    struct stat about;

    return stat(ledger, &about) < 0 ? 0 : about.st_size;
}

START_TEST(ledger_has_what_was_committed)
{
    char *program = memory_format("%s/field/application", build), line[64];
    const char *const argv[] = {program, "--writers", "3", "--ledger", ledger, one, NULL, NULL};
    struct stage_process application;
    int64_t lines = 0;

    ck_assert_int_eq(seed(one, "--journal", "delete"), 0);
    stage_application(&application, argv, log_file);
    for (int i = 0; i < PATIENCE_MS / 10 && ledger_bytes() < 100; i++)
        usleep(10000);
    json_t *report = stage_application_stop(&application);
    sqlite3 *db = sql_open(one, SQLITE_OPEN_READWRITE);
    FILE *in = fopen(ledger, "r");
    while (fgets(line, sizeof line, in)) {
        char *there = memory_format("SELECT count(*) FROM logs WHERE id = %s", line);
        ck_assert_int_eq(sql_number(db, there), 1);
        free(there);
        lines++;
    }
    fclose(in);
    sqlite3_close(db);
    double errors = (double)stage_errors(json_object_get(report, "writes"));
    ck_assert_int_gt(lines, 3);
    ck_assert(stage_number(report, "writes", "count") - errors == (double)lines);
    json_decref(report);
    free(program);
}
END_TEST

START_TEST(waiting_too_long_is_an_error)
{
    char *program = memory_format("%s/field/application", build);
    const char *const argv[] = {program, "--busy-timeout", "50", one, NULL};
    struct stage_process application;

    ck_assert_int_eq(seed(one, "--journal", "wal"), 0);
    stage_application(&application, argv, log_file);
    sqlite3 *db = sql_open(one, SQLITE_OPEN_READWRITE);
    sqlite3_busy_timeout(db, 10000);
    sql_run(db, "BEGIN IMMEDIATE");
    usleep(500000);
    sql_run(db, "ROLLBACK");
    json_t *report = stage_application_stop(&application);
    sqlite3_close(db);
    json_t *writes = json_object_get(report, "writes");
    ck_assert_int_ge((int)stage_number(writes, "errors", "SQLITE_BUSY"), 1);
    ck_assert_int_eq((int)stage_errors(json_object_get(report, "reads")), 0);
    ck_assert(stage_number(writes, NULL, "max_ms") > 45);
    json_decref(report);
    free(program);
}
END_TEST

START_TEST(idle_writes_once_when_woken)
{
    char *program = memory_format("%s/field/application", build);
    const char *const argv[] = {program, "--idle", one, NULL};
    struct stage_process application;

    ck_assert_int_eq(seed(one, "--journal", "wal"), 0);
    stage_application(&application, argv, log_file);
    sqlite3 *db = sql_open(one, SQLITE_OPEN_READWRITE);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM logs"), 9000);
    kill(application.pid, SIGUSR1);
    for (int i = 0; i < PATIENCE_MS / 10 && sql_number(db, "SELECT count(*) FROM logs") == 9000;
         i++)
        usleep(10000);
    json_t *report = stage_application_stop(&application);
    ck_assert_int_eq(sql_number(db, "SELECT count(*) FROM logs"), 9001);
    ck_assert(stage_number(report, "writes", "count") == 1);
    sqlite3_close(db);
    json_decref(report);
    free(program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("field");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, same_seed_same_file);
    tcase_add_test(all, database_is_as_promised);
    tcase_add_loop_test(all, one_column_one_format, 0, sizeof formats / sizeof *formats);
    tcase_add_test(all, ledger_has_what_was_committed);
    tcase_add_test(all, waiting_too_long_is_an_error);
    tcase_add_test(all, idle_writes_once_when_woken);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
