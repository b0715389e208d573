/*
 * A new policy while the daemon runs: what it names anew is found, what it leaves is let go, and
 * what runs goes on unless its own task is another now.
 */
#include "clock.h"
#include "lib_daemon.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "lib_worklog.h"
#include "memory.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define W             "  - name: w\n    path: \"@/w.db\"\n"
#define V             "  - name: v\n    path: \"@/v.db\"\n"
#define GLOB(pattern) "  - path: \"@/" pattern "\"\n"
#define SAMPLE        "    sample: { schedule: \"*:*:*\" }\n"
#define NO_SAMPLE     "    sample: { schedule: " DAEMONS_NEVER " }\n"
#define OPTIMIZE      "    optimize: { schedule: \"*:*:*\" }\n"
#define RETENTION(keep)                                                        \
    "    retention: [{ table: logs, column: timestamp, zone: UTC, keep: " keep \
    ", schedule: \"*:*:*\" }]\n"
/* A hold of 4 ms in 400, beside an application: whatever there is to do, it takes long. */
#define SLOWLY "    max_lock: 4ms\n    duty: 1%\n"

/* An application that has it open, so that work is done in steps with gaps between them. */
static sqlite3 *open_beside(const char *name)
{
    sqlite3 *db = worklog_open(name);

    sql_number(db, "SELECT count(*) FROM logs");
    return db;
}

/* The databases that a reload has counted. */
static int64_t reload(void)
{
    json_t *said = daemons_ask("reload", 0);
    int64_t count = json_integer_value(json_object_get(json_array_get(said, 0), "databases"));

    json_decref(said);
    return count;
}

/* Those that have begun since then. */
static int64_t runs_since(const char *file, int64_t since_us)
{
    return daemons_count(
        "SELECT count(*) FROM run WHERE path LIKE '%%/%s' AND started_us > %" PRId64, file,
        since_us);
}

static void await_runs_since(const char *file, int64_t since_us, int64_t least)
{
    double begun = clock_monotonic_ms();

    while (runs_since(file, since_us) < least) {
        ck_assert_msg(clock_monotonic_ms() - begun < daemons_patience_ms(), "%s",
                      daemons_last_words());
        clock_sleep_ms(100);
    }
}

START_TEST(databases_come_and_go)
{
    worklog_make("w.db", 100);
    worklog_make("v.db", 100);
    daemons_policy("", W SAMPLE);
    daemons_start();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE path LIKE '%/w.db'");
    daemons_policy("", W SAMPLE V SAMPLE);
    ck_assert_int_eq(reload(), 2);
    daemons_await_log("found the database v (");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE path LIKE '%/v.db'");
    daemons_policy("", V SAMPLE);
    ck_assert_int_eq(reload(), 1);
    daemons_await_log("the policy does not name it any more");
    daemons_await_none("status", "waiting database=w");
    int64_t since_us = clock_now_us();
    await_runs_since("v.db", since_us, 3);
    daemons_stop();
    ck_assert_int_eq(runs_since("w.db", since_us), 0);
}
END_TEST

/* By signal and by command; the others' runs and their own pasts stay. */
START_TEST(what_runs_goes_on_unless_it_is_another)
{
    worklog_make("w.db", 20000);
    worklog_make("v.db", 20000);
    sqlite3 *w = open_beside("w.db"), *v = open_beside("v.db");
    daemons_policy("", W SLOWLY RETENTION("100d") V SLOWLY RETENTION("100d"));
    daemons_start();
    daemons_await_status("running database=w task=retention");
    daemons_await_status("running database=v task=retention");
    daemons_policy("", W SLOWLY RETENTION("100d") SAMPLE V SLOWLY RETENTION("150d"));
    pid_t worker = daemons_child("w.db");
    kill(daemons_process(), SIGHUP);
    daemons_await_log("the policy was loaded: 2 databases, 3 tasks");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'cancelled'");
    daemons_await_status("running database=v task=retention");
    daemons_await_status("running database=w task=retention");
    ck_assert_int_eq(daemons_child("w.db"), worker);
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 1);
    sqlite3_close(w);
    sqlite3_close(v);
    daemons_await_count(2, "SELECT count(*) FROM run WHERE outcome = 'done'"
                           " AND task = 'retention'");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE task = 'sample'");
    daemons_stop();
    worklog_check("w.db", "SELECT count(*) FROM logs", "10000");
    worklog_check("v.db", "SELECT count(*) > 12000 FROM logs", "1");
}
END_TEST

START_TEST(what_leaves_the_policy_is_stopped)
{
    worklog_make("w.db", 20000);
    worklog_make("v.db", 100);
    sqlite3 *w = open_beside("w.db");
    daemons_policy("", W SLOWLY RETENTION("100d") V NO_SAMPLE);
    daemons_start();
    daemons_await_status("running database=w task=retention");
    daemons_policy("", V NO_SAMPLE);
    reload();
    daemons_await_count(1, "SELECT count(*) FROM run WHERE outcome = 'cancelled'");
    daemons_await_none("status", "running database=w");
    daemons_await_none("status", "waiting database=w");
    daemons_stop();
    sqlite3_close(w);
    worklog_check("w.db", "PRAGMA integrity_check", "ok");
}
END_TEST

START_TEST(a_broken_policy_changes_nothing)
{
    worklog_make("w.db", 100);
    daemons_policy("", W SAMPLE);
    daemons_start();
    daemons_policy("", W SAMPLE "    colour: red\n    duty: 101%\n");
    json_t *said = daemons_ask("reload", 78);
    ck_assert_uint_eq(json_array_size(said), 2);
    const char *error = json_string_value(json_object_get(json_array_get(said, 0), "text"));
    expect_text("error", error, "@/policy.yaml:6:5: databases[0].colour: unknown key&");
    json_decref(said);
    daemons_await_log("the policy is not valid, the old one stays in force");
    expect("reload -c @/policy.yaml --socket @/socket", 78, "&", "&");
    int64_t runs = daemons_count("SELECT count(*) FROM run");
    daemons_await_count(runs + 2, "SELECT count(*) FROM run");
    daemons_stop();
}
END_TEST

/* Which tasks a file has: its name's, else those of the first glob that matches it. */
START_TEST(a_file_goes_by_its_name_then_by_the_first_glob)
{
    worklog_make("w.db", 100);
    worklog_make("v.db", 100);
    daemons_policy("", GLOB("*.db") SAMPLE GLOB("v*") OPTIMIZE);
    daemons_start();
    daemons_await_count(3, "SELECT count(*) FROM run WHERE path LIKE '%/v.db'");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE path LIKE '%/w.db'");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE task <> 'sample'"), 0);
    folder_write("vx.db", ""); /* so that the second glob has something to tell of */
    daemons_policy("", GLOB("*.db") SAMPLE GLOB("v*") OPTIMIZE);
    reload();
    daemons_await_count(5, "SELECT count(*) FROM run WHERE path LIKE '%/v.db'");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run WHERE task <> 'sample'"), 0);
    daemons_policy("", W OPTIMIZE GLOB("v*") OPTIMIZE GLOB("*.db") SAMPLE);
    reload();
    daemons_await_status("waiting database=w task=optimize");
    daemons_await_none("status w", "waiting task=sample");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE task = 'optimize'"
                           " AND path LIKE '%/w.db' AND database = 'w'");
    daemons_await_count(1, "SELECT count(*) FROM run WHERE task = 'optimize'"
                           " AND path LIKE '%/v.db'");
    daemons_await_none("status", "waiting database=@/v.db task=sample");
    daemons_policy("", GLOB("*.db") SAMPLE);
    reload();
    int64_t runs = daemons_count("SELECT count(*) FROM run WHERE task = 'sample'");
    daemons_await_none("status", "waiting task=optimize");
    daemons_await_count(runs + 4, "SELECT count(*) FROM run WHERE task = 'sample'");
    daemons_stop();
}
END_TEST

/* More workers than before, or fewer. */
START_TEST(the_number_of_workers_is_taken)
{
    worklog_make("w.db", 20000);
    worklog_make("v.db", 20000);
    sqlite3 *w = open_beside("w.db"), *v = open_beside("v.db");
    daemons_policy("workers: 1,", W SLOWLY RETENTION("100d") V SLOWLY RETENTION("100d"));
    daemons_start();
    daemons_await_status("running task=retention");
    daemons_await_status("waiting task=retention why=waits_for_a_worker");
    daemons_policy("workers: 2,", W SLOWLY RETENTION("100d") V SLOWLY RETENTION("100d"));
    reload();
    daemons_await_status("running database=w task=retention");
    daemons_await_status("running database=v task=retention");
    ck_assert_int_eq(daemons_count("SELECT count(*) FROM run"), 0);
    daemons_stop();
    sqlite3_close(w);
    sqlite3_close(v);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {databases_come_and_go,
                                  what_runs_goes_on_unless_it_is_another,
                                  what_leaves_the_policy_is_stopped,
                                  a_broken_policy_changes_nothing,
                                  a_file_goes_by_its_name_then_by_the_first_glob,
                                  the_number_of_workers_is_taken,
                                  NULL};

    return daemons_main("daemon_reload", tests);
}
