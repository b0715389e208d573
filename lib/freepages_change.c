/*
 * What is done with the freelist in memory: pages are found, taken and given, and the trunks that
 * changed by it are written. Each is a change of memory alone till freepages_store.
 */
#include "freepages_inside.h"

#include "bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { AT_HEAD = 32, AT_TOTAL = 36 }; /* of page 1 */

/* SQLite reads up to usable/4 - 2 leaves, and writes six fewer, for the sake of versions before
 * 3.6.0, which misread a full trunk (fileformat2.html#the_freelist). */
enum { LEAVES_SPARED = 6 };

/* --- finding ------------------------------------------------------------------------------ */

/* Pages that are taken last: trunks, and what the application takes next. */
static bool free_is_last(const struct freepages *list, uint32_t page)
{
    uint32_t index = list->trunk_of[page];

    return index == list->first || list->trunks[index].page == page;
}

/* The first leaf of the first trunk; 0: it has none of at most `limit`. */
static uint32_t free_of_first(const struct freepages *list, uint32_t limit)
{
    const struct freepages_trunk *first =
        list->first == FREEPAGES_NONE ? NULL : &list->trunks[list->first];

    for (uint32_t i = 0; first && i < first->count; i++)
        if (first->leaves[i] <= limit)
            return first->leaves[i];
    return 0;
}

uint32_t freepages_any(struct freepages *list, uint32_t limit)
{
    uint32_t page = pageset_next(&list->set, list->low);

    while (page && page <= limit && free_is_last(list, page))
        page = pageset_next(&list->set, page + 1);
    list->low = page;
    if (page && page <= limit)
        return page;
    if ((page = free_of_first(list, limit)))
        return page;
    page = pageset_next(&list->set, 0);
    return page <= limit ? page : 0;
}

/* --- changing ----------------------------------------------------------------------------- */

static void free_change(struct freepages *list, struct freepages_trunk *trunk)
{
    list->changed += !trunk->changed;
    trunk->changed = true;
}

/* The trunk `before` leads to `page`; if it is none, page 1 does. */
static void free_lead_to(struct freepages *list, size_t before, uint32_t page)
{
    if (before == FREEPAGES_NONE) {
        list->head = page;
        return;
    }
    list->trunks[before].next = page;
    free_change(list, &list->trunks[before]);
}

static bool free_leaf_index(const struct freepages_trunk *trunk, uint32_t page, uint32_t *index)
{
    for (uint32_t i = 0; i < trunk->count; i++)
        if (trunk->leaves[i] == page) {
            *index = i;
            return true;
        }
    return false;
}

static void free_remove_leaf(struct freepages *list, struct freepages_trunk *trunk, uint32_t index)
{
    trunk->leaves[index] = trunk->leaves[--trunk->count];
    free_change(list, trunk);
}

static void free_unlink(struct freepages *list, size_t index)
{
    const struct freepages_trunk *trunk = &list->trunks[index];

    if (trunk->before == FREEPAGES_NONE)
        list->first = trunk->after;
    else
        list->trunks[trunk->before].after = trunk->after;
    if (trunk->after == FREEPAGES_NONE)
        list->last = trunk->before;
    else
        list->trunks[trunk->after].before = trunk->before;
    list->count--;
}

/* One of its leaves takes the trunk's place, the lowest, or the trunk goes. */
static void free_take_trunk(struct freepages *list, size_t index)
{
    struct freepages_trunk *trunk = &list->trunks[index];
    uint32_t lowest = 0;

    free_lead_to(list, trunk->before, trunk->next);
    if (!trunk->count) {
        free_unlink(list, index);
        freepages_drop_trunk(list, index);
        return;
    }
    for (uint32_t i = 1; i < trunk->count; i++)
        if (trunk->leaves[i] < trunk->leaves[lowest])
            lowest = i;
    trunk->page = trunk->leaves[lowest];
    free_remove_leaf(list, trunk, lowest);
    free_lead_to(list, trunk->before, trunk->page);
}

enum status freepages_take(struct freepages *list, uint32_t page, struct error *error)
{
    size_t index = list->trunk_of[page];
    uint32_t leaf = 0;

    assert(freepages_has(list, page));
    if (list->trunks[index].page == page)
        free_take_trunk(list, index);
    else if (free_leaf_index(&list->trunks[index], page, &leaf))
        free_remove_leaf(list, &list->trunks[index], leaf);
    else
        return error_set(error, STATUS_REFUSED, "page %" PRIu32 " is on no trunk of the freelist",
                         page);
    pageset_remove(&list->set, page);
    list->total--;
    return STATUS_OK;
}

static void free_add(struct freepages *list, size_t index, uint32_t page)
{
    struct freepages_trunk *trunk = &list->trunks[index];

    trunk->leaves[trunk->count++] = page;
    free_change(list, trunk);
    list->trunk_of[page] = (uint32_t)index;
}

static void free_add_trunk(struct freepages *list, uint32_t page)
{
    size_t index = freepages_new_trunk(list, page);

    free_lead_to(list, list->last, page);
    freepages_append(list, index);
    free_change(list, &list->trunks[index]);
}

/* Behind all others. */
static void free_put(struct freepages *list, uint32_t page)
{
    if (list->last != FREEPAGES_NONE && list->trunks[list->last].count < list->most - LEAVES_SPARED)
        free_add(list, list->last, page);
    else
        free_add_trunk(list, page);
}

void freepages_give(struct freepages *list, uint32_t page)
{
    bool added = pageset_add(&list->set, page);

    assert(added);
    (void)added;
    free_put(list, page);
    list->low = page < list->low ? page : list->low;
    list->total++;
}

/* The set has its pages in order. Each trunk takes the pages that follow it. */
void freepages_sort(struct freepages *list)
{
    freepages_forget_trunks(list);
    for (uint32_t page = pageset_next(&list->set, 2); page;
         page = pageset_next(&list->set, page + 1))
        free_put(list, page);
}

/* --- the first trunk ---------------------------------------------------------------------- */

/* Where the search for low leaves is. What is low in one trunk is taken out of it before the next
 * one is looked for, so that few trunks change. */
struct free_search {
    size_t trunk;  /* FREEPAGES_NONE: to be found */
    uint32_t leaf; /* of the trunk: the next one to be looked at */
    uint32_t page; /* the lowest page that may lead to a further trunk */
    uint32_t left; /* leaves that may be looked at */
};

/* The trunk with the lowest leaf of at most `limit`, but for the first trunk. */
static bool free_low_trunk(struct freepages *list, uint32_t limit, struct free_search *search)
{
    uint32_t page = pageset_next(&list->set, search->page);

    while (page && page <= limit && free_is_last(list, page))
        page = pageset_next(&list->set, page + 1);
    if (!page || page > limit)
        return false;
    search->trunk = list->trunk_of[page];
    search->leaf = 0;
    search->page = page + 1; /* this one is among those that are taken out of the trunk */
    return true;
}

/* A leaf of at most `limit` behind the first trunk; NULL: none was found. */
static uint32_t *free_low_leaf(struct freepages *list, uint32_t limit, struct free_search *search)
{
    while (search->trunk != FREEPAGES_NONE || free_low_trunk(list, limit, search)) {
        struct freepages_trunk *some = &list->trunks[search->trunk];
        for (; search->leaf < some->count && search->left; search->left--, search->leaf++)
            if (some->leaves[search->leaf] <= limit)
                return &some->leaves[search->leaf++];
        if (!search->left)
            return NULL;
        search->trunk = FREEPAGES_NONE;
    }
    return NULL;
}

static void free_exchange(struct freepages *list, uint32_t *high, size_t trunk, uint32_t *low)
{
    uint32_t page = *high;

    *high = *low;
    *low = page;
    list->trunk_of[*high] = (uint32_t)list->first;
    list->trunk_of[*low] = (uint32_t)trunk;
    free_change(list, &list->trunks[list->first]);
    free_change(list, &list->trunks[trunk]);
}

void freepages_lower_first(struct freepages *list, uint32_t limit, uint32_t most)
{
    struct free_search search = {.trunk = FREEPAGES_NONE, .left = most};

    if (list->count < 2)
        return;
    for (uint32_t i = 0; i < list->trunks[list->first].count; i++) {
        uint32_t *high = &list->trunks[list->first].leaves[i], *low;
        if (*high <= limit)
            continue;
        if (!(low = free_low_leaf(list, limit, &search)))
            return;
        free_exchange(list, high, search.trunk, low);
    }
}

/* --- writing ------------------------------------------------------------------------------ */

static enum status free_write_trunk(struct freepages *list, const struct freepages_trunk *trunk,
                                    struct error *error)
{
    unsigned char *bytes = NULL;
    enum status status = pageedit_change(list->edit, trunk->page, &bytes, error);

    if (status)
        return status;
    memset(bytes, 0, pageedit_header(list->edit)->page_size);
    bytes_put_four(bytes + FREE_AT_NEXT, trunk->next);
    bytes_put_four(bytes + FREE_AT_COUNT, trunk->count);
    for (uint32_t i = 0; i < trunk->count; i++)
        bytes_put_four(bytes + FREE_AT_LEAVES + 4 * i, trunk->leaves[i]);
    return STATUS_OK;
}

enum status freepages_store(struct freepages *list, struct error *error)
{
    unsigned char *first = NULL;
    enum status status = pageedit_change(list->edit, 1, &first, error);

    for (size_t i = 0; i < list->used && !status; i++) {
        if (list->trunks[i].page && list->trunks[i].changed)
            status = free_write_trunk(list, &list->trunks[i], error);
        list->trunks[i].changed = false;
    }
    list->changed = 0;
    if (status)
        return status;
    bytes_put_four(first + AT_HEAD, list->head);
    bytes_put_four(first + AT_TOTAL, list->total);
    return STATUS_OK;
}
