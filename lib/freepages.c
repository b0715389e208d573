/*
 * The freelist in memory: its trunks, a bit for each free page, and which trunk has it. To load it
 * is to walk from trunk to trunk as the file has them now. A trunk that is known and not doubted is
 * passed by; of the others all pages are entered, each once, so that a loop or a page that is there
 * twice ends the reading.
 */
#include "freepages_inside.h"

#include "bytes.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_SPARE = 1024 }; /* pages that a file may grow by before all is read again */

/* --- the trunks --------------------------------------------------------------------------- */

static void free_grow(struct freepages *list)
{
    size_t room = list->room ? list->room * 2 : 16;

    list->trunks = memory_resize(list->trunks, room, sizeof *list->trunks);
    memset(list->trunks + list->room, 0, (room - list->room) * sizeof *list->trunks);
    list->room = room;
}

size_t freepages_new_trunk(struct freepages *list, uint32_t page)
{
    size_t index = list->empty;

    if (index != FREEPAGES_NONE)
        list->empty = list->trunks[index].after;
    else
        index = list->used++;
    if (index == list->room)
        free_grow(list);
    struct freepages_trunk *trunk = &list->trunks[index];
    uint32_t *leaves =
        trunk->leaves ? trunk->leaves : memory_zeroed(list->most, sizeof *trunk->leaves);
    *trunk = (struct freepages_trunk){
        .page = page, .leaves = leaves, .before = FREEPAGES_NONE, .after = FREEPAGES_NONE};
    list->trunk_of[page] = (uint32_t)index;
    return index;
}

void freepages_drop_trunk(struct freepages *list, size_t index)
{
    struct freepages_trunk *trunk = &list->trunks[index];

    trunk->page = 0;
    trunk->after = list->empty;
    list->empty = index;
}

void freepages_append(struct freepages *list, size_t index)
{
    struct freepages_trunk *trunk = &list->trunks[index];

    trunk->before = list->last;
    trunk->after = FREEPAGES_NONE;
    if (list->last == FREEPAGES_NONE)
        list->first = index;
    else
        list->trunks[list->last].after = index;
    list->last = index;
    list->count++;
}

/* The trunk that this page is; NULL: it is none that is known. What trunk_of says of pages that are
 * not free is old. */
static struct freepages_trunk *free_find_trunk(const struct freepages *list, uint32_t page)
{
    if (!list->trunk_of || page > list->set.pages || list->trunk_of[page] >= list->used)
        return NULL;
    struct freepages_trunk *trunk = &list->trunks[list->trunk_of[page]];
    return trunk->page && trunk->page == page ? trunk : NULL;
}

/* --- what is known ------------------------------------------------------------------------ */

static void free_no_chain(struct freepages *list)
{
    list->first = list->last = FREEPAGES_NONE;
    list->count = 0;
}

void freepages_forget_trunks(struct freepages *list)
{
    for (size_t i = 0; i < list->used; i++)
        list->trunks[i].page = 0;
    list->used = list->changed = 0;
    list->empty = FREEPAGES_NONE;
    list->head = list->low = 0;
    free_no_chain(list);
}

void freepages_forget(struct freepages *list)
{
    if (list->set.bits)
        memset(list->set.bits, 0, list->set.pages / 8 + 1);
    list->total = 0;
    freepages_forget_trunks(list);
}

void freepages_doubt(struct freepages *list, uint32_t page)
{
    struct freepages_trunk *trunk = free_find_trunk(list, page);

    if (trunk)
        trunk->doubted = true;
}

void freepages_doubt_all(struct freepages *list)
{
    for (size_t i = 0; i < list->used; i++)
        list->trunks[i].doubted = true;
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

/* --- reading ------------------------------------------------------------------------------ */

static void free_begin(struct freepages *list, struct pageedit *edit)
{
    const struct fileheader *header = pageedit_header(edit);

    list->edit = edit;
    if (!list->set.bits || list->set.pages < header->pages ||
        list->most != header->usable / 4 - 2) {
        freepages_free(list);
        uint32_t pages =
            header->pages < PAGESET_MAX - ROOM_SPARE ? header->pages + ROOM_SPARE : PAGESET_MAX;
        pageset_reset(&list->set, pages);
        list->trunk_of = memory_zeroed((size_t)pages + 1, sizeof *list->trunk_of);
        list->edit = edit;
        list->most = header->usable / 4 - 2;
        freepages_forget(list);
    }
    list->low = 0;
    list->walk++;
    free_no_chain(list);
}

static enum status free_wrong(uint32_t page, struct error *error)
{
    return error_set(error, STATUS_REFUSED,
                     "the freelist names page %" PRIu32
                     ", which is there already or can't be free: run the integrity task",
                     page);
}

static bool free_possible(const struct freepages *list, uint32_t page)
{
    const struct fileheader *header = pageedit_header(list->edit);

    return page >= 2 && page <= header->pages && page <= list->set.pages &&
           page != fileheader_lock_page(header);
}

static void free_remove(struct freepages *list, const struct freepages_trunk *trunk)
{
    if (trunk->fresh)
        return;
    pageset_remove(&list->set, trunk->page);
    for (uint32_t i = 0; i < trunk->count; i++)
        pageset_remove(&list->set, trunk->leaves[i]);
}

static bool free_same(const struct freepages_trunk *trunk, const unsigned char *bytes)
{
    if (trunk->fresh || trunk->count != bytes_four(bytes + FREE_AT_COUNT))
        return false;
    for (uint32_t i = 0; i < trunk->count; i++)
        if (trunk->leaves[i] != bytes_four(bytes + FREE_AT_LEAVES + 4 * i))
            return false;
    return true;
}

/* Whose pages were others are entered when all that is on the list no more has gone from the set.
 */
static enum status free_read_trunk(struct freepages *list, struct freepages_trunk *trunk,
                                   struct error *error)
{
    const unsigned char *bytes = NULL;
    enum status status = pageedit_look(list->edit, trunk->page, &bytes, error);

    if (status)
        return status;
    uint32_t count = bytes_four(bytes + FREE_AT_COUNT);
    if (count > list->most)
        return error_set(error, STATUS_REFUSED,
                         "trunk page %" PRIu32 " of the freelist counts %" PRIu32
                         " pages, more than it can name: run the integrity task",
                         trunk->page, count);
    trunk->next = bytes_four(bytes + FREE_AT_NEXT);
    trunk->doubted = false;
    if (free_same(trunk, bytes))
        return STATUS_OK;
    free_remove(list, trunk);
    trunk->fresh = true;
    trunk->count = count;
    for (uint32_t i = 0; i < count; i++)
        trunk->leaves[i] = bytes_four(bytes + FREE_AT_LEAVES + 4 * i);
    return STATUS_OK;
}

/* The next trunk of the file is this page. */
static enum status free_walk_trunk(struct freepages *list, uint32_t page, uint32_t *next,
                                   struct error *error)
{
    enum status status = STATUS_OK;

    if (!free_possible(list, page))
        return free_wrong(page, error);
    struct freepages_trunk *trunk = free_find_trunk(list, page);
    if (trunk && trunk->walk == list->walk)
        return free_wrong(page, error);
    if (!trunk) {
        size_t index = freepages_new_trunk(list, page);
        trunk = &list->trunks[index];
        trunk->doubted = trunk->fresh = true;
    }
    trunk->walk = list->walk;
    freepages_append(list, (size_t)(trunk - list->trunks));
    if (trunk->doubted)
        status = free_read_trunk(list, trunk, error);
    *next = trunk->next;
    return status;
}

/* Trunks that the walk did not come by are on the list no more. */
static void free_drop_others(struct freepages *list)
{
    for (size_t i = 0; i < list->used; i++) {
        struct freepages_trunk *trunk = &list->trunks[i];
        if (!trunk->page || trunk->walk == list->walk)
            continue;
        free_remove(list, trunk);
        freepages_drop_trunk(list, i);
    }
}

static enum status free_enter(struct freepages *list, size_t index, uint32_t page,
                              struct error *error)
{
    if (!free_possible(list, page) || !pageset_add(&list->set, page))
        return free_wrong(page, error);
    list->trunk_of[page] = (uint32_t)index;
    return STATUS_OK;
}

static enum status free_enter_trunk(struct freepages *list, size_t index, struct error *error)
{
    struct freepages_trunk *trunk = &list->trunks[index];
    enum status status = free_enter(list, index, trunk->page, error);

    for (uint32_t i = 0; i < trunk->count && !status; i++)
        status = free_enter(list, index, trunk->leaves[i], error);
    trunk->fresh = false;
    return status;
}

/* The trunks are all that the file has; their pages are counted, and those of some entered. */
static enum status free_enter_all(struct freepages *list, struct error *error)
{
    const struct fileheader *header = pageedit_header(list->edit);
    enum status status = STATUS_OK;
    uint64_t total = 0;

    for (size_t i = list->first; i != FREEPAGES_NONE && !status; i = list->trunks[i].after) {
        total += 1 + (uint64_t)list->trunks[i].count;
        if (list->trunks[i].fresh)
            status = free_enter_trunk(list, i, error);
    }
    if (status)
        return status;
    if (total != header->free_pages)
        return error_set(error, STATUS_REFUSED,
                         "the freelist has %" PRIu64 " pages, but the header counts %" PRIu32
                         ": run the integrity task",
                         total, header->free_pages);
    uint32_t beyond = pageset_next(&list->set, header->pages + 1);
    return beyond ? free_wrong(beyond, error) : STATUS_OK;
}

enum status freepages_load(struct freepages *list, struct pageedit *edit, struct error *error)
{
    const struct fileheader *header = pageedit_header(edit);
    enum status status = STATUS_OK;

    free_begin(list, edit);
    for (uint32_t page = header->freelist; page && !status && list->count <= header->free_pages;)
        status = free_walk_trunk(list, page, &page, error);
    if (status == STATUS_OK) {
        free_drop_others(list);
        status = free_enter_all(list, error);
    }
    list->head = header->freelist;
    list->total = header->free_pages;
    if (status)
        freepages_forget(list);
    return status;
}
