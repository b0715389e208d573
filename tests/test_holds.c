/* Holds in the history: joined where they touch, lifted, too many; and segments that were archived
 * by others than those that are known. */
#include "holds.h"

#include "history.h"
#include "lib_folder.h"
#include "lib_history.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct history *history;

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

static enum status put(const char *path, const char *target, int64_t first_us, int64_t last_us)
{
    json_t *hold = json_pack("{s:s, s:s, s:I, s:I}", "database", "d", "target", target, "first_us",
                             (json_int_t)first_us, "last_us", (json_int_t)last_us);
    enum status status = history_hold(history, hold, path, NULL);

    json_decref(hold);
    return status;
}

/* "1-5 7-9" of a table. */
static void check(const char *path, const char *target, const char *expected)
{
    json_t *holds = NULL, *hold;
    char got[256] = "", one[64];
    size_t i;

    ck_assert_int_eq(history_holds(history, path, target, &holds, NULL), STATUS_OK);
    json_array_foreach (holds, i, hold) {
        snprintf(one, sizeof one, "%s%lld-%lld", i ? " " : "",
                 (long long)json_integer_value(json_array_get(hold, 0)),
                 (long long)json_integer_value(json_array_get(hold, 1)));
        strncat(got, one, sizeof got - strlen(got) - 1);
        ck_assert_int_gt(json_integer_value(json_array_get(hold, 2)), 0);
    }
    ck_assert_str_eq(got, expected);
    json_decref(holds);
}

static const struct {
    int64_t first_us, last_us;
    const char *expected;
} joins[] = {
    {100, 200, "100-200"},
    {100, 200, "100-200"},
    {300, 400, "100-200 300-400"},
    {500, 500, "100-200 300-400 500-500"},
    {202, 298, "100-200 202-298 300-400 500-500"},
    {201, 201, "100-298 300-400 500-500"}, /* next to both */
    {350, 360, "100-298 300-400 500-500"},
    {90, 110, "90-298 300-400 500-500"},
    {290, 499, "90-500"},
    {-5, -1, "-5--1 90-500"},
    {0, 1000, "-5-1000"},
};

START_TEST(joined)
{
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        ck_assert_int_eq(put("/a.db", "t", joins[i].first_us, joins[i].last_us), STATUS_OK);
        check("/a.db", "T", joins[i].expected);
    }
    check("/b.db", "t", "");
    check("/a.db", "u", "");
}
END_TEST

START_TEST(lifted)
{
    json_t *path = json_string("/a.db"), *target = json_string("T");

    ck_assert_int_eq(put("/a.db", "t", 1, 2), STATUS_OK);
    ck_assert_int_eq(put("/a.db", "t", 5, 6), STATUS_OK);
    ck_assert_int_eq(put("/a.db", "u", 1, 2), STATUS_OK);
    ck_assert_int_eq(put("/b.db", "t", 1, 2), STATUS_OK);
    char *list = histories_list(history, HISTORY_HOLDS);
    ck_assert_ptr_nonnull(strstr(list, "\"target\":\"u\",\"path\":\"/a.db\",\"first_us\":1"));
    ck_assert_int_eq(history_lift(history, path, target, NULL), STATUS_OK);
    ck_assert_int_eq(history_lift(history, path, target, NULL), STATUS_OK);
    check("/a.db", "t", "");
    check("/a.db", "u", "1-2");
    check("/b.db", "t", "1-2");
    json_decref(path);
    json_decref(target);
    free(list);
}
END_TEST

START_TEST(not_too_many)
{
    ck_assert_int_eq(history_begin(history, NULL), STATUS_OK); /* one commit is enough */
    for (int64_t at = 0; at < 500; at++)
        ck_assert_int_eq(put("/a.db", "t", at * 10, at * 10 + 1), STATUS_OK);
    ck_assert_int_eq(put("/a.db", "t", 100000, 100001), STATUS_FAILED);
    ck_assert_int_eq(put("/a.db", "t", 1000, 100001), STATUS_OK); /* which joins most */
    ck_assert_int_eq(put("/a.db", "u", 1, 2), STATUS_OK);
    ck_assert_int_eq(history_end(history, NULL), STATUS_OK);
}
END_TEST

static enum status note(const char *state, const json_t *holds)
{
    char held[DIGEST_HEX];

    holds_digest(holds, held);
    json_t *segment =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:i, s:i, s:i, s:s}", "database",
                  "d", "target", "t", "state", state, "directory", "/cold", "file", "d/t/part-1",
                  "rows", 1, "bytes", 1, "sha256", "0", "sha256_rows", "0", "first_us", 1,
                  "last_us", 2, "cutoff_us", 3, "held", held);
    enum status status = history_segment(history, segment, "/a.db", NULL);

    json_decref(segment);
    return status;
}

/* Whoever deletes must go by the holds that there are. */
START_TEST(segments_know_holds)
{
    json_t *holds = NULL;

    ck_assert_int_eq(note("written", NULL), STATUS_OK);
    ck_assert_int_eq(put("/a.db", "t", 1, 2), STATUS_OK);
    ck_assert_int_eq(note("written", NULL), STATUS_FAILED);
    ck_assert_int_eq(note("done", NULL), STATUS_OK); /* its rows have gone already */
    ck_assert_int_eq(note("undone", NULL), STATUS_OK);
    ck_assert_int_eq(history_holds(history, "/a.db", "t", &holds, NULL), STATUS_OK);
    ck_assert_int_eq(note("written", holds), STATUS_OK);
    ck_assert_int_eq(put("/a.db", "t", 2, 3), STATUS_OK);
    ck_assert_int_eq(note("written", holds), STATUS_FAILED);
    json_decref(holds);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("holds");
    SRunner *runner = srunner_create(suite);
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, joined);
    tcase_add_test(cases, lifted);
    tcase_add_test(cases, not_too_many);
    tcase_add_test(cases, segments_know_holds);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
