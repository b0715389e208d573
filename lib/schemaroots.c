/*
 * The walk of the schema's table from page 1, and the reading of its records' first four columns
 * (fileformat2.html#record_format): type, name, tbl_name, rootpage.
 */
#include "schemaroots.h"

#include "btreepage.h"
#include "bytes.h"
#include "memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { LEVELS = 20, COLUMN_ROOT = 3, ROOTS_FIRST = 64 };

/* A record's bytes as far as they are on the page. */
struct record {
    const unsigned char *bytes;
    uint32_t length;
};

/* --- a record ----------------------------------------------------------------------------- */

static bool roots_varint(const struct record *record, uint32_t *at, uint64_t *value)
{
    return bytes_varint(record->bytes, record->length, at, value);
}

/* Bytes of a column's value by its serial type. */
static uint64_t roots_width(uint64_t type)
{
    static const unsigned char widths[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};

    return type < 12 ? widths[type] : (type - 12) / 2;
}

/* Where the root's number is in the record; `*length` 0: the row has none (NULL or 0, as views and
 * triggers have). False: it is not on this page, or no whole number. */
static bool roots_place(const struct record *record, uint32_t *at, uint32_t *length)
{
    uint64_t header = 0, type = 0, before = 0;
    uint32_t next = 0;

    if (!roots_varint(record, &next, &header))
        return false;
    for (int column = 0; column <= COLUMN_ROOT; column++) {
        before += column ? roots_width(type) : 0;
        if (before > record->length || next >= header || !roots_varint(record, &next, &type))
            return false;
    }
    *length = 0;
    if (type == 0 || type == 8)
        return true;
    if (type > 6 || header > record->length || header + before + roots_width(type) > record->length)
        return false;
    *at = (uint32_t)(header + before);
    *length = (uint32_t)roots_width(type);
    return true;
}

static uint64_t roots_number(const unsigned char *bytes, uint32_t length)
{
    uint64_t number = bytes[0] & 0x80 ? UINT64_MAX : 0;

    for (uint32_t i = 0; i < length; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* --- the pages ---------------------------------------------------------------------------- */

static void roots_add(struct schemaroots *roots, const struct schemaroot *root)
{
    if (roots->count == roots->room) {
        roots->room = roots->room ? roots->room * 2 : ROOTS_FIRST;
        roots->items = memory_resize(roots->items, roots->room, sizeof *roots->items);
    }
    roots->items[roots->count++] = *root;
}

static enum status roots_row(struct schemaroots *roots, const struct btreepage *page, uint32_t i,
                             uint32_t pages, struct error *error)
{
    struct btreepage_cell cell;
    uint32_t at = 0, length = 0;
    enum status status = btreepage_cell(page, i, &cell, error);

    if (status)
        return status;
    struct record record = {page->bytes + cell.local_at, cell.local};
    if (!roots_place(&record, &at, &length))
        return error_set(error, STATUS_REFUSED,
                         "row %" PRId64 " of the schema is so long that its root page's number "
                         "does not stand on page %" PRIu32 ": take mode: full for this file",
                         cell.rowid, page->number);
    uint64_t root = length ? roots_number(record.bytes + at, length) : 0;
    if (!root)
        return STATUS_OK;
    if (root < 2 || root > pages)
        return error_set(error, STATUS_REFUSED,
                         "row %" PRId64 " of the schema has a root page that can't be: run the "
                         "integrity task",
                         cell.rowid);
    roots_add(roots, &(struct schemaroot){.root = (uint32_t)root,
                                          .page = page->number,
                                          .at = cell.local_at + at,
                                          .length = length});
    return STATUS_OK;
}

/* Bounded by its depth and by `*left`, the pages that a tree may still have. */
static enum status roots_walk(struct schemaroots *roots, struct pageedit *edit, uint32_t number,
                              int depth, uint32_t *left, struct error *error)
{
    const struct fileheader *header = pageedit_header(edit);
    const unsigned char *bytes = NULL;
    struct btreepage page;
    enum status status;

    if (depth == LEVELS || (*left)-- == 0)
        return error_set(error, STATUS_REFUSED, "the schema's b-tree has no end");
    if ((status = pageedit_read(edit, number, &bytes, error)) ||
        (status = btreepage_parse(bytes, number, header->usable, &page, error)))
        return status;
    if (!page.table)
        return error_set(error, STATUS_REFUSED, "page %" PRIu32 " of the schema is an index's",
                         number);
    for (uint32_t i = 0; i < page.cells + !page.leaf && !status; i++) {
        uint32_t child = 0;
        if (page.leaf)
            status = roots_row(roots, &page, i, header->pages, error);
        else if ((status = btreepage_child(&page, i, &child, error)) == STATUS_OK)
            status = roots_walk(roots, edit, child, depth + 1, left, error);
    }
    return status;
}

/* --- the list ----------------------------------------------------------------------------- */

static int roots_compare(const void *a, const void *b)
{
    const struct schemaroot *x = a, *y = b;

    return (x->root > y->root) - (x->root < y->root);
}

enum status schemaroots_load(struct schemaroots *roots, struct pageedit *edit, struct error *error)
{
    uint32_t left = pageedit_header(edit)->pages;

    roots->count = 0;
    enum status status = roots_walk(roots, edit, 1, 0, &left, error);
    if (status == STATUS_INVALID)
        return error_set(error, STATUS_REFUSED, "the schema is damaged; run the integrity task");
    if (status)
        return status;
    if (roots->count)
        qsort(roots->items, roots->count, sizeof *roots->items, roots_compare);
    for (size_t i = 1; i < roots->count; i++)
        if (roots->items[i].root == roots->items[i - 1].root)
            return error_set(error, STATUS_REFUSED,
                             "two b-trees have their root on page %" PRIu32
                             ": run the integrity task",
                             roots->items[i].root);
    return STATUS_OK;
}

const struct schemaroot *schemaroots_find(const struct schemaroots *roots, uint32_t root)
{
    struct schemaroot key = {.root = root};

    return roots->count
               ? bsearch(&key, roots->items, roots->count, sizeof *roots->items, roots_compare)
               : NULL;
}

bool schemaroots_on(const struct schemaroots *roots, uint32_t page)
{
    for (size_t i = 0; i < roots->count; i++)
        if (roots->items[i].page == page)
            return true;
    return false;
}

enum status schemaroots_move(const struct schemaroot *root, struct pageedit *edit, uint32_t to,
                             struct error *error)
{
    unsigned char *bytes = NULL;
    enum status status = pageedit_change(edit, root->page, &bytes, error);

    assert(to < root->root);
    for (uint32_t i = root->length; status == STATUS_OK && i-- > 0; to >>= 8)
        bytes[root->at + i] = (unsigned char)to;
    return status;
}

void schemaroots_free(struct schemaroots *roots)
{
    free(roots->items);
    *roots = (struct schemaroots){0};
}
