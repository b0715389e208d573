/* After the deletion: what it left, measured, and what to say of it. */
#include "retention.h"

#include "scan.h"

#include <stdio.h>
#include <stdlib.h>

struct effect_count {
    int64_t before_us, rows;
};

static bool effect_past(void *argument, int64_t latest_us)
{
    struct effect_count *count = argument;

    count->rows += latest_us < count->before_us;
    return true;
}

/* Values that sort below or above every time of the format: other types, other shapes. */
static enum status effect_count_outside(struct engine *engine, const struct retention_facts *facts,
                                        int64_t *others, struct error *error)
{
    struct text low = {0}, high = {0};
    int64_t below = 0, above = 0;

    timestamp_bounds(facts->rules.format, &low, &high);
    const struct scan_range before = {NULL, low.bytes}, after = {high.bytes, NULL};
    enum status status = retention_count(engine, facts, &before, &below, error);
    if (status == STATUS_OK)
        status = retention_count(engine, facts, &after, &above, error);
    *others += below + above;
    text_free(&low);
    text_free(&high);
    return status;
}

enum status retention_measure_effect(struct engine *engine, const struct retention_facts *facts,
                                     struct retention_result *result, struct error *error)
{
    struct effect_count count = {.before_us = facts->cutoff_us};
    struct retention_walk walk = {.before_us = facts->cutoff_us,
                                  .each = effect_past,
                                  .argument = &count};
    enum status status;

    result->past = result->kept + result->refused;
    if (!facts->by_age)
        return STATUS_OK;
    if ((status = retention_walk(engine, facts, &walk, error)))
        return status;
    result->past = count.rows;
    result->others = walk.others;
    return effect_count_outside(engine, facts, &result->others, error);
}

static void effect_add(json_t *effect, const char *key, int64_t rows, bool always)
{
    if (always || rows > 0)
        json_object_set_new(effect, key, json_integer(rows));
}

static void report_missing(const struct retention_facts *facts, struct text *reason)
{
    char *indexes = referrers_missing_indexes(facts->referrers);

    if (!facts->by_age) {
        text_add(reason, "; the whole table was read, since no index gives it by age: CREATE INDEX "
                         "... ON ");
        text_add_name(reason, facts->table.name);
        text_add(reason, "(");
        text_add_name(reason, facts->table.column);
        text_add(reason, ")");
    }
    if (indexes)
        text_addf(reason, "; every row's foreign keys are looked up without an index: %s", indexes);
    free(indexes);
}

static void report_rows(int64_t rows, const char *words, struct text *reason)
{
    char count[TEXT_SHORT];

    if (rows > 0)
        text_addf(reason, "; %s %s", text_count(count, rows), words);
}

void retention_report(const struct retention_options *options, const struct retention_facts *facts,
                      const struct retention_result *result, struct outcome *outcome)
{
    struct text reason = {0};
    char count[TEXT_SHORT], cutoff[TEXT_SHORT], segments[TEXT_SHORT], bytes[TEXT_SHORT];

    text_addf(&reason, "%s row%s older than ", text_count(count, result->removed),
              result->removed == 1 ? "" : "s");
    if (facts->by_keep)
        units_span_text(&options->keep, &reason);
    else
        text_addf(&reason, "%s, the oldest beyond what the policy allows",
                  text_time(cutoff, facts->cutoff_us));
    report_rows(result->children, "rows that referred to them", &reason);
    if (result->segments)
        text_addf(&reason, ", archived in %s of %s",
                  text_counted(segments, result->segments, "segment"),
                  text_bytes(bytes, result->archive_bytes));
    if (result->archives_removed)
        text_addf(&reason, "; %s of the archive went, of %s",
                  text_counted(segments, result->archives_removed, "segment"),
                  text_bytes(bytes, result->archives_removed_bytes));
    report_rows(result->changed, "changed while they were archived, so for the next run", &reason);
    report_rows(facts->held, "held since they were put back", &reason);
    report_rows(result->children_changed, "that refer to them changed meanwhile, too", &reason);
    report_rows(result->kept,
                options->cascade == CASCADE_ARCHIVE
                    ? "kept, since rows still refer to them"
                    : "kept, since rows that restrict it refer to them",
                &reason);
    report_rows(result->others, "left alone, whose value is no such time", &reason);
    report_rows(result->refused, "refused: ", &reason);
    if (result->refused)
        text_add(&reason, result->refusal);
    report_rows(result->children_refused, "that refer to them refused: ", &reason);
    if (result->children_refused)
        text_add(&reason, result->children_refusal);
    if (facts->capped)
        text_add(&reason, "; the rest is for the next run (max_delete)");
    report_missing(facts, &reason);
    snprintf(outcome->reason, sizeof outcome->reason, "%s", reason.bytes);
    text_free(&reason);

    outcome->effect = json_object();
    effect_add(outcome->effect, "rows_past_cutoff", result->past, result->past >= 0);
    effect_add(outcome->effect, "rows_kept", result->kept, false);
    effect_add(outcome->effect, "rows_held", facts->held, false);
    effect_add(outcome->effect, "rows_refused", result->refused, false);
    effect_add(outcome->effect, "rows_other_format", result->others, false);
    effect_add(outcome->effect, "child_rows", result->children, false);
    effect_add(outcome->effect, "rows_changed", result->changed, false);
    effect_add(outcome->effect, "child_rows_changed", result->children_changed, false);
    effect_add(outcome->effect, "child_rows_refused", result->children_refused, false);
    effect_add(outcome->effect, "segments", result->segments, false);
    effect_add(outcome->effect, "archive_bytes", result->archive_bytes, false);
    effect_add(outcome->effect, "archives_removed", result->archives_removed, false);
    effect_add(outcome->effect, "archives_removed_bytes", result->archives_removed_bytes, false);
    if (result->segments)
        json_object_set_new(outcome->effect, "export_seconds", json_real(result->export_seconds));
}
