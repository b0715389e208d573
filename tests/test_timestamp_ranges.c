/* Ranges of time columns: no range of raw values leaves out a row that can be old. */
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

/* Every affinity that a column can have: comparison converts literals by it. */
static const char *const columns[] = {"plain", "dated", "string", "whole", "floating"};
static const char ranges_schema[] = "CREATE TABLE t(plain, dated DATETIME, string TEXT,"
                                    " whole INTEGER, floating REAL)";
static const char *const ranges_zones[] = {
    NULL, "UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"};

enum {
    RANGES_ROUNDS = 40,
    RANGES_VALUES = 300,
    COLUMNS = sizeof columns / sizeof *columns,
    ZONES = sizeof ranges_zones / sizeof *ranges_zones
};

static const int64_t hour_us = INT64_C(3600000000);

/* 0, or around -reach to reach in steps that make ties and near misses likely. */
static int64_t distance(uint64_t *random, int64_t reach)
{
    static const int64_t steps[] = {1, 1000, 1000000, 60000000, INT64_C(3600000000)};
    int64_t step = steps[randomdb_number(random, 5)];

    if (randomdb_number(random, 8) == 0 || reach < step)
        return randomdb_number(random, 5) - 2;
    return (randomdb_number(random, 2 * (reach / step) + 1) - reach / step) * step;
}

static void add_text(uint64_t *random, enum time_format format, int64_t us, struct text *sql)
{
    static const char *const zones[] = {"", "", "Z", "z", " Z"};
    char time[TEXT_SHORT];
    int64_t zone = randomdb_number(random, 8);

    text_time(time, us);
    time[10] = randomdb_number(random, 2) ? 'T' : ' ';
    text_addf(sql, "'%.*s",
              format == FORMAT_DATE        ? 10
              : randomdb_number(random, 4) ? 19
                                           : 16,
              time);
    if (format == FORMAT_DATETIME && time[10] && randomdb_number(random, 3) == 0 &&
        strlen(sql->bytes) == 20)
        text_addf(sql, ".%d", (int)randomdb_number(random, 100000));
    if (format == FORMAT_DATETIME && zone < 5)
        text_add(sql, zones[zone]);
    else if (format == FORMAT_DATETIME) {
        int64_t minutes = randomdb_number(random, 28 * 60 + 1) - 14 * 60;
        text_addf(sql, "%c%02d%s%02d", minutes < 0 ? '-' : '+', abs((int)minutes) / 60,
                  randomdb_number(random, 2) ? ":" : "", abs((int)minutes) % 60);
    }
    text_add(sql, "'");
}

/* A literal of the format, around the moment. */
static void add_value(uint64_t *random, enum time_format format, int64_t before_us,
                      struct text *sql)
{
    int64_t us = before_us + distance(random, 40 * hour_us);

    if (format == FORMAT_DATETIME || format == FORMAT_DATE)
        add_text(random, format, us, sql);
    else if (format == FORMAT_JULIAN)
        text_addf(sql, "%.17g", (double)us / 86400e6 + 2440587.5);
    else if (format == FORMAT_UNIX_US)
        text_addf(sql, "%lld", (long long)us);
    else if (randomdb_number(random, 2))
        text_addf(sql, "%lld", (long long)us / (format == FORMAT_UNIX ? 1000000 : 1000));
    else
        text_addf(sql, "%.17g", (double)us / (format == FORMAT_UNIX ? 1e6 : 1e3));
}

static void fill(uint64_t *random, enum time_format format, int64_t before_us)
{
    randomdb_sql(db, "DELETE FROM t");
    for (int i = 0; i < RANGES_VALUES; i++) {
        struct text value = {0};
        add_value(random, format, before_us, &value);
        char *sql = memory_format("INSERT INTO t VALUES(%s,%s,%s,%s,%s)", value.bytes, value.bytes,
                                  value.bytes, value.bytes, value.bytes);
        randomdb_sql(db, sql);
        free(sql);
        text_free(&value);
    }
}

/* One column of all rows: the value, whether it is in the range, surely below, in the bounds. */
static sqlite3_stmt *compare(const char *column, enum time_format format, int64_t before_us)
{
    struct text low = {0}, high = {0}, surely = {0}, least = {0}, most = {0};
    sqlite3_stmt *statement = NULL;

    timestamp_range(format, before_us, &low, &high);
    timestamp_surely(format, before_us, &surely);
    timestamp_bounds(format, &least, &most);
    char *sql = memory_format("SELECT %s, %s >= %s AND %s < %s, %s >= %s AND %s < %s,"
                              " %s >= %s AND %s < %s FROM t",
                              column, column, low.bytes, column, high.bytes, column, low.bytes,
                              column, surely.bytes, column, least.bytes, column, most.bytes);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    free(sql);
    text_free(&low);
    text_free(&high);
    text_free(&surely);
    text_free(&least);
    text_free(&most);
    return statement;
}

/* Returns how many values were read. */
static int check_column(const char *column, const struct timestamp_rules *rules, int64_t before_us)
{
    sqlite3_stmt *row = compare(column, rules->format, before_us);
    int read = 0;

    while (sqlite3_step(row) == SQLITE_ROW) {
        int64_t us;
        bool in_range = sqlite3_column_int(row, 1), surely = sqlite3_column_int(row, 2);
        bool in_bounds = sqlite3_column_int(row, 3);
        sqlite3_value *copy = sqlite3_value_dup(sqlite3_column_value(row, 0));
        if (timestamp_read(rules, copy, &us)) {
            const char *text = (const char *)sqlite3_value_text(copy);
            read++;
            ck_assert_msg(in_bounds, "%s %s is out of bounds", column, text);
            ck_assert_msg(in_range || us >= before_us,
                          "%s %s of %lld is older than %lld and not in the range", column, text,
                          (long long)us, (long long)before_us);
            ck_assert_msg(!surely || us < before_us, "%s %s of %lld is surely before %lld?", column,
                          text, (long long)us, (long long)before_us);
        }
        sqlite3_value_free(copy);
    }
    sqlite3_finalize(row);
    return read;
}

START_TEST(ranges_leave_nothing_out)
{
    enum time_format format = (enum time_format)(FORMAT_AUTO + 1 + _i);
    uint64_t random = randomdb_seed(timestamp_format_name(format)) + (uint64_t)_i;
    int read = 0;

    randomdb_sql(db, ranges_schema);
    for (int round = 0; round < RANGES_ROUNDS; round++) {
        struct timestamp_rules rules = {.format = format};
        struct zone *zone = NULL;
        const char *name = ranges_zones[randomdb_number(&random, ZONES)];
        /* 1973-03-05 to 2100, at times a whole second or a whole day */
        static const int64_t wholes[] = {1, 1000, 1000000, INT64_C(86400000000)};
        int64_t whole = wholes[randomdb_number(&random, 4)];
        int64_t before_us = randomdb_number(&random, INT64_C(4000000000000000)) + 100200000000000;
        before_us -= before_us % whole;
        if (name)
            ck_assert_int_eq(zone_load(name, &zone, NULL), STATUS_OK);
        rules.zone = zone;
        fill(&random, format, before_us);
        for (int column = 0; column < COLUMNS; column++)
            read += check_column(columns[column], &rules, before_us);
        zone_free(zone);
    }
    ck_assert_int_gt(read, RANGES_ROUNDS * RANGES_VALUES); /* or nothing was tested */
}
END_TEST

/* What is no time of the format lies outside of its range where SQLite's order allows that. */
static const struct {
    enum time_format format;
    const char *value;
    bool in_range;
} strangers[] = {
    {FORMAT_DATETIME, "NULL", false},
    {FORMAT_DATETIME, "1795435200", false},
    {FORMAT_DATETIME, "x'00'", false},
    {FORMAT_DATETIME, "'pending'", false},
    {FORMAT_DATE, "0", false},
    {FORMAT_DATE, "'n/a'", false},
    {FORMAT_UNIX, "0", false},
    {FORMAT_UNIX, "-1", false},
    {FORMAT_UNIX, "''", false},
    {FORMAT_UNIX, "'2020-01-01'", false},
    {FORMAT_UNIX, "1e12", false},
    {FORMAT_UNIX_MS, "1700000000", false},
    {FORMAT_UNIX_US, "1700000000000", false},
    {FORMAT_JULIAN, "0.5", false},
    {FORMAT_JULIAN, "1700000000", false},
};

START_TEST(strangers_are_out_of_range)
{
    const int64_t now_us = INT64_C(1795435200000000);
    sqlite3_stmt *row;

    randomdb_sql(db, ranges_schema);
    char *sql = memory_format("INSERT INTO t(plain) VALUES(%s)", strangers[_i].value);
    randomdb_sql(db, sql);
    free(sql);
    row = compare("plain", strangers[_i].format, now_us);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    ck_assert_msg(sqlite3_column_int(row, 1) == strangers[_i].in_range, "%s", strangers[_i].value);
    sqlite3_finalize(row);
}
END_TEST

/* Moments before year 1000 and beyond 9999, which a long `keep` or --at can ask for: text of them
 * would not have four digits for the year, and so sort anywhere. */
START_TEST(far_moments)
{
    static const int64_t moments[] = {
        INT64_C(-62135596800000000), INT64_C(-40000000000000000), 0,
        INT64_C(253402300799000000), INT64_C(260000000000000000), INT64_C(-900000000000000000),
        INT64_C(900000000000000000)};
    struct timestamp_rules rules = {.format = FORMAT_DATE};

    randomdb_sql(db, ranges_schema);
    randomdb_sql(db, "INSERT INTO t(plain) VALUES('2020-01-01'),('9999-12-31'),('1999-12-31')");
    check_column("plain", &rules, moments[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timestamp ranges");
    TCase *cases = tcase_create("timestamp ranges");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, ranges_leave_nothing_out, 0, FORMAT_COUNT - 1);
    tcase_add_loop_test(cases, strangers_are_out_of_range, 0,
                        (int)(sizeof strangers / sizeof *strangers));
    tcase_add_loop_test(cases, far_moments, 0, 7);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
