/*
 * When calendars elapse: systemd's answers, stored and asked anew, for every construct of
 * systemd.time(7) around changes of the clock; what never elapses; and what it costs.
 */
#include "calendar.h"
#include "lib_elapses.h"
#include "lib_expression.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define GOLDEN_FILE  "tests/calendar/elapses.txt"

enum {
    BATCH = 300,
    GENERATED = 20,
    SHARE = 3,
    RANDOM = 60,
    SEED = 252,
    LEAST = 1600,
    GAVE_UP = 30
};

/* Clocks go forward and back shortly after most of these; two are between the two of a time. */
static const struct elapses_setting settings[] = {
    {"UTC", "2026-12-31 23:59:59"},
    {"UTC", "2024-02-28 12:00:00"},
    {"UTC", "2199-12-29 00:00:00"},
    {"UTC", "1970-01-01 00:00:00"},
    {"Europe/Berlin", "2026-03-28 00:30:00"},
    {"Europe/Berlin", "2026-03-29 00:50:00"},
    {"Europe/Berlin", "2026-10-24 22:00:00"},
    {"Europe/Berlin", "2026-10-25 00:35:00"},
    {"Europe/Berlin", "2026-10-25 01:05:00"},
    {"Europe/Berlin", "2040-10-28 00:10:00"},
    {"America/New_York", "2026-03-08 06:45:00"},
    {"America/New_York", "2026-11-01 05:35:00"},
    {"America/New_York", "2026-11-01 06:05:00"},
    {"America/New_York", "2199-11-03 05:30:00"},
    {"Australia/Lord_Howe", "2026-10-03 15:20:00"}, /* half an hour */
    {"Australia/Lord_Howe", "2026-04-04 14:35:00"},
    {"Australia/Lord_Howe", "2026-04-04 15:05:00"},
    {"Asia/Kathmandu", "2026-02-27 18:14:59"},
    {"Pacific/Apia", "2011-12-29 05:00:00"}, /* went without 2011-12-30 */
    {"Pacific/Apia", "2011-12-30 09:59:00"},
    {"Pacific/Apia", "2012-03-31 13:40:00"},
    {"America/Santiago", "2026-09-05 23:00:00"}, /* at midnight */
    {"Africa/Cairo", "2026-10-29 20:30:00"},
    {"Atlantic/Azores", "2026-03-28 10:20:00"},
    {"America/Nuuk", "2026-10-24 22:30:00"},
    {"Antarctica/Troll", "2026-10-25 00:10:00"}, /* two hours */
    {"Asia/Gaza", "2026-03-27 20:00:00"},
};

/* For expressions with a zone of their own. */
static const struct elapses_setting zoned_settings[] = {
    {"UTC", "2026-03-28 12:00:00"}, {"America/New_York", "2026-10-25 00:20:00"},
    {"UTC", "2011-12-28 23:00:00"}, {"Asia/Kathmandu", "2026-04-04 14:35:00"},
    {"UTC", "2026-09-05 23:00:00"},
};

static void read_file(const char *path, struct text *text)
{
    char bytes[4096];
    FILE *file = fopen(path, "r");
    size_t got;

    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        text_add_length(text, bytes, got);
    fclose(file);
}

/* Expressions and their answers in one setting. */
struct batch {
    const struct elapses_setting *setting;
    char *expressions[BATCH], *answers[BATCH];
    size_t count;
};

static void batch_random(struct batch *batch, size_t more)
{
    struct text text = {0};

    while (more) {
        text_clear(&text);
        expression_random(&text, false);
        char *ours = elapses_ours(batch->setting, text.bytes);
        if (ours)
            batch->expressions[batch->count++] = memory_copy(text.bytes);
        more -= ours != NULL;
        free(ours);
    }
    text_free(&text);
}

/* Every `step`th line of a file, from the one with the number `first` on. */
static void batch_file(struct batch *batch, const char *path, size_t first, size_t step)
{
    struct text lines = {0};
    char *rest = NULL;
    size_t number = 0;

    read_file(path, &lines);
    for (char *line = strtok_r(lines.bytes, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        ck_assert_uint_lt(batch->count, BATCH);
        if (number++ % step == first)
            batch->expressions[batch->count++] = memory_copy(line);
    }
    text_free(&lines);
}

static void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->expressions[i]);
        free(batch->answers[i]);
    }
    *batch = (struct batch){0};
}

/* Whether systemd has an answer, and none of those that are known to be astray. */
static bool golden_sound(const struct batch *batch, size_t i)
{
    const char *expression = batch->expressions[i], *theirs = batch->answers[i];

    if (!theirs)
        return false;
    char *ours = elapses_ours(batch->setting, expression);
    bool astray =
        strcmp(ours, theirs) != 0 && elapses_agree(batch->setting, expression, ours, theirs);
    free(ours);
    return !astray;
}

/* Systemd's answers to a batch as lines of the stored file. */
static void golden_lines(struct batch *batch, struct text *lines)
{
    elapses_theirs(batch->setting, batch->expressions, batch->count, batch->answers);
    for (size_t i = 0; i < batch->count; i++)
        if (golden_sound(batch, i))
            text_addf(lines, "%s|%s|%s|%s\n", batch->setting->zone, batch->setting->base,
                      batch->expressions[i], batch->answers[i]);
    batch_free(batch);
}

static void golden_make(struct text *lines)
{
    struct batch batch = {0};

    srandom(SEED);
    for (size_t i = 0; i < COUNT(settings); i++) {
        batch.setting = &settings[i];
        batch_file(&batch, "tests/calendar/expressions.txt", i % SHARE, SHARE);
        batch_random(&batch, GENERATED);
        golden_lines(&batch, lines);
    }
    for (size_t i = 0; i < COUNT(zoned_settings); i++) {
        batch.setting = &zoned_settings[i];
        batch_file(&batch, "tests/calendar/zoned.txt", 0, 1);
        golden_lines(&batch, lines);
    }
}

static void golden_write(const struct text *lines)
{
    FILE *file = fopen(GOLDEN_FILE, "w");

    ck_assert_msg(file != NULL, "%s: %s", GOLDEN_FILE, strerror(errno));
    ck_assert_int_ge(fputs(lines->bytes, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* What is stored is what systemd says; GOLDEN=1 stores it. */
START_TEST(test_stored_is_theirs)
{
    struct text theirs = {0}, stored = {0};

    golden_make(&theirs);
    if (getenv("GOLDEN"))
        golden_write(&theirs);
    read_file(GOLDEN_FILE, &stored);
    size_t same = 0, line = 0;
    for (; stored.bytes[same] && stored.bytes[same] == theirs.bytes[same]; same++)
        if (stored.bytes[same] == '\n')
            line = same + 1;
    ck_assert_msg(same == stored.length && same == theirs.length,
                  "the first difference:\n   stored %.200s\n   theirs %.200s", stored.bytes + line,
                  theirs.bytes + line);
    text_free(&theirs);
    text_free(&stored);
}
END_TEST

/* And ours say the same, to the letter. */
START_TEST(test_stored_is_ours)
{
    struct text stored = {0};
    char *rest = NULL;
    int lines = 0;

    read_file(GOLDEN_FILE, &stored);
    for (char *line = strtok_r(stored.bytes, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *zone = strsep(&line, "|"), *base = strsep(&line, "|");
        char *expression = strsep(&line, "|");
        struct elapses_setting setting = {zone, base};
        ck_assert_msg(line != NULL, "a torn line of %s", zone);
        char *ours = elapses_ours(&setting, expression);
        ck_assert_msg(ours && strcmp(ours, line) == 0,
                      "\"%s\" in %s from %s on:\n      ours %s\n   theirs %s", expression, zone,
                      base, ours ? ours : "refused", line);
        free(ours);
        lines++;
    }
    ck_assert_int_ge(lines, LEAST);
    text_free(&stored);
}
END_TEST

START_TEST(test_random_oracle)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    struct batch batch = {0};
    size_t gave_up = 0;

    printf("calendar_next: SEED=%u\n", seed);
    fflush(stdout);
    srandom(seed);
    for (size_t i = 0; i < COUNT(settings); i++) {
        batch.setting = &settings[i];
        batch_random(&batch, RANDOM);
        elapses_theirs(batch.setting, batch.expressions, batch.count, batch.answers);
        for (size_t k = 0; k < batch.count; k++) {
            char *ours = elapses_ours(batch.setting, batch.expressions[k]);
            ck_assert_msg(elapses_agree(batch.setting, batch.expressions[k], ours,
                                        batch.answers[k]),
                          "SEED=%u \"%s\" in %s from %s on:\n      ours %s\n   theirs %s", seed,
                          batch.expressions[k], batch.setting->zone, batch.setting->base, ours,
                          batch.answers[k]);
            gave_up += !batch.answers[k];
            free(ours);
        }
        batch_free(&batch);
    }
    ck_assert_uint_le(gave_up, GAVE_UP);
}
END_TEST

/* Where systemd loses its way, and this must not; each from noon of the day before. */
static const struct {
    const char *zone, *base, *expression, *elapses;
} corners[] = {
    /* Dublin's winter is what it calls daylight time. */
    {"Europe/Dublin", "2026-03-28 12:00:00", "Sun 1..3:00",
     "2026-03-29T01:00:00Z 2026-03-29T02:00:00Z 2026-04-05T00:00:00Z 2026-04-05T01:00:00Z "
     "2026-04-05T02:00:00Z"},
    {"Europe/Berlin", "2026-10-25 00:10:00", "*-*~7 02:30",
     "2026-10-25T00:30:00Z 2026-11-24T01:30:00Z 2026-12-25T01:30:00Z 2027-01-25T01:30:00Z "
     "2027-02-22T01:30:00Z"},
    {"UTC", "2026-02-27 18:14:59", "*:*:4/16",
     "2026-02-27T18:15:04Z 2026-02-27T18:15:20Z 2026-02-27T18:15:36Z 2026-02-27T18:15:52Z "
     "2026-02-27T18:16:04Z"},
    {"America/Santiago", "2026-09-05 23:00:00", "04/5:07",
     "2026-09-05T23:07:00Z 2026-09-06T07:07:00Z 2026-09-06T12:07:00Z 2026-09-06T17:07:00Z "
     "2026-09-06T22:07:00Z"},
    {"UTC", "2026-02-27 18:14:59", "Mon *-02,04,06,09,11-31", "never"},
    {"UTC", "1969-12-31 23:00:00", "@0", "1970-01-01T00:00:00Z"},
    {"Europe/Berlin", "2026-03-29 00:00:00", "2026-03-29 02:30", "never"},
    {"Europe/Berlin", "2026-03-29 00:00:00", "*-*-* 02:0:0/0.000001",
     "2026-03-30T00:00:00Z 2026-03-30T00:00:00Z 2026-03-30T00:00:00Z 2026-03-30T00:00:00Z "
     "2026-03-30T00:00:00Z"},
};

START_TEST(test_corners)
{
    struct elapses_setting setting = {corners[_i].zone, corners[_i].base};
    char *ours = elapses_ours(&setting, corners[_i].expression);

    ck_assert_ptr_nonnull(ours);
    ck_assert_str_eq(ours, corners[_i].elapses);
    free(ours);
}
END_TEST

/* What one call costs, in microseconds of processor time. */
static const struct {
    const char *expression;
    int calls;
    double most_us;
} costs[] = {
    {"minutely", 50000, 50},
    {"hourly", 50000, 50},
    {"Sun 02:00 Europe/Berlin", 50000, 50},
    {"*-*~1 03:30 America/New_York", 50000, 50},
    {"Mon..Fri *-*-1/5 02:30:15.5 Australia/Lord_Howe", 50000, 50},
    {"yearly", 50000, 50},
    {"Mon *-02-29", 1000, 1000},
    {"*-02-30", 1000, 1000},
    {"Mon *-02,04,06,09,11-31", 1000, 2000},
    {"Sun 2199-12-31 23:59:59.999999", 1000, 1000},
};

static const double slow =
#ifdef __SANITIZE_ADDRESS__
    20;
#else
    1;
#endif

static double calls_us(const char *expression, int calls)
{
    struct calendar *calendar = NULL;
    struct error error;
    int64_t at_us = INT64_C(1795609671123456);

    ck_assert_int_eq(calendar_parse(expression, &calendar, &error), STATUS_OK);
    clock_t begin = clock();
    for (int i = 0; i < calls; i++)
        if (calendar_next(calendar, at_us + i * INT64_C(977000000)) <= at_us)
            ck_abort_msg("\"%s\" goes back", expression);
    double us = (double)(clock() - begin) * 1e6 / CLOCKS_PER_SEC / calls;
    calendar_free(calendar);
    return us;
}

START_TEST(test_costs)
{
    double us = calls_us(costs[_i].expression, costs[_i].calls);

    printf("calendar_next: %s: %.2f us\n", costs[_i].expression, us);
    ck_assert_double_le(us, costs[_i].most_us * slow);
}
END_TEST

/* The longest lists that there may be, and none of their days exists on that weekday. */
START_TEST(test_absurd)
{
    struct text text = {0};

    text_add(&text, "Wed 1971/28,1999");
    for (int i = 1; i < 240; i++)
        text_addf(&text, ",%d", 2000 + i % 200);
    text_add(&text, "-02-29,30,31 *:*:");
    for (int i = 0; i < 240; i++)
        text_addf(&text, "%s%d.%d/7", i ? "," : "", i % 50, i);
    double us = calls_us(text.bytes, 100);
    printf("calendar_next: absurd: %.2f us\n", us);
    ck_assert_double_le(us, 2000 * slow);
    text_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calendar_next");
    TCase *tests = tcase_create("calendar_next");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    if (expression_has_oracle()) {
        tcase_add_test(tests, test_stored_is_theirs);
        tcase_add_test(tests, test_random_oracle);
    }
    tcase_add_test(tests, test_stored_is_ours);
    tcase_add_loop_test(tests, test_corners, 0, (int)COUNT(corners));
    tcase_add_loop_test(tests, test_costs, 0, (int)COUNT(costs));
    tcase_add_test(tests, test_absurd);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
