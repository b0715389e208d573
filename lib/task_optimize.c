/*
 * Optimize: refreshes the statistics by which SQLite's planner chooses indexes, where they are
 * missing or no longer true. Here its options and its decision. Runs in a worker.
 */
#include "task_optimize.h"

#include "memory.h"
#include "task_engine.h"
#include "task_kinds.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELD(name) offsetof(struct optimize_options, name)

static const struct option optimize_options[] = {
    {"schedule", OPTION_CALENDAR, 0, FIELD(common.schedule), "daily", NULL, NULL, NULL, NULL,
     "when it is due"},
    {"observe", OPTION_BOOL, 0, FIELD(common.observe), "false", NULL, NULL, NULL, NULL,
     "decide and report, never act"},
    {"analysis_limit", OPTION_COUNT, 0, FIELD(analysis_limit), "400", "1", "100000", NULL, NULL,
     "entries of each index that are looked at; fewer where that takes longer than max_lock"},
    {.name = NULL}};

static const double optimize_step_seconds = 0.01; /* a statistic, the gap before it included */

static void optimize_free_facts(void *argument)
{
    struct optimize_facts *facts = argument;

    if (facts)
        statistics_free(&facts->statistics);
    free(facts);
}

static enum status optimize_measure(struct engine *engine, const void *options, void **result,
                                    struct error *error)
{
    struct pages_limits limits = {.slice_ms = engine_slice_ms(engine),
                                  .gap_ms = engine_slice_ms(engine) * 2,
                                  .stopped = engine->job->host.stopped,
                                  .argument = engine->job->host.argument};
    struct pages_report report = {0};
    struct statistics statistics = {0};
    (void)options;

    enum status status = pages_measure(database_sql(engine->database), &limits, &report, error);
    if (!status)
        status = statistics_load(engine->database, &report, &statistics, error);
    pages_report_free(&report);
    if (!status && (status = statistics_try(engine->database, &statistics, error)))
        statistics_free(&statistics);
    if (status)
        return status;
    struct optimize_facts *facts = memory_new(struct optimize_facts);
    facts->statistics = statistics;
    *result = facts;
    return STATUS_OK;
}

/* What the items come to. */
struct optimize_sum {
    int64_t there, missing, untrue, samples, lacking;
    const char *lacks;                   /* of the first that is lacking */
    const struct statistics_item *worst; /* of the untrue the one that is off by most rows */
};

static int64_t optimize_off(const struct statistics_item *item)
{
    return llabs(item->entries - item->noted);
}

static void optimize_count(const struct statistics *statistics, struct optimize_sum *sum)
{
    *sum = (struct optimize_sum){0};
    for (size_t i = 0; i < statistics->count; i++) {
        const struct statistics_item *item = &statistics->items[i];
        if (item->samples) {
            sum->samples++;
        } else if (!statistics_stale(item)) {
            sum->there += item->noted >= 0;
        } else if (item->lacks) {
            sum->lacks = sum->lacking++ ? sum->lacks : item->lacks;
        } else if (item->noted < 0) {
            sum->missing++;
        } else {
            sum->untrue++;
            if (!sum->worst || optimize_off(item) > optimize_off(sum->worst))
                sum->worst = item;
        }
    }
}

/* "2 statistics are missing and 1 is untrue: logs says 1,000 rows, but there are about 2,000" */
static void optimize_say(const struct optimize_sum *sum, struct text *reason)
{
    char count[TEXT_SHORT], noted[TEXT_SHORT], entries[TEXT_SHORT];

    if (sum->missing)
        text_addf(reason, "%s %s", text_counted(count, sum->missing, "index statistic"),
                  sum->missing == 1 ? "is missing" : "are missing");
    if (!sum->untrue)
        return;
    text_addf(reason, "%s%s %s: ", sum->missing ? " and " : "",
              text_counted(count, sum->untrue, "index statistic"),
              sum->untrue == 1 ? "is off by over 25%" : "are off by over 25%");
    text_add_name(reason, sum->worst->name);
    text_addf(reason, " has %s by it, and about %s now",
              text_counted(noted, sum->worst->noted, "row"),
              text_count(entries, sum->worst->entries));
}

/* What is left alone, and why. */
static void optimize_say_left(const struct optimize_sum *sum, struct text *reason)
{
    char count[TEXT_SHORT];

    if (sum->samples)
        text_addf(reason,
                  "; %s left to the application, whose samples in sqlite_stat4 ANALYZE would drop",
                  text_count(count, sum->samples));
    if (sum->lacking)
        text_addf(reason, "; %s left out: %s", text_count(count, sum->lacking), sum->lacks);
}

static void optimize_decide(const void *options, const void *argument, int64_t now_us,
                            struct decision *decision)
{
    const struct optimize_facts *facts = argument;
    struct optimize_sum sum;
    struct text reason = {0};
    char count[TEXT_SHORT];
    (void)options;
    (void)now_us;

    optimize_count(&facts->statistics, &sum);
    decision->act = sum.missing + sum.untrue > 0;
    if (decision->act) {
        optimize_say(&sum, &reason);
        decision->seconds = (double)(sum.missing + sum.untrue) * optimize_step_seconds;
    } else if (sum.there) {
        text_addf(&reason, "%s %s within 25%% of the rows that there are",
                  text_counted(count, sum.there, "index statistic"), sum.there == 1 ? "is" : "are");
    } else {
        text_add(&reason, "there is nothing to make statistics of");
    }
    optimize_say_left(&sum, &reason);
    snprintf(decision->reason, sizeof decision->reason, "%s", reason.bytes);
    text_free(&reason);
}

const struct task_kind task_optimize = {
    .name = "optimize",
    .help = "refreshes the planner's statistics",
    .unit = "statistic",
    .flags = TASK_REMEMBERS, /* which SQLite the application has */
    .section = {sizeof(struct optimize_options), optimize_options, NULL},
    .measure = optimize_measure,
    .decide = optimize_decide,
    .run = optimize_run,
    .free_facts = optimize_free_facts,
};
