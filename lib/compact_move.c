/*
 * The two ways in which pages change places. Each changes the bytes of the pages, the number in the
 * page that names them, and the hints of all that they name, so that proofs of this hold stay true.
 * In a file with auto_vacuum NONE no page knows who names it, and so nothing else has to change.
 */
#include "compact_inside.h"

#include "bytes.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum status compact_adopt(struct compact *compact, uint32_t number, enum pagelink_kind kind,
                          const unsigned char *bytes, struct error *error)
{
    uint32_t usable = pageedit_header(compact->edit)->usable;
    struct error wrong;

    if (pagelink_list(bytes, number, usable, kind, &compact->links, &wrong))
        return error_set(error, STATUS_FAILED,
                         "a live page is damaged, and nothing more was changed: %.200s; run the "
                         "integrity task",
                         wrong.text);
    for (size_t i = 0; i < compact->links.count; i++)
        compact_note_hint(compact, compact->links.items[i].page, compact->links.items[i].kind,
                          number);
    return STATUS_OK;
}

/* Has what names the page name `to`. */
static enum status move_mend(struct compact *compact, const struct compact_link *link, uint32_t to,
                             struct error *error)
{
    unsigned char *bytes = NULL;

    if (link->root) {
        compact->moved_root = compact->moved_schema = true;
        return schemaroots_move(link->root, compact->edit, to, error);
    }
    enum status status = pageedit_change(compact->edit, link->page, &bytes, error);
    if (status == STATUS_OK)
        bytes_put_four(bytes + link->at, to);
    return status;
}

/* The link must be where the proof has found it. */
static enum status move_link(struct compact *compact, uint32_t page, struct compact_link *link,
                             struct error *error)
{
    enum status status = compact_find_link(compact, page, link, error);

    if (status == STATUS_OK && !link->page)
        return error_set(error, STATUS_FAILED, "page %" PRIu32 " was live and is not", page);
    return status;
}

static void move_rank(struct compact *compact, uint32_t from, uint32_t to)
{
    uint32_t rank = compact->rank ? compact->rank[from] : 0;

    if (!compact->rank)
        return;
    if (compact->rank[to]) /* what was there before is free or cut off: it has no place */
        compact_note(compact, &compact->order[compact->rank[to] - 1], 0);
    compact_note(compact, &compact->rank[to], rank);
    compact_note(compact, &compact->rank[from], 0);
    if (rank)
        compact_note(compact, &compact->order[rank - 1], to);
}

enum status compact_move(struct compact *compact, uint32_t from, uint32_t to, struct error *error)
{
    enum pagelink_kind kind = compact_kind(compact, from);
    uint32_t parent = compact_parent(compact, from);
    size_t size = pageedit_header(compact->edit)->page_size;
    const unsigned char *old = NULL;
    unsigned char *bytes = NULL;
    struct compact_link link;
    enum status status;

    if ((status = move_link(compact, from, &link, error)) ||
        (status = move_mend(compact, &link, to, error)) ||
        (status = pageedit_read(compact->edit, from, &old, error)) ||
        (status = pageedit_change(compact->edit, to, &bytes, error)))
        return status;
    memcpy(bytes, old, size);
    compact->moved_schema = compact->moved_schema || schemaroots_on(&compact->roots, from);
    compact_note_hint(compact, from, PAGELINK_NONE, 0);
    compact_note_hint(compact, to, kind, parent);
    pageset_remove(&compact->live, from);
    pageset_add(&compact->live, to);
    move_rank(compact, from, to);
    compact->changed = true;
    compact->result.moved++;
    return compact_adopt(compact, to, kind, bytes, error);
}

static void swap_ranks(struct compact *compact, uint32_t a, uint32_t b)
{
    uint32_t rank_a = compact->rank ? compact->rank[a] : 0,
             rank_b = compact->rank ? compact->rank[b] : 0;

    if (!compact->rank)
        return;
    compact_note(compact, &compact->rank[a], rank_b);
    compact_note(compact, &compact->rank[b], rank_a);
    if (rank_a)
        compact_note(compact, &compact->order[rank_a - 1], b);
    if (rank_b)
        compact_note(compact, &compact->order[rank_b - 1], a);
}

/* The bytes of both, exchanged. */
static enum status swap_bytes(struct compact *compact, uint32_t a, uint32_t b,
                              unsigned char **bytes_a, unsigned char **bytes_b, struct error *error)
{
    size_t size = pageedit_header(compact->edit)->page_size;
    enum status status;

    if ((status = pageedit_change(compact->edit, a, bytes_a, error)) ||
        (status = pageedit_change(compact->edit, b, bytes_b, error)))
        return status;
    unsigned char *held = memory_resize(NULL, size, 1);
    memcpy(held, *bytes_a, size);
    memcpy(*bytes_a, *bytes_b, size);
    memcpy(*bytes_b, held, size);
    free(held);
    return STATUS_OK;
}

/* One may name the other: what names them is mended first, where it is, and goes along. */
enum status compact_swap(struct compact *compact, uint32_t a, uint32_t b, struct error *error)
{
    enum pagelink_kind kind_a = compact_kind(compact, a), kind_b = compact_kind(compact, b);
    uint32_t above_a = compact_parent(compact, a), above_b = compact_parent(compact, b);
    unsigned char *bytes_a = NULL, *bytes_b = NULL;
    struct compact_link link_a, link_b;
    enum status status;

    if ((status = move_link(compact, a, &link_a, error)) ||
        (status = move_link(compact, b, &link_b, error)) ||
        (status = move_mend(compact, &link_a, b, error)) ||
        (status = move_mend(compact, &link_b, a, error)) ||
        (status = swap_bytes(compact, a, b, &bytes_a, &bytes_b, error)))
        return status;
    compact->moved_schema = compact->moved_schema || schemaroots_on(&compact->roots, a) ||
                            schemaroots_on(&compact->roots, b);
    compact_note_hint(compact, b, kind_a, above_a == b ? a : above_a);
    compact_note_hint(compact, a, kind_b, above_b == a ? b : above_b);
    swap_ranks(compact, a, b);
    compact->changed = true;
    compact->result.swapped++;
    if ((status = compact_adopt(compact, b, kind_a, bytes_b, error)))
        return status;
    return compact_adopt(compact, a, kind_b, bytes_a, error);
}
