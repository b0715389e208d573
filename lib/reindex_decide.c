/*
 * Which indexes are worth a rebuild, and which of them it would help. REINDEX always fills the
 * leaves, but it puts them into the pages that it has just freed: where those lie far apart, their
 * order stays as bad, and a threshold alone would rebuild them for ever. Pure.
 */
#include "reindex.h"

#include "text.h"
#include "units.h"

#include <math.h>
#include <stdio.h>

enum { REINDEX_NAMED = 3 };

static const double reindex_full = 0.97; /* how full a rebuilt index's leaves are */
static const double reindex_worse = 0.1; /* density lost since: then it may help again */
static const double reindex_row_seconds = 1.5e-6, reindex_rate = 100e6; /* bytes a second, cold */

static bool reindex_tried_density(const struct reindex_options *options,
                                  const struct reindex_index *index)
{
    return index->past.known && index->past.density < options->density_below &&
           index->density > index->past.density - reindex_worse;
}

static bool reindex_tried_order(const struct reindex_options *options,
                                const struct reindex_index *index)
{
    return index->past.known && index->past.fragmentation > options->fragmentation_above &&
           index->past.fragmentation > index->past.fragmentation_before / 2;
}

static enum reindex_verdict reindex_judge_order(const struct reindex_options *options,
                                                const struct reindex_index *index)
{
    if (index->forecast > fmax(options->fragmentation_above, index->fragmentation / 2))
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
    if (sparse && !reindex_tried_density(options, index))
        return REINDEX_SPARSE;
    return disordered ? reindex_judge_order(options, index) : REINDEX_TRIED;
}

bool reindex_worth(const struct reindex_options *options, const struct reindex_index *index)
{
    enum reindex_verdict verdict = reindex_judge(options, index);

    return verdict == REINDEX_SPARSE || verdict == REINDEX_ORDERED;
}

double reindex_seconds(const struct reindex_facts *facts, const struct reindex_index *index)
{
    double read = (double)(index->table_bytes + 2 * index->bytes) / reindex_rate;

    return (read + (double)index->entries * reindex_row_seconds) * facts->pace;
}

/* --- the reason --------------------------------------------------------------------------- */

static void reindex_percent(struct text *text, double share)
{
    text_addf(text, "%.*f%%", share > 0 && share < 0.1 ? 1 : 0, share * 100);
}

static void reindex_say_sparse(const struct reindex_options *options,
                               const struct reindex_index *index, struct text *reason)
{
    reindex_percent(reason, index->density);
    text_add(reason, " full, below ");
    reindex_percent(reason, options->density_below);
}

static void reindex_say_order(const struct reindex_options *options,
                              const struct reindex_index *index, struct text *reason)
{
    reindex_percent(reason, index->fragmentation);
    text_add(reason, " fragmented, above ");
    reindex_percent(reason, options->fragmentation_above);
    text_add(reason, ", and would be ");
    reindex_percent(reason, index->forecast);
}

static void reindex_say_futile(const struct reindex_options *options,
                               const struct reindex_index *index, struct text *reason)
{
    (void)options;
    reindex_percent(reason, index->fragmentation);
    text_add(reason, " fragmented and REINDEX in place would leave it at ");
    reindex_percent(reason, index->forecast);
    text_add(reason, ": an online rebuild will help, which is not supported yet");
}

static void reindex_say_tried(const struct reindex_options *options,
                              const struct reindex_index *index, struct text *reason)
{
    (void)options;
    reindex_percent(reason, index->fragmentation);
    text_add(reason, " fragmented and ");
    reindex_percent(reason, index->density);
    text_add(reason, " full, and its last REINDEX has not helped");
}

static void reindex_say_wrong(const struct reindex_options *options,
                              const struct reindex_index *index, struct text *reason)
{
    (void)options;
    text_addf(reason, "left alone: %s", index->wrong);
}

/* In the order in which they are told. */
static const struct {
    enum reindex_verdict verdict;
    bool act;
    void (*say)(const struct reindex_options *options, const struct reindex_index *index,
                struct text *reason);
} reindex_sayings[] = {
    {REINDEX_SPARSE, true, reindex_say_sparse},  {REINDEX_ORDERED, true, reindex_say_order},
    {REINDEX_FUTILE, false, reindex_say_futile}, {REINDEX_TRIED, false, reindex_say_tried},
    {REINDEX_WRONG, false, reindex_say_wrong},
};

enum { REINDEX_SAYINGS = sizeof reindex_sayings / sizeof *reindex_sayings };

/* The first few by name, the rest by number. */
static void reindex_say(const struct reindex_options *options, const struct reindex_facts *facts,
                        bool act, struct text *reason)
{
    char count[TEXT_SHORT];
    int64_t said = 0;

    for (size_t kind = 0; kind < REINDEX_SAYINGS; kind++)
        for (size_t i = 0; i < facts->count && reindex_sayings[kind].act == act; i++) {
            const struct reindex_index *index = &facts->indexes[i];
            if (reindex_judge(options, index) != reindex_sayings[kind].verdict ||
                ++said > REINDEX_NAMED)
                continue;
            text_add(reason, reason->length ? "; " : "");
            text_add_name(reason, index->name);
            text_add(reason, " is ");
            reindex_sayings[kind].say(options, index, reason);
        }
    if (said > REINDEX_NAMED)
        text_addf(reason, "; and %s more", text_count(count, said - REINDEX_NAMED));
}

static void reindex_say_fine(const struct reindex_options *options,
                             const struct reindex_facts *facts, struct text *reason)
{
    int64_t large = 0;

    for (size_t i = 0; i < facts->count; i++)
        large += facts->indexes[i].bytes >= options->min_size;
    text_add(reason, "no index of ");
    units_size_text(options->min_size, reason);
    text_add(reason, " or more");
    if (!large)
        return;
    text_add(reason, " is over ");
    reindex_percent(reason, options->fragmentation_above);
    text_add(reason, " fragmented or under ");
    reindex_percent(reason, options->density_below);
    text_add(reason, " full");
}

/* --- the decision ------------------------------------------------------------------------- */

/* Of those that are worth it, or of all: what --force would take. */
static void reindex_expect(const struct reindex_options *options, const struct reindex_facts *facts,
                           struct decision *decision)
{
    double all = 0, shortest = INFINITY;
    int64_t freed = 0;

    for (size_t i = 0; i < facts->count; i++) {
        const struct reindex_index *index = &facts->indexes[i];
        if (decision->act && !reindex_worth(options, index))
            continue;
        double seconds = reindex_seconds(facts, index);
        all += seconds;
        shortest = fmin(shortest, seconds);
        freed += (int64_t)((double)index->bytes * fmax(0, 1 - index->density / reindex_full));
    }
    decision->seconds = all;
    decision->part_seconds = isfinite(shortest) ? shortest : 0;
    decision->needs_window = all > facts->max_lock_seconds;
    if (decision->act)
        decision->bytes = freed;
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
    reindex_say(options, facts, true, &reason);
    reindex_say(options, facts, false, &reason);
    if (!reason.length)
        reindex_say_fine(options, facts, &reason);
    snprintf(decision->reason, sizeof decision->reason, "%s", reason.bytes);
    text_free(&reason);
}
