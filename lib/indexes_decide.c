/* Whether indexes are to be built or dropped, and why or why not. Pure. */
#include "indexes.h"

#include <stdio.h>
#include <string.h>

enum { INDEXES_NAMED = 5, INDEXES_QUERY = 80, INDEXES_WHY = 330 };

/* Slower than was measured on a busy disk: an entry of an online build, its gaps and its check; an
 * entry that is sorted in one go; a page that is emptied and freed in steps, or all at once. */
static const double indexes_online_entry_s = 2e-5, indexes_offline_entry_s = 2e-6,
                    indexes_page_s = 1e-4, indexes_drop_page_s = 2e-5;
static const int64_t indexes_page_bytes = 4096;

double indexes_build_seconds(const struct indexes_item *item)
{
    double rows = item->rows > 0 ? (double)item->rows : 0;

    return rows *
           (item->state == INDEXES_OFFLINE ? indexes_offline_entry_s : indexes_online_entry_s);
}

double indexes_drop_seconds(const struct indexes_old *old)
{
    double pages = old->bytes > 0 ? (double)(old->bytes / indexes_page_bytes) : 0;

    return pages * (old->offline ? indexes_drop_page_s : indexes_page_s);
}

bool indexes_keeps(const struct indexes_facts *facts, const struct indexes_old *old,
                   struct text *why)
{
    if (old->keep) {
        text_add(why, old->keep);
        return true;
    }
    for (size_t i = 0; i < facts->query_count; i++) {
        const struct indexes_query *query = &facts->queries[i];
        if (!queryplan_reads(indexes_plan(query), old->root))
            continue;
        text_addf(why, "a watched query uses it: %.*s", INDEXES_QUERY, query->sql);
        return true;
    }
    return false;
}

char *indexes_counted(char *buffer, int64_t number)
{
    char count[TEXT_SHORT];

    snprintf(buffer, TEXT_SHORT, "%.30s %s", text_count(count, number),
             number == 1 ? "index" : "indexes");
    return buffer;
}

/* --- what there is to say ----------------------------------------------------------------- */

/* What is counted, and named: "2 indexes are missing: a, b". */
struct indexes_group {
    int64_t count;
    struct text names;
};

static void group_add(struct indexes_group *group, const char *name)
{
    if (++group->count <= INDEXES_NAMED)
        text_addf(&group->names, "%s%s", group->count > 1 ? ", " : "", name);
}

/* Appends it, with the words for one and for several, and frees it. */
static void group_say(struct indexes_group *group, const char *one, const char *many,
                      struct text *reason)
{
    char count[TEXT_SHORT];

    if (group->count) {
        text_addf(reason, "%s%s %s: %s", reason->length ? "; " : "",
                  indexes_counted(count, group->count), group->count == 1 ? one : many,
                  group->names.bytes);
        if (group->count > INDEXES_NAMED)
            text_addf(reason, " and %s more", text_count(count, group->count - INDEXES_NAMED));
    }
    text_free(&group->names);
}

static bool indexes_is_missing(const struct indexes_item *item)
{
    return item->state == INDEXES_ONLINE || item->state == INDEXES_OFFLINE;
}

static void indexes_say_missing(const struct indexes_facts *facts, struct text *reason)
{
    struct indexes_group group = {0};
    char rows[TEXT_SHORT];
    int64_t all = 0;

    for (size_t i = 0; i < facts->count; i++)
        if (indexes_is_missing(&facts->items[i])) {
            group_add(&group, facts->items[i].def.name);
            all += facts->items[i].rows > 0 ? facts->items[i].rows : 0;
        }
    bool any = group.count > 0;
    group_say(&group, "is missing", "are missing", reason);
    if (any)
        text_addf(reason, ", about %s", text_counted(rows, all, "row"));
    for (size_t i = 0; i < facts->count; i++)
        if (facts->items[i].state == INDEXES_OFFLINE)
            text_addf(reason, "; %s can't be built online: %s", facts->items[i].def.name,
                      facts->items[i].why);
}

static void indexes_say_wrong(const struct indexes_facts *facts, struct text *reason)
{
    for (size_t i = 0; i < facts->count; i++)
        if (facts->items[i].state == INDEXES_WRONG)
            text_addf(reason, "%s%s can't be had: %.*s", reason->length ? "; " : "",
                      facts->items[i].def.name, INDEXES_WHY, facts->items[i].why);
}

/* Whether one is to go, as far as can be told before the missing ones are built. */
static bool indexes_goes(const struct indexes_facts *facts, const struct indexes_old *old,
                         struct text *why)
{
    bool missing = false;

    for (size_t i = 0; i < facts->count; i++)
        missing = missing || indexes_is_missing(&facts->items[i]);
    if (!old->there)
        return false;
    return !indexes_keeps(facts, old, why) || (!old->keep && missing);
}

static void indexes_say_old(const struct indexes_facts *facts, struct text *reason)
{
    struct indexes_group group = {0};
    struct text stays = {0};
    char size[TEXT_SHORT];
    int64_t bytes = 0;

    for (size_t i = 0; i < facts->old_count; i++) {
        const struct indexes_old *old = &facts->olds[i];
        struct text why = {0};
        if (indexes_goes(facts, old, &why)) {
            group_add(&group, old->name);
            bytes += old->bytes > 0 ? old->bytes : 0;
        } else if (old->there)
            text_addf(&stays, "; %s stays: %s", old->name, why.bytes);
        text_free(&why);
    }
    bool any = group.count > 0;
    group_say(&group, "is to be dropped", "are to be dropped", reason);
    if (any)
        text_addf(reason, ", %s", text_bytes(size, bytes));
    if (stays.length)
        text_add(reason, stays.bytes + (reason->length ? 0 : 2));
    text_free(&stays);
}

static void indexes_say_there(const struct indexes_facts *facts, struct text *reason)
{
    char count[TEXT_SHORT];

    if (facts->count)
        text_addf(reason, "%s %s there as wanted", indexes_counted(count, (int64_t)facts->count),
                  facts->count == 1 ? "is" : "are");
    if (facts->old_count)
        text_addf(reason, "%s%s that must not be there %s gone", reason->length ? " and " : "",
                  indexes_counted(count, (int64_t)facts->old_count),
                  facts->old_count == 1 ? "is" : "are");
    if (!reason->length)
        text_add(reason, "the policy wants no index and drops none");
}

/* --- the queries -------------------------------------------------------------------------- */

static void watched_say(const struct indexes_facts *facts, bool errors, struct text *reason)
{
    bool first = true;

    for (size_t i = 0; i < facts->query_count; i++) {
        const struct indexes_query *query = &facts->queries[i];
        const char *what = errors ? query->error : query->worse;
        if (!what)
            continue;
        text_addf(reason, "%s%.*s%s: %.200s", first ? ": " : "; ", INDEXES_QUERY, query->sql,
                  strlen(query->sql) > INDEXES_QUERY ? " ..." : "", what);
        first = false;
    }
}

void indexes_say_watched(const struct indexes_facts *facts, struct text *reason)
{
    int64_t worse = 0, errors = 0;
    char count[TEXT_SHORT];

    for (size_t i = 0; i < facts->query_count; i++) {
        worse += facts->queries[i].worse != NULL;
        errors += facts->queries[i].error != NULL;
    }
    if (!facts->query_count)
        return;
    text_addf(reason, "; of %s ", text_counted(count, (int64_t)facts->query_count, "watched plan"));
    if (!worse)
        text_add(reason, "none is worse");
    else
        text_addf(reason, "%s %s worse", text_count(count, worse), worse == 1 ? "is" : "are");
    watched_say(facts, false, reason);
    if (errors)
        text_addf(reason, "; %s can't be compiled", text_count(count, errors));
    watched_say(facts, true, reason);
}

/* --- the decision ------------------------------------------------------------------------- */

struct indexes_sum {
    bool online, wrong; /* something is to be done at once; something can't be had */
    double seconds, shortest, offline_seconds;
    bool offline;
    int64_t freed;
};

static void sum_add(struct indexes_sum *sum, bool offline, double seconds, double max_lock_seconds)
{
    if (!offline || seconds <= max_lock_seconds) {
        sum->online = true;
        sum->seconds += seconds;
        return;
    }
    sum->offline_seconds += seconds;
    sum->shortest = !sum->offline || seconds < sum->shortest ? seconds : sum->shortest;
    sum->offline = true;
}

static struct indexes_sum indexes_add_up(const struct indexes_facts *facts)
{
    struct indexes_sum sum = {0};

    for (size_t i = 0; i < facts->count; i++) {
        const struct indexes_item *item = &facts->items[i];
        sum.wrong = sum.wrong || item->state == INDEXES_WRONG;
        if (indexes_is_missing(item))
            sum_add(&sum, item->state == INDEXES_OFFLINE, indexes_build_seconds(item),
                    facts->max_lock_seconds);
    }
    for (size_t i = 0; i < facts->old_count; i++) {
        const struct indexes_old *old = &facts->olds[i];
        struct text why = {0};
        if (indexes_goes(facts, old, &why)) {
            sum_add(&sum, old->offline, indexes_drop_seconds(old), facts->max_lock_seconds);
            sum.freed += old->bytes > 0 ? old->bytes : 0;
        }
        text_free(&why);
    }
    return sum;
}

/* What can be done at once does not wait for the window that the rest needs; and what can't be had
 * is not skipped, but fails. */
void indexes_decide(const void *options, const void *argument, int64_t now_us,
                    struct decision *decision)
{
    const struct indexes_facts *facts = argument;
    struct indexes_sum sum = indexes_add_up(facts);
    struct text reason = {0};
    (void)options;
    (void)now_us;

    decision->act = sum.online || sum.offline || sum.wrong;
    decision->needs_window = sum.offline && !sum.online && !sum.wrong;
    decision->seconds = sum.seconds + sum.offline_seconds;
    decision->part_seconds = sum.offline ? sum.shortest : 0;
    if (sum.freed)
        decision->bytes = sum.freed;
    indexes_say_wrong(facts, &reason);
    indexes_say_missing(facts, &reason);
    indexes_say_old(facts, &reason);
    if (!reason.length)
        indexes_say_there(facts, &reason);
    indexes_say_watched(facts, &reason);
    snprintf(decision->reason, sizeof decision->reason, "%s", reason.bytes);
    text_free(&reason);
}
