/*
 * The proof that a page is live, within a hold: from the page up to page 1, each page is named by
 * the next one, in the way that the hint says, and none of them is free. What was proven stays so
 * to the end of the hold, since nobody else can write; our own moves keep it up.
 */
#include "compact_inside.h"

#include "memory.h"

#include <inttypes.h>

/* A b-tree has at most 20 levels; the rest is for payloads of many overflow pages. Each is a page
 * to be read within the hold, which takes some 2 us. */
enum { PROOF_LEAST = 1024, PROOF_OF_MS = 128 };

static size_t proof_most(const struct compact *compact)
{
    double most = PROOF_OF_MS * engine_max_lock_ms(compact->engine);

    return most > PROOF_LEAST ? (size_t)most : PROOF_LEAST;
}

static void proof_add(struct compact *compact, size_t *length, uint32_t page)
{
    if (*length == compact->path_room) {
        compact->path_room = compact->path_room ? compact->path_room * 2 : 64;
        compact->path = memory_resize(compact->path, compact->path_room, sizeof *compact->path);
    }
    compact->path[(*length)++] = page;
}

static enum status proof_root(struct compact *compact, uint32_t page, struct compact_link *link,
                              struct error *error)
{
    if (compact->moved_schema) {
        enum status status = schemaroots_load(&compact->roots, compact->edit, error);
        if (status)
            return status;
        compact->moved_schema = false;
    }
    const struct schemaroot *root = schemaroots_find(&compact->roots, page);
    if (root)
        *link = (struct compact_link){.page = root->page, .at = root->at, .root = root};
    return STATUS_OK;
}

/* Whatever is wrong with the page that the hint names, it does not name this one. */
static enum status proof_parent(struct compact *compact, uint32_t page, uint32_t parent,
                                enum pagelink_kind kind, struct compact_link *link,
                                struct error *error)
{
    uint32_t usable = pageedit_header(compact->edit)->usable;
    enum pagelink_kind above = parent == 1 ? PAGELINK_CHILD : compact_kind(compact, parent);
    bool overflow = above == PAGELINK_FIRST || above == PAGELINK_NEXT;
    const unsigned char *bytes = NULL;
    uint32_t at = 0;

    if (overflow != (kind == PAGELINK_NEXT) || above == PAGELINK_NONE)
        return STATUS_OK;
    enum status status = pageedit_read(compact->edit, parent, &bytes, error);
    if (status)
        return status == STATUS_INVALID ? STATUS_OK : status;
    if (pagelink_find(bytes, parent, usable, above, page, kind, &at))
        *link = (struct compact_link){.page = parent, .at = at};
    return STATUS_OK;
}

enum status compact_find_link(struct compact *compact, uint32_t page, struct compact_link *link,
                              struct error *error)
{
    enum pagelink_kind kind = compact_kind(compact, page);

    *link = (struct compact_link){0};
    if (kind == PAGELINK_NONE)
        return STATUS_OK;
    if (compact_is_root(compact, page))
        return proof_root(compact, page, link, error);
    return proof_parent(compact, page, compact_parent(compact, page), kind, link, error);
}

/* `given`, a page that is free, may be on the way all the same; 0: none. */
static enum status proof_way(struct compact *compact, uint32_t page, uint32_t given, bool *live,
                             struct error *error)
{
    const struct fileheader *header = pageedit_header(compact->edit);
    struct compact_link link;
    size_t length = 0;

    *live = false;
    while (page != 1 && !pageset_has(&compact->live, page)) {
        if (length == proof_most(compact) || page < 1 || page > header->pages ||
            (page != given && freepages_has(&compact->free_pages, page)))
            return STATUS_OK;
        enum status status = compact_find_link(compact, page, &link, error);
        if (status || !link.page)
            return status;
        proof_add(compact, &length, page);
        page = link.page;
    }
    while (length > 0)
        pageset_add(&compact->live, compact->path[--length]);
    *live = true;
    return STATUS_OK;
}

enum status compact_prove(struct compact *compact, uint32_t page, bool *live, struct error *error)
{
    return proof_way(compact, page, 0, live, error);
}

/* No sound file has such a page; what was free for the audit may be in a tree now, but not both. */
enum status compact_prove_free(struct compact *compact, uint32_t page, struct error *error)
{
    bool live = false;
    enum status status = STATUS_OK;

    if (compact_kind(compact, page) != PAGELINK_NONE)
        status = proof_way(compact, page, page, &live, error);
    if (status == STATUS_OK && live)
        return error_set(error, STATUS_FAILED,
                         "page %" PRIu32 " is on the freelist and in use, so the file is damaged, "
                         "and nothing more was changed: run the integrity task",
                         page);
    return status;
}

enum status compact_take(struct compact *compact, uint32_t page, struct error *error)
{
    if (!freepages_has(&compact->free_pages, page))
        return error_set(error, STATUS_FAILED, "page %" PRIu32 " was to be free and is not", page);
    enum status status = compact_prove_free(compact, page, error);
    if (status)
        return status;
    compact->changed = true;
    return freepages_take(&compact->free_pages, page, error);
}
