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

static bool free_is_trunk(const struct freepages *list, uint32_t page)
{
    return list->trunks[list->trunk_of[page]].page == page;
}

/* The lowest leaf; only where there is none a trunk, which is dearer to take. */
uint32_t freepages_any(struct freepages *list, uint32_t limit)
{
    uint32_t page = pageset_next(&list->set, list->low);

    while (page && page <= limit && free_is_trunk(list, page))
        page = pageset_next(&list->set, page + 1);
    list->low = page;
    if (page && page <= limit)
        return page;
    page = pageset_next(&list->set, 0);
    return page <= limit ? page : 0;
}

/* --- changing ----------------------------------------------------------------------------- */

/* Whatever leads to `trunk` (or, without one, to what comes behind the last) leads to `page`. */
static void free_lead_to(struct freepages *list, size_t before, uint32_t page)
{
    if (before == FREEPAGES_NONE) {
        list->head = page;
        return;
    }
    list->trunks[before].next = page;
    list->trunks[before].changed = true;
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

static void free_remove_leaf(struct freepages_trunk *trunk, uint32_t index)
{
    trunk->leaves[index] = trunk->leaves[--trunk->count];
    trunk->changed = true;
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
    free_remove_leaf(trunk, lowest);
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
        free_remove_leaf(&list->trunks[index], leaf);
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
    trunk->changed = true;
    list->trunk_of[page] = (uint32_t)index;
}

static void free_add_trunk(struct freepages *list, uint32_t page)
{
    size_t index = freepages_new_trunk(list, page);

    free_lead_to(list, list->last, page);
    freepages_append(list, index);
    list->trunks[index].changed = true;
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
    struct pageset set = list->set;
    uint32_t total = list->total;

    list->set = (struct pageset){0}; /* which stays as it is */
    freepages_forget(list);
    list->set = set;
    list->total = total;
    for (uint32_t page = pageset_next(&set, 2); page; page = pageset_next(&set, page + 1))
        free_put(list, page);
}

/* --- the first trunk ---------------------------------------------------------------------- */

/* Where the search for low leaves is, from the last trunk on. */
struct free_search {
    size_t trunk;
    uint32_t leaf, left; /* leaves that may be looked at */
};

/* A leaf of at most `limit` behind the first trunk; NULL: none was found. */
static uint32_t *free_low_leaf(struct freepages *list, uint32_t limit, struct free_search *search)
{
    for (; search->trunk != list->first; search->trunk = list->trunks[search->trunk].before) {
        struct freepages_trunk *some = &list->trunks[search->trunk];
        for (; search->leaf < some->count && search->left; search->left--, search->leaf++)
            if (some->leaves[search->leaf] <= limit)
                return &some->leaves[search->leaf++];
        if (!search->left)
            return NULL;
        search->leaf = 0;
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
    list->trunks[list->first].changed = list->trunks[trunk].changed = true;
}

void freepages_lower_first(struct freepages *list, uint32_t limit, uint32_t most)
{
    struct free_search search = {.trunk = list->last, .left = most};

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
    if (status)
        return status;
    bytes_put_four(first + AT_HEAD, list->head);
    bytes_put_four(first + AT_TOTAL, list->total);
    return STATUS_OK;
}
