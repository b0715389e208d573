/* Spans, sizes, shares and counts: what is taken, what it is, and what it is written back as. */
#include "units.h"

#include <check.h>

#define DAY INT64_C(86400000000)

static const struct {
    const char *text;
    int32_t months;
    int64_t us;
    const char *canonical;
} spans[] = {
    {"0", 0, 0, "0s"},
    {"1us", 0, 1, "1us"},
    {"10ms", 0, 10000, "10ms"},
    {"1.5s", 0, 1500000, "1s 500ms"},
    {"0.000001 s", 0, 1, "1us"},
    {"1h 30min", 0, 5400000000, "1h 30min"},
    {"1h30min", 0, 5400000000, "1h 30min"},
    {"90 minutes", 0, 5400000000, "1h 30min"},
    {"1 minute 1 second", 0, 61000000, "1min 1s"},
    {"90d", 0, 90 * DAY, "90d"},
    {"2 weeks", 0, 14 * DAY, "14d"},
    {"1 week 1 day 1 hour", 0, 8 * DAY + 3600000000, "8d 1h"},
    {"18 months", 18, 0, "18 months"},
    {"1 month", 1, 0, "1 month"},
    {"1y", 12, 0, "1y"},
    {"2 years", 24, 0, "2y"},
    {"1 year 6 months 2d", 18, 2 * DAY, "18 months 2d"},
    {"10000y", 120000, 0, "10000y"},
    {"  7d  ", 0, 7 * DAY, "7d"},
};

static const char *const bad_spans[] = {
    "",
    "m",
    "3m",
    "3M",
    "10",
    "00",
    "90 d 5",
    "-1d",
    "+1d",
    "1,5d",
    "1.5 months",
    "0.5y",
    "10001y",
    "120001 months",
    "3660001d",
    "1e3s",
    "5 parsecs",
    "99999999999999999999s",
    "9223372036854775807d",
    "0.1us",
    "1.s",
    "1.0000001s",
    "d",
    "1d2",
    "1D",
    "1 d\n",
    "1\td",
    "1µs",
};

static const struct {
    const char *text;
    int64_t bytes;
    const char *canonical;
} sizes[] = {
    {"0", 0, "0"},
    {"0B", 0, "0"},
    {"512 bytes", 512, "512B"},
    {"1 byte", 1, "1B"},
    {"1kB", 1000, "1kB"},
    {"1KiB", 1024, "1KiB"},
    {"1GB", 1000000000, "1GB"},
    {"64MiB", 67108864, "64MiB"},
    {"1024MiB", 1073741824, "1GiB"},
    {"1.5GiB", 1610612736, "1536MiB"},
    {"0.001kB", 1, "1B"},
    {"1TB", 1000000000000, "1TB"},
    {"1TiB", 1099511627776, "1TiB"},
    {" 2 GB ", 2000000000, "2GB"},
    {"8388607TiB", INT64_C(9223370937343148032), "8388607TiB"},
};

static const char *const bad_sizes[] = {
    "",
    "1",
    "64",
    "64M",
    "64mb",
    "64Mb",
    "64 mib",
    "-1kB",
    "1.5B",
    "0.0001kB",
    "1.3KiB",
    "GB",
    "1GB 1",
    "1e9B",
    "0x1B",
    "8388608TiB",
    "99999999999999999999B",
    "1KB",
};

static const struct {
    const char *text;
    double share;
    const char *canonical;
} shares[] = {{"20%", 0.2, "20%"},     {"0%", 0, "0%"},
              {"0.5%", 0.005, "0.5%"}, {"100%", 1, "100%"},
              {"7%", 0.07, "7%"},      {"33.3%", 0.333, "33.3%"},
              {" 75 %", 0.75, "75%"},  {"0.000001%", 1e-8, "0.000001%"}};

static const char *const bad_shares[] = {"",         "20",         "0.2",        "%",
                                         "-1%",      "20%%",       "20 percent", "1e1%",
                                         "1000001%", "0.0000001%", "20%x"};

static const char *const bad_counts[] = {
    "", "-1", "+1", "1.0", " 1", "1 ", "x", "0x1", "1e3", "1,000", "9223372036854775808"};

START_TEST(test_spans)
{
    struct span span = {0}, again = {0};
    struct text text = {0};
    struct error error;

    ck_assert_msg(units_span(spans[_i].text, &span, &error) == STATUS_OK, "%s", error.text);
    ck_assert(span.set);
    ck_assert_int_eq(span.months, spans[_i].months);
    ck_assert_int_eq(span.us, spans[_i].us);
    units_span_text(&span, &text);
    ck_assert_str_eq(text.bytes, spans[_i].canonical);
    ck_assert_int_eq(units_span(text.bytes, &again, &error), STATUS_OK);
    ck_assert(again.months == span.months && again.us == span.us);
    text_free(&text);
}
END_TEST

START_TEST(test_bad_spans)
{
    struct span span = {7, 7, false};
    struct error error;

    ck_assert_msg(units_span(bad_spans[_i], &span, &error) == STATUS_INVALID, "\"%s\" is taken",
                  bad_spans[_i]);
    ck_assert(span.months == 7 && span.us == 7 && !span.set);
    ck_assert(*error.text);
}
END_TEST

START_TEST(test_hint_for_m)
{
    struct span span;
    struct error error;

    ck_assert_int_eq(units_span("3m", &span, &error), STATUS_INVALID);
    ck_assert_str_eq(error.text, "\"3m\": m alone could be minutes or months; write min or months");
}
END_TEST

START_TEST(test_sizes)
{
    int64_t bytes = -1, again = -1;
    struct text text = {0};
    struct error error;

    ck_assert_msg(units_size(sizes[_i].text, &bytes, &error) == STATUS_OK, "%s", error.text);
    ck_assert_int_eq(bytes, sizes[_i].bytes);
    units_size_text(bytes, &text);
    ck_assert_str_eq(text.bytes, sizes[_i].canonical);
    ck_assert_int_eq(units_size(text.bytes, &again, &error), STATUS_OK);
    ck_assert_int_eq(again, bytes);
    text_free(&text);
}
END_TEST

START_TEST(test_bad_sizes)
{
    int64_t bytes = 7;
    struct error error;

    ck_assert_msg(units_size(bad_sizes[_i], &bytes, &error) == STATUS_INVALID, "\"%s\" is taken",
                  bad_sizes[_i]);
    ck_assert_int_eq(bytes, 7);
}
END_TEST

START_TEST(test_shares)
{
    double share = -1, again = -1;
    struct text text = {0};
    struct error error;

    ck_assert_int_eq(units_share(shares[_i].text, &share, &error), STATUS_OK);
    ck_assert_double_eq_tol(share, shares[_i].share, 1e-12);
    units_share_text(share, &text);
    ck_assert_str_eq(text.bytes, shares[_i].canonical);
    ck_assert_int_eq(units_share(text.bytes, &again, &error), STATUS_OK);
    ck_assert(again == share);
    text_free(&text);
}
END_TEST

START_TEST(test_bad_shares)
{
    double share = 7;
    struct error error;

    ck_assert_msg(units_share(bad_shares[_i], &share, &error) == STATUS_INVALID, "\"%s\" is taken",
                  bad_shares[_i]);
    ck_assert(share == 7);
}
END_TEST

START_TEST(test_counts)
{
    int64_t count = 7;
    struct error error;

    ck_assert_int_eq(units_count("0", &count, &error), STATUS_OK);
    ck_assert_int_eq(count, 0);
    ck_assert_int_eq(units_count("9223372036854775807", &count, &error), STATUS_OK);
    ck_assert_int_eq(count, INT64_MAX);
}
END_TEST

START_TEST(test_bad_counts)
{
    int64_t count = 7;
    struct error error;

    ck_assert_msg(units_count(bad_counts[_i], &count, &error) == STATUS_INVALID, "\"%s\" is taken",
                  bad_counts[_i]);
    ck_assert_int_eq(count, 7);
}
END_TEST

/* Moments in seconds since 1970, by `date -ud`. */
static const struct {
    int64_t from;
    const char *span;
    int64_t to;
} before[] = {
    {1774915200, "1 month", 1772236800},      /* 2026-03-31 -> 2026-02-28 */
    {1711843200, "1 month", 1709164800},      /* 2024-03-31 -> 2024-02-29 */
    {1709164800, "1y", 1677542400},           /* 2024-02-29 -> 2023-02-28 */
    {1709164800, "4y", 1582934400},           /* 2024-02-29 -> 2020-02-29 */
    {1767225600, "1 month", 1764547200},      /* 2026-01-01 -> 2025-12-01 */
    {1767225600, "18 months 1d", 1719705600}, /* 2026-01-01 -> 2024-06-30 */
    {1767225600, "90d", 1759449600},          /* 2026-01-01 -> 2025-10-03 */
    {0, "1 month", -2678400},                 /* 1970-01-01 -> 1969-12-01 */
    {0, "10000y", -315569520000},             /* proleptic Gregorian: 365.2425 days each */
};

START_TEST(test_before)
{
    struct span span;
    struct error error;

    ck_assert_int_eq(units_span(before[_i].span, &span, &error), STATUS_OK);
    ck_assert_int_eq(units_before(before[_i].from * 1000000 + 123456, &span),
                     before[_i].to * 1000000 + 123456);
}
END_TEST

START_TEST(test_span_us)
{
    struct span year = {12, 0, true}, mixed = {1, 5, true};

    ck_assert_int_eq(units_span_us(&year), INT64_C(31556952000000));
    ck_assert_int_eq(units_span_us(&mixed), INT64_C(2629746000005));
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("units");
    TCase *tests = tcase_create("units");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_spans, 0, COUNT(spans));
    tcase_add_loop_test(tests, test_bad_spans, 0, COUNT(bad_spans));
    tcase_add_test(tests, test_hint_for_m);
    tcase_add_loop_test(tests, test_sizes, 0, COUNT(sizes));
    tcase_add_loop_test(tests, test_bad_sizes, 0, COUNT(bad_sizes));
    tcase_add_loop_test(tests, test_shares, 0, COUNT(shares));
    tcase_add_loop_test(tests, test_bad_shares, 0, COUNT(bad_shares));
    tcase_add_test(tests, test_counts);
    tcase_add_loop_test(tests, test_bad_counts, 0, COUNT(bad_counts));
    tcase_add_loop_test(tests, test_before, 0, COUNT(before));
    tcase_add_test(tests, test_span_us);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
