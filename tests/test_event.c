/* Events: the exact lines that are built, what is taken from a worker and what is not. */
#include "event.h"

#include "memory.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct event_subject logs = {"worklog", "retention", "logs"};

/* The line of design.md, that of a task that has no target and stayed busy, and one with all marks
 * that an outcome may have. */
static const char *const outcome_lines[] = {
    "{\"event\":\"outcome\",\"database\":\"worklog\",\"task\":\"retention\",\"target\":\"logs\","
    "\"outcome\":\"done\",\"reason\":\"812,344 rows older than 90 days\",\"rows\":812344,"
    "\"bytes_freed\":301989888,\"seconds\":14.2,\"lock\":{\"count\":1604,\"max_ms\":14.9,"
    "\"p99_ms\":12.1,\"total_ms\":7012.4},\"effect\":{\"rows_past_cutoff\":0}}",
    "{\"event\":\"outcome\",\"database\":\"worklog\",\"task\":\"sample\",\"target\":null,"
    "\"outcome\":\"skipped\",\"reason\":\"busy\",\"rows\":0,\"bytes_freed\":0,\"seconds\":0.0,"
    "\"busy\":true,\"lock\":{\"count\":0,\"max_ms\":0.0,\"p99_ms\":0.0,\"total_ms\":0.0},"
    "\"effect\":null}",
    "{\"event\":\"outcome\",\"database\":\"worklog\",\"task\":\"retention\",\"target\":\"logs\","
    "\"outcome\":\"skipped\",\"reason\":\"in doubt\",\"rows\":0,\"bytes_freed\":0,\"seconds\":0.0,"
    "\"waits\":true,\"guard\":\"clock\",\"lock\":{\"count\":0,\"max_ms\":0.0,\"p99_ms\":0.0,"
    "\"total_ms\":0.0},\"effect\":null}",
};

static void check_line(json_t *event, const char *expected)
{
    char *line = event_line(event);

    ck_assert_str_eq(line, expected);
    free(line);
    json_decref(event);
}

START_TEST(outcome_is_the_line_of_the_design)
{
    struct outcome outcome = {
        .kind = OUTCOME_DONE,
        .reason = "812,344 rows older than 90 days",
        .rows = 812344,
        .bytes_freed = 301989888,
        .seconds = 14.2004,
        .lock = {1604, 14.9, 12.1, 7012.4},
        .effect = json_pack("{s:i}", "rows_past_cutoff", 0),
    };
    struct event_subject sample = {"worklog", "sample", NULL};
    struct outcome busy = {.kind = OUTCOME_SKIPPED, .busy = true, .reason = "busy"};
    struct outcome refused = {
        .kind = OUTCOME_SKIPPED, .waits = true, .guard = OUTCOME_GUARD_CLOCK, .reason = "in doubt"};

    check_line(event_outcome(&logs, &outcome), outcome_lines[0]);
    check_line(event_outcome(&sample, &busy), outcome_lines[1]);
    check_line(event_outcome(&logs, &refused), outcome_lines[2]);
    outcome_free(&outcome);
}
END_TEST

START_TEST(outcome_survives_the_pipe)
{
    for (size_t i = 0; i < sizeof outcome_lines / sizeof *outcome_lines; i++) {
        struct error error = {0};
        json_t *event = NULL;
        const char *line = outcome_lines[i];

        ck_assert_msg(event_parse(line, strlen(line), &event, &error) == 0, "%s", error.text);
        check_line(event, line);
    }
}
END_TEST

START_TEST(plan_and_progress_have_null_for_the_unknown)
{
    struct decision act = {true, false, "12 rows older than 90 days", 12, 4096, 0.5, 0};
    struct decision skip = {false, false, "below", -1, -1, -1, 0};

    check_line(event_plan(&logs, &act, true),
               "{\"event\":\"plan\",\"database\":\"worklog\",\"task\":\"retention\","
               "\"target\":\"logs\",\"due\":null,\"decision\":\"act\","
               "\"reason\":\"12 rows older than 90 days\",\"rows\":12,\"bytes\":4096,"
               "\"seconds\":0.5,\"waits\":true}");
    check_line(event_plan(&logs, &skip, false),
               "{\"event\":\"plan\",\"database\":\"worklog\",\"task\":\"retention\","
               "\"target\":\"logs\",\"due\":null,\"decision\":\"skip\",\"reason\":\"below\","
               "\"rows\":null,\"bytes\":null,\"seconds\":null}");
    check_line(event_progress(&logs, 5, -1, NAN, INFINITY, 1.5),
               "{\"event\":\"progress\",\"database\":\"worklog\",\"task\":\"retention\","
               "\"target\":\"logs\",\"rows\":5,\"total\":null,\"rate\":0.0,\"eta_s\":null,"
               "\"lock_share\":1.0}");
}
END_TEST

START_TEST(text_is_made_harmless_and_cut)
{
    char *huge = memory_zeroed(1, 200001);
    memset(huge, 'x', 200000);
    memcpy(huge, "\xe4\x1b[2J", 5);
    json_t *event = event_notice(&logs, huge), *back = NULL;
    char *line = event_line(event);

    ck_assert_uint_lt(strlen(line), EVENT_LINE);
    ck_assert_int_eq(event_parse(line, strlen(line), &back, NULL), 0);
    const char *text = json_string_value(json_object_get(back, "text"));
    ck_assert_uint_eq(strlen(text), 1024);
    ck_assert(strncmp(text, "??[2Jxx", 7) == 0);
    json_decref(back);
    json_decref(event);
    free(line);
    free(huge);
}
END_TEST

/* A character of three bytes over the limit of 1024 goes as a whole. */
START_TEST(text_is_cut_between_characters)
{
    char text[1100];
    json_t *event, *back = NULL;

    memset(text, 'a', sizeof text);
    memcpy(text + 1022, "\xe2\x82\xac", 3);
    text[1099] = '\0';
    event = event_notice(&logs, text);
    char *line = event_line(event);
    ck_assert_int_eq(event_parse(line, strlen(line), &back, NULL), 0);
    ck_assert_uint_eq(strlen(json_string_value(json_object_get(back, "text"))), 1022);
    json_decref(back);
    json_decref(event);
    free(line);
}
END_TEST

#define OF       "\"database\":\"d\",\"task\":\"t\",\"target\":null"
#define PROGRESS "{\"event\":\"progress\"," OF ",\"rows\":1,\"total\":2,\"rate\":1,\"eta_s\":null"
/* And then a number that is the parser's own business. */
#define NO_JSON "no JSON object, by column "
#define LOCK    "\"lock\":{\"count\":0,\"max_ms\":0,\"p99_ms\":0,\"total_ms\":0}"
#define OUTCOME                                                                       \
    "{\"event\":\"outcome\"," OF ",\"outcome\":\"done\",\"reason\":\"r\",\"rows\":0," \
    "\"bytes_freed\":0,\"seconds\":0," LOCK

/* Lines that are taken, and what is left of them. */
static const struct {
    const char *line, *taken;
} good[] = {
    {PROGRESS ",\"lock_share\":0}", PROGRESS ",\"lock_share\":0}"},
    {PROGRESS ",\"lock_share\":1,\"more\":[1]}", PROGRESS ",\"lock_share\":1}"},
    {"{\"text\":\"a\\u001b[2Jb\\u009bc\\u007f\"," OF ",\"event\":\"notice\"}",
     "{\"event\":\"notice\"," OF ",\"text\":\"a?[2Jb??c?\"}"},
    {OUTCOME ",\"effect\":{\"a\":{\"b\":[1,2.5,\"\\n\",null,true]}}}",
     OUTCOME ",\"effect\":{\"a\":{\"b\":[1,2.5,\"?\",null,true]}}}"},
    {"{\"event\":\"found\",\"path\":\"/a/b\",\"device\":-1,\"inode\":2,\"owner\":0,\"group\":1}",
     "{\"event\":\"found\",\"path\":\"/a/b\",\"device\":-1,\"inode\":2,\"owner\":0,\"group\":1}"},
    {"{\"event\":\"clock\",\"newest_us\":-5,\"boot_offset_us\":null,\"was_synchronised\":true}",
     "{\"event\":\"clock\",\"newest_us\":-5,\"boot_offset_us\":null,\"was_synchronised\":true}"},
    {"{\"event\":\"recorded\"}", "{\"event\":\"recorded\"}"},
};

START_TEST(good_lines_are_taken)
{
    struct error error = {0};
    json_t *event = NULL;

    ck_assert_msg(event_parse(good[_i].line, strlen(good[_i].line), &event, &error) == 0, "%s: %s",
                  good[_i].line, error.text);
    check_line(event, good[_i].taken);
}
END_TEST

static const struct {
    const char *line, *error;
} bad[] = {
    {"", NO_JSON},
    {"[", NO_JSON},
    {"{\"event\":1}", "no known kind of event"},
    {"[\"outcome\"]", "no known kind of event"},
    {"{\"event\":\"halt\"}", "no known kind of event"},
    {"{\"event\":\"recorded\",\"event\":\"recorded\"}", NO_JSON},
    {"{\"event\":\"recorded\",\"a\":\"\\u0000\"}", NO_JSON},
    {"{\"event\":\"recorded\",\"a\":\"\xff\"}", NO_JSON},
    {"{\"event\":\"recorded\",\"a\":1e999}", NO_JSON},
    {"{\"event\":\"recorded\",\"a\":NaN}", NO_JSON},
    {"{\"event\":\"recorded\"} {}", NO_JSON},
    {PROGRESS "}", "progress: lock_share is missing"},
    {PROGRESS ",\"lock_share\":1.01}", "progress: lock_share is no number from 0 to 1"},
    {PROGRESS ",\"lock_share\":-0.1}", "progress: lock_share is no number from 0 to 1"},
    {PROGRESS ",\"lock_share\":\"1\"}", "progress: lock_share is no number from 0 to 1"},
    {PROGRESS ",\"lock_share\":null}", "progress: lock_share is no number from 0 to 1"},
    {OUTCOME ",\"effect\":[]}", "outcome: effect is no object of plain names and values"},
    {OUTCOME ",\"effect\":{\"A b\":1}}", "outcome: effect is no object of plain names and values"},
    {OUTCOME ",\"effect\":{\"\":1}}", "outcome: effect is no object of plain names and values"},
    {OUTCOME ",\"effect\":{\"a\":[[[[[[[[1]]]]]]]]}}",
     "outcome: effect is no object of plain names and values"},
    {OUTCOME ",\"guard\":\"moon\",\"effect\":null}",
     "outcome: guard is none of the words allowed there"},
    {OUTCOME ",\"busy\":1,\"effect\":null}", "outcome: busy is neither true nor false"},
    {"{\"event\":\"notice\"," OF ",\"text\":7}", "notice: text is no text"},
    {"{\"event\":\"notice\",\"database\":null,\"task\":\"t\",\"target\":null,\"text\":\"\"}",
     "notice: database is no text"},
    {"{\"event\":\"outcome\"," OF ",\"outcome\":\"perfect\"}",
     "outcome: outcome is none of the words allowed there"},
    {"{\"event\":\"outcome\"," OF ",\"outcome\":\"done\",\"reason\":\"\",\"rows\":-1}",
     "outcome: rows is no whole number from 0 to 2^53"},
    {"{\"event\":\"outcome\"," OF ",\"outcome\":\"done\",\"reason\":\"\",\"rows\":1.0}",
     "outcome: rows is no whole number from 0 to 2^53"},
    {"{\"event\":\"outcome\"," OF
     ",\"outcome\":\"done\",\"reason\":\"\",\"rows\":9007199254740993}",
     "outcome: rows is no whole number from 0 to 2^53"},
    {"{\"event\":\"outcome\"," OF
     ",\"outcome\":\"done\",\"reason\":\"r\",\"rows\":0,\"bytes_freed\":0,\"seconds\":0,"
     "\"lock\":7}",
     "outcome: lock is no object"},
    {"{\"event\":\"outcome\"," OF
     ",\"outcome\":\"done\",\"reason\":\"r\",\"rows\":0,\"bytes_freed\":0,\"seconds\":0,"
     "\"lock\":{\"count\":-1}}",
     "lock: count is no whole number from 0 to 2^53"},
    {"{\"event\":\"found\",\"path\":\"/a\\nb\",\"device\":1,\"inode\":2,\"owner\":0,\"group\":1}",
     "found: path is no text, too long, or has characters that can't be shown"},
    {"{\"event\":\"clock\",\"newest_us\":9223372036854775807,\"boot_offset_us\":1,"
     "\"was_synchronised\":true}",
     "clock: newest_us is no whole number of microseconds"},
};

START_TEST(bad_lines_are_refused)
{
    struct error error = {0};
    json_t *event = NULL;

    ck_assert_int_eq(event_parse(bad[_i].line, strlen(bad[_i].line), &event, &error),
                     STATUS_INVALID);
    if (strcmp(bad[_i].error, NO_JSON) == 0)
        error.text[strlen(NO_JSON)] = '\0';
    ck_assert_str_eq(error.text, bad[_i].error);
    ck_assert_ptr_null(event);
}
END_TEST

START_TEST(long_lines_are_refused)
{
    char *line = memory_zeroed(1, EVENT_LINE + 2);
    struct error error = {0};
    json_t *event = NULL;

    memset(line, ' ', EVENT_LINE + 1);
    memcpy(line, "{\"event\":\"recorded\"}", 20);
    ck_assert_int_eq(event_parse(line, EVENT_LINE, &event, &error), STATUS_OK);
    json_decref(event);
    event = NULL;
    ck_assert_int_eq(event_parse(line, EVENT_LINE + 1, &event, &error), STATUS_INVALID);
    ck_assert_str_eq(error.text, "longer than 65536 bytes");
    memset(line, '[', EVENT_LINE); /* as deep as it gets */
    ck_assert_int_eq(event_parse(line, EVENT_LINE, &event, &error), STATUS_INVALID);
    free(line);
}
END_TEST

static bool is_harmless(const json_t *value)
{
    const char *key, *text = json_string_value(value);
    json_t *item;
    size_t i;

    for (; text && *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    json_array_foreach ((json_t *)(uintptr_t)value, i, item)
        if (!is_harmless(item))
            return false;
    json_object_foreach ((json_t *)(uintptr_t)value, key, item)
        if (!is_harmless(item))
            return false;
    return true;
}

/* Whatever a line's bytes become, it is refused with a reason or taken harmlessly, and what was
 * taken is taken again as it is. */
START_TEST(damaged_lines_never_harm)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    size_t count = sizeof good / sizeof *good, taken = 0;

    printf("damaged_lines_never_harm: SEED=%u\n", seed);
    srand(seed);
    for (int round = 0; round < 20000; round++) {
        char *line = memory_copy(good[(size_t)rand() % count].line);
        size_t length = strlen(line);
        struct error error = {0};
        json_t *event = NULL, *again = NULL;

        for (int changes = rand() % 3; changes >= 0; changes--)
            line[(size_t)rand() % length] =
                (char)(rand() % 4 ? "\"{}[]:,019.-eE\\ux~"[rand() % 18] : rand() % 256);
        if (event_parse(line, length, &event, &error)) {
            ck_assert(error.text[0] && !strpbrk(error.text, "\n\r\x1b"));
        } else {
            char *out = event_line(event);
            ck_assert(is_harmless(event));
            ck_assert_int_eq(event_parse(out, strlen(out), &again, &error), STATUS_OK);
            ck_assert(json_equal(event, again));
            free(out);
            taken++;
        }
        json_decref(event);
        json_decref(again);
        free(line);
    }
    ck_assert_uint_gt(taken, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");
    TCase *cases = tcase_create("event");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(cases, outcome_is_the_line_of_the_design);
    tcase_add_test(cases, outcome_survives_the_pipe);
    tcase_add_test(cases, plan_and_progress_have_null_for_the_unknown);
    tcase_add_test(cases, text_is_made_harmless_and_cut);
    tcase_add_test(cases, text_is_cut_between_characters);
    tcase_add_loop_test(cases, good_lines_are_taken, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(cases, bad_lines_are_refused, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(cases, long_lines_are_refused);
    tcase_add_test(cases, damaged_lines_never_harm);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
