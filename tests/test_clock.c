/* The guard of the clock: when it is in doubt, as a table of readings. test_retention_clock.c has
 * it end to end. */
#include "clock.h"

#include "lib_expect.h"

#include <check.h>
#include <stdlib.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAYS   (24 * HOUR)
#define T      (20000 * DAYS) /* the time it is */
#define BOOT   (5 * DAYS)     /* since boot */

static const struct {
    const char *name;
    bool synchronised;
    struct engine_memory memory; /* newest_us, boot_offset_us, was_synchronised */
    int64_t newest_row_us;
    const char *why; /* a pattern; NULL: no doubt */
} readings[] = {
    {"nothing known", false, {-1, -1, false, {0}, NULL}, -1, NULL},
    {"nothing known, an old table", false, {-1, -1, false, {0}, NULL}, T - 900 * DAYS, NULL},
    {"all is well", false, {T - HOUR, T - BOOT, false, {0}, NULL}, T - SECOND, NULL},
    {"synchronised, whatever else",
     true,
     {T + 900 * DAYS, 0, true, {0}, NULL},
     T - 900 * DAYS,
     NULL},

    {"a drift of an hour", false, {-1, T - BOOT - HOUR, false, {0}, NULL}, -1, NULL},
    {"forward",
     false,
     {-1, T - BOOT - HOUR - 1, false, {0}, NULL},
     -1,
     "it was set forward by # ~ since this boot was first seen"},
    {"an hour back", false, {-1, T - BOOT + HOUR, false, {0}, NULL}, -1, NULL},
    {"back",
     false,
     {-1, T - BOOT + HOUR + 1, false, {0}, NULL},
     -1,
     "it was set back by # ~ since this boot was first seen"},
    {"a boot offset of 0", false, {-1, 0, false, {0}, NULL}, -1, "it was set forward by ~"},

    {"behind by a minute", false, {T + 60 * SECOND, -1, false, {0}, NULL}, -1, NULL},
    {"behind by more",
     false,
     {T + 61 * SECOND, -1, false, {0}, NULL},
     -1,
     "it says #-#-#T#:#:#Z, but the history already has an entry of #-#-#T#:#:#Z"},
    {"behind the table alone", false, {T - HOUR, -1, false, {0}, NULL}, T + 900 * DAYS, NULL},

    {"seven days ahead", false, {T - 7 * DAYS, -1, false, {0}, NULL}, T - 7 * DAYS, NULL},
    {"further ahead",
     false,
     {T - 7 * DAYS - 1, -1, false, {0}, NULL},
     T - 7 * DAYS - 1,
     "it is over 7 days ahead of the history (#-#-#T#:#:#Z) and of the table's newest row "
     "(#-#-#T#:#:#Z)"},
    {"ahead of the history alone", false, {T - 8 * DAYS, -1, false, {0}, NULL}, T - HOUR, NULL},
    {"ahead of the table alone", false, {T - HOUR, -1, false, {0}, NULL}, T - 900 * DAYS, NULL},
    {"ahead of the history, no rows", false, {T - 900 * DAYS, -1, false, {0}, NULL}, -1, NULL},

    {"not synchronised any more",
     false,
     {T - HOUR, T - BOOT, true, {0}, NULL},
     T - SECOND,
     "the kernel reports it unsynchronised, and it was synchronised before"},
    {"the first doubt is told",
     false,
     {T + HOUR, T - BOOT + DAYS, true, {0}, NULL},
     T,
     "it was set back by ~"},
};

START_TEST(what_is_known_decides)
{
    struct clock_reading clock = {T, BOOT, readings[_i].synchronised};
    char why[CLOCK_WHY] = "untouched";
    bool doubt = clock_doubtful(&clock, &readings[_i].memory, readings[_i].newest_row_us, why);

    ck_assert_msg(doubt == (readings[_i].why != NULL), "%s: %s", readings[_i].name, why);
    if (doubt)
        expect_text(readings[_i].name, why, readings[_i].why);
    else
        ck_assert_str_eq(why, "untouched");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("clock");
    Suite *suite = suite_create("clock");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, what_is_known_decides, 0, (int)(sizeof readings / sizeof *readings));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
