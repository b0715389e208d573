/* Time zones: ours against the C library's, in every zone of the host, and hostile names. */
#include "text.h"
#include "zone.h"
#include "zone_rule.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MOMENTS = 400, HOSTILE = 2000 };
#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static const char *const names[] = {"UTC",
                                    "Europe/Berlin",
                                    "Europe/Dublin",
                                    "Europe/London",
                                    "Asia/Tehran",
                                    "Asia/Kathmandu",
                                    "Asia/Gaza",
                                    "Africa/Casablanca",
                                    "Africa/Cairo",
                                    "America/New_York",
                                    "America/St_Johns",
                                    "America/Nuuk",
                                    "Etc/GMT+12",
                                    "Australia/Sydney",
                                    "Australia/Lord_Howe",
                                    "Antarctica/Troll",
                                    "Pacific/Apia",
                                    "America/Santiago",
                                    "EST5EDT",
                                    "Asia/Kolkata"};

static const char *const bad_names[] = {"",
                                        "Mars/Olympus",
                                        "Europe",
                                        "../etc/passwd",
                                        "/etc/localtime",
                                        "Europe/../UTC",
                                        "europe/berlin ",
                                        "zone.tab",
                                        "Europe//Berlin",
                                        "Europe/",
                                        "-5",
                                        "tzdata.zi"};

static unsigned seed_of_run(void)
{
    const char *given = getenv("SEED");
    return given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
}

/* From 1902 to 2300: before the first change, and far beyond the last one in the file. */
START_TEST(test_like_the_library)
{
    struct zone *zone = NULL;
    struct error error;
    unsigned seed = seed_of_run();

    if (zone_load(names[_i], &zone, &error) != STATUS_OK) {
        printf("%s: not compared\n", error.text);
        return;
    }
    srandom(seed);
    setenv("TZ", names[_i], 1);
    tzset();
    for (int i = 0; i < MOMENTS; i++) {
        time_t at = (time_t)(-2145916800 + (random() << 20 ^ random()) % 12559449600);
        struct tm parts;
        localtime_r(&at, &parts);
        ck_assert_msg(zone_offset(zone, (int64_t)at * 1000000) == parts.tm_gmtoff,
                      "SEED=%u %s at %lld: ours %d, the library's %ld", seed, names[_i],
                      (long long)at, zone_offset(zone, (int64_t)at * 1000000), parts.tm_gmtoff);
    }
    zone_free(zone);
}
END_TEST

/* Each second around a change is exact, and fractions belong to their second. */
START_TEST(test_at_a_change)
{
    const int64_t change = 1774746000; /* 2026-03-29 01:00 UTC */
    struct zone *zone = NULL;
    struct error error;

    ck_assert_int_eq(zone_load("Europe/Berlin", &zone, &error), STATUS_OK);
    ck_assert_int_eq(zone_offset(zone, change * 1000000 - 1), 3600);
    ck_assert_int_eq(zone_offset(zone, change * 1000000), 7200);
    ck_assert_int_eq(zone_offset(zone, INT64_C(-1693706400) * 1000000 - 1), 3600);
    ck_assert_int_eq(zone_offset(zone, INT64_C(-1693706400) * 1000000), 7200); /* 1916 */
    ck_assert_int_eq(zone_offset(zone, INT64_MIN), 3208);                      /* local mean time */
    zone_offset(zone, INT64_MAX);
    zone_free(zone);
}
END_TEST

/* What the clock shows at a moment, it shows at that moment; it changes when the offset does. */
START_TEST(test_there_and_back)
{
    struct zone *zone = NULL;
    struct error error;
    unsigned seed = seed_of_run();

    if (zone_load(names[_i], &zone, &error) != STATUS_OK)
        return;
    srandom(seed);
    for (int i = 0; i < MOMENTS; i++) {
        int64_t at = (-2145916800 + (random() << 20 ^ random()) % 12559449600) * 1000000,
                moments[2];
        int64_t change = zone_change(zone, at);
        for (int around = 0; around < 3 && at < INT64_MAX;
             around++) { /* at, and about the change */
            int64_t local = at + zone_offset(zone, at) * INT64_C(1000000);
            int count = zone_moments(zone, local, moments);
            ck_assert_msg((count >= 1 && moments[0] == at) || (count == 2 && moments[1] == at),
                          "SEED=%u %s at %lld", seed, names[_i], (long long)at);
            at = around || change == INT64_MAX ? change : change - 1;
        }
        if (change < INT64_MAX)
            ck_assert(zone_offset(zone, change) != zone_offset(zone, change - 1));
    }
    zone_free(zone);
}
END_TEST

/* Seconds; what the clock of the zone shows is counted as if on Greenwich. */
static const struct {
    const char *zone;
    int64_t local;
    int count;
    int64_t moments[2]; /* for none, when the clock goes past it */
} shown[] = {
    {"UTC", 1774746000, 1, {1774746000}},
    {"Europe/Berlin", 1774745999, 1, {1774742399}}, /* 2026-03-29 00:59:59 */
    {"Europe/Berlin", 1774749599, 1, {1774745999}}, /* 01:59:59 */
    {"Europe/Berlin", 1774749600, 0, {1774746000}}, /* 02:00:00 */
    {"Europe/Berlin", 1774753199, 0, {1774746000}}, /* 02:59:59 */
    {"Europe/Berlin", 1774753200, 1, {1774746000}}, /* 03:00:00 */
    {"Europe/Berlin", 1792893599, 1, {1792886399}}, /* 2026-10-25 01:59:59 */
    {"Europe/Berlin", 1792893600, 2, {1792886400, 1792890000}},
    {"Europe/Berlin", 1792897199, 2, {1792889999, 1792893599}},
    {"Europe/Berlin", 1792897200, 1, {1792893600}},                   /* 03:00:00 */
    {"Pacific/Apia", 1325203199, 1, {1325239199}},                    /* 2011-12-29 23:59:59 */
    {"Pacific/Apia", 1325203200, 0, {1325239200}},                    /* 2011-12-30 */
    {"Pacific/Apia", 1325289599, 0, {1325239200}},                    /* its end */
    {"Pacific/Apia", 1325289600, 1, {1325239200}},                    /* 2011-12-31 */
    {"Australia/Lord_Howe", 1775352600, 2, {1775313000, 1775314800}}, /* 2026-04-05 01:30 */
    {"Europe/Berlin", 4331253600, 1, {4331246400}},                   /* by the rule alone */
};

START_TEST(test_shown)
{
    struct zone *zone = NULL;
    struct error error;
    int64_t moments[2] = {-1, -1};

    ck_assert_int_eq(zone_load(shown[_i].zone, &zone, &error), STATUS_OK);
    int count = zone_moments(zone, shown[_i].local * 1000000, moments);
    ck_assert_int_eq(count, shown[_i].count);
    for (int i = 0; i < (count ? count : 1); i++)
        ck_assert_int_eq(moments[i], shown[_i].moments[i] * 1000000);
    zone_free(zone);
}
END_TEST

START_TEST(test_bad_names)
{
    struct zone *zone = NULL;
    struct error error;

    ck_assert_msg(zone_load(bad_names[_i], &zone, &error) == STATUS_INVALID, "\"%s\" is taken",
                  bad_names[_i]);
    ck_assert(!zone && *error.text);
}
END_TEST

static const struct {
    const char *rule;
    int64_t utc_s;
    int32_t offset;
} rules[] = {
    {"UTC0", 0, 0},
    {"<+0545>-5:45", 0, 20700},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 3600},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1792889999, 7200},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, 3600},
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600, 39600}, /* January is summer */
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1782864000, 36000},
    {"EST5EDT,J60/0,J300/0", 1709269200, -14400}, /* 2024-03-01 00:00 local, a leap year */
    {"EST5EDT,J60/0,J300/0", 1709269199, -18000},
    {"EST5EDT,59/0,300/0", 1709182800, -14400}, /* day 59 from 0 is then February 29 */
    {"EST5EDT,59/0,300/0", 1709182799, -18000},
};

static const char *const bad_rules[] = {"",
                                        "U0",
                                        "UTC",
                                        "CET-1CEST",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1CEST,M3.5.7,M10.5.0",
                                        "CET-1CEST,M3.5.0,M10.5.0x",
                                        "CET-1CEST,J366,J1",
                                        "<CET-1",
                                        "CET-168",
                                        "CET-1:60"};

START_TEST(test_rules)
{
    struct zone_rule rule;

    ck_assert(zone_rule_parse(rules[_i].rule, &rule));
    ck_assert_int_eq(zone_rule_offset(&rule, rules[_i].utc_s), rules[_i].offset);
}
END_TEST

START_TEST(test_bad_rules)
{
    struct zone_rule rule = {.standard = 7};

    ck_assert_msg(!zone_rule_parse(bad_rules[_i], &rule), "\"%s\" is taken", bad_rules[_i]);
    ck_assert_int_eq(rule.standard, 7);
}
END_TEST

/* The host's own zone, by TZ. */
START_TEST(test_of_host)
{
    static const struct {
        const char *tz;
        int32_t offset;
    } hosts[] = {{"Asia/Kolkata", 19800}, {":Asia/Kolkata", 19800},
                 {"XYZ-3", 10800},        {"", 0},
                 {"nonsense", 0},         {"/usr/share/zoneinfo/Asia/Kolkata", 19800}};
    struct error error;

    for (int i = 0; i < COUNT(hosts); i++) {
        struct zone *zone = NULL;
        setenv("TZ", hosts[i].tz, 1);
        ck_assert_int_eq(zone_load(NULL, &zone, &error), STATUS_OK);
        ck_assert_int_eq(zone_offset(zone, INT64_C(1767225600000000)), hosts[i].offset);
        ck_assert_str_eq(getenv("TZ"), hosts[i].tz);
        zone_free(zone);
    }
}
END_TEST

/* Zone files with bytes changed or cut off: each is taken or not, but does no harm. */
START_TEST(test_hostile_files)
{
    char path[64], bytes[8192];
    FILE *from = fopen("/usr/share/zoneinfo/Europe/Berlin", "r");
    int file = memfd_create("zone", 0);
    unsigned seed = seed_of_run();
    struct error error;

    ck_assert(from && file >= 0);
    size_t length = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    printf("zone: SEED=%u\n", seed);
    srandom(seed);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    setenv("TZ", path, 1);
    for (int i = 0; i < HOSTILE; i++) {
        char copy[sizeof bytes];
        size_t some = random() % 4 ? length : (size_t)random() % length;
        memcpy(copy, bytes, length);
        for (long changes = random() % 4; changes >= 0; changes--)
            copy[random() % 2 ? (size_t)random() % length : (size_t)random() % 44] = (char)random();
        ck_assert(ftruncate(file, 0) == 0 && pwrite(file, copy, some, 0) == (ssize_t)some);
        struct zone *zone = NULL;
        ck_assert_int_eq(zone_load(NULL, &zone, &error), STATUS_OK);
        zone_offset(zone, INT64_MAX);
        zone_offset(zone, 0);
        zone_free(zone);
    }
    close(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone");
    TCase *tests = tcase_create("zone");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_like_the_library, 0, COUNT(names));
    tcase_add_loop_test(tests, test_there_and_back, 0, COUNT(names));
    tcase_add_loop_test(tests, test_shown, 0, COUNT(shown));
    tcase_add_test(tests, test_at_a_change);
    tcase_add_loop_test(tests, test_bad_names, 0, COUNT(bad_names));
    tcase_add_loop_test(tests, test_rules, 0, COUNT(rules));
    tcase_add_loop_test(tests, test_bad_rules, 0, COUNT(bad_rules));
    tcase_add_test(tests, test_of_host);
    tcase_add_test(tests, test_hostile_files);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
