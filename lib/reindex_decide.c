/*
 * Which indexes are worth a rebuild, and which of them it would help. An online rebuild fills the
 * leaves and puts them in order. REINDEX fills them, too, but puts them into the pages that it has
 * just freed: where those lie far apart, their order stays as bad, and a threshold alone would
 * rebuild them for ever. Pure.
 */
#include "reindex.h"

#include "text.h"

#include <math.h>
#include <stdio.h>

static const double reindex_full = 0.97; /* how full a rebuilt index's leaves are */
static const double reindex_worse = 0.1; /* density lost since: then it may help again */
static const double reindex_row_seconds = 1.5e-6, reindex_rate = 100e6; /* bytes a second, cold */

static const double reindex_online_cost = 3; /* times REINDEX: it copies, compares and checks */

bool reindex_online(const struct reindex_options *options, const struct reindex_index *index)
{
    return options->mode != REINDEX_OFFLINE && !index->barred;
}

static bool reindex_barred(const struct reindex_options *options, const struct reindex_index *index)
{
    return options->mode == REINDEX_ONLINE && index->barred;
}

bool reindex_may(const struct reindex_options *options, const struct reindex_index *index)
{
    return !index->wrong && !reindex_barred(options, index);
}

/* What REINDEX has not helped an online rebuild may. */
static bool reindex_known(const struct reindex_options *options, const struct reindex_index *index)
{
    return index->past.known && (index->past.online || !reindex_online(options, index));
}

static double reindex_forecast(const struct reindex_options *options,
                               const struct reindex_index *index)
{
    return reindex_online(options, index) ? 0 : index->forecast;
}

static bool reindex_tried_density(const struct reindex_options *options,
                                  const struct reindex_index *index)
{
    return reindex_known(options, index) && index->past.density < options->density_below &&
           index->density > index->past.density - reindex_worse;
}

static bool reindex_tried_order(const struct reindex_options *options,
                                const struct reindex_index *index)
{
    return reindex_known(options, index) &&
           index->past.fragmentation > options->fragmentation_above &&
           index->past.fragmentation > index->past.fragmentation_before / 2;
}

static enum reindex_verdict reindex_judge_order(const struct reindex_options *options,
                                                const struct reindex_index *index)
{
    if (reindex_forecast(options, index) >
        fmax(options->fragmentation_above, index->fragmentation / 2))
        return REINDEX_FUTILE;
    return reindex_tried_order(options, index) ? REINDEX_TRIED : REINDEX_ORDERED;
}

enum reindex_verdict reindex_judge(const struct reindex_options *options,
                                   const struct reindex_index *index)
{
    bool sparse = index->density<options->density_below, disordered = index->fragmentation> options
                      ->fragmentation_above;

    if (index->bytes < options->min_size)
        return REINDEX_SMALL;
    if (!sparse && !disordered)
        return REINDEX_FINE;
    if (index->wrong)
        return REINDEX_WRONG;
    if (reindex_barred(options, index))
        return REINDEX_BARRED;
    if (sparse && !reindex_tried_density(options, index))
        return REINDEX_SPARSE;
    return disordered ? reindex_judge_order(options, index) : REINDEX_TRIED;
}

bool reindex_worth(const struct reindex_options *options, const struct reindex_index *index)
{
    enum reindex_verdict verdict = reindex_judge(options, index);

    return verdict == REINDEX_SPARSE || verdict == REINDEX_ORDERED;
}

double reindex_seconds(const struct reindex_options *options, const struct reindex_facts *facts,
                       const struct reindex_index *index)
{
    double cost = reindex_online(options, index) ? reindex_online_cost : 1;
    double read = (double)(index->table_bytes + 2 * index->bytes) / reindex_rate;

    return (read + (double)index->entries * reindex_row_seconds) * cost * facts->pace;
}

/* --- the decision ------------------------------------------------------------------------- */

struct reindex_sum {
    double all, blocking, shortest; /* seconds; the shortest of those that block */
    bool online;                    /* one of them can be done at any time */
    int64_t freed;
};

static void reindex_add_up(const struct reindex_options *options, const struct reindex_facts *facts,
                           bool worth, struct reindex_sum *sum)
{
    for (size_t i = 0; i < facts->count; i++) {
        const struct reindex_index *index = &facts->indexes[i];
        if (worth ? !reindex_worth(options, index) : !reindex_may(options, index))
            continue;
        double seconds = reindex_seconds(options, facts, index);
        bool online = reindex_online(options, index);
        sum->all += seconds;
        sum->online = sum->online || online;
        sum->blocking += online ? 0 : seconds;
        sum->shortest = online ? sum->shortest : fmin(sum->shortest, seconds);
        sum->freed += (int64_t)((double)index->bytes * fmax(0, 1 - index->density / reindex_full));
    }
}

/* Of those that are worth it, or of all: what --force would take. Where one can be done at any
 * time, the run begins at any time, and the others wait. */
static void reindex_expect(const struct reindex_options *options, const struct reindex_facts *facts,
                           struct decision *decision)
{
    struct reindex_sum sum = {.shortest = INFINITY};

    reindex_add_up(options, facts, decision->act, &sum);
    decision->seconds = sum.all;
    decision->needs_window = !sum.online && sum.blocking > facts->max_lock_seconds;
    decision->part_seconds = isfinite(sum.shortest) ? sum.shortest : 0;
    if (decision->act)
        decision->bytes = sum.freed;
}

void reindex_decide(const void *options, const void *argument, int64_t now_us,
                    struct decision *decision)
{
    const struct reindex_facts *facts = argument;
    struct text reason = {0};
    (void)now_us;

    for (size_t i = 0; i < facts->count && !decision->act; i++)
        decision->act = reindex_worth(options, &facts->indexes[i]);
    reindex_expect(options, facts, decision);
    reindex_say(options, facts, &reason);
    snprintf(decision->reason, sizeof decision->reason, "%s", reason.bytes);
    text_free(&reason);
}
