/* Windows: what is taken, and when they are open, in every zone and across changes of the clock. */
#include "window.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* From `at` on, the windows of `list` are next open at `next` (NULL: never), and then stay so for
 * so many minutes. Moments in UTC; 2026-11-22 is a Sunday. */
static const struct {
    const char *list, *at, *next;
    int minutes;
} aheads[] = {
    {"Sun 02:00-05:00 UTC", "2026-11-22 01:00:00", "2026-11-22 02:00:00", 180},
    {"Sun 02:00-05:00 UTC", "2026-11-22 02:00:00", "2026-11-22 02:00:00", 180},
    {"Sun 02:00-05:00 UTC", "2026-11-22 04:59:00", "2026-11-22 04:59:00", 1},
    {"Sun 02:00-05:00 UTC", "2026-11-22 05:00:00", "2026-11-29 02:00:00", 180},
    {"Mon..Wed,Sat 02:00-05:00 UTC", "2026-11-22 03:00:00", "2026-11-23 02:00:00", 180},
    {"Mon..Wed,Sat 02:00-05:00 UTC", "2026-11-25 05:00:00", "2026-11-28 02:00:00", 180},
    {"22:00-24:00 UTC", "2026-11-25 23:00:00", "2026-11-25 23:00:00", 60},
    {"22:00-24:00 UTC", "2026-11-26 00:00:00", "2026-11-26 22:00:00", 120},
    /* Past midnight: the weekday is that of the beginning. */
    {"Sun 22:00-02:00 UTC", "2026-11-22 00:00:00", "2026-11-22 22:00:00", 240},
    {"Sun 22:00-02:00 UTC", "2026-11-23 01:30:00", "2026-11-23 01:30:00", 30},
    {"Sun 22:00-02:00 UTC", "2026-11-23 02:00:00", "2026-11-29 22:00:00", 240},
    {"Sat,Sun 22:00-21:00 UTC", "2026-11-21 21:59:00", "2026-11-21 22:00:00", 1380},
    {"23:59-00:00 UTC", "2026-11-25 12:00:00", "2026-11-25 23:59:00", 1},
    /* Adjacent and overlapping ones are one. */
    {"Sat 22:00-24:00 UTC;Sun 00:00-04:00 UTC", "2026-11-21 12:00:00", "2026-11-21 22:00:00", 360},
    {"Sun 02:00-04:00 UTC;Sun 03:00-05:00 UTC", "2026-11-22 03:30:00", "2026-11-22 03:30:00", 90},
    {"Sun 02:00-03:00 UTC;Sun 04:00-05:00 UTC", "2026-11-22 02:00:00", "2026-11-22 02:00:00", 60},
    {"Sun 02:00-03:00 UTC;Sun 04:00-05:00 UTC", "2026-11-22 03:00:00", "2026-11-22 04:00:00", 60},
    {"Wed 10:00-11:00 UTC;Tue 23:00-00:30 UTC", "2026-11-22 03:00:00", "2026-11-24 23:00:00", 90},
    {"Sun 02:00-03:00 Europe/Berlin;Sun 02:00-03:00 UTC", "2026-11-22 00:00:00",
     "2026-11-22 01:00:00", 120},
    /* Whole days; 8 of them are always. */
    {"00:00-24:00 UTC", "2026-11-22 03:21:00", "2026-11-22 03:21:00", 11520},
    {"00:00-24:00 Europe/Berlin", "2026-03-28 12:00:00", "2026-03-28 12:00:00", 11520},
    {"Mon..Fri 00:00-24:00 UTC;Sat,Sun 00:00-24:00 UTC", "2026-11-22 03:21:00",
     "2026-11-22 03:21:00", 11520},
    {"Sat,Sun 00:00-24:00 UTC", "2026-11-20 12:00:00", "2026-11-21 00:00:00", 2880},
    {"Sun 12:00-11:59 UTC", "2026-11-22 12:00:00", "2026-11-22 12:00:00", 1439},
    {"12:00-11:59 UTC", "2026-11-22 11:59:00", "2026-11-22 12:00:00", 1439},
    /* The clock goes forward, in Berlin at 01:00 from 02:00 to 03:00: it is shorter, or skipped. */
    {"Sun 01:00-05:00 Europe/Berlin", "2026-03-28 12:00:00", "2026-03-29 00:00:00", 180},
    {"Sun 02:30-04:00 Europe/Berlin", "2026-03-28 12:00:00", "2026-03-29 01:00:00", 60},
    {"Sun 01:30-02:30 Europe/Berlin", "2026-03-28 12:00:00", "2026-03-29 00:30:00", 30},
    {"Sun 02:00-03:00 Europe/Berlin", "2026-03-28 12:00:00", "2026-04-05 00:00:00", 60},
    {"Sun 02:00-03:00 Europe/Berlin", "2026-03-22 02:00:00", "2026-04-05 00:00:00", 60},
    {"Sat 23:00-03:00 Europe/Berlin", "2026-03-28 12:00:00", "2026-03-28 22:00:00", 180},
    /* It goes back, at 01:00 from 03:00 to 02:00: it is longer, or open twice. */
    {"Sun 01:00-05:00 Europe/Berlin", "2026-10-24 12:00:00", "2026-10-24 23:00:00", 300},
    {"Sun 02:00-03:00 Europe/Berlin", "2026-10-24 12:00:00", "2026-10-25 00:00:00", 120},
    {"Sun 02:30-03:30 Europe/Berlin", "2026-10-24 12:00:00", "2026-10-25 00:30:00", 30},
    {"Sun 02:30-03:30 Europe/Berlin", "2026-10-25 01:00:00", "2026-10-25 01:30:00", 60},
    {"Sun 01:30-02:30 Europe/Berlin", "2026-10-24 12:00:00", "2026-10-24 23:30:00", 60},
    {"Sun 01:30-02:30 Europe/Berlin", "2026-10-25 00:30:00", "2026-10-25 01:00:00", 30},
    {"Sun 03:00-03:30 Europe/Berlin", "2026-10-25 00:30:00", "2026-10-25 02:00:00", 30},
    /* Half an hour, at 15:00; at midnight; a Friday that there wasn't, in Apia. */
    {"Sun 01:30-02:00 Australia/Lord_Howe", "2026-04-04 12:00:00", "2026-04-04 14:30:00", 60},
    {"Sun 02:00-03:00 Australia/Lord_Howe", "2026-10-03 12:00:00", "2026-10-03 15:30:00", 30},
    {"Sun 00:00-02:00 America/Santiago", "2026-09-05 12:00:00", "2026-09-06 04:00:00", 60},
    {"Fri 02:00-05:00 Pacific/Apia", "2011-12-29 12:00:00", "2012-01-05 12:00:00", 180},
    {"Sun 02:00-03:00 Asia/Kathmandu", "2026-11-21 12:00:00", "2026-11-21 20:15:00", 60},
};

/* "WINDOW;WINDOW" */
static struct window_list *parse_list(const char *text)
{
    struct window_list *list = calloc(1, sizeof *list);
    char *copy = strdup(text), *rest = copy;
    struct error error = {0};

    for (char *one = strsep(&rest, ";"); one; one = strsep(&rest, ";"))
        ck_assert_msg(window_parse(one, list, &error) == STATUS_OK, "%s", error.text);
    free(copy);
    return list;
}

START_TEST(test_aheads)
{
    struct window_list *list = parse_list(aheads[_i].list);
    int64_t at = moment(aheads[_i].at), next = window_next(list, at);
    char time[TEXT_SHORT];

    ck_assert_msg(next == moment(aheads[_i].next), "%s: %s", aheads[_i].list,
                  text_time(time, next));
    int64_t left = window_left(list, next);
    ck_assert_msg(left == aheads[_i].minutes * INT64_C(60000000), "%s: %.3f min left",
                  aheads[_i].list, (double)left / 6e7);
    ck_assert_int_eq(window_next(list, next), next);
    if (next > at)
        ck_assert_int_eq(window_left(list, at), 0);
    window_list_free(list);
}
END_TEST

/* The first window from `at` on that is open for so many minutes. */
static const struct {
    const char *list, *at;
    int minutes;
    const char *fits;
} fits[] = {
    {"Sun 02:00-05:00 UTC", "2026-11-22 01:00:00", 180, "2026-11-22 02:00:00"},
    {"Sun 02:00-05:00 UTC", "2026-11-22 02:00:00", 180, "2026-11-22 02:00:00"},
    {"Sun 02:00-05:00 UTC", "2026-11-22 02:01:00", 180, "2026-11-29 02:00:00"},
    {"Sun 02:00-05:00 UTC", "2026-11-22 02:01:00", 179, "2026-11-22 02:01:00"},
    {"Sun 02:00-05:00 UTC", "2026-11-22 02:01:00", 181, NULL},
    {"Sun 02:00-05:00 UTC", "2026-11-22 05:00:00", 0, "2026-11-29 02:00:00"},
    {"Sun 02:00-05:00 UTC;Wed 02:00-03:00 UTC", "2026-11-24 00:00:00", 60, "2026-11-25 02:00:00"},
    {"Sun 02:00-05:00 UTC;Wed 02:00-03:00 UTC", "2026-11-24 00:00:00", 61, "2026-11-29 02:00:00"},
    {"Sun 02:00-05:00 Europe/Berlin", "2026-03-28 00:00:00", 120, "2026-03-29 01:00:00"},
    {"Sun 02:00-05:00 Europe/Berlin", "2026-03-28 00:00:00", 121, "2026-04-05 00:00:00"},
    {"Sun 02:00-05:00 Europe/Berlin", "2026-10-24 00:00:00", 240, "2026-10-25 00:00:00"},
    {"Sun 02:00-05:00 Europe/Berlin", "2026-10-25 04:00:00", 240, NULL},
    {"00:00-24:00 UTC", "2026-11-22 05:00:00", 11520, "2026-11-22 05:00:00"},
};

START_TEST(test_fits)
{
    struct window_list *list = parse_list(fits[_i].list);
    int64_t at = window_fits(list, moment(fits[_i].at), fits[_i].minutes * INT64_C(60000000));
    char time[TEXT_SHORT];

    ck_assert_msg(at == (fits[_i].fits ? moment(fits[_i].fits) : INT64_MAX), "%s from %s on: %s",
                  fits[_i].list, fits[_i].at, text_time(time, at));
    window_list_free(list);
}
END_TEST

START_TEST(test_no_windows)
{
    struct window_list none = {0};

    ck_assert_int_eq(window_next(NULL, 0), INT64_MAX);
    ck_assert_int_eq(window_next(&none, 0), INT64_MAX);
    ck_assert_int_eq(window_fits(NULL, 0, 0), INT64_MAX);
    ck_assert_int_eq(window_left(NULL, 0), 0);
    ck_assert_int_eq(window_left(&none, 0), 0);
}
END_TEST

static int below(int limit)
{
    return (int)(random() % limit);
}

static void random_windows(struct window_list *list)
{
    static const char *const days[] = {"", "Sun ", "Mon..Wed,Sat ", "Fri ", "Sat,Sun "};
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Australia/Lord_Howe",
                                        "America/Santiago"};
    struct error error = {0};
    char text[64];

    for (int more = 1 + below(4); more; more--) {
        int begin = below(288) * 5, end = (begin + 5 + below(287) * 5) % 1440;
        snprintf(text, sizeof text, "%s%02d:%02d-%02d:%02d %s", days[below(COUNT(days))],
                 begin / 60, begin % 60, end / 60, end % 60, zones[below(COUNT(zones))]);
        ck_assert_msg(window_parse(text, list, &error) == STATUS_OK, "%s", error.text);
    }
}

/* Whatever the windows, it is as if every minute were looked at; around changes of the clock. */
START_TEST(test_minute_by_minute)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    static const char *const days[] = {"2026-03-27 00:00:00", "2026-10-23 00:00:00",
                                       "2026-04-03 00:00:00", "2026-10-02 00:00:00",
                                       "2026-09-04 00:00:00", "2026-11-22 00:00:00"};
    const int64_t minute = 60000000;

    printf("window: SEED=%u\n", seed);
    srandom(seed);
    for (int round = 0; round < 200; round++) {
        struct window_list *list = calloc(1, sizeof *list);
        random_windows(list);
        int64_t at = moment(days[below(COUNT(days))]) + below(2880) * minute;
        int64_t next = window_next(list, at), looked = at;
        while (!window_open(list, looked))
            looked += minute;
        ck_assert_msg(next == looked, "SEED=%u round %d", seed, round);
        int64_t left = window_left(list, next);
        while (window_open(list, looked) && looked < next + 11520 * minute)
            looked += minute;
        ck_assert_msg(next + left == looked, "SEED=%u round %d", seed, round);
        window_list_free(list);
    }
}
END_TEST

/* It is asked for each waiting database: microseconds of processor time, a week ahead. */
START_TEST(test_cost)
{
    struct window_list *list = parse_list("Sun 02:00-05:00 Europe/Berlin;Wed 03:00-04:00 UTC");
    int64_t at = moment("2026-11-25 05:00:00");
    enum { CALLS = 1000 };

    clock_t begin = clock();
    for (int i = 0; i < CALLS; i++)
        if (window_left(list, window_next(list, at + i)) <= 0)
            ck_abort_msg("it opens, but is not open");
    double us = (double)(clock() - begin) * 1e6 / CLOCKS_PER_SEC / CALLS;
    printf("window: %.1f us\n", us);
    ck_assert_double_lt(us, 500);
    window_list_free(list);
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
    tcase_add_loop_test(tests, test_aheads, 0, COUNT(aheads));
    tcase_add_loop_test(tests, test_fits, 0, COUNT(fits));
    tcase_add_test(tests, test_no_windows);
    tcase_add_test(tests, test_minute_by_minute);
    tcase_add_test(tests, test_cost);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
