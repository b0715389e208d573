/*
 * The daemon's alarms, by sequences of what happens: a fake host notes what it is told, and the
 * clock is the test's own. The steps are tables; time is in minutes.
 */
#include "alarms.h"
#include "lib_alarms.h"
#include "text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 24 * 60 };

/* What the host was told since it was last looked at. */
static struct text told;

static void tell(void *argument, enum alarm_change change, const struct alarm *alarm)
{
    (void)argument;
    text_addf(&told, "%s %s %s%s%s; ", alarm_change_name(change), alarm->metric,
              alarm->subject ? alarm->subject : "-", alarm->severity == ALERT_CRITICAL ? " !" : "",
              alarm->path ? "" : " ours");
}

static void start(void *argument, const char *path, const char *kind, const char *target)
{
    (void)argument;
    ck_assert_str_eq(path, "/srv/w.db");
    text_addf(&told, "start %s %s; ", kind, target ? target : "-");
}

static const struct alarms_host host = {tell, start, NULL};

#define SIZE "{ metric: table_size, table: Logs, above: 2GB, run: retention }"

/* Policies by a letter; the first has no alerts. */
static const char *const policies[] = {
    HEAD "]}]",
    HEAD SIZE "]}]",
    HEAD "{ metric: table_size, table: logs, above: 3GB, run: retention }]}]",
    HEAD SIZE ", { metric: table_size, table: logs, above: 4GB, severity: critical }]}]",
    HEAD "{ metric: task_failed, severity: critical, run: sample }, { metric: integrity, "
         "severity: warning }, { metric: database_replaced, run: sample }]}]",
    HEAD "{ metric: disk_free, below: 10%, run: retention }]}]",
    "databases: [{ name: w, path: /srv/w.db, sample: {}, retention: { table: events, column: at, "
    "keep: 90d }}]",
};

enum action { OUTCOME, SIZED, MISSING, REPLACED, LOST, TICK, SETTLE, LEAVE, RESTART };

/* `what`: an outcome without its database; the bytes of "logs"; whether a condition holds; the
 * number of the policy that is loaded. */
struct step {
    enum action action;
    const char *what;
    int minute;
    const char *told;
};

static const struct step failures[] = {
    {SETTLE, "0", 0, ""},
    {OUTCOME, LOGS("done", ""), 1, ""},
    {OUTCOME, LOGS("failed", ""), 2, "raised task_failed retention logs; "},
    {OUTCOME, LOGS("failed", ""), 3, ""},
    {OUTCOME, LOGS("cancelled", ""), 4, ""},
    {OUTCOME, LOGS("skipped", ",'waits':true"), 4, ""},
    {OUTCOME, BUSY, 5, ""},
    {OUTCOME, RUN("retention", "'events'", "done", ""), 6, ""},
    {OUTCOME, RUN("sample", "null", "failed", ""), 7, "raised task_failed sample; "},
    {TICK, NULL, 2 + DAY - 1, ""},
    {TICK, NULL, 2 + DAY, "repeated task_failed retention logs; "},
    {TICK, NULL, 2 + DAY + 1, ""},
    {TICK, NULL, 7 + DAY, "repeated task_failed sample; "},
    {TICK, NULL, 2 + 2 * DAY, "repeated task_failed retention logs; "},
    {OUTCOME, LOGS("skipped", ""), 5000, "cleared task_failed retention logs; "},
    {OUTCOME, LOGS("skipped", ""), 5001, ""},
    {OUTCOME, LOGS("failed", ""), 5002, "raised task_failed retention logs; "},
    {OUTCOME, RUN("sample", "null", "done", ""), 5003, "cleared task_failed sample; "},
    {0},
};

static const struct step busy[] = {
    {SETTLE, "0", 0, ""},
    {OUTCOME, BUSY, 1, ""},
    {OUTCOME, BUSY, 2, ""},
    {OUTCOME, RUN("retention", "'events'", "skipped", ",'busy':true"), 2, ""},
    {OUTCOME, LOGS("cancelled", ""), 2, ""}, /* by an operator: says nothing */
    {OUTCOME, BUSY, 3, "raised task_failed retention logs; "},
    {OUTCOME, BUSY, 4, ""},
    {OUTCOME, LOGS("cancelled", ",'busy':true"), 5, ""}, /* it got a part done */
    {OUTCOME, LOGS("done", ""), 6, "cleared task_failed retention logs; "},
    {OUTCOME, BUSY, 7, ""},
    {OUTCOME, BUSY, 8, ""},
    {OUTCOME, LOGS("cancelled", ",'busy':true"), 9, ""},
    {OUTCOME, BUSY, 10, ""},
    {OUTCOME, BUSY, 11, ""},
    {SETTLE, "6", 12, ""}, /* its task leaves, and comes back */
    {SETTLE, "0", 13, ""},
    {OUTCOME, BUSY, 14, ""},
    {OUTCOME, BUSY, 15, ""},
    {OUTCOME, BUSY, 16, "raised task_failed retention logs; "},
    {SETTLE, "6", 17, "cleared task_failed retention logs; "},
    {0},
};

static const struct step damage[] = {
    {SETTLE, "0", 0, ""},
    {OUTCOME, CHECKED("done", "0"), 1, ""},
    {OUTCOME, CHECKED("done", "2"), 2, "raised integrity integrity !; "},
    {OUTCOME, CHECKED("failed", "2,'foreign_keys':1"), 3, ""}, /* to find some is no failure */
    {OUTCOME, CHECKED("skipped", "null"), 4, ""},
    {OUTCOME,
     "{'task':'sample','target':null,'outcome':'done','reason':'x','effect':{'problems':"
     "1}}",
     5, "raised integrity sample !; "},
    {OUTCOME, CHECKED("failed", "null"), 6, "raised task_failed integrity; "},
    {OUTCOME, CHECKED("failed", "0,'foreign_keys':1"), 7, "cleared task_failed integrity; "},
    {OUTCOME, CHECKED("done", "0,'foreign_keys':0"), 8, "cleared integrity integrity !; "},
    {0},
};

#define REBUILT(effect) \
    "{'task':'reindex','target':null,'outcome':'done','reason':'x','effect':" effect "}"
#define PLANS(effect) \
    "{'task':'indexes','target':null,'outcome':'done','reason':'x','effect':" effect "}"

static const struct step indexes[] = {
    {SETTLE, "0", 0, ""},
    {OUTCOME, REBUILT("{'repairs':['i: entries differ']}"), 1, "raised index_repaired reindex; "},
    {OUTCOME, REBUILT("{}"), 2, ""}, /* that another one was right says nothing of it */
    {OUTCOME, PLANS("null"), 3, ""},
    {OUTCOME, PLANS("{'worse_plans':2}"), 4, "raised query_plan indexes; "},
    {OUTCOME, PLANS("{'worse_plans':1}"), 5, ""},
    {OUTCOME, PLANS("null"), 6, ""},
    {OUTCOME, PLANS("{'worse_plans':0}"), 7, "cleared query_plan indexes; "},
    {TICK, NULL, 1 + DAY, "cleared index_repaired reindex; "},
    {0},
};

static const struct step doubts[] = {
    {SETTLE, "0", 0, ""},
    {OUTCOME, DOUBT, 1, "raised clock retention logs; "},
    {OUTCOME, DOUBT, 2, ""},
    {OUTCOME, BUSY, 3, ""},
    {OUTCOME, LOGS("failed", ""), 3, "raised task_failed retention logs; "},
    {OUTCOME, RUN("retention", "'events'", "done", ""), 4, ""},
    {OUTCOME, LOGS("done", ""), 5,
     "cleared task_failed retention logs; cleared clock retention logs; "},
    {0},
};

static const struct step sizes[] = {
    {SETTLE, "1", 0, ""},
    {SIZED, "1900000000", 1, ""},
    {SIZED, "2000000000", 2, ""},
    {SIZED, "2000000001", 3, "raised table_size Logs; start retention logs; "},
    {SIZED, "3000000000", 4, ""},
    {OUTCOME, LOGS("failed", ""), 5, "raised task_failed retention logs; "},
    {OUTCOME, LOGS("done", ""), 6, "cleared task_failed retention logs; start sample -; "},
    {SIZED, "1800000001", 7, ""},
    {SIZED, NULL, 8, ""}, /* a sample that could not tell */
    {SETTLE, "1", 8, ""}, /* a reload that changes nothing */
    {TICK, NULL, 3 + DAY, "repeated table_size Logs; "},
    {SIZED, "1800000000", 9, "cleared table_size Logs; "},
    {OUTCOME, LOGS("done", ""), 10, ""}, /* nobody waits for it */
    {SIZED, "1999999999", 11, ""},
    {SIZED, "2000000001", 12, "raised table_size Logs; start retention logs; "},
    {SETTLE, "0", 13, "cleared table_size Logs; "},
    {SIZED, "9000000000", 14, ""},
    {0},
};

static const struct step severities[] = {
    {SETTLE, "3", 0, ""},
    {SIZED, "4500000000", 1,
     "raised table_size Logs; start retention logs; raised table_size logs !; "},
    {SIZED, "3500000000", 2, "cleared table_size logs !; "},
    {SIZED, "4500000000", 3, "raised table_size logs !; "},
    {SETTLE, "1", 4, "cleared table_size logs !; "},
    {SETTLE, "2", 5, "cleared table_size Logs; raised table_size Logs; "}, /* above 3 GB, too */
    {SIZED, "3100000000", 6, ""},
    {SIZED, "2800000000", 6, ""},
    {SETTLE, "1", 7, "cleared table_size Logs; raised table_size Logs; "},
    {SIZED, "1900000000", 7, ""},
    {SETTLE, "2", 8, "cleared table_size Logs; "}, /* 1.9 GB never were above 3 GB */
    {0},
};

static const struct step policy[] = {
    {SETTLE, "4", 0, ""},
    {OUTCOME, LOGS("failed", ""), 1, "raised task_failed retention logs !; start sample -; "},
    {OUTCOME, CHECKED("done", "1"), 2, "raised integrity integrity; "},
    {SETTLE, "0", 3,
     "cleared integrity integrity; cleared task_failed retention logs !; raised task_failed "
     "retention logs; "}, /* no such task */
    {TICK, NULL, 1 + DAY, ""},
    {TICK, NULL, 3 + DAY, "repeated task_failed retention logs; "},
    {OUTCOME, RUN("sample", "null", "failed", ""), 4, "raised task_failed sample; "},
    {SETTLE, "6", 5, "cleared task_failed retention logs; "},
    {LEAVE, NULL, 6, "cleared task_failed sample; "},
    {0},
};

static const struct step conditions[] = {
    {SETTLE, "4", 0, ""},
    {MISSING, "yes", 1, "raised database_missing - !; "},
    {MISSING, "yes", 2, ""},
    {LOST, "yes", 3, "raised history_lost - ! ours; "},
    {LOST, "no", 4, "cleared history_lost - ! ours; "},
    {MISSING, "no", 5, "cleared database_missing - !; "},
    {MISSING, "no", 6, ""},
    {REPLACED, "yes", 7, "raised database_replaced -; start sample -; "},
    {SETTLE, "0", 8, ""},
    {TICK, NULL, 7 + DAY - 1, ""},
    {TICK, NULL, 7 + DAY, "cleared database_replaced -; "}, /* nothing else ends it */
    {MISSING, "yes", 9, "raised database_missing - !; "},
    {LEAVE, NULL, 10, "cleared database_missing - !; "},
    {LOST, "yes", 3 * DAY, "raised history_lost - ! ours; "},
    {TICK, NULL, 9, ""}, /* the clock was set back */
    {TICK, NULL, 9 + DAY, "repeated history_lost - ! ours; "},
    {0},
};

static const struct step restarts[] = {
    {SETTLE, "1", 0, ""},
    {SIZED, "2500000000", 1, "raised table_size Logs; start retention logs; "},
    {OUTCOME, LOGS("failed", ""), 2, "raised task_failed retention logs; "},
    {LOST, "yes", 3, "raised history_lost - ! ours; "},
    {TICK, NULL, 2 + DAY, "repeated table_size Logs; repeated task_failed retention logs; "},
    {RESTART, NULL, 0, ""},
    {SETTLE, "1", 2 + DAY, ""},
    {SIZED, "1900000000", 2 + DAY, ""},
    {OUTCOME, LOGS("failed", ""), 2 + DAY, ""},
    {TICK, NULL, 3 + DAY, "repeated history_lost - ! ours; "},
    {TICK, NULL, 1 + 2 * DAY, ""},
    {TICK, NULL, 2 + 2 * DAY, "repeated table_size Logs; repeated task_failed retention logs; "},
    {RESTART, NULL, 0, ""},
    {SETTLE, "2", 2 + DAY, "cleared table_size Logs; "},
    {OUTCOME, LOGS("done", ""), 3 + DAY, "cleared task_failed retention logs; "},
    {0},
};

static const struct {
    const char *name;
    const struct step *steps;
} sequences[] = {{"failures", failures},     {"busy", busy},     {"damage", damage},
                 {"indexes", indexes},       {"doubts", doubts}, {"sizes", sizes},
                 {"severities", severities}, {"policy", policy}, {"conditions", conditions},
                 {"restarts", restarts}};

static struct alarms *recalled(const json_t *list)
{
    struct alarms *alarms = alarms_new(&host);
    const json_t *row;
    size_t i;

    json_array_foreach (list, i, row)
        alarms_recall(alarms, row);
    return alarms;
}

/* What alarms know is what new ones recall, as after a restart; but for the last digits of a
 * threshold, which the history may have lost. */
static struct alarms *restarted(struct alarms *alarms)
{
    json_t *list = alarms_list(alarms, NULL), *row;
    struct alarms *other = recalled(list);
    json_t *again = alarms_list(other, NULL);
    size_t i;

    ck_assert(json_equal(list, again));
    alarms_free(alarms);
    alarms_free(other);
    json_array_foreach (list, i, row) {
        double threshold = json_number_value(json_object_get(row, "threshold"));
        if (threshold > 0)
            json_object_set_new(row, "threshold", json_real(threshold * 1.000000001));
    }
    other = recalled(list);
    json_decref(list);
    json_decref(again);
    return other;
}

struct sequence {
    struct alarms *alarms;
    struct config *config;
    struct alarms_database database;
};

static void load(struct sequence *sequence, const char *number, int64_t now)
{
    struct config *config = alarms_policy(policies[atoi(number)]);

    sequence->database = (struct alarms_database){config->databases, "w", "/srv/w.db"};
    alarms_settle(sequence->alarms, "/srv/w.db", config->databases, now);
    config_free(sequence->config); /* nothing may point into it any more */
    sequence->config = config;
}

static void hear(struct sequence *sequence, json_t *outcome, int64_t now)
{
    alarms_outcome(sequence->alarms, &sequence->database, outcome, now);
    json_decref(outcome);
}

static void become(struct sequence *sequence, enum alarm_condition condition, const char *what,
                   int64_t now)
{
    alarms_condition(sequence->alarms, condition == ALARM_HISTORY_LOST ? NULL : &sequence->database,
                     condition, strcmp(what, "yes") == 0, NULL, now);
}

static void take(struct sequence *sequence, const struct step *step)
{
    int64_t now = step->minute * MINUTE;

    if (step->action == OUTCOME)
        hear(sequence, alarms_json(step->what), now);
    else if (step->action == SIZED)
        hear(sequence, alarms_sized(step->what), now);
    else if (step->action == MISSING)
        become(sequence, ALARM_DATABASE_MISSING, step->what, now);
    else if (step->action == REPLACED)
        become(sequence, ALARM_DATABASE_REPLACED, step->what, now);
    else if (step->action == LOST)
        become(sequence, ALARM_HISTORY_LOST, step->what, now);
    else if (step->action == TICK)
        alarms_tick(sequence->alarms, now);
    else if (step->action == SETTLE)
        load(sequence, step->what, now);
    else if (step->action == LEAVE)
        alarms_settle(sequence->alarms, "/srv/w.db", NULL, now);
    else
        sequence->alarms = restarted(sequence->alarms);
}

START_TEST(sequences_are_told)
{
    struct sequence sequence = {.alarms = alarms_new(&host)};

    for (const struct step *step = sequences[_i].steps; step->told; step++) {
        text_clear(&told);
        take(&sequence, step);
        ck_assert_msg(strcmp(told.bytes ? told.bytes : "", step->told) == 0,
                      "%s, step %d: it tells\n  %s\nbut should\n  %s", sequences[_i].name,
                      (int)(step - sequences[_i].steps), told.bytes, step->told);
    }
    alarms_free(sequence.alarms);
    config_free(sequence.config);
    text_free(&told);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("alarms");
    TCase *cases = tcase_create("alarms");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, sequences_are_told, 0, COUNT(sequences));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
