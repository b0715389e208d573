/* Samples end to end: the real binary's figures against the file's own, and alerts on them. */
#include "alarms.h"
#include "lib_alarms.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_worklog.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
    expect_policy(POLICY);
    worklog_make("worklog.db", 2000);
}

/* The outcome of `run --json worklog sample`, its last line. */
static json_t *sample(void)
{
    struct program_result result;
    char *line, *rest;
    json_t *outcome = NULL;

    expect_run("run -c @/policy.yaml --json worklog sample", &result);
    ck_assert_msg(result.status == 0 && !*result.err, "%s%s", result.out, result.err);
    for (rest = result.out; (line = strsep(&rest, "\n")) && *line;) {
        json_decref(outcome);
        outcome = json_loads(line, 0, NULL);
    }
    program_result_free(&result);
    ck_assert_str_eq(json_string_value(json_object_get(outcome, "outcome")), "done");
    return outcome;
}

static int64_t figure(const json_t *outcome, const char *name)
{
    const json_t *number = json_object_get(json_object_get(outcome, "effect"), name);

    ck_assert_msg(json_is_integer(number), "%s", name);
    return json_integer_value(number);
}

static int64_t size_of(const char *name)
{
    char *path = folder_path(name);
    struct stat about;

    ck_assert_int_eq(stat(path, &about), 0);
    free(path);
    return about.st_size;
}

static void check_number(const char *sql, int64_t number)
{
    char *text = memory_format("%lld", (long long)number);

    worklog_check("worklog.db", sql, text);
    free(text);
}

/* Rows that are in the log alone; the connection keeps them there. */
static sqlite3 *write_to_the_log(void)
{
    sqlite3 *db = worklog_open("worklog.db");

    worklog_do(db, "PRAGMA wal_autocheckpoint = 0; CREATE TABLE more AS SELECT * FROM logs");
    return db;
}

START_TEST(a_sample_has_what_alerts_need)
{
    sqlite3 *db = write_to_the_log();
    json_t *outcome = sample(), *disk;
    struct statvfs about;
    char *folder = folder_path(".");

    ck_assert_int_eq(figure(outcome, "file_bytes"), size_of("worklog.db"));
    ck_assert_int_eq(figure(outcome, "wal_file_bytes"), size_of("worklog.db-wal"));
    int64_t frames = (size_of("worklog.db-wal") - 32) / (24 + figure(outcome, "page_size"));
    ck_assert_int_gt(frames, 10);
    ck_assert_int_eq(figure(outcome, "wal_bytes"), frames * figure(outcome, "page_size"));
    check_number("PRAGMA schema_version", figure(outcome, "schema"));
    check_number("PRAGMA page_count", figure(outcome, "pages"));
    ck_assert_int_eq(figure(outcome, "problems"), 0);
    disk = json_object_get(json_object_get(outcome, "effect"), "disk_free");
    ck_assert_int_eq(statvfs(folder, &about), 0);
    double total = (double)(about.f_blocks - about.f_bfree + about.f_bavail);
    double had = (double)json_integer_value(json_object_get(disk, "bytes"));
    double share = had / (double)json_integer_value(json_object_get(disk, "total"));
    ck_assert_double_eq_tol(share, (double)about.f_bavail / total, 0.02); /* others write, too */
    json_decref(outcome);
    sqlite3_close(db);
    free(folder);
}
END_TEST

/* The file of the log stays as long as it was; what waits in it is another figure. */
START_TEST(a_checkpoint_empties_the_log)
{
    sqlite3 *db = write_to_the_log();

    worklog_do(db, "PRAGMA wal_checkpoint(FULL)");
    json_t *outcome = sample();
    ck_assert_int_eq(figure(outcome, "wal_bytes"), 0);
    ck_assert_int_eq(figure(outcome, "wal_file_bytes"), size_of("worklog.db-wal"));
    ck_assert_int_gt(figure(outcome, "wal_file_bytes"), 4096);
    json_decref(outcome);
    sqlite3_close(db);
}
END_TEST

START_TEST(without_a_log_there_is_none)
{
    sqlite3 *db = worklog_open("worklog.db");

    worklog_do(db, "PRAGMA journal_mode = delete");
    sqlite3_close(db);
    json_t *outcome = sample();
    ck_assert_int_eq(figure(outcome, "wal_bytes"), 0);
    ck_assert_ptr_null(json_object_get(json_object_get(outcome, "effect"), "wal_file_bytes"));
    int64_t changes = figure(outcome, "changes");
    json_decref(outcome);
    db = worklog_open("worklog.db");
    worklog_do(db, "INSERT INTO logs(timestamp) VALUES(1); INSERT INTO logs(timestamp) VALUES(2)");
    sqlite3_close(db);
    outcome = sample();
    ck_assert_int_eq(figure(outcome, "changes"), changes + 2);
    json_decref(outcome);
}
END_TEST

/* Zeroes the page behind the root of a table, which then is no page of a b-tree. */
static void damage(void)
{
    char *path = folder_path("worklog.db"), *root, page[4096] = {0};
    sqlite3 *db = worklog_open("worklog.db");

    worklog_do(db, "PRAGMA journal_mode = delete");
    sqlite3_close(db);
    root = worklog_ask("worklog.db", "SELECT max(pageno) FROM dbstat WHERE name = 'logs'");
    int file = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(file, page, sizeof page, (atoi(root) - 1) * 4096L), sizeof page);
    close(file);
    free(root);
    free(path);
}

/* A fake daemon's host. */
static struct text told;

static void tell(void *argument, enum alarm_change change, const struct alarm *alarm)
{
    (void)argument;
    text_addf(&told, "%s %s: %s\n", alarm_change_name(change), alarm->metric, alarm->text);
}

static void start(void *argument, const char *path, const char *kind, const char *target)
{
    (void)argument;
    text_addf(&told, "start %s: %s %s\n", path, kind, target ? target : "-");
}

/* Writes the policy, and has alarms hear of a sample by it. */
static void hear(struct alarms *alarms, const char *alerts)
{
    char *yaml = memory_format(POLICY "    alerts: [ %s ]\n", alerts), *real = expect_words(yaml);
    struct config *config = alarms_policy(real);
    struct alarms_database database = {config->databases, "worklog", "/srv/w.db"};

    text_clear(&told);
    expect_policy(yaml);
    json_t *outcome = sample();
    alarms_outcome(alarms, &database, outcome, 0);
    json_decref(outcome);
    config_free(config);
    free(real);
    free(yaml);
}

/* Every metric has its figure in a real sample: each of these is raised, and then clears. */
START_TEST(every_metric_is_measured)
{
    const struct alarms_host host = {tell, start, NULL};
    struct alarms *alarms = alarms_new(&host);
    sqlite3 *db = write_to_the_log();

    worklog_do(db, "CREATE TABLE big(a); CREATE INDEX big_a ON big(a);"
                   "INSERT INTO big SELECT hex(randomblob(2500)) FROM logs; DROP TABLE more");
    hear(alarms, "{ metric: table_size, table: logs, above: 1kB, run: retention },"
                 "{ metric: table_rows, table: logs, above: 1000 },"
                 "{ metric: file_size, above: 1kB }, { metric: free_ratio, above: 0% },"
                 "{ metric: wal_size, above: 1kB }, { metric: disk_free, below: 100% },"
                 "{ metric: index_fragmentation, above: 0% },"
                 "{ metric: index_density, table: big, below: 100% }");
    expect_text("raised", told.bytes,
                "raised table_size: logs has # kB, above 1 kB\n"
                "start /srv/w.db: retention logs\n"
                "raised table_rows: logs has about # rows, above 1,000\n"
                "raised file_size: the file has # kB, above 1 kB\n"
                "raised free_ratio: #% of the file are free pages, above 0%: # KiB\n"
                "raised wal_size: # MB of the WAL wait to be checkpointed, above 1 kB; the -wal "
                "file has # MB\n"
                "raised disk_free: #% of the disk are free, below 100%: # ~\n"
                "raised index_fragmentation: big_a is #% fragmented, above 0%\n"
                "raised index_density: the leaves of big_a are #% full, below 100%\n");
    ck_assert_uint_eq(alarms_count(alarms), 8);
    worklog_do(db, "PRAGMA wal_checkpoint(FULL)");
    hear(alarms, "{ metric: wal_size, above: 1kB },"
                 "{ metric: table_size, table: logs, above: 1GB }");
    expect_text("cleared", told.bytes,
                "cleared wal_size: 0 bytes of the WAL wait to be checkpointed, no longer above "
                "1 kB; the -wal file has # MB\n"
                "cleared table_size: logs has # kB, no longer above 1 GB\n");
    sqlite3_close(db);
    alarms_free(alarms);
    text_free(&told);
}
END_TEST

START_TEST(damage_is_told)
{
    const struct alarms_host host = {tell, start, NULL};
    struct alarms *alarms = alarms_new(&host);

    damage();
    hear(alarms, "{ metric: table_size, table: logs, above: 1kB }");
    expect_text("raised", told.bytes,
                "raised integrity: sample has found # problem~: # KiB, none of it free, 3 b-trees; "
                "it is damaged in # place~, see litekeeper inspect\n");
    alarms_free(alarms);
    text_free(&told);
}
END_TEST

START_TEST(a_table_that_is_not_there_is_named)
{
    expect_policy(POLICY "    alerts: { metric: table_size, table: lgos, above: 1GB }\n");
    expect("run -c @/policy.yaml worklog sample", 0,
           "worklog sample: done in # ~s: # KiB, none of it free, 3 b-trees; its alerts watch the "
           "table lgos, which it doesn't have\n",
           "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sample");
    TCase *cases = tcase_create("sample");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, folder_remove);
    tcase_add_test(cases, a_sample_has_what_alerts_need);
    tcase_add_test(cases, a_checkpoint_empties_the_log);
    tcase_add_test(cases, without_a_log_there_is_none);
    tcase_add_test(cases, every_metric_is_measured);
    tcase_add_test(cases, damage_is_told);
    tcase_add_test(cases, a_table_that_is_not_there_is_named);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
