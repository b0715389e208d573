/*
 * The moment before which rows go. Mostly that is `keep` ago. Where the number of rows counts as
 * well (max_rows, max_size, max_delete) it is the moment that so many rows are older than, found
 * exactly, in a few passes over the times, each narrowing it down by a histogram.
 */
#include "retention.h"

#include "memory.h"

#include <math.h>
#include <stdlib.h>

enum { CUTOFF_BUCKETS = 1 << 16, CUTOFF_PASSES = 6 };

struct cutoff_histogram {
    int64_t low_us, high_us, width_us; /* buckets cover low <= time < high */
    int64_t below;                     /* rows before low */
    int64_t *buckets;
};

static bool cutoff_count(void *argument, int64_t latest_us)
{
    struct cutoff_histogram *histogram = argument;

    if (latest_us < histogram->low_us)
        histogram->below++;
    else if (latest_us < histogram->high_us)
        histogram->buckets[(latest_us - histogram->low_us) / histogram->width_us]++;
    return true;
}

/* Narrows to the bucket in which row number `wanted` lies; `below` counts what is before it. */
static void cutoff_narrow(struct cutoff_histogram *histogram, int64_t wanted)
{
    int64_t before = histogram->below;
    int bucket = 0;

    while (bucket < CUTOFF_BUCKETS - 1 && before + histogram->buckets[bucket] <= wanted)
        before += histogram->buckets[bucket++];
    histogram->low_us += bucket * histogram->width_us;
    if (histogram->low_us + histogram->width_us < histogram->high_us)
        histogram->high_us = histogram->low_us + histogram->width_us;
    histogram->below = before;
}

/* The rows between low and high, and all before. */
static int64_t cutoff_total(const struct cutoff_histogram *histogram)
{
    int64_t total = histogram->below;

    for (int i = 0; i < CUTOFF_BUCKETS; i++)
        total += histogram->buckets[i];
    return total;
}

/* The time of the oldest rows but `wanted`: `wanted` rows are older than it or, as `*ties` of
 * them, exactly so old. It is `before_us` where no more rows than that are older. */
static enum status cutoff_quantile(struct engine *engine, const struct retention_facts *facts,
                                   int64_t wanted, int64_t before_us, int64_t *cutoff_us,
                                   int64_t *ties, struct error *error)
{
    struct cutoff_histogram histogram = {.low_us = 0, .high_us = before_us};
    struct retention_walk walk = {.before_us = before_us,
                                  .each = cutoff_count,
                                  .argument = &histogram};
    enum status status = STATUS_OK;

    histogram.buckets = memory_zeroed(CUTOFF_BUCKETS, sizeof *histogram.buckets);
    for (int pass = 0; pass < CUTOFF_PASSES && histogram.high_us - histogram.low_us > 1; pass++) {
        histogram.width_us = (histogram.high_us - histogram.low_us - 1) / CUTOFF_BUCKETS + 1;
        histogram.below = 0;
        for (int i = 0; i < CUTOFF_BUCKETS; i++)
            histogram.buckets[i] = 0;
        status = retention_walk(engine, facts, &walk, error);
        if (status)
            break;
        int64_t total = cutoff_total(&histogram);
        if (total > wanted) {
            cutoff_narrow(&histogram, wanted);
            continue;
        }
        histogram.low_us = histogram.high_us;
        histogram.below = total;
    }
    free(histogram.buckets);
    if (status)
        return status;
    *cutoff_us = histogram.low_us;
    *ties = wanted - histogram.below;
    return STATUS_OK;
}

/* How many rows are beyond max_rows and max_size. Bloat does not count, only what rows take. */
static int64_t cutoff_beyond(const struct retention_options *options,
                             const struct retention_facts *facts)
{
    int64_t beyond = 0;

    if (facts->rows < 0)
        return 0;
    if (options->max_rows >= 0 && facts->rows > options->max_rows)
        beyond = facts->rows - options->max_rows;
    if (options->max_size >= 0 && facts->row_bytes > 0) {
        double over = (double)facts->rows * facts->row_bytes - (double)options->max_size;
        int64_t rows = over > 0 ? (int64_t)ceil(over / facts->row_bytes) : 0;
        beyond = rows > beyond ? rows : beyond;
    }
    return beyond;
}

static int64_t cutoff_most(const struct retention_options *options,
                           const struct retention_facts *facts)
{
    if (options->max_delete >= 1 || facts->rows < 0)
        return -1;
    return (int64_t)((double)facts->rows * options->max_delete);
}

int64_t retention_keep_us(const struct retention_options *options, int64_t now_us)
{
    return options->keep.set ? units_before(now_us, &options->keep) : 0;
}

/* Moves the cut-off forward to where the rows beyond max_rows and max_size end. */
static enum status cutoff_extend(struct engine *engine, const struct retention_options *options,
                                 struct retention_facts *facts, struct error *error)
{
    const struct span *least = options->keep_min.set ? &options->keep_min : &options->keep;
    int64_t least_us = units_before(engine->now_us, least), moment_us, ties;
    enum status status =
        cutoff_quantile(engine, facts, facts->beyond, least_us, &moment_us, &ties, error);

    if (status == STATUS_OK && moment_us > facts->cutoff_us) {
        facts->cutoff_us = moment_us;
        facts->ties = moment_us < least_us ? ties : 0;
    }
    return status;
}

/* Moves it back to where max_delete is used up. */
static enum status cutoff_cap(struct engine *engine, struct retention_facts *facts,
                              struct error *error)
{
    int64_t moment_us, ties;
    enum status status =
        cutoff_quantile(engine, facts, facts->most, facts->cutoff_us, &moment_us, &ties, error);

    if (status == STATUS_OK && (moment_us < facts->cutoff_us || ties < facts->ties)) {
        facts->cutoff_us = moment_us;
        facts->ties = ties;
        facts->capped = true;
    }
    return status;
}

enum status retention_find_cutoff(struct engine *engine, const struct retention_options *options,
                                  struct retention_facts *facts, struct error *error)
{
    enum status status = STATUS_OK;

    facts->beyond = cutoff_beyond(options, facts);
    facts->most = cutoff_most(options, facts);
    facts->cutoff_us = retention_keep_us(options, engine->now_us);
    if (facts->beyond > 0)
        status = cutoff_extend(engine, options, facts, error);
    if (status == STATUS_OK && facts->most >= 0)
        status = cutoff_cap(engine, facts, error);
    facts->by_keep = facts->cutoff_us == retention_keep_us(options, engine->now_us);
    return status;
}
