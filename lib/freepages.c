/*
 * The freelist in memory: its trunks as an array, a bit and a trunk's index for each page. What is
 * taken and given changes these; freepages_store writes the trunks that changed. Each page is
 * entered once, so a loop or a page that is there twice ends the reading.
 */
#include "freepages.h"

#include "bytes.h"
#include "memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AT_NEXT = 0, AT_COUNT = 4, AT_LEAVES = 8 }; /* of a trunk page */
enum { AT_HEAD = 32, AT_TOTAL = 36 };              /* of page 1 */

/* SQLite reads up to usable/4 - 2 leaves, and writes six fewer, for the sake of versions before
 * 3.6.0, which misread a full trunk (fileformat2.html#the_freelist). */
enum { LEAVES_SPARED = 6 };

/* --- the array ---------------------------------------------------------------------------- */

static struct freepages_trunk *free_add_trunk(struct freepages *list, uint32_t page)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        list->trunks = memory_resize(list->trunks, room, sizeof *list->trunks);
        memset(list->trunks + list->room, 0, (room - list->room) * sizeof *list->trunks);
        list->room = room;
    }
    struct freepages_trunk *trunk = &list->trunks[list->count++];
    if (!trunk->leaves)
        trunk->leaves = memory_zeroed(list->most, sizeof *trunk->leaves);
    *trunk = (struct freepages_trunk){.page = page, .leaves = trunk->leaves};
    return trunk;
}

/* A trunk that is still there, before `index`; NULL: the file's header leads to that one. */
static struct freepages_trunk *free_before(struct freepages *list, size_t index)
{
    while (index-- > 0)
        if (!list->trunks[index].gone)
            return &list->trunks[index];
    return NULL;
}

static void free_lead_to(struct freepages *list, size_t index, uint32_t page)
{
    struct freepages_trunk *before = free_before(list, index);

    if (before) {
        before->next = page;
        before->changed = true;
    } else {
        list->head = page;
    }
}

/* --- reading ------------------------------------------------------------------------------ */

static void free_reset(struct freepages *list, struct pageedit *edit)
{
    const struct fileheader *header = pageedit_header(edit);

    if (list->set.pages < header->pages || !list->set.bits) {
        list->trunk_of =
            memory_resize(list->trunk_of, (size_t)header->pages + 1, sizeof *list->trunk_of);
        pageset_reset(&list->set, header->pages);
    } else {
        memset(list->set.bits, 0, list->set.pages / 8 + 1);
    }
    list->edit = edit;
    list->most = header->usable / 4 - 2;
    list->count = 0;
    list->head = header->freelist;
    list->total = 0;
    list->cursor = SIZE_MAX;
}

static enum status free_enter(struct freepages *list, uint32_t page, uint32_t trunk,
                              struct error *error)
{
    const struct fileheader *header = pageedit_header(list->edit);

    if (page < 2 || page > header->pages || page == fileheader_lock_page(header) ||
        !pageset_add(&list->set, page))
        return error_set(error, STATUS_REFUSED,
                         "the freelist names page %" PRIu32
                         ", which is there already or can't be free: run the integrity task",
                         page);
    list->trunk_of[page] = trunk;
    list->total++;
    return STATUS_OK;
}

static enum status free_read_trunk(struct freepages *list, uint32_t page, uint32_t *next,
                                   struct error *error)
{
    const unsigned char *bytes = NULL;
    uint32_t index = (uint32_t)list->count;
    enum status status = free_enter(list, page, index, error);

    if (status == STATUS_OK)
        status = pageedit_read(list->edit, page, &bytes, error);
    if (status)
        return status;
    uint32_t count = bytes_four(bytes + AT_COUNT);
    if (count > list->most)
        return error_set(error, STATUS_REFUSED,
                         "trunk page %" PRIu32 " of the freelist counts %" PRIu32
                         " pages, more than it can name: run the integrity task",
                         page, count);
    struct freepages_trunk *trunk = free_add_trunk(list, page);
    *next = trunk->next = bytes_four(bytes + AT_NEXT);
    trunk->count = count;
    for (uint32_t i = 0; i < count && !status; i++) {
        trunk->leaves[i] = bytes_four(bytes + AT_LEAVES + 4 * i);
        status = free_enter(list, trunk->leaves[i], index, error);
    }
    return status;
}

enum status freepages_load(struct freepages *list, struct pageedit *edit, struct error *error)
{
    enum status status = STATUS_OK;

    free_reset(list, edit);
    for (uint32_t page = list->head; page && !status;)
        status = free_read_trunk(list, page, &page, error);
    if (status == STATUS_OK && list->total != pageedit_header(edit)->free_pages)
        return error_set(error, STATUS_REFUSED,
                         "the freelist has %" PRIu32 " pages, but the header counts %" PRIu32
                         ": run the integrity task",
                         list->total, pageedit_header(edit)->free_pages);
    return status;
}

void freepages_free(struct freepages *list)
{
    for (size_t i = 0; i < list->room; i++)
        free(list->trunks[i].leaves);
    free(list->trunks);
    free(list->trunk_of);
    pageset_free(&list->set);
    *list = (struct freepages){0};
}

bool freepages_has(const struct freepages *list, uint32_t page)
{
    return pageset_has(&list->set, page);
}

/* --- finding ------------------------------------------------------------------------------ */

/* The lowest page of the trunk, itself included. */
static uint32_t free_lowest(const struct freepages_trunk *trunk)
{
    uint32_t lowest = trunk->page;

    for (uint32_t i = 0; i < trunk->count; i++)
        if (trunk->leaves[i] < lowest)
            lowest = trunk->leaves[i];
    return lowest;
}

/* From the last trunk to the first, since the application takes pages from that one. A leaf is
 * cheaper to take than its trunk. */
uint32_t freepages_any(struct freepages *list, uint32_t limit)
{
    if (list->cursor > list->count)
        list->cursor = list->count;
    for (; list->cursor > 0; list->cursor--) {
        const struct freepages_trunk *trunk = &list->trunks[list->cursor - 1];
        if (trunk->gone)
            continue;
        for (uint32_t i = trunk->count; i-- > 0;)
            if (trunk->leaves[i] <= limit)
                return trunk->leaves[i];
        if (trunk->page <= limit)
            return trunk->page;
    }
    return 0;
}

/* --- changing ----------------------------------------------------------------------------- */

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

/* One of its leaves takes the trunk's place, or the trunk goes. */
static void free_take_trunk(struct freepages *list, size_t index)
{
    struct freepages_trunk *trunk = &list->trunks[index];
    uint32_t leaf = 0;

    if (!trunk->count) {
        trunk->gone = true;
        free_lead_to(list, index, trunk->next);
        return;
    }
    trunk->page = UINT32_MAX; /* not the lowest */
    trunk->page = free_lowest(trunk);
    if (free_leaf_index(trunk, trunk->page, &leaf))
        free_remove_leaf(trunk, leaf);
    free_lead_to(list, index, trunk->page);
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

void freepages_give(struct freepages *list, uint32_t page)
{
    struct freepages_trunk *last = free_before(list, list->count);

    if (last && last->count < list->most - LEAVES_SPARED) {
        last->leaves[last->count++] = page;
    } else {
        free_lead_to(list, list->count, page);
        last = free_add_trunk(list, page);
    }
    last->changed = true;
    list->trunk_of[page] = (uint32_t)(last - list->trunks);
    list->cursor = SIZE_MAX;
    list->total++;
    bool added = pageset_add(&list->set, page);
    assert(added);
    (void)added;
}

/* --- the first trunk ---------------------------------------------------------------------- */

/* A leaf of at most `limit` in a trunk behind the first, from the last one on; NULL: none. */
static uint32_t *free_low_leaf(struct freepages *list, size_t first, uint32_t limit, size_t *trunk,
                               uint32_t *leaf)
{
    for (; *trunk > first; (*trunk)--, *leaf = 0) {
        struct freepages_trunk *some = &list->trunks[*trunk];
        for (; !some->gone && *leaf < some->count; (*leaf)++)
            if (some->leaves[*leaf] <= limit)
                return &some->leaves[(*leaf)++];
    }
    return NULL;
}

static void free_exchange(struct freepages *list, size_t first, uint32_t *high, size_t trunk,
                          uint32_t *low)
{
    uint32_t page = *high;

    *high = *low;
    *low = page;
    list->trunk_of[*high] = (uint32_t)first;
    list->trunk_of[*low] = (uint32_t)trunk;
    list->trunks[first].changed = list->trunks[trunk].changed = true;
}

void freepages_lower_first(struct freepages *list, uint32_t limit, uint32_t most)
{
    size_t first = 0;
    uint32_t at = 0;

    while (first < list->count && list->trunks[first].gone)
        first++;
    if (first + 1 >= list->count)
        return;
    size_t trunk = list->count - 1;
    for (uint32_t i = 0; i < list->trunks[first].count && most; i++) {
        uint32_t *high = &list->trunks[first].leaves[i], *low;
        if (*high <= limit)
            continue;
        if (!(low = free_low_leaf(list, first, limit, &trunk, &at)))
            return;
        free_exchange(list, first, high, trunk, low);
        most--;
    }
    list->cursor = SIZE_MAX;
}

/* The set has its pages in order. Each trunk takes the pages that follow it. */
void freepages_sort(struct freepages *list)
{
    struct freepages_trunk *trunk = NULL;
    uint32_t before = 0, left = list->total;

    list->count = 0;
    list->cursor = SIZE_MAX;
    for (uint32_t page = 2; left; page++) {
        if (!pageset_has(&list->set, page))
            continue;
        left--;
        if (trunk && trunk->count < list->most - LEAVES_SPARED) {
            trunk->leaves[trunk->count++] = page;
        } else {
            before = (uint32_t)list->count;
            free_lead_to(list, list->count, page);
            trunk = free_add_trunk(list, page);
            trunk->changed = true;
        }
        list->trunk_of[page] = before;
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
    bytes_put_four(bytes + AT_NEXT, trunk->next);
    bytes_put_four(bytes + AT_COUNT, trunk->count);
    for (uint32_t i = 0; i < trunk->count; i++)
        bytes_put_four(bytes + AT_LEAVES + 4 * i, trunk->leaves[i]);
    return STATUS_OK;
}

enum status freepages_store(struct freepages *list, struct error *error)
{
    unsigned char *first = NULL;
    enum status status = pageedit_change(list->edit, 1, &first, error);

    for (size_t i = 0; i < list->count && !status; i++) {
        if (list->trunks[i].changed && !list->trunks[i].gone)
            status = free_write_trunk(list, &list->trunks[i], error);
        list->trunks[i].changed = false;
    }
    if (status)
        return status;
    bytes_put_four(first + AT_HEAD, list->head);
    bytes_put_four(first + AT_TOTAL, list->total);
    return STATUS_OK;
}
