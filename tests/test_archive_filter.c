/* Which rows of an archive are wanted: times of every format, and expressions over all values. */
#include "archive_filter.h"

#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 4 };

/* The columns are id, at, x and n; one that another segment has is called later. */
static struct archive_columns columns, further;
static struct archive_row row;

static void set_up(void)
{
    static const char *const names[][2] = {
        {"id", "INTEGER"}, {"at", "TEXT"}, {"x", ""}, {"n", "VARCHAR(9)"}};

    for (size_t i = 0; i < COLUMNS; i++)
        ck_assert_int_eq(archive_columns_add(&columns, names[i][0], names[i][1], NULL), STATUS_OK);
    columns.time = 1;
    ck_assert_int_eq(archive_columns_add(&further, "id", "INTEGER", NULL), STATUS_OK);
    ck_assert_int_eq(archive_columns_add(&further, "later", "TEXT", NULL), STATUS_OK);
    archive_row_init(&columns, &row);
}

static void tear_down(void)
{
    archive_row_free(&row);
    archive_columns_free(&columns);
    archive_columns_free(&further);
}

static struct archive_value text(const char *bytes)
{
    return (struct archive_value){.type = SQLITE_TEXT, .bytes = bytes, .length = strlen(bytes)};
}

static struct archive_value integer(int64_t number)
{
    return (struct archive_value){.type = SQLITE_INTEGER, .integer = number};
}

static const struct {
    const char *where;
    int wanted; /* -1: it is no expression, -2: it fails on the row */
} expressions[] = {
    {"id = 9007199254740993", 1},
    {"id = '9007199254740993'", 1}, /* INTEGER's affinity */
    {"id = 9007199254740992", 0},
    {"x = x'00ff'", 1},
    {"length(x) = 2 AND typeof(x) = 'blob'", 1},
    {"n = 12", 1}, /* TEXT's affinity */
    {"n = 'twelve'", 0},
    {"NULL", 0},
    {"0.5", 1},
    {"'1 and more'", 1},
    {"later IS NULL", 1},
    {"later = 'x'", 0},
    {"id > 1 -- and a comment", 1},
    {"at LIKE '2025-%' AND id IN (SELECT id FROM archive)", 1},
    {"nothing = 1", -1},
    {"id =", -1},
    {"1); SELECT (1", -1},
    {"id) FROM archive; DELETE FROM archive; --", -1},
    {"id IN (SELECT 1 FROM pragma_database_list)", -1},
    {"EXISTS (SELECT 1 FROM sqlite_master)", -1},
    {"load_extension('x')", -2},
    {"abs(-9223372036854775807 - 1)", -2},
    {"json(n || 'x')", -2},
};

START_TEST(expression)
{
    struct archive_wanted wanted = {-1, -1, expressions[_i].where, NULL};
    struct archive_filter *filter = NULL;
    struct error error = {0};
    bool fits = false;

    row.values[0] = integer(9007199254740993);
    row.values[1] = text("2025-03-04 05:06:07");
    row.values[2] = (struct archive_value){.type = SQLITE_BLOB, .bytes = "\0\xff", .length = 2};
    row.values[3] = text("12");
    enum status status = archive_filter_open(&wanted, &columns, &further, &filter, &error);
    if (!status && expressions[_i].wanted != -1) {
        status = archive_filter_row(filter, &row, &fits, NULL, &error);
        ck_assert_int_eq(status, expressions[_i].wanted == -2 ? STATUS_INVALID : STATUS_OK);
        ck_assert_int_eq(fits, expressions[_i].wanted == 1);
    }
    ck_assert_msg((status == STATUS_INVALID) == (expressions[_i].wanted < 0), "%s: %s",
                  expressions[_i].where, error.text);
    ck_assert(!status || strncmp(error.text, "--where: ", 9) == 0);
    archive_filter_close(filter);
}
END_TEST

#define DAY    86400000000LL
#define FIRST  1741046400000000LL /* 2025-03-04 */
#define MOMENT (FIRST + 18367000000LL)

static const struct {
    const char *text; /* NULL: `number` */
    int64_t number;
    const char *zone;
    int64_t us;
} times[] = {
    {"2025-03-04 05:06:07", 0, NULL, MOMENT},
    {"2025-03-04T05:06:07Z", 0, "Europe/Madrid", MOMENT},
    {"2025-03-04T05:06:07", 0, "Europe/Madrid", MOMENT - 3600000000LL},
    {"2025-03-04T06:06:07+01:00", 0, NULL, MOMENT},
    {"2025-03-04", 0, NULL, FIRST + DAY - 1},
    {NULL, MOMENT / 1000000, NULL, MOMENT},
    {NULL, MOMENT / 1000, NULL, MOMENT},
    {NULL, MOMENT, NULL, MOMENT},
    {"yesterday", 0, NULL, -1},
    {NULL, 7, NULL, -1},
};

static bool fits(const struct archive_wanted *wanted, int64_t *time_us)
{
    struct archive_filter *filter = NULL;
    struct error error = {0};
    bool result = false;

    ck_assert_int_eq(archive_filter_open(wanted, &columns, NULL, &filter, &error), STATUS_OK);
    ck_assert_int_eq(archive_filter_row(filter, &row, &result, time_us, &error), STATUS_OK);
    archive_filter_close(filter);
    return result;
}

START_TEST(time_of_a_row)
{
    const char *zone = times[_i].zone;
    int64_t us = 0, expected = times[_i].us;

    row.values[1] = times[_i].text ? text(times[_i].text) : integer(times[_i].number);
    ck_assert(fits(&(struct archive_wanted){-1, -1, NULL, zone}, &us));
    ck_assert_int_eq(us, expected);
    if (expected < 0) {
        ck_assert(!fits(&(struct archive_wanted){0, -1, NULL, zone}, NULL));
        ck_assert(!fits(&(struct archive_wanted){-1, INT64_MAX, NULL, zone}, NULL));
        return;
    }
    ck_assert(fits(&(struct archive_wanted){expected, expected + 1, NULL, zone}, NULL));
    ck_assert(!fits(&(struct archive_wanted){expected + 1, -1, NULL, zone}, NULL));
    ck_assert(!fits(&(struct archive_wanted){-1, expected, NULL, zone}, NULL));
    ck_assert(!fits(&(struct archive_wanted){expected, -1, "id = 1", zone}, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_filter");
    TCase *tests = tcase_create("archive_filter");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, expression, 0, (int)(sizeof expressions / sizeof *expressions));
    tcase_add_loop_test(tests, time_of_a_row, 0, (int)(sizeof times / sizeof *times));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
