/* Moments as an operator writes them, good and bad. */
#include "moment.h"

#include "text.h"

#include <check.h>
#include <stdlib.h>

static const struct {
    const char *text, *time; /* NULL: refused */
} moment_rows[] = {
    {"2026-11-23", "2026-11-23T00:00:00Z"},
    {"2026-11-23 04:05", "2026-11-23T04:05:00Z"},
    {"2026-11-23 04:05:06", "2026-11-23T04:05:06Z"},
    {"2026-11-23T04:05:06Z", "2026-11-23T04:05:06Z"},
    {"2026-11-23T04:05:06.789Z", "2026-11-23T04:05:06Z"},
    {"2026-11-23t04:05:06z", "2026-11-23T04:05:06Z"},
    {"2026-11-23 04:05:06+01:30", "2026-11-23T02:35:06Z"},
    {"2026-01-01T00:00:00+00:01", "2025-12-31T23:59:00Z"},
    {"2026-11-23T04:05:06-08:00", "2026-11-23T12:05:06Z"},
    {"2024-02-29", "2024-02-29T00:00:00Z"},
    {"1970-01-01", "1970-01-01T00:00:00Z"},
    {"9999-12-31 23:59:59", "9999-12-31T23:59:59Z"},
    {"2023-02-29", NULL},
    {"2026-04-31", NULL},
    {"2026-00-10", NULL},
    {"2026-13-10", NULL},
    {"2026-11-00", NULL},
    {"1969-12-31", NULL},
    {"2026-11-23T04:05:06", NULL}, /* RFC 3339 has a zone */
    {"2026-11-23 24:00", NULL},
    {"2026-11-23 04:60", NULL},
    {"2026-11-23 04:05:60", NULL},
    {"2026-11-23 04", NULL},
    {"2026-11-23 ", NULL},
    {"2026-11-23 04:05:06.Z", NULL},
    {"2026-11-23T04:05:06+1:00", NULL},
    {"2026-11-23T04:05:06Zx", NULL},
    {"2026-11-23x", NULL},
    {"26-11-23", NULL},
    {"+026-11-23", NULL},
    {" 2026-11-23", NULL},
    {"1795435200", NULL},
    {"tomorrow", NULL},
    {"", NULL},
};

START_TEST(moments)
{
    struct error error = {0};
    char text[TEXT_SHORT];
    int64_t time_us = -7;
    enum status status = moment_parse(moment_rows[_i].text, &time_us, &error);

    ck_assert_msg(status == (moment_rows[_i].time ? STATUS_OK : STATUS_INVALID), "%s",
                  moment_rows[_i].text);
    if (moment_rows[_i].time)
        ck_assert_str_eq(text_time(text, time_us), moment_rows[_i].time);
    else
        ck_assert_int_eq(time_us, -7);
}
END_TEST

START_TEST(the_error_says_what_to_write)
{
    struct error error = {0};
    int64_t time_us;

    ck_assert_int_eq(moment_parse("noon", &time_us, &error), STATUS_INVALID);
    ck_assert_str_eq(
        error.text,
        "\"noon\" is no time; write 2026-11-23T04:00:00Z, or \"2026-11-23 04:00\" in UTC");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("moment");
    TCase *cases = tcase_create("moment");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, moments, 0, (int)(sizeof moment_rows / sizeof *moment_rows));
    tcase_add_test(cases, the_error_says_what_to_write);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
