/* Why indexes are rebuilt or left, in words: the measured value and the threshold. Pure. */
#include "reindex.h"

#include "text.h"
#include "units.h"

enum { REINDEX_NAMED = 3 };

static void reindex_percent(struct text *text, double share)
{
    text_addf(text, "%.*f%%", share > 0 && share < 0.1 ? 1 : 0, share * 100);
}

static void reindex_say_way(const struct reindex_options *options,
                            const struct reindex_index *index, struct text *reason)
{
    if (options->mode == REINDEX_AUTO && index->barred)
        text_addf(reason, ", which can't be mended online: %s", index->barred);
}

static void reindex_say_sparse(const struct reindex_options *options,
                               const struct reindex_index *index, struct text *reason)
{
    reindex_percent(reason, index->density);
    text_add(reason, " full, below ");
    reindex_percent(reason, options->density_below);
    reindex_say_way(options, index, reason);
}

static void reindex_say_order(const struct reindex_options *options,
                              const struct reindex_index *index, struct text *reason)
{
    reindex_percent(reason, index->fragmentation);
    text_add(reason, " fragmented, above ");
    reindex_percent(reason, options->fragmentation_above);
    if (!reindex_online(options, index)) {
        text_add(reason, ", and would be ");
        reindex_percent(reason, index->forecast);
    }
    reindex_say_way(options, index, reason);
}

static void reindex_say_futile(const struct reindex_options *options,
                               const struct reindex_index *index, struct text *reason)
{
    reindex_percent(reason, index->fragmentation);
    text_add(reason, " fragmented and REINDEX in place would leave it at ");
    reindex_percent(reason, index->forecast);
    if (options->mode == REINDEX_OFFLINE)
        text_add(reason, ": an online rebuild would help (mode: auto)");
    reindex_say_way(options, index, reason);
}

static void reindex_say_tried(const struct reindex_options *options,
                              const struct reindex_index *index, struct text *reason)
{
    (void)options;
    reindex_percent(reason, index->fragmentation);
    text_add(reason, " fragmented and ");
    reindex_percent(reason, index->density);
    text_add(reason, " full, and its last rebuild has not helped");
}

static void reindex_say_wrong(const struct reindex_options *options,
                              const struct reindex_index *index, struct text *reason)
{
    (void)options;
    text_addf(reason, "left alone: %s", index->wrong);
}

static void reindex_say_barred(const struct reindex_options *options,
                               const struct reindex_index *index, struct text *reason)
{
    (void)options;
    text_addf(reason, "left alone: it can't be rebuilt online: %s", index->barred);
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
    {REINDEX_WRONG, false, reindex_say_wrong},   {REINDEX_BARRED, false, reindex_say_barred},
};

enum { REINDEX_SAYINGS = sizeof reindex_sayings / sizeof *reindex_sayings };

/* The first few by name, the rest by number. */
static void reindex_say_some(const struct reindex_options *options,
                             const struct reindex_facts *facts, bool act, struct text *reason)
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

void reindex_say(const struct reindex_options *options, const struct reindex_facts *facts,
                 struct text *reason)
{
    reindex_say_some(options, facts, true, reason);
    reindex_say_some(options, facts, false, reason);
    if (!reason->length)
        reindex_say_fine(options, facts, reason);
}
