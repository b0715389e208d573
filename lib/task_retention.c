/*
 * Retention: rows older than the policy keeps them go, in steps that the application does not
 * notice. This is the kind's row and its decision; retention_measure.c, retention_cutoff.c and
 * retention_run.c do the work. Runs in a worker.
 */
#include "retention.h"

#include "task_kinds.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

static const char *retention_target(const void *options)
{
    return ((const struct retention_options *)options)->table;
}

static void retention_span(const struct span *span, struct text *out)
{
    units_span_text(span, out);
}

/* "812,344 rows older than 90d", "about 800,000 rows ...". */
static void retention_count_old(const struct retention_options *options,
                                const struct retention_facts *facts, struct text *out)
{
    char count[TEXT_SHORT];

    text_addf(out, "%s%s row%s older than ", facts->old_exact ? "" : "about ",
              text_count(count, facts->old), facts->old == 1 ? "" : "s");
    retention_span(&options->keep, out);
}

static void retention_count_beyond(const struct retention_options *options,
                                   const struct retention_facts *facts, struct text *out)
{
    char count[TEXT_SHORT], limit[TEXT_SHORT];

    text_addf(out, "%s%s rows beyond ", out->length ? "; " : "", text_count(count, facts->beyond));
    if (options->max_rows >= 0)
        text_addf(out, "max_rows %s", text_count(limit, options->max_rows));
    if (options->max_size >= 0)
        text_addf(out, "%smax_size %s", options->max_rows >= 0 ? " and " : "",
                  text_bytes(limit, options->max_size));
}

static void retention_none_old(const struct retention_options *options,
                               const struct retention_facts *facts, int64_t now_us,
                               struct text *out)
{
    if (facts->oldest_us < 0) {
        text_addf(out, "%s has no rows with a time in %s", facts->table.name, facts->table.column);
        return;
    }
    text_addf(out, "no %srow is older than ", facts->held ? "other " : "");
    retention_span(options->keep.set ? &options->keep : &options->keep_min, out);
    if (!facts->held) /* then that may be the oldest */
        text_addf(out, "; the oldest is of %.1f days ago",
                  (double)(now_us - facts->oldest_us) / 86400e6);
}

/* "; 3 segments of the archive, of 12.0 MiB, are older than keep_archives 7y". */
static void retention_count_expired(const struct retention_options *options,
                                    const struct retention_facts *facts, struct text *reason)
{
    char segments[TEXT_SHORT], bytes[TEXT_SHORT];

    text_addf(reason, "; %s of the archive, of %s, %s older than keep_archives ",
              text_counted(segments, facts->expired, "segment"),
              text_bytes(bytes, facts->expired_bytes), facts->expired == 1 ? "is" : "are");
    retention_span(&options->keep_archives, reason);
}

/* The expectation: what would go, at most what max_delete allows. */
static void retention_expect(const struct retention_facts *facts, struct decision *decision)
{
    int64_t rows = facts->old > facts->beyond ? facts->old : facts->beyond;

    if (facts->most >= 0 && rows > facts->most)
        rows = facts->most;
    decision->rows = rows;
    decision->bytes = facts->row_bytes > 0 ? (int64_t)((double)rows * facts->row_bytes) : -1;
}

/* The gate, then old rows, then rows beyond the limits. Returns whether to act. */
static bool retention_judge(const struct retention_options *options,
                            const struct retention_facts *facts, int64_t now_us,
                            struct text *reason)
{
    char count[TEXT_SHORT], gate[TEXT_SHORT];
    bool unseen = !facts->by_age && facts->old <= 0 && facts->oldest_us >= 0;

    if (options->when_rows_above > 0 && facts->rows <= options->when_rows_above) {
        text_addf(reason, "%s rows are not above when_rows_above %s",
                  text_count(count, facts->rows < 0 ? 0 : facts->rows),
                  text_count(gate, options->when_rows_above));
        return false;
    }
    if (facts->old > 0)
        retention_count_old(options, facts, reason);
    if (facts->beyond > 0)
        retention_count_beyond(options, facts, reason);
    if (!reason->length && unseen && options->keep.set)
        text_addf(reason, "no index gives %s by %s, so its rows must be read to find old ones",
                  facts->table.name, facts->table.column);
    else if (!reason->length)
        retention_none_old(options, facts, now_us, reason);
    return facts->old > 0 || facts->beyond > 0 || (unseen && options->keep.set);
}

/* Whoever put rows back is told how to let them go. */
static void retention_tell_held(const struct retention_facts *facts, struct text *reason)
{
    char count[TEXT_SHORT], since[TEXT_SHORT];

    if (facts->held)
        text_addf(reason, "; %s %s held since %s, until `litekeeper restore DB %s --lift`",
                  text_counted(count, facts->held, "row"), facts->held == 1 ? "is" : "are",
                  text_time(since, facts->held_since_us), facts->table.name);
}

static void retention_name_children(const struct retention_options *options,
                                    const struct retention_facts *facts, struct text *reason)
{
    char *names = options->cascade == CASCADE_ARCHIVE && facts->referrers
                      ? referrers_dependents(facts->referrers)
                      : NULL;

    if (names)
        text_addf(reason, "; rows that refer to them leave before them: %s", names);
    free(names);
}

void retention_decide(const void *argument, const void *measured, int64_t now_us,
                      struct decision *decision)
{
    const struct retention_options *options = argument;
    const struct retention_facts *facts = measured;
    struct text reason = {0};
    char most[TEXT_SHORT];

    retention_expect(facts, decision);
    decision->act = retention_judge(options, facts, now_us, &reason);
    if (decision->act && (facts->capped || facts->most == 0))
        text_addf(&reason, "; max_delete lets %s go in one run", text_count(most, facts->most));
    decision->act = decision->act && facts->most != 0;
    if (decision->act)
        retention_name_children(options, facts, &reason);
    retention_tell_held(facts, &reason);
    if (facts->unfinished) {
        decision->act = true;
        text_add(&reason, "; an earlier run has left a segment of the archive unfinished");
    }
    if (facts->expired > 0)
        retention_count_expired(options, facts, &reason);
    decision->act = decision->act || facts->expired > 0;
    if (!decision->act)
        decision->rows = decision->bytes = 0;
    snprintf(decision->reason, sizeof decision->reason, "%s", reason.bytes);
    text_free(&reason);
}

const struct task_kind task_retention = {
    .name = "retention",
    .help = "rows older than the policy keeps them go",
    .flags = TASK_LIST | TASK_REMEMBERS,
    .section = {.size = sizeof(struct retention_options),
                .options = retention_options,
                .check = retention_check},
    .target = retention_target,
    .measure = retention_measure,
    .decide = retention_decide,
    .run = retention_run,
    .free_facts = retention_free_facts,
};
