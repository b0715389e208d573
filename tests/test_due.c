/* When tasks of a policy are due: schedule, jitter and window together, as a table. */
#include "config.h"
#include "due.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static int64_t moment(const char *text)
{
    struct tm parts = {0};

    if (!text)
        return -1;
    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &parts));
    return (int64_t)timegm(&parts) * 1000000;
}

static struct config *load(const char *limits, const char *schedule)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    char *yaml = memory_format("databases:\n  - path: /srv/*.db\n    %s\n"
                               "    sample: { schedule: '%s' }\n",
                               limits, schedule);
    enum status status = config_parse("p.yaml", yaml, strlen(yaml), &config, &errors);

    ck_assert_msg(status == STATUS_OK, "%s", errors.count ? errors.lines[0] : "no error");
    free(yaml);
    return config;
}

/* Limits of the database, its schedule, when the task was seen and started (NULL: never), and now;
 * when it is due, and when it is in the window, taking so many seconds. 2026-11-22 is a Sunday. The
 * path's jitter is 0.9349635 of the most. */
static const struct {
    const char *limits, *schedule, *seen, *started, *now;
    double seconds;
    const char *due, *in_window;
} rows[] = {
    {"window: Sun 02:00-05:00 UTC", "daily UTC", "2026-11-20 10:00:00", NULL, "2026-11-20 10:00:00",
     60, "2026-11-21 00:00:00", "2026-11-22 02:00:00"},
    {"window: Sun 02:00-05:00 UTC", "Sun 03:00 UTC", "2026-11-20 10:00:00", NULL,
     "2026-11-20 10:00:00", 60, "2026-11-22 03:00:00", "2026-11-22 03:00:00"},
    {"window: Sun 02:00-05:00 UTC", "Sun 03:00 UTC", "2026-11-20 10:00:00", NULL,
     "2026-11-20 10:00:00", 7201, "2026-11-22 03:00:00", "2026-11-29 02:00:00"},
    {"window: Sun 02:00-05:00 UTC", "Sun 03:00 UTC", "2026-11-20 10:00:00", NULL,
     "2026-11-20 10:00:00", 99999, "2026-11-22 03:00:00", "2026-11-22 03:00:00"},
    {"window: Sun 02:00-05:00 UTC", "daily UTC", "2026-11-20 10:00:00", "2026-11-21 00:00:00",
     "2026-11-23 10:00:00", -1, "2026-11-22 00:00:00", "2026-11-29 02:00:00"}, /* missed */
    {"window: Sun 02:00-05:00 UTC", "*-02-30", "2026-11-20 10:00:00", NULL, "2026-11-20 10:00:00",
     60, NULL, NULL},
    {"observe: false", "daily UTC", "2026-11-20 10:00:00", NULL, "2026-11-20 10:00:00", 60,
     "2026-11-21 00:00:00", NULL},
    {"jitter: 10min", "hourly UTC", "2026-11-20 10:30:00", NULL, "2026-11-20 10:30:00", 60,
     "2026-11-20 11:09:20", NULL},
    {"jitter: 10min", "hourly UTC", "2026-11-20 10:00:00", "2026-11-20 10:09:21",
     "2026-11-20 10:30:00", 60, "2026-11-20 11:09:20", NULL},
    {"jitter: 1d", "minutely UTC", "2026-11-20 10:00:00", "2026-11-20 10:20:00",
     "2026-11-20 10:20:00", 60, "2026-11-20 10:20:20", NULL},
};

static void check(const char *what, int64_t due_us, const char *wanted)
{
    char time[TEXT_SHORT];
    int64_t second_us = due_us < INT64_MAX ? due_us - due_us % 1000000 : due_us;

    ck_assert_msg(second_us == (wanted ? moment(wanted) : INT64_MAX), "%s is %s", what,
                  text_time(time, due_us));
}

START_TEST(test_rows)
{
    struct config *config = load(rows[_i].limits, rows[_i].schedule);
    const struct config_database *database = &config->databases[0];
    struct schedule_past past = {moment(rows[_i].seen), moment(rows[_i].started)};
    int64_t now_us = moment(rows[_i].now);
    int64_t due_us = due_moment(database, &database->tasks[0], "/srv/worklog.db", &past, now_us);

    check("due", due_us, rows[_i].due);
    check("in the window", due_in_window(database, due_us, now_us, rows[_i].seconds),
          rows[_i].in_window);
    config_free(config);
}
END_TEST

/* Two databases of a glob have times of their own, ever the same. */
START_TEST(test_apart)
{
    struct config *config = load("jitter: 1h", "daily UTC");
    const struct config_database *database = &config->databases[0];
    const struct config_task *task = &database->tasks[0];
    int64_t now_us = moment("2026-11-20 10:00:00");
    struct schedule_past past = {now_us, -1};

    int64_t one = due_moment(database, task, "/srv/1.db", &past, now_us);
    ck_assert_int_ne(one, due_moment(database, task, "/srv/2.db", &past, now_us));
    ck_assert_int_eq(one, due_moment(database, task, "/srv/1.db", &past, now_us + 1));
    config_free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("due");
    TCase *tests = tcase_create("due");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tests, test_rows, 0, COUNT(rows));
    tcase_add_test(tests, test_apart);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
