/*
 * The b-tree page's format, field by field, after fileformat2.html#b_tree_pages and the checks of
 * SQLite's btree.c (btreeInitPage, btreeComputeFreeSpace, btreeParseCell).
 */
#include "btreepage.h"

#include "bytes.h"

#include <inttypes.h>

/* The first byte of a page's header: flags that occur in four combinations. */
enum { FLAG_TABLE = 1, FLAG_INDEX = 2, FLAG_TABLE_DATA = 4, FLAG_LEAF = 8 };

/* Where each field of the page's header is. */
enum { AT_FREE_BLOCK = 1, AT_CELLS = 3, AT_CONTENT = 5, AT_FRAGMENTS = 7, AT_LAST_CHILD = 8 };

enum { FILE_HEADER = 100, HEADER_LEAF = 8, HEADER_INTERIOR = 12, CELL_MIN = 4 };

#define PAYLOAD_MAX 2147483647U /* SQLite's own limit */

static bool btreepage_kind(struct btreepage *page, unsigned flags)
{
    page->leaf = flags & FLAG_LEAF;
    page->table = flags & FLAG_TABLE;
    flags &= ~(unsigned)FLAG_LEAF;
    return flags == FLAG_INDEX || flags == (FLAG_TABLE | FLAG_TABLE_DATA);
}

enum status btreepage_parse(const unsigned char *bytes, uint32_t number, uint32_t usable,
                            struct btreepage *page, struct error *error)
{
    uint32_t start = number == 1 ? FILE_HEADER : 0;
    const unsigned char *header = bytes + start;
    struct btreepage found = {
        .bytes = bytes,
        .number = number,
        .usable = usable,
        .header = start,
        .cells = bytes_two(header + AT_CELLS),
        .free_block = bytes_two(header + AT_FREE_BLOCK),
        .fragments = header[AT_FRAGMENTS],
    };

    if (!btreepage_kind(&found, header[0]))
        return error_set(error, STATUS_INVALID, "page %" PRIu32 " is no page of a b-tree (type %d)",
                         number, header[0]);
    found.pointers = start + (found.leaf ? HEADER_LEAF : HEADER_INTERIOR);
    found.last_child = found.leaf ? 0 : bytes_four(header + AT_LAST_CHILD);
    found.content = bytes_two(header + AT_CONTENT);
    if (!found.content)
        found.content = 65536;
    if (found.content > usable || found.content < found.pointers + 2 * found.cells)
        return error_set(error, STATUS_INVALID,
                         "page %" PRIu32 " has %" PRIu32 " cells and their content at byte %" PRIu32
                         ", which can't be",
                         number, found.cells, found.content);
    *page = found;
    return STATUS_OK;
}

/* Where cell `i` begins; behind the pointers and with room for the smallest cell. */
static enum status btreepage_cell_at(const struct btreepage *page, uint32_t i, uint32_t *at,
                                     struct error *error)
{
    uint32_t found = bytes_two(page->bytes + page->pointers + 2 * i);

    if (found < page->pointers + 2 * page->cells || found > page->usable - CELL_MIN)
        return error_set(error, STATUS_INVALID,
                         "page %" PRIu32 ": cell %" PRIu32 " begins at byte %" PRIu32
                         ", outside the page's content",
                         page->number, i, found);
    *at = found;
    return STATUS_OK;
}

enum status btreepage_child(const struct btreepage *page, uint32_t i, uint32_t *child,
                            struct error *error)
{
    uint32_t at = 0;

    if (i == page->cells) {
        *child = page->last_child;
        return STATUS_OK;
    }
    enum status status = btreepage_cell_at(page, i, &at, error);
    if (status)
        return status;
    *child = bytes_four(page->bytes + at);
    return STATUS_OK;
}

/* A variable-length integer of the page. */
static bool btreepage_varint(const struct btreepage *page, uint32_t *at, uint64_t *value)
{
    return bytes_varint(page->bytes, page->usable, at, value);
}

/* How much of a payload stays on the page: fileformat2.html#cell_payload, where U is the usable
 * size, P the payload's, X the most that stays, M the least where some overflows. */
static uint32_t btreepage_local(const struct btreepage *page, uint32_t payload)
{
    uint32_t most = page->table ? page->usable - 35 : (page->usable - 12) * 64 / 255 - 23;
    uint32_t least = (page->usable - 12) * 32 / 255 - 23;

    if (payload <= most)
        return payload;
    uint32_t local = least + (payload - least) % (page->usable - 4);
    return local <= most ? local : least;
}

static bool btreepage_payload(const struct btreepage *page, uint64_t payload,
                              struct btreepage_cell *cell)
{
    uint32_t chain = page->usable - 4; /* an overflow page begins with the next one's number */

    if (payload > PAYLOAD_MAX)
        return false;
    cell->has_payload = true;
    cell->payload = (uint32_t)payload;
    cell->local = btreepage_local(page, cell->payload);
    uint32_t end = cell->local_at + cell->local, rest = cell->payload - cell->local;
    if (end + (rest ? 4 : 0) > page->usable)
        return false;
    cell->overflow = rest ? bytes_four(page->bytes + end) : 0;
    cell->overflow_pages = rest / chain + (rest % chain ? 1 : 0);
    cell->length = end + (rest ? 4 : 0) - cell->at;
    return true;
}

/* The fields behind the child's number, in the file's order: payload size, rowid, payload. */
static bool btreepage_fields(const struct btreepage *page, uint32_t at, struct btreepage_cell *cell)
{
    bool payload = page->leaf || !page->table;
    uint64_t size = 0, rowid = 0;

    if (payload && !btreepage_varint(page, &at, &size))
        return false;
    if (page->table && !btreepage_varint(page, &at, &rowid))
        return false;
    cell->rowid = (int64_t)rowid;
    cell->local_at = payload ? at : 0;
    cell->length = at - cell->at;
    return !payload || btreepage_payload(page, size, cell);
}

enum status btreepage_cell(const struct btreepage *page, uint32_t i, struct btreepage_cell *cell,
                           struct error *error)
{
    struct btreepage_cell found = {0};
    enum status status = btreepage_cell_at(page, i, &found.at, error);

    if (status)
        return status;
    uint32_t at = found.at;
    if (!page->leaf) {
        found.child = bytes_four(page->bytes + at);
        at += 4;
    }
    if (!btreepage_fields(page, at, &found))
        return error_set(error, STATUS_INVALID,
                         "page %" PRIu32 ": cell %" PRIu32 " does not end on the page",
                         page->number, i);
    if (found.length < CELL_MIN)
        found.length = CELL_MIN; /* SQLite gives every cell that much */
    *cell = found;
    return STATUS_OK;
}

enum status btreepage_unused(const struct btreepage *page, uint32_t *unused, struct error *error)
{
    uint32_t free_bytes = page->content - (page->pointers + 2 * page->cells) + page->fragments;
    uint32_t from = page->content; /* blocks lie in the content, each behind the one before */

    for (uint32_t at = page->free_block; at;) {
        if (at < from || at > page->usable - CELL_MIN)
            return error_set(error, STATUS_INVALID,
                             "page %" PRIu32 ": its free block at byte %" PRIu32
                             " is out of order or outside the content",
                             page->number, at);
        uint32_t next = bytes_two(page->bytes + at), size = bytes_two(page->bytes + at + 2);
        if (size < CELL_MIN || size > page->usable - at)
            return error_set(error, STATUS_INVALID,
                             "page %" PRIu32 ": its free block at byte %" PRIu32 " has %" PRIu32
                             " bytes",
                             page->number, at, size);
        free_bytes += size;
        from = at + size;
        at = next;
    }
    if (free_bytes > btreepage_room(page))
        return error_set(error, STATUS_INVALID,
                         "page %" PRIu32 " counts more free bytes than it has", page->number);
    *unused = free_bytes;
    return STATUS_OK;
}

uint32_t btreepage_room(const struct btreepage *page)
{
    return page->usable - page->pointers;
}
