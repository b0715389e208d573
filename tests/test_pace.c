/* The manners of a lease: tables of what is known of the neighbours, and SQLite's own schedule. */
#include "pace.h"

#include <check.h>
#include <stdlib.h>

static const struct {
    int connections;
    double rate, quiet_ms, max_lock_ms; /* commits a millisecond */
    enum pace_profile profile;
} profile_rows[] = {
    {0, 0, 0, 10, PACE_ALONE},    {0, 1, 0, 10, PACE_ALONE},   /* whoever committed is gone */
    {1, 0, 0, 10, PACE_ONE},      {1, 5, 0, 10, PACE_ONE},     /* one connection can't collide with
                                                                  itself */
    {2, 0, 0, 10, PACE_ONE},      {2, 0.099, 0, 10, PACE_ONE}, /* less than a commit a hold */
    {2, 0.1, 0, 10, PACE_MANY},   {2, 0.1, 0, 5, PACE_ONE},     {8, 1, 0, 10, PACE_MANY},
    {-1, 0, 0, 10, PACE_ONE},     {-1, 0.39, 0, 10, PACE_ONE}, /* one writer alone may be as busy */
    {-1, 0.41, 0, 10, PACE_MANY}, {1, 0, 4999, 10, PACE_ONE},   {1, 0, 5000, 10, PACE_IDLE},
    {-1, 0, 1e12, 10, PACE_IDLE}, {0, 0, 1e12, 10, PACE_ALONE},
};

START_TEST(profiles)
{
    ck_assert_int_eq(pace_profile(profile_rows[_i].connections, profile_rows[_i].rate,
                                  profile_rows[_i].quiet_ms, profile_rows[_i].max_lock_ms),
                     profile_rows[_i].profile);
}
END_TEST

/* sqliteDefaultBusyCallback() in SQLite's main.c, as milliseconds. */
static const int delays[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};

/* A writer that begins to wait at any time of a hold looks again within the gap after it. */
START_TEST(every_waiter_gets_in)
{
    for (int hold = 0; hold < 1000; hold++) {
        for (int start = 0; start <= hold; start++) {
            int look = start;
            for (int i = 0; look < hold; i++)
                look += delays[i < 12 ? i : 11];
            ck_assert_msg(look - hold < pace_busy_step(hold),
                          "a hold of %d ms, waiting since %d: looks %d ms after it", hold, start,
                          look - hold);
        }
    }
}
END_TEST

START_TEST(steps_never_shrink)
{
    for (double hold = 0; hold < 1000; hold += 0.25)
        ck_assert_double_ge(pace_busy_step(hold + 0.25), pace_busy_step(hold));
    ck_assert_double_le(pace_busy_step(1e9), 101);
}
END_TEST

static const struct {
    enum pace_profile profile;
    double hold_ms, duty, whole_ms, least_ms, since_ms;
} gap_rows[] = {
    {PACE_ALONE, 10, 0.5, 0, 0, 0},
    {PACE_ALONE, 1000, 0.1, 0, 0, 0},
    {PACE_ONE, 3, 1, 6, 0, 0},
    {PACE_ONE, 10, 1, 16, 0, 0},
    {PACE_ONE, 10, 0.5, 16, 10, 0},
    {PACE_ONE, 10, 0.25, 30, 30, 0}, /* the duty asks for more than the waiter does */
    {PACE_ONE, 0, 0.5, 6, 0, 0},
    {PACE_ONE, 500, 0.5, 500, 500, 0},
    {PACE_ONE, 10, 0, 16, 0, 0}, /* no duty that makes sense: no part that must be kept */
    {PACE_ONE, 10, 7, 16, 0, 0},
    {PACE_ONE, 10, -1, 16, 0, 0},
    {PACE_MANY, 10, 1, 43, 43, 0}, /* never ended early */
    {PACE_MANY, 10, 0.5, 43, 43, 0},
    {PACE_MANY, 1, 1, 6, 6, 0},
    {PACE_MANY, 10, 0.1, 90, 90, 0},
    {PACE_IDLE, 10, 0.75, 10 / 3.0, 10 / 3.0, 0}, /* short while nobody can have waited long */
    {PACE_IDLE, 10, 1, 1, 0, 50},
    {PACE_IDLE, 10, 0.75, 26, 10 / 3.0, 51},
    {PACE_IDLE, 200, 1, 51, 0, 0},
};

/* 10 ms would make a writer that began to wait with the hold sleep till 18. */
static const struct {
    enum pace_profile profile;
    double max_lock_ms, hold_ms;
} hold_rows[] = {
    {PACE_ALONE, 10, 9.5}, {PACE_IDLE, 10, 9.5}, {PACE_MANY, 10, 9.5},
    {PACE_ONE, 2, 1.9},    {PACE_ONE, 5, 4.75},  {PACE_ONE, 10, 7.44},
    {PACE_ONE, 20, 16.74}, {PACE_ONE, 30, 28.5}, {PACE_ONE, 300, 212.04},
};

START_TEST(holds)
{
    ck_assert_double_eq_tol(pace_hold(hold_rows[_i].profile, hold_rows[_i].max_lock_ms),
                            hold_rows[_i].hold_ms, 1e-9);
}
END_TEST

START_TEST(gaps)
{
    struct pace_gap gap = pace_gap(gap_rows[_i].profile, gap_rows[_i].hold_ms, gap_rows[_i].duty,
                                   gap_rows[_i].since_ms);

    ck_assert_double_eq_tol(gap.whole_ms, gap_rows[_i].whole_ms, 1e-9);
    ck_assert_double_eq_tol(gap.least_ms, gap_rows[_i].least_ms, 1e-9);
}
END_TEST

static const enum pace_profile profiles_with_gaps[] = {PACE_IDLE, PACE_ONE, PACE_MANY};

/* Beside an idle neighbour: its first write comes at any moment and gets in within 100 ms. */
START_TEST(the_first_writer_gets_in)
{
    for (int first = 0; first < 200; first++) {
        double now = 0, let_in = 0, look = first;
        for (int i = 0, looks = 0; i < 100; i++) {
            struct pace_gap gap;
            now += 10; /* a hold */
            for (; look < now; looks++)
                look += delays[looks < 12 ? looks : 11];
            gap = pace_gap(PACE_IDLE, 10, 0.75, now - let_in);
            if (look < now + gap.whole_ms)
                break;
            now += gap.whole_ms;
            if (gap.whole_ms >= pace_busy_step(10))
                let_in = now;
        }
        ck_assert_msg(look - first < 100, "coming at %d ms it waits %.0f ms", first, look - first);
    }
}
END_TEST

/* Whatever the profile but alone: the share of the time in holds stays within the duty. */
START_TEST(the_duty_is_kept)
{
    for (double duty = 0.05; duty < 1; duty += 0.05) {
        for (double hold = 0.5; hold < 300; hold *= 1.5) {
            struct pace_gap gap = pace_gap(profiles_with_gaps[_i], hold, duty, hold * _i);
            ck_assert_double_le(hold / (hold + gap.least_ms), duty + 1e-9);
            ck_assert_double_ge(gap.whole_ms, gap.least_ms);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pace");
    TCase *cases = tcase_create("pace");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, profiles, 0, (int)(sizeof profile_rows / sizeof *profile_rows));
    tcase_add_test(cases, every_waiter_gets_in);
    tcase_add_test(cases, steps_never_shrink);
    tcase_add_loop_test(cases, holds, 0, (int)(sizeof hold_rows / sizeof *hold_rows));
    tcase_add_loop_test(cases, gaps, 0, (int)(sizeof gap_rows / sizeof *gap_rows));
    tcase_add_loop_test(cases, the_duty_is_kept, 0, 3);
    tcase_add_test(cases, the_first_writer_gets_in);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
