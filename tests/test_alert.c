/*
 * Alerts: what a sample says of each metric, the thresholds with their hysteresis and the words,
 * as tables; and random walks of a value, which print their seed and take SEED and ROUNDS.
 */
#include "alert_figure.h"
#include "alert_judge.h"
#include "lib_alarms.h"
#include "lib_randomdb.h"
#include "memory.h"
#include "text.h"

#include <check.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRAVE_TEXT = 60, ROUNDS = 20000 };

/* Sizes in round numbers: a page of 1000 bytes never was, but reads well. */
#define SAMPLE                                                                                   \
    "{'page_size':1000,'pages':1000,'free_pages':250,'file_bytes':1000000,'wal_bytes':4000,"     \
    "'wal_file_bytes':9000,'disk_free':{'bytes':2000000,'total':10000000},'btrees':["            \
    "{'name':'logs','table':'logs','type':'table','bytes':30000000,'entries':1200,"              \
    "'fragmentation':0.9,'density':0.1,'error':null},"                                           \
    "{'name':'logs_at','table':'logs','type':'index','bytes':9000000,'entries':1200,"            \
    "'fragmentation':0.4,'density':0.6},"                                                        \
    "{'name':'logs_by','table':'logs','type':'index','bytes':20000000,'entries':1200,"           \
    "'fragmentation':0.2,'density':0.7},"                                                        \
    "{'name':'tiny','table':'logs','type':'index','bytes':8388607,'entries':2,"                  \
    "'fragmentation':1.0,'density':0.01},"                                                       \
    "{'name':'users_by','table':'users','type':'index','bytes':9000000,'entries':12,"            \
    "'fragmentation':0.55,'density':0.8},"                                                       \
    "{'name':'broken','table':'users','type':'index','bytes':9000000,'entries':12,"              \
    "'fragmentation':0.99,'density':0.01,'error':'page 17 is in it twice'},"                     \
    "{'name':'users','table':'users','type':'table','bytes':1000,'entries':3,'error':'cyclic'}]" \
    "}"
#define EMPTY "{'page_size':4096,'pages':0,'free_pages':0,'file_bytes':0,'btrees':[]}"

static const struct {
    const char *metric, *table, *effect;
    int64_t min_index;
    double value; /* -1: none */
    const char *name;
} figures[] = {
    {"table_size", "logs", SAMPLE, 0, 30000000, "logs"},
    {"table_size", "LOGS", SAMPLE, 0, 30000000, "LOGS"},
    {"table_size", "nothing", SAMPLE, 0, 0, "nothing"},
    {"table_size", "logs_at", SAMPLE, 0, 0, "logs_at"}, /* an index is no table */
    {"table_size", "users", SAMPLE, 0, -1, NULL},       /* what is damaged can't be told */
    {"table_size", "logs", "{}", 0, -1, NULL},
    {"table_rows", "logs", SAMPLE, 0, 1200, "logs"},
    {"table_rows", "logs", EMPTY, 0, 0, "logs"},
    {"table_rows", "logs", "{'btrees':[{'name':'logs','type':'table'}]}", 0, -1, NULL},
    {"file_size", NULL, SAMPLE, 0, 1000000, NULL},
    {"file_size", NULL, "{'pages':4}", 0, -1, NULL},
    {"free_ratio", NULL, SAMPLE, 0, 0.25, NULL},
    {"free_ratio", NULL, EMPTY, 0, 0, NULL},
    {"free_ratio", NULL, "{'free_pages':1}", 0, -1, NULL},
    {"wal_size", NULL, SAMPLE, 0, 4000, NULL},
    {"wal_size", NULL, "{'wal_bytes':'4000'}", 0, -1, NULL},
    {"disk_free", NULL, SAMPLE, 0, 0.2, NULL},
    {"disk_free", NULL, "{'disk_free':{'bytes':1,'total':0}}", 0, -1, NULL},
    {"disk_free", NULL, "{'disk_free':null}", 0, -1, NULL},
    {"index_fragmentation", NULL, SAMPLE, 8388608, 0.55, "users_by"},
    {"index_fragmentation", "Logs", SAMPLE, 8388608, 0.4, "logs_at"},
    {"index_fragmentation", "logs", SAMPLE, 8388607, 1, "tiny"},
    {"index_fragmentation", "logs", SAMPLE, 10000000, 0.2, "logs_by"},
    {"index_fragmentation", "logs", SAMPLE, 30000000, 0, NULL},
    {"index_fragmentation", NULL, "{}", 0, -1, NULL},
    {"index_density", NULL, SAMPLE, 8388608, 0.6, "logs_at"},
    {"index_density", "users", SAMPLE, 0, 0.8, "users_by"},
    {"index_density", "nothing", SAMPLE, 0, 1, NULL},
};

START_TEST(a_sample_has_figures)
{
    const struct alert_metric *metric = alert_metric(figures[_i].metric);
    const struct alert_scope scope = {figures[_i].table, figures[_i].min_index};
    struct alert_figure figure = {.value = -1};
    json_t *effect = alarms_json(figures[_i].effect);

    bool known = metric->figure(effect, &scope, &figure);
    ck_assert_int_eq(known, figures[_i].value >= 0);
    ck_assert_double_eq(figure.value, figures[_i].value);
    ck_assert_int_eq(!figure.name, !figures[_i].name);
    if (figure.name)
        ck_assert_str_eq(figure.name, figures[_i].name);
    json_decref(effect);
}
END_TEST

/* A policy with that alert alone. */
static struct config *policy_of(const char *alert)
{
    char *yaml =
        memory_format("databases: [{ name: w, path: /srv/w.db, sample: {}, alerts: { %s } }]",
                      alert);
    struct config *config = alarms_policy(yaml);

    free(yaml);
    return config;
}

static const struct alert_options *alert_of(const struct config *config)
{
    return config->databases[0].alerts.items;
}

/* Alerts of one value: whether it was raised, and what is said then. */
#define SIZE "metric: table_size, table: logs, "
static const struct {
    const char *alert, *effect;
    bool before, after;
    const char *text;
} judged[] = {
    {SIZE "above: 29MB", SAMPLE, false, true, "logs has 30 MB, above 29 MB"},
    {SIZE "above: 29MB", SAMPLE, true, true, "logs has 30 MB, above 29 MB"},
    {SIZE "above: 30MB", SAMPLE, false, false, "logs has 30 MB, no longer above 30 MB"},
    {SIZE "above: 30MB", SAMPLE, true, true, "logs has 30 MB, not yet down to 27 MB"},
    {SIZE "above: 29.999999MB", SAMPLE, false, true, "logs has 30 MB, above 29.999999 MB"},
    {SIZE "above: 28MiB", SAMPLE, false, true, "logs has 28.6 MiB, above 28 MiB"},
    {SIZE "above: 28.625MiB", SAMPLE, true, true, "logs has 28.6 MiB, not yet down to 25.7625 MiB"},
    {SIZE "above: 40MB", SAMPLE, true, false, "logs has 30 MB, no longer above 40 MB"},
    {SIZE "above: 512 bytes", SAMPLE, false, true, "logs has 30 MB, above 512 bytes"},
    {SIZE "above: 0", EMPTY, true, false, "logs has 0 bytes, no longer above 0 bytes"},
    {SIZE "below: 31MB", SAMPLE, false, true, "logs has 30 MB, below 31 MB"},
    {SIZE "below: 30MB", SAMPLE, false, false, "logs has 30 MB, no longer below 30 MB"},
    {SIZE "below: 28MB", SAMPLE, true, true, "logs has 30 MB, not yet up to 30.8 MB"},
    {SIZE "below: 27MB", SAMPLE, true, false, "logs has 30 MB, no longer below 27 MB"},
    {"metric: table_rows, table: logs, above: 1199", SAMPLE, false, true,
     "logs has about 1,200 rows, above 1,199"},
    {"metric: table_rows, table: gone, below: 1", SAMPLE, false, true,
     "gone has about 0 rows, below 1"},
    {"metric: file_size, above: 1kB", SAMPLE, false, true, "the file has 1 MB, above 1 kB"},
    {"metric: file_size, above: 999999B", SAMPLE, false, true,
     "the file has 1 MB, above 999.999 kB"},
    {"metric: free_ratio, above: 20%", SAMPLE, false, true,
     "25% of the file are free pages, above 20%: 244.1 KiB"},
    {"metric: wal_size, above: 3.5kB", SAMPLE, false, true,
     "4 kB of the WAL wait to be checkpointed, above 3.5 kB; the -wal file has 9 kB"},
    {"metric: disk_free, below: 25%", SAMPLE, false, true,
     "20% of the disk are free, below 25%: 1.9 MiB"},
    {"metric: disk_free, below: 19%", SAMPLE, true, true,
     "20% of the disk are free, not yet up to 20.9%: 1.9 MiB"},
    {"metric: disk_free, below: 18%", SAMPLE, true, false,
     "20% of the disk are free, no longer below 18%: 1.9 MiB"},
    {"metric: index_fragmentation, above: 50%", SAMPLE, false, true,
     "users_by is 55% fragmented, above 50%"},
    {"metric: index_fragmentation, table: logs, above: 12.5%", SAMPLE, false, true,
     "logs_at is 40% fragmented, above 12.5%"},
    {"metric: index_density, table: users, below: 85%", SAMPLE, false, true,
     "the leaves of users_by are 80% full, below 85%"},
    /* A tenth above 95% there is nothing: halfway to 100% will do. */
    {"metric: index_density, table: gone, below: 95%", SAMPLE, true, false,
     "there is no index that counts, no longer below 95%"},
    {"metric: index_density, table: gone, above: 95%", SAMPLE, true, false,
     "there is no index that counts, no longer above 95%"},
    {"metric: index_density, below: 100%", SAMPLE, true, true,
     "the leaves of logs_at are 60% full, below 100%"},
};

START_TEST(thresholds_have_hysteresis_and_words)
{
    struct config *config = policy_of(judged[_i].alert);
    struct alert_judgement judgement;
    json_t *effect = alarms_json(judged[_i].effect);

    ck_assert(alert_judge(&config->databases[0], alert_of(config), effect, judged[_i].before,
                          &judgement));
    ck_assert_str_eq(judgement.text, judged[_i].text);
    ck_assert_int_eq(judgement.raised, judged[_i].after);
    ck_assert_double_eq(judgement.threshold, alert_threshold(alert_of(config)));
    json_decref(effect);
    config_free(config);
}
END_TEST

START_TEST(what_is_not_known_is_not_judged)
{
    struct config *config = policy_of("metric: wal_size, above: 0");
    struct alert_judgement judgement = {.text = "as it was"};
    json_t *effect = json_object();

    ck_assert(!alert_judge(&config->databases[0], alert_of(config), effect, true, &judgement));
    ck_assert(!alert_judge(&config->databases[0], alert_of(config), NULL, true, &judgement));
    ck_assert_str_eq(judgement.text, "as it was");
    json_decref(effect);
    config_free(config);
}
END_TEST

/* However long the names are, and whatever is in them. */
START_TEST(hostile_names_make_sound_texts)
{
    struct config *config = policy_of("metric: index_fragmentation, above: 10%");
    struct alert_judgement judgement;
    struct text name = {0};

    text_add(&name, "\n"); /* so that byte 128 is in the middle of a letter */
    for (int i = 0; i < 500; i++)
        text_add(&name, "\xC3\xA4");
    json_t *btree = json_pack("{s:s, s:s, s:s, s:i, s:f}", "name", "x", "table", "t", "type",
                              "index", "bytes", 9000000, "fragmentation", 0.5);
    json_object_set_new(btree, "name", json_string(name.bytes));
    json_t *effect = json_pack("{s:[o]}", "btrees", btree);
    ck_assert(alert_judge(&config->databases[0], alert_of(config), effect, false, &judgement));
    json_t *text = json_string(judgement.text); /* NULL if it is no UTF-8 */
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_null(strchr(judgement.text, '\n'));
    text_free(&name);
    json_decref(text);
    json_decref(effect);
    config_free(config);
}
END_TEST

/* The reindex task's own limit counts, where there is one. */
START_TEST(small_indexes_are_left_alone)
{
    struct config *config = policy_of("metric: index_fragmentation, above: 10%");
    struct config_database *database = &config->databases[0];
    struct alert_judgement judgement;
    json_t *effect = alarms_json(SAMPLE);
    const struct task_kind *reindex = task_find("reindex");
    void *options = memory_zeroed(1, reindex->section.size);

    ck_assert(alert_judge(database, alert_of(config), effect, false, &judgement));
    ck_assert_double_eq(judgement.value, 0.55);
    for (const struct option *option = reindex->section.options; option->name; option++)
        if (strcmp(option->name, "min_size") == 0) /* as if the policy said so */
            *(int64_t *)(void *)((char *)options + option->offset) = 8388607;
    database->tasks =
        memory_resize(database->tasks, database->task_count + 1, sizeof *database->tasks);
    database->tasks[database->task_count++] = (struct config_task){reindex, options, NULL};
    ck_assert(alert_judge(database, alert_of(config), effect, false, &judgement));
    ck_assert_double_eq(judgement.value, 1);
    json_decref(effect);
    config_free(config);
}
END_TEST

START_TEST(rows_are_found)
{
    struct config *config = policy_of(SIZE "above: 2GB, severity: critical");
    const struct option_list *alerts = &config->databases[0].alerts;
    const struct alert_metric *size = alert_metric("table_size");

    ck_assert_ptr_eq(alert_find(alerts, size, "Logs", ALERT_CRITICAL), alert_of(config));
    ck_assert_ptr_null(alert_find(alerts, size, "logs", ALERT_WARNING));
    ck_assert_ptr_null(alert_find(alerts, size, NULL, ALERT_CRITICAL));
    ck_assert_ptr_null(alert_find(alerts, size, "log", ALERT_CRITICAL));
    ck_assert_ptr_null(alert_find(alerts, alert_metric("table_rows"), "logs", ALERT_CRITICAL));
    config_free(config);
    config = policy_of("metric: integrity, severity: warning");
    alerts = &config->databases[0].alerts;
    ck_assert_ptr_eq(alert_find(alerts, alert_metric("integrity"), NULL, ALERT_CRITICAL),
                     alert_of(config));
    ck_assert_int_eq(alert_severity(alert_metric("integrity"), alert_of(config)), ALERT_WARNING);
    ck_assert_int_eq(alert_severity(alert_metric("integrity"), NULL), ALERT_CRITICAL);
    config_free(config);
}
END_TEST

/* Every row is complete, so that whoever walks the table can rely on it. */
START_TEST(metrics_are_complete)
{
    for (const struct alert_metric *metric = alert_metrics; metric->name; metric++) {
        bool condition = metric->flags & ALERT_CONDITION, not_yet = metric->flags & ALERT_NOT_YET;
        size_t help = strlen(metric->help), advice = strlen(metric->advice);
        ck_assert_ptr_eq(alert_metric(metric->name), metric); /* and no other of that name */
        ck_assert_msg(islower((unsigned char)metric->help[0]) && metric->help[help - 1] != '.',
                      "%s", metric->name);
        ck_assert_msg(isupper((unsigned char)metric->advice[0]) || metric->advice[0] == '"', "%s",
                      metric->name);
        ck_assert_msg(metric->advice[advice - 1] == '.', "%s", metric->name);
        ck_assert_msg(not_yet || advice > GRAVE_TEXT, "%s", metric->name);
        ck_assert_int_eq(!metric->figure, condition || not_yet);
        ck_assert_int_eq(!metric->words[0], !metric->figure);
        ck_assert_str_eq(alert_advice(metric->name), metric->advice);
    }
    ck_assert_ptr_null(alert_metric("free_share"));
    ck_assert_ptr_null(alert_metric(NULL));
    ck_assert_str_eq(alert_advice("free_share"), "");
}
END_TEST

/* Where each clears. */
static const struct {
    const char *alert;
    double threshold, back;
} walked[] = {
    {"metric: file_size, above: 1000B", 1000, 900}, {"metric: file_size, below: 1000B", 1000, 1100},
    {"metric: free_ratio, above: 50%", 0.5, 0.45},  {"metric: free_ratio, below: 50%", 0.5, 0.55},
    {"metric: free_ratio, below: 96%", 0.96, 0.98}, {"metric: free_ratio, above: 0%", 0, 0},
};

/* A value that walks about its threshold: it is raised beyond it alone, and then stays raised all
 * the way back to where it clears, however often it crosses the threshold. */
START_TEST(walks_never_flap)
{
    double threshold = walked[_i].threshold, back = walked[_i].back;
    struct config *config = policy_of(walked[_i].alert);
    const struct alert_options *alert = alert_of(config);
    uint64_t random = randomdb_seed("alert");
    double step = threshold > 0 ? threshold / 60 : 0.01, value = threshold;
    const char *wanted = getenv("ROUNDS");
    int rounds = wanted ? atoi(wanted) : ROUNDS, changes = 0;
    bool raised = false;

    for (int i = 0; i < rounds; i++) {
        value += step * (double)(randomdb_number(&random, 7) - 3);
        value = value < 0 ? 0 : threshold < 1 && value > 1 ? 1 : value;
        if (threshold > 0 && value > 2 * threshold) /* far away nothing happens */
            value = 2 * threshold;
        bool now = alert_beyond(alert, value, raised);
        bool beyond = alert->above ? value > threshold : value < threshold;
        bool well = alert->above ? value <= back : value >= back;
        bool edge = raised && fabs(value - back) < 1e-6 * threshold; /* rounding may decide */
        ck_assert_msg(edge || now == (raised ? !well : beyond), "%g", value);
        changes += now != raised;
        raised = now;
    }
    ck_assert_int_gt(changes, rounds / 4000); /* else nothing was tried */
    config_free(config);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("alert");
    TCase *cases = tcase_create("alert");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(cases, a_sample_has_figures, 0, COUNT(figures));
    tcase_add_loop_test(cases, thresholds_have_hysteresis_and_words, 0, COUNT(judged));
    tcase_add_test(cases, what_is_not_known_is_not_judged);
    tcase_add_test(cases, hostile_names_make_sound_texts);
    tcase_add_test(cases, small_indexes_are_left_alone);
    tcase_add_test(cases, rows_are_found);
    tcase_add_test(cases, metrics_are_complete);
    tcase_add_loop_test(cases, walks_never_flap, 0, COUNT(walked));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
