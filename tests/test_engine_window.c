/* A decision held against the policy's window: when it may act, waits, or never can. */
#include "engine_window.h"
#include "window.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

/* 2026-11-22 is a Sunday. A reason of NULL: it may. */
static const struct {
    const char *windows[3], *now;
    bool needs;
    double seconds;
    enum engine_window verdict;
    const char *reason;
} rows[] = {
    {{NULL}, "2026-11-22 12:00:00", false, 1e9, ENGINE_WINDOW_OPEN, NULL},
    {{NULL},
     "2026-11-22 12:00:00",
     true,
     1,
     ENGINE_WINDOW_NEVER,
     "19 rows; it would block the application, and the policy has no window for that"},
    {{"Sun 02:00-05:00 UTC"}, "2026-11-22 02:00:00", true, 10800, ENGINE_WINDOW_OPEN, NULL},
    {{"Sun 02:00-05:00 UTC"}, "2026-11-22 04:59:00", true, -1, ENGINE_WINDOW_OPEN, NULL},
    {{"Sun 02:00-05:00 UTC"},
     "2026-11-22 01:00:00",
     true,
     10800,
     ENGINE_WINDOW_WAITS,
     "19 rows; it waits for the window that opens at 2026-11-22T02:00:00Z"},
    {{"Sun 02:00-05:00 UTC"},
     "2026-11-22 02:00:01",
     true,
     10800,
     ENGINE_WINDOW_WAITS,
     "19 rows; it waits for the window that opens at 2026-11-29T02:00:00Z"},
    {{"Sun 02:00-05:00 UTC"},
     "2026-11-22 05:00:00",
     true,
     -1,
     ENGINE_WINDOW_WAITS,
     "19 rows; it waits for the window that opens at 2026-11-29T02:00:00Z"},
    {{"Sun 02:00-05:00 UTC"},
     "2026-11-22 02:00:00",
     true,
     10801,
     ENGINE_WINDOW_NEVER,
     "19 rows; it would block the application for longer than the window is open"},
    /* The next one is too short, but not the one after it. */
    {{"Wed 02:00-03:00 UTC", "Sun 02:00-05:00 UTC"},
     "2026-11-24 12:00:00",
     true,
     7200,
     ENGINE_WINDOW_WAITS,
     "19 rows; it waits for the window that opens at 2026-11-29T02:00:00Z"},
    {{"00:00-24:00 UTC"}, "2026-11-24 12:00:00", true, 86400 * 8, ENGINE_WINDOW_OPEN, NULL},
    {{"00:00-24:00 UTC"},
     "2026-11-24 12:00:00",
     true,
     1e300,
     ENGINE_WINDOW_NEVER,
     "19 rows; it would block the application for longer than the window is open"},
};

START_TEST(test_verdicts)
{
    struct window_list *list = calloc(1, sizeof *list);
    struct decision decision = {.act = true,
                                .needs_window = rows[_i].needs,
                                .reason = "19 rows",
                                .seconds = rows[_i].seconds};
    char reason[OUTCOME_REASON] = "untouched";
    struct tm parts = {0};
    struct error error = {0};

    for (int i = 0; rows[_i].windows[i]; i++)
        ck_assert_int_eq(window_parse(rows[_i].windows[i], list, &error), STATUS_OK);
    ck_assert_ptr_nonnull(strptime(rows[_i].now, "%Y-%m-%d %H:%M:%S", &parts));
    int64_t now_us = (int64_t)timegm(&parts) * 1000000;
    ck_assert_int_eq(engine_window(list, now_us, &decision, reason), rows[_i].verdict);
    ck_assert_str_eq(reason, rows[_i].reason ? rows[_i].reason : "untouched");
    window_list_free(list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_window");
    TCase *tests = tcase_create("engine_window");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tests, test_verdicts, 0, COUNT(rows));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
