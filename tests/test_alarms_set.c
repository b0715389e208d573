/*
 * The set of alarms: what is listed, stored and recalled, a fleet of them, and random walks, which
 * print their seed and take SEED and ROUNDS.
 */
#include "alarms.h"
#include "lib_alarms.h"
#include "lib_randomdb.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20000 };

#define WATCHED HEAD "{ metric: table_size, table: Logs, above: 2GB, run: retention }]}]"

static void ignore_change(void *argument, enum alarm_change change, const struct alarm *alarm)
{
    (void)argument, (void)change, (void)alarm;
}

static void ignore_start(void *argument, const char *path, const char *kind, const char *target)
{
    (void)argument, (void)path, (void)kind, (void)target;
}

static const struct alarms_host host = {ignore_change, ignore_start, NULL};

/* What is listed and stored, word by word. */
START_TEST(an_alarm_has_all_its_facts)
{
    struct config *config = alarms_policy(WATCHED);
    struct alarms_database database = {config->databases, "w", "/srv/w.db"};
    struct alarms *alarms = alarms_new(&host);
    json_t *outcome = alarms_sized("2100000000");

    alarms_condition(alarms, NULL, ALARM_HISTORY_LOST, true, "the disk is full", 60 * MINUTE);
    alarms_outcome(alarms, &database, outcome, 61 * MINUTE);
    json_t *list = alarms_list(alarms, NULL), *one = alarms_list(alarms, "/srv/w.db");
    json_t *expected =
        json_pack("[{s:n, s:n, s:s, s:n, s:s, s:n, s:n, s:s, s:s, s:s, s:I, s:I},"
                  " {s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:I, s:I}]",
                  "database", "path", "metric", "history_lost", "subject", "severity", "critical",
                  "value", "threshold", "text", "the disk is full", "raised",
                  "1970-01-01T01:00:00Z", "advice", alert_advice("history_lost"), "raised_us",
                  60 * MINUTE, "told_us", 60 * MINUTE, "database", "w", "path", "/srv/w.db",
                  "metric", "table_size", "subject", "Logs", "severity", "warning", "value",
                  (json_int_t)2100000000, "threshold", (json_int_t)2000000000, "text",
                  "Logs has 2.1 GB, above 2 GB", "raised", "1970-01-01T01:01:00Z", "advice",
                  alert_advice("table_size"), "raised_us", 61 * MINUTE, "told_us", 61 * MINUTE);
    char *listed = json_dumps(list, JSON_INDENT(1)), *wanted = json_dumps(expected, JSON_INDENT(1));
    ck_assert_str_eq(listed, wanted);
    ck_assert_uint_eq(json_array_size(one), 1);
    ck_assert(json_equal(json_array_get(one, 0), json_array_get(expected, 1)));
    ck_assert_uint_eq(alarms_count(alarms), 2);
    free(listed);
    free(wanted);
    json_decref(list);
    json_decref(one);
    json_decref(expected);
    json_decref(outcome);
    alarms_free(alarms);
    config_free(config);
}
END_TEST

/* Rows that no litekeeper of this version has written are left alone. */
START_TEST(strange_rows_are_not_recalled)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        "{'metric':'table_size'}",
#define ROW(more) "{'database':'w','path':'/w','text':'x','raised_us':1,'told_us':2," more "}"
        ROW("'metric':'phase_of_moon','severity':'warning'"),
        ROW("'metric':'wal_size','severity':'dire'"),
        ROW("'metric':'wal_size'"),
        ROW("'metric':'history_lost','severity':'warning'"), /* which is of no database */
        "{'metric':'wal_size','severity':'warning','text':'x','raised_us':1,'told_us':2}",
        "{'database':'w','path':'/"
        "w','text':'x','raised_us':'yesterday','told_us':2,'metric':'wal_size',"
        "'severity':'warning'}",
    };
    struct alarms *alarms = alarms_new(&host);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *row = alarms_json(rows[i]);
        alarms_recall(alarms, row);
        ck_assert_msg(alarms_count(alarms) == 0, "%s", rows[i]);
        json_decref(row);
    }
    json_t *row = alarms_json(ROW("'metric':'wal_size','severity':'critical','event':'alarm'"));
    alarms_recall(alarms, row);
    alarms_recall(alarms, row);
    ck_assert_uint_eq(alarms_count(alarms), 1);
    json_decref(row);
    alarms_free(alarms);
}
END_TEST

static const struct config_database *find_even(void *argument, const char *path)
{
    return path[strlen(path) - 4] % 2 ? NULL : argument; /* "/srv/1.db" */
}

/* Ten thousand databases, each with an alarm: those of one are found, told and settled apart from
 * the others, in time. */
START_TEST(a_fleet_of_alarms)
{
    enum { FLEET = 10000 };
    struct config *config = alarms_policy(HEAD "]}]");
    struct alarms *alarms = alarms_new(&host);
    char path[32];

    for (int i = 0; i < FLEET; i++) {
        snprintf(path, sizeof path, "/srv/%d.db", i * 7919 % FLEET);
        struct alarms_database database = {config->databases, path, path};
        alarms_condition(alarms, &database, ALARM_DATABASE_MISSING, true, NULL, i * MINUTE);
    }
    alarms_condition(alarms, NULL, ALARM_HISTORY_LOST, true, NULL, 0);
    ck_assert_uint_eq(alarms_count(alarms), FLEET + 1);
    json_t *list = alarms_list(alarms, NULL), *one = alarms_list(alarms, "/srv/77.db");
    ck_assert_uint_eq(json_array_size(list), FLEET + 1);
    ck_assert_uint_eq(json_array_size(one), 1);
    json_decref(list);
    json_decref(one);
    alarms_settle_all(alarms, find_even, config->databases, FLEET * MINUTE);
    ck_assert_uint_eq(alarms_count(alarms), FLEET / 2 + 1);
    alarms_free(alarms);
    config_free(config);
}
END_TEST

/* Whatever comes in which order: for each alarm, raised and cleared take turns, what is repeated
 * is raised, and what is raised at the end is what is listed. */
struct walk {
    char names[64][64];
    bool raised[64];
    size_t count;
};

static void walk_tell(void *argument, enum alarm_change change, const struct alarm *alarm)
{
    struct walk *walk = argument;
    char name[64];
    size_t i = 0;

    snprintf(name, sizeof name, "%s %s %d", alarm->metric, alarm->subject ? alarm->subject : "",
             alert_metric(alarm->metric)->flags & ALERT_CONDITION ? 0 : (int)alarm->severity);
    while (i < walk->count && strcmp(walk->names[i], name) != 0)
        i++;
    if (i == walk->count)
        snprintf(walk->names[walk->count++], sizeof name, "%s", name);
    ck_assert_msg(walk->raised[i] == (change != ALARM_RAISED), "%s", name);
    walk->raised[i] = change != ALARM_CLEARED;
}

/* Policies that take turns, too. */
static const char *const walked[] = {
    HEAD "]}]", WATCHED, HEAD "{ metric: table_size, table: logs, above: 3GB }]}]",
    HEAD "{ metric: table_size, table: logs, above: 2GB }, { metric: table_size, table: logs, "
         "above: 4GB, severity: critical }, { metric: task_failed, severity: critical }]}]",
    "databases: [{ name: w, path: /srv/w.db, sample: {} }]"};

/* One step: a sample, an outcome, the time, or another policy. */
static struct config *walk_step(struct alarms *alarms, struct config *config, uint64_t *random,
                                int64_t now)
{
    static const char *const outcomes[] = {LOGS("done", ""),
                                           LOGS("failed", ""),
                                           BUSY,
                                           DOUBT,
                                           LOGS("cancelled", ""),
                                           CHECKED("done", "1"),
                                           CHECKED("done", "0"),
                                           CHECKED("failed", "null")};
    const struct alarms_database database = {config->databases, "w", "/srv/w.db"};
    int64_t dice = randomdb_number(random, 100);
    json_t *outcome = NULL;
    char bytes[32];

    snprintf(bytes, sizeof bytes, "%d00000000", 15 + (int)randomdb_number(random, 30));
    if (dice >= 95) {
        config_free(config);
        config = alarms_policy(walked[dice - 95]);
        alarms_settle(alarms, "/srv/w.db", config->databases, now);
    } else if (dice >= 90) {
        alarms_tick(alarms, now);
    } else {
        outcome = dice < 50 ? alarms_sized(bytes) : alarms_json(outcomes[dice % 8]);
        alarms_outcome(alarms, &database, outcome, now);
    }
    json_decref(outcome);
    return config;
}

START_TEST(walks_take_turns)
{
    uint64_t random = randomdb_seed("alarms");
    struct walk walk = {0};
    const struct alarms_host walker = {walk_tell, ignore_start, &walk};
    struct alarms *alarms = alarms_new(&walker);
    struct config *config = alarms_policy(walked[0]);
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS;
    size_t raised = 0;

    for (int i = 1; i <= rounds; i++)
        config = walk_step(alarms, config, &random, i * 30 * MINUTE);
    for (size_t i = 0; i < walk.count; i++)
        raised += walk.raised[i];
    ck_assert_uint_eq(alarms_count(alarms), raised);
    ck_assert(walk.count >= 5 || rounds < ROUNDS); /* else little was tried */
    alarms_free(alarms);
    config_free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alarms set");
    TCase *cases = tcase_create("alarms set");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, an_alarm_has_all_its_facts);
    tcase_add_test(cases, strange_rows_are_not_recalled);
    tcase_add_test(cases, a_fleet_of_alarms);
    tcase_add_test(cases, walks_take_turns);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
