/* Values of time columns: what each can mean, and which format a column has. */
#include "timestamp.h"

#include "lib_randomdb.h"
#include "memory.h"
#include "zone.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3 *db;

static void set_up(void)
{
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
}

static void tear_down(void)
{
    sqlite3_close(db);
}

/* The value of an SQL expression; the statement is the caller's to finalize. */
static sqlite3_stmt *evaluate(const char *expression)
{
    sqlite3_stmt *statement = NULL;
    char *sql = memory_format("SELECT %s", expression);

    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s",
                  expression, sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    free(sql);
    return statement;
}

static const char utc[] = "UTC", berlin[] = "Europe/Berlin";

/* --- single values ------------------------------------------------------------------------ */

/* `latest` is the moment in UTC, then microseconds; NULL: no time at all. */
static const struct {
    const char *value, *zone, *latest;
    int us;
    enum time_format format;
} value_rows[] = {
    {"'2026-11-23 12:00:00'", utc, "2026-11-23T12:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23T12:00:00'", utc, "2026-11-23T12:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23 12:00'", utc, "2026-11-23T12:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23 12:00:00.5'", utc, "2026-11-23T12:00:00Z", 500000, FORMAT_DATETIME},
    {"'2026-11-23 12:00:00,25'", utc, "2026-11-23T12:00:00Z", 250000, FORMAT_DATETIME},
    {"'2026-11-23 12:00:00.123456'", utc, "2026-11-23T12:00:00Z", 123456, FORMAT_DATETIME},
    {"'2026-11-23 12:00:00.1234569'", utc, "2026-11-23T12:00:00Z", 123456, FORMAT_DATETIME},
    {"'2026-11-23 23:59:60'", utc, "2026-11-24T00:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23 00:00:00'", utc, "2026-11-23T00:00:00Z", 0, FORMAT_DATETIME},

    /* A zone in the value wins over the policy's; none at all is 14 h later at the latest. */
    {"'2026-11-23T12:00:00Z'", berlin, "2026-11-23T12:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23T12:00:00z'", NULL, "2026-11-23T12:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23 12:00:00 Z'", NULL, "2026-11-23T12:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23T12:00+01:00'", berlin, "2026-11-23T11:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23T12:00:00+0530'", NULL, "2026-11-23T06:30:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23T12:00:00 -08'", NULL, "2026-11-23T20:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23T12:00:00.5-00:30'", NULL, "2026-11-23T12:30:00Z", 500000, FORMAT_DATETIME},
    {"'2026-11-23T12:00:00+14:00'", NULL, "2026-11-22T22:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23T12:00:00-14:00'", NULL, "2026-11-24T02:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23 12:00:00'", NULL, "2026-11-24T02:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-11-23 12:00:00'", berlin, "2026-11-23T11:00:00Z", 0, FORMAT_DATETIME},
    {"'2026-07-23 12:00:00'", berlin, "2026-07-23T10:00:00Z", 0, FORMAT_DATETIME},

    /* In the hour that DST skips, in the one it repeats, and near them: the later meaning. */
    {"'2026-03-29 02:30:00'", berlin, "2026-03-29T01:30:00Z", 0, FORMAT_DATETIME},
    {"'2026-10-25 02:30:00'", berlin, "2026-10-25T01:30:00Z", 0, FORMAT_DATETIME},
    {"'2026-10-25 01:30:00'", berlin, "2026-10-25T00:30:00Z", 0, FORMAT_DATETIME},
    {"'2026-10-27 01:30:00'", berlin, "2026-10-27T00:30:00Z", 0, FORMAT_DATETIME},

    /* A day lasts till its end. */
    {"'2026-11-23'", utc, "2026-11-24T00:00:00Z", 0, FORMAT_DATE},
    {"'2026-11-23'", NULL, "2026-11-24T14:00:00Z", 0, FORMAT_DATE},
    {"'2026-11-23'", berlin, "2026-11-23T23:00:00Z", 0, FORMAT_DATE},
    {"'2024-02-29'", utc, "2024-03-01T00:00:00Z", 0, FORMAT_DATE},
    {"'2000-02-29'", utc, "2000-03-01T00:00:00Z", 0, FORMAT_DATE},
    {"'9999-12-31'", utc, "10000-01-01T00:00:00Z", 0, FORMAT_DATE},
    {"'2023-02-29'", utc, NULL, 0, FORMAT_AUTO},
    {"'2100-02-29'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-04-31'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-00-10'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-13-10'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-12-00'", utc, NULL, 0, FORMAT_AUTO},

    {"1795435200", utc, "2026-11-23T12:00:00Z", 0, FORMAT_UNIX},
    {"1795435200.25", utc, "2026-11-23T12:00:00Z", 250000, FORMAT_UNIX},
    {"1795435200.0", berlin, "2026-11-23T12:00:00Z", 0, FORMAT_UNIX},
    {"1795435200123", utc, "2026-11-23T12:00:00Z", 123000, FORMAT_UNIX_MS},
    {"1795435200123456", utc, "2026-11-23T12:00:00Z", 123456, FORMAT_UNIX_US},
    {"2461368.0", utc, "2026-11-23T12:00:00Z", 0, FORMAT_JULIAN},
    {"julianday('2026-11-23 12:00:00')", utc, "2026-11-23T12:00:00Z", 0, FORMAT_JULIAN},
    {"100000000", utc, "1973-03-03T09:46:40Z", 0, FORMAT_UNIX},
    {"99999999999", utc, "5138-11-16T09:46:39Z", 0, FORMAT_UNIX},
    {"100000000000", utc, "1973-03-03T09:46:40Z", 0, FORMAT_UNIX_MS},
    {"100000000000000", utc, "1973-03-03T09:46:40Z", 0, FORMAT_UNIX_US},

    /* Sentinels, and what is no time. */
    {"NULL", utc, NULL, 0, FORMAT_AUTO},
    {"0", utc, NULL, 0, FORMAT_AUTO},
    {"-1", utc, NULL, 0, FORMAT_AUTO},
    {"99999999", utc, NULL, 0, FORMAT_AUTO},
    {"100000000000000000", utc, NULL, 0, FORMAT_AUTO},
    {"9223372036854775807", utc, NULL, 0, FORMAT_AUTO},
    {"9e999", utc, NULL, 0, FORMAT_AUTO},
    {"-9e999", utc, NULL, 0, FORMAT_AUTO},
    {"''", utc, NULL, 0, FORMAT_AUTO},
    {"'1970-01-01'", utc, NULL, 0, FORMAT_AUTO},
    {"'1970-01-01 00:00:00'", utc, NULL, 0, FORMAT_AUTO},
    {"'0001-01-01 00:00:00'", utc, NULL, 0, FORMAT_AUTO},
    {"'0000-00-00 00:00:00'", utc, NULL, 0, FORMAT_AUTO},
    {"x'323032362d31312d3233'", utc, NULL, 0, FORMAT_AUTO}, /* a blob that spells a date */
    {"'1795435200'", utc, NULL, 0, FORMAT_AUTO},
    {"'11/23/2026'", utc, NULL, 0, FORMAT_AUTO},
    {"'23.11.2026'", utc, NULL, 0, FORMAT_AUTO},
    {"'20261123'", utc, NULL, 0, FORMAT_AUTO},
    {"'20261123T120000Z'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-1-3'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 '", utc, NULL, 0, FORMAT_AUTO},
    {"' 2026-11-23'", utc, NULL, 0, FORMAT_AUTO},
    {"'-2026-11-23'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23T'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23_12:00:00'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 24:00:00'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:60:00'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:61'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:0'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00 '", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00x'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00Zx'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00  Z'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00 CET'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00+1'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00+01:'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00+01:60'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00+15:00'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00-14:01'", utc, NULL, 0, FORMAT_AUTO}, /* further than any zone */
    {"'2026-11-23 12:00:00 PM'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23' || char(0)", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23' || char(0) || '12:00:00'", utc, NULL, 0, FORMAT_AUTO},
    {"'2026-11-23 12:00:00' || char(0)", utc, NULL, 0, FORMAT_AUTO},
    {"'２０２６-11-23'", utc, NULL, 0, FORMAT_AUTO},
    {"'now'", utc, NULL, 0, FORMAT_AUTO},
    {"'infinity'", utc, NULL, 0, FORMAT_AUTO},
};

START_TEST(values)
{
    struct timestamp_rules rules = {.format = value_rows[_i].format};
    struct zone *zone = NULL;
    char text[TEXT_SHORT];
    int64_t us = -7;

    if (value_rows[_i].zone)
        ck_assert_int_eq(zone_load(value_rows[_i].zone, &zone, NULL), STATUS_OK);
    rules.zone = zone;
    sqlite3_stmt *statement = evaluate(value_rows[_i].value);
    sqlite3_value *value = sqlite3_column_value(statement, 0);
    ck_assert_msg(timestamp_classify(value) == value_rows[_i].format, "%s is %s",
                  value_rows[_i].value, timestamp_format_name(timestamp_classify(value)));
    if (value_rows[_i].latest) {
        ck_assert(timestamp_read(&rules, value, &us));
        ck_assert_msg(strcmp(text_time(text, us), value_rows[_i].latest) == 0 &&
                          us % 1000000 == value_rows[_i].us,
                      "%s: %s and %d us", value_rows[_i].value, text, (int)(us % 1000000));
    }
    for (int format = FORMAT_AUTO; format < FORMAT_COUNT; format++) {
        if (format == (int)value_rows[_i].format && format != FORMAT_AUTO)
            continue;
        us = -7;
        rules.format = (enum time_format)format;
        ck_assert_msg(!timestamp_read(&rules, value, &us) && us == -7, "%s is read as %s",
                      value_rows[_i].value, timestamp_format_name(rules.format));
    }
    sqlite3_finalize(statement);
    zone_free(zone);
}
END_TEST

START_TEST(text_of_utf16_databases)
{
    struct timestamp_rules rules = {.format = FORMAT_DATE};
    int64_t us;

    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA encoding='UTF-16'", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_stmt *statement = evaluate("'2026-11-23'");
    ck_assert(timestamp_read(&rules, sqlite3_column_value(statement, 0), &us));
    sqlite3_finalize(statement);
}
END_TEST

START_TEST(formats_have_names)
{
    static const char *const names[] = {"auto",    "datetime", "date",  "unix",
                                        "unix_ms", "unix_us",  "julian"};

    for (int i = 0; i < FORMAT_COUNT; i++)
        ck_assert_str_eq(timestamp_format_name((enum time_format)i), names[i]);
}
END_TEST

/* --- detection ---------------------------------------------------------------------------- */

static const struct {
    int64_t counts[FORMAT_COUNT], sampled;
    enum status status;
    enum time_format format;
    const char *why; /* a part of the error */
} detect_rows[] = {
    {{0}, 0, STATUS_OK, FORMAT_AUTO, NULL},
    {{[FORMAT_DATE] = 1}, 1, STATUS_OK, FORMAT_DATE, NULL},
    {{[FORMAT_UNIX] = 200}, 200, STATUS_OK, FORMAT_UNIX, NULL},
    {{[FORMAT_AUTO] = 100, [FORMAT_JULIAN] = 100}, 200, STATUS_OK, FORMAT_JULIAN, NULL},
    {{[FORMAT_AUTO] = 101, [FORMAT_JULIAN] = 99},
     200,
     STATUS_REFUSED,
     0,
     "of 200 sampled values only 99 are times"},
    {{[FORMAT_AUTO] = 7}, 7, STATUS_REFUSED, 0, "of 7 sampled values only 0 are times"},
    {{[FORMAT_DATE] = 1, [FORMAT_DATETIME] = 199},
     200,
     STATUS_REFUSED,
     0,
     "199 are datetime and 1 are date"},
    {{[FORMAT_DATETIME] = 1, [FORMAT_UNIX] = 2, [FORMAT_UNIX_MS] = 3},
     6,
     STATUS_REFUSED,
     0,
     "mixture of time formats"},
};

START_TEST(detection)
{
    enum time_format format = FORMAT_COUNT;
    struct error error = {0};
    enum status status =
        timestamp_detect(detect_rows[_i].counts, detect_rows[_i].sampled, &format, &error);

    ck_assert_int_eq(status, detect_rows[_i].status);
    ck_assert_int_eq(format, status ? FORMAT_COUNT : detect_rows[_i].format);
    if (detect_rows[_i].why)
        ck_assert_msg(strstr(error.text, detect_rows[_i].why) && strstr(error.text, "`format:`"),
                      "%s", error.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timestamp");
    TCase *cases = tcase_create("timestamp");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, values, 0, (int)(sizeof value_rows / sizeof *value_rows));
    tcase_add_test(cases, text_of_utf16_databases);
    tcase_add_test(cases, formats_have_names);
    tcase_add_loop_test(cases, detection, 0, (int)(sizeof detect_rows / sizeof *detect_rows));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
