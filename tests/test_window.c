/* Windows: what is taken, and when they are open, in every zone and across changes of the clock. */
#include "window.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

static const struct {
    const char *text, *canonical;
} good[] = {
    {"02:00-05:00", "02:00-05:00"},
    {"Sun 02:00-05:00 UTC", "Sun 02:00-05:00 UTC"},
    {"sunday 22:00-06:00 Europe/Berlin", "Sun 22:00-06:00 Europe/Berlin"},
    {"Mon..Fri,Sun 00:00-24:00", "Mon..Fri,Sun 00:00-24:00"},
    {"Mon-Fri 23:59-00:00", "Mon..Fri 23:59-00:00"},
    {"Mon..Sun 01:00-02:00", "01:00-02:00"},
    {"Sat,  01:00-02:00   UTC", "Sat 01:00-02:00 UTC"},
};

static const char *const bad[] = {
    "",
    "Sun",
    "02:00",
    "02:00-",
    "-05:00",
    "2:00-5:00",
    "02:00 - 05:00",
    "02:00-25:00",
    "24:01-02:00",
    "24:00-02:00",
    "02:60-03:00",
    "02:00-02:00",
    "Sun..Mon 02:00-05:00",
    "Sunny 02:00-05:00",
    "Sun02:00-05:00",
    "02:00-05:00Z",
    "02:00-05:00 Nowhere",
    "02:00-05:00 ../UTC",
    "02:00-05:00 UTC UTC",
    "02:00-05:00,06:00-07:00",
};

/* Moments in UTC. */
static const struct {
    const char *window, *at;
    bool open;
} moments[] = {
    {"Sun 02:00-05:00 UTC", "2026-11-22 01:59:59", false},
    {"Sun 02:00-05:00 UTC", "2026-11-22 02:00:00", true},
    {"Sun 02:00-05:00 UTC", "2026-11-22 04:59:59", true},
    {"Sun 02:00-05:00 UTC", "2026-11-22 05:00:00", false},
    {"Sun 02:00-05:00 UTC", "2026-11-23 03:00:00", false},
    {"Sun 22:00-02:00 UTC", "2026-11-22 21:59:59", false},
    {"Sun 22:00-02:00 UTC", "2026-11-22 22:00:00", true},
    {"Sun 22:00-02:00 UTC", "2026-11-23 01:59:59", true},
    {"Sun 22:00-02:00 UTC", "2026-11-23 02:00:00", false},
    {"Sun 22:00-02:00 UTC", "2026-11-22 01:00:00", false},
    {"Sun 22:00-02:00 UTC", "2026-11-23 23:00:00", false},
    {"22:00-02:00 UTC", "2026-11-25 00:00:00", true},
    {"22:00-02:00 UTC", "2026-11-25 12:00:00", false},
    {"Wed 00:00-24:00 UTC", "2026-11-25 23:59:59", true},
    {"Wed 00:00-24:00 UTC", "2026-11-26 00:00:00", false},
    {"Sun 02:00-05:00 Europe/Berlin", "2026-11-22 01:00:00", true}, /* CET, an hour ahead */
    {"Sun 02:00-05:00 Europe/Berlin", "2026-11-22 04:00:00", false},
    {"Sun 02:00-05:00 Europe/Berlin", "2026-07-05 00:00:00", true}, /* CEST, two */
    {"Sun 02:00-05:00 Europe/Berlin", "2026-07-05 03:00:00", false},
    {"Sun 02:00-03:00 Europe/Berlin", "2026-03-29 00:59:59", false}, /* 02:00 is skipped */
    {"Sun 02:00-03:00 Europe/Berlin", "2026-03-29 01:00:00", false},
    {"Sun 02:00-03:00 Europe/Berlin", "2026-10-25 00:00:00", true}, /* 02:00 comes twice */
    {"Sun 02:00-03:00 Europe/Berlin", "2026-10-25 01:59:59", true},
    {"Sun 02:00-03:00 Europe/Berlin", "2026-10-25 02:00:00", false},
    {"Mon 01:00-02:00 Pacific/Auckland", "2026-11-22 12:30:00", true},
    {"Sun 20:00-21:00 America/New_York", "2026-11-23 01:30:00", true},
    {"Thu 00:00-01:00 UTC", "1970-01-01 00:30:00", true},
    {"Wed 23:00-24:00 UTC", "1969-12-31 23:59:59", true},
};

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static struct window_list *parse(const char *text, enum status expected)
{
    struct window_list *list = calloc(1, sizeof *list);
    struct error error = {0};

    ck_assert_msg(window_parse(text, list, &error) == expected, "\"%s\": %s", text, error.text);
    ck_assert_uint_eq(list->count, expected == STATUS_OK);
    return list;
}

static int64_t moment(const char *text)
{
    struct tm parts = {0};

    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &parts));
    return (int64_t)timegm(&parts) * 1000000;
}

START_TEST(test_good)
{
    struct window_list *list = parse(good[_i].text, STATUS_OK);
    struct text text = {0};

    window_text(&list->windows[0], &text);
    ck_assert_str_eq(text.bytes, good[_i].canonical);
    text_free(&text);
    window_list_free(list);
}
END_TEST

START_TEST(test_bad)
{
    window_list_free(parse(bad[_i], STATUS_INVALID));
}
END_TEST

START_TEST(test_moments)
{
    struct window_list *list = parse(moments[_i].window, STATUS_OK);

    ck_assert_msg(window_open(list, moment(moments[_i].at)) == moments[_i].open, "%s at %s",
                  moments[_i].window, moments[_i].at);
    window_list_free(list);
}
END_TEST

START_TEST(test_lists)
{
    struct window_list *list = parse("Sun 02:00-05:00 UTC", STATUS_OK);
    struct error error;

    ck_assert_int_eq(window_parse("Wed 10:00-11:00 UTC", list, &error), STATUS_OK);
    ck_assert(window_open(list, moment("2026-11-22 03:00:00")));
    ck_assert(window_open(list, moment("2026-11-25 10:30:00")));
    ck_assert(!window_open(list, moment("2026-11-25 03:00:00")));
    window_list_free(list);
    struct window_list none = {0};
    ck_assert(!window_open(NULL, 0) && !window_open(&none, 0));
    window_list_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *tests = tcase_create("window");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_good, 0, COUNT(good));
    tcase_add_loop_test(tests, test_bad, 0, COUNT(bad));
    tcase_add_loop_test(tests, test_moments, 0, COUNT(moments));
    tcase_add_test(tests, test_lists);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
