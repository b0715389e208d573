/* Calendar expressions: a table, and systemd-analyze as oracle for it and for random ones. */
#include "calendar.h"
#include "lib_expression.h"
#include "lib_oracle.h"
#include "memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is taken, and its canonical text; NULL: refused. */
static const struct {
    const char *text, *canonical;
} table[] = {
    {"minutely", "*-*-* *:*:00"},
    {"hourly", "*-*-* *:00:00"},
    {"Daily", "*-*-* 00:00:00"},
    {"weekly", "Mon *-*-* 00:00:00"},
    {"monthly", "*-*-01 00:00:00"},
    {"quarterly", "*-01,04,07,10-01 00:00:00"},
    {"semiannually", "*-01,07-01 00:00:00"},
    {"yearly", "*-01-01 00:00:00"},
    {"annually", "*-01-01 00:00:00"},
    {"weekly Europe/Berlin", "Mon *-*-* 00:00:00 Europe/Berlin"},
    {"daily UTC", "*-*-* 00:00:00 UTC"},
    {"daily utc", "*-*-* 00:00:00 UTC"},
    {"Sun 02:00", "Sun *-*-* 02:00:00"},
    {"Sun 02:00 UTC", "Sun *-*-* 02:00:00 UTC"},
    {"Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"},
    {"Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"},
    {"Wed *-1", "Wed *-*-01 00:00:00"},
    {"Wed..Wed,Wed *-1", "Wed *-*-01 00:00:00"},
    {"Wed, 17:48", "Wed *-*-* 17:48:00"},
    {"Wed..Sat,Tue 12-10-15 1:2:3", "Tue..Sat 2012-10-15 01:02:03"},
    {"*-*-7 0:0:0", "*-*-07 00:00:00"},
    {"10-15", "*-10-15 00:00:00"},
    {"monday *-12-* 17:00", "Mon *-12-* 17:00:00"},
    {"Mon,Fri *-*-3,1,2 *:30:45", "Mon,Fri *-*-01,02,03 *:30:45"},
    {"12,14,13,12:20,10,30", "*-*-* 12,13,14:10,20,30:00"},
    {"12..14:10,20,30", "*-*-* 12..14:10,20,30:00"},
    {"mon,fri *-1/2-1,3 *:30:45", "Mon,Fri *-01/2-01,03 *:30:45"},
    {"03-05 08:05:40", "*-03-05 08:05:40"},
    {"08:05:40", "*-*-* 08:05:40"},
    {"05:40", "*-*-* 05:40:00"},
    {"Sat,Sun 12-05 08:05:40", "Sat,Sun *-12-05 08:05:40"},
    {"2003-03-05 05:40", "2003-03-05 05:40:00"},
    {"05:40:23.4200004/3.1700005", "*-*-* 05:40:23.420000/3.170001"},
    {"2003-02..04-05", "2003-02..04-05 00:00:00"},
    {"2003-03-05 05:40 UTC", "2003-03-05 05:40:00 UTC"},
    {"*:2/3", "*-*-* *:02/3:00"},
    {"*-*~1", "*-*~01 00:00:00"},
    {"*-02~3..1", NULL},
    {"*-02~1..3", "*-02~01..03 00:00:00"},
    {"Mon *-05~07/1", "Mon *-05~07/1 00:00:00"},
    {"1..2/2:0", "*-*-* 01:00:00"},
    {"0..0:0", "*-*-* 00:00:00"},
    {"*:*:5..5", NULL},
    {"*:*:5..5.9", NULL},
    {"*:*:5..5/1", "*-*-* *:*:05"},
    {"*:*:5..5.5/0.3", "*-*-* *:*:05..05.300000/0.300000"},
    {"*:*:5..6.5", "*-*-* *:*:05..06"},
    {"*:*:*", "*-*-* *:*:*"},
    {"*:*:0..59", "*-*-* *:*:00..59"},
    {"69-1-1", "2069-01-01 00:00:00"},
    {"70-1-1", "1970-01-01 00:00:00"},
    {"@0", "1970-01-01 00:00:00 UTC"},
    {"@1767225600", "2026-01-01 00:00:00 UTC"},
    {"Mon..Sun 1:0", "*-*-* 01:00:00"},
    {"daily ", NULL},
    {" daily", NULL},
    {"dayly", NULL},
    {"", NULL},
    {"*", NULL},
    {"*-*", "*-*-* 00:00:00"},
    {"0 2 * * 0", NULL},
    {"Sun 25:00", NULL},
    {"12:60", NULL},
    {"00:00:60", NULL},
    {"*-13-1", NULL},
    {"*-*-32", NULL},
    {"*-*~29", NULL},
    {"1969-1-1", NULL},
    {"2200-1-1", NULL},
    {"100-1-1", NULL},
    {"Fri..Mon", NULL},
    {"Mon..", NULL},
    {"Mon.Tue", NULL},
    {"Mondays", NULL},
    {"Mon Tue", NULL},
    {"12", NULL},
    {"12:", NULL},
    {"::", NULL},
    {"5..3:0", NULL},
    {"*:0/70", NULL},
    {"*:50/20", NULL},
    {"*:0/0", NULL},
    {"*:1,,2", NULL},
    {"1,2,:0", NULL},
    {"*-*-1~3", NULL},
    {"~1", NULL},
    {"12:30 Mars/Olympus", NULL},
    {"99999999999:0", NULL},
    {"00:00:2148", NULL},
};

enum { RANDOM = 200, LONG = 512 };
#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

/* The canonical text, or NULL where it is refused; the caller's. */
static char *canonical(const char *expression)
{
    struct calendar *calendar = NULL;
    struct text text = {0};
    struct error error;

    if (calendar_parse(expression, &calendar, &error) != STATUS_OK) {
        ck_assert(*error.text && !calendar);
        return NULL;
    }
    calendar_text(calendar, &text);
    calendar_free(calendar);
    return text_take(&text);
}

/* What systemd makes of it; the caller's, NULL where it is refused. `*gave_up`: it was understood,
 * but when it elapses next was not found, and so nothing is shown. */
static char *oracle(const char *expression, bool *gave_up)
{
    const char *const arguments[] = {"systemd-analyze", "calendar", "--", expression, NULL};
    static const char form[] = "Normalized form: ";
    struct text out = {0};
    char *result = NULL;

    int status = oracle_run_all(arguments, &out);
    *gave_up = status != 0 && out.length && strstr(out.bytes, "Failed to determine next elapse");
    if (status == 0) {
        const char *line = strstr(out.bytes, form);
        const char *start = line ? line + strlen(form) : expression;
        result = memory_copy_length(start, strcspn(start, "\n"));
    }
    text_free(&out);
    return result;
}

static void compare_with_oracle(const char *expression)
{
    bool gave_up;
    char *ours = canonical(expression), *theirs = oracle(expression, &gave_up);
    bool same = ours && theirs ? strcmp(ours, theirs) == 0 : ours == theirs;

    ck_assert_msg(gave_up ? ours != NULL : same, "\"%s\": ours is %s, systemd's is %s", expression,
                  ours ? ours : "refused",
                  theirs    ? theirs
                  : gave_up ? "not shown"
                            : "refused");
    free(ours);
    free(theirs);
}

START_TEST(test_table)
{
    char *ours = canonical(table[_i].text), *again = NULL;

    if (!table[_i].canonical) {
        ck_assert_msg(!ours, "\"%s\" is taken as %s", table[_i].text, ours);
        return;
    }
    ck_assert_msg(ours != NULL, "\"%s\" is refused", table[_i].text);
    ck_assert_str_eq(ours, table[_i].canonical);
    again = canonical(ours);
    ck_assert_str_eq(again, ours);
    free(ours);
    free(again);
}
END_TEST

START_TEST(test_table_oracle)
{
    compare_with_oracle(table[_i].text);
}
END_TEST

START_TEST(test_random_oracle)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    struct text text = {0};

    printf("calendar: SEED=%u\n", seed);
    fflush(stdout);
    srandom(seed);
    for (int i = 0; i < RANDOM; i++) {
        text_clear(&text);
        expression_random(&text, true);
        compare_with_oracle(text.bytes);
    }
    text_free(&text);
}
END_TEST

/* systemd takes 240 alternatives in a row; far longer ones must not cost more than an error. */
START_TEST(test_long)
{
    struct text text = {0};

    for (int i = 0; i < LONG; i++)
        text_addf(&text, "%s%d", i ? "," : "", i % 24);
    text_add(&text, ":00");
    ck_assert_ptr_null(canonical(text.bytes));
    text_free(&text);
}
END_TEST

START_TEST(test_structure)
{
    struct calendar *calendar = NULL;
    struct error error;

    ck_assert_int_eq(calendar_parse("Sat,Sun *-*~2..5/3 6/2:30:1.5 UTC", &calendar, &error), 0);
    ck_assert_uint_eq(calendar->weekdays, 1U << 5 | 1U << 6);
    ck_assert(calendar->from_end && !calendar->year.count && !calendar->month.count);
    ck_assert_uint_eq(calendar->day.count, 1);
    ck_assert_int_eq(calendar->day.components[0].start, 2);
    ck_assert_int_eq(calendar->day.components[0].stop, 5);
    ck_assert_int_eq(calendar->day.components[0].repeat, 3);
    ck_assert_int_eq(calendar->hour.components[0].start, 6);
    ck_assert_int_eq(calendar->hour.components[0].stop, -1);
    ck_assert_int_eq(calendar->hour.components[0].repeat, 2);
    ck_assert_int_eq(calendar->microsecond.components[0].start, 1500000);
    ck_assert_str_eq(calendar->zone_name, "UTC");
    calendar_free(calendar);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calendar");
    TCase *tests = tcase_create("calendar");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, test_table, 0, COUNT(table));
    if (expression_has_oracle()) {
        tcase_add_loop_test(tests, test_table_oracle, 0, COUNT(table));
        tcase_add_test(tests, test_random_oracle);
    }
    tcase_add_test(tests, test_long);
    tcase_add_test(tests, test_structure);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
