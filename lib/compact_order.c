/*
 * The order: the leaves of all b-trees, each followed by its overflow pages, go in key order into
 * the first pages of the file, one after the other. Where the place is free the page moves there,
 * else the two change places. Interior pages, roots, the schema's own pages and what the
 * application has put somewhere meanwhile stay where they are, and are passed by; so does what is
 * not of a chosen b-tree.
 */
#include "compact_inside.h"

#include "btreepage.h"
#include "memory.h"

#include <stdlib.h>

enum {
    ORDER_GLANCES = 4096, /* places passed by in one hold, at most */
    ORDER_SORT_MOST = 256 /* trunks of the freelist that one hold can write */
};

struct order {
    size_t next;    /* of the order: which page is to be placed */
    uint32_t place; /* where */
    bool over;      /* the places are at their end */
};

/* A live page of those that may change places: an overflow page, or a leaf that is no root. */
static enum status order_movable(struct compact *compact, uint32_t page, bool *movable,
                                 struct error *error)
{
    uint32_t usable = pageedit_header(compact->edit)->usable;
    const unsigned char *bytes = NULL;
    struct btreepage parsed;
    struct error ignored;
    bool live = false;
    enum status status;

    *movable = false;
    if (page < 2 || compact_is_root(compact, page))
        return STATUS_OK;
    if ((status = compact_prove(compact, page, &live, error)) || !live ||
        (status = pageedit_read(compact->edit, page, &bytes, error)))
        return status;
    *movable =
        compact_kind(compact, page) != PAGELINK_CHILD ||
        (btreepage_parse(bytes, page, usable, &parsed, &ignored) == STATUS_OK && parsed.leaf);
    return STATUS_OK;
}

/* Puts `from` into the place, which is free or another's. `*placed` is false where neither. */
static enum status order_put(struct compact *compact, uint32_t from, uint32_t place, bool *placed,
                             struct error *error)
{
    enum status status;

    if (freepages_has(&compact->free_pages, place)) {
        *placed = true;
        if ((status = compact_take(compact, place, error)) ||
            (status = compact_move(compact, from, place, error)))
            return status;
        freepages_give(&compact->free_pages, from);
        return STATUS_OK;
    }
    status = order_movable(compact, place, placed, error);
    return status || !*placed ? status : compact_swap(compact, from, place, error);
}

/* One page into one place, or one of the two passed by. */
static enum status order_one(struct compact *compact, struct order *order, struct error *error)
{
    uint32_t from = compact->order[order->next], place = order->place;
    bool movable = false, placed = false;
    enum status status;

    if (place > (compact->choice ? compact->end : compact->end - compact->free_pages.total)) {
        order->over = true;
        return STATUS_OK;
    }
    if (from == place) {
        order->next++;
        order->place++;
        return STATUS_OK;
    }
    if (!freepages_has(&compact->free_pages, place) && !compact->rank[place]) {
        order->place++; /* the lock page, or nothing that is ours to move */
        return STATUS_OK;
    }
    if ((status = order_movable(compact, from, &movable, error)))
        return status;
    if (!movable) {
        compact->result.left++;
        order->next++;
        return STATUS_OK;
    }
    if ((status = order_put(compact, from, place, &placed, error)))
        return status;
    order->next += placed;
    order->place++;
    return STATUS_OK;
}

static enum status order_work(struct compact *compact, void *argument, struct error *error)
{
    struct order *order = argument;
    enum status status = STATUS_OK;
    int64_t moves = compact->result.moved + compact->result.swapped;

    for (int i = 0; i < ORDER_GLANCES && order->next < compact->order_count && !order->over; i++) {
        status = order_one(compact, order, error);
        int64_t now = compact->result.moved + compact->result.swapped;
        if (status || (now > moves && compact_spent(compact)))
            break;
        moves = now;
    }
    return status;
}

static enum status order_sort(struct compact *compact, void *argument, struct error *error)
{
    (void)argument;
    (void)error;
    if (compact->free_pages.count <= ORDER_SORT_MOST) {
        freepages_sort(&compact->free_pages);
        compact->changed = true;
    }
    return STATUS_OK;
}

static enum status order_all(struct compact *compact, struct error *error)
{
    struct order order = {.place = 2};
    enum status status = STATUS_OK;
    bool done = false;

    engine_progress_anew(compact->engine);
    while (status == STATUS_OK && !done)
        status = compact_hold(compact, order_sort, NULL, &done, error);
    while (status == STATUS_OK && order.next < compact->order_count && !order.over) {
        struct order before = order;
        status = compact_hold(compact, order_work, &order, &done, error);
        if (!done)
            order = before;
        engine_progress(compact->engine, (int64_t)order.next, (int64_t)compact->order_count);
    }
    return status;
}

enum status compact_order(struct compact *compact, const struct compact_choice *choice,
                          struct error *error)
{
    compact->choice = choice;
    compact->rank = memory_zeroed((size_t)compact->capacity + 1, sizeof *compact->rank);
    enum status status = compact_scan(compact, true, error);
    if (status == STATUS_OK)
        status = order_all(compact, error);
    free(compact->order);
    free(compact->rank);
    compact->order = compact->rank = NULL;
    compact->order_count = compact->order_room = 0;
    return status;
}
