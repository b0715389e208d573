/*
 * The merging of half empty leaves with their neighbours under the same parent, so that a page
 * becomes free. What was read for the hints tells which pairs may fit; within a hold the parent and
 * both leaves are proven to be live, read anew, and merged where they do fit (pagemerge.h). The
 * schema's own b-tree is left alone, and a root is never one of the two.
 */
#include "compact_inside.h"

#include "btreepage.h"
#include "memory.h"
#include "pagemerge.h"

#include <stdlib.h>
#include <string.h>

enum { MERGE_GLANCES = 256 }; /* parents looked at in one hold, at most */

struct merge {
    size_t next;                  /* of the parents */
    uint32_t child;               /* of that one, from 0 */
    uint8_t below;                /* 255ths: one of the two is filled less */
    unsigned char *parent, *leaf; /* room for a page each */
};

/* --- a pair ------------------------------------------------------------------------------- */

static bool merge_promises(const struct compact *compact, const struct merge *merge, uint32_t left,
                           uint32_t right)
{
    if (left > compact->capacity || right > compact->capacity)
        return false;
    int a = compact->filled[left], b = compact->filled[right];
    return a + b <= UINT8_MAX && (a < merge->below || b < merge->below);
}

/* Live, and a child by the hint, too, so that no other hint is wrong afterwards. */
static enum status merge_prove(struct compact *compact, uint32_t page, uint32_t parent, bool *good,
                               struct error *error)
{
    *good =
        compact_kind(compact, page) == PAGELINK_CHILD && compact_parent(compact, page) == parent;
    return *good ? compact_prove(compact, page, good, error) : STATUS_OK;
}

static enum status merge_read(struct compact *compact, uint32_t parent, uint32_t left,
                              uint32_t right, struct pagemerge *pages, struct error *error)
{
    struct pagemerge_page *all[] = {&pages->parent, &pages->left, &pages->right};
    const uint32_t numbers[] = {parent, left, right};

    pages->usable = pageedit_header(compact->edit)->usable;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        enum status status =
            pageedit_read(compact->edit, all[i]->number = numbers[i], &all[i]->bytes, error);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status merge_write(struct compact *compact, uint32_t page, const unsigned char *bytes,
                               struct error *error)
{
    unsigned char *to = NULL;
    enum status status = pageedit_change(compact->edit, page, &to, error);

    if (status == STATUS_OK)
        memcpy(to, bytes, pageedit_header(compact->edit)->page_size);
    return status;
}

/* The right one is free, and what it and the cell between named, the left one names now. */
static enum status merge_do(struct compact *compact, struct merge *merge,
                            const struct pagemerge *pages, struct error *error)
{
    uint32_t left = pages->left.number, right = pages->right.number;
    enum status status;

    if ((status = merge_write(compact, pages->parent.number, merge->parent, error)) ||
        (status = merge_write(compact, left, merge->leaf, error)) ||
        (status = compact_adopt(compact, left, PAGELINK_CHILD, merge->leaf, error)))
        return status;
    compact_note_hint(compact, right, PAGELINK_NONE, 0);
    pageset_remove(&compact->live, right);
    freepages_give(&compact->free_pages, right);
    compact->filled[left] =
        pagemerge_filled(merge->leaf, left, pageedit_header(compact->edit)->usable);
    compact->changed = true;
    compact->result.merged++;
    return STATUS_OK;
}

static enum status merge_pair(struct compact *compact, struct merge *merge, uint32_t parent,
                              uint32_t left, uint32_t right, bool *fits, struct error *error)
{
    struct pagemerge pages = {.child = merge->child};
    bool good = false;
    enum status status = merge_prove(compact, left, parent, &good, error);

    *fits = false;
    if (status == STATUS_OK && good)
        status = merge_prove(compact, right, parent, &good, error);
    if (status || !good)
        return status;
    if ((status = merge_read(compact, parent, left, right, &pages, error)))
        return status;
    status = pagemerge(&pages, merge->parent, merge->leaf, fits, error);
    if (status == STATUS_INVALID) /* leaves no more, or damaged: they stay as they are */
        return STATUS_OK;
    return status || !*fits ? status : merge_do(compact, merge, &pages, error);
}

/* --- a parent ----------------------------------------------------------------------------- */

/* The children from the cursor on; `*done` is false where the hold ends amid them. */
static enum status merge_children(struct compact *compact, struct merge *merge, uint32_t parent,
                                  bool *done, struct error *error)
{
    uint32_t usable = pageedit_header(compact->edit)->usable, left = 0, right = 0;
    const unsigned char *bytes = NULL;
    struct btreepage page;
    struct error ignored;
    bool fits = false;

    for (;;) {
        enum status status = pageedit_read(compact->edit, parent, &bytes, error);
        if (status)
            return status;
        *done = btreepage_parse(bytes, parent, usable, &page, &ignored) || page.leaf ||
                merge->child >= page.cells ||
                btreepage_child(&page, merge->child, &left, &ignored) ||
                btreepage_child(&page, merge->child + 1, &right, &ignored);
        if (*done || compact_spent(compact))
            return STATUS_OK;
        if (merge_promises(compact, merge, left, right) &&
            (status = merge_pair(compact, merge, parent, left, right, &fits, error)))
            return status;
        merge->child += !fits; /* else the left one may take the next, too */
        fits = false;
    }
}

static enum status merge_work(struct compact *compact, void *argument, struct error *error)
{
    struct merge *merge = argument;
    enum status status = STATUS_OK;
    bool live = false, done = true;

    for (int i = 0; i < MERGE_GLANCES && merge->next < compact->parent_count && done; i++) {
        uint32_t parent = compact->parents[merge->next];
        status = compact_prove(compact, parent, &live, error);
        if (status == STATUS_OK && live)
            status = merge_children(compact, merge, parent, &done, error);
        if (status)
            return status;
        if (done) {
            merge->next++;
            merge->child = 0;
        }
        if (compact_spent(compact))
            break;
    }
    return STATUS_OK;
}

enum status compact_merge(struct compact *compact, double below, struct error *error)
{
    size_t size = database_facts(compact->engine->database)->page_size;
    struct merge merge = {.below = (uint8_t)(below * UINT8_MAX),
                          .parent = memory_resize(NULL, size, 1),
                          .leaf = memory_resize(NULL, size, 1)};
    enum status status = STATUS_OK;
    bool done = false;

    while (status == STATUS_OK && merge.next < compact->parent_count) {
        struct merge before = merge;
        status = compact_hold(compact, merge_work, &merge, &done, error);
        if (!done)
            merge = before;
        engine_progress(compact->engine, (int64_t)merge.next, (int64_t)compact->parent_count);
    }
    free(merge.parent);
    free(merge.leaf);
    return status;
}
