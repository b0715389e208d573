/* The decision of retention, as a table of what was measured: pure, so nothing else is needed. */
#include "retention.h"
#include "task_kinds.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define DAY INT64_C(86400000000)
#define NOW (INT64_C(20780) * DAY)

/* Policies: what the rows below have in common. */
static const struct retention_options plain = {.keep = {.set = true, .us = 90 * DAY},
                                               .max_size = -1,
                                               .max_rows = -1,
                                               .max_delete = 1},
                                      gated = {.keep = {.set = true, .us = 90 * DAY},
                                               .max_size = -1,
                                               .max_rows = -1,
                                               .when_rows_above = 1000,
                                               .max_delete = 1},
                                      counted = {.keep_min = {.set = true, .us = DAY},
                                                 .max_size = -1,
                                                 .max_rows = 1000,
                                                 .max_delete = 1},
                                      sized = {.keep = {.set = true, .us = 90 * DAY},
                                               .max_size = 1 << 20,
                                               .max_rows = 1000,
                                               .max_delete = 1},
                                      sparing = {.keep = {.set = true, .us = 90 * DAY},
                                                 .max_size = -1,
                                                 .max_rows = -1,
                                                 .max_delete = 0.1};

static const struct {
    const struct retention_options *options;
    int64_t rows, old, beyond, most, oldest_days; /* oldest_days -1: no times at all */
    double row_bytes;
    bool by_age, exact, act;
    int64_t expected, bytes;
    const char *reason;
} decide_rows[] = {
    {&plain, 5000, 812, 0, -1, 200, 100, true, true, true, 812, 81200, "812 rows older than 90d"},
    {&plain, 5000, 1, 0, -1, 200, 100, true, true, true, 1, 100, "1 row older than 90d"},
    {&plain, 9000000, 812344, 0, -1, 200, -1, true, false, true, 812344, -1,
     "about 812,344 rows older than 90d"},
    {&plain, -1, 7, 0, -1, 200, -1, true, true, true, 7, -1, "7 rows older than 90d"},
    {&plain, 5000, 0, 0, -1, 20, 100, true, true, false, 0, 0,
     "no row is older than 90d; the oldest is of 20.0 days ago"},
    {&plain, 0, 0, 0, -1, -1, -1, true, true, false, 0, 0,
     "logs has no rows with a time in created"},

    /* Without an index, that no sampled row is old says little. */
    {&plain, 5000, 0, 0, -1, 20, 100, false, false, true, 0, 0,
     "no index gives logs by created, so its rows must be read to find old ones"},
    {&plain, -1, -1, 0, -1, 20, -1, false, false, true, 0, -1,
     "no index gives logs by created, so its rows must be read to find old ones"},
    {&plain, 0, 0, 0, -1, -1, -1, false, false, false, 0, 0,
     "logs has no rows with a time in created"},
    {&counted, 500, 0, 0, -1, 20, 100, false, false, false, 0, 0,
     "no row is older than 1d; the oldest is of 20.0 days ago"},

    /* The gate. */
    {&gated, 1000, 500, 0, -1, 200, 100, true, true, false, 0, 0,
     "1,000 rows are not above when_rows_above 1,000"},
    {&gated, 1001, 500, 0, -1, 200, 100, true, true, true, 500, 50000, "500 rows older than 90d"},
    {&gated, 999, 500, 300, -1, 200, 100, true, true, false, 0, 0,
     "999 rows are not above when_rows_above 1,000"},

    /* Beyond a number or a size. */
    {&counted, 1500, -1, 500, -1, 20, 10, true, true, true, 500, 5000,
     "500 rows beyond max_rows 1,000"},
    {&counted, 1000, 0, 0, -1, 20, 10, true, true, false, 0, 0,
     "no row is older than 1d; the oldest is of 20.0 days ago"},
    {&sized, 1500, 20, 500, -1, 200, 10, true, true, true, 500, 5000,
     "20 rows older than 90d; 500 rows beyond max_rows 1,000 and max_size 1.0 MiB"},
    {&sized, 1500, 700, 500, -1, 200, 10, true, true, true, 700, 7000,
     "700 rows older than 90d; 500 rows beyond max_rows 1,000 and max_size 1.0 MiB"},

    /* At most so many in one run. */
    {&sparing, 5000, 812, 0, 500, 200, 10, true, true, true, 500, 5000, "812 rows older than 90d"},
    {&sparing, 5000, 12, 0, 500, 200, 10, true, true, true, 12, 120, "12 rows older than 90d"},
    {&sparing, 5000, 0, 0, 500, 20, 10, true, true, false, 0, 0,
     "no row is older than 90d; the oldest is of 20.0 days ago"},
};

START_TEST(decisions)
{
    char name[] = "logs", column[] = "created";
    struct retention_facts facts = {
        .table = {.name = name, .column = column},
        .by_age = decide_rows[_i].by_age,
        .rows = decide_rows[_i].rows,
        .row_bytes = decide_rows[_i].row_bytes,
        .old = decide_rows[_i].old,
        .old_exact = decide_rows[_i].exact,
        .beyond = decide_rows[_i].beyond,
        .most = decide_rows[_i].most,
        .oldest_us = decide_rows[_i].oldest_days < 0 ? -1 : NOW - decide_rows[_i].oldest_days * DAY,
    };
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    task_retention.decide(decide_rows[_i].options, &facts, NOW, &decision);
    if (decide_rows[_i].most >= 0 && decision.act) /* what max_delete allows may follow */
        decision.reason[strcspn(decision.reason, ";")] = '\0';
    ck_assert_str_eq(decision.reason, decide_rows[_i].reason);
    ck_assert_int_eq(decision.act, decide_rows[_i].act);
    ck_assert_int_eq(decision.rows, decide_rows[_i].expected);
    ck_assert_int_eq(decision.bytes, decide_rows[_i].bytes);
}
END_TEST

/* A sample is always worth taking, whatever is known. */
START_TEST(samples)
{
    struct decision decision = {.rows = -1, .bytes = -1, .seconds = -1};

    task_sample.decide(NULL, NULL, NOW, &decision);
    ck_assert(decision.act && decision.reason[0]);
    ck_assert(decision.rows == -1 && decision.bytes == -1);
}
END_TEST

/* The longest names make a reason that is cut off and ends. */
START_TEST(long_reasons)
{
    char name[2000];
    struct retention_facts facts = {
        .table = {.name = name, .column = name}, .rows = 10, .old = 0, .most = -1, .oldest_us = -1};
    struct decision decision = {.rows = -1};

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    task_retention.decide(&plain, &facts, NOW, &decision);
    ck_assert_uint_eq(strlen(decision.reason), OUTCOME_REASON - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide");
    TCase *cases = tcase_create("decide");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, decisions, 0, (int)(sizeof decide_rows / sizeof *decide_rows));
    tcase_add_test(cases, samples);
    tcase_add_test(cases, long_reasons);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
