/* `litekeeper archive cat` on what a real run has archived: the rows that SQLite would choose. */
#include "lib_archived.h"
#include "lib_expect.h"
#include "lib_folder.h"
#include "lib_sql.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3 *before;

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    folder_make();
    before = archived_make();
}

static void tear_down(void)
{
    sqlite3_close(before);
    folder_remove();
}

static const struct {
    const char *words, *sql; /* further conditions */
} cats[] = {
    {"", "1"},
    {" --where id%7=3", "id % 7 = 3"},
    {" --where x/**/IS/**/NULL", "x IS NULL"},
    {" --where x/**/LIKE/**/'text/**/%'", "x LIKE 'text/**/%'"},
    {" --where typeof(n)='blob'/**/AND/**/length(n)>4", "typeof(n) = 'blob' AND length(n) > 4"},
    {" --where n>500.5", "n > 500.5"},
    {" --where id='500'", "id = '500'"},
    {" --where x='500'/**/OR/**/id/**/IN/**/(500,501)--", "id IN (500, 501)"},
    {" --where 0", "0"},
};

static json_t *ids_of(const char *sql)
{
    sqlite3_stmt *select = sql_prepare(before, sql);
    json_t *ids = json_array();

    while (sqlite3_step(select) == SQLITE_ROW)
        json_array_append_new(ids, json_integer(sqlite3_column_int64(select, 0)));
    sqlite3_finalize(select);
    return ids;
}

/* The ids of what cat prints are those of the model, in the order of time. */
static void same_as(const char *words, const char *condition)
{
    char *all = memory_format("cat app t%s", words);
    char *sql = memory_format("SELECT id FROM t WHERE at < unixepoch('now', '-50 days') AND (%s\n)"
                              " ORDER BY at",
                              condition);
    json_t *lines = archived_lines(all, 0), *expected = ids_of(sql), *line;
    size_t i;

    ck_assert_msg(json_array_size(lines) == json_array_size(expected), "%s: %zu instead of %zu",
                  all, json_array_size(lines), json_array_size(expected));
    json_array_foreach (lines, i, line)
        ck_assert(json_equal(json_object_get(line, "id"), json_array_get(expected, i)));
    json_decref(lines);
    json_decref(expected);
    free(all);
    free(sql);
}

START_TEST(cat_where)
{
    for (size_t i = 0; i < sizeof cats / sizeof *cats; i++)
        same_as(cats[i].words, cats[i].sql);
}
END_TEST

static char *moment_of(int id)
{
    char *sql = memory_format("SELECT strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', at, 'unixepoch') FROM t"
                              " WHERE id = %d",
                              id);
    sqlite3_stmt *select = sql_prepare(before, sql);

    ck_assert_int_eq(sqlite3_step(select), SQLITE_ROW);
    char *moment = memory_copy((const char *)sqlite3_column_text(select, 0));
    sqlite3_finalize(select);
    free(sql);
    return moment;
}

/* From one row's very second on, and before it. */
START_TEST(cat_times)
{
    static const struct {
        const char *words, *sql;
    } forms[] = {{" --since %s", "id <= %d"},
                 {" --until %s", "id > %d"},
                 {" --since %s --until 2100-01-01 --where id%%2=0", "id <= %d AND id %% 2 = 0"}};
    static const int ids[] = {590, 450, 333};

    for (size_t i = 0; i < 9; i++) {
        char *moment = moment_of(ids[i / 3]);
        sqlite3_str *made = sqlite3_str_new(NULL), *told = sqlite3_str_new(NULL);
        sqlite3_str_appendf(made, forms[i % 3].words, moment);
        sqlite3_str_appendf(told, forms[i % 3].sql, ids[i / 3]);
        same_as(sqlite3_str_value(made), sqlite3_str_value(told));
        sqlite3_free(sqlite3_str_finish(made));
        sqlite3_free(sqlite3_str_finish(told));
        free(moment);
    }
}
END_TEST

static const struct {
    const char *words, *err;
    int status;
} mistakes[] = {
    {"app t --where nix=1", "litekeeper: --where: no such column: nix\n", 2},
    {"app t --where id=", "litekeeper: --where: ~\n", 2},
    {"app t --where 1);SELECT(1", "litekeeper: --where: ~\n", 2},
    {"app t --where (SELECT/**/1/**/FROM/**/sqlite_master)", "litekeeper: --where: ~\n", 2},
    {"app t --where load_extension('x')", "litekeeper: --where: ~\n", 2},
    {"app t --where json(x)", "litekeeper: --where: ~\n", 2},
    {"app t --since noon", "litekeeper: \"noon\" is no time; ~\n", 2},
    {"app t --until 2025-13-01", "litekeeper: \"2025-13-01\" is no time; ~\n", 2},
    {"app u", "litekeeper archive cat: no table \"u\"; ~\n", 2},
};

START_TEST(cat_mistakes)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char *words = memory_format("archive cat -c @/policy.yaml %s", mistakes[i].words);
        expect(words, mistakes[i].status, "", mistakes[i].err);
        free(words);
    }
}
END_TEST

static size_t lines_of(const char *text)
{
    size_t lines = 0;

    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* The others' rows come, and not one of it. */
static void cat_without(size_t which, const char *end, size_t whole)
{
    char *damaged = archived_file(which, end);
    struct program_result rest;

    archived_flip(damaged, archived_size(damaged) / 2, 1);
    archived_run("cat app t", 1, &rest);
    expect_text("error", rest.err,
                "litekeeper: app/t/year=#/month=#/part-#T#Z.jsonl.zst: ~; its rows are left out\n");
    ck_assert_uint_lt(lines_of(rest.out), whole);
    ck_assert_uint_ge(lines_of(rest.out) + 20, whole);
    archived_flip(damaged, archived_size(damaged) / 2, 1);
    program_result_free(&rest);
    free(damaged);
}

START_TEST(cat_damaged)
{
    struct program_result whole;

    archived_run("cat app t", 0, &whole);
    for (size_t i = 0; i < 4; i++)
        cat_without(i * 3, i % 2 ? ARCHIVED_MANIFEST : ARCHIVED_SEGMENT, lines_of(whole.out));
    program_result_free(&whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive_cat");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, cat_where);
    tcase_add_test(cases, cat_times);
    tcase_add_test(cases, cat_mistakes);
    tcase_add_test(cases, cat_damaged);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
