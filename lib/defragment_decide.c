/*
 * Which tables and indexes are worth to be put in order. They keep to the pages that they have, and
 * the free ones, so that no page of another is touched: where these lie far apart, order among them
 * does not help, which shows before anything is moved. Pure.
 */
#include "defragment.h"

#include "pages.h"
#include "units.h"

#include <math.h>
#include <stdio.h>

enum { DEFRAGMENT_NAMED = 3 };

/* A run reads each page of the file some four times, twice of it for integrity_check, and moves
 * leaves for 60 us each. */
static const double defragment_read_seconds = 50e-6, defragment_move_seconds = 60e-6;

/* --- the forecast ------------------------------------------------------------------------- */

/* The next page that a chosen one has; `map->pages` after the last. */
static size_t defragment_place(const struct defragment_map *map, const bool *chosen, size_t from)
{
    while (from < map->pages && !(map->tree_of[from] && chosen[map->tree_of[from] - 1]))
        from++;
    return from;
}

void defragment_forecast(const struct defragment_map *map, const bool *chosen,
                         struct defragment_btree *btrees, size_t count)
{
    size_t place = defragment_place(map, chosen, 0);

    for (size_t i = 0; i < count; i++) {
        int64_t jumps = 0, leaves = btrees[i].leaves;
        if (!chosen[i])
            continue;
        for (int64_t leaf = 1; leaf <= leaves && place < map->pages; leaf++) {
            size_t next = defragment_place(map, chosen, place + 1);
            jumps += leaf < leaves && next - place > PAGES_FORWARD;
            place = next;
        }
        btrees[i].forecast = leaves > 1 ? (double)jumps / (double)(leaves - 1) : 0;
    }
}

/* --- verdicts ----------------------------------------------------------------------------- */

static bool defragment_tried(const struct defragment_options *options,
                             const struct defragment_btree *btree)
{
    return btree->past.known && btree->past.after > options->fragmentation_above &&
           btree->past.after > btree->past.before / 2;
}

enum defragment_verdict defragment_judge(const struct defragment_options *options,
                                         const struct defragment_btree *btree)
{
    if (btree->bytes < options->min_size)
        return DEFRAGMENT_SMALL;
    if (btree->fragmentation <= options->fragmentation_above)
        return DEFRAGMENT_FINE;
    if (btree->wrong)
        return DEFRAGMENT_WRONG;
    if (btree->forecast > fmax(options->fragmentation_above, btree->fragmentation / 2))
        return DEFRAGMENT_FUTILE;
    return defragment_tried(options, btree) ? DEFRAGMENT_TRIED : DEFRAGMENT_WORTH;
}

bool defragment_wants(const struct defragment_options *options,
                      const struct defragment_btree *btree, bool force)
{
    return force ? !btree->wrong && btree->bytes >= 0
                 : defragment_judge(options, btree) == DEFRAGMENT_WORTH;
}

/* --- in words ----------------------------------------------------------------------------- */

static void defragment_percent(struct text *text, double share)
{
    text_addf(text, "%.*f%%", share > 0 && share < 0.1 ? 1 : 0, share * 100);
}

static void defragment_say_worth(const struct defragment_options *options,
                                 const struct defragment_btree *btree, struct text *reason)
{
    text_add(reason, ", above ");
    defragment_percent(reason, options->fragmentation_above);
    text_add(reason, ", and will be ");
    defragment_percent(reason, btree->forecast);
    text_add(reason, " at most");
}

static void defragment_say_futile(const struct defragment_options *options,
                                  const struct defragment_btree *btree, struct text *reason)
{
    (void)options;
    text_add(reason, " and its pages lie so far apart that order among them would leave ");
    defragment_percent(reason, btree->forecast);
    text_add(reason, btree->table ? " (vacuum with mode: online orders all of the file)"
                                  : " (reindex builds it anew)");
}

static void defragment_say_tried(const struct defragment_options *options,
                                 const struct defragment_btree *btree, struct text *reason)
{
    (void)options;
    text_add(reason, " and to put it in order has left ");
    defragment_percent(reason, btree->past.after);
}

static void defragment_say_wrong(const struct defragment_options *options,
                                 const struct defragment_btree *btree, struct text *reason)
{
    (void)options;
    text_addf(reason, " and left alone: %s", btree->wrong);
}

/* In the order in which they are told. */
static const struct {
    enum defragment_verdict verdict;
    void (*say)(const struct defragment_options *options, const struct defragment_btree *btree,
                struct text *reason);
} defragment_sayings[] = {{DEFRAGMENT_WORTH, defragment_say_worth},
                          {DEFRAGMENT_FUTILE, defragment_say_futile},
                          {DEFRAGMENT_TRIED, defragment_say_tried},
                          {DEFRAGMENT_WRONG, defragment_say_wrong}};

static void defragment_say_fine(const struct defragment_options *options, struct text *reason)
{
    text_add(reason, "no table and no index of ");
    units_size_text(options->min_size, reason);
    text_add(reason, " or more is over ");
    defragment_percent(reason, options->fragmentation_above);
    text_add(reason, " fragmented");
}

/* The first few by name, the rest by number. */
static void defragment_say(const struct defragment_options *options,
                           const struct defragment_facts *facts, struct text *reason)
{
    char count[TEXT_SHORT];
    int64_t said = 0;

    for (size_t kind = 0; kind < sizeof defragment_sayings / sizeof *defragment_sayings; kind++)
        for (size_t i = 0; i < facts->count; i++) {
            const struct defragment_btree *btree = &facts->btrees[i];
            if (defragment_judge(options, btree) != defragment_sayings[kind].verdict ||
                ++said > DEFRAGMENT_NAMED)
                continue;
            text_add(reason, reason->length ? "; " : "");
            text_add_name(reason, btree->name);
            text_add(reason, " is ");
            defragment_percent(reason, btree->fragmentation);
            text_add(reason, " fragmented");
            defragment_sayings[kind].say(options, btree, reason);
        }
    if (said > DEFRAGMENT_NAMED)
        text_addf(reason, "; and %s more", text_count(count, said - DEFRAGMENT_NAMED));
    if (!said)
        defragment_say_fine(options, reason);
}

/* --- the decision ------------------------------------------------------------------------- */

void defragment_decide(const void *argument, const void *measured, int64_t now_us,
                       struct decision *decision)
{
    const struct defragment_options *options = argument;
    const struct defragment_facts *facts = measured;
    struct text reason = {0};
    (void)now_us;

    decision->seconds = (double)facts->file.pages * defragment_read_seconds;
    for (size_t i = 0; i < facts->count; i++) {
        bool worth = defragment_judge(options, &facts->btrees[i]) == DEFRAGMENT_WORTH;
        decision->act = decision->act || worth;
        decision->seconds += worth ? (double)facts->btrees[i].leaves * defragment_move_seconds : 0;
    }
    decision->act = decision->act || facts->file.copy_bytes;
    /* The checks before and after keep writers out where there is no WAL. */
    decision->needs_window = !facts->file.wal;
    defragment_say(options, facts, &reason);
    if (facts->file.copy_bytes)
        text_add(&reason, "; an earlier run has left the file unchecked, so that comes first");
    snprintf(decision->reason, sizeof decision->reason, "%s", reason.bytes);
    text_free(&reason);
}
