/* Text: the buffer, SQL identifiers, numbers for people, and hostile bytes. */
#include "text.h"

#include "error.h"
#include "lib_randomdb.h"
#include "memory.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

START_TEST(the_buffer_grows)
{
    struct text text = {0};

    text_add(&text, "");
    ck_assert_str_eq(text.bytes, "");
    for (int i = 0; i < 1000; i++)
        text_addf(&text, "%d,", i % 10);
    ck_assert_uint_eq(text.length, 2000);
    ck_assert_uint_eq(strlen(text.bytes), 2000);
    ck_assert_mem_eq(text.bytes + 1990, "5,6,7,8,9,", 11);
    text_add_length(&text, "ab\0cd", 5);
    ck_assert_uint_eq(text.length, 2005);
    text_clear(&text);
    ck_assert_uint_eq(text.length, 0);
    ck_assert_str_eq(text.bytes, "");
    text_free(&text);
    ck_assert_ptr_null(text.bytes);
    text_clear(&text);
    text_free(&text);
}
END_TEST

START_TEST(taken_text_is_ours)
{
    struct text text = {0};
    char *empty = text_take(&text), *full;

    ck_assert_str_eq(empty, "");
    text_add(&text, "full");
    full = text_take(&text);
    ck_assert_str_eq(full, "full");
    ck_assert_ptr_null(text.bytes);
    free(empty);
    free(full);
}
END_TEST

/* --- identifiers -------------------------------------------------------------------------- */

static const char *const names[] = {"plain",   "two words", "",           "\"",   "\"\"",
                                    "a\"b\"c", "`",         "``",         "a`b`", "[bracket]",
                                    "select",  "1st",       "x'; DROP--", "%s%n", "naïve ☃"};

/* Whatever a column is called, SQLite takes its identifier for that column. */
START_TEST(identifiers_name_columns)
{
    struct text create = {0}, query = {0};
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    text_add(&create, "CREATE TABLE t(other, ");
    text_add_identifier(&create, names[_i]);
    text_add(&create, "); INSERT INTO t VALUES(1, 42)");
    text_add(&query, "SELECT ");
    text_add_identifier(&query, names[_i]);
    text_add(&query, " FROM t");
    randomdb_sql(db, create.bytes);
    ck_assert_int_eq(randomdb_value(db, query.bytes), 42);
    text_free(&create);
    text_free(&query);
    sqlite3_close(db);
}
END_TEST

/* A column that is gone must be an error. SQLite takes "name" for the text 'name' instead, and a
 * DELETE WHERE "id" IN (SELECT "id" ...) after a column was renamed would take every row. */
START_TEST(identifiers_are_never_text)
{
    struct text query = {0};
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    randomdb_sql(db, "CREATE TABLE t(other)");
    text_add(&query, "SELECT ");
    text_add_identifier(&query, names[_i]);
    text_add(&query, " FROM t");
    ck_assert_int_eq(sqlite3_prepare_v2(db, query.bytes, -1, &statement, NULL), SQLITE_ERROR);
    ck_assert_msg(strstr(sqlite3_errmsg(db), "no such column") != NULL, "%s", sqlite3_errmsg(db));
    text_free(&query);
    sqlite3_close(db);
}
END_TEST

/* --- numbers ------------------------------------------------------------------------------ */

static const struct {
    int64_t number;
    const char *text;
} count_rows[] = {
    {0, "0"},
    {7, "7"},
    {-7, "-7"},
    {999, "999"},
    {1000, "1,000"},
    {-999, "-999"},
    {-1000, "-1,000"},
    {812344, "812,344"},
    {-123456, "-123,456"},
    {INT64_MAX, "9,223,372,036,854,775,807"},
    {INT64_MIN, "-9,223,372,036,854,775,808"},
};

START_TEST(counts)
{
    char text[TEXT_SHORT];

    ck_assert_str_eq(text_count(text, count_rows[_i].number), count_rows[_i].text);
}
END_TEST

static const struct {
    int64_t bytes;
    const char *text;
} bytes_rows[] = {
    {0, "0 bytes"},
    {1023, "1023 bytes"},
    {1024, "1.0 KiB"},
    {-1024, "-1.0 KiB"},
    {1536, "1.5 KiB"},
    {301989888, "288.0 MiB"},
    {INT64_C(1) << 40, "1.0 TiB"},
    {1024 * 1024 - 1, "1.0 MiB"},
    {INT64_MAX, "8192.0 PiB"},
    {INT64_MIN, "-8192.0 PiB"},
};

START_TEST(sizes)
{
    char text[TEXT_SHORT];

    ck_assert_str_eq(text_bytes(text, bytes_rows[_i].bytes), bytes_rows[_i].text);
}
END_TEST

static const struct {
    double seconds;
    const char *text;
} seconds_rows[] = {
    {0, "0 ms"},         {0.004, "4 ms"},         {0.0994, "99 ms"},    {0.0996, "0.1 s"},
    {14.2, "14.2 s"},    {59.94, "59.9 s"},       {59.97, "1 min 0 s"}, {60, "1 min 0 s"},
    {200, "3 min 20 s"}, {3599.9, "59 min 59 s"}, {3600, "1 h 0 min"},  {90061, "25 h 1 min"},
};

START_TEST(durations)
{
    char text[TEXT_SHORT];

    ck_assert_str_eq(text_seconds(text, seconds_rows[_i].seconds), seconds_rows[_i].text);
}
END_TEST

START_TEST(counted_things)
{
    char text[TEXT_SHORT];

    ck_assert_str_eq(text_counted(text, 0, "row"), "0 rows");
    ck_assert_str_eq(text_counted(text, 1, "row"), "1 row");
    ck_assert_str_eq(text_counted(text, 812344, "row"), "812,344 rows");
    ck_assert_str_eq(text_counted(text, INT64_MIN, "sixteen-letters-"),
                     "-9,223,372,036,854,775,808 sixteen-letters-s");
}
END_TEST

static const struct {
    int64_t us;
    const char *text;
} time_rows[] = {
    {0, "1970-01-01T00:00:00Z"},
    {999999, "1970-01-01T00:00:00Z"},
    {-1, "1969-12-31T23:59:59Z"},
    {-1000000, "1969-12-31T23:59:59Z"},
    {-1000001, "1969-12-31T23:59:58Z"},
    {INT64_C(1795435200000000), "2026-11-23T12:00:00Z"},
    {INT64_C(253402300799999999), "9999-12-31T23:59:59Z"},
    {INT64_MAX, "294247-01-10T04:00:54Z"},
};

START_TEST(moments)
{
    char text[TEXT_SHORT];

    ck_assert_str_eq(text_time(text, time_rows[_i].us), time_rows[_i].text);
}
END_TEST

START_TEST(the_first_moment_of_all)
{
    char text[TEXT_SHORT];

    ck_assert_uint_lt(strlen(text_time(text, INT64_MIN)), TEXT_SHORT);
}
END_TEST

/* --- hostile text ------------------------------------------------------------------------- */

static const struct {
    const char *hostile, *clean;
} sanitize_rows[] = {
    {"", ""},
    {"plain", "plain"},
    {"naïve ☃ 𝄞", "naïve ☃ 𝄞"},
    {"a\nb\tc\r", "a?b?c?"},
    {"\x1b[2J", "?[2J"},
    {"\x7f", "?"},
    {"\xc2\x9b"
     "2J",
     "??2J"}, /* U+009B, which terminals take for ESC [ */
    {"\xc2\xa0", "\xc2\xa0"},
    {"\xff\xfe", "??"},
    {"\xc0\xaf", "??"}, /* overlong */
    {"\xe0\x80\xaf", "???"},
    {"\xed\xa0\x80", "???"},      /* a surrogate */
    {"\xf4\x90\x80\x80", "????"}, /* beyond U+10FFFF */
    {"\xf0\x9d\x84", "???"},      /* cut off */
    {"\xe2\x98", "??"},
    {"\xe2\x98"
     "a",
     "??a"},
    {"\x80", "?"},
    {"\xe2\x80\xae"
     "abc",
     "???abc"}, /* U+202E turns the line around */
    {"\xe2\x81\xa6"
     "abc",
     "???abc"}, /* U+2066 does, too */
    {"\xe2\x80\xa8"
     "abc",
     "???abc"}, /* U+2028 is a new line to some */
};

START_TEST(hostile_text)
{
    char *text = memory_copy(sanitize_rows[_i].hostile);

    text_sanitize(text);
    ck_assert_str_eq(text, sanitize_rows[_i].clean);
    free(text);
}
END_TEST

/* Random bytes: what comes out has no controls, is as long, and stays as it is. */
START_TEST(random_bytes)
{
    uint64_t random = randomdb_seed("random_bytes");
    char text[64], again[64];

    for (int round = 0; round < 20000; round++) {
        size_t length = (size_t)randomdb_number(&random, 63);
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(randomdb_number(&random, 2) ? randomdb_number(&random, 255) + 1
                                                         : 0xc0 + randomdb_number(&random, 64));
        text[length] = '\0';
        text_sanitize(text);
        ck_assert_uint_eq(strlen(text), length);
        for (size_t i = 0; i < length; i++)
            ck_assert((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
        memcpy(again, text, length + 1);
        text_sanitize(again);
        ck_assert_str_eq(again, text);
    }
}
END_TEST

/* --- errors and memory -------------------------------------------------------------------- */

START_TEST(errors)
{
    struct error error = {0};
    char *long_text = memory_zeroed(2000, 1);

    ck_assert_int_eq(error_set(NULL, STATUS_BUSY, "x"), STATUS_BUSY);
    ck_assert_int_eq(error_set(&error, STATUS_REFUSED, "no %s", "way"), STATUS_REFUSED);
    ck_assert_str_eq(error.text, "no way");
    memset(long_text, 'x', 1999);
    error_set(&error, STATUS_FAILED, "%s", long_text);
    ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
    ck_assert_int_eq(error.status, STATUS_FAILED);
    free(long_text);
}
END_TEST

START_TEST(memory)
{
    char *none = memory_copy(NULL), *part = memory_copy_length("abc", 2);
    char *format = memory_format("%d-%s", 7, "x"), *zero = memory_zeroed(0, 0);

    ck_assert_ptr_null(none);
    ck_assert_str_eq(part, "ab");
    ck_assert_str_eq(format, "7-x");
    ck_assert_ptr_nonnull(zero);
    zero = memory_resize(zero, 0, 7);
    ck_assert_ptr_nonnull(zero);
    free(part);
    free(format);
    free(zero);
}
END_TEST

START_TEST(too_much_memory_is_fatal)
{
    memory_resize(NULL, SIZE_MAX / 4, 8);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *cases = tcase_create("text");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(cases, the_buffer_grows);
    tcase_add_test(cases, taken_text_is_ours);
    tcase_add_loop_test(cases, identifiers_name_columns, 0, COUNT(names));
    tcase_add_loop_test(cases, identifiers_are_never_text, 0, COUNT(names));
    tcase_add_loop_test(cases, counts, 0, COUNT(count_rows));
    tcase_add_loop_test(cases, sizes, 0, COUNT(bytes_rows));
    tcase_add_loop_test(cases, durations, 0, COUNT(seconds_rows));
    tcase_add_test(cases, counted_things);
    tcase_add_loop_test(cases, moments, 0, COUNT(time_rows));
    tcase_add_test(cases, the_first_moment_of_all);
    tcase_add_loop_test(cases, hostile_text, 0, COUNT(sanitize_rows));
    tcase_add_test(cases, random_bytes);
    tcase_add_test(cases, errors);
    tcase_add_test(cases, memory);
    tcase_add_test_raise_signal(cases, too_much_memory_is_fatal, 6);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
