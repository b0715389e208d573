/* What people read: the sentence about an outcome, the progress bar at every width, the nearest
 * name. */
#include "progress.h"
#include "report.h"
#include "suggest.h"
#include "terminal.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define OF "\"database\":\"worklog\",\"task\":\"retention\",\"target\":\"logs\""

static const struct {
    const char *event, *sentence;
} sentences[] = {
    {"{" OF ",\"outcome\":\"done\",\"reason\":\"812,344 rows older than 90 days\",\"rows\":812344,"
     "\"bytes_freed\":301989888,\"seconds\":14.2,\"lock\":{\"count\":1604,\"max_ms\":14.9,"
     "\"p99_ms\":12.1,\"total_ms\":7012.4},\"effect\":{\"rows_past_cutoff\":0}}",
     "worklog retention logs: done in 14.2 s: 812,344 rows older than 90 days; 288.0 MiB given "
     "back; lock held 1,604 times, longest 14.9 ms, p99 12.1 ms; no row left past the cutoff"},
    {"{" OF ",\"outcome\":\"skipped\",\"reason\":\"no row is older than 90 days\",\"rows\":0,"
     "\"bytes_freed\":0,\"seconds\":0.1,\"lock\":{\"count\":0},\"effect\":null}",
     "worklog retention logs: skipped: no row is older than 90 days"},
    {"{" OF ",\"outcome\":\"cancelled\",\"reason\":\"interrupted\",\"rows\":1,\"bytes_freed\":4096,"
     "\"seconds\":75,\"lock\":{\"count\":1,\"max_ms\":2,\"p99_ms\":2},\"effect\":{\"rows_past_"
     "cutoff\":1}}",
     "worklog retention logs: cancelled after 1 min 15 s: interrupted; "
     "4.0 KiB given back; lock held 1 time, longest 2.0 ms; 1 row left past the cutoff"},
    {"{\"database\":\"w\",\"task\":\"sample\",\"target\":null,\"outcome\":\"done\",\"reason\":"
     "\"r\","
     "\"rows\":0,\"bytes_freed\":0,\"seconds\":0.2,\"lock\":{},\"effect\":{\"pages\":268780,"
     "\"page_size\":4096,\"wal_bytes\":1048576,\"share\":0.25,\"ok\":true,\"format\":\"unix\","
     "\"inner\":{\"a\":1},\"none\":null,\"btrees\":[1,2,3]}}",
     "w sample: done in 0.2 s: r"},
};

START_TEST(outcomes_in_words)
{
    json_t *event = json_loads(sentences[_i].event, 0, NULL);
    ck_assert_ptr_nonnull(event);
    char *sentence = report_outcome(event);

    ck_assert_str_eq(sentence, sentences[_i].sentence);
    free(sentence);
    json_decref(event);
}
END_TEST

#define ROWS ",\"rows\":381231,\"rate\":57003.4,\"lock_share\":0.413"

static const struct {
    const char *event;
    size_t width;
    const char *line;
} bars[] = {
    {"{" OF ROWS ",\"total\":812344,\"eta_s\":7.56}", 100,
     "worklog retention logs  [==========>           ]   46%  381,231 rows  7.6 s left  lock 41%  "
     "57,003/s"},
    {"{" OF ROWS ",\"total\":812344,\"eta_s\":7.56}", 79,
     "retention logs  [====>    ]   46%  381,231 rows  7.6 s left  lock 41%  57,003/s"},
    {"{" OF ROWS ",\"total\":812344,\"eta_s\":7.56}", 60,
     "retention logs   46%  381,231 rows  7.6 s left  lock 41%"},
    {"{" OF ROWS ",\"total\":812344,\"eta_s\":7.56}", 30, "retention logs   46%"},
    {"{" OF ROWS ",\"total\":812344,\"eta_s\":7.56}", 9, "retention"},
    {"{" OF ROWS ",\"total\":null,\"eta_s\":null}", 79,
     "worklog retention logs  381,231 rows  lock 41%  57,003/s"},
    {"{\"database\":\"w\",\"task\":\"t\",\"target\":null,\"rows\":5,\"total\":5,\"rate\":0,"
     "\"eta_s\":0,\"lock_share\":0}",
     79, "w t  [============================]  100%  5 rows  0 ms left  lock 0%  0/s"},
    {"{\"database\":\"w\",\"task\":\"vacuum\",\"target\":null,\"unit\":\"page\",\"rows\":3,"
     "\"total\":4,"
     "\"rate\":0,\"eta_s\":1,\"lock_share\":0}",
     79, "w vacuum  [===================>      ]   75%  3 pages  1.0 s left  lock 0%  0/s"},
    {"{\"database\":\"w\",\"task\":\"t\",\"target\":null,\"rows\":0,\"total\":0,\"rate\":0,"
     "\"eta_s\":null,\"lock_share\":0}",
     50, "w t  [===============]  100%  0 rows  lock 0%  0/s"},
};

START_TEST(progress_fits)
{
    json_t *event = json_loads(bars[_i].event, 0, NULL);
    ck_assert_ptr_nonnull(event);
    char *line = progress_line(event, bars[_i].width);

    ck_assert_str_eq(line, bars[_i].line);
    free(line);
    for (size_t width = 0; width < 200; width++) {
        line = progress_line(event, width);
        ck_assert_uint_le(terminal_columns(line), width);
        free(line);
    }
    json_decref(event);
}
END_TEST

START_TEST(the_nearest_name_is_near)
{
    static const char *const names[] = {"check", "plan", "run", "inspect"};
    static const struct {
        const char *wanted, *nearest;
    } rows[] = {
        {"plam", "plan"},     {"pla", "plan"}, {"inspekt", "inspect"}, {"chekc", "check"},
        {"nothing", NULL},    {"run", "run"},  {"rn", "run"},          {"xyz", NULL},
        {"zzzzzzzzzz", NULL}, {"", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *nearest = suggest_nearest(rows[i].wanted, names, 4);
        ck_assert_msg(rows[i].nearest ? nearest && strcmp(nearest, rows[i].nearest) == 0 : !nearest,
                      "%s: %s", rows[i].wanted, nearest ? nearest : "(none)");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *cases = tcase_create("report");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, outcomes_in_words, 0, (int)(sizeof sentences / sizeof *sentences));
    tcase_add_loop_test(cases, progress_fits, 0, (int)(sizeof bars / sizeof *bars));
    tcase_add_test(cases, the_nearest_name_is_near);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
