/* The links of a page, by btreepage's reading of its cells. */
#include "pagelink.h"

#include "btreepage.h"
#include "bytes.h"
#include "memory.h"

#include <stdlib.h>

enum { ROOM_FIRST = 256 };

static void pagelink_add(struct pagelinks *links, uint32_t at, uint32_t page,
                         enum pagelink_kind kind)
{
    if (links->count == links->room) {
        links->room = links->room ? links->room * 2 : ROOM_FIRST;
        links->items = memory_resize(links->items, links->room, sizeof *links->items);
    }
    links->items[links->count++] = (struct pagelink){.at = at, .page = page, .kind = kind};
}

static enum status pagelink_cell(const struct btreepage *page, uint32_t i, struct pagelinks *links,
                                 struct error *error)
{
    struct btreepage_cell cell;
    enum status status = btreepage_cell(page, i, &cell, error);

    if (status)
        return status;
    if (!page->leaf)
        pagelink_add(links, cell.at, cell.child, PAGELINK_CHILD);
    if (cell.overflow_pages) /* the number stands behind what stays on the page */
        pagelink_add(links, cell.local_at + cell.local, cell.overflow, PAGELINK_FIRST);
    return STATUS_OK;
}

enum { AT_LAST_CHILD = 8 }; /* of an interior page's header */

static enum status pagelink_list_tree(const unsigned char *bytes, uint32_t number, uint32_t usable,
                                      struct pagelinks *links, struct error *error)
{
    struct btreepage page;
    enum status status = btreepage_parse(bytes, number, usable, &page, error);

    for (uint32_t i = 0; status == STATUS_OK && i < page.cells; i++)
        status = pagelink_cell(&page, i, links, error);
    if (status)
        return status;
    links->leaf = page.leaf;
    if (!page.leaf)
        pagelink_add(links, page.header + AT_LAST_CHILD, page.last_child, PAGELINK_CHILD);
    return STATUS_OK;
}

enum status pagelink_list(const unsigned char *bytes, uint32_t number, uint32_t usable,
                          enum pagelink_kind kind, struct pagelinks *links, struct error *error)
{
    links->count = 0;
    links->leaf = false;
    if (kind == PAGELINK_CHILD)
        return pagelink_list_tree(bytes, number, usable, links, error);
    if (bytes_four(bytes)) /* the next overflow page; 0 on the last one */
        pagelink_add(links, 0, bytes_four(bytes), PAGELINK_NEXT);
    return STATUS_OK;
}

/* A child's number is the first of its cell, so the others need not be parsed. */
static bool pagelink_find_child(const struct btreepage *page, uint32_t to, uint32_t *at)
{
    struct btreepage_cell cell;
    struct error ignored;
    uint32_t child = 0;

    for (uint32_t i = 0; !page->leaf && i < page->cells; i++) {
        if (btreepage_child(page, i, &child, &ignored))
            return false;
        if (child != to)
            continue;
        if (btreepage_cell(page, i, &cell, &ignored))
            return false;
        *at = cell.at;
        return true;
    }
    *at = page->header + AT_LAST_CHILD;
    return !page->leaf && page->last_child == to;
}

static bool pagelink_find_first(const struct btreepage *page, uint32_t to, uint32_t *at)
{
    struct btreepage_cell cell;
    struct error ignored;

    for (uint32_t i = 0; i < page->cells; i++) {
        if (btreepage_cell(page, i, &cell, &ignored))
            return false;
        *at = cell.local_at + cell.local;
        if (cell.overflow_pages && cell.overflow == to)
            return true;
    }
    return false;
}

bool pagelink_find(const unsigned char *bytes, uint32_t number, uint32_t usable,
                   enum pagelink_kind from, uint32_t to, enum pagelink_kind kind, uint32_t *at)
{
    struct btreepage page;
    struct error ignored;

    if (from != PAGELINK_CHILD) {
        *at = 0;
        return kind == PAGELINK_NEXT && to && bytes_four(bytes) == to;
    }
    if (btreepage_parse(bytes, number, usable, &page, &ignored))
        return false;
    return kind == PAGELINK_CHILD   ? pagelink_find_child(&page, to, at)
           : kind == PAGELINK_FIRST ? pagelink_find_first(&page, to, at)
                                    : false;
}

void pagelink_free(struct pagelinks *links)
{
    free(links->items);
    *links = (struct pagelinks){0};
}
