/*
 * When tasks are due: tables of pasts; days on end with a clock that is set, hosts that are down
 * and daemons that start anew; the evenness of the jitter; the waits after failures.
 */
#include "memory.h"
#include "schedule.h"
#include "text.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))
#define SECOND       INT64_C(1000000)
#define MINUTE       (60 * SECOND)
#define HOUR         (60 * MINUTE)

enum { TENANTS = 50000, BUCKETS = 100, DAYS = 6, DAY_MINUTES = 1440 };

static int64_t moment(const char *text)
{
    struct tm parts = {0};

    if (!text)
        return -1;
    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &parts));
    return (int64_t)timegm(&parts) * SECOND;
}

static struct calendar *calendar(const char *text)
{
    struct calendar *made = NULL;
    struct error error = {0};

    ck_assert_msg(calendar_parse(text, &made, &error) == STATUS_OK, "%s", error.text);
    return made;
}

/* Moments in UTC; NULL: never, and for `seen` just now. 2026-11-25 is a Wednesday. */
static const struct {
    const char *calendar;
    int jitter_s;
    const char *seen, *started, *now, *due;
} dues[] = {
    /* It never ran: from when it was seen. */
    {"daily UTC", 0, NULL, NULL, "2026-11-25 12:00:00", "2026-11-26 00:00:00"},
    {"daily UTC", 0, NULL, NULL, "2026-11-25 00:00:00", "2026-11-26 00:00:00"},
    {"daily UTC", 0, "2026-11-20 12:00:00", NULL, "2026-11-25 12:00:00", "2026-11-21 00:00:00"},
    {"Sun 02:00 UTC", 0, "2026-11-20 12:00:00", NULL, "2026-11-21 12:00:00", "2026-11-22 02:00:00"},
    /* It ran: from then on, whenever it was seen. */
    {"daily UTC", 0, "2026-11-20 12:00:00", "2026-11-25 00:00:00", "2026-11-25 12:00:00",
     "2026-11-26 00:00:00"},
    {"daily UTC", 0, NULL, "2026-11-25 00:00:03", "2026-11-25 12:00:00", "2026-11-26 00:00:00"},
    {"hourly UTC", 0, NULL, "2026-11-25 11:59:59", "2026-11-25 12:00:00", "2026-11-25 12:00:00"},
    /* Missed, once or often: due once, at the first that was missed. */
    {"daily UTC", 0, NULL, "2026-11-24 00:00:00", "2026-11-25 12:00:00", "2026-11-25 00:00:00"},
    {"minutely UTC", 0, NULL, "2026-11-24 00:00:00", "2026-11-25 12:00:00", "2026-11-24 00:01:00"},
    /* The jitter moves all elapses; it may be longer than what is between them. */
    {"daily UTC", 600, NULL, NULL, "2026-11-25 12:00:00", "2026-11-26 00:10:00"},
    {"daily UTC", 600, NULL, NULL, "2026-11-25 00:05:00", "2026-11-25 00:10:00"},
    {"daily UTC", 600, NULL, "2026-11-25 00:10:00", "2026-11-25 00:10:01", "2026-11-26 00:10:00"},
    {"daily UTC", 86000, NULL, "2026-11-25 23:53:20", "2026-11-26 08:00:00", "2026-11-26 23:53:20"},
    {"minutely UTC", 1830, NULL, "2026-11-25 12:00:30", "2026-11-25 12:00:31",
     "2026-11-25 12:01:30"},
    {"minutely UTC", 1830, NULL, NULL, "2026-11-25 12:00:29", "2026-11-25 12:00:30"},
    {"*-01-01 00:00 UTC", 3600, NULL, "2026-01-01 01:00:00", "2026-11-25 12:00:00",
     "2027-01-01 01:00:00"},
    /* A past that lies in the future is now. */
    {"daily UTC", 0, "2026-11-27 00:00:00", NULL, "2026-11-25 12:00:00", "2026-11-26 00:00:00"},
    {"daily UTC", 0, NULL, "2026-11-26 00:00:00", "2026-11-25 12:00:00", "2026-11-26 00:00:00"},
    {"hourly UTC", 0, NULL, "2027-11-26 00:00:00", "2026-11-25 12:00:30", "2026-11-25 13:00:00"},
    /* Daylight saving: 02:30 is skipped, or comes twice and counts once. */
    {"02:30 Europe/Berlin", 0, NULL, "2026-03-28 01:30:00", "2026-03-28 12:00:00",
     "2026-03-30 00:30:00"},
    {"02:30 Europe/Berlin", 0, NULL, "2026-10-24 00:30:00", "2026-10-24 12:00:00",
     "2026-10-25 00:30:00"},
    {"02:30 Europe/Berlin", 0, NULL, "2026-10-25 00:30:00", "2026-10-25 00:30:01",
     "2026-10-26 01:30:00"},
    {"02:30 Europe/Berlin", 3600, NULL, "2026-10-24 01:30:00", "2026-10-24 12:00:00",
     "2026-10-25 01:30:00"},
    /* Never. */
    {"*-02-30 UTC", 0, NULL, NULL, "2026-11-25 12:00:00", NULL},
    {"2026-01-01 UTC", 600, NULL, "2026-01-01 00:10:00", "2026-11-25 12:00:00", NULL},
    {"2026-01-01 UTC", 600, "2025-01-01 00:00:00", NULL, "2026-11-25 12:00:00",
     "2026-01-01 00:10:00"},
};

START_TEST(test_due)
{
    struct calendar *when = calendar(dues[_i].calendar);
    struct schedule_past past = {moment(dues[_i].seen), moment(dues[_i].started)};
    int64_t now = moment(dues[_i].now);
    char time[TEXT_SHORT];

    schedule_settle(&past, now);
    int64_t due = schedule_due(when, &past, dues[_i].jitter_s * SECOND, now);

    ck_assert_msg(due == (dues[_i].due ? moment(dues[_i].due) : INT64_MAX), "%s at %s: due %s",
                  dues[_i].calendar, dues[_i].now, text_time(time, due));
    calendar_free(when);
}
END_TEST

static const struct {
    int64_t seen, started, now, seen_after;
    bool changed;
} settled[] = {
    {-1, -1, 5, 5, true}, {3, -1, 5, 3, false}, {3, 4, 5, 3, false}, {6, 4, 5, 5, true},
    {3, 6, 5, 5, true},   {7, 6, 5, 5, true},   {-1, 4, 5, 5, true}, {5, 5, 5, 5, false},
};

START_TEST(test_settle)
{
    struct schedule_past past = {settled[_i].seen, settled[_i].started};

    ck_assert_int_eq(schedule_settle(&past, settled[_i].now), settled[_i].changed);
    ck_assert_int_eq(past.seen_us, settled[_i].seen_after);
    ck_assert_int_eq(past.started_us, settled[_i].started);
}
END_TEST

/*
 * Six days, minute by minute, of a daemon that knows no more than its clock and its history. Hours
 * are real ones since it was first started, at 10:10 by a clock that is right. The clock may be
 * wrong from an hour to another, the daemon not there (the host down), or started anew.
 */
static const struct {
    const char *calendar;
    int jitter_s;
    int wrong_from, wrong_to, wrong_by; /* hours */
    int down_from, down_to, restart;
    int runs;        /* in all that time */
    int longest_min; /* the longest time without a run, from the first one on */
} lives[] = {
    {"hourly UTC", 0, 0, 0, 0, 0, 0, 0, 144, 60},
    {"daily UTC", 0, 0, 0, 0, 0, 0, 0, 6, 1440},
    {"hourly UTC", 0, 0, 0, 0, 0, 0, 50, 144, 60},
    {"minutely UTC", 2400, 0, 0, 0, 0, 0, 0, 8639, 1},
    {"hourly UTC", 5400, 0, 0, 0, 0, 0, 0, 144, 60},
    /* Down for a day and more: what was missed is made up once. */
    {"hourly UTC", 0, 0, 0, 0, 40, 70, 0, 115, 1810},
    {"daily UTC", 0, 0, 0, 0, 40, 70, 0, 6, 1930},
    {"daily UTC", 7200, 0, 0, 0, 40, 45, 0, 6, 1440},
    /* The clock a day behind, for some hours and for good; with a start in between. */
    {"hourly UTC", 0, 50, 60, -24, 0, 0, 0, 145, 60},
    {"hourly UTC", 0, 50, 60, -24, 0, 0, 55, 145, 60},
    {"hourly UTC", 0, 50, 999, -24, 0, 0, 0, 144, 60},
    {"hourly UTC", 0, 50, 999, -24, 0, 0, 51, 144, 60},
    {"daily UTC", 0, 50, 60, -24, 0, 0, 0, 6, 1440},
    {"daily UTC", 0, 50, 70, -24, 0, 0, 0, 7, 1440},
    {"daily UTC", 0, 50, 999, -24, 0, 0, 0, 6, 1440},
    {"daily UTC", 3600, 50, 999, -24, 0, 0, 60, 6, 1440},
    {"minutely UTC", 600, 50, 60, -24, 0, 0, 0, 8638, 2},
    /* A day ahead: it looks like a day down, and is made up once. */
    {"hourly UTC", 0, 50, 60, 24, 0, 0, 0, 145, 60},
    {"hourly UTC", 0, 50, 60, 24, 0, 0, 55, 145, 60},
    {"hourly UTC", 0, 50, 999, 24, 0, 0, 0, 145, 60},
    {"daily UTC", 0, 50, 60, 24, 0, 0, 0, 7, 1440},
    {"daily UTC", 0, 50, 999, 24, 0, 0, 0, 7, 1440},
    {"daily UTC", 0, 50, 999, 24, 0, 0, 51, 7, 1440},
    /* Behind while the daemon is down, and put right before it comes back. */
    {"daily UTC", 0, 41, 69, -24, 40, 70, 0, 6, 1930},
    /* A year ahead when it was first seen, then right: nothing waits for a year. */
    {"daily UTC", 0, 0, 2, 24 * 365, 0, 0, 0, 6, 1440},
    {"daily UTC", 0, 0, 16, 24 * 365, 0, 0, 0, 6, 1440},
};

static bool between(int hour, int from, int to)
{
    return hour >= from && hour < to;
}

START_TEST(test_life)
{
    struct calendar *when = calendar(lives[_i].calendar);
    struct schedule_past past = {-1, -1}, stored = past;
    int64_t first = moment("2026-11-25 10:10:00"), jitter = lives[_i].jitter_s * SECOND, due = -1,
            was_wrong = 0;
    int runs = 0, longest = 0, last = -1;
    bool up = false;

    for (int minute = 0; minute < DAYS * DAY_MINUTES; minute++) {
        int hour = minute / 60;
        int64_t wrong =
            between(hour, lives[_i].wrong_from, lives[_i].wrong_to) ? lives[_i].wrong_by * HOUR : 0;
        int64_t now = first + minute * MINUTE + wrong;
        bool starts = !up || (lives[_i].restart && minute == lives[_i].restart * 60 + 30);
        up = !between(hour, lives[_i].down_from, lives[_i].down_to);
        if (!up)
            continue;
        if (starts)
            past = stored;
        if (starts || wrong != was_wrong) {
            schedule_settle(&past, now);
            due = schedule_due(when, &past, jitter, now);
        }
        was_wrong = wrong;
        if (!lives[_i].wrong_by && schedule_due(when, &past, jitter, now) != due)
            ck_abort_msg("%s: looking changes it", lives[_i].calendar);
        if (stored.seen_us < 0)
            stored.seen_us = past.seen_us;
        if (due > now)
            continue;
        stored.started_us = past.started_us = now;
        due = schedule_due(when, &past, jitter, now);
        if (due <= now)
            ck_abort_msg("%s: due again at once", lives[_i].calendar);
        if (last >= 0 && minute - last > longest)
            longest = minute - last;
        last = minute;
        runs++;
    }
    if (DAYS * DAY_MINUTES - last > longest)
        longest = DAYS * DAY_MINUTES - last;
    ck_assert_msg(runs == lives[_i].runs && longest <= lives[_i].longest_min,
                  "%s: %d runs, at most %d min between two", lives[_i].calendar, runs, longest);
    calendar_free(when);
}
END_TEST

/* How far the paths' share of each bucket is from even: chi-square, with 99 degrees of freedom
 * above 160 once in 10,000 times. */
static double unevenness(const char *format)
{
    const struct span most = {.us = BUCKETS * SECOND, .set = true};
    const double even = (double)TENANTS / BUCKETS;
    int counts[BUCKETS] = {0};
    double sum = 0;

    for (int i = 0; i < TENANTS; i++) {
        char path[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(path, sizeof path, format, i);
#pragma GCC diagnostic pop
        int64_t jitter = schedule_jitter(path, &most);
        if (jitter < 0 || jitter >= most.us)
            ck_abort_msg("%s has a jitter of %" PRId64, path, jitter);
        counts[jitter / SECOND]++;
    }
    for (int i = 0; i < BUCKETS; i++)
        sum += (counts[i] - even) * (counts[i] - even) / even;
    return sum;
}

START_TEST(test_jitter_even)
{
    static const char *const formats[] = {"/srv/tenants/%d.db", "/srv/tenants/%08d.sqlite",
                                          "/var/lib/app/%x/data.db", "%d",
                                          "/srv/a-very-long-name-that-comes-before-it/tenant-%05d"};

    for (int i = 0; i < COUNT(formats); i++) {
        double uneven = unevenness(formats[i]);
        printf("schedule: %s: chi-square %.0f\n", formats[i], uneven);
        ck_assert_double_lt(uneven, 160);
    }
}
END_TEST

/* A path keeps its jitter from version to version, and in proportion when the policy changes. */
START_TEST(test_jitter_stays)
{
    const struct span none = {0}, some = {.us = 10 * MINUTE, .set = true},
                      most = {.us = 20 * MINUTE, .set = true};
    static const struct {
        const char *path;
        int64_t us;
    } paths[] = {{"/srv/worklog.db", 560978075}, {"/srv/worklog2.db", 352763500}, {"", 562061669}};

    for (int i = 0; i < COUNT(paths); i++) {
        ck_assert_int_eq(schedule_jitter(paths[i].path, &none), 0);
        ck_assert_int_eq(schedule_jitter(paths[i].path, &some), paths[i].us);
        ck_assert_int_le(llabs(schedule_jitter(paths[i].path, &most) - 2 * paths[i].us), 2);
    }
}
END_TEST

START_TEST(test_retry)
{
    static const int minutes[] = {1, 1, 2, 4, 8, 16, 32, 60, 60, 60};

    for (int i = 0; i < COUNT(minutes); i++)
        ck_assert_int_eq(schedule_retry((unsigned)i), minutes[i] * MINUTE);
    ck_assert_int_eq(schedule_retry(UINT32_MAX), 60 * MINUTE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tests = tcase_create("schedule");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_due, 0, COUNT(dues));
    tcase_add_loop_test(tests, test_settle, 0, COUNT(settled));
    tcase_add_loop_test(tests, test_life, 0, COUNT(lives));
    tcase_add_test(tests, test_jitter_even);
    tcase_add_test(tests, test_jitter_stays);
    tcase_add_test(tests, test_retry);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
